//! What compacted topics say: each is read up to its present end before anything is scored, and then followed by a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use stream::dead_letters::{Cause, DeadLetter, Origin, Position, RAW_BYTES_MAX};
use stream::kafka::{KafkaConfig, KafkaError, LetterBox, Observer, TailMessage, TailReader};

use super::clock;
use super::reload::ReloadHandle;
use crate::show::escaped;

/// How long one look at a topic waits, and so how soon the end is noticed.
const LOOK: Duration = Duration::from_millis(200);
/// Putting it in force takes at most this part of the time: records that come in a stream are taken together.
const MAKE_SHARE: u32 = 10;

/// What the records of a topic come to.
pub(super) trait Table: Send + 'static {
    /// What the topic is about, as the log and the thread call it.
    const ABOUT: &'static str;
    /// The code of dead letters with records that can't be used.
    const BAD: &'static str;

    /// Takes a record; one with an empty value takes back what its key stands for. True if it has changed anything. One that can't be used
    /// changes nothing.
    fn change(&mut self, message: &TailMessage) -> Result<bool, String>;

    /// Counts what became of a record.
    fn count(&self, outcome: &'static str);

    /// Puts all that is known in force.
    fn put_in_force(&self, reload: &ReloadHandle);
}

/// The thread that reads a topic. It ends when dropped.
#[derive(Debug)]
pub(super) struct Feed {
    is_stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Reads the topic up to its present end into `table`, puts what is there in force, and goes on reading. Nothing should be scored before that.
pub(super) fn start<T: Table>(
    table: T,
    kafka: &KafkaConfig,
    topic: &str,
    reload: ReloadHandle,
    observer: Observer,
) -> Result<Feed, KafkaError> {
    let patience = Duration::from_millis(kafka.startup_timeout_ms);
    let (reader, letters) = (TailReader::to_end(kafka, topic)?, LetterBox::new(kafka, observer)?);
    let mut follower = Follower { topic: topic.to_owned(), reader, table, letters };
    follower.read_to_end(patience)?;
    let pause = follower.put_in_force(&reload);
    let is_stopped = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&is_stopped);
    let work = move || follower.follow(&reload, &stopped, pause);
    let thread = std::thread::Builder::new().name(T::ABOUT.to_owned()).spawn(work)?;
    Ok(Feed { is_stopped, thread: Some(thread) })
}

/// A topic, and what it says so far.
struct Follower<T> {
    topic: String,
    reader: TailReader,
    table: T,
    letters: LetterBox,
}

impl<T: Table> Follower<T> {
    /// Reads what the topic has at present. A topic that is not read to its end is an error: half a table would call honest people's
    /// tickets unknown, and page for what is excepted.
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
                    return tracing::error!(%error, "the topic of {} is not read any more: what is known stays in force", T::ABOUT);
                }
            }
            if is_changed && made.elapsed() >= pause {
                pause = self.put_in_force(reload);
                (is_changed, made) = (false, Instant::now());
            }
        }
    }

    /// Puts in force what there is; gives how long to wait before the next time.
    fn put_in_force(&self, reload: &ReloadHandle) -> Duration {
        let begun = Instant::now();
        self.table.put_in_force(reload);
        begun.elapsed() * MAKE_SHARE
    }

    /// Takes a record. True if it has changed anything. One that can't be used is told, and goes to the dead letters.
    fn take(&mut self, message: &TailMessage) -> bool {
        let outcome = self.table.change(message);
        let word = match &outcome {
            Ok(true) => "taken",
            Ok(false) => "unchanged",
            Err(reason) => {
                self.refuse(message, reason);
                "refused"
            }
        };
        self.table.count(word);
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
            "a record of the topic of {} is none, and changes nothing",
            T::ABOUT
        );
        let origin = Origin { source: &self.topic, partition: Some(partition), position: Position::message(offset) };
        let reason = format!("key `{key}`: {reason}");
        let cause = Cause { code: T::BAD, reason: &reason };
        self.letters.send(&DeadLetter::new(clock::now().ms(), origin, cause, &message.value, RAW_BYTES_MAX));
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
