//! Which partitions there are.

use rdkafka::consumer::{BaseConsumer, Consumer};

use super::{KafkaConfig, KafkaError, PartitionId};

/// The partitions of all topics that `is_wanted`, as the brokers have them now.
///
/// # Errors
///
/// When no broker answers.
pub fn partitions(config: &KafkaConfig, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<PartitionId>, KafkaError> {
    let consumer: BaseConsumer =
        config.reader()?.create().map_err(|error| KafkaError::client("ask which partitions there are", &error))?;
    let metadata = consumer
        .fetch_metadata(None, config.startup_timeout())
        .map_err(|error| KafkaError::Unreachable { brokers: config.brokers.clone(), reason: error.to_string() })?;
    let topics = metadata.topics().iter().filter(|it| is_wanted(it.name()));
    let mut all: Vec<PartitionId> =
        topics.flat_map(|topic| topic.partitions().iter().map(|it| PartitionId::new(topic.name(), it.id()))).collect();
    all.sort();
    Ok(all)
}
