//! Why a rule matches an event or does not, told by the code that decides it: each part is compiled and asked by itself.

mod near;

pub use near::{NearMiss, near_miss};

use crate::computed::{Computer, Field, Memory, Plan, State};
use crate::context::Context;
use crate::decode::{Decoder, Limits, Lines, pad};
use crate::reader::Head;
use model::extract::{lookup, shown};
use model::source::{Admission, LogSource};
use model::{Event, EventTime, Reject, Schema, SlotId, SourceMapping, Value};
use sigma::ast::{Condition, Document, Item, Pattern, Place, Predicate, Relation, Rule, Search, Selection, Wild};
use sigma::compile::{Program, RuleIndex, RuleSet};
use sigma::matcher::{Clock, Matcher};
use std::fmt::Write;
use std::sync::Arc;

/// The verdict of one rule on one event, down to the tests of single fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Whether the rule is for the event's source at all.
    pub is_routed: bool,
    /// Whether the rule matches.
    pub matches: bool,
    /// Whether that is up to what came before the event: then `matches` is what it would be for somebody of whom nothing is known.
    pub is_open: bool,
    /// The condition, then the selections with their parts, in the order of the file; then the same for each filter of the rule.
    pub steps: Vec<Step>,
}

/// One part of a rule and whether it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// How far it is indented.
    pub depth: usize,
    /// Whether this part holds.
    pub holds: bool,
    /// 1-based line in the rule's file.
    pub line: usize,
    /// What is asked.
    pub question: String,
    /// The value that the event has, for tests of a field.
    pub value: Option<serde_json::Value>,
    /// Whether it is up to what came before the event, which nobody knows here: the habits of people, the past of targets. `holds` is then what it would be
    /// for somebody of whom nothing is known.
    pub is_open: bool,
}

/// What an event is looked at with.
#[derive(Debug, Clone, Copy)]
pub struct Lens<'l> {
    /// How its source is read.
    pub mapping: &'l SourceMapping,
    /// Local time.
    pub clock: &'l Clock,
    /// What is known besides the event. Of what came before it nothing is.
    pub context: &'l Arc<Context>,
}

/// Explains `rule` on the event in `line`. Fails as the decoder does.
pub fn explain(rule: &Rule, line: &str, lens: Lens<'_>) -> Result<Explanation, Reject> {
    let asking = Asking::new(rule, line, lens)?;
    let mapping = lens.mapping;
    let admission = mapping.admission(&rule.logsource);
    let is_routed = admission != Admission::None;
    let mut steps = Vec::new();
    let holds = asking.holds(&rule.selections, &rule.condition)?;
    let mut matches = holds && is_routed;
    let question = condition_text(&rule.condition, &rule.selections);
    let mut certain = asking.certain(&rule.selections, &rule.condition)?.map(|it| it && is_routed);
    steps.push(Step { depth: 0, holds, line: rule.condition_line, question, value: None, is_open: certain.is_none() });
    for selection in &rule.selections {
        asking.selection(selection, &mut steps)?;
    }
    if let Admission::When(routes) = admission {
        let routed = asking.routed(&routes, &mut steps)?;
        matches &= routed;
        certain = both(certain, Some(routed));
    }
    for filter in &rule.filters {
        let holds = asking.holds(&filter.selections, &filter.condition)?;
        let (condition, file) = (condition_text(&filter.condition, &filter.selections), &filter.place.file);
        let question = format!("filter {} ({file}): {condition}", filter.name);
        let filtered = asking.certain(&filter.selections, &filter.condition)?;
        steps.push(Step { depth: 0, holds, line: filter.condition_line, question, value: None, is_open: filtered.is_none() });
        for selection in &filter.selections {
            asking.selection(selection, &mut steps)?;
        }
        matches &= holds;
        certain = both(certain, filtered);
    }
    Ok(Explanation { is_routed, matches, is_open: certain.is_none(), steps })
}

