//! YAML text as a tree in which every node knows its line and column.

use super::report::Report;
use crate::problem::Code;
use model::source::Wanted;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};
use std::borrow::Cow;
use std::collections::HashMap;

/// Most nodes of one document, aliases written out.
const NODES_MAX: usize = 200_000;
/// Deepest nesting of one document.
const DEPTH_MAX: usize = 64;

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// 1-based.
    pub(crate) line: usize,
    /// 1-based, in characters.
    pub(crate) column: usize,
    /// How many characters it takes, if it stands on one line; else 0.
    pub(crate) width: usize,
}

impl Position {
    /// A place of unknown extent.
    pub(crate) fn new(line: usize, column: usize) -> Self {
        Self { line, column, width: 0 }
    }
}

/// A value with its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) kind: Kind,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A key of a map; always a scalar, kept as it was written.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) at: Position,
    pub(crate) text: String,
}

/// A single value: its text, and what the text means when it was written without quotes.
#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) typed: Typed,
}

/// The type of a scalar by the core schema of YAML 1.2 (10.3.2). Quoted scalars are texts, and so are infinities and numbers that are
/// none: no field can be compared with them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Typed {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text,
}

impl Node {
    /// A value from elsewhere.
    pub(super) fn of(value: &Wanted) -> Self {
        let scalar = |text: String, typed| Kind::Scalar(Scalar { text, typed });
        let kind = match value {
            Wanted::Bool(it) => scalar(it.to_string(), Typed::Bool(*it)),
            Wanted::Int(it) => scalar(it.to_string(), Typed::Int(*it)),
            Wanted::Float(it) => scalar(it.to_string(), Typed::Float(*it)),
            Wanted::Text(it) => scalar(it.clone(), Typed::Text),
            Wanted::List(all) => Kind::Sequence(all.iter().map(Self::of).collect()),
        };
        Self { at: Position::new(1, 1), kind }
    }

    /// The pairs of a map.
    pub(crate) fn as_map(&self) -> Option<&[(Key, Node)]> {
        match &self.kind {
            Kind::Map(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// The value under `key`, if this is a map that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.as_map()?.iter().find(|(it, _)| it.text == key).map(|(_, value)| value)
    }

    /// The scalar, unless it is null.
    pub(crate) fn as_scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            Kind::Scalar(scalar) if scalar.typed != Typed::Null => Some(scalar),
            _ => None,
        }
    }

    /// The elements of a sequence, or the node itself as the only one.
    pub(crate) fn as_list(&self) -> &[Self] {
        match &self.kind {
            Kind::Sequence(nodes) => nodes,
            _ => std::slice::from_ref(self),
        }
    }

    /// What it is, for messages.
    pub(crate) fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Sequence(_) => "a list",
            Kind::Map(_) => "a map",
            Kind::Scalar(scalar) => match scalar.typed {
                Typed::Null => "null",
                Typed::Bool(_) => "true or false",
                Typed::Int(_) | Typed::Float(_) => "a number",
                Typed::Text => "a text",
            },
        }
    }
}

/// The documents of a file. Those that are no sound YAML are reported and left out; each `---` begins anew, so that one broken
/// document does not take the others with it.
pub(crate) fn documents(text: &str, report: &mut Report) -> Vec<Node> {
    let mut nodes = Vec::new();
    let without_mark = text.strip_prefix('\u{feff}');
    for (first_line, part) in split(without_mark.unwrap_or(text)) {
        let columns_before = usize::from(without_mark.is_some() && first_line == 0);
        read_part(part, first_line, columns_before, &mut nodes, report);
    }
    nodes
}

/// Most lines of one document that are moved for [`read_part`]: each costs another reading.
const MOVED_MAX: usize = 64;

/// Reads one part of a file. YAML 1.2 wants the lines of a list in brackets indented deeper than the key before it; libyaml, and so most
/// readers of rules, takes them anywhere. Such a line is read as if it stood far enough to the right; places are those of the file.
fn read_part(part: &str, first_line: usize, columns_before: usize, into: &mut Vec<Node>, report: &mut Report) {
    let (before, mut text, mut moved) = (into.len(), Cow::Borrowed(part), HashMap::new());
    loop {
        let builder = Builder { moved: moved.clone(), ..Builder::new(first_line, columns_before) };
        let Err(unsound) = builder.read(&text, into) else { return };
        let line = unsound.at.line.saturating_sub(first_line + 1);
        if unsound.is_left_of_brackets
            && moved.len() < MOVED_MAX
            && !moved.contains_key(&line)
            && let Some((wider, by)) = indented(&text, line)
        {
            into.truncate(before);
            moved.insert(line, by);
            text = Cow::Owned(wider);
            continue;
        }
        match unsound.hint {
            Some(hint) => report.error_with_hint(unsound.code, unsound.at, unsound.message, hint),
            None => report.error(unsound.code, unsound.at, unsound.message),
        }
        return;
    }
}

