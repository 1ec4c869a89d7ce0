//! The alerts of a round on their way out: put in one order, triaged if there is a budget, and written by all threads.
//!
//! What is decided depends on the order of the input alone: alerts, reports, counts of people and the watermark meet here by their
//! positions, however the input was cut into rounds.

use super::args::{Form, Options};
use super::parallel;
use super::seat::Seat;
use crate::show;
use engine::triage::{Outgoing, Report, Stats};
use engine::{Emitted, Tick, Triage};
use model::{Alert, Delivery, EventTime, RuleInfo};
use std::collections::VecDeque;
use std::sync::Arc;

/// With fewer records than this, starting a thread takes longer than writing them.
const WORTH_A_THREAD: usize = 64;
const MS_PER_DAY: i64 = 86_400_000;

/// See the module.
pub(super) struct Desk {
    triage: Option<Triage>,
    /// Alerts of before are not written.
    learn_until: EventTime,
    form: Form,
    reached: EventTime,
    /// How many people were active by then, where an hour was over.
    census: Vec<(Tick, usize)>,
    /// The day whose people are counted, and how many have been told of.
    counted: (i64, u64),
    outgoing: Vec<Outgoing>,
    pages: Vec<Page>,
}

/// The snapshot of triage, the highest watermark, and the day whose people are counted.
type Saved = (Vec<u8>, i64, (i64, u64));

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

/// What happens at a position, in the order in which it does.
enum Step {
    Reached(EventTime),
    People(EventTime, usize),
    Reported(Report),
    Emitted(Box<Emitted>),
}

impl Desk {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            triage: options.triage.map(Triage::new),
            learn_until: options.learn_until,
            form: options.form,
            reached: EventTime::MIN,
            census: Vec::new(),
            counted: (i64::MIN, 0),
            outgoing: Vec::new(),
            pages: Vec::new(),
        }
    }

    /// What triage goes on with after this run.
    pub(super) fn snapshot(&self) -> Option<Vec<u8>> {
        let triage = self.triage.as_ref()?.snapshot();
        let saved: Saved = (triage, self.reached.ms(), self.counted);
        Some(postcard::to_allocvec(&saved).expect("writing to memory fails for no value of these types"))
    }

    /// Goes on with what another run has left; an error says what is wrong with it.
    pub(super) fn restore(&mut self, options: &Options, bytes: &[u8]) -> Result<(), String> {
        let (triage, reached, counted): Saved = postcard::from_bytes(bytes).map_err(|it| it.to_string())?;
        if let Some(settings) = options.triage {
            self.triage = Some(Triage::restore(settings, &triage).map_err(|it| it.to_string())?);
        }
        (self.reached, self.counted) = (EventTime::from_ms(reached), counted);
        Ok(())
    }

    /// Whether it wants to know how many people are active.
    pub(super) fn takes_census(&self) -> bool {
        self.triage.is_some()
    }

    /// The beginning of the day that `tick` is in, or has just ended, in seconds since the epoch.
    pub(super) fn day_of(tick: Tick) -> u32 {
        u32::try_from(tick.reached.ms().saturating_sub(1).div_euclid(MS_PER_DAY).saturating_mul(MS_PER_DAY / 1_000)).unwrap_or(0)
    }

    /// At `tick`, so many people have been active since [`Self::day_of`] it.
    pub(super) fn census(&mut self, tick: Tick, people: usize) {
        self.census.push((tick, people));
    }

    /// How triage stands.
    pub(super) fn stats(&self) -> Option<Stats> {
        self.triage.as_ref().map(Triage::stats)
    }

    /// Takes what a round has left in the seats.
    pub(super) fn take(&mut self, seats: &mut [Seat], ticks: &[Tick]) {
        let mut emitted: Vec<Emitted> = seats.iter_mut().flat_map(|it| it.emitted.drain(..)).collect();
        emitted.retain(|it| it.alert.time >= self.learn_until || self.triage.is_some() && is_candidate(&it.alert));
        emitted.sort_by(Emitted::in_order);
        if self.triage.is_none() {
            self.outgoing.extend(emitted.into_iter().map(|it| Outgoing::Alert(Box::new(it.alert))));
            return seats.iter_mut().for_each(|it| it.reports.clear());
        }
        let mut reports: Vec<Report> = seats.iter_mut().flat_map(|it| it.reports.drain(..)).collect();
        reports.sort_by_key(|it| it.position);
        let mut steps: Vec<(u64, Step)> = ticks.iter().map(|it| (it.position, Step::Reached(it.reached))).collect();
        steps.extend(self.census.drain(..).map(|(tick, people)| (tick.position, Step::People(tick.reached, people))));
        steps.extend(reports.into_iter().map(|it| (it.position, Step::Reported(it))));
        steps.extend(emitted.into_iter().map(|it| (it.position, Step::Emitted(Box::new(it)))));
        // Stable, so that what is of one position stays in the order in which it stands here.
        steps.sort_by_key(|it| it.0);
        VecDeque::from(steps).into_iter().for_each(|(_, step)| self.step(step));
    }

    fn step(&mut self, step: Step) {
        let Some(triage) = &mut self.triage else { return };
        match step {
            Step::Reached(reached) => {
                self.reached = reached;
                triage.advance(reached, &mut self.outgoing);
            }
            Step::People(reached, people) => {
                let day = reached.ms().saturating_sub(1).div_euclid(MS_PER_DAY);
                if self.counted.0 != day {
                    self.counted = (day, 0);
                }
                let more = (people as u64).saturating_sub(self.counted.1);
                self.counted.1 += more;
                triage.active(day, more);
            }
            Step::Reported(report) => triage.report(&report),
            Step::Emitted(emitted) => triage.take(*emitted, self.reached, &mut self.outgoing),
        }
    }

    /// The end of the input.
    pub(super) fn finish(&mut self) {
        if let Some(triage) = &mut self.triage {
            triage.finish(&mut self.outgoing);
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

/// Whether triage has something to learn of it, even if nobody is to see it.
fn is_candidate(alert: &Alert) -> bool {
    alert.deviation.is_some() && !matches!(alert.delivery, Delivery::Excepted(_))
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
