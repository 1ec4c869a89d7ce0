//! One shard: the state of the actors that belong to it, and the steps of an event through it.

use crate::alerting::{Trigger, correlation_alert, detection_alert};
use crate::book::Rulebook;
use crate::exchange::Routed;
use crate::policy::Policy;
use crate::reader::Head;
use crate::seen::Seen;
use crate::small_text::SmallText;
use crate::windows::{Hit, Identity, WindowLimits, Windows};
use model::{Alert, Event, EventTime, Value};
use sigma::ast::CorrelationKind;
use sigma::compile::{Binding, Program, RuleIndex};
use sigma::matcher::{Clock, Matcher};
use std::cmp::Reverse;
use std::ops::Range;
use std::sync::Arc;

/// The part of scoring that belongs to a thread and not to a shard: caches and scratch for the rules of one source.
#[derive(Debug)]
pub struct Lane {
    program: Arc<Program>,
    policy: Arc<Policy>,
    /// Which of the rulebook's programs it is.
    source: u16,
    clock: Clock,
    matcher: Matcher,
    matched: Vec<RuleIndex>,
    sheet: Sheet,
}

/// A hit that waits for its window.
#[derive(Debug)]
struct Pending {
    hit: Hit,
    rule: RuleIndex,
    is_local: bool,
}

/// What the rules make of some events, before any state is looked at: the same in whatever thread and order it is worked out.
#[derive(Debug, Default)]
pub struct Sheet {
    /// Rules that alert by themselves.
    alerting: Vec<RuleIndex>,
    hits: Vec<Pending>,
}

impl Sheet {
    /// Forgets everything but the memory.
    pub fn clear(&mut self) {
        self.alerting.clear();
        self.hits.clear();
    }
}

/// What a [`Sheet`] says of one event.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    alerting: Range<usize>,
    hits: Range<usize>,
}

impl Lane {
    /// A lane for the rulebook's program number `source`.
    pub fn new(book: &Rulebook, source: u16, clock: Clock) -> Self {
        let program = Arc::clone(&book.programs[usize::from(source)]);
        let matcher = Matcher::new(&program, clock.clone());
        Self { program, policy: Arc::clone(&book.policy), source, clock, matcher, matched: Vec::new(), sheet: Sheet::default() }
    }

    /// Goes on with the rules and the policy of `book`. Where the rules are the same, their caches stay.
    pub fn adopt(&mut self, book: &Rulebook) {
        let program = &book.programs[usize::from(self.source)];
        if !Arc::ptr_eq(&self.program, program) {
            self.matcher = Matcher::new(program, self.clock.clone());
            self.program = Arc::clone(program);
        }
        self.policy = Arc::clone(&book.policy);
    }

    /// Matches an event and puts what it comes to on `sheet`. That is the larger part of scoring and needs no shard;
    /// [`Shard::settle`] is the other.
    pub fn examine(&mut self, head: &Head<'_>, values: &[Value<'_>], sheet: &mut Sheet) -> Findings {
        let Self { program, matcher, matched, .. } = self;
        let event = Event { time: head.time, values, line: head.line };
        matcher.matches(program, &event, matched);
        let (alerting, hits) = (sheet.alerting.len(), sheet.hits.len());
        for &rule in matched.iter() {
            if program.rules.alerts_itself[rule.0 as usize] {
                sheet.alerting.push(rule);
            }
            for binding in &program.bindings[rule.0 as usize] {
                sheet.hits.extend(pending(program, rule, binding, head, &event));
            }
        }
        // Later steps first, so that one event is never two steps of one chain.
        sheet.hits[hits..].sort_by_key(|it| (it.hit.correlation, Reverse(it.hit.step)));
        Findings { alerting: alerting..sheet.alerting.len(), hits: hits..sheet.hits.len() }
    }

    /// The caches of the rules.
    pub fn matcher(&self) -> &Matcher {
        &self.matcher
    }
}

/// An alert and where it belongs in the output: after those of earlier events, in the order of the rules.
#[derive(Debug)]
pub struct Emitted {
    /// The position of the triggering event in the input.
    pub position: u64,
    /// Detections before correlations, each in the order of the rule set.
    pub order: u32,
    /// The alert.
    pub alert: Alert,
}

/// What scoring leaves for others: alerts for the sink, hits for shards that keep other groups.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Alerts.
    pub alerts: Vec<Emitted>,
    /// Hits whose group does not belong to this shard.
    pub routed: Vec<Routed>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was scored.
    Scored,
    /// It came after the allowed lateness: rules saw it, windows did not.
    Late,
    /// The same event was scored already.
    Duplicate,
}

/// The state of the actors of one shard. Its verdicts depend on the events it is given and on nothing else.
#[derive(Debug)]
pub struct Shard {
    pub(crate) windows: Windows,
    pub(crate) seen: Seen,
}

impl Shard {
    /// An empty shard for the rules of `program`'s set.
    pub fn new(program: &Program, limits: WindowLimits) -> Self {
        Self { windows: Windows::new(&program.rules, limits), seen: Seen::default() }
    }

    /// How full the windows are.
    pub fn window_stats(&self) -> crate::windows::WindowStats {
        self.windows.stats()
    }

