//! From topics to topics: a group member with one [`Partition`] per assigned partition. `run` and `demo` share it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use stream::kafka::{
    self, Batch, KafkaConfig, KafkaError, KafkaHandle, Loss, Observation, Observer, Outbox, PartitionHandler, PartitionId,
};

use engine::repartition::Origin;

use super::checkpoints::Checkpoints;
use super::keep;
use super::live::LiveRules;
use super::observe::observer;
use super::owner::OwnerPartition;
use super::partition::Partition;
use super::pulses::Pulses;
use super::sources::Sources;
use super::triage::{GroupTriage, SharedTriage};
use crate::config::Limits;
use crate::http::Health;
use crate::metrics::Metrics;

/// What a pipeline needs to know.
#[derive(Debug)]
pub(crate) struct Setup {
    /// Brokers, topics, group.
    pub(crate) kafka: KafkaConfig,
    /// Which topic has which events.
    pub(crate) sources: Arc<Sources>,
    /// The rules, compiled for the mappings of `sources`.
    pub(crate) live: Arc<LiveRules>,
    /// How alerts about behaviour are triaged by this process; without it and [`Self::desk`], they page nobody.
    pub(crate) triage: Option<Arc<SharedTriage>>,
    /// How they are by the group.
    pub(crate) desk: Option<Arc<GroupTriage>>,
    /// Whether the sources are still heard of.
    pub(crate) pulses: Arc<Pulses>,
    /// How long nobody waits for a partition of which everything was read.
    pub(crate) idle_after: Duration,
    /// Where the state of partitions is kept; nothing: it ends with the process.
    pub(crate) checkpoints: Option<Arc<Checkpoints>>,
    /// What bounds memory and time.
    pub(crate) limits: Limits,
}

/// Joins the group and works until stopped. `also` sees every observation after metrics and health.
pub(crate) fn start(
    setup: Setup,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    also: Option<Observer>,
) -> Result<KafkaHandle, KafkaError> {
    let checkpoints = setup.checkpoints.clone();
    let also: Observer = Arc::new(move |observation| {
        if let (Some(checkpoints), Observation::Committed { topic, partition, offset }) = (&checkpoints, &observation) {
            checkpoints.committed(&PartitionId::new(topic, *partition), *offset);
        }
        if let (Some(checkpoints), Observation::Revoked { partition, .. }) = (&checkpoints, &observation) {
            checkpoints.revoked(partition);
        }
        if let Some(also) = &also {
            also(observation);
        }
    });
    let observer = observer(Arc::clone(&metrics), health, Some(also));
    let kafka = setup.kafka.clone();
    let may_be_shared = setup.triage.is_some() || setup.desk.is_some() || !setup.pulses.is_empty();
    if let Some(checkpoints) = setup.checkpoints.as_ref().filter(|_| may_be_shared) {
        let (triage, desk, pulses) = (setup.triage.clone(), setup.desk.clone(), Arc::clone(&setup.pulses));
        let found = checkpoints
            .newest_shared(|it| keep::take_up_shared(it, (triage.as_deref(), desk.as_deref()), &pulses))
            .map_err(KafkaError::State)?;
        tracing::info!(found = found.is_some(), "what partitions share");
        let has_before = desk.as_ref().is_some_and(|it| it.before().is_some());
        if triage.is_some() || has_before || pulses.are_shared() {
            checkpoints.keep_shared(Box::new(move || keep::take_shared((triage.as_deref(), desk.as_deref()), &pulses)));
        }
    }
    if setup.pulses.have_numbers() {
        let all = kafka::partitions(&kafka, |topic| setup.sources.of_topic(topic).is_some())?;
        let of_feed = |it: &PartitionId| setup.sources.of_topic(&it.topic).map(|it| it.number);
        setup.pulses.counted(|feed| Some(all.iter().filter(|it| of_feed(it) == Some(feed)).count()));
    }
    let meeting = Meeting::of(&setup)?.map(Arc::new);
    let checkpoints = setup.checkpoints.clone();
    let handle = kafka::start(&kafka, observer, move |id: &PartitionId| {
        if let Some(meeting) = meeting.as_ref().filter(|_| *id.topic == *setup.kafka.exchange_topic) {
            return Ok(Handler::Owner(Box::new(OwnerPartition::new(id, &setup, meeting, &metrics))));
        }
        let feed = setup.sources.of_topic(&id.topic).ok_or_else(|| format!("no [[sources]] has topic {:?}", id.topic))?;
        Ok(Handler::Events(Box::new(Partition::new(id, &setup, feed, meeting.as_deref(), Arc::clone(&metrics)))))
    })?;
    if let Some(checkpoints) = checkpoints {
        checkpoints.watch(handle.stopper());
    }
    Ok(handle)
}

