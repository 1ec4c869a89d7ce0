//! Events that surely alert, and how long it takes until readers of committed records see the alerts.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::Message as _;

use crate::events;
use crate::stage::{PARTITIONS, Stage};

pub(crate) const OUTPUT_PARTITIONS: i32 = 3;
const PROBERS: u64 = 100;

/// Numbers probes and says when they were sent.
#[derive(Clone)]
pub(crate) struct Probes {
    start: Instant,
    sent: Arc<AtomicU64>,
}

/// A probe whose alert was seen.
#[derive(Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) number: u64,
    pub(crate) partition: i32,
    /// Partition and offset of what speaks of it.
    pub(crate) place: (i32, i64),
    sent_us: u64,
    seen_us: u64,
}

impl Answer {
    pub(crate) fn delay_ms(&self) -> f64 {
        (self.seen_us - self.sent_us) as f64 / 1e3
    }

    /// Seconds after the beginning at which it was sent.
    pub(crate) fn sent_s(&self) -> f64 {
        self.sent_us as f64 / 1e6
    }
}

impl Probes {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), sent: Arc::default() }
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap()
    }

    /// Seconds since the beginning.
    pub(crate) fn now_s(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    /// How many were sent.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    /// The key and the line of the next one, sent now, happening at `time`.
    pub(crate) fn next(&self, partition: i32, time: &str) -> (String, String) {
        let number = self.sent.fetch_add(1, Ordering::SeqCst);
        let id = format!("probe-{number}-{partition}-{}", self.now_us());
        let actor = format!("prober-{partition}-{}", number % PROBERS);
        let line = events::probe(&id, time, &actor);
        (actor, line)
    }

    /// Reads the alerts of a group.
    pub(crate) fn listen(&self, stage: &Stage, group: &str) -> Listener {
        self.listen_to(stage, &format!("{group}.alerts"), OUTPUT_PARTITIONS)
    }

    /// Reads whatever speaks of probes, also the probes themselves.
    pub(crate) fn listen_to(&self, stage: &Stage, topic: &str, partitions: i32) -> Listener {
        let reader = stage.reader(topic, partitions);
        let (answers, is_over) = (Arc::<Mutex<Vec<Answer>>>::default(), Arc::<AtomicBool>::default());
        let (probes, seen, over) = (self.clone(), Arc::clone(&answers), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            while !over.load(Ordering::SeqCst) {
                let Some(Ok(message)) = reader.poll(Duration::from_millis(100)) else { continue };
                let seen_us = probes.now_us();
                let text = String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned();
                if let Some((number, partition, sent_us)) = read(&text) {
                    let place = (message.partition(), message.offset());
                    seen.lock().unwrap().push(Answer { number, partition, place, sent_us, seen_us });
                }
            }
        });
        Listener { answers, is_over, thread: Some(thread) }
    }

    /// Sends one probe to each partition every so often, until it goes out of scope.
    pub(crate) fn keep_sending(&self, stage: &Stage, topic: &str, time: &str, every: Duration) -> Ticker {
        let is_over = Arc::<AtomicBool>::default();
        let (probes, over, producer) = (self.clone(), Arc::clone(&is_over), stage.producer(0));
        let (topic, time) = (topic.to_owned(), time.to_owned());
        let thread = std::thread::spawn(move || {
            let mut due = Instant::now();
            while !over.load(Ordering::SeqCst) {
                for partition in 0..PARTITIONS {
                    let (key, line) = probes.next(partition, &time);
                    producer.send(&topic, partition, &key, line.as_bytes());
                }
                due += every;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            producer.finish();
        });
        Ticker { is_over, thread: Some(thread) }
    }
}

/// What stands in the identifier of a probe, of which an alert speaks.
fn read(alert: &str) -> Option<(u64, i32, u64)> {
    let id = alert.split("\"probe-").nth(1)?.split('"').next()?;
    let mut parts = id.split('-');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Sees answers.
pub(crate) struct Listener {
    answers: Arc<Mutex<Vec<Answer>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    pub(crate) fn answers(&self) -> Vec<Answer> {
        self.answers.lock().unwrap().clone()
    }

    /// Waits until every partition has answered a probe that was sent `since` then, and says when the last one was seen first.
    pub(crate) fn await_all(&self, since_s: f64) -> f64 {
        loop {
            let answers = self.answers();
            let first = |partition| {
                let of_it = answers.iter().filter(|it| it.partition == partition && it.sent_s() >= since_s);
                of_it.map(|it| it.seen_us).min()
            };
            if let Some(all) = (0..PARTITIONS).map(first).collect::<Option<Vec<_>>>() {
                return *all.iter().max().unwrap() as f64 / 1e6;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.thread.take().into_iter().for_each(|it| it.join().unwrap());
    }
}

/// Sends until it goes out of scope.
pub(crate) struct Ticker {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.thread.take().into_iter().for_each(|it| it.join().unwrap());
    }
}

/// Those at the given parts of all, in order.
pub(crate) fn quantiles<const N: usize>(mut all: Vec<f64>, parts: [f64; N]) -> [f64; N] {
    all.sort_by(f64::total_cmp);
    let last = all.len().saturating_sub(1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
    parts.map(|it| all.get((last * it).round() as usize).copied().unwrap_or(f64::NAN))
}
