//! What the rules make of an event before any window is looked at: matching, in whatever thread, and what follows from the matches.

use crate::behaviour::{Scored, View};
use crate::book::Rulebook;
use crate::climb::event_id;
use crate::computed::{Computer, Late, Memory, Plan, Sighted, Told, Watched, noted};
use crate::hits::{Signature, Wanted, each_hit};
use crate::policy::Policy;
use crate::reader::Head;
use crate::seen::Seen;
use crate::small_text::SmallText;
use crate::windows::{Hit, Identity, NOBODY};
use model::{Deviation, Event, Value};
use sigma::compile::{Binding, Program, RuleIndex};
use sigma::matcher::{Clock, Matcher};
use std::cmp::Reverse;
use std::ops::Range;
use std::sync::Arc;

/// The part of scoring that belongs to a thread and not to a shard: caches and scratch for the rules of one source.
#[derive(Debug)]
pub struct Lane {
    pub(super) program: Arc<Program>,
    pub(super) policy: Arc<Policy>,
    /// Which of the rulebook's programs it is.
    pub(super) source: u16,
    clock: Clock,
    matcher: Matcher,
    matched: Vec<RuleIndex>,
    computer: Computer,
    late: Late,
    pub(super) sheet: Sheet,
}

/// Events that are matched before the first of them is settled, so that [`super::Shard::look_ahead`] can look at all of them together.
pub const AHEAD: usize = 32;

/// A hit that waits for its window.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) hit: Hit,
    pub(crate) rule: RuleIndex,
    /// The number that its group has, if it was looked for; nothing but time depends on it.
    pub(super) group: u32,
    pub(super) is_local: bool,
}

/// What the rules make of some events, before any state is looked at: the same in whatever thread and order it is worked out.
#[derive(Debug, Default)]
pub struct Sheet {
    /// Rules that alert by themselves.
    pub(super) alerting: Vec<RuleIndex>,
    pub(super) hits: Vec<Pending>,
    /// Rules that ask what others did to the target.
    pub(super) asked: Vec<RuleIndex>,
    /// What the keepers of targets are told.
    pub(super) sighted: Vec<Sighted>,
    /// What was computed of events that something follows from.
    pub(super) notes: String,
    /// What is out of the ordinary about them.
    pub(super) deviations: Vec<Deviation>,
    pub(super) scores: Vec<Scored>,
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
    pub(super) alerting: Range<usize>,
    pub(super) hits: Range<usize>,
    pub(super) asked: Range<usize>,
    pub(super) sighted: Option<u32>,
    pub(super) notes: Range<usize>,
    pub(super) deviation: Option<u32>,
    pub(super) is_report: bool,
    pub(super) score: Option<u32>,
    /// What the line is known by, if it is still to be looked whether it was scored already.
    pub(super) line: Option<Identity>,
    pub(super) is_repeated: bool,
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

    /// Whether rules read what depends on earlier events of the actor, or profiles are kept: then [`super::Shard::score`] has to match.
    pub fn needs_state(&self) -> bool {
        self.computer.plan().needs_state()
    }

    /// What the actor of an event is known by.
    pub(crate) fn actor_of(&mut self, head: &Head<'_>) -> Option<Identity> {
        head.actor.text().filter(|it| !it.is_empty()).map(|it| self.computer.identity(&it))
    }

    /// Matches an event and puts what it comes to on `sheet`. That is the larger part of scoring and needs no shard, unless
    /// [`Self::needs_state`]; [`super::Shard::settle`] is the other.
    pub fn examine(&mut self, head: &Head<'_>, values: &[Value<'_>], sheet: &mut Sheet) -> Findings {
        Findings { line: line_of(head), ..self.examine_with(Memory::default(), head, values, sheet) }
    }

    /// The same with the memory that computed fields need.
    pub(super) fn examine_with(
        &mut self,
        memory: Memory<'_>,
        head: &Head<'_>,
        values: &[Value<'_>],
        sheet: &mut Sheet,
    ) -> Findings {
        if head.is_canary {
            return Findings::default();
        }
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
            hits.push(Pending { hit, rule, group: NOBODY, is_local });
        }
    });
}