/// Who meets in the exchange topic, as the brokers said at the start.
#[derive(Debug)]
pub(super) struct Meeting {
    /// Partitions of the topic.
    pub(super) owners: usize,
    /// Partitions with events.
    partitions: BTreeSet<PartitionId>,
    kafka: KafkaConfig,
    sources: Arc<Sources>,
}

impl Meeting {
    /// Asks the brokers, if there is a topic for it.
    fn of(setup: &Setup) -> Result<Option<Self>, KafkaError> {
        let topic = &setup.kafka.exchange_topic;
        if topic.is_empty() {
            return Ok(None);
        }
        let (kafka, sources) = (setup.kafka.clone(), Arc::clone(&setup.sources));
        let all = kafka::partitions(&kafka, |it| it == topic || sources.of_topic(it).is_some())?;
        let (owners, partitions): (Vec<_>, BTreeSet<_>) = {
            let owners = all.iter().filter(|it| *it.topic == **topic).cloned().collect();
            (owners, all.into_iter().filter(|it| *it.topic != **topic).collect())
        };
        if owners.is_empty() {
            return Err(KafkaError::UnknownTopic(topic.clone()));
        }
        Ok(Some(Self { owners: owners.len(), partitions, kafka, sources }))
    }

    /// The partitions with events that there are by now, if brokers tell.
    pub(super) fn now(&self) -> Option<BTreeSet<PartitionId>> {
        match kafka::partitions(&self.kafka, |it| self.sources.of_topic(it).is_some()) {
            Ok(all) => Some(all.into_iter().collect()),
            Err(error) => {
                tracing::warn!(%error, "it is not known which partitions there are by now: who keeps groups waits for all of before");
                None
            }
        }
    }

    /// One of so many partitions of the first topic, without brokers.
    #[cfg(test)]
    pub(super) fn with(sources: &Arc<Sources>, topic: &str, partitions: i32) -> Self {
        let partitions = (0..partitions).map(|it| PartitionId::new(topic, it)).collect();
        Self { owners: 1, partitions, kafka: KafkaConfig::default(), sources: Arc::clone(sources) }
    }

    /// The partitions of the source with this number.
    pub(super) fn partitions_of(&self, feed: usize) -> impl Iterator<Item = &PartitionId> {
        self.partitions.iter().filter(move |it| self.sources.of_topic(&it.topic).is_some_and(|it| it.number == feed))
    }

    /// All partitions with events.
    pub(super) fn origins(&self) -> impl Iterator<Item = Origin> {
        self.partitions.iter().map(origin_of)
    }

    /// All partitions of the exchange topic.
    pub(super) fn owners(&self) -> impl Iterator<Item = Origin> {
        (0_i32..).take(self.owners).map(|it| Origin::new(&self.kafka.exchange_topic, it))
    }
}

/// A partition as owners know it.
pub(super) fn origin_of(id: &PartitionId) -> Origin {
    Origin { topic: Arc::clone(&id.topic), partition: id.partition }
}

/// What is done with the messages of a partition.
enum Handler {
    /// It has events.
    Events(Box<Partition>),
    /// It is one of the exchange topic.
    Owner(Box<OwnerPartition>),
}

impl Handler {
    fn inner(&self) -> &dyn PartitionHandler {
        match self {
            Self::Events(it) => &**it,
            Self::Owner(it) => &**it,
        }
    }

    fn inner_mut(&mut self) -> &mut dyn PartitionHandler {
        match self {
            Self::Events(it) => &mut **it,
            Self::Owner(it) => &mut **it,
        }
    }
}

impl PartitionHandler for Handler {
    fn handle(&mut self, batch: &Batch, out: &mut Outbox) {
        self.inner_mut().handle(batch, out);
    }

    fn resume(&mut self, committed: Option<i64>) -> Result<Option<i64>, String> {
        self.inner_mut().resume(committed)
    }

    fn idle_after(&self) -> Option<Duration> {
        self.inner().idle_after()
    }

    fn idle_again(&self) -> Option<Duration> {
        self.inner().idle_again()
    }

    fn idle(&mut self, out: &mut Outbox) {
        self.inner_mut().idle(out);
    }

    fn set_back(&mut self, offset: i64) {
        self.inner_mut().set_back(offset);
    }

    fn lost(&mut self, loss: &Loss, out: &mut Outbox) {
        self.inner_mut().lost(loss, out);
    }

    fn close(&mut self) {
        self.inner_mut().close();
    }
}
