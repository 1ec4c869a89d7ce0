//! What the partitions of a process share when alerts about behaviour are triaged: one budget, one digest, one list of incidents.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::triage::{Outgoing, Report, Settings};
use engine::{Behaviour, Emitted, Triage};
use model::EventTime;
use stream::kafka::PartitionId;

use crate::metrics::Metrics;

const MS_PER_DAY: i64 = 86_400_000;
const MS_PER_HOUR: i64 = 3_600_000;

/// See the module. Alerts pass through it in the order in which batches come; those of one partition, and so of one actor, in theirs.
#[derive(Debug)]
pub(crate) struct SharedTriage {
    state: Mutex<State>,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
struct State {
    triage: Triage,
    /// Of each partition the hour at which its people were last counted, their day, and how many of it were told.
    counted: BTreeMap<PartitionId, Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    hour: i64,
    day: i64,
    people: u64,
}

impl SharedTriage {
    /// Begins with nothing known.
    pub(crate) fn new(settings: Settings, metrics: Arc<Metrics>) -> Self {
        let triage = Triage::new(settings);
        metrics.triage.set(&triage.stats());
        Self { state: Mutex::new(State { triage, counted: BTreeMap::new() }), metrics }
    }

    /// Takes what a batch of partition `id` came to, in order. Its watermark has reached `reached`.
    pub(super) fn take(
        &self,
        id: &PartitionId,
        reached: EventTime,
        behaviour: Option<&Behaviour>,
        reports: &mut Vec<Report>,
        alerts: &mut Vec<Emitted>,
    ) -> Vec<Outgoing> {
        let mut out = Vec::new();
        let mut state = self.lock();
        if let Some(behaviour) = behaviour {
            state.count(id, reached, behaviour);
        }
        reports.drain(..).for_each(|it| state.triage.report(&it));
        state.triage.advance(reached, &mut out);
        alerts.drain(..).for_each(|it| state.triage.take(it, reached, &mut out));
        self.metrics.triage.set(&state.triage.stats());
        out
    }

    /// A partition is owned no more.
    pub(super) fn leave(&self, id: &PartitionId) {
        self.lock().counted.remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Once an hour of the partition's own time: how many more of its people were active on the day that is passing.
    fn count(&mut self, id: &PartitionId, reached: EventTime, behaviour: &Behaviour) {
        let last_ms = reached.ms().saturating_sub(1);
        let (hour, day) = (last_ms.div_euclid(MS_PER_HOUR), last_ms.div_euclid(MS_PER_DAY));
        let known = self.counted.entry(id.clone()).or_default();
        if reached == EventTime::MIN || hour <= known.hour {
            return;
        }
        if day != known.day {
            (known.day, known.people) = (day, 0);
        }
        known.hour = hour;
        let since = u32::try_from(day.saturating_mul(MS_PER_DAY / 1_000)).unwrap_or(0);
        let more = (behaviour.active_since(since) as u64).saturating_sub(known.people);
        known.people += more;
        self.triage.active(day, more);
    }
}
