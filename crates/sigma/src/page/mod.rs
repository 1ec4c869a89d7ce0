//! The page of a rule: Markdown with cases that fire and cases that stay quiet, which CI runs.
//!
//! A `## ` heading with an `expect` fence is a case. Its fences are `history` (events that come first), `events` and `expect`; any
//! other fence, heading or line is prose. A line of `history` and `events` is an event, or `x60 every 1d {…}`: sixty events, a day
//! apart, in which `{n}` is the number of the repetition, from 0. In a `history` also `x20 over 8h on 30 workdays {…}`: weeks of ordinary
//! work, twenty events at varying times within the eight hours from the event's own time on, on each of thirty days that are no Saturdays or
//! Sundays (`on 30 days`: on any), the first being the event's own. Such a history comes in the order of its times. A line `wait 20m` lets so much time go by since the latest event, and
//! nothing more is expected from before: so a page shows what a rule makes of something that did not happen.
//!
//! A fence `context roster.csv` is a file of the context, with that name: what is known about people, tickets and things. Before the first
//! `## ` heading it is for all cases of the page.

mod expected;
mod repeat;
mod work;

#[cfg(test)]
mod tests;

pub use expected::Expected;

use crate::parse::nearest::within;
use crate::problem::{Code, Problem};
use std::ops::Range;

/// The fences of a case.
const FENCES: [&str; 4] = ["context", "history", "events", "expect"];
/// Letters by which the word of a fence may differ from one of these to be taken for it.
const TYPOS_MAX: usize = 2;
/// Most events of one page, repetitions written out.
const EVENTS_MAX: usize = 1_000_000;
/// Most bytes of the events of one page, repetitions written out.
const EVENTS_BYTES_MAX: usize = 64 << 20;

/// A page that can be run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The `# ` heading; empty without one.
    pub title: String,
    /// The cases in their order.
    pub cases: Vec<Case>,
}

/// One case of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its heading.
    pub heading: String,
    /// 1-based line of the heading.
    pub line: usize,
    /// Files of the context: those of the page, and those of the case, which take the place of one of the same name.
    pub context: Vec<ContextFile>,
    /// Events that come before the case and whose alerts don't count.
    pub history: Vec<EventLine>,
    /// The events of the case.
    pub events: Vec<EventLine>,
    /// The alerts that its events make, all of them.
    pub expect: Vec<Expected>,
    /// The lines inside the `expect` fence, counted from 0.
    expect_lines: Range<usize>,
}

/// A file of the context that stands in a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextFile {
    /// 1-based line of the page before its first.
    pub line: usize,
    /// `roster.csv`
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// One event of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventLine {
    /// 1-based line of the page.
    pub line: usize,
    /// The event as JSON, `wait 20m`, or what the page has in its place.
    pub text: String,
}

impl EventLine {
    /// How long this line waits, in milliseconds, if it is no event but `wait 20m`.
    pub fn wait_ms(&self) -> Option<i64> {
        repeat::wait_ms(&self.text)
    }
}

/// Reads the page `text`, named `file` in problems. All problems are returned; each is an error.
pub fn parse(file: &str, text: &str) -> Result<Page, Vec<Problem>> {
    let mut reader =
        Reader { file, page: Page::default(), section: None, context: Vec::new(), events: 0, bytes: 0, problems: Vec::new() };
    reader.read(text);
    if reader.problems.is_empty() { Ok(reader.page) } else { Err(reader.problems) }
}

/// `text` with the `expect` fence of the case at `index` filled with `lines`. A page that has no such case comes back as it was.
pub fn rewrite_expect(text: &str, index: usize, lines: &[String]) -> String {
    let mut reader =
        Reader { file: "", page: Page::default(), section: None, context: Vec::new(), events: 0, bytes: 0, problems: Vec::new() };
    reader.read(text);
    let Some(case) = reader.page.cases.get(index) else { return text.to_owned() };
    let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut rewritten = String::with_capacity(text.len());
    let write = |into: &mut String| lines.iter().for_each(|it| into.extend([it, ending]));
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if number == case.expect_lines.end {
            write(&mut rewritten);
        }
        if !case.expect_lines.contains(&number) {
            rewritten.push_str(line);
        }
    }
    rewritten
}

/// What stands under a `## ` heading so far.
struct Section {
    heading: String,
    line: usize,
    context: Vec<ContextFile>,
    history: Vec<EventLine>,
    events: Vec<EventLine>,
    expect: Option<(Vec<Expected>, Range<usize>)>,
    has_events: bool,
    /// Whether a history has weeks of work in it.
    has_work: bool,
}

impl Section {
    fn new(heading: String, line: usize, context: Vec<ContextFile>) -> Self {
        Self { heading, line, context, history: Vec::new(), events: Vec::new(), expect: None, has_events: false, has_work: false }
    }
}

