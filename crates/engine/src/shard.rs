//! One shard: the state of the actors that belong to it, and the steps of an event through it.

mod lane;

pub use lane::{AHEAD, Findings, Lane, Sheet, line_of};
pub(crate) use lane::{Pending, pending};

use crate::alerting::{Trigger, behaviour_alert, detection_alert};
use crate::behaviour::{Behaviour, Scored};
use crate::climb::{Programs, Spark, climb, in_order};
use crate::computed::state::TicketUses;
use crate::computed::{Memory, State, join, with_notes};
use crate::exchange::Routed;
use crate::reader::Head;
use crate::reread::Rereader;
use crate::seen::Seen;
use crate::targets::{Asked, Touched};
use crate::triage::Report;
use crate::watermark::Tick;
use crate::windows::{Cause, Entering, Hit, Identity, NOBODY, WindowLimits, Windows};
use model::extract::Extracted;
use model::{Alert, EventTime, Value};
use sigma::compile::{Program, RuleIndex};
use std::cmp::Ordering;
use std::sync::Arc;

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

impl Emitted {
    /// The order of the output. Several alerts of one rule at one place are told apart by time and identifier.
    pub fn in_order(&self, other: &Self) -> Ordering {
        let key = |it: &Self| (it.position, it.order, it.alert.time);
        key(self).cmp(&key(other)).then_with(|| self.alert.uid.cmp(&other.alert.uid))
    }
}

/// What scoring leaves for others: alerts for the sink, hits for shards that keep other groups.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Alerts.
    pub alerts: Vec<Emitted>,
    /// Hits whose group does not belong to this shard.
    pub routed: Vec<Routed>,
    /// What the keepers of targets are told.
    pub touched: Vec<Touched>,
    /// The scores of events, if they are wanted.
    pub scores: Vec<Scored>,
    /// What employees have reported, where profiles are kept.
    pub reports: Vec<Report>,
    /// Canaries that are through: their positions and times.
    pub canaries: Vec<(u64, EventTime)>,
}

impl Outbox {
    /// Whether nothing is left for others, but scores.
    pub(crate) fn is_empty(&self) -> bool {
        self.alerts.is_empty() && self.routed.is_empty() && self.touched.is_empty() && self.reports.is_empty()
    }
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
    pub(crate) state: State,
    pub(crate) behaviour: Option<Box<Behaviour>>,
    pub(crate) rereader: Rereader,
    /// Hits of one place for higher levels, until their turn.
    above: Vec<Routed>,
    /// The line of an event with what was computed of it.
    with_notes: String,
}

impl Shard {
    /// An empty shard for the rules of `program`'s set.
    pub fn new(program: &Program, limits: WindowLimits) -> Self {
        Self::with(Windows::new(&program.rules, limits), Seen::default(), State::default())
    }

    pub(crate) fn with(windows: Windows, seen: Seen, state: State) -> Self {
        Self { windows, seen, state, behaviour: None, rereader: Rereader::default(), above: Vec::new(), with_notes: String::new() }
    }

    /// How full the windows are.
    pub fn window_stats(&self) -> crate::windows::WindowStats {
        self.windows.stats()
    }

    /// Keeps profiles of its actors from now on, and goes on with those of `behaviour`.
    pub fn watch(&mut self, behaviour: Behaviour) {
        self.behaviour = Some(Box::new(behaviour));
    }

    /// Keeps no profiles any more, and hands out those that it had.
    pub fn take_behaviour(&mut self) -> Option<Behaviour> {
        self.behaviour.take().map(|it| *it)
    }

    /// The profiles of its actors.
    pub fn behaviour(&self) -> Option<&Behaviour> {
        self.behaviour.as_deref()
    }

    /// The same, to look at the peers anew ([`crate::behaviour::refresh`]).
    pub fn behaviour_mut(&mut self) -> Option<&mut Behaviour> {
        self.behaviour.as_deref_mut()
    }

    /// For which targets people have used tickets.
    pub fn ticket_uses(&self) -> &TicketUses {
        &self.state.tickets
    }