/// `text` with the line at `at`, counted from 0, moved to the right of the last line before it that says something, and by how much.
fn indented(text: &str, at: usize) -> Option<(String, usize)> {
    let start = text.split_inclusive('\n').take(at).map(str::len).sum::<usize>();
    let width = |it: &str| it.len() - it.trim_start_matches(' ').len();
    let above = text[..start].lines().rev().find(|it| !it.trim().is_empty())?;
    let by = (width(above) + 1).saturating_sub(width(&text[start..])).max(1);
    Some((format!("{}{}{}", &text[..start], " ".repeat(by), &text[start..]), by))
}

/// The parts of a file between `---` lines, each with the number of lines before it. No YAML value can hold such a line (YAML 1.2.2,
/// 9.1.2), so that this needs no parser. Parts of nothing but comments and directives are skipped.
fn split(text: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let (mut start, mut offset, mut start_line) = (0, 0, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let begins = line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']));
        if begins && offset > start {
            parts.push((start_line, &text[start..offset]));
            (start, start_line) = (offset, number);
        }
        offset += line.len();
    }
    parts.push((start_line, &text[start..]));
    let says_something =
        |part: &str| part.lines().any(|line| !line.trim_start().is_empty() && !line.trim_start().starts_with(['#', '%']));
    parts.retain(|(_, part)| says_something(part));
    parts
}

/// Why a document could not be read.
struct Unsound {
    code: Code,
    at: Position,
    message: String,
    hint: Option<&'static str>,
    /// Inside brackets, a line stands further to the left than YAML allows.
    is_left_of_brackets: bool,
}

impl Unsound {
    fn new(code: Code, at: Position, message: impl Into<String>) -> Self {
        Self { code, at, message: message.into(), hint: None, is_left_of_brackets: false }
    }
}

/// How many characters a quoted scalar takes from its opening quote to its closing one; `None` if it doesn't begin or doesn't end.
pub(crate) fn quoted_chars(mut text: impl Iterator<Item = char>, style: ScalarStyle) -> Option<usize> {
    let quote = if style == ScalarStyle::SingleQuoted { '\'' } else { '"' };
    text.next().filter(|it| *it == quote)?;
    let (mut count, mut is_escaped) = (1, false);
    let mut text = text.peekable();
    while let Some(it) = text.next() {
        count += 1;
        if is_escaped {
            is_escaped = false;
        } else if it == '\\' && quote == '"' {
            is_escaped = true;
        } else if it == quote {
            if quote == '"' || text.peek() != Some(&quote) {
                return Some(count);
            }
            is_escaped = true;
        }
    }
    None
}

/// How many characters a scalar or an alias on one line takes. The parser counts what follows a quoted one, up to the end of a
/// comment, as a part of it.
fn width(event: &Event<'_>, start: Marker, end: Marker, lines: &[&str]) -> usize {
    match event {
        Event::Scalar(_, style @ (ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted), ..) => {
            let line = lines.get(start.line().max(1) - 1).copied().unwrap_or_default();
            quoted_chars(line.chars().skip(start.col()), *style).unwrap_or(0)
        }
        Event::Scalar(..) | Event::Alias(_) => end.col().saturating_sub(start.col()),
        _ => 0,
    }
}

/// A collection that is still open.
enum Open {
    Sequence { at: Position, anchor: usize, nodes: Vec<Node> },
    Map { at: Position, anchor: usize, pairs: Vec<(Key, Node)>, key: Option<Key>, seen: HashMap<String, usize> },
}

/// Builds the trees of one part of a file from the parser's events.
struct Builder {
    lines_before: usize,
    /// What stands before the first line: 1 for a byte order mark, which is a character of the file.
    columns_before: usize,
    /// By how much lines, counted from 0, were moved to the right.
    moved: HashMap<usize, usize>,
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, Size)>,
    nodes: usize,
}

/// How large a tree is.
#[derive(Clone, Copy)]
struct Size {
    nodes: usize,
    depth: usize,
}

impl Builder {
    fn new(lines_before: usize, columns_before: usize) -> Self {
        Self { lines_before, columns_before, moved: HashMap::new(), open: Vec::new(), anchors: HashMap::new(), nodes: 0 }
    }

    fn read(mut self, text: &str, into: &mut Vec<Node>) -> Result<(), Unsound> {
        self.read_all(text, into).map_err(|mut unsound| {
            // What is missing at the end is missing after the last thing that is there, not on a line that no editor shows.
            let (lines, last) = text.trim_end().lines().fold((0, ""), |(count, _), line| (count + 1, line));
            if unsound.at.line > self.lines_before + lines.max(1) {
                unsound.at = Position::new(self.lines_before + lines.max(1), last.chars().count() + 1);
            }
            unsound
        })
    }

