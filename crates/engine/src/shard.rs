//! One shard: the state of the actors that belong to it, and the steps of an event through it.

use crate::alerting::{Trigger, behaviour_alert, detection_alert};
use crate::behaviour::{Behaviour, Scored, View};
use crate::book::Rulebook;
use crate::climb::{Programs, Spark, climb, event_id, in_order};
use crate::computed::state::TicketUses;
use crate::computed::{Computer, Late, Memory, Plan, Sighted, State, Told, Watched, join, noted, with_notes};
use crate::exchange::Routed;
use crate::hits::{Signature, Wanted, each_hit};
use crate::policy::Policy;
use crate::reader::Head;
use crate::reread::Rereader;
use crate::seen::Seen;
use crate::small_text::SmallText;
use crate::targets::{Asked, Touched};
use crate::triage::Report;
use crate::watermark::Tick;
use crate::windows::{Cause, Hit, Identity, WindowLimits, Windows};
use model::extract::Extracted;
use model::{Alert, Deviation, Event, EventTime, Value};
use sigma::compile::{Binding, Program, RuleIndex};
use sigma::matcher::{Clock, Matcher};
use std::cmp::{Ordering, Reverse};
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
    computer: Computer,
    late: Late,
    sheet: Sheet,
}

/// Events that are matched before the first of them is settled, so that [`Shard::look_ahead`] can look at all of them together.
pub const AHEAD: usize = 32;

/// A hit that waits for its window.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) hit: Hit,
    pub(crate) rule: RuleIndex,
    is_local: bool,
}

/// What the rules make of some events, before any state is looked at: the same in whatever thread and order it is worked out.
#[derive(Debug, Default)]
pub struct Sheet {
    /// Rules that alert by themselves.
    alerting: Vec<RuleIndex>,
    hits: Vec<Pending>,
    /// Rules that ask what others did to the target.
    asked: Vec<RuleIndex>,
    /// What the keepers of targets are told.
    sighted: Vec<Sighted>,
    /// What was computed of events that something follows from.
    notes: String,
    /// What is out of the ordinary about them.
    deviations: Vec<Deviation>,
    scores: Vec<Scored>,
}

impl Sheet {
    /// Forgets everything but the memory.
    pub fn clear(&mut self) {
        self.alerting.clear();
        self.hits.clear();
        self.asked.clear();
        self.sighted.clear();
        self.notes.clear();
        self.deviations.clear();
        self.scores.clear();
    }
}

impl Sheet {
    /// Puts down what is told of the behaviour of an event.
    fn tell(&mut self, told: Told, findings: &mut Findings) {
        let place = |len: usize| u32::try_from(len).ok();
        findings.deviation = told.deviation.and_then(|it| {
            self.deviations.push(it);
            place(self.deviations.len() - 1)
        });
        findings.is_report = told.is_report;
        findings.score = told.scored.and_then(|it| {
            self.scores.push(it);
            place(self.scores.len() - 1)
        });
    }
}

/// What a [`Sheet`] says of one event.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    alerting: Range<usize>,
    hits: Range<usize>,
    asked: Range<usize>,
    sighted: Option<u32>,
    notes: Range<usize>,
    deviation: Option<u32>,
    is_report: bool,
    score: Option<u32>,
    /// What the line is known by, if it is still to be looked whether it was scored already.
    line: Option<Identity>,
    is_repeated: bool,
}

impl Lane {
    /// A lane for the rulebook's program number `source`.
    pub fn new(book: &Rulebook, source: u16, clock: Clock) -> Self {
        let program = Arc::clone(&book.programs[usize::from(source)]);
        let matcher = Matcher::new(&program, clock.clone());
        let computer = Computer::new(&book.computed[usize::from(source)], &book.context);
        let policy = Arc::clone(&book.policy);
        Self {
            program,
            policy,
            source,
            clock,
            matcher,
            matched: Vec::new(),
            computer,
            late: Late::default(),
            sheet: Sheet::default(),
        }
    }

    /// Goes on with the rules, the policy and the knowledge of `book`. Where the rules are the same, their caches stay.
    pub fn adopt(&mut self, book: &Rulebook) {
        let program = &book.programs[usize::from(self.source)];
        if !Arc::ptr_eq(&self.program, program) {
            self.matcher = Matcher::new(program, self.clock.clone());
            self.program = Arc::clone(program);
        }
        self.policy = Arc::clone(&book.policy);
        self.computer.adopt(&book.computed[usize::from(self.source)], &book.context);
    }

