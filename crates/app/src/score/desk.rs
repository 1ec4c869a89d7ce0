//! The alerts of a round on their way out: put in one order, triaged if there is a budget, and written by all threads.
//!
//! What is decided depends on the order of the input alone: alerts, reports and counts of people meet here by their positions, however the
//! input was cut into rounds.

use super::args::{Form, Options};
use super::parallel;
use super::seat::Seat;
use crate::show;
use engine::repartition::{self, Key, Origin, Stand, Told};
use engine::triage::{Census, Outgoing, Report, Stats, Step, Timed};
use engine::{Emitted, Frontier, Tick};
use model::{Alert, Delivery, EventTime, RuleInfo};
use std::collections::BTreeMap;
use std::sync::Arc;

/// With fewer records than this, starting a thread takes longer than writing them.
const WORTH_A_THREAD: usize = 64;
/// No partition of the input is an owner.
const OWNERS: &str = "";

/// See the module.
pub(super) struct Desk {
    triage: Option<repartition::Desk>,
    /// The input, as the desk knows it.
    input: Origin,
    /// Alerts of before are not written.
    learn_until: EventTime,
    form: Form,
    frontier: Frontier,
    /// How many runs there were before: each counts positions anew.
    run: i64,
    /// The events of the round.
    taken: Vec<Taken>,
    /// What was told that is no alert, by position.
    steps: Vec<(u64, Step)>,
    census: Census,
    outgoing: Vec<Outgoing>,
    pages: Vec<Page>,
}

/// The snapshot of triage of a version of before and how far its time had come, or nothing and how many runs there were; and whose people were
/// counted.
type Before = (Vec<u8>, i64, Census);
/// What follows it: the snapshot of the desk, and how far the events have come.
type Saved = (Vec<u8>, Frontier);

/// An event: its position, as of which time it is taken, and how far the input is with it.
#[derive(Clone, Copy)]
struct Taken {
    position: u64,
    time_ms: i64,
    frontier_ms: i64,
}

/// Records, written out by one thread.
#[derive(Default)]
pub(super) struct Page {
    bytes: Vec<u8>,
    lines: Vec<Line>,
}

/// One record: what it is, and where it ends.
struct Line {
    kind: Kind,
    end: usize,
}

/// What a record is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// An alert, or a finding that pages nobody.
    Alert(Arc<RuleInfo>, Delivery),
    /// An incident.
    Incident,
    /// A day that is over.
    Digest,
}

