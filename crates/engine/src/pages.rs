//! Runs the cases of rule pages through the whole engine.

use crate::book::Rulebook;
use crate::decode::{Lines, pad};
use crate::pipeline::{Pipeline, Settings};
use crate::reader::Plausible;
use crate::shard::Emitted;
use model::EventTime;
use model::source::{MappingError, SourceMapping};
use sigma::ast::Document;
use sigma::page::{Case, EventLine, Expected, Page};
use sigma::parse::Loaded;

/// What one case of a page gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseResult {
    /// The heading of the case.
    pub heading: String,
    /// 1-based line of the heading.
    pub line: usize,
    /// The alerts that the page wants, as `alert <level> <actor> <rule>` or `shadow …`.
    pub expected: Vec<String>,
    /// The alerts that came.
    pub got: Vec<String>,
    /// Lines of the page that are no events, and why: none in a case that passes.
    pub rejected: Vec<String>,
}

impl CaseResult {
    /// Whether the case gave what the page wants.
    pub fn passed(&self) -> bool {
        self.expected == self.got && self.rejected.is_empty()
    }
}

/// Cases may play at any time up to this one: 2100-01-01.
const LATEST: EventTime = EventTime::from_ms(4_102_444_800_000);

/// The mapping through which the events of a rule file's page are read: that of the log source which its first rule names.
pub fn mapping_of(rules: &Loaded) -> Result<SourceMapping, MappingError> {
    let first = rules.documents.iter().find_map(|it| match it {
        Document::Rule(rule) => Some(&rule.logsource),
        Document::Correlation(_) | Document::Filter(_) => None,
    });
    first.map_or_else(|| SourceMapping::built_in("native"), SourceMapping::for_logsource)
}

/// Runs every case of `page`, each from an empty engine, with all rules of `book`'s program number `source`.
pub fn run(book: &Rulebook, source: u16, page: &Page) -> Vec<CaseResult> {
    page.cases.iter().map(|it| run_case(book, source, it)).collect()
}

/// Runs one case from an empty engine, with all rules of `book`'s program number `source`.
pub fn run_case(book: &Rulebook, source: u16, case: &Case) -> CaseResult {
    let mut pipeline = Pipeline::new(book.clone(), source, &Settings::new(Plausible::until(LATEST)));
    let mut rejected = Vec::new();
    // What happened before is learned first; its alerts were yesterday's.
    score(&mut pipeline, &case.history, &mut rejected);
    let got = score(&mut pipeline, &case.events, &mut rejected);
    CaseResult {
        heading: case.heading.clone(),
        line: case.line,
        expected: case.expect.iter().map(ToString::to_string).collect(),
        got,
        rejected,
    }
}

fn score(pipeline: &mut Pipeline, events: &[EventLine], rejected: &mut Vec<String>) -> Vec<String> {
    let mut alerts = Vec::new();
    for part in events.split_inclusive(|it| it.wait_ms().is_some()) {
        let wait_ms = part.last().and_then(EventLine::wait_ms);
        score_part(pipeline, &part[..part.len() - usize::from(wait_ms.is_some())], rejected, &mut alerts);
        if let Some(wait_ms) = wait_ms {
            pipeline.wait(wait_ms, &mut alerts);
        }
    }
    let text = |it: &Emitted| {
        let (level, actor, rule) = (it.alert.rule.level, it.alert.actor.id.clone(), it.alert.rule.name.clone());
        Expected { is_shadow: !it.alert.delivery.is_page(), level, actor, rule, line: 0 }.to_string()
    };
    alerts.iter().map(text).collect()
}

fn score_part(pipeline: &mut Pipeline, events: &[EventLine], rejected: &mut Vec<String>, alerts: &mut Vec<Emitted>) {
    let mut bytes = Vec::new();
    for event in events {
        bytes.extend_from_slice(event.text.as_bytes());
        bytes.push(b'\n');
    }
    let payload = pad(&mut bytes);
    let Some(mut lines) = Lines::new(&bytes, payload).filter(|_| !events.is_empty()) else { return };
    pipeline.score(&mut lines, alerts, |record| {
        if let (Some(event), Err(reject)) = (events.get(record.number), &record.outcome) {
            rejected.push(format!("line {}: {reject}", event.line));
        }
    });
}