    /// Whether rules read what depends on earlier events of the actor, or profiles are kept: then [`Shard::score`] has to match.
    pub fn needs_state(&self) -> bool {
        self.computer.plan().needs_state()
    }

    /// Matches an event and puts what it comes to on `sheet`. That is the larger part of scoring and needs no shard, unless
    /// [`Self::needs_state`]; [`Shard::settle`] is the other.
    pub fn examine(&mut self, head: &Head<'_>, values: &[Value<'_>], sheet: &mut Sheet) -> Findings {
        Findings { line: line_of(head), ..self.examine_with(Memory::default(), head, values, sheet) }
    }

    /// The same with the memory that computed fields need.
    fn examine_with(&mut self, memory: Memory<'_>, head: &Head<'_>, values: &[Value<'_>], sheet: &mut Sheet) -> Findings {
        let Self { program, matcher, matched, computer, late, .. } = self;
        let mut matching = Matching { program, matcher, matched, late };
        if computer.plan().is_empty() {
            return matching.examine(computer.plan(), head, (values, None), None, sheet);
        }
        computer.fill(head, values, memory, |plan, values, sighted, watched| {
            let view = watched.as_ref().map(Watched::view);
            let mut findings = matching.examine(plan, head, (values, view.as_ref()), sighted, sheet);
            if let Some(mut watched) = watched {
                for rule in &sheet.alerting[findings.alerting.clone()] {
                    let info = &matching.program.rules.rules[rule.0 as usize].info;
                    if plan.raises_risk(rule.0 as usize) && !info.status.is_shadow() {
                        watched.alerted(info.level);
                    }
                }
                sheet.tell(watched.learn(head), &mut findings);
            }
            findings
        })
    }

    /// The caches of the rules.
    pub fn matcher(&self) -> &Matcher {
        &self.matcher
    }
}

impl Findings {
    /// Whether nothing follows from the event.
    fn is_empty(&self) -> bool {
        self.alerting.is_empty() && self.hits.is_empty() && self.asked.is_empty() && self.deviation.is_none()
    }
}

/// The parts of a lane that matching needs.
struct Matching<'l> {
    program: &'l Program,
    matcher: &'l mut Matcher,
    matched: &'l mut Vec<RuleIndex>,
    late: &'l mut Late,
}

impl Matching<'_> {
    /// Puts what the rules make of an event on `sheet`. `known` are its values, and what is known of its actor.
    fn examine(
        &mut self,
        plan: &Plan,
        head: &Head<'_>,
        known: (&[Value<'_>], Option<&View<'_>>),
        sighted: Option<Sighted>,
        sheet: &mut Sheet,
    ) -> Findings {
        let Self { program, matcher, matched, late } = self;
        matcher.matches(program, &event_of(head, known.0), matched);
        matched.retain(|&rule| {
            let is_deferred = program.deferred[rule.0 as usize];
            if is_deferred && sighted.is_some() || !(is_deferred || program.asks_profile[rule.0 as usize]) {
                return true;
            }
            // There is no target of which more could be known.
            let mut holds = |values: &[Value<'_>]| matcher.condition_holds(program, rule, &event_of(head, values));
            match known {
                (values, Some(view)) => late.asked_by(plan, rule, (values, view), holds),
                (values, None) => holds(values),
            }
        });
        late.shown_by(plan, matched, known, |values, shown| {
            let mut findings = put_down(program, matched, head, &event_of(head, values), sighted, sheet);
            if !findings.is_empty() {
                let start = sheet.notes.len();
                noted(shown, values, &mut sheet.notes);
                findings.notes = start..sheet.notes.len();
            }
            findings
        })
    }
}

fn event_of<'e>(head: &Head<'e>, values: &'e [Value<'e>]) -> Event<'e> {
    Event { time: head.time, values, line: head.line }
}