struct Reader<'a> {
    file: &'a str,
    page: Page,
    section: Option<Section>,
    /// The context of all cases.
    context: Vec<ContextFile>,
    events: usize,
    bytes: usize,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn read(&mut self, text: &str) {
        let lines: Vec<&str> = text.lines().collect();
        let mut at = 0;
        while at < lines.len() {
            let line = lines[at];
            if let Some((sign, length, word, rest)) = fence(line) {
                let end = (at + 1..lines.len()).find(|&it| closes(lines[it], sign, length));
                if end.is_none() {
                    self.problem(at + 1, "a fence that is not closed");
                }
                let end = end.unwrap_or(lines.len());
                self.fence((word, rest), at + 1..end, &lines);
                at = end + 1;
                continue;
            }
            if let Some(heading) = line.strip_prefix("## ") {
                self.close_section();
                let heading = heading.trim().to_owned();
                let line = at + 1;
                self.section = Some(Section::new(heading, line, self.context.clone()));
            } else if let Some(title) = line.strip_prefix("# ") {
                self.close_section();
                if self.page.title.is_empty() {
                    title.trim().clone_into(&mut self.page.title);
                }
            }
            at += 1;
        }
        self.close_section();
    }

    fn problem(&mut self, line: usize, message: impl Into<String>) {
        self.problems.push(Problem::error(Code::BadPage, self.file, line, 1, message));
    }

    /// Takes the fence whose content is the lines `inside`, counted from 0.
    fn fence(&mut self, (word, rest): (&str, &str), inside: Range<usize>, lines: &[&str]) {
        if !FENCES.contains(&word) {
            // A case that never runs because of a typing error would be green for ever.
            if let Some(meant) = FENCES.into_iter().find(|it| self.section.is_some() && within(word, it, TYPOS_MAX)) {
                self.problem(inside.start, format!("a fence `{word}` is no part of a case; did you mean `{meant}`?"));
            }
            return;
        }
        if word == "context" {
            return self.read_context(rest, inside, lines);
        }
        let Some(mut section) = self.section.take() else {
            self.problem(inside.start, format!("a fence `{word}` before the first `## ` heading"));
            return;
        };
        match word {
            "history" => {
                section.has_work |= inside.clone().any(|it| work::is_one(lines[it].trim()));
                self.read_events(inside, lines, &mut section.history);
            }
            "events" => {
                section.has_events = true;
                for line in inside.clone().filter(|&it| work::is_one(lines[it].trim())) {
                    self.problem(line + 1, "weeks of work belong into a fence `history`: here every event counts");
                }
                self.read_events(inside, lines, &mut section.events);
            }
            _ if section.expect.is_some() => self.problem(inside.start, "a second fence `expect` in one case"),
            _ => section.expect = Some((self.read_expect(inside.clone(), lines), inside)),
        }
        self.section = Some(section);
    }

    fn read_context(&mut self, name: &str, inside: Range<usize>, lines: &[&str]) {
        let line = inside.start;
        if name.is_empty() || name.contains(['/', '\\', ' ']) {
            return self.problem(line, "a fence `context` names a file: `context roster.csv`");
        }
        let text: String = lines[inside].iter().flat_map(|it| [*it, "\n"]).collect();
        self.bytes += text.len();
        if self.bytes > EVENTS_BYTES_MAX {
            return self.problem(line, "too much context on this page");
        }
        let into = self.section.as_mut().map_or(&mut self.context, |it| &mut it.context);
        into.retain(|it| it.name != name);
        into.push(ContextFile { line, name: name.to_owned(), text });
    }

    fn read_events(&mut self, inside: Range<usize>, lines: &[&str], into: &mut Vec<EventLine>) {
        for number in inside {
            let line = lines[number].trim();
            if line.is_empty() {
                continue;
            }
            let before = into.len();
            let (most, bytes_most) = (EVENTS_MAX - self.events, EVENTS_BYTES_MAX.saturating_sub(self.bytes));
            let texts =
                if work::is_one(line) { work::events(line, most, bytes_most) } else { repeat::events(line, most, bytes_most) };
            match texts {
                Ok(texts) => into.extend(texts.into_iter().map(|text| EventLine { line: number + 1, text })),
                Err(message) => self.problem(number + 1, message),
            }
            self.events += into.len() - before;
            self.bytes += into[before..].iter().map(|it| it.text.len()).sum::<usize>();
        }
    }

    fn read_expect(&mut self, inside: Range<usize>, lines: &[&str]) -> Vec<Expected> {
        let mut expected = Vec::new();
        for number in inside.filter(|&it| !lines[it].trim().is_empty()) {
            match Expected::parse(lines[number].trim(), number + 1) {
                Ok(alert) => expected.push(alert),
                Err(message) => self.problem(number + 1, message),
            }
        }
        expected
    }

    fn close_section(&mut self) {
        let Some(section) = self.section.take() else { return };
        let Section { heading, line, context, mut history, events, expect, has_events, has_work } = section;
        if has_work {
            work::in_order(&mut history);
        }
        let Some((expect, expect_lines)) = expect else {
            if has_events || !history.is_empty() {
                self.problem(line, format!("`{heading}` has events, but no fence `expect`"));
            }
            return;
        };
        if !has_events {
            self.problem(line, format!("`{heading}` has a fence `expect`, but no events"));
        }
        self.page.cases.push(Case { heading, line, context, history, events, expect, expect_lines });
    }
}

/// The sign, the length, the first word and the rest of a line that opens a fence (`CommonMark` 0.31, 4.5).
fn fence(line: &str) -> Option<(char, usize, &str, &str)> {
    let line = unindented(line);
    let sign = line.chars().next().filter(|it| matches!(it, '`' | '~'))?;
    let rest = line.trim_start_matches(sign);
    let length = line.len() - rest.len();
    let is_fence = length >= 3 && (sign == '~' || !rest.contains('`'));
    let info = rest.trim();
    let (word, rest) = info.split_once(char::is_whitespace).unwrap_or((info, ""));
    is_fence.then(|| (sign, length, word, rest.trim()))
}

fn closes(line: &str, sign: char, length: usize) -> bool {
    let line = unindented(line).trim_end();
    line.len() >= length && line.chars().all(|it| it == sign)
}

/// A line without the up to three spaces that Markdown passes over.
fn unindented(line: &str) -> &str {
    let text = line.trim_start_matches(' ');
    if line.len() - text.len() <= 3 { text } else { line }
}
