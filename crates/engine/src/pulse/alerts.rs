//! From a finding to an alert: an OCSF Detection Finding like any other, of a rule of its own, with the reason in a sentence.

use super::finding::{Finding, Quiet, What};
use crate::alerting::{grouped, write_duration};
use crate::book::Rulebook;
use crate::policy::Policy;
use model::alert::{ActorRef, Alert, Delivery, Evidence, OriginRef, WindowInfo};
use model::ocsf::uid;
use model::source::Outcome;
use model::{EventTime, Level, RuleInfo, RuleKind, Status, TargetRef, Triaged};
use serde_json::json;
use std::sync::{Arc, LazyLock};

/// The rules that alerts about missing events are of, in no rule pack: silence, drop, gap, canary.
pub static RULES: LazyLock<[Arc<RuleInfo>; 4]> = LazyLock::new(|| {
    [
        (
            "8d0e6a52-41f7-4c39-9a1e-0b6f5c2d7e10",
            "nightjar.blind.silent",
            "A log source has fallen silent",
            "Nothing comes of a source or stream that is usually never silent for so long. What is done there now is not seen.",
        ),
        (
            "8d0e6a52-41f7-4c39-9a1e-0b6f5c2d7e11",
            "nightjar.blind.dropped",
            "Next to nothing comes of a log source",
            "A few percent of what is usual come of a source or stream. What most of its people do there now is not seen.",
        ),
        (
            "8d0e6a52-41f7-4c39-9a1e-0b6f5c2d7e12",
            "nightjar.blind.gap",
            "Numbered events are missing",
            "An emitter numbers its events, and some numbers never came. Somebody or something has taken events away.",
        ),
        (
            "8d0e6a52-41f7-4c39-9a1e-0b6f5c2d7e13",
            "nightjar.blind.canary",
            "The canary of a log source is missing",
            "An event that is sent now and then to see whether it arrives did not come out in time.",
        ),
    ]
    .map(|(id, name, title, description)| {
        Arc::new(RuleInfo {
            id: id.to_owned(),
            name: name.to_owned(),
            title: title.to_owned(),
            description: description.to_owned(),
            level: Level::High,
            status: Status::Stable,
            kind: RuleKind::Detection,
            // Impair Defenses.
            tags: vec!["attack.t1562".to_owned()],
            ..RuleInfo::default()
        })
    })
});

/// In whose name alerts are raised.
#[derive(Debug, Clone)]
pub struct Voice {
    source: Arc<str>,
    rule_set: Arc<str>,
    policy: Arc<Policy>,
}

impl Voice {
    /// That of the source of `book`'s program number `program`.
    pub fn of(book: &Rulebook, program: u16) -> Self {
        let mapping = &book.programs[usize::from(program)].schema.mapping;
        Self { source: mapping.name.as_str().into(), rule_set: Arc::clone(&book.set.hash), policy: Arc::clone(&book.policy) }
    }

    /// The alert about a finding. The alert that tells the end of an episode amends the one that told its beginning.
    pub fn alert(&self, finding: &Finding) -> Alert {
        let Finding { what, of, from_ms, until_ms, is_end } = finding;
        let (rule, kind, count) = match what {
            What::Silent(_) => (0, "stream", 0),
            What::Dropped(it) => (1, "stream", whole(it.actual)),
            What::Gap { missing, .. } => (2, "emitter", *missing),
            What::Canary { .. } => (3, "stream", 0),
        };
        let rule = Arc::clone(&RULES[rule]);
        let (source, name) = (self.source.to_string(), if of.is_empty() { self.source.to_string() } else { of.to_string() });
        let mut group = vec![("source".to_owned(), source)];
        if !of.is_empty() {
            group.push((kind.to_owned(), of.to_string()));
        }
        let alert = Alert {
            uid: uid(&rule.id, &[&self.source, of, &from_ms.to_string()]),
            time: EventTime::from_ms(*until_ms),
            delivery: Delivery::Page,
            rule_set: Arc::clone(&self.rule_set),
            source: Arc::clone(&self.source),
            actor: ActorRef::default(),
            actors: Vec::new(),
            action: String::new(),
            tool: None,
            outcome: Outcome::Success,
            target: Some(TargetRef { id: name, kind: Some(format!("log {kind}")), label: None, tags: Vec::new() }),
            origin: OriginRef::default(),
            window: Some(WindowInfo {
                group,
                first: EventTime::from_ms(*from_ms),
                last: EventTime::from_ms(*until_ms),
                timespan_ms: (until_ms - from_ms).max(0),
                count,
                value: None,
                counted: if matches!(what, What::Gap { .. }) { "missing events" } else { "events" }.to_owned(),
                condition: condition(what),
            }),
            events: Vec::new(),
            events_total: 0,
            evidence: evidence(what),
            deviation: None,
            triaged: is_end.then(|| Box::new(Triaged { incident: None, is_update: true, standing: None })),
            message: self.sentence(finding),
            rule,
        };
        Alert { delivery: self.policy.delivery(&alert), ..alert }
    }