    fn read_all(&mut self, text: &str, into: &mut Vec<Node>) -> Result<(), Unsound> {
        let mut parser = Parser::new_from_str(text);
        let lines: Vec<&str> = text.split('\n').collect();
        // A last line that does not end.
        let last_line = text.lines().last().filter(|_| !text.ends_with(['\n', '\r']));
        while let Some(event) = parser.next_event() {
            let (mut event, span) = event.map_err(|error| self.scan_error(&error))?;
            if let (Event::Scalar(value, ScalarStyle::Literal | ScalarStyle::Folded, ..), Some(last)) = (&mut event, last_line)
                && let Some(unended) = value.strip_suffix('\n')
                && unended.ends_with(if last.trim().is_empty() { "\n" } else { last.trim_start() })
                && span.end.index() >= text.chars().count()
            {
                // The parser ends it all the same; there is no line break that a block scalar could keep (YAML 1.2.2, 8.1.1.2).
                *value = Cow::Owned(unended.to_owned());
            }
            let mut at = self.position(span.start);
            if span.start.line() == span.end.line() {
                at.width = width(&event, span.start, span.end, &lines);
            }
            if let Some(root) = self.event(event, at)? {
                (self.nodes, self.anchors) = (0, HashMap::new());
                let is_empty = matches!(&root.kind, Kind::Scalar(scalar) if scalar.typed == Typed::Null);
                if !is_empty {
                    into.push(root);
                }
            }
        }
        Ok(())
    }

    fn position(&self, marker: Marker) -> Position {
        let line = marker.line().max(1);
        let column = marker.col().saturating_sub(self.moved.get(&(line - 1)).copied().unwrap_or(0)) + 1;
        Position::new(self.lines_before + line, column + if line == 1 { self.columns_before } else { 0 })
    }

    fn scan_error(&self, error: &ScanError) -> Unsound {
        let mut unsound = Unsound::new(Code::NotYaml, self.position(*error.marker()), format!("not YAML: {}", error.info()));
        // The scanner says both of what is inside brackets only.
        unsound.is_left_of_brackets = matches!(error.info(), "invalid indentation" | "invalid indentation in flow construct");
        if error.info().contains("tab") {
            unsound.hint = Some("indent with spaces");
        } else if error.info().contains("alias") || error.info().contains("unknown anchor") {
            unsound.hint = Some("a value that starts with `*` needs quotes");
        }
        unsound
    }

    /// Takes one event; gives the root node when it is complete.
    fn event(&mut self, event: Event<'_>, at: Position) -> Result<Option<Node>, Unsound> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let scalar = scalar(text.into_owned(), style, tag.as_deref());
                self.complete(Node { at, kind: Kind::Scalar(scalar) }, anchor, 1)
            }
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor) else {
                    return Err(Unsound::new(Code::NotYaml, at, "an alias inside the value that it refers to"));
                };
                self.check_size(at, *size)?;
                let (kind, nodes) = (node.kind.clone(), size.nodes);
                self.complete(Node { at, kind }, 0, nodes)
            }
            Event::SequenceStart(anchor, _) => self.begin(at, Open::Sequence { at, anchor, nodes: Vec::new() }),
            Event::MappingStart(anchor, _) => {
                self.begin(at, Open::Map { at, anchor, pairs: Vec::new(), key: None, seen: HashMap::new() })
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::Sequence { at, anchor, nodes }) => self.complete(Node { at, kind: Kind::Sequence(nodes) }, anchor, 1),
                Some(Open::Map { at, anchor, pairs, .. }) => self.complete(Node { at, kind: Kind::Map(pairs) }, anchor, 1),
                None => Err(Unsound::new(Code::NotYaml, at, "not YAML: an end without a beginning")),
            },
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => Ok(None),
        }
    }

    fn begin(&mut self, at: Position, open: Open) -> Result<Option<Node>, Unsound> {
        self.check_size(at, Size { nodes: 1, depth: 1 })?;
        if let Some(Open::Map { key: None, .. }) = self.open.last() {
            return Err(Unsound::new(Code::KeyNotText, at, "a key is a list or a map; keys are texts"));
        }
        self.open.push(open);
        Ok(None)
    }

    /// Refuses what would make the document too large. Without this, a few lines of aliases of aliases would fill the memory.
    fn check_size(&self, at: Position, added: Size) -> Result<(), Unsound> {
        if self.nodes + added.nodes > NODES_MAX {
            return Err(Unsound::new(Code::TooLarge, at, format!("a document of more than {NODES_MAX} values")));
        }
        if self.open.len() + added.depth > DEPTH_MAX {
            return Err(Unsound::new(Code::TooLarge, at, format!("nested deeper than {DEPTH_MAX} levels")));
        }
        Ok(())
    }

    /// Puts a finished node where it belongs. `nodes` is the number of nodes that it adds to the document.
    fn complete(&mut self, node: Node, anchor: usize, nodes: usize) -> Result<Option<Node>, Unsound> {
        self.check_size(node.at, Size { nodes, depth: 0 })?;
        self.nodes += nodes;
        if anchor > 0 {
            let size = measure(&node);
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.open.last_mut() {
            None => return Ok(Some(node)),
            Some(Open::Sequence { nodes, .. }) => nodes.push(node),
            Some(Open::Map { pairs, key, seen, .. }) => match key.take() {
                Some(key) => pairs.push((key, node)),
                None => *key = Some(new_key(node, pairs, seen)?),
            },
        }
        Ok(None)
    }
}

