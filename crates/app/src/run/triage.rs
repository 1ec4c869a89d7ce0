//! One budget, one digest, one list of incidents: for the whole group, where there is a topic by which its instances can tell each other; for
//! the partitions of the process, where there is none.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use engine::repartition::{Desk, Origin};
use engine::triage::{Outgoing, Report, Settings, Timed};
use engine::{Behaviour, Emitted, Triage};
use model::EventTime;
use serde::{Deserialize, Serialize};
use stream::kafka::PartitionId;

use crate::metrics::Metrics;

const MS_PER_DAY: i64 = 86_400_000;
const MS_PER_HOUR: i64 = 3_600_000;

/// The snapshot of triage, and what was counted of each partition.
type Saved = (Vec<u8>, Vec<(String, i32, Counted)>);

/// See the module. Alerts pass through it in the order in which batches come; those of one partition, and so of one actor, in theirs.
#[derive(Debug)]
pub(crate) struct SharedTriage {
    settings: Settings,
    state: Mutex<State>,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
struct State {
    triage: Triage,
    /// Of each partition the hour at which its people were last counted, their day, and how many of it were told; also of those that
    /// are owned no more, since they may come back on the same day.
    counted: BTreeMap<PartitionId, Counted>,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Counted {
    hour: i64,
    day: i64,
    people: u64,
}

/// How the group triages: the desk is kept by whoever has partition 0 of the exchange topic.
#[derive(Debug)]
pub(crate) struct GroupTriage {
    settings: Settings,
    /// What partitions of a process shared before there was a desk, and it has not gone on with yet.
    before: OnceLock<Vec<u8>>,
}

impl GroupTriage {
    /// With these settings.
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, before: OnceLock::new() }
    }

    /// What the operator has decided.
    pub(super) fn settings(&self) -> Settings {
        self.settings
    }

    /// What was shared before: a desk without a state of its own begins with it.
    pub(super) fn found(&self, bytes: &[u8]) -> Result<(), String> {
        timed_of(self.settings, bytes)?;
        // Read once, when the process starts.
        drop(self.before.set(bytes.to_owned()));
        Ok(())
    }

    /// The same, for whoever takes the desk up later.
    pub(super) fn before(&self) -> Option<&[u8]> {
        self.before.get().map(Vec::as_slice)
    }

    /// A desk without a state of its own, that waits for `origins`; partitions of `owners` are those of the exchange.
    pub(super) fn desk(&self, owners: &str, origins: impl Iterator<Item = Origin>) -> Desk {
        let timed = self.before().and_then(|it| timed_of(self.settings, it).ok());
        Desk::of(timed.unwrap_or_else(|| Timed::new(self.settings)), owners, origins)
    }
}

fn timed_of(settings: Settings, bytes: &[u8]) -> Result<Timed, String> {
    let (triage, _): Saved = postcard::from_bytes(bytes).map_err(|it| it.to_string())?;
    Timed::of_triage(settings, &triage).map_err(|it| it.to_string())
}

impl SharedTriage {
    /// Begins with nothing known.
    pub(crate) fn new(settings: Settings, metrics: Arc<Metrics>) -> Self {
        let triage = Triage::new(settings);
        metrics.triage.set(&triage.stats());
        Self { settings, state: Mutex::new(State { triage, counted: BTreeMap::new() }), metrics }
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

    /// What goes on after this process: budget, episodes, incidents, and how many people were counted.
    pub(super) fn snapshot(&self) -> Vec<u8> {
        let state = self.lock();
        let counted = state.counted.iter().map(|(id, it)| ((*id.topic).to_owned(), id.partition, *it)).collect();
        let saved: Saved = (state.triage.snapshot(), counted);
        postcard::to_allocvec(&saved).expect("writing to memory fails for no value of these types")
    }

    /// Goes on with what another process has left; an error says what is wrong with it.
    pub(super) fn restore(&self, bytes: &[u8]) -> Result<(), String> {
        let (triage, counted): Saved = postcard::from_bytes(bytes).map_err(|it| it.to_string())?;
        let mut state = self.lock();
        state.triage = Triage::restore(self.settings, &triage).map_err(|it| it.to_string())?;
        state.counted = counted.into_iter().map(|(topic, partition, it)| (PartitionId::new(&topic, partition), it)).collect();
        self.metrics.triage.set(&state.triage.stats());
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::losses;
    use stream::kafka::{Loss, LossKind};

    #[test]
    fn a_desk_begins_with_what_instances_shared_before_there_was_one() {
        let settings = Settings::new(5.0, Some(EventTime::from_ms(0)));
        let shared = SharedTriage::new(settings, Arc::new(Metrics::new()));
        let (id, now) = (PartitionId::new("events", 3), EventTime::from_ms(1_772_409_600_000));
        let loss = Loss { kind: LossKind::Retention, expected: 50, begin: 70 };
        let alert = losses::alert(&id, &loss, ("native", "hash"), now);
        let mut alerts = vec![Emitted { position: 0, order: 0, alert }];
        assert_eq!(shared.take(&id, now, None, &mut Vec::new(), &mut alerts).len(), 2, "an alert, and the incident of its actor");
        let of_group = GroupTriage::new(settings);
        assert!(of_group.found(b"of something else").is_err() && of_group.before().is_none());
        of_group.found(&shared.snapshot()).unwrap();
        let stats = of_group.desk("exchange", std::iter::empty()).stats();
        assert_eq!((stats.cases, stats.counts.incidents), (1, 1));
        let none = GroupTriage::new(settings).desk("exchange", std::iter::empty());
        assert_eq!(none.stats().cases, 0);
    }
}
