//! How a file is laid out: characters that editors don't show, order of keys, what stands together, what it is called.

use super::source::{Source, replacement};
use crate::parse::nearest::within;
use crate::parse::yaml::Position;
use crate::problem::{Code, Edit, Fix, Problem};

/// The top-level keys of rules, correlations and filters (specification 2.1), and those of Sigma 1 that documents still carry.
const KEYS: [&str; 25] = [
    "action",
    "author",
    "correlation",
    "custom",
    "custom_attributes",
    "date",
    "description",
    "detection",
    "falsepositives",
    "fields",
    "filter",
    "generate",
    "id",
    "level",
    "license",
    "logsource",
    "modified",
    "name",
    "references",
    "related",
    "scope",
    "status",
    "tags",
    "taxonomy",
    "title",
];

/// Keys shorter than this are too near to too many words, unless they are only cut short.
const KEY_CHARS_MIN: usize = 5;
const CUT_CHARS_MIN: usize = 3;

pub(super) fn check(source: &Source<'_>, problems: &mut Vec<Problem>) {
    text(source, problems);
    for document in &source.documents {
        let Some(pairs) = document.node.as_map() else { continue };
        let place = |name: &str| pairs.iter().position(|(key, _)| key.text == name);
        if let (Some(log), Some(detection)) = (place("logsource"), place("detection"))
            && detection < log
        {
            let message = "`detection` stands before `logsource`";
            problems.push(
                source.problem(Code::KeyOrder, pairs[detection].0.at, message).with_hint("say first where to look, then for what"),
            );
        }
        if let Some(title) = place("title").filter(|it| *it > 0)
            && !matches!(pairs[0].0.text.as_str(), "name" | "id" | "action")
        {
            let message = "`title` is not the first key";
            problems.push(source.problem(Code::KeyOrder, pairs[title].0.at, message).with_hint("begin with what people look for"));
        }
        for (key, _) in pairs.iter().filter(|(key, _)| !KEYS.contains(&key.text.as_str())) {
            misspelled(source, key.at, &key.text, &place, problems);
        }
    }
    several(source, problems);
    file_name(source, problems);
}

fn misspelled(source: &Source<'_>, at: Position, key: &str, place: &impl Fn(&str) -> Option<usize>, problems: &mut Vec<Problem>) {
    let allowed = if key.chars().count() < 8 { 1 } else { 2 };
    let is_cut = |it: &str| key.len() >= CUT_CHARS_MIN && it.strip_prefix(key).is_some_and(|rest| rest.len() == 1);
    let is_near = |it: &str| key.chars().count() >= KEY_CHARS_MIN && it.len() >= KEY_CHARS_MIN && within(key, it, allowed);
    let Some(near) = KEYS.iter().find(|it| is_near(it) || is_cut(it)) else { return };
    let mut problem = source.problem(Code::MisspelledKey, at, format!("`{key}` is not a key of Sigma"));
    problem.hint = Some(format!("did you mean `{near}`?"));
    let changes_what_is_done = matches!(
        *near,
        "detection" | "correlation" | "filter" | "logsource" | "action" | "generate" | "scope" | "level" | "status" | "name"
    );
    if place(near).is_none() && !changes_what_is_done {
        problem.fix = replacement(format!("write `{near}`"), at, *near);
    }
    problems.push(problem);
}