impl Desk {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            triage: options.triage.map(|it| repartition::Desk::new(it, OWNERS, [])),
            input: Origin::new("input", 0),
            learn_until: options.learn_until,
            form: options.form,
            frontier: Frontier::default(),
            run: 0,
            taken: Vec::new(),
            steps: Vec::new(),
            census: Census::default(),
            outgoing: Vec::new(),
            pages: Vec::new(),
        }
    }

    /// What triage goes on with after this run.
    pub(super) fn snapshot(&self) -> Option<Vec<u8>> {
        let before: Before = (Vec::new(), self.run, self.census);
        let saved: Saved = (self.triage.as_ref()?.snapshot(), self.frontier.clone());
        Some(postcard::to_allocvec(&(before, saved)).expect("writing to memory fails for no value of these types"))
    }

    /// Goes on with what another run has left; an error says what is wrong with it.
    pub(super) fn restore(&mut self, options: &Options, bytes: &[u8]) -> Result<(), String> {
        let ((of_before, run, census), rest): (Before, _) = postcard::take_from_bytes(bytes).map_err(|it| it.to_string())?;
        self.census = census;
        let saved: Option<Saved> =
            (!rest.is_empty()).then(|| postcard::from_bytes(rest)).transpose().map_err(|it| it.to_string())?;
        self.run = if saved.is_some() { run.saturating_add(1) } else { 0 };
        self.frontier = saved.as_ref().map(|it| it.1.clone()).unwrap_or_default();
        if let Some(settings) = options.triage {
            let desk = match saved {
                Some((desk, _)) => repartition::Desk::restore(settings, OWNERS, &desk),
                None => Timed::of_triage(settings, &of_before).map(|it| repartition::Desk::of(it, OWNERS, [])),
            };
            self.triage = Some(desk.map_err(|it| it.to_string())?);
        }
        Ok(())
    }

    /// Whether it wants to know how many people are active.
    pub(super) fn takes_census(&self) -> bool {
        self.triage.is_some()
    }

    /// At `tick`, so many people have been active since [`Census::since_s`].
    pub(super) fn census(&mut self, tick: Tick, people: usize) {
        self.steps.push((tick.position, self.census.count(tick.reached, people)));
    }

    /// Takes note of an event; of each, in the order of the input.
    pub(super) fn note(&mut self, position: u64, time: EventTime) {
        if self.triage.is_none() {
            return;
        }
        if self.frontier.time_ms() == i64::MIN {
            self.steps.push((position, Step::Begun));
        }
        let time_ms = self.frontier.note(time.ms());
        self.taken.push(Taken { position, time_ms, frontier_ms: self.frontier.time_ms() });
    }

    /// How triage stands.
    pub(super) fn stats(&self) -> Option<Stats> {
        self.triage.as_ref().map(repartition::Desk::stats)
    }

    /// Takes what a round has left in the seats.
    pub(super) fn take(&mut self, seats: &mut [Seat]) {
        let mut emitted: Vec<Emitted> = seats.iter_mut().flat_map(|it| it.emitted.drain(..)).collect();
        let is_candidate = |alert: &Alert| Step::of(alert).is_some_and(|it| it.is_candidate());
        emitted.retain(|it| it.alert.time >= self.learn_until || self.triage.is_some() && is_candidate(&it.alert));
        emitted.sort_by(Emitted::in_order);
        let Some(desk) = &mut self.triage else {
            self.outgoing.extend(emitted.into_iter().map(|it| Outgoing::Alert(Box::new(it.alert))));
            return seats.iter_mut().for_each(|it| it.reports.clear());
        };
        let mut by_position: BTreeMap<u64, (Vec<Step>, Vec<Alert>)> = BTreeMap::new();
        for (position, it) in self.steps.drain(..) {
            by_position.entry(position).or_default().0.push(it);
        }
        for Report { position, time, team, tool } in seats.iter_mut().flat_map(|it| it.reports.drain(..)) {
            by_position.entry(position).or_default().0.push(Step::Reported(time.ms(), team, tool));
        }
        for Emitted { position, alert, .. } in emitted {
            let (steps, alerts) = by_position.entry(position).or_default();
            let step = Step::of(&alert);
            if !step.as_ref().is_some_and(Step::is_candidate) {
                alerts.push(alert);
            }
            steps.extend(step);
        }
        for (position, (steps, alerts)) in by_position {
            let at = self.taken.partition_point(|it| it.position <= position);
            let Some(Taken { time_ms, frontier_ms, .. }) = at.checked_sub(1).map(|it| self.taken[it]) else {
                // Of no event: what is said of the input itself.
                self.outgoing.extend(alerts.into_iter().map(|it| Outgoing::Alert(Box::new(it))));
                continue;
            };
            let offset = i64::try_from(position).unwrap_or(i64::MAX);
            let stand = Stand { begun: self.run, end_offset: offset, frontier_ms, is_idle: false };
            let key = Key { time_ms, origin: self.input.clone(), offset, nth: 0 };
            desk.hear(&self.input, &stand, steps.into_iter().map(|step| Told { offset, key: key.clone(), step }));
            if !alerts.is_empty() {
                // So that it does not depend on the cut of the rounds what comes before them.
                desk.work(&mut self.outgoing);
                self.outgoing.extend(alerts.into_iter().map(|it| Outgoing::Alert(Box::new(it))));
            }
        }
        if let Some(Taken { position, frontier_ms, .. }) = self.taken.last().copied() {
            let end_offset = i64::try_from(position).unwrap_or(i64::MAX).saturating_add(1);
            desk.hear(&self.input, &Stand { begun: self.run, end_offset, frontier_ms, is_idle: false }, []);
            desk.work(&mut self.outgoing);
        }
        self.taken.clear();
    }

    /// The end of the input. Where another run goes on with it, neither the day nor an incident is over.
    pub(super) fn finish(&mut self, is_continued: bool) {
        let Some(desk) = &mut self.triage else { return };
        let (end_offset, frontier_ms) = (i64::MIN, self.frontier.time_ms());
        desk.hear(&self.input, &Stand { begun: self.run, end_offset, frontier_ms, is_idle: true }, []);
        if is_continued {
            desk.work(&mut self.outgoing);
        } else {
            desk.finish(&mut self.outgoing);
        }
    }

    /// Writes what goes out, `threads` at a time.
    pub(super) fn write(&mut self, threads: usize) {
        let threads = if self.outgoing.len() < WORTH_A_THREAD { 1 } else { threads };
        self.pages.resize_with(threads.max(self.pages.len()), Page::default);
        self.pages.iter_mut().for_each(Page::clear);
        let share = self.outgoing.len().div_ceil(threads).max(1);
        let form = self.form;
        let mut jobs: Vec<(&mut Page, &[Outgoing])> = self.pages.iter_mut().zip(self.outgoing.chunks(share)).collect();
        parallel::each(&mut jobs, |(page, outgoing)| outgoing.iter().for_each(|it| page.write(it, form)));
        self.outgoing.clear();
    }

    /// The records that were written, each with what it is.
    pub(super) fn lines(&self) -> impl Iterator<Item = (&Kind, &[u8])> {
        self.pages.iter().flat_map(Page::lines)
    }
}

impl Page {
    fn clear(&mut self) {
        self.bytes.clear();
        self.lines.clear();
    }

    fn write(&mut self, outgoing: &Outgoing, form: Form) {
        let kind = match outgoing {
            Outgoing::Alert(alert) => {
                self.write_alert(alert, form);
                Kind::Alert(Arc::clone(&alert.rule), alert.delivery.clone())
            }
            Outgoing::Incident(it) => {
                it.write_ocsf(&mut self.bytes);
                Kind::Incident
            }
            Outgoing::Digest(it) => {
                it.write_json(&mut self.bytes);
                Kind::Digest
            }
        };
        self.bytes.push(b'\n');
        self.lines.push(Line { kind, end: self.bytes.len() });
    }

    fn write_alert(&mut self, alert: &Alert, form: Form) {
        let start = self.bytes.len();
        alert.write_ocsf(&mut self.bytes);
        if let Form::Text(width) = form {
            let finding = serde_json::from_slice(&self.bytes[start..]).unwrap_or_default();
            self.bytes.truncate(start);
            self.bytes.extend_from_slice(show::alert(&finding, width).as_bytes());
        }
    }

    fn lines(&self) -> impl Iterator<Item = (&Kind, &[u8])> {
        let starts = std::iter::once(0).chain(self.lines.iter().map(|it| it.end));
        self.lines.iter().zip(starts).map(|(it, start)| (&it.kind, &self.bytes[start..it.end]))
    }
}
