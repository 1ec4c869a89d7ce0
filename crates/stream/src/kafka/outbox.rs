//! The outbox: the records that a batch caused, in one buffer, until they are produced.

use std::ops::Range;

use super::RecordKind;
use crate::dead_letters::DeadLetter;

/// Collects what a handler wants to be produced for one batch. Cleared by the runtime before every batch.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

#[derive(Debug)]
struct Span {
    kind: RecordKind,
    partition: Option<i32>,
    key: Range<usize>,
    value: Range<usize>,
}

/// One record to produce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutRecord<'a> {
    /// Which topic it is for.
    pub kind: RecordKind,
    /// Which partition of it, if that is for the handler to say.
    pub partition: Option<i32>,
    /// The key; empty means none.
    pub key: &'a [u8],
    /// The value.
    pub value: &'a [u8],
}

impl Outbox {
    /// An empty outbox.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an alert for the alerts topic.
    pub fn alert(&mut self, key: &[u8], value: &[u8]) {
        self.push(RecordKind::Alert, key, value);
    }

    /// Adds a finding for the shadow topic.
    pub fn shadow(&mut self, key: &[u8], value: &[u8]) {
        self.push(RecordKind::Shadow, key, value);
    }

    /// Adds a version of an incident for the topic of incidents.
    pub fn incident(&mut self, key: &[u8], value: &[u8]) {
        self.push(RecordKind::Incident, key, value);
    }

    /// Adds a day's digest for the topic of digests.
    pub fn digest(&mut self, key: &[u8], value: &[u8]) {
        self.push(RecordKind::Digest, key, value);
    }

    /// Adds a dead letter for the dead-letters topic (no key).
    pub fn dead_letter(&mut self, letter: &DeadLetter<'_>) {
        self.push(RecordKind::DeadLetter, b"", &letter.to_json());
    }

    /// Adds a record for the handler of partition `partition` of the exchange topic (no key).
    pub fn exchange(&mut self, partition: i32, value: &[u8]) {
        self.push_to(RecordKind::Exchange, Some(partition), b"", value);
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Bytes of all keys and values.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// There is nothing to produce.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The records in the order in which they were added.
    pub fn records(&self) -> impl Iterator<Item = OutRecord<'_>> {
        self.spans.iter().map(|it| OutRecord {
            kind: it.kind,
            partition: it.partition,
            key: &self.bytes[it.key.clone()],
            value: &self.bytes[it.value.clone()],
        })
    }

    /// Forgets the records and keeps the buffers.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
    }

    fn push(&mut self, kind: RecordKind, key: &[u8], value: &[u8]) {
        self.push_to(kind, None, key, value);
    }

    fn push_to(&mut self, kind: RecordKind, partition: Option<i32>, key: &[u8], value: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        let middle = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.spans.push(Span { kind, partition, key: start..middle, value: middle..self.bytes.len() });
    }
}