/// Whether two parts hold, as far as that is known of each.
fn both(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// Whether all parts hold, as far as that is known.
fn all(mut parts: impl Iterator<Item = Result<Option<bool>, Reject>>) -> Result<Option<bool>, Reject> {
    parts.try_fold(Some(true), |so_far, part| Ok(both(so_far, part?)))
}

/// Whether one of the parts holds, as far as that is known.
fn any(parts: impl Iterator<Item = Result<Option<bool>, Reject>>) -> Result<Option<bool>, Reject> {
    Ok(all(parts.map(|it| it.map(|it| it.map(|it| !it))))?.map(|it| !it))
}

/// Whether a test is about a field that is up to what came before the event.
fn is_open(item: &Item) -> bool {
    item.field
        .as_ref()
        .and_then(|it| Field::named(it.as_str()))
        .is_some_and(|it| matches!(it, Field::Habit(_) | Field::OfTarget(_)))
}

struct Asking<'a> {
    rule: &'a Rule,
    mapping: &'a SourceMapping,
    line: &'a str,
    clock: &'a Clock,
    context: &'a Arc<Context>,
    /// The computed fields that the rule reads, with their values.
    computed: Vec<(String, serde_json::Value)>,
}

impl<'a> Asking<'a> {
    fn new(rule: &'a Rule, line: &'a str, lens: Lens<'a>) -> Result<Self, Reject> {
        let Lens { mapping, clock, context } = lens;
        let mut asking = Self { rule, mapping, line, clock, context, computed: Vec::new() };
        let everywhere = Rule { logsource: model::LogSource::default(), ..rule.clone() };
        asking.computed = asking.ask(everywhere, |program, event| {
            let paths = (0..).zip(program.schema.projection.paths()).filter(|(_, it)| it.is_computed());
            paths.map(|(at, path)| (path.as_str().to_owned(), event.value(SlotId(at)).to_json())).collect()
        })?;
        Ok(asking)
    }
    /// Whether the event is of one of the log sources that only some events of its source are of.
    fn routed(&self, routes: &[usize], steps: &mut Vec<Step>) -> Result<bool, Reject> {
        let conditions = sigma::routing::conditions(self.mapping).unwrap_or_default();
        let mut is_any = false;
        for &at in routes {
            let Some(condition) = conditions.get(at).and_then(Option::as_ref) else { continue };
            let holds = self.search(condition)?;
            let LogSource { product, service, category, .. } = self.mapping.logsources[at].logsource();
            let name = [product, service, category].into_iter().flatten().collect::<Vec<_>>().join("/");
            let line = self.rule.place.line;
            steps.push(Step { depth: 0, holds, line, question: format!("log source {name}, if"), value: None, is_open: false });
            self.parts(condition, 1, line, steps)?;
            is_any |= holds;
        }
        Ok(is_any)
    }

    /// Whether a condition holds, if that is not up to what came before.
    fn certain(&self, selections: &[Selection], condition: &Condition) -> Result<Option<bool>, Reject> {
        match condition {
            Condition::And(parts) => all(parts.iter().map(|it| self.certain(selections, it))),
            Condition::Or(parts) => any(parts.iter().map(|it| self.certain(selections, it))),
            Condition::Not(inner) => Ok(self.certain(selections, inner)?.map(|it| !it)),
            Condition::Selection(at) => self.certain_search(&selections[*at].search),
        }
    }

    fn certain_search(&self, search: &Search) -> Result<Option<bool>, Reject> {
        match search {
            Search::All(parts) => all(parts.iter().map(|it| self.certain_search(it))),
            Search::Any(parts) => any(parts.iter().map(|it| self.certain_search(it))),
            Search::Item(item) if is_open(item) => Ok(None),
            Search::Item(_) => self.search(search).map(Some),
        }
    }

    /// Compiles a rule of these parts alone and asks the matcher.
    fn holds(&self, selections: &[Selection], condition: &Condition) -> Result<bool, Reject> {
        let part = Rule {
            info: Arc::clone(&self.rule.info),
            place: Place { file: Arc::clone(&self.rule.place.file), line: self.rule.place.line },
            logsource: model::LogSource::default(),
            selections: selections.to_vec(),
            condition: condition.clone(),
            condition_line: self.rule.condition_line,
            filters: Vec::new(),
            is_muted: false,
        };
        self.ask(part, |program, event| Matcher::new(program, self.clock.clone()).condition_holds(program, RuleIndex(0), event))
    }