    /// How many identifiers of events are remembered.
    pub fn seen_len(&self) -> usize {
        self.seen.len()
    }

    /// Scores one event. `position` is its place in the input, `watermark` the time before which nothing more is expected, and
    /// `is_late` whether this event is from before it.
    pub fn score(&mut self, lane: &mut Lane, head: &Head<'_>, values: &[Value<'_>], at: Place, out: &mut Outbox) -> Verdict {
        if self.is_repeated(head) {
            return Verdict::Duplicate;
        }
        let mut sheet = std::mem::take(&mut lane.sheet);
        sheet.clear();
        let findings = lane.examine(head, values, &mut sheet);
        self.act(lane, head, (&sheet, &findings), at, out);
        lane.sheet = sheet;
        if at.is_late { Verdict::Late } else { Verdict::Scored }
    }

    /// The second half of [`Self::score`], for an event that [`Lane::examine`] has put on `sheet`. Together they are the same as that.
    pub fn settle(&mut self, lane: &Lane, head: &Head<'_>, on: (&Sheet, &Findings), at: Place, out: &mut Outbox) -> Verdict {
        if self.is_repeated(head) {
            return Verdict::Duplicate;
        }
        self.act(lane, head, on, at, out);
        if at.is_late { Verdict::Late } else { Verdict::Scored }
    }

    fn is_repeated(&mut self, head: &Head<'_>) -> bool {
        // Without an identifier, two equal lines may well be two events.
        head.id.is_present() && self.seen.is_repeated(head.line)
    }

    /// What follows from the rules that matched: alerts, and steps of windows here and elsewhere.
    fn act(&mut self, lane: &Lane, head: &Head<'_>, (sheet, findings): (&Sheet, &Findings), at: Place, out: &mut Outbox) {
        let Lane { program, policy, source, .. } = lane;
        for &rule in &sheet.alerting[findings.alerting.clone()] {
            let trigger = Trigger { program, policy, rule, line: head.line, time: head.time };
            out.alerts.push(Emitted { position: at.position, order: rule.0, alert: detection_alert(&trigger) });
        }
        if at.is_late {
            return;
        }
        let mut shared_line: Option<Arc<str>> = None;
        for Pending { hit, rule, is_local } in &sheet.hits[findings.hits.clone()] {
            let rule = *rule;
            let trigger = Trigger { program, policy, rule, line: head.line, time: head.time };
            if *is_local {
                let correlation = hit.correlation;
                if let Some(fired) = self.windows.hit(hit, at.watermark) {
                    let order = order_of(program, correlation.0);
                    let alert = correlation_alert(&trigger, correlation, fired);
                    out.alerts.push(Emitted { position: at.position, order, alert });
                }
            } else {
                let text = Arc::clone(shared_line.get_or_insert_with(|| head.line.into()));
                let (position, hit, watermark) = (at.position, hit.clone(), at.watermark);
                out.routed.push(Routed { position, source: *source, rule, hit, watermark, line: text });
            }
        }
    }
}

/// Where an event stands among the others.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Its number in the input.
    pub position: u64,
    /// The time before which nothing more is expected.
    pub watermark: EventTime,
    /// Whether the event is from before that.
    pub is_late: bool,
}

/// Correlations come after all detections.
pub(crate) fn order_of(program: &Program, correlation: u32) -> u32 {
    u32::try_from(program.rules.rules.len()).unwrap_or(u32::MAX).saturating_add(correlation)
}

/// The hit of an event that matched a rule of a correlation. `None` when the event lacks a field of the group or the counted value.
fn pending(program: &Program, rule: RuleIndex, binding: &Binding, head: &Head<'_>, event: &Event<'_>) -> Option<Pending> {
    let group = identity(event, &binding.group)?;
    let plan = &program.plans[binding.correlation.0 as usize];
    let correlation = &program.rules.correlations[binding.correlation.0 as usize];
    let value = match correlation.kind {
        CorrelationKind::ValueCount(_) => identity(event, &binding.values)?,
        _ => Identity::default(),
    };
    let id = match head.id.text() {
        Some(id) => SmallText::from(&*id),
        None => SmallText::from(&*model::extract::derived_id(head.line)),
    };
    // Where the group is the actor, the triggering event names it.
    let actor =
        if plan.is_local { SmallText::default() } else { head.actor.text().map(|it| SmallText::from(&*it)).unwrap_or_default() };
    let hit = Hit { correlation: binding.correlation, step: binding.step, time: head.time, group, value, event: id, actor };
    let hit = if correlation.kind == CorrelationKind::Temporal { hit.with_step_as_value() } else { hit };
    Some(Pending { hit, rule, is_local: plan.is_local })
}

/// The identity of the values of some fields; `None` if one has no value.
fn identity(event: &Event<'_>, slots: &[model::SlotId]) -> Option<Identity> {
    let mut identity = Identity::default();
    for &slot in slots {
        let value = event.value(slot);
        identity = match value {
            Value::Missing | Value::Null => return None,
            Value::Array(raw) | Value::Object(raw) | Value::Within { array: raw, .. } => identity.then(raw),
            scalar => identity.then(&scalar.text()?),
        };
    }
    Some(identity)
}
