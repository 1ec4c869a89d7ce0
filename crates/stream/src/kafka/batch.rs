//! A batch: consecutive messages of one partition, packed into a block as if they were the lines of a file.

use std::ops::Range;

use super::PartitionId;
use crate::block::{Block, OVERSIZE_HEAD_MAX, Oversize};

/// What is known of a message besides its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageMeta {
    /// Offset in the partition.
    pub offset: i64,
    /// Kafka timestamp in milliseconds since the epoch, if the message has one.
    pub timestamp_ms: Option<i64>,
    /// Where the payload is in the block, without its `\n`.
    pub payload: Range<usize>,
    /// The message is in [`Block::oversize`] instead; its line is empty.
    pub is_oversize: bool,
    key: Option<Range<usize>>,
}

/// Consecutive messages of one partition. Line *i* of the block is message *i*: an empty message, a tombstone and an
/// oversize message are empty lines, and a `\n` inside a payload has become a space.
#[derive(Debug)]
pub struct Batch {
    partition: PartitionId,
    block: Block,
    messages: Vec<MessageMeta>,
    keys: Vec<u8>,
    message_bytes_max: usize,
    /// Payloads are lines. Otherwise they are kept byte for byte, and the block is for nobody to read.
    is_lines: bool,
}

/// A longer record of the exchange topic can't be, as brokers are usually configured.
const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;

impl Batch {
    /// An empty batch of `partition` for payloads that are no lines: [`Self::payload_of`] gives them as they came.
    pub fn verbatim(partition: PartitionId) -> Self {
        Self { is_lines: false, ..Self::new(partition, RECORD_BYTES_MAX) }
    }

    /// An empty batch of `partition`; payloads longer than `message_bytes_max` are left out as oversize.
    pub fn new(partition: PartitionId, message_bytes_max: usize) -> Self {
        let mut block = Block::new();
        block.clear();
        block.seal(0);
        Self { partition, block, messages: Vec::new(), keys: Vec::new(), message_bytes_max, is_lines: true }
    }

    /// The partition that all messages are from.
    pub fn partition(&self) -> &PartitionId {
        &self.partition
    }

    /// The payloads as lines, for the decoder.
    pub fn block(&self) -> &Block {
        &self.block
    }

    /// The messages, in the order of their offsets and of the block's lines.
    pub fn messages(&self) -> &[MessageMeta] {
        &self.messages
    }

    /// The message whose line holds byte `at` of the block's payload (its `\n` included).
    pub fn message_at(&self, at: usize) -> Option<&MessageMeta> {
        let index = self.messages.partition_point(|it| it.payload.end < at);
        self.messages.get(index)
    }

    /// The payload of `message` as the decoder sees it.
    pub fn payload_of(&self, message: &MessageMeta) -> &[u8] {
        &self.block.bytes[message.payload.clone()]
    }

    /// The key of `message`.
    pub fn key_of(&self, message: &MessageMeta) -> Option<&[u8]> {
        message.key.clone().map(|it| &self.keys[it])
    }

    /// Number of messages.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// There is no message in it.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Bytes of payload, line ends included.
    pub fn bytes(&self) -> usize {
        self.block.payload_len()
    }

    /// The offset to commit when this batch is done: the one after its last message. `None` when empty.
    pub fn end_offset(&self) -> Option<i64> {
        self.messages.last().map(|it| it.offset + 1)
    }

    /// Forgets the messages and keeps the buffers.
    pub fn clear(&mut self) {
        self.block.clear();
        self.block.seal(0);
        self.messages.clear();
        self.keys.clear();
    }

    /// Adds a message. Offsets must rise; gaps are fine.
    pub fn push(&mut self, offset: i64, timestamp_ms: Option<i64>, key: Option<&[u8]>, payload: Option<&[u8]>) {
        let payload = payload.unwrap_or_default();
        let is_oversize = payload.len() > self.message_bytes_max;
        if is_oversize {
            self.block.oversize.push(Oversize {
                line: 0,
                offset: u64::try_from(offset).unwrap_or(0),
                length: payload.len() as u64,
                head: payload[..payload.len().min(OVERSIZE_HEAD_MAX)].to_vec(),
            });
        }
        let span = self.push_line(if is_oversize { b"" } else { payload });
        let key = key.map(|it| {
            let start = self.keys.len();
            self.keys.extend_from_slice(it);
            start..self.keys.len()
        });
        self.messages.push(MessageMeta { offset, timestamp_ms, payload: span, is_oversize, key });
    }

