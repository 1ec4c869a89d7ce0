//! A real Apache Kafka for whoever tests against one: started by the script `cluster` beside this file, of which it is the hand.
//!
//! Shared by test binaries through `#[path]`. The script ends when its standard input does, and with it the brokers: so they go with the
//! process that asked for them, however that ends.

#![allow(dead_code, reason = "each test binary uses its part of it")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::{Offset, TopicPartitionList};

const PATIENCE: Duration = Duration::from_mins(1);

/// The script: packages that use it stand at different depths.
fn script() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package
        .ancestors()
        .map(|it| it.join("tests/kafka/cluster"))
        .find(|it| it.exists())
        .expect("the script is part of the repository")
}

/// What a real broker needs and is not here, in words.
pub(crate) fn missing() -> Option<String> {
    let Ok(asked) = Command::new(script()).arg("where").stdin(Stdio::null()).output() else {
        return Some("bash is not installed".to_owned());
    };
    let why = String::from_utf8_lossy(&asked.stderr);
    (!asked.status.success()).then(|| why.lines().last().unwrap_or("tests/kafka/cluster failed").to_owned())
}

/// Running brokers.
pub(crate) struct Cluster {
    /// Their addresses.
    pub(crate) brokers: String,
    /// The same for SASL, PLAIN or SCRAM-SHA-256, where `nightjar` has the password `right`.
    pub(crate) sasl_brokers: String,
    /// The same for TLS; empty without `NIGHTJAR_KAFKA_KEYSTORE`.
    pub(crate) tls_brokers: String,
    script: Mutex<Script>,
}

struct Script {
    child: Child,
    /// `None` only while it ends.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Cluster {
    /// Starts `nodes` brokers.
    pub(crate) fn start(nodes: u32) -> Self {
        Self::start_with(nodes, &[])
    }

    /// The same with variables of the environment that the script knows.
    pub(crate) fn start_with(nodes: u32, environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(script());
        command.envs(environment.iter().copied());
        command.arg("serve").arg(nodes.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the script of the cluster can be run");
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut script = Script { child, orders, answers };
        let ready = script.answer();
        let mut words = ready.split_whitespace().skip(1).map(str::to_owned);
        let (Some(brokers), Some(sasl_brokers)) = (words.next(), words.next()) else {
            panic!("no broker was started; what it said stands above");
        };
        Self { brokers, sasl_brokers, tls_brokers: words.next().unwrap_or_default(), script: Mutex::new(script) }
    }

    /// Gives an order about one node, such as `kill`, and waits until it is carried out.
    pub(crate) fn order(&self, order: &str, node: u32) {
        let mut script = self.script.lock().unwrap();
        writeln!(script.orders.as_mut().expect("it is there until the end"), "{order} {node}").unwrap();
        assert_eq!(script.answer(), "done", "{order} {node}");
    }

    /// Creates topics, each with its number of partitions.
    pub(crate) fn create(&self, topics: &[(&str, i32)]) {
        self.create_with(topics, &[]);
    }

    /// The same with properties of topics.
    pub(crate) fn create_with(&self, topics: &[(&str, i32)], properties: &[(&str, &str)]) {
        let new = |&(name, count)| {
            let topic = NewTopic::new(name, count, TopicReplication::Fixed(-1));
            properties.iter().fold(topic, |topic, property| topic.set(property.0, property.1))
        };
        let topics: Vec<NewTopic<'_>> = topics.iter().map(new).collect();
        let answers = block_on(self.admin().create_topics(&topics, &options())).unwrap();
        answers.into_iter().for_each(|it| drop(it.unwrap()));
    }

    /// Deletes a topic, and waits until no broker knows it.
    pub(crate) fn delete(&self, topic: &str) {
        let admin = self.admin();
        let answers = block_on(admin.delete_topics(&[topic], &options())).unwrap();
        answers.into_iter().for_each(|it| drop(it.unwrap()));
        let is_known = || {
            let metadata = admin.inner().fetch_metadata(None, PATIENCE).unwrap();
            metadata.topics().iter().any(|it| it.name() == topic)
        };
        while is_known() {}
    }

    /// Gives a topic more partitions: `count` in all.
    pub(crate) fn grow(&self, topic: &str, count: usize) {
        let answers = block_on(self.admin().create_partitions(&[NewPartitions::new(topic, count)], &options())).unwrap();
        answers.into_iter().for_each(|it| drop(it.unwrap()));
    }

    /// Has a partition forget what is before `offset`, as retention does.
    pub(crate) fn forget(&self, topic: &str, partition: i32, offset: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(offset)).unwrap();
        block_on(self.admin().delete_records(&list, &options())).unwrap();
    }

    /// Sets one configuration of a topic or a broker.
    pub(crate) fn set(&self, resource: ResourceSpecifier<'_>, key: &str, value: &str) {
        let wanted = AlterConfig::new(resource).set(key, value);
        let answers = block_on(self.admin().alter_configs([&wanted], &options())).unwrap();
        answers.into_iter().for_each(|it| drop(it.unwrap()));
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        ClientConfig::new().set("bootstrap.servers", &self.brokers).create().unwrap()
    }
}

impl Script {
    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.orders = None;
        drop(self.child.wait());
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(PATIENCE)).request_timeout(Some(PATIENCE))
}

/// The client answers on a thread of its own: all there is to do is to wait.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(it) => return it,
            Poll::Pending => std::thread::park(),
        }
    }
}