    /// Remembers the latest `max` events to know duplicates by, from now on.
    pub fn set_duplicates_max(&mut self, max: usize) {
        self.seen.set_max(max);
    }

    /// How many identifiers of events are remembered.
    pub fn seen_len(&self) -> usize {
        self.seen.len()
    }

    /// Scores one event, of which [`line_of`] says what its line is known by: what [`Lane::examine`] does, with what depends on earlier
    /// events of the actor, then [`Self::settle`].
    pub fn score(
        &mut self,
        lane: &mut Lane,
        (head, known_by): (&Head<'_>, Option<Identity>),
        values: &[Value<'_>],
        at: Place,
        out: &mut Outbox,
    ) -> Verdict {
        let mut sheet = std::mem::take(&mut lane.sheet);
        sheet.clear();
        let findings = self.examine(lane, head, known_by, values, &mut sheet);
        let verdict = self.settle(lane, head, (&sheet, &findings), at, out);
        lane.sheet = sheet;
        verdict
    }

    /// As [`Lane::examine`], for the events of this shard in their order: rules may read what depends on earlier ones.
    pub(crate) fn examine(
        &mut self,
        lane: &mut Lane,
        head: &Head<'_>,
        known_by: Option<Identity>,
        values: &[Value<'_>],
        sheet: &mut Sheet,
    ) -> Findings {
        if known_by.is_some_and(|it| self.seen.is_repeated(it)) {
            return Findings { is_repeated: true, ..Findings::default() };
        }
        let memory = Memory { state: Some(&mut self.state), behaviour: self.behaviour.as_deref_mut() };
        lane.examine_with(memory, head, values, sheet)
    }

    /// Has brought near what [`Self::score`] will need for an event, as far as that is known. Changes nothing.
    pub fn expect(&self, head: &Head<'_>, known_by: Option<Identity>) {
        self.expect_of(head.actor.text().map(|it| Identity::of([&*it])), known_by);
    }

    /// The same of an event whose actor is known by that.
    pub(crate) fn expect_of(&self, actor: Option<Identity>, known_by: Option<Identity>) {
        if let Some((behaviour, actor)) = self.behaviour.as_ref().zip(actor) {
            behaviour.look_ahead(actor);
        }
        known_by.inspect(|it| self.seen.look_ahead(*it));
    }

    /// Has brought near what [`Self::settle`] will need for some events, so that nobody waits for it. Changes nothing.
    pub fn look_ahead<'f>(&self, sheet: &Sheet, findings: impl Iterator<Item = &'f Findings> + Clone) {
        let is_own = |it: &&Pending| it.is_local;
        let hits = findings.clone().flat_map(|it| &sheet.hits[it.hits.clone()]);
        self.windows.look_ahead(hits.filter(is_own).map(|it| &it.hit));
        findings.filter_map(|it| it.line).for_each(|it| self.seen.look_ahead(it));
    }

    /// Has brought near what tells whether an event was scored already, and where the groups of its hits are. The first of four steps,
    /// each of which needs what the one before has asked for; between them is time for that to come.
    pub(crate) fn expect_groups(&self, sheet: &Sheet, findings: &Findings) {
        findings.line.inspect(|it| self.seen.look_ahead(*it));
        sheet.hits[findings.hits.clone()].iter().filter(|it| it.is_local).for_each(|it| self.windows.expect_group(&it.hit));
    }

    /// Has brought near the groups of an event's hits, whose numbers are noted.
    pub(crate) fn fetch_groups(&self, sheet: &mut Sheet, findings: &Findings) {
        for Pending { hit, group, is_local, .. } in &mut sheet.hits[findings.hits.clone()] {
            *group = self.windows.fetch_group(hit).filter(|_| *is_local).unwrap_or(NOBODY);
        }
    }

    /// Has brought near where the windows of an event's hits begin and end.
    pub(crate) fn fetch_windows(&self, sheet: &Sheet, findings: &Findings) {
        let known = sheet.hits[findings.hits.clone()].iter().filter(|it| it.group != NOBODY);
        known.for_each(|it| self.windows.fetch_window(&it.hit, it.group));
    }

    /// Has brought near what those windows go on with.
    pub(crate) fn fetch_next(&self, sheet: &Sheet, findings: &Findings) {
        let known = sheet.hits[findings.hits.clone()].iter().filter(|it| it.group != NOBODY);
        known.for_each(|it| self.windows.fetch_next(&it.hit, it.group));
    }

    /// Puts an event that was examined into the windows, and alerts.
    pub fn settle(&mut self, lane: &Lane, head: &Head<'_>, on: (&Sheet, &Findings), at: Place, out: &mut Outbox) -> Verdict {
        if on.1.is_repeated || on.1.line.is_some_and(|it| self.seen.is_repeated(it)) {
            return Verdict::Duplicate;
        }
        if head.is_canary {
            out.canaries.push((at.position, head.time));
        }
        if let Some(it) = on.1.score {
            out.scores.push(Scored { position: at.position, ..on.0.scores[it as usize].clone() });
        }
        self.act(lane, head, on, at, out);
        if at.is_late { Verdict::Late } else { Verdict::Scored }
    }

    /// What follows from the rules that matched: alerts, and steps of windows here and elsewhere.
    fn act(&mut self, lane: &Lane, head: &Head<'_>, on: (&Sheet, &Findings), at: Place, out: &mut Outbox) {
        let notes = &on.0.notes[on.1.notes.clone()];
        if notes.is_empty() {
            return self.act_on(lane, head, on, at, out);
        }
        let mut joined = std::mem::take(&mut self.with_notes);
        join(head.line, notes, &mut joined);
        self.act_on(lane, &Head { line: &joined, ..*head }, on, at, out);
        self.with_notes = joined;
    }

    /// The same with a line behind which stands what was computed.
    fn act_on(&mut self, lane: &Lane, head: &Head<'_>, (sheet, findings): (&Sheet, &Findings), at: Place, out: &mut Outbox) {
        let Lane { program, policy, source, .. } = lane;
        if let Some(sighted) = findings.sighted {
            let rules = &sheet.asked[findings.asked.clone()];
            if !(at.is_late && rules.is_empty()) {
                let sighted = sheet.sighted[sighted as usize];
                out.touched.push(Touched { at, time: head.time, sighted, asked: asked(*source, rules, head.line) });
            }
        }
        let alerting = &sheet.alerting[findings.alerting.clone()];
        if !alerting.is_empty() {
            self.rereader.read(program, *source, head.line, |event| {
                for &rule in alerting {
                    let trigger = Trigger { program, policy, rule, event, time: head.time };
                    out.alerts.push(Emitted { position: at.position, order: rule.0, alert: detection_alert(&trigger) });
                }
            });
        }
        if let Some(it) = findings.deviation {
            let deviation = Box::new(sheet.deviations[it as usize].clone());
            self.rereader.read(program, *source, head.line, |event| {
                let alert = behaviour_alert(program, policy, event, head.time, deviation);
                out.alerts.push(Emitted { position: at.position, order: BEHAVIOUR, alert });
            });
        }
        if findings.is_report {
            self.rereader.read(program, *source, head.line, |event| {
                let Extracted { actor, tool, .. } = event.roles();
                out.reports.push(Report { position: at.position, time: head.time, team: actor.team, tool });
            });
        }
        if !at.is_late {
            let mut shared_line: Option<Arc<str>> = None;
            let hits = &sheet.hits[findings.hits.clone()];
            for (number, Pending { hit, rule, group, is_local }) in hits.iter().enumerate() {
                if *is_local && program.rules.levels[hit.correlation.0 as usize] == 0 {
                    let cause = Cause { source: *source, rule: *rule, below: &[], line: head.line };
                    let entering = Entering { guess: *group, goes_on: hit.goes_on(hits[number + 1..].iter().map(|it| &it.hit)) };
                    self.hit(lane, (hit, entering), cause, at, out);
                    continue;
                }
                let text = Arc::clone(shared_line.get_or_insert_with(|| head.line.into()));
                let Place { position, watermark, reached, .. } = at;
                let (source, rule, hit) = (*source, *rule, hit.clone());
                let routed = Routed { position, source, rule, below: Box::default(), hit, watermark, reached, line: text };
                if *is_local { self.above.push(routed) } else { out.routed.push(routed) }
            }
        }
        if !self.above.is_empty() || self.windows.due(None).is_some_and(|due| due <= at.reached) {
            self.rise(lane, at, out);
        }
    }

    /// Puts a hit into its window.
    fn hit(&mut self, lane: &Lane, (hit, entering): (&Hit, Entering), cause: Cause<'_>, at: Place, out: &mut Outbox) {
        let mut fired = Vec::new();
        self.windows.hit_at(hit, entering, &cause, at.watermark, &mut fired);
        for fired in fired {
            let Hit { correlation, step, group, time, .. } = *hit;
            let spark = Spark { correlation, step, group, fired, cause, time, at };
            self.climb(lane, spark, out);
        }
    }

    /// Makes of a correlation that fired an alert, and hits for those above it, here or elsewhere.
    fn climb(&mut self, lane: &Lane, spark: Spark<'_>, out: &mut Outbox) {
        let programs = Programs::new(std::slice::from_ref(&lane.program), lane.source, &lane.policy);
        let known = self.above.len();
        climb(programs, &mut self.rereader, spark, &mut out.alerts, &mut self.above);
        let is_elsewhere = |it: &mut Routed| !lane.program.plans[it.hit.correlation.0 as usize].is_local;
        out.routed.extend(self.above.extract_if(known.., is_elsewhere));
    }

    /// Works off one place of the input from the lowest level up: timers that are due, and hits that came from below.
    fn rise(&mut self, lane: &Lane, at: Place, out: &mut Outbox) {
        let levels = &lane.program.rules.levels;
        let level_of = |it: &Routed| levels[it.hit.correlation.0 as usize];
        for level in 0..=levels.iter().copied().max().unwrap_or(0) {
            let mut hits: Vec<Routed> = self.above.extract_if(.., |it| level_of(it) == level).collect();
            hits.sort_by(in_order);
            for (number, routed) in hits.iter().enumerate() {
                let goes_on = routed.hit.goes_on(hits[number + 1..].iter().map(|it| &it.hit));
                self.hit(lane, (&routed.hit, Entering { goes_on, ..Entering::default() }), routed.cause(), at, out);
            }
            let mut told = Vec::new();
            if self.windows.due(Some(level)).is_some_and(|due| due <= at.reached) {
                self.windows.settle(level, at.reached, &mut told);
            }
            for (correlation, fired, kept) in told {
                let Some(cause) = kept.cause(&lane.program.rules, correlation) else { continue };
                let time = EventTime::from_ms(kept.time_ms);
                let spark = Spark { correlation, step: kept.step, group: kept.group, fired, cause, time, at };
                self.climb(lane, spark, out);
            }
        }
    }

    /// Lets timers fire at the ticks before `position`; each fires at the first tick at which it is due.
    pub fn catch_up(&mut self, lane: &Lane, ticks: &[Tick], position: u64, out: &mut Outbox) {
        while let Some(due) = self.windows.due(None)
            && let Some(tick) = Tick::first_at(ticks, due).filter(|it| it.position < position)
        {
            self.rise(lane, tick.place(), out);
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
    /// The highest watermark so far, this event's included: what waits for it is decided now.
    pub reached: EventTime,
    /// Whether the event is from before that.
    pub is_late: bool,
}

/// What is said of behaviour comes after all rules.
const BEHAVIOUR: u32 = u32::MAX;

/// Correlations come after all detections.
pub(crate) fn order_of(program: &Program, correlation: u32) -> u32 {
    u32::try_from(program.rules.rules.len()).unwrap_or(u32::MAX).saturating_add(correlation)
}

/// What rules ask about an event whose line, with what was computed of it, is `line`.
fn asked(source: u16, rules: &[RuleIndex], line: &str) -> Option<Box<Asked>> {
    (!rules.is_empty()).then(|| Box::new(Asked { source, rules: rules.into(), line: with_notes(line) }))
}