    fn sentence(&self, finding: &Finding) -> String {
        let Finding { what, of, from_ms, until_ms, is_end } = finding;
        let who = if of.is_empty() { format!("the source {}", self.source) } else { format!("{of} ({})", self.source) };
        let (from, span) = (EventTime::from_ms(*from_ms), span(until_ms - from_ms));
        match (what, is_end) {
            (What::Silent(it), false) => format!(
                "{who} has been silent for {span}, since {from}: {} events were to be expected, and at this hour only one silence in a \
                 thousand is longer than {}{}",
                number(it.missed),
                self::span(it.rarely_ms),
                chance(it)
            ),
            (What::Dropped(it), false) => format!(
                "next to nothing comes of {who}: {} events in {span}, since {from}, where {} were to be expected{}",
                number(it.actual),
                number(it.missed),
                chance(it)
            ),
            (What::Silent(it), true) => {
                format!("{who} is heard of again: it was silent for {span}, since {from}{}", late(it.came_late))
            }
            (What::Dropped(it), true) => {
                format!("{who} is as usual again: next to nothing came for {span}, since {from}{}", late(it.came_late))
            }
            (What::Gap { first, last, missing, came_late }, _) => format!(
                "{missing} numbered event{} of {who} never came: {}{}{}",
                if *missing == 1 { "" } else { "s" },
                if missing == &1 { format!("number {first}") } else { format!("numbers {first} to {last}") },
                if *missing > 1 && *missing < last - first + 1 { ", not all of them" } else { "" },
                late(*came_late)
            ),
            (What::Canary { every_ms, has_come }, false) => {
                let since = if *has_come { "the last came out" } else { "it has been expected since" };
                let every = self::span(*every_ms);
                format!("the canary of {who} is missing: {since} {span} before, at {from}, and one is due every {every}")
            }
            (What::Canary { .. }, true) => format!("the canary of {who} is out again, after {span}"),
        }
    }
}

fn condition(what: &What) -> String {
    match what {
        What::Silent(it) | What::Dropped(it) => format!("{} expected", number(it.missed)),
        What::Gap { .. } => "≥ 1".to_owned(),
        What::Canary { every_ms, .. } => format!("one every {}", span(*every_ms)),
    }
}

fn evidence(what: &What) -> Vec<Evidence> {
    let fields = match what {
        What::Silent(it) | What::Dropped(it) => vec![
            ("nj.pulse.events", json!(whole(it.actual))),
            ("nj.pulse.expected", json!(whole(it.missed))),
            ("nj.pulse.usual_per_hour", json!(whole(it.per_hour))),
            ("nj.pulse.longest_silence_s", json!(it.longest_ms / 1_000)),
            ("nj.pulse.surprise", json!(whole(surprise(it)))),
            ("nj.pulse.came_late", json!(it.came_late)),
        ],
        What::Gap { first, last, missing, came_late } => vec![
            ("nj.pulse.first", json!(first)),
            ("nj.pulse.last", json!(last)),
            ("nj.pulse.missing", json!(missing)),
            ("nj.pulse.came_late", json!(came_late)),
        ],
        What::Canary { every_ms, .. } => vec![("nj.pulse.every_s", json!(every_ms / 1_000))],
    };
    fields.into_iter().map(|(field, value)| Evidence { field: field.to_owned(), value }).collect()
}

/// −log₁₀ of the chance.
fn surprise(it: &Quiet) -> f64 {
    (-it.ln_chance * std::f64::consts::LOG10_E).max(0.0)
}

fn chance(it: &Quiet) -> String {
    format!(" (by chance once in 10^{})", number(surprise(it).floor()))
}

fn late(came_late: u64) -> String {
    match came_late {
        0 => String::new(),
        1 => "; 1 of them came later".to_owned(),
        _ => format!("; {came_late} events of it came later"),
    }
}

fn number(it: f64) -> String {
    grouped(it.round())
}

fn whole(it: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and cut at the largest")]
    let whole = it.max(0.0).round() as u64;
    whole
}

fn span(ms: i64) -> String {
    let mut text = String::new();
    write_duration(ms, &mut text);
    text
}
