//! From the configuration to the settings of librdkafka's clients.

use rdkafka::ClientConfig;

use super::{Delivery, KafkaConfig};
use crate::kafka::KafkaError;

impl KafkaConfig {
    /// Settings of the group member. Transactions commit its offsets; without them the client commits in the background what we *store*,
    /// and nothing else: it is told of an offset only when everything before it is acknowledged.
    pub(in crate::kafka) fn consumer(&self) -> Result<ClientConfig, KafkaError> {
        let mut client = self.common()?;
        client
            .set("group.id", &self.group_id)
            .set("enable.auto.commit", if self.delivery == Delivery::AtLeastOnce { "true" } else { "false" })
            .set("auto.commit.interval.ms", self.commit_interval_ms.to_string())
            .set("enable.auto.offset.store", "false")
            // Where a partition begins is always told; when what comes next is gone, we are told.
            .set("auto.offset.reset", "error")
            // Only moved partitions lose their worker.
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("statistics.interval.ms", self.statistics_interval_ms.to_string());
        // A static member (KIP-345): whoever starts again under this name has its partitions at once, and nobody else's move.
        if !self.instance_id.is_empty() {
            client.set("group.instance.id", &self.instance_id);
        }
        // What may be overridden: the prefetch queue (librdkafka's default: 64 MiB) is bounded with the memory of a small machine in mind; members
        // hear of a rebalance with their next heartbeat, and those that have vanished are waited for as long as a session (the client's own: 3 and 45 s).
        let defaults = [
            ("isolation.level", "read_committed"),
            ("queued.max.messages.kbytes", "16384"),
            ("fetch.wait.max.ms", "100"),
            ("session.timeout.ms", "10000"),
            ("heartbeat.interval.ms", "500"),
        ];
        self.with_defaults(&mut client, &defaults);
        Ok(client)
    }

    /// Settings of the producer: idempotent, acknowledged by all replicas, in order.
    pub(in crate::kafka) fn producer(&self) -> Result<ClientConfig, KafkaError> {
        let mut client = self.common()?;
        client.set("enable.idempotence", "true").set("acks", "all").set("message.timeout.ms", self.delivery_timeout_ms.to_string());
        self.with_defaults(&mut client, &[("linger.ms", "5"), ("compression.type", "lz4")]);
        Ok(client)
    }

    /// Settings of the producer of transactions. How long it tries to deliver a record is bounded by the transaction's time.
    pub(in crate::kafka) fn transactional_producer(&self, id: &str) -> Result<ClientConfig, KafkaError> {
        let mut client = self.common()?;
        client.set("transactional.id", id).set("transaction.timeout.ms", self.transaction.timeout_ms.to_string());
        // A transaction that begins before the one before it is wholly written is put off by the coordinator: not for long.
        let defaults =
            [("linger.ms", "5"), ("compression.type", "lz4"), ("retry.backoff.ms", "10"), ("retry.backoff.max.ms", "1000")];
        self.with_defaults(&mut client, &defaults);
        Ok(client)
    }

    /// Settings of a reader without a group (it never commits; the client library wants a name all the same).
    pub(in crate::kafka) fn reader(&self) -> Result<ClientConfig, KafkaError> {
        let mut client = self.common()?;
        client
            .set("group.id", format!("{}-tail", self.group_id))
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false");
        self.with_defaults(&mut client, &[("auto.offset.reset", "earliest"), ("fetch.wait.max.ms", "50")]);
        Ok(client)
    }

    fn common(&self) -> Result<ClientConfig, KafkaError> {
        self.check()?;
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.brokers).set("log.connection.close", "false");
        // Back soon after an outage: the client's own ten seconds are as long as a broker takes to start.
        self.with_defaults(&mut client, &[("client.id", "nightjar"), ("reconnect.backoff.max.ms", "1000")]);
        self.security.apply(&mut client)?;
        for (name, value) in self.properties.iter() {
            client.set(name, value);
        }
        Ok(client)
    }

    /// Sets what the raw properties do not set.
    fn with_defaults(&self, client: &mut ClientConfig, defaults: &[(&str, &str)]) {
        for (name, value) in defaults {
            if !self.properties.iter().any(|(set, _)| set == *name) {
                client.set(*name, *value);
            }
        }
    }
}
