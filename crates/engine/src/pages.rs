//! Runs the cases of rule pages through the whole engine.

use crate::book::Rulebook;
use crate::context::{self, File};
use crate::decode::{Lines, pad};
use crate::pipeline::{Pipeline, Settings};
use crate::reader::Plausible;
use crate::shard::Emitted;
use model::source::{MappingError, SourceMapping};
use model::{EventTime, RuleKind};
use sigma::ast::Document;
use sigma::page::{Case, EventLine, Expected, Page};
use sigma::parse::Loaded;
use std::sync::Arc;

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
    let mut rejected = Vec::new();
    let book = with_context_of(case, book, &mut rejected);
    let mut pipeline = Pipeline::new(book, source, &Settings::new(Plausible::until(LATEST)));
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

/// The rules with the context of a case and no other: it must not matter whose context is beside the rules.
fn with_context_of(case: &Case, book: &Rulebook, rejected: &mut Vec<String>) -> Rulebook {
    if case.context.is_empty() {
        return book.clone();
    }
    let files: Vec<File> = case.context.iter().map(|it| File::new(it.name.as_str(), it.text.as_str())).collect();
    for file in case.context.iter().filter(|it| !File::is_known(&it.name) || it.name.ends_with(".parquet")) {
        rejected.push(format!("line {}: the context has no file `{}`", file.line, file.name));
    }
    let loaded = context::load(&files, book.context.taxonomy.clone());
    for problem in &loaded.problems {
        let before = case.context.iter().find(|it| it.name == *problem.file).map_or(0, |it| it.line);
        rejected.push(format!("line {}: {}", before + problem.line, problem.message));
    }
    book.clone().with_context(Arc::new(loaded.context))
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
    // A page is about rules: what behaviour itself raises depends on everything that an event has, and would be in every case with a history.
    alerts.iter().filter(|it| it.alert.rule.kind != RuleKind::Behaviour).map(text).collect()
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
