//! Lines in, the same lines out: whatever the compression, the size of blocks and the way in which the bytes arrive.

use std::io::{Cursor, Write};

use proptest::prelude::*;

use super::*;

/// Everything that a reader hands out.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    /// Lines with their numbers; `None`: an oversize line, with its length.
    lines: Vec<(u64, Result<Vec<u8>, u64>)>,
    is_cut: bool,
    error: Option<(&'static str, u64, u64)>,
}

impl Seen {
    fn texts(&self) -> Vec<&[u8]> {
        self.lines.iter().filter_map(|(_, line)| line.as_deref().ok()).collect()
    }
}

fn options(block_bytes: usize, line_bytes_max: usize) -> BlockOptions {
    BlockOptions { block_bytes, line_bytes_max, is_live: false }
}

/// Reads everything and checks on the way what holds for every block.
fn read_all(mut reader: BlockReader) -> Seen {
    let mut seen = Seen::default();
    let mut block = Block::new();
    loop {
        match reader.next_block(&mut block) {
            Ok(true) => note(&mut seen, &block),
            Ok(false) => break,
            Err(error) => {
                let (offset, line) = error.position().unwrap();
                seen.error = Some((error.code(), offset, line));
            }
        }
    }
    assert!(block.payload().is_empty() && block.oversize.is_empty());
    seen
}

fn note(seen: &mut Seen, block: &Block) {
    let payload = block.payload();
    assert!(payload.is_empty() || payload.ends_with(b"\n"));
    assert_eq!(block.padded(), [payload, &[0; crate::PADDING]].concat());
    assert_eq!(block.lines, count_lines(payload));
    assert!(payload.is_empty() != block.oversize.is_empty(), "a block has lines or an oversize line");
    for oversize in &block.oversize {
        assert_eq!((oversize.line, oversize.offset), (block.first_line, block.offset));
        seen.lines.push((oversize.line, Err(oversize.length)));
    }
    for (at, line) in payload.split_inclusive(|it| *it == b'\n').enumerate() {
        seen.lines.push((block.first_line + at as u64, Ok(line[..line.len() - 1].to_vec())));
    }
    seen.is_cut |= block.is_cut;
}

fn read_bytes(bytes: &[u8], options: BlockOptions) -> Seen {
    read_all(BlockReader::from_reader(Cursor::new(bytes.to_vec()), Some(bytes.len() as u64), options).unwrap())
}

/// The naive twin: the whole input in memory, split at line ends.
fn naive(bytes: &[u8], line_bytes_max: usize) -> Seen {
    let mut seen = Seen::default();
    for (line, at) in bytes.split_inclusive(|it| *it == b'\n').zip(1..) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = if line.len() > line_bytes_max { Err(line.len() as u64) } else { Ok(line.to_vec()) };
        seen.lines.push((at, line));
    }
    seen
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// Lines that do not compress well, so that damage hits data.
fn sample(lines: u64) -> Vec<u8> {
    let mut state = 7_u64;
    let mut text = Vec::new();
    for line in 0..lines {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        writeln!(text, "{{\"line\":{line},\"noise\":\"{:016x}{:016x}\"}}", state, state.rotate_left(29)).unwrap();
    }
    text
}

#[test]
fn an_empty_input_has_no_block() {
    assert_eq!(read_bytes(b"", BlockOptions::default()), Seen::default());
    assert_eq!(read_bytes(&gzip(b""), BlockOptions::default()), Seen::default());
    assert_eq!(read_bytes(&zstd(b""), BlockOptions::default()), Seen::default());
}

#[test]
fn a_missing_last_line_end_is_added() {
    let seen = read_bytes(b"a\nb", BlockOptions::default());
    assert_eq!(seen.texts(), [b"a", b"b"]);
    assert!(!seen.is_cut);
}

#[test]
fn plain_gzip_and_zstd_give_the_same_lines() {
    let text = sample(20_000);
    let expected = naive(&text, 1_000);
    for bytes in [text.clone(), gzip(&text), zstd(&text)] {
        assert_eq!(read_bytes(&bytes, options(64 * 1024, 1 << 20)), expected);
    }
}