    /// Appends one line over the old padding, and new padding after it.
    fn push_line(&mut self, payload: &[u8]) -> Range<usize> {
        let start = self.block.payload;
        let end = start + payload.len();
        self.block.bytes.truncate(start);
        self.block.bytes.extend_from_slice(payload);
        if self.is_lines {
            replace_newlines(&mut self.block.bytes[start..end]);
        }
        self.block.bytes.push(b'\n');
        self.block.seal(end + 1);
        self.block.lines += 1;
        start..end
    }
}

/// A `\n` can stand between the tokens of a JSON message, but in a block it would end the line.
fn replace_newlines(payload: &mut [u8]) {
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'\n', &payload[from..]) {
        payload[from + at] = b' ';
        from += at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_line_is_kept_byte_for_byte() {
        let mut batch = Batch::verbatim(PartitionId::new("t", 0));
        let payloads: [&[u8]; 3] = [b"\n\n", b"", &[0, 10, 255, 13]];
        (0..).zip(payloads).for_each(|(offset, it)| batch.push(offset, None, None, Some(it)));
        assert!(batch.messages().iter().map(|it| batch.payload_of(it)).eq(payloads));
    }

    fn packed(messages: &[&[u8]]) -> Batch {
        let mut batch = Batch::new(PartitionId::new("t", 0), 16);
        for (offset, payload) in (10..).zip(messages) {
            batch.push(offset, Some(1), Some(b"k"), Some(payload));
        }
        batch
    }

    #[track_caller]
    fn check(messages: &[&[u8]], expected: &[u8]) {
        let batch = packed(messages);
        assert_eq!(batch.block().payload(), expected);
        assert!(batch.block().padded()[expected.len()..].iter().all(|it| *it == 0));
        assert_eq!(batch.block().padded().len(), expected.len() + crate::PADDING);
        assert_eq!(batch.end_offset(), (10..).zip(messages).last().map(|(offset, _)| offset + 1));
    }

    #[test]
    fn every_message_is_one_line() {
        check(&[b"{}", b"[1]"], b"{}\n[1]\n");
    }

    #[test]
    fn no_message_is_no_line() {
        check(&[], b"");
    }

    #[test]
    fn a_newline_inside_a_message_becomes_a_space() {
        check(&[b"{\n\n}\n", b"{}"], b"{  } \n{}\n");
    }

    #[test]
    fn empty_messages_are_empty_lines() {
        check(&[b"", b"{}", b""], b"\n{}\n\n");
    }

    #[test]
    fn an_oversize_message_is_an_empty_line_and_reported_with_its_offset() {
        check(&[b"{}", &[b'x'; 17], b"[]"], b"{}\n\n[]\n");
        let batch = packed(&[b"{}", &[b'x'; 17], b"[]"]);
        assert_eq!(batch.block().oversize, [Oversize { line: 0, offset: 11, length: 17, head: vec![b'x'; 17] }]);
        assert!(batch.messages()[1].is_oversize);
    }

    #[test]
    fn any_byte_of_a_line_leads_to_its_message() {
        let batch = packed(&[b"ab", b"", b"c"]);
        let offsets: Vec<_> = (0..6).map(|at| batch.message_at(at).unwrap().offset).collect();
        assert_eq!(offsets, [10, 10, 10, 11, 12, 12]);
        assert_eq!(batch.message_at(6), None);
        assert_eq!(batch.key_of(&batch.messages()[2]), Some(&b"k"[..]));
        assert_eq!(batch.payload_of(&batch.messages()[2]), b"c");
    }

    #[test]
    fn a_cleared_batch_is_like_a_new_one() {
        let mut batch = packed(&[&[b'x'; 17], b"abc"]);
        batch.clear();
        batch.push(99, None, None, Some(b"z"));
        assert_eq!(batch.block().payload(), b"z\n");
        assert!(batch.block().oversize.is_empty());
        assert_eq!(batch.block().lines, 1);
        assert_eq!(batch.end_offset(), Some(100));
    }
}