/// Maps up to this size are searched for a key; larger ones have a table.
const SEARCHED_MAX: usize = 16;

/// The place of `key` among `pairs`. `seen` has the places of those looked at before.
fn place_of(key: &str, pairs: &[(Key, Node)], seen: &mut HashMap<String, usize>) -> Option<usize> {
    if pairs.len() <= SEARCHED_MAX {
        return pairs.iter().position(|(it, _)| it.text == key);
    }
    for (at, (key, _)) in pairs.iter().enumerate().skip(seen.len()) {
        seen.insert(key.text.clone(), at);
    }
    seen.get(key).copied()
}

fn new_key(node: Node, pairs: &[(Key, Node)], seen: &mut HashMap<String, usize>) -> Result<Key, Unsound> {
    let Kind::Scalar(scalar) = node.kind else {
        return Err(Unsound::new(Code::KeyNotText, node.at, "a key is a list or a map; keys are texts"));
    };
    let key = Key { at: node.at, text: scalar.text };
    if key.text == "<<" {
        return Err(Unsound::new(Code::MergeKey, key.at, "merge keys (`<<`) are not part of YAML 1.2"));
    }
    if let Some((first, _)) = place_of(&key.text, pairs, seen).and_then(|it| pairs.get(it)) {
        let message = format!("the key `{}` is there twice, first on line {}", key.text, first.at.line);
        return Err(Unsound {
            code: Code::DuplicateKey,
            at: key.at,
            message,
            hint: Some("put the values into one list, or use two selections"),
            is_left_of_brackets: false,
        });
    }
    Ok(key)
}

/// Recursion is bounded by [`DEPTH_MAX`].
fn measure(node: &Node) -> Size {
    let mut size = Size { nodes: 1, depth: 0 };
    let mut add = |child: &Node| {
        let inner = measure(child);
        size.nodes += inner.nodes;
        size.depth = size.depth.max(inner.depth + 1);
    };
    match &node.kind {
        Kind::Scalar(_) => {}
        Kind::Sequence(nodes) => nodes.iter().for_each(&mut add),
        Kind::Map(pairs) => pairs.iter().for_each(|(_, value)| add(value)),
    }
    size
}

fn scalar(text: String, style: ScalarStyle, tag: Option<&Tag>) -> Scalar {
    let is_text = style != ScalarStyle::Plain || tag.is_some_and(|it| it.is_yaml_core_schema() && it.suffix == "str");
    let typed = if is_text { Typed::Text } else { plain(&text) };
    Scalar { text, typed }
}

/// The core schema's reading of a plain scalar (YAML 1.2.2, 10.3.2).
fn plain(text: &str) -> Typed {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Typed::Null,
        "true" | "True" | "TRUE" => return Typed::Bool(true),
        "false" | "False" | "FALSE" => return Typed::Bool(false),
        _ => {}
    }
    if let Some(digits) = text.strip_prefix("0x").filter(|it| it.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        return i64::from_str_radix(digits, 16).map_or(Typed::Text, Typed::Int);
    }
    if let Some(digits) = text.strip_prefix("0o").filter(|it| it.bytes().all(|byte| byte.is_ascii_digit())) {
        return i64::from_str_radix(digits, 8).map_or(Typed::Text, Typed::Int);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_numeric = unsigned.starts_with(|it: char| it.is_ascii_digit() || it == '.')
        && unsigned.contains(|it: char| it.is_ascii_digit())
        && unsigned.bytes().all(|it| it.is_ascii_digit() || matches!(it, b'.' | b'e' | b'E' | b'+' | b'-'));
    if !is_numeric {
        return Typed::Text;
    }
    if let Ok(whole) = text.parse() {
        return Typed::Int(whole);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Typed::Float(number),
        _ => Typed::Text,
    }
}

#[cfg(test)]
mod tests;
