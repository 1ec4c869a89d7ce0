//! The dispatcher: polls, packs messages into batches per partition, pauses and resumes, commits.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::types::RDKafkaRespErr;

use super::context::MemberContext;
use super::loading::Loaders;
use super::membership::Membership;
use super::publish::Publisher;
use super::runtime::Signals;
use super::worker::{OWED_WAIT, Offer, Surroundings, Worker};
use super::{KafkaConfig, KafkaError, Observation, Observer, PartitionHandler, PartitionId, RunSummary};

/// Messages taken in one go before commits and rebalances get their turn.
const BURST_MAX: usize = 1_000;
/// How long to wait until a worker that reads again has room. Needed once for an assignment at most.
const ROOM_WAIT: Duration = Duration::from_millis(1);
/// How long to wait for a message when nothing else is due. Also the delay with which a stop is noticed.
const IDLE_WAIT: Duration = Duration::from_millis(50);

/// Owner of the consumer and of the workers' queues. Runs on a thread of its own and never waits for a worker, except
/// when a partition is taken away or the runtime stops.
pub(super) struct Dispatcher<H, F> {
    pub(super) config: KafkaConfig,
    pub(super) consumer: Arc<BaseConsumer<MemberContext>>,
    pub(super) workers: Workers,
    pub(super) loaders: Loaders<H>,
    pub(super) membership: Membership,
    pub(super) surroundings: Surroundings,
    pub(super) factory: F,
    pub(super) summary: RunSummary,
}

impl<H, F> Dispatcher<H, F>
where
    H: PartitionHandler,
    F: FnMut(&PartitionId) -> Result<H, String>,
{
    /// Makes the clients, waits for a broker and subscribes.
    pub(super) fn new(config: KafkaConfig, observer: Observer, factory: F, signals: Arc<Signals>) -> Result<Self, KafkaError> {
        let context = MemberContext::new(Arc::clone(&observer), Arc::clone(&signals));
        let consumer: BaseConsumer<MemberContext> =
            config.consumer()?.create_with_context(context).map_err(|error| KafkaError::client("make a consumer", &error))?;
        check_topics(&consumer, &config)?;
        let consumer = Arc::new(consumer);
        let publisher = Arc::new(Publisher::new(&config, Arc::clone(&observer), Arc::clone(&signals), &consumer)?);
        let loaders = Loaders::start(&consumer, &config, &observer, &signals)?;
        let surroundings = Surroundings { limits: config.batch, publisher, observer, signals, consumer: Arc::clone(&consumer) };
        let workers = Workers { all: Vec::new(), last: 0 };
        let (membership, summary) = (Membership::new(), RunSummary::default());
        let dispatcher = Self { config, consumer, workers, loaders, membership, surroundings, factory, summary };
        dispatcher.subscribe()?;
        Ok(dispatcher)
    }

    pub(super) fn subscribe(&self) -> Result<(), KafkaError> {
        let topics: Vec<&str> = self.config.read_topics().collect();
        self.consumer.subscribe(&topics).map_err(|error| KafkaError::client("subscribe", &error))
    }

    /// The loop. Ends when told to, or by the first error that cannot be waited out.
    pub(super) fn run(mut self) -> Result<RunSummary, KafkaError> {
        while !self.surroundings.signals.should_end() {
            let is_some_gone = self.take_messages();
            (self.surroundings.observer)(Observation::Polled);
            self.carry_out_changes();
            self.heed_membership();
            self.go_live();
            if is_some_gone {
                self.reopen();
            }
            self.hand_over();
            self.store_offsets();
        }
        self.shut_down()
    }

    /// True if some partition has nothing where it was to go on.
    fn take_messages(&mut self) -> bool {
        let mut patience = if self.workers.is_any_behind() { OWED_WAIT } else { IDLE_WAIT };
        for _ in 0..BURST_MAX {
            match self.consumer.poll(patience) {
                None => return false,
                Some(Err(error)) => {
                    self.surroundings.heed(&error);
                    return error.rdkafka_error_code() == Some(RDKafkaErrorCode::AutoOffsetReset);
                }
                Some(Ok(message)) => {
                    self.summary.messages += 1;
                    self.summary.exchanged += u64::from(message.topic() == self.config.exchange_topic);
                    self.summary.bytes += message.payload_len() as u64;
                    let Some(worker) = self.workers.pack(&message, &self.surroundings.observer) else { continue };
                    if worker.is_full() && worker.offer() == Offer::Full && !worker.is_paused {
                        self.summary.pauses += 1;
                        self.surroundings.set_paused(&self.consumer, worker, true);
                    }
                }
            }
            if self.consumer.context().has_changes() {
                return false;
            }
            patience = Duration::ZERO;
        }
        false
    }

    /// Offers what is packed: an idle worker gets even a single message at once, a busy one lets a batch grow.
    fn hand_over(&mut self) {
        for worker in &mut self.workers.all {
            worker.offer();
            if worker.is_paused && worker.has_caught_up() {
                self.surroundings.set_paused(&self.consumer, worker, false);
            }
        }
    }

    /// Tells the client which offsets it may commit, unless transactions do: everything before them is acknowledged.
    fn store_offsets(&mut self) {
        if self.surroundings.publisher.commits_offsets() {
            return;
        }
        // Looked up once: an acknowledgement that comes in between belongs to the next call.
        let due: Vec<Option<i64>> = self.workers.all.iter().map(Worker::due).collect();
        let context = self.consumer.context();
        let offsets = context.to_commit(self.workers.all.iter().zip(&due).filter_map(|(it, due)| Some((&it.id, (*due)?))));
        if offsets.count() == 0 {
            return;
        }
        match self.consumer.store_offsets(&offsets) {
            Ok(()) => self.workers.all.iter_mut().zip(due).for_each(|(it, due)| it.stored = due.or(it.stored)),
            Err(error) => (self.surroundings.observer)(Observation::CommitFailed { reason: &error.to_string() }),
        }
    }
}

