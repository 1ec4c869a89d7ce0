//! Where simulated events go: standard output, a file, or a compressed file.

use anyhow::{Context, Result};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Fast, and a fifteenth of the size: audit events repeat themselves.
const LEVEL: i32 = 1;

/// Takes lines.
pub(super) struct Sink {
    path: PathBuf,
    kind: Kind,
}

enum Kind {
    Plain(Box<dyn Write + Send>),
    Zstandard(Box<zstd::Encoder<'static, File>>),
}

impl Sink {
    /// `-` is standard output; a name that ends in `.zst` is compressed.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let failed = || format!("cannot write {}", path.display());
        let kind = if path == Path::new("-") {
            Kind::Plain(Box::new(BufWriter::new(io::stdout())))
        } else if path.extension().is_some_and(|it| it == "zst") {
            let file = File::create(path).with_context(failed)?;
            Kind::Zstandard(Box::new(zstd::Encoder::new(file, LEVEL).with_context(failed)?))
        } else {
            Kind::Plain(Box::new(create(path)?))
        };
        Ok(Self { path: path.to_owned(), kind })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match &mut self.kind {
            Kind::Plain(out) => out.write_all(bytes),
            Kind::Zstandard(out) => out.write_all(bytes),
        };
        written.with_context(|| format!("cannot write events to {}", self.path.display()))
    }

    /// Writes what is left; without it a compressed file is damaged.
    pub(super) fn finish(self) -> Result<()> {
        let finished = match self.kind {
            Kind::Plain(mut out) => out.flush(),
            Kind::Zstandard(out) => out.finish().map(|_| ()),
        };
        finished.with_context(|| format!("cannot write events to {}", self.path.display()))
    }
}

/// A new file, buffered.
pub(super) fn create(path: &Path) -> Result<BufWriter<File>> {
    Ok(BufWriter::new(File::create(path).with_context(|| format!("cannot write {}", path.display()))?))
}