#[test]
fn members_and_frames_one_after_the_other_are_one_input() {
    let text = sample(100);
    let (first, second) = text.split_at(1_234);
    let expected = naive(&text, 1_000);
    assert_eq!(read_bytes(&[gzip(first), gzip(second)].concat(), BlockOptions::default()), expected);
    assert_eq!(read_bytes(&[zstd(first), zstd(second)].concat(), BlockOptions::default()), expected);
}

#[test]
fn a_truncated_stream_keeps_everything_before_the_end() {
    let text = sample(5_000);
    for (bytes, keeps) in [(gzip(&text), 99), (zstd(&text), 50)] {
        let seen = read_bytes(&bytes[..bytes.len() - 100], options(4_096, 1 << 20));
        let (code, offset, line) = seen.error.unwrap();
        assert_eq!(code, "truncated_input");
        let handed_out = seen.texts().join(&b'\n');
        assert!(text.starts_with(&handed_out), "nothing is invented");
        assert!(handed_out.len() * 100 > text.len() * keeps, "{} of {}", handed_out.len(), text.len());
        assert_eq!(seen.is_cut, handed_out.len() as u64 == offset);
        assert_eq!(line, seen.lines.len() as u64 + u64::from(!seen.is_cut));
    }
}

#[test]
fn a_corrupt_stream_keeps_what_was_decompressed_before() {
    let text = sample(50_000);
    for mut bytes in [gzip(&text), zstd(&text)] {
        let middle = bytes.len() / 2;
        bytes[middle..middle + 64].fill(0xa5);
        let seen = read_bytes(&bytes, BlockOptions::default());
        let good = seen.texts().iter().zip(text.split(|it| *it == b'\n')).take_while(|(a, b)| *a == b).count();
        assert_eq!(seen.error.unwrap().0, "truncated_input");
        assert!(good > 20_000, "{good} lines before the damage");
    }
}

#[test]
fn a_header_alone_is_damage_at_the_start() {
    let seen = read_bytes(&[0x1f, 0x8b], BlockOptions::default());
    assert_eq!(seen, Seen { error: Some(("truncated_input", 0, 1)), ..Seen::default() });
}

#[test]
fn an_oversize_line_is_reported_between_its_neighbours() {
    let long = vec![b'x'; 10_000_000];
    let text = [b"before\n", &long[..], b"\nafter\nlast"].concat();
    for bytes in [text.clone(), gzip(&text)] {
        let seen = read_bytes(&bytes, BlockOptions::default());
        let expected: Vec<(u64, Result<Vec<u8>, u64>)> =
            vec![(1, Ok(b"before".to_vec())), (2, Err(10_000_000)), (3, Ok(b"after".to_vec())), (4, Ok(b"last".to_vec()))];
        assert_eq!(seen.lines, expected);
    }
}

#[test]
fn an_oversize_line_costs_no_memory_and_keeps_its_head() {
    let text = [&vec![b'x'; 3_000_000][..], b"\n"].concat();
    let mut reader = BlockReader::from_reader(Cursor::new(text), None, options(4_096, 10_000)).unwrap();
    let mut block = Block::new();
    assert!(reader.next_block(&mut block).unwrap());
    assert_eq!(block.oversize[0].head, vec![b'x'; OVERSIZE_HEAD_MAX]);
    assert!(block.bytes.capacity() < 32_000, "{}", block.bytes.capacity());
    assert!(!reader.next_block(&mut block).unwrap());
}

#[test]
fn an_oversize_line_at_the_end_needs_no_line_end() {
    let seen = read_bytes(b"ab\ncccccc", options(4, 4));
    assert_eq!(seen, naive(b"ab\ncccccc", 4));
}

#[test]
fn a_byte_order_mark_is_not_part_of_the_first_line() {
    let mut reader = BlockReader::from_reader(Cursor::new(b"\xef\xbb\xbf{}\n"), None, BlockOptions::default()).unwrap();
    let mut block = Block::new();
    assert!(reader.next_block(&mut block).unwrap());
    assert_eq!((block.payload(), block.offset, reader.offset()), (&b"{}\n"[..], 3, 6));
}

#[test]
fn progress_counts_compressed_bytes() {
    let bytes = gzip(&sample(10_000));
    let size = bytes.len() as u64;
    let reader = BlockReader::from_reader(Cursor::new(bytes), Some(size), BlockOptions::default()).unwrap();
    let progress = reader.progress();
    assert!(progress.read() < size);
    read_all(reader);
    assert_eq!((progress.read(), progress.total()), (size, Some(size)));
}