impl Surroundings {
    /// An error from polling: most pass by themselves, and the client goes on.
    fn heed(&self, error: &ClientError) {
        if matches!(error, ClientError::MessageConsumptionFatal(_)) {
            self.signals.fail(KafkaError::Fatal(error.to_string()));
        } else {
            (self.observer)(Observation::Trouble { client: "consumer", reason: &error.to_string() });
        }
    }

    pub(super) fn set_paused(&self, consumer: &BaseConsumer<MemberContext>, worker: &mut Worker, is_paused: bool) {
        let mut partition = TopicPartitionList::new();
        partition.add_partition(&worker.id.topic, worker.id.partition);
        let done = if is_paused { consumer.pause(&partition) } else { consumer.resume(&partition) };
        match done {
            Ok(()) => {
                worker.is_paused = is_paused;
                (self.observer)(Observation::Paused { partition: &worker.id, is_paused });
            }
            // The pending batch grows over its limit until the next message tries again.
            Err(error) => (self.observer)(Observation::Trouble { client: "consumer", reason: &error.to_string() }),
        }
    }
}

/// The workers of the partitions that this member owns. They are few, and messages come in runs: a list will do.
pub(super) struct Workers {
    pub(super) all: Vec<Worker>,
    /// Index of the worker that the last message was for.
    last: usize,
}

impl Workers {
    /// Packs a message for its worker. `None`: the partition is not ours any more.
    fn pack(&mut self, message: &BorrowedMessage<'_>, observer: &Observer) -> Option<&mut Worker> {
        let is_for = |it: &Worker| it.id.partition == message.partition() && *it.id.topic == *message.topic();
        if !self.all.get(self.last).is_some_and(is_for) {
            self.last = self.all.iter().position(is_for)?;
        }
        let worker = &mut self.all[self.last];
        // No batch goes beyond the offset up to which everything was published, also where there is no message just before it.
        while worker.has_to_go_before(message.offset()) && worker.offer() != Offer::Taken {
            std::thread::sleep(ROOM_WAIT);
        }
        if let Some(expected) = worker.pack(message) {
            observer(Observation::Gap { partition: &worker.id, expected, got: message.offset() });
        }
        Some(worker)
    }

    fn is_any_behind(&self) -> bool {
        self.all.iter().any(|it| it.is_paused || it.has_pending())
    }
}

/// Asks the brokers for the topics to read: an answer, and their existence, are needed before anything else.
fn check_topics(consumer: &BaseConsumer<MemberContext>, config: &KafkaConfig) -> Result<(), KafkaError> {
    for topic in config.read_topics().filter(|it| !it.starts_with('^')) {
        let metadata = consumer
            .fetch_metadata(Some(topic), config.startup_timeout())
            .map_err(|error| KafkaError::Unreachable { brokers: config.brokers.clone(), reason: error.to_string() })?;
        let is_unknown = |error| error == RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        if metadata.topics().iter().any(|it| it.error().is_some_and(is_unknown)) {
            return Err(KafkaError::UnknownTopic(topic.to_owned()));
        }
    }
    Ok(())
}