/// Puts on `sheet` what follows from the rules that an event matched.
fn put_down(
    program: &Program,
    matched: &[RuleIndex],
    head: &Head<'_>,
    event: &Event<'_>,
    sighted: Option<Sighted>,
    sheet: &mut Sheet,
) -> Findings {
    let (alerting, hits, asked) = (sheet.alerting.len(), sheet.hits.len(), sheet.asked.len());
    for &rule in matched {
        if program.deferred[rule.0 as usize] && sighted.is_some() {
            sheet.asked.push(rule);
            continue;
        }
        if program.rules.alerts_itself[rule.0 as usize] {
            sheet.alerting.push(rule);
        }
        for binding in &program.bindings[rule.0 as usize] {
            pending(program, rule, binding, head, event, &mut sheet.hits, hits);
        }
    }
    // From the lowest level up, and later steps first, so that one event is never two steps of one chain.
    let level = |it: &Pending| program.rules.levels[it.hit.correlation.0 as usize];
    sheet.hits[hits..].sort_by_key(|it| (level(it), it.hit.correlation, Reverse(it.hit.step)));
    let asked = asked..sheet.asked.len();
    let sighted = sighted.filter(|it| it.is_counted || !asked.is_empty()).and_then(|it| {
        sheet.sighted.push(it);
        u32::try_from(sheet.sighted.len() - 1).ok()
    });
    let (alerting, hits) = (alerting..sheet.alerting.len(), hits..sheet.hits.len());
    Findings { alerting, hits, asked, sighted, ..Findings::default() }
}

/// What the line of an event is known by. Without an identifier, two equal lines may well be two events.
pub fn line_of(head: &Head<'_>) -> Option<Identity> {
    head.id.is_present().then(|| Seen::identity(head.line))
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
        if let Some(behaviour) = &self.behaviour
            && let Some(actor) = head.actor.text()
        {
            behaviour.look_ahead(Identity::of([&*actor]));
        }
        known_by.inspect(|it| _ = std::hint::black_box(self.seen.look_ahead(*it)));
    }

    /// Has brought near what [`Self::settle`] will need for some events, so that nobody waits for it. Changes nothing.
    pub fn look_ahead<'f>(&self, sheet: &Sheet, findings: impl Iterator<Item = &'f Findings> + Clone) {
        let is_own = |it: &&Pending| it.is_local;
        let hits = findings.clone().flat_map(|it| &sheet.hits[it.hits.clone()]);
        self.windows.look_ahead(hits.filter(is_own).map(|it| &it.hit));
        let lines = findings.filter_map(|it| it.line);
        std::hint::black_box(lines.filter(|it| self.seen.look_ahead(*it)).count());
    }

    /// Puts an event that was examined into the windows, and alerts.
    pub fn settle(&mut self, lane: &Lane, head: &Head<'_>, on: (&Sheet, &Findings), at: Place, out: &mut Outbox) -> Verdict {
        if on.1.is_repeated || on.1.line.is_some_and(|it| self.seen.is_repeated(it)) {
            return Verdict::Duplicate;
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
            for Pending { hit, rule, is_local } in &sheet.hits[findings.hits.clone()] {
                if *is_local && program.rules.levels[hit.correlation.0 as usize] == 0 {
                    let cause = Cause { source: *source, rule: *rule, below: &[], line: head.line };
                    self.hit(lane, hit, cause, at, out);
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

    fn hit(&mut self, lane: &Lane, hit: &Hit, cause: Cause<'_>, at: Place, out: &mut Outbox) {
        let mut fired = Vec::new();
        self.windows.hit(hit, &cause, at.watermark, &mut fired);
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
            for routed in &hits {
                self.hit(lane, &routed.hit, routed.cause(), at, out);
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

/// Adds the hits of an event that matched a rule of a correlation; those of the same event begin at `from`.
pub(crate) fn pending(
    program: &Program,
    rule: RuleIndex,
    binding: &Binding,
    head: &Head<'_>,
    event: &Event<'_>,
    hits: &mut Vec<Pending>,
    from: usize,
) {
    let Binding { correlation, step, group, values } = binding;
    let is_local = program.plans[correlation.0 as usize].is_local;
    let is_temporal = program.rules.correlations[correlation.0 as usize].kind.is_temporal();
    let wanted = Wanted { correlation: *correlation, step: *step, group, values, pinned: &[] };
    let sign = || {
        // Where the group is the actor, the triggering event names it.
        let actor = if is_local { None } else { head.actor.text() };
        Signature { event: event_id(head.id, head.line), actor: actor.map(|it| SmallText::from(&*it)).unwrap_or_default() }
    };
    each_hit(program, &wanted, event, head.time, sign, |hit| {
        // An event that several rules of one correlation match is still one event.
        let is_known = |it: &Pending| it.hit.correlation == hit.correlation && it.hit.step != hit.step && it.hit.group == hit.group;
        if is_temporal || !hits[from..].iter().any(is_known) {
            hits.push(Pending { hit, rule, is_local });
        }
    });
}