    /// Compiles a rule alone and shows the event as it would see it.
    fn ask<T>(&self, rule: Rule, show: impl FnOnce(&Program, &Event<'_>) -> T) -> Result<T, Reject> {
        let set = Arc::new(RuleSet::new(vec![Document::Rule(rule)]));
        let mut program = Program::compile(&set, Schema::of(self.mapping.clone()), &mut Vec::new());
        let plan = Arc::new(Plan::of(&mut program, false));
        let mut bytes = self.line.trim_end().as_bytes().to_vec();
        let payload = pad(&mut bytes);
        let mut values = vec![Value::Missing; program.schema.projection.len()];
        let mut lines = Lines::new(&bytes, payload).ok_or_else(empty_line)?;
        let mut decoder = Decoder::new(&program.schema.projection, Limits::default());
        let line = decoder.next(&mut lines, &mut values).ok_or_else(empty_line)?.outcome?;
        let roles = &program.schema.roles;
        let time = match model::event::first(&values, &roles.time) {
            Value::Number(text) => EventTime::from_unix(text),
            value => value.text().and_then(|it| EventTime::read(&it)),
        };
        let time = time.unwrap_or_default();
        let head = Head { time, actor: model::event::first(&values, &roles.actor), id: Value::Missing, line, is_canary: false };
        let mut state = State::default();
        Ok(Computer::new(&plan, self.context).fill(
            &head,
            &values,
            Memory { state: Some(&mut state), behaviour: None },
            |_, values, _, _| show(&program, &Event { time, values, line }),
        ))
    }

    fn search(&self, search: &Search) -> Result<bool, Reject> {
        let line = self.rule.place.line;
        self.holds(&[Selection { name: String::new(), line, search: search.clone() }], &Condition::Selection(0))
    }

    fn selection(&self, selection: &Selection, steps: &mut Vec<Step>) -> Result<(), Reject> {
        let holds = self.search(&selection.search)?;
        let is_open = self.certain_search(&selection.search)?.is_none();
        steps.push(Step { depth: 1, holds, line: selection.line, question: selection.name.clone(), value: None, is_open });
        self.parts(&selection.search, 2, selection.line, steps)
    }

    fn parts(&self, search: &Search, depth: usize, line: usize, steps: &mut Vec<Step>) -> Result<(), Reject> {
        match search {
            Search::Item(item) => {
                let value = item.field.as_ref().map(|it| self.value(it.as_str()));
                let holds = self.search(search)?;
                steps.push(Step { depth, holds, line: item.line, question: self.question(item), value, is_open: is_open(item) });
            }
            Search::All(parts) if parts.len() == 1 => self.parts(&parts[0], depth, line, steps)?,
            Search::All(parts) => {
                for part in parts {
                    self.parts(part, depth, line, steps)?;
                }
            }
            Search::Any(parts) => {
                let (holds, is_open) = (self.search(search)?, self.certain_search(search)?.is_none());
                steps.push(Step { depth, holds, line, question: "any of".to_owned(), value: None, is_open });
                for part in parts {
                    self.parts(part, depth + 1, line, steps)?;
                }
            }
        }
        Ok(())
    }

    fn value(&self, path: &str) -> serde_json::Value {
        if let Some((_, computed)) = self.computed.iter().find(|(name, _)| name == path) {
            return computed.clone();
        }
        value(self.mapping, self.line, path)
    }

    /// What is asked; of a part of a time also what it is for this event, which the value alone does not show.
    fn question(&self, item: &Item) -> String {
        let mut question = item_text(item);
        if let (Some(field), Some(Predicate::TimePart { part, .. })) = (&item.field, item.predicates.first()) {
            let zone = self.mapping.roles.zone.iter().find_map(|it| Some(self.value(it).as_str()?.to_owned()));
            let time = match self.value(field.as_str()) {
                serde_json::Value::String(text) => EventTime::read(&text),
                serde_json::Value::Number(number) => EventTime::from_unix(&number.to_string()),
                _ => None,
            };
            if let Some((number, zone)) = time.and_then(|it| self.clock.clone().part(it, zone.as_deref(), *part)) {
                let _ = write!(question, " ({number} in {zone})");
            }
        }
        question
    }
}

/// The value at `path` of the event in `line`, wrapped or not; `null` if there is none.
pub fn value(mapping: &SourceMapping, line: &str, path: &str) -> serde_json::Value {
    let json = model::value::parse(line).unwrap_or_default();
    let envelopes = &mapping.envelopes;
    let found = shown(&json, path).or_else(|| envelopes.iter().find_map(|it| shown(lookup(&json, it)?, path)));
    found.unwrap_or_default()
}

fn empty_line() -> Reject {
    Reject::new(model::RejectCode::NotJson, 0, "the line is empty")
}

fn condition_text(condition: &Condition, selections: &[Selection]) -> String {
    let joined = |parts: &[Condition], word: &str| {
        let parts: Vec<String> = parts.iter().map(|it| condition_text(it, selections)).collect();
        if parts.len() == 1 { parts.concat() } else { format!("({})", parts.join(word)) }
    };
    match condition {
        Condition::And(parts) => joined(parts, " and "),
        Condition::Or(parts) => joined(parts, " or "),
        Condition::Not(inner) => format!("not {}", condition_text(inner, selections)),
        Condition::Selection(at) => selections[*at].name.clone(),
    }
}

/// Most values of one item that are spelled out.
const VALUES_SHOWN: usize = 64;

fn item_text(item: &Item) -> String {
    let field = item.field.as_ref().map_or("any text of the event", |it| it.as_str());
    let mut text = format!("{field} {}", if item.negated { "is there and is not: " } else { "" });
    let word = if item.all { " and " } else { " or " };
    for (at, predicate) in item.predicates.iter().take(VALUES_SHOWN).enumerate() {
        text.push_str(if at == 0 { "" } else { word });
        text.push_str(&predicate_text(predicate));
    }
    if item.predicates.len() > VALUES_SHOWN {
        let _ = write!(text, "{word}one of {} others", item.predicates.len() - VALUES_SHOWN);
    }
    text
}

fn predicate_text(predicate: &Predicate) -> String {
    match predicate {
        Predicate::Text { pattern, cased } => {
            let case = if *cased { " (case matters)" } else { "" };
            format!("{}{case}", pattern_text(pattern))
        }
        Predicate::Regex(source) => format!("matches /{source}/"),
        Predicate::Cidr(net) => format!("is in {net}"),
        Predicate::Number { compare, with } => format!("{} {with}", compare.sign()),
        Predicate::Bool(is_true) => format!("is {is_true}"),
        Predicate::Exists(true) => "is there".to_owned(),
        Predicate::Exists(false) => "is missing".to_owned(),
        Predicate::Null => "is null or missing".to_owned(),
        Predicate::FieldRef { other, relation, .. } => {
            let relation = match relation {
                Relation::Equal => "equals",
                Relation::StartsWith => "starts with",
                Relation::EndsWith => "ends with",
                Relation::Contains => "contains",
            };
            format!("{relation} the field {other}")
        }
        Predicate::TimePart { part, compare, with } => format!("has {part:?} {} {with}", compare.sign()).to_lowercase(),
    }
}

fn pattern_text(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Equal(text) => format!("is `{text}`"),
        Pattern::Prefix(text) => format!("starts with `{text}`"),
        Pattern::Suffix(text) => format!("ends with `{text}`"),
        Pattern::Contains(text) => format!("contains `{text}`"),
        Pattern::Any => "has any text".to_owned(),
        Pattern::Wildcard(pieces) => {
            let pieces = pieces.iter().map(|it| match it {
                Wild::Literal(text) => text.as_str(),
                Wild::One => "?",
                Wild::Many => "*",
            });
            format!("is like `{}`", pieces.collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_explained_as_its_author_wrote_it() {
        for written in ["9007199254740993", "18446744073709551616", "1e3", "0.10"] {
            let text = format!("title: T\nlogsource: {}\ndetection:\n  s: {{f|gte: {written}}}\n  condition: s\n", "{product: p}");
            let loaded = sigma::parse::parse_file("t.yml", &text, &sigma::lists::Lists::default());
            let [sigma::ast::Document::Rule(rule)] = &loaded.documents[..] else { panic!("{text}") };
            let sigma::ast::Search::Item(item) = &rule.selections[0].search else { panic!("{text}") };
            assert_eq!(predicate_text(&item.predicates[0]), format!("≥ {written}"));
        }
    }
}
