//! Where the boxes of a picture go: layers from left to right, few crossings, each box beside what it is linked with.
//!
//! The usual four steps for layered drawings (Sugiyama, Tagawa, Toda 1981): layers by the longest way to an end, waypoints where an
//! edge spans several layers, an order within layers by the mean place of neighbours, and heights as near to the neighbours' as the
//! order allows (least squares, by pooling adjacent violators). The same graph always gives the same picture.

use super::links::{Edge, Graph};

/// A point, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// Where everything is.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// The middle of the left side of each box.
    pub(super) nodes: Vec<Point>,
    /// The width of each box: all boxes of a layer are as wide as its widest.
    pub(super) widths: Vec<f64>,
    /// The points that each edge passes between its boxes: pairs, in and out of each layer that it crosses.
    pub(super) edges: Vec<Vec<Point>>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Distances, in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spacing {
    pub(super) box_height: f64,
    pub(super) between_boxes: f64,
    pub(super) between_layers: f64,
    pub(super) between_components: f64,
}

/// How often the layers are put into order, and how often heights are brought nearer.
const SWEEPS: usize = 8;

/// Lays out `graph`, whose boxes need at least `widths`. Each connected part is laid out for itself, and they stand one below the other.
pub(super) fn layout(graph: &Graph, widths: &[f64], spacing: Spacing) -> Layout {
    let mut whole = Layout {
        nodes: vec![Point::default(); graph.nodes.len()],
        widths: widths.to_vec(),
        edges: vec![Vec::new(); graph.edges.len()],
        ..Layout::default()
    };
    let parts = components(graph);
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            whole.height += spacing.between_components;
        }
        Part::of(graph, part, widths, spacing).place(graph, &mut whole);
    }
    whole
}

/// The connected parts, each in the order of its nodes; parts in the order of their first.
fn components(graph: &Graph) -> Vec<Vec<usize>> {
    let mut root: Vec<usize> = (0..graph.nodes.len()).collect();
    let find = |root: &[usize], mut it: usize| {
        while root[it] != it {
            it = root[it];
        }
        it
    };
    for edge in &graph.edges {
        let (a, b) = (find(&root, edge.from), find(&root, edge.to));
        root[a.max(b)] = a.min(b);
    }
    let mut parts: Vec<Vec<usize>> = vec![Vec::new(); graph.nodes.len()];
    for node in 0..graph.nodes.len() {
        parts[find(&root, node)].push(node);
    }
    parts.retain(|it| !it.is_empty());
    parts
}

/// A box or a waypoint of an edge.
#[derive(Debug, Clone, Copy)]
enum Item {
    Box(usize),
    Waypoint,
}

/// One connected part while it is laid out.
struct Part<'a> {
    items: Vec<Item>,
    /// Layer → items, from top to bottom.
    layers: Vec<Vec<usize>>,
    /// Item → items linked with it, to the left and to the right.
    left: Vec<Vec<usize>>,
    right: Vec<Vec<usize>>,
    /// Edge number → its items, from box to box.
    ways: Vec<(usize, Vec<usize>)>,
    y: Vec<f64>,
    widths: &'a [f64],
    spacing: Spacing,
}

impl<'a> Part<'a> {
    fn of(graph: &Graph, nodes: &[usize], widths: &'a [f64], spacing: Spacing) -> Self {
        let layer_of = layers(graph, nodes);
        let count = nodes.iter().map(|&it| layer_of[it] + 1).max().unwrap_or(0);
        let mut part = Self {
            items: Vec::new(),
            layers: vec![Vec::new(); count],
            left: Vec::new(),
            right: Vec::new(),
            ways: Vec::new(),
            y: Vec::new(),
            widths,
            spacing,
        };
        let mut item_of = vec![usize::MAX; graph.nodes.len()];
        for &node in nodes {
            item_of[node] = part.add(Item::Box(node), layer_of[node]);
        }
        let own = |it: &Edge| item_of[it.from] != usize::MAX;
        for (number, edge) in graph.edges.iter().enumerate().filter(|(_, it)| own(it)) {
            let mut way = vec![item_of[edge.from]];
            for layer in layer_of[edge.from] + 1..layer_of[edge.to] {
                let waypoint = part.add(Item::Waypoint, layer);
                way.push(waypoint);
            }
            way.push(item_of[edge.to]);
            for pair in way.windows(2) {
                part.right[pair[0]].push(pair[1]);
                part.left[pair[1]].push(pair[0]);
            }
            part.ways.push((number, way));
        }
        for sweep in 0..SWEEPS {
            part.sort_layers(sweep % 2 == 0);
        }
        part.stack();
        for sweep in 0..SWEEPS {
            part.align(sweep % 2 == 0);
        }
        part
    }

    fn add(&mut self, item: Item, layer: usize) -> usize {
        self.items.push(item);
        self.left.push(Vec::new());
        self.right.push(Vec::new());
        self.y.push(0.0);
        self.layers[layer].push(self.items.len() - 1);
        self.items.len() - 1
    }

    /// Sorts each layer by the mean place of its items' neighbours, from the left or from the right.
    fn sort_layers(&mut self, is_from_left: bool) {
        let mut place = vec![0.0; self.items.len()];
        for layer in &self.layers {
            layer.iter().zip(0_u32..).for_each(|(&it, at)| place[it] = f64::from(at));
        }
        let neighbours = if is_from_left { &self.left } else { &self.right };
        let count = self.layers.len();
        for step in 0..count {
            let layer = &mut self.layers[if is_from_left { step } else { count - 1 - step }];
            let mean: Vec<f64> = (0..self.items.len()).map(|it| mean(&neighbours[it], &place).unwrap_or(place[it])).collect();
            layer.sort_by(|&a, &b| mean[a].total_cmp(&mean[b]));
            layer.iter().zip(0_u32..).for_each(|(&it, at)| place[it] = f64::from(at));
        }
    }

