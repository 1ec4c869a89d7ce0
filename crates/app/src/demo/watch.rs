//! Somebody who reads the alerts topic: shows what comes, and remembers it for the summary.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Result;
use model::Level;
use serde_json::Value as Json;
use stream::kafka::{KafkaConfig, KafkaError, TailReader};

use super::screen::Screen;
use crate::show;

/// How long one look at the topic waits.
const LOOK: Duration = Duration::from_millis(50);
/// Alerts that have not come after so much silence do not come any more.
const SILENCE: Duration = Duration::from_secs(5);
/// Stands for "as many as come".
const OPEN: u64 = u64::MAX;

/// What the summary wants to know about an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// Event time, epoch milliseconds.
    pub(super) time_ms: i64,
    /// Name of the rule.
    pub(super) rule: String,
    /// How bad.
    pub(super) level: Level,
    /// Identifiers of contributing events.
    pub(super) events: Vec<String>,
}

impl Seen {
    fn of(finding: &Json) -> Self {
        let events = finding.pointer("/finding_info/related_events").and_then(Json::as_array);
        let id = |it: &Json| Some(it.get("uid")?.as_str()?.to_owned());
        Self {
            time_ms: finding.get("time").and_then(Json::as_i64).unwrap_or_default(),
            rule: finding.pointer("/finding_info/analytic/name").and_then(Json::as_str).unwrap_or_default().to_owned(),
            level: show::level_of(finding),
            events: events.map(|it| it.iter().filter_map(id).collect()).unwrap_or_default(),
        }
    }
}

/// Starts to read at the beginning of the topic, on a thread.
pub(super) fn start(kafka: &KafkaConfig, screen: Screen) -> Result<Watch> {
    let reader = TailReader::from_earliest(kafka, &kafka.alerts_topic)?;
    let expected = Arc::new(AtomicU64::new(OPEN));
    let count = Arc::clone(&expected);
    let thread = std::thread::Builder::new().name("alerts".to_owned()).spawn(move || read(&reader, &screen, &count))?;
    Ok(Watch { expected, thread })
}

/// The running reader.
#[derive(Debug)]
pub(super) struct Watch {
    expected: Arc<AtomicU64>,
    thread: JoinHandle<Result<Vec<Seen>, KafkaError>>,
}

impl Watch {
    /// Waits until `expected` alerts were read, and gives them.
    pub(super) fn finish(self, expected: u64) -> Result<Vec<Seen>> {
        self.expected.store(expected, Ordering::Release);
        match self.thread.join() {
            Ok(seen) => Ok(seen?),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

fn read(reader: &TailReader, screen: &Screen, expected: &AtomicU64) -> Result<Vec<Seen>, KafkaError> {
    let mut seen: Vec<Seen> = Vec::new();
    let mut silent_since = Instant::now();
    loop {
        let wanted = expected.load(Ordering::Acquire);
        if seen.len() as u64 >= wanted || (wanted != OPEN && silent_since.elapsed() > SILENCE) {
            return Ok(seen);
        }
        let Some(message) = reader.next(LOOK)? else { continue };
        silent_since = Instant::now();
        // Written by the pipeline a moment ago; should it be no JSON, it is shown empty rather than not counted.
        let finding = serde_json::from_slice(&message.value).unwrap_or(Json::Null);
        screen.alert(&finding);
        seen.push(Seen::of(&finding));
    }
}
