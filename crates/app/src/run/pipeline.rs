//! From topics to topics: a group member with one [`Partition`] per assigned partition. `run` and `demo` share it.

use std::sync::Arc;

use stream::kafka::{self, KafkaConfig, KafkaError, KafkaHandle, Observation, Observer, PartitionId};

use super::checkpoints::Checkpoints;
use super::keep;
use super::live::LiveRules;
use super::observe::observer;
use super::partition::Partition;
use super::sources::Sources;
use super::triage::SharedTriage;
use crate::config::Limits;
use crate::http::Health;
use crate::metrics::Metrics;

/// What a pipeline needs to know.
#[derive(Debug)]
pub(crate) struct Setup {
    /// Brokers, topics, group.
    pub(crate) kafka: KafkaConfig,
    /// Which topic has which events.
    pub(crate) sources: Sources,
    /// The rules, compiled for the mappings of `sources`.
    pub(crate) live: Arc<LiveRules>,
    /// How alerts about behaviour are triaged; nothing: they page nobody.
    pub(crate) triage: Option<Arc<SharedTriage>>,
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
    if let Some(checkpoints) = &setup.checkpoints {
        let (live, triage) = (Arc::clone(&setup.live), setup.triage.clone());
        let found =
            checkpoints.newest_shared(|it| keep::take_up_shared(it, &live, triage.as_deref())).map_err(KafkaError::State)?;
        tracing::info!(found = found.is_some(), "what partitions share");
        checkpoints.keep_shared(Box::new(move || keep::take_shared(&live, triage.as_deref())));
    }
    kafka::start(&kafka, observer, move |id: &PartitionId| {
        let feed = setup.sources.of_topic(&id.topic).ok_or_else(|| format!("no [[sources]] has topic {:?}", id.topic))?;
        Ok(Partition::new(id, &setup, feed, Arc::clone(&metrics)))
    })
}
