//! Context from a compacted topic: the key of a record is `TABLE/ROW`, its value the row as a JSON object, an empty value takes the row away.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engine::context::{File, Table, checked_row};
use model::EventTime;
use stream::dead_letters::{Cause, DeadLetter, Origin, Position, RAW_BYTES_MAX};
use stream::kafka::{KafkaConfig, KafkaError, LetterBox, Observer, TailMessage, TailReader};

use super::clock;
use super::reload::ReloadHandle;
use crate::metrics::Metrics;
use crate::show::escaped;

/// How long one look at the topic waits, and so how soon the end is noticed.
const LOOK: Duration = Duration::from_millis(200);
/// Making a context takes at most this part of the time: rows that come in a stream are taken together.
const MAKE_SHARE: u32 = 10;
/// Most rows that the topic may have.
const ROWS_MAX: usize = 5_000_000;
/// Longest value of a record in bytes.
const RECORD_BYTES_MAX: usize = 256 * 1024;

/// The thread that reads the topic. It ends when dropped.
#[derive(Debug)]
pub(super) struct ContextFeed {
    is_stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What the topic says so far.
struct Said {
    topic: String,
    reader: TailReader,
    /// By table and the rest of the key.
    rows: BTreeMap<(Table, String), String>,
    /// When the newest record that holds was written.
    newest: Option<EventTime>,
    letters: LetterBox,
    metrics: Arc<Metrics>,
}

/// Reads the topic up to its present end, puts what is there in force, and goes on reading. Nothing should be scored before that.
pub(super) fn start(
    kafka: &KafkaConfig,
    topic: &str,
    reload: ReloadHandle,
    metrics: Arc<Metrics>,
    observer: Observer,
) -> Result<ContextFeed, KafkaError> {
    let patience = Duration::from_millis(kafka.startup_timeout_ms);
    let (reader, letters) = (TailReader::to_end(kafka, topic)?, LetterBox::new(kafka, observer)?);
    let mut rows = Said { topic: topic.to_owned(), reader, rows: BTreeMap::new(), newest: None, letters, metrics };
    rows.read_to_end(patience)?;
    let pause = rows.put_in_force(&reload);
    let is_stopped = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&is_stopped);
    let work = move || rows.follow(&reload, &stopped, pause);
    let thread = std::thread::Builder::new().name("context".to_owned()).spawn(work)?;
    Ok(ContextFeed { is_stopped, thread: Some(thread) })
}

impl Said {
    /// Reads what the topic has at present. A topic that is not read to its end is an error: half a table would call honest people's
    /// tickets unknown.
    fn read_to_end(&mut self, patience: Duration) -> Result<(), KafkaError> {
        let mut deadline = Instant::now() + patience;
        while !self.reader.has_been_at_end() {
            if let Some(message) = self.reader.next(LOOK)? {
                self.take(&message);
                // A long topic may take its time, one that does not answer may not.
                deadline = Instant::now() + patience;
            } else if Instant::now() > deadline {
                let (topic, seconds) = (&self.topic, patience.as_secs_f64());
                return Err(KafkaError::Fatal(format!(
                    "nothing came of the topic {topic} for {seconds} s, and its end was not reached"
                )));
            }
        }
        Ok(())
    }

    fn follow(mut self, reload: &ReloadHandle, is_stopped: &AtomicBool, mut pause: Duration) {
        let (mut is_changed, mut made) = (false, Instant::now());
        while !is_stopped.load(Ordering::Relaxed) {
            match self.reader.next(LOOK) {
                Ok(None) => {}
                Ok(Some(message)) => is_changed |= self.take(&message),
                Err(error) => {
                    return tracing::error!(%error, "the topic of context is not read any more: what is known stays in force");
                }
            }
            if is_changed && made.elapsed() >= pause {
                pause = self.put_in_force(reload);
                (is_changed, made) = (false, Instant::now());
            }
        }
    }

    /// Has a context made with the rows that there are; gives how long to wait before the next.
    fn put_in_force(&self, reload: &ReloadHandle) -> Duration {
        let begun = Instant::now();
        reload.context(self.files());
        self.metrics.loaded.context_newest(self.newest);
        begun.elapsed() * MAKE_SHARE
    }

    /// The rows as files of tables.
    fn files(&self) -> Vec<File> {
        let mut files: Vec<(Table, File)> = Vec::new();
        for ((table, _), row) in &self.rows {
            if files.last().is_none_or(|(of, _)| of != table) {
                let name = format!("{}.ndjson", table.name());
                files.push((*table, File { path: format!("topic {}", self.topic), name, text: String::new() }));
            }
            if let Some((_, file)) = files.last_mut() {
                file.text.push_str(row);
                file.text.push('\n');
            }
        }
        files.into_iter().map(|it| it.1).collect()
    }

    /// Takes a record. True if it has changed anything. One that can't be used changes nothing, is told, and goes to the dead letters.
    fn take(&mut self, message: &TailMessage) -> bool {
        let outcome = self.change(message);
        let word = match &outcome {
            Ok(true) => "taken",
            Ok(false) => "unchanged",
            Err(reason) => {
                self.refuse(message, reason);
                "refused"
            }
        };
        self.metrics.loaded.context_record(word);
        if outcome.is_ok() {
            self.newest = self.newest.max(message.timestamp_ms.map(EventTime::from_ms));
        }
        outcome.unwrap_or(false)
    }

    fn refuse(&self, message: &TailMessage, reason: &str) {
        let key = String::from_utf8_lossy(&message.key);
        let (partition, offset, told) = (message.partition, message.offset, escaped(reason));
        tracing::error!(
            key = escaped(&key),
            partition,
            offset,
            reason = told,
            "a record of the topic of context is none, and changes nothing"
        );
        let origin = Origin { source: &self.topic, partition: Some(partition), position: Position::message(offset) };
        let reason = format!("key `{key}`: {reason}");
        let cause = Cause { code: "bad_context_row", reason: &reason };
        self.letters.send(&DeadLetter::new(clock::now().ms(), origin, cause, &message.value, RAW_BYTES_MAX));
    }

    fn change(&mut self, message: &TailMessage) -> Result<bool, String> {
        let key = std::str::from_utf8(&message.key).map_err(|_| "the key is no text")?;
        let (table, row) = key.split_once('/').filter(|(_, row)| !row.is_empty()).ok_or("the key is not TABLE/ROW")?;
        let table = Table::named(table).ok_or_else(|| {
            let names: Vec<&str> = Table::ALL.iter().map(|it| it.name()).collect();
            format!("there is no table `{table}`; there are: {}", names.join(", "))
        })?;
        let place = (table, row.to_owned());
        if message.value.is_empty() {
            return Ok(self.rows.remove(&place).is_some());
        }
        if message.value.len() > RECORD_BYTES_MAX {
            return Err(format!("the value has {} bytes, at most {RECORD_BYTES_MAX} are read", message.value.len()));
        }
        let value = std::str::from_utf8(&message.value).map_err(|_| "the value is not UTF-8")?;
        let value = checked_row(table, value)?;
        if self.rows.len() >= ROWS_MAX && !self.rows.contains_key(&place) {
            return Err(format!("there are {ROWS_MAX} rows already"));
        }
        Ok(self.rows.insert(place, value.clone()) != Some(value))
    }
}

impl Drop for ContextFeed {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
