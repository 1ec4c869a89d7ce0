//! Whether p-values mean what they say: how often benign events are at or below a p, by how often they should be.

use serde::Serialize;
use std::collections::BTreeMap;

/// The p that are looked at.
pub(super) const ALPHAS: [f64; 5] = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5];
/// With fewer expected events than that a ratio says nothing.
const EXPECTED_MIN: f64 = 5.0;
const DECILES: usize = 10;

/// Counts of events.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Cell {
    events: u64,
    below: [u64; ALPHAS.len()],
}

impl Cell {
    pub(super) fn add(&mut self, p: f64) {
        self.events += 1;
        for (count, alpha) in self.below.iter_mut().zip(ALPHAS) {
            *count += u64::from(p <= alpha);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.events += other.events;
        self.below.iter_mut().zip(other.below).for_each(|(count, more)| *count += more);
    }

    fn row(&self, name: String) -> Row {
        let ratio = |(count, alpha): (&u64, f64)| {
            let expected = self.events as f64 * alpha;
            (expected >= EXPECTED_MIN).then(|| *count as f64 / expected)
        };
        Row { name, events: self.events, observed_by_nominal: self.below.iter().zip(ALPHAS).map(ratio).collect() }
    }
}

/// Benign events, by what may matter.
#[derive(Debug, Default)]
pub(super) struct Calibration {
    by_actor: BTreeMap<String, Cell>,
    by_role: BTreeMap<String, Cell>,
    by_hour: BTreeMap<i64, Cell>,
    new: Cell,
}

/// What is known of a scored event besides the score.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstance<'a> {
    pub(super) role: &'a str,
    /// Hour of the day in UTC.
    pub(super) hour: i64,
    /// In the first seven days of a new colleague.
    pub(super) is_new: bool,
}

impl Calibration {
    pub(super) fn add(&mut self, actor: &str, p: f64, circumstance: Option<Circumstance<'_>>) {
        cell(&mut self.by_actor, actor).add(p);
        let Some(Circumstance { role, hour, is_new }) = circumstance else { return };
        cell(&mut self.by_role, role).add(p);
        self.by_hour.entry(hour).or_default().add(p);
        if is_new {
            self.new.add(p);
        }
    }

    /// The table, unless there are no scores.
    pub(super) fn table(&self) -> Option<Table> {
        let mut overall = Cell::default();
        self.by_actor.values().for_each(|it| overall.merge(it));
        if overall.events == 0 {
            return None;
        }
        let mut rows = vec![overall.row("all".to_owned())];
        let mut actors: Vec<&Cell> = self.by_actor.values().collect();
        actors.sort_by_key(|it| it.events);
        for decile in 0..DECILES {
            let range = actors.len() * decile / DECILES..actors.len() * (decile + 1) / DECILES;
            let mut together = Cell::default();
            actors[range].iter().for_each(|it| together.merge(it));
            rows.push(together.row(format!("activity decile {}", decile + 1)));
        }
        rows.extend(self.by_role.iter().map(|(role, cell)| cell.row(format!("role {role}"))));
        rows.extend(self.by_hour.iter().map(|(hour, cell)| cell.row(format!("hour {hour:02} UTC"))));
        if self.new.events > 0 {
            rows.push(self.new.row("first 7 days".to_owned()));
        }
        Some(Table { nominal: ALPHAS.to_vec(), rows })
    }
}

/// Allocates only for a name that is new.
fn cell<'m>(map: &'m mut BTreeMap<String, Cell>, name: &str) -> &'m mut Cell {
    if !map.contains_key(name) {
        map.insert(name.to_owned(), Cell::default());
    }
    map.get_mut(name).expect("it was inserted if it was not there")
}

/// The calibration table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Table {
    pub(super) nominal: Vec<f64>,
    pub(super) rows: Vec<Row>,
}

/// One slice; a ratio is missing where fewer than five events are expected.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) events: u64,
    pub(super) observed_by_nominal: Vec<Option<f64>>,
}