#[test]
fn a_missing_file_is_told_by_its_name() {
    let error = BlockReader::open(Path::new("/nowhere/events.ndjson"), BlockOptions::default()).err().unwrap();
    assert!(error.to_string().contains("/nowhere/events.ndjson"), "{error}");
    assert_eq!(error.position(), None);
}

#[test]
fn a_directory_is_no_input() {
    let error = BlockReader::open(&std::env::temp_dir(), BlockOptions::default()).err().unwrap();
    assert_eq!(error.code(), "cannot_open");
}

/// Gives the bytes in pieces of these sizes, over and over, then fails if told to.
struct Pieces {
    bytes: Cursor<Vec<u8>>,
    sizes: Vec<usize>,
    turn: usize,
    fails: bool,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes[self.turn % self.sizes.len()].min(buffer.len());
        self.turn += 1;
        match self.bytes.read(&mut buffer[..size])? {
            0 if self.fails => Err(io::Error::from_raw_os_error(5)),
            read => Ok(read),
        }
    }
}

fn pieces(bytes: &[u8], sizes: &[usize], fails: bool) -> Pieces {
    Pieces { bytes: Cursor::new(bytes.to_vec()), sizes: sizes.to_vec(), turn: 0, fails }
}

#[test]
fn a_reader_of_single_bytes_gives_the_same_lines() {
    let text = sample(50);
    for bytes in [text.clone(), gzip(&text), zstd(&text)] {
        let reader = BlockReader::from_reader(pieces(&bytes, &[1], false), None, options(256, 1_000)).unwrap();
        assert_eq!(read_all(reader), naive(&text, 1_000));
    }
}

#[test]
fn a_live_input_hands_out_lines_as_they_come() {
    let live = BlockOptions { is_live: true, ..BlockOptions::default() };
    let mut reader = BlockReader::from_reader(pieces(b"first\nsecond\n", &[8, 5], false), None, live).unwrap();
    let mut block = Block::new();
    assert!(reader.next_block(&mut block).unwrap());
    assert_eq!(block.payload(), b"first\n");
    assert!(reader.next_block(&mut block).unwrap());
    assert_eq!(block.payload(), b"second\n");
}

#[test]
fn a_failing_disk_is_told_after_what_was_read() {
    let seen = read_all(BlockReader::from_reader(pieces(b"a\nbc", &[3], true), None, options(64, 64)).unwrap());
    assert_eq!(seen.texts(), [&b"a"[..], b"bc"]);
    assert!(seen.is_cut);
    assert_eq!(seen.error, Some(("read_error", 4, 2)));
}

proptest! {
    /// Any content, in blocks of any size, arriving in any pieces, live or not: the same lines.
    #[test]
    fn any_content_in_blocks_equals_its_lines(
        words in prop::collection::vec(prop::sample::select(vec!["\n", "a", "bcd", "eeeeeeeeeeeeeeee"]), 0..60),
        block_bytes in 1_usize..40,
        line_bytes_max in 1_usize..40,
        sizes in prop::collection::vec(1_usize..50, 1..5),
        is_live in any::<bool>(),
    ) {
        let bytes = words.concat().into_bytes();
        let options = BlockOptions { block_bytes, line_bytes_max, is_live };
        let reader = BlockReader::from_reader(pieces(&bytes, &sizes, false), None, options).unwrap();
        prop_assert_eq!(read_all(reader), naive(&bytes, line_bytes_max));
    }

    /// The offset of every block is where its first line is.
    #[test]
    fn offsets_point_at_the_lines(text in "[a-c\n]{0,80}", block_bytes in 1_usize..20, line_bytes_max in 1_usize..20) {
        let options = options(block_bytes, line_bytes_max);
        let mut reader = BlockReader::from_reader(Cursor::new(text.clone()), None, options).unwrap();
        let mut block = Block::new();
        while reader.next_block(&mut block).unwrap() {
            let at = usize::try_from(block.offset).unwrap();
            let start = &text.as_bytes()[at..];
            match block.oversize.first() {
                Some(line) => prop_assert!(start.starts_with(&line.head)),
                None => prop_assert!(start.starts_with(&block.payload()[..block.payload_len() - 1])),
            }
        }
        prop_assert_eq!(reader.offset(), text.len() as u64);
    }
}
