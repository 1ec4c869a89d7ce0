//! A checkpoint: named parts of bytes in one file that is either whole or not there.
//!
//! The file is eight bytes that tell format and version, then one zstd frame with a checksum. In the frame stands each part: the length
//! of its name (4 bytes, little-endian), the name, the length of its bytes (8), the bytes; and behind the last a length of
//! [`END`]. It is written beside its place, forced to the disk and then renamed, so that a crash leaves the old one.

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// The format; its last byte is the version.
const MAGIC: [u8; 8] = *b"NJSTATE1";
/// Where the name of a part would begin, nothing follows.
const END: u32 = u32::MAX;
/// Names are words.
const NAME_MAX: u32 = 256;
/// A part is held in memory as a whole; nobody writes larger ones.
const PART_MAX: u64 = 1 << 36;
/// Fast: most of it is numbers that don't compress well.
const LEVEL: i32 = 1;
const BUFFER_BYTES: usize = 1 << 20;

/// A checkpoint that can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file system says no.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file does not begin as a checkpoint does.
    #[error("{} is no state of Nightjar: it begins with {found:02x?}. Name another folder", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its first bytes.
        found: Vec<u8>,
    },
    /// Another version of Nightjar wrote it.
    #[error("{} is a state of format {found}, but only format {} is known: use the version that wrote it, or move it away and learn anew from the archive", path.display(), char::from(MAGIC[7]))]
    Version {
        /// The file.
        path: PathBuf,
        /// The version found.
        found: char,
    },
    /// Cut off or damaged.
    #[error("{} is damaged: {why}. Put a copy in its place, or move it away and learn anew from the archive", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

impl CheckpointError {
    /// Says that the parts of `path` make no sense.
    pub fn damaged(path: &Path, why: impl std::fmt::Display) -> Self {
        Self::Damaged { path: path.to_owned(), why: why.to_string() }
    }

    fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }

    /// Whether the file is there and readable, and still can't be used.
    pub fn is_of_content(&self) -> bool {
        !matches!(self, Self::Io { .. })
    }
}

/// Writes a checkpoint, part by part.
pub struct Writer {
    path: PathBuf,
    fresh: PathBuf,
    out: zstd::Encoder<'static, BufWriter<File>>,
}

impl Writer {
    /// Begins a checkpoint that is to stand at `path`.
    ///
    /// # Errors
    ///
    /// When the folder can't be written to.
    pub fn create(path: &Path) -> Result<Self, CheckpointError> {
        let fresh = path.with_extension("new");
        let begin = || {
            let mut file = BufWriter::with_capacity(BUFFER_BYTES, File::create(&fresh)?);
            file.write_all(&MAGIC)?;
            let mut out = zstd::Encoder::new(file, LEVEL)?;
            out.include_checksum(true)?;
            Ok(out)
        };
        let out = begin().map_err(CheckpointError::io("write", &fresh))?;
        Ok(Self { path: path.to_owned(), fresh, out })
    }

    /// Adds a part. Names may come again.
    ///
    /// # Errors
    ///
    /// When the file can't be written to.
    pub fn part(&mut self, name: &str, bytes: &[u8]) -> Result<(), CheckpointError> {
        let name_len = u32::try_from(name.len()).ok().filter(|it| *it <= NAME_MAX).expect("names are words");
        let mut write = || {
            self.out.write_all(&name_len.to_le_bytes())?;
            self.out.write_all(name.as_bytes())?;
            self.out.write_all(&(bytes.len() as u64).to_le_bytes())?;
            self.out.write_all(bytes)
        };
        write().map_err(CheckpointError::io("write", &self.fresh))
    }

