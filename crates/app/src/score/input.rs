//! The input: a file in large blocks, or stdin as it comes.

use super::args::Options;
use anyhow::{Context, Result};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use stream::files::{BlockOptions, BlockReader};

/// Blocks of a round for each thread: few enough for what was decoded to be in the cache when it is settled, many enough for waiting
/// at the end of a phase not to matter.
const BLOCKS_PER_THREAD: usize = 8;
/// Small blocks, so that no thread waits long for another that is still at its last one.
const BLOCK_BYTES: usize = 128 * 1024;
/// How many pieces of stdin are read ahead, and how large each may be.
const AHEAD_PIECES: usize = 16;
const PIECE_BYTES: usize = 64 * 1024;

/// What is scored.
pub(super) struct Input {
    pub(super) reader: BlockReader,
    /// Bytes of stdin that are here but not yet read: while there are none, reading on would keep alerts waiting.
    ahead: Option<Arc<AtomicUsize>>,
}

/// Most blocks of a round.
pub(super) fn blocks_of_round(threads: usize) -> usize {
    threads * BLOCKS_PER_THREAD
}

impl Input {
    /// Opens what the options name.
    pub(super) fn open(options: &Options) -> Result<Self> {
        let failed = || format!("cannot score {}", options.input.display());
        if options.input != Path::new("-") {
            let reader = BlockReader::open(&options.input, BlockOptions { block_bytes: BLOCK_BYTES, ..BlockOptions::default() })
                .with_context(failed)?;
            return Ok(Self { reader, ahead: None });
        }
        let (stdin, ahead) = ReadAhead::start(io::stdin());
        let live = BlockOptions { block_bytes: BLOCK_BYTES, is_live: true, ..BlockOptions::default() };
        let reader = BlockReader::from_reader(stdin, None, live).with_context(failed)?;
        Ok(Self { reader, ahead: Some(ahead) })
    }

    /// Whether the next block is here, or at least comes without anybody's doing.
    pub(super) fn has_more_at_once(&self) -> bool {
        self.ahead.as_ref().is_none_or(|it| it.load(Ordering::Acquire) > 0)
    }
}

/// A reader that never waits while there is something: a thread of its own does the waiting.
struct ReadAhead {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    /// How much of `piece` is read.
    at: usize,
    error: Option<io::Error>,
    ahead: Arc<AtomicUsize>,
}

impl ReadAhead {
    /// The thread ends with the input, with the reader, or with the process.
    fn start(source: impl Read + Send + 'static) -> (Self, Arc<AtomicUsize>) {
        let (sender, pieces) = bounded(AHEAD_PIECES);
        let ahead = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&ahead);
        std::thread::spawn(move || read_all(source, &sender, &counted));
        (Self { pieces, piece: Vec::new(), at: 0, error: None, ahead: Arc::clone(&ahead) }, ahead)
    }

    /// Makes `piece` the next one. `false` when there is none now, or, with `waits`, ever.
    fn advance(&mut self, waits: bool) -> bool {
        let next = if waits { self.pieces.recv().ok() } else { self.pieces.try_recv().ok() };
        match next {
            Some(Ok(piece)) => (self.piece, self.at) = (piece, 0),
            Some(Err(error)) => self.error = Some(error),
            None => return false,
        }
        self.error.is_none()
    }
}

fn read_all(mut source: impl Read, pieces: &Sender<io::Result<Vec<u8>>>, ahead: &AtomicUsize) {
    loop {
        let mut piece = vec![0; PIECE_BYTES];
        let piece = match source.read(&mut piece) {
            Ok(0) => return,
            Ok(read) => {
                piece.truncate(read);
                ahead.fetch_add(read, Ordering::Release);
                Ok(piece)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let is_last = piece.is_err();
        if pieces.send(piece).is_err() || is_last {
            return;
        }
    }
}

impl Read for ReadAhead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            if self.at == self.piece.len() && (self.error.is_some() || !self.advance(filled == 0)) {
                break;
            }
            let count = (self.piece.len() - self.at).min(buffer.len() - filled);
            buffer[filled..filled + count].copy_from_slice(&self.piece[self.at..self.at + count]);
            self.at += count;
            filled += count;
        }
        self.ahead.fetch_sub(filled, Ordering::AcqRel);
        match self.error.take_if(|_| filled == 0) {
            Some(error) => Err(error),
            None => Ok(filled),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_ahead_comes_out_as_it_went_in() {
        let bytes: Vec<u8> = (0..1_000_000_u32).map(|it| u8::try_from(it % 251).unwrap()).collect();
        let (mut reader, ahead) = ReadAhead::start(io::Cursor::new(bytes.clone()));
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        assert!(read == bytes);
        assert_eq!(ahead.load(Ordering::Acquire), 0);
    }

    #[test]
    fn an_error_comes_after_everything_before_it() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("unplugged"))
            }
        }
        let (mut reader, _) = ReadAhead::start(io::Cursor::new(b"before".to_vec()).chain(Broken));
        let mut read = Vec::new();
        let error = reader.read_to_end(&mut read).unwrap_err();
        assert_eq!((read.as_slice(), error.to_string().as_str()), (b"before".as_slice(), "unplugged"));
    }
}