/// Characters that are not seen.
fn text(source: &Source<'_>, problems: &mut Vec<Problem>) {
    let edit = |line: usize, from: usize, to: usize| Edit { start: (line, from), end: (line, to), text: String::new() };
    if source.text.starts_with('\u{feff}') {
        let mut problem = source.problem(Code::ByteOrderMark, Position::new(1, 1), "the file begins with a byte order mark");
        problem.fix = Some(Fix { title: "remove it".to_owned(), edits: vec![edit(1, 1, 2)] });
        problems.push(problem);
    }
    let (mut returns, mut spaces, mut tab) = (Vec::new(), Vec::new(), None);
    let mut block = Block::default();
    for (at, line) in source.lines.iter().enumerate() {
        let number = at + 1;
        let body = line.strip_suffix('\r').unwrap_or(line);
        let length = body.chars().count();
        if body.len() < line.len() {
            returns.push(Position::new(number, length + 1));
        }
        let kept = body.trim_end_matches(' ').chars().count();
        if block.holds(body) {
            continue;
        }
        // A space after a backslash is a character of a quoted text.
        if kept < length && !body.trim_end_matches(' ').ends_with('\\') {
            spaces.push(edit(number, kept + 1, length + 1));
        }
        let is_plain = !body.contains(['"', '\'', '#']);
        if is_plain && tab.is_none() {
            tab = body.chars().position(|it| it == '\t').map(|column| Position { line: number, column: column + 1, width: 1 });
        }
    }
    if let Some(first) = returns.first() {
        // No fix: how lines end is decided by version control for all files alike, not by one run over some of them.
        let message = counted(returns.len(), "lines end with a carriage return");
        let problem = source.problem(Code::CarriageReturn, *first, message);
        problems.push(problem.with_hint("`*.yml text eol=lf` in .gitattributes ends the lines of all files alike"));
    }
    if let Some(first) = spaces.first() {
        let at = Position::new(first.start.0, first.start.1);
        let mut problem = source.problem(Code::TrailingSpaces, at, counted(spaces.len(), "lines end with spaces"));
        problem.fix = Some(Fix { title: "remove the spaces".to_owned(), edits: spaces });
        problems.push(problem);
    }
    if let Some(at) = tab {
        problems.push(source.problem(Code::Tab, at, "a tab as white space").with_hint("write spaces"));
    }
    if !source.text.is_empty() && !source.text.ends_with('\n') {
        let last = source.lines.len();
        let end = source.lines[last - 1].chars().count() + 1;
        let mut problem = source.problem(Code::NoFinalNewline, Position::new(last, end), "the last line does not end");
        // As the line before it ends.
        let newline = if last > 1 && source.lines[last - 2].ends_with('\r') { "\r\n" } else { "\n" };
        let edit = Edit { start: (last, end), end: (last, end), text: newline.to_owned() };
        problem.fix = Some(Fix { title: "end it".to_owned(), edits: vec![edit] });
        problems.push(problem);
    }
}

/// `what` of a number of lines.
pub(super) fn counted(count: usize, what: &str) -> String {
    if count == 1 { what.replacen("lines end", "a line ends", 1) } else { format!("{count} {what}") }
}

/// Whether lines belong to a block scalar, in which white space is text.
#[derive(Default)]
struct Block {
    /// The indentation of the line that began it.
    indent: Option<usize>,
}

impl Block {
    fn holds(&mut self, line: &str) -> bool {
        let indent = line.len() - line.trim_start_matches(' ').len();
        if let Some(outer) = self.indent {
            if line.trim().is_empty() || indent > outer {
                return true;
            }
            self.indent = None;
        }
        let end = line.rsplit([' ', ':']).next().unwrap_or_default();
        let is_header = end.starts_with(['|', '>']) && end[1..].chars().all(|it| matches!(it, '-' | '+' | '1'..='9'));
        if is_header {
            self.indent = Some(indent);
        }
        false
    }
}

/// Rules that no correlation in the file ties together.
fn several(source: &Source<'_>, problems: &mut Vec<Problem>) {
    let is_tied = |it: &str| source.documents.iter().any(|document| document.node.get(it).is_some());
    let rules: Vec<_> = source.documents.iter().filter(|it| it.node.get("detection").is_some()).collect();
    if rules.len() < 2 || is_tied("correlation") || is_tied("filter") || source.text.lines().any(|it| it.starts_with("action:")) {
        return;
    }
    let at = rules[1].node.at;
    let message = format!("{} rules stand in this file", rules.len());
    problems.push(
        source.problem(Code::SeveralRules, Position::new(at.line, at.column), message).with_hint("give each its own file and page"),
    );
}

fn file_name(source: &Source<'_>, problems: &mut Vec<Problem>) {
    let [document] = source.documents.as_slice() else { return };
    let Some((name, at)) = document.text("name") else { return };
    let base = source.file.rsplit(['/', '\\']).next().unwrap_or(source.file);
    let stem = base.rsplit_once('.').map_or(base, |it| it.0);
    if stem != name {
        let message = format!("the rule `{name}` stands in a file that is called `{base}`");
        problems.push(source.problem(Code::FileName, at, message).with_hint("call the file like the rule, or leave `name` out"));
    }
}