    /// Puts the checkpoint in its place, on the disk. Gives its length.
    ///
    /// # Errors
    ///
    /// When that can't be done; then whatever was there before is there still.
    pub fn finish(self) -> Result<u64, CheckpointError> {
        let Self { path, fresh, mut out } = self;
        let end = || {
            out.write_all(&END.to_le_bytes())?;
            let file = out.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.sync_all()?;
            Ok(file.metadata()?.len())
        };
        let len = end().map_err(CheckpointError::io("write", &fresh))?;
        fs::rename(&fresh, &path).map_err(CheckpointError::io("replace", &path))?;
        sync_folder(&path).map_err(CheckpointError::io("force to the disk the folder of", &path))?;
        Ok(len)
    }
}

/// A rename is on the disk only when its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Gives `each` the parts of the checkpoint at `path` in their order. `false` if there is none. Until this returns, nobody can tell
/// whether the parts are sound: the checksum stands at the end.
///
/// # Errors
///
/// When it can't be read, isn't a checkpoint or isn't whole; and what `each` says.
pub fn read<E: From<CheckpointError>>(path: &Path, mut each: impl FnMut(&str, Vec<u8>) -> Result<(), E>) -> Result<bool, E> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(CheckpointError::io("open", path)(error).into()),
    };
    let mut file = BufReader::with_capacity(BUFFER_BYTES, file);
    begin(path, &mut file)?;
    let mut parts = zstd::Decoder::with_buffer(file).map_err(CheckpointError::io("read", path))?.single_frame();
    while let Some((name, bytes)) = next(&mut parts).map_err(|it| unread(path, it))? {
        each(&name, bytes)?;
    }
    let mut rest = Vec::new();
    let more = parts.by_ref().take(1).read_to_end(&mut rest).map_err(|it| unread(path, it))?;
    let mut file = parts.finish();
    if more > 0 || file.read(&mut [0]).map_err(CheckpointError::io("read", path))? > 0 {
        return Err(CheckpointError::damaged(path, "something stands behind its end").into());
    }
    Ok(true)
}

fn begin(path: &Path, file: &mut impl Read) -> Result<(), CheckpointError> {
    let mut found = Vec::new();
    file.take(MAGIC.len() as u64).read_to_end(&mut found).map_err(CheckpointError::io("read", path))?;
    match found.split_last() {
        _ if found == MAGIC => Ok(()),
        Some((&version, format)) if *format == MAGIC[..7] && version.is_ascii_graphic() => {
            Err(CheckpointError::Version { path: path.to_owned(), found: char::from(version) })
        }
        _ if !found.is_empty() && MAGIC.starts_with(&found) => Err(CheckpointError::damaged(path, "it is cut off")),
        _ if found.is_empty() => Err(CheckpointError::damaged(path, "it is empty")),
        _ => Err(CheckpointError::Foreign { path: path.to_owned(), found }),
    }
}

/// What the decoder can't read is damaged; what the disk can't read is not.
fn unread(path: &Path, error: io::Error) -> CheckpointError {
    if error.raw_os_error().is_some() {
        return CheckpointError::io("read", path)(error);
    }
    let is_short = error.kind() == io::ErrorKind::UnexpectedEof;
    CheckpointError::damaged(path, if is_short { "it is cut off".to_owned() } else { error.to_string() })
}

fn next(parts: &mut impl Read) -> io::Result<Option<(String, Vec<u8>)>> {
    let invalid = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    let mut four = [0; 4];
    parts.read_exact(&mut four)?;
    let name_len = u32::from_le_bytes(four);
    if name_len == END {
        return Ok(None);
    }
    if name_len > NAME_MAX {
        return Err(invalid("a part has no name"));
    }
    let name = String::from_utf8(exactly(parts, name_len.into())?).map_err(|_| invalid("the name of a part is no text"))?;
    let mut eight = [0; 8];
    parts.read_exact(&mut eight)?;
    let len = u64::from_le_bytes(eight);
    if len > PART_MAX {
        return Err(invalid("a part has no end"));
    }
    Ok(Some((name, exactly(parts, len)?)))
}

/// Memory is taken as bytes come, whatever length is claimed.
fn exactly(parts: &mut impl Read, len: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if parts.take(len).read_to_end(&mut bytes)? as u64 == len { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