    /// The room that an item takes, from top to bottom.
    fn room(&self, item: usize) -> f64 {
        match self.items[item] {
            Item::Box(_) => self.spacing.box_height + self.spacing.between_boxes,
            Item::Waypoint => self.spacing.between_boxes,
        }
    }

    fn stack(&mut self) {
        for layer in self.layers.clone() {
            let mut y = 0.0;
            for item in layer {
                let room = self.room(item);
                self.y[item] = y + room / 2.0;
                y += room;
            }
        }
    }

    /// Moves the items of each layer towards their neighbours on one side, or on both at the end, without changing the order.
    fn align(&mut self, is_from_left: bool) {
        let count = self.layers.len();
        for step in 0..count {
            let layer = self.layers[if is_from_left { step } else { count - 1 - step }].clone();
            let neighbours = if is_from_left { &self.left } else { &self.right };
            let wanted: Vec<f64> = layer.iter().map(|&it| mean(&neighbours[it], &self.y).unwrap_or(self.y[it])).collect();
            // Against the places they would have when stacked without gaps, the order asks only that nothing goes down.
            let mut offsets = Vec::with_capacity(layer.len());
            let mut y = 0.0;
            for &item in &layer {
                offsets.push(y + self.room(item) / 2.0);
                y += self.room(item);
            }
            let shifts: Vec<f64> = wanted.iter().zip(&offsets).map(|(wanted, offset)| wanted - offset).collect();
            for ((item, shift), offset) in layer.iter().zip(rising(&shifts)).zip(&offsets) {
                self.y[*item] = shift + offset;
            }
        }
    }

    /// Writes the part below what is there.
    fn place(self, graph: &Graph, whole: &mut Layout) {
        let top = |it: usize| self.y[it] - self.room(it) / 2.0;
        let (mut first, mut last) = (f64::INFINITY, f64::NEG_INFINITY);
        for item in 0..self.items.len() {
            first = first.min(top(item));
            last = last.max(top(item) + self.room(item));
        }
        let down = whole.height - first;
        let mut x = 0.0;
        let mut lefts = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let boxes = layer.iter().filter_map(|&it| if let Item::Box(node) = self.items[it] { Some(node) } else { None });
            let width = boxes.map(|it| self.widths[it]).fold(0.0, f64::max);
            for &item in layer {
                if let Item::Box(node) = self.items[item] {
                    whole.nodes[node] = Point { x, y: self.y[item] + down };
                    whole.widths[node] = width;
                }
            }
            lefts.push((x, width));
            x += width + self.spacing.between_layers;
        }
        let mut layer_of = vec![0; self.items.len()];
        self.layers.iter().enumerate().for_each(|(at, layer)| layer.iter().for_each(|&it| layer_of[it] = at));
        for (number, way) in &self.ways {
            let edge = &graph.edges[*number];
            let mut points = vec![right_of(whole, edge.from)];
            for &item in &way[1..way.len() - 1] {
                let (x, width) = lefts[layer_of[item]];
                let y = self.y[item] + down;
                points.extend([Point { x, y }, Point { x: x + width, y }]);
            }
            points.push(whole.nodes[edge.to]);
            whole.edges[*number] = points;
        }
        whole.width = whole.width.max(x - self.spacing.between_layers);
        whole.height += last - first;
    }
}

fn right_of(layout: &Layout, node: usize) -> Point {
    let left = layout.nodes[node];
    Point { x: left.x + layout.widths[node], y: left.y }
}

/// The layer of each node: ends are on the right, everything else as near to what it feeds as possible.
fn layers(graph: &Graph, nodes: &[usize]) -> Vec<usize> {
    let mut to_end = vec![0; graph.nodes.len()];
    // A correlation of itself does not load, so that there are no circles; if there were, the number of rounds is bounded.
    for _ in 0..nodes.len() {
        let mut is_changed = false;
        for edge in &graph.edges {
            if to_end[edge.from] <= to_end[edge.to] && to_end[edge.to] < nodes.len() {
                to_end[edge.from] = to_end[edge.to] + 1;
                is_changed = true;
            }
        }
        if !is_changed {
            break;
        }
    }
    let longest = nodes.iter().map(|&it| to_end[it]).max().unwrap_or(0);
    (0..graph.nodes.len()).map(|it| longest.saturating_sub(to_end[it])).collect()
}

fn mean(items: &[usize], of: &[f64]) -> Option<f64> {
    let count = u32::try_from(items.len()).ok().filter(|it| *it > 0)?;
    Some(items.iter().map(|&it| of[it]).sum::<f64>() / f64::from(count))
}

/// The rising sequence nearest to `values` (least squares): neighbours that would fall share their mean.
fn rising(values: &[f64]) -> Vec<f64> {
    let mut blocks: Vec<(f64, u32)> = Vec::new();
    for &value in values {
        let mut block = (value, 1);
        while let Some(&(before, count)) = blocks.last()
            && before > block.0
        {
            let both = count + block.1;
            block = ((before * f64::from(count) + block.0 * f64::from(block.1)) / f64::from(both), both);
            blocks.pop();
        }
        blocks.push(block);
    }
    blocks.into_iter().flat_map(|(value, count)| (0..count).map(move |_| value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_that_would_fall_share_their_mean() {
        assert_eq!(rising(&[1.0, 3.0, 2.0, 4.0]), [1.0, 2.5, 2.5, 4.0]);
        assert_eq!(rising(&[3.0, 2.0, 1.0]), [2.0, 2.0, 2.0]);
        assert_eq!(rising(&[]), Vec::<f64>::new());
    }
}
