//! Exceptions from a compacted topic: the key of a record is the id of an exception, its value the exception as JSON, an empty value
//! takes it back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engine::policy::EXCEPTIONS_MAX;
use model::Exception;
use sigma::parse::exceptions::parse_record;
use stream::kafka::{KafkaConfig, KafkaError, TailMessage, TailReader};

use super::clock;
use super::reload::ReloadHandle;
use crate::metrics::Metrics;
use crate::show::escaped;

/// How long one look at the topic waits, and so how soon the end is noticed.
const LOOK: Duration = Duration::from_millis(200);

/// The thread that reads the topic. It ends when dropped.
#[derive(Debug)]
pub(super) struct ExceptionFeed {
    is_stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What the topic says so far.
struct Table {
    reader: TailReader,
    exceptions: BTreeMap<String, Exception>,
    metrics: Arc<Metrics>,
}

/// Reads the topic up to its present end, puts what is there in force, and goes on reading. Nothing should be scored before that.
pub(super) fn start(
    kafka: &KafkaConfig,
    topic: &str,
    reload: ReloadHandle,
    metrics: Arc<Metrics>,
) -> Result<ExceptionFeed, KafkaError> {
    let patience = Duration::from_millis(kafka.startup_timeout_ms);
    let mut table = Table { reader: TailReader::from_earliest(kafka, topic)?, exceptions: BTreeMap::new(), metrics };
    table.read_to_end(patience)?;
    reload.exceptions(table.all());
    let is_stopped = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&is_stopped);
    let thread = std::thread::Builder::new().name("exceptions".to_owned()).spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            match table.reader.next(LOOK) {
                Ok(None) => {}
                Ok(Some(message)) => {
                    if table.take(&message) {
                        reload.exceptions(table.all());
                    }
                }
                Err(error) => {
                    return tracing::error!(%error, "exceptions are not read any more: those in force stay until they end");
                }
            }
        }
    })?;
    Ok(ExceptionFeed { is_stopped, thread: Some(thread) })
}

impl Table {
    /// Reads what the topic has at present. Offsets may have gaps, so that the end counts and not the number of messages.
    fn read_to_end(&mut self, patience: Duration) -> Result<(), KafkaError> {
        let deadline = Instant::now() + patience;
        let ends = self.reader.ends(patience)?;
        let mut read = vec![0; ends.len()];
        while read.iter().zip(&ends).any(|(read, end)| read < end) {
            match self.reader.next(LOOK)? {
                Some(message) => {
                    if let Some(it) = usize::try_from(message.partition).ok().and_then(|it| read.get_mut(it)) {
                        *it = message.offset + 1;
                    }
                    self.take(&message);
                }
                // The last offsets of a partition may be markers of transactions, which nobody gets to see.
                None if Instant::now() > deadline => {
                    tracing::warn!("the topic of exceptions was not read to its end in time; what is there is in force");
                    return Ok(());
                }
                None => {}
            }
        }
        Ok(())
    }

    fn all(&self) -> Vec<Exception> {
        self.exceptions.values().cloned().collect()
    }

    /// Takes a record. True if it has changed anything. One that can't be read changes nothing and is told.
    fn take(&mut self, message: &TailMessage) -> bool {
        let outcome = self.change(message);
        let word = match &outcome {
            Ok(true) => "taken",
            Ok(false) => "unchanged",
            Err(reason) => {
                let key = escaped(&String::from_utf8_lossy(&message.key));
                let (partition, offset, reason) = (message.partition, message.offset, escaped(reason));
                tracing::error!(key, partition, offset, reason, "a record of the topic of exceptions is none, and changes nothing");
                "refused"
            }
        };
        self.metrics.loaded.exception_record(word);
        outcome.unwrap_or(false)
    }

    fn change(&mut self, message: &TailMessage) -> Result<bool, String> {
        let key = std::str::from_utf8(&message.key).ok().filter(|it| !it.is_empty()).ok_or("the key is no text")?;
        if message.value.is_empty() {
            return Ok(self.exceptions.remove(key).is_some());
        }
        let value = std::str::from_utf8(&message.value).map_err(|_| "the value is not UTF-8")?;
        let exception = parse_record(key, value, clock::now())?;
        if self.exceptions.len() >= EXCEPTIONS_MAX && !self.exceptions.contains_key(key) {
            return Err(format!("there are {EXCEPTIONS_MAX} exceptions already"));
        }
        Ok(self.exceptions.insert(key.to_owned(), exception.clone()) != Some(exception))
    }
}

impl Drop for ExceptionFeed {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
