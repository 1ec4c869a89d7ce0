//! An embedded Kafka: librdkafka's mock cluster, for the demo and for tests. Real clients, real sockets, no Java.
//!
//! What it is not: a partition keeps only 5 MiB (or 100,000 record batches) and drops the oldest beyond that, a group
//! that changes waits for almost a session timeout, and transactions are accepted but isolate nothing.

use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use rdkafka::error::KafkaError as ClientError;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::config::Delivery;
use super::{KafkaConfig, KafkaError};

/// A Kafka cluster of one broker inside this process; it ends when dropped.
#[derive(Debug)]
pub struct EmbeddedKafka {
    brokers: String,
    /// `None` only while it is dropped.
    orders: Option<Sender<Order>>,
    /// The mock cluster is not `Send`, so it stays on a thread of its own and is told what to do.
    thread: Option<JoinHandle<()>>,
}

type Cluster = MockCluster<'static, DefaultProducerContext>;
type Order = Box<dyn FnOnce(&Cluster) + Send>;

impl EmbeddedKafka {
    /// Starts a cluster with these topics and their numbers of partitions.
    pub fn start(topics: &[(&str, i32)]) -> Result<Self, KafkaError> {
        let topics: Vec<(String, i32)> = topics.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        let (orders, inbox) = channel::<Order>();
        let (ready, is_ready) = channel();
        let thread = std::thread::Builder::new().name("embedded-kafka".to_owned()).spawn(move || {
            let cluster = match start_cluster(&topics) {
                Ok(cluster) => cluster,
                Err(error) => return drop(ready.send(Err(KafkaError::client("start the embedded kafka", &error)))),
            };
            if ready.send(Ok(cluster.bootstrap_servers())).is_ok() {
                for order in inbox {
                    order(&cluster);
                }
            }
        })?;
        let brokers = is_ready.recv().map_err(|_| KafkaError::Fatal("the embedded kafka did not start".to_owned()))??;
        Ok(Self { brokers, orders: Some(orders), thread: Some(thread) })
    }

    /// For [`KafkaConfig::brokers`](super::KafkaConfig::brokers).
    pub fn bootstrap_servers(&self) -> &str {
        &self.brokers
    }

    /// The default configuration, pointed at this cluster. It takes transactions, but forgets the offsets that are in them. The session timeout is short because the mock cluster makes a
    /// group that changes wait for nearly as long.
    pub fn config(&self) -> KafkaConfig {
        let mut config = KafkaConfig { brokers: self.brokers.clone(), delivery: Delivery::AtLeastOnce, ..KafkaConfig::default() };
        config.properties.set("session.timeout.ms", "6000");
        config.properties.set("heartbeat.interval.ms", "1000");
        config
    }

    /// Fault for tests: the next `requests` produce requests are refused for good.
    pub fn refuse_produce(&self, requests: usize) {
        self.order(move |cluster| {
            let errors = vec![RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED; requests];
            cluster.request_errors(RDKafkaApiKey::Produce, &errors);
        });
    }

    /// Fault for tests: the next `requests` produce requests fail with an error that the producer retries.
    pub fn disturb_produce(&self, requests: usize) {
        self.order(move |cluster| {
            let errors = vec![RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS; requests];
            cluster.request_errors(RDKafkaApiKey::Produce, &errors);
        });
    }

    /// Ends the faults above.
    pub fn heal_produce(&self) {
        self.order(|cluster| cluster.clear_request_errors(RDKafkaApiKey::Produce));
    }

    /// Fault for tests: a member of a group is told to join again, and when it does, that nobody knows it.
    pub fn put_out(&self) {
        self.order(|cluster| {
            cluster.request_errors(RDKafkaApiKey::JoinGroup, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID]);
            cluster.request_errors(RDKafkaApiKey::Heartbeat, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS]);
        });
    }

    /// Fault for tests: offsets of the next transaction are sent to the wrong broker, and the right one can't be told.
    pub fn hide_coordinator(&self) {
        self.order(|cluster| {
            cluster.request_errors(RDKafkaApiKey::FindCoordinator, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE]);
            cluster.request_errors(RDKafkaApiKey::TxnOffsetCommit, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_COORDINATOR]);
        });
    }

    /// Gives an order to the cluster and waits until it is carried out.
    fn order(&self, order: impl FnOnce(&Cluster) + Send + 'static) {
        let (done, is_done) = channel();
        let order = Box::new(move |cluster: &Cluster| {
            order(cluster);
            let _ = done.send(());
        });
        if let Some(orders) = &self.orders
            && orders.send(order).is_ok()
        {
            let _ = is_done.recv();
        }
    }
}

impl Drop for EmbeddedKafka {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn start_cluster(topics: &[(String, i32)]) -> Result<Cluster, ClientError> {
    let cluster = MockCluster::new(1)?;
    for (name, partitions) in topics {
        cluster.create_topic(name, *partitions, 1)?;
    }
    Ok(cluster)
}
