//! Checkpoints in an object store: a local directory, S3 or what speaks like it, Google Cloud Storage, Azure.
//!
//! A [`Series`] is what one partition leaves behind: one object for each checkpoint, named by the offset up to which it goes. An object has
//! only the blocks that the ones before it do not have, and says where the others are; now and then one has them all. An object is
//! there as a whole or not at all, every block and every header has its checksum, and whoever reads takes the one before a damaged
//! one. `docs/checkpoints.md` has the format.

mod error;
mod format;
mod series;
mod spare;
#[cfg(test)]
mod tests;

pub use error::StoreError;
pub use format::{BLOCK_BYTES, Info};
pub use series::{Entry, KEPT, Loaded, Part, Saved, Series, Skipped};
pub use spare::Spare;

use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{GetResultPayload, ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::runtime::Runtime;

/// A place for checkpoints.
#[derive(Debug, Clone)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    /// Requests wait here; the callers are threads of their own.
    runtime: Arc<Runtime>,
    prefix: Path,
    /// As it was named.
    place: String,
    /// So long a request may bring nothing.
    patience: Duration,
}

/// A request that brings nothing for so long has failed: of a store that takes requests and never answers, nobody would hear again.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// So much a store takes in a second at the least.
const SLOWEST: usize = 4 << 20;
/// So much of a file is read at a time.
const PIECE_BYTES: u64 = 8 << 20;

impl Store {
    /// The store at `place`: a directory, which is made if it is not there, or a URL such as `s3://bucket/path`, `gs://bucket/path`,
    /// `az://container/path`. `variables` say how to get in, by the names that the clouds' own tools read (`AWS_REGION`,
    /// `AWS_ENDPOINT`, `GOOGLE_SERVICE_ACCOUNT`, `AZURE_STORAGE_ACCOUNT_NAME`); others are passed over.
    ///
    /// # Errors
    ///
    /// When nobody knows such a URL, or the directory can't be made.
    pub fn open(place: &str, variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, StoreError> {
        Self::at(place, variables, |folder| {
            std::fs::create_dir_all(folder)?;
            tidy_up(folder, SystemTime::now() - ABANDONED_AFTER, 0);
            Ok(())
        })
    }

    /// The same store to look at: nothing is made, and nothing deleted.
    ///
    /// # Errors
    ///
    /// Also when there is no such directory.
    pub fn look(place: &str, variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, StoreError> {
        let no_folder = || std::io::Error::new(std::io::ErrorKind::NotFound, "no such folder");
        Self::at(place, variables, |folder| if folder.is_dir() { Ok(()) } else { Err(no_folder()) })
    }

    fn at(
        place: &str,
        variables: impl IntoIterator<Item = (String, String)>,
        prepare: impl FnOnce(&std::path::Path) -> std::io::Result<()>,
    ) -> Result<Self, StoreError> {
        let wrong = |why: String| StoreError::Place { place: place.to_owned(), why };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("checkpoints").enable_all().build();
        let runtime = runtime.map_err(|it| wrong(it.to_string()))?;
        let (objects, prefix): (Box<dyn ObjectStore>, Path) = match url::Url::parse(place).ok().filter(|_| place.contains("://")) {
            Some(url) if url.scheme() != "file" => {
                object_store::parse_url_opts(&url, variables).map_err(|it| wrong(in_words(&it, url.scheme())))?
            }
            url => {
                let folder = match url {
                    Some(url) => url.to_file_path().map_err(|()| wrong("it is no path of this machine".to_owned()))?,
                    None => place.into(),
                };
                prepare(&folder).map_err(|it| wrong(it.to_string()))?;
                let local = object_store::local::LocalFileSystem::new_with_prefix(&folder).map_err(|it| wrong(it.to_string()))?;
                (Box::new(local.with_fsync(true)), Path::default())
            }
        };
        Ok(Self { objects: objects.into(), runtime: Arc::new(runtime), prefix, place: place.to_owned(), patience: PATIENCE })
    }

    /// What it was named.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What is kept under a name of several parts, such as group, topic and partition.
    pub fn series(&self, name: &[&str]) -> Series {
        Series::new(self.clone(), name.iter().fold(self.prefix.clone(), |path, part| path.join(*part)))
    }

    /// The names of all series that have a checkpoint, sorted.
    ///
    /// # Errors
    ///
    /// When the store can't be asked.
    pub fn names(&self) -> Result<Vec<Vec<String>>, StoreError> {
        let mut names: Vec<Vec<String>> = Vec::new();
        for it in self.all(&self.prefix)? {
            let mut parts: Vec<String> =
                it.location.prefix_match(&self.prefix).into_iter().flatten().map(|it| decoded(it.as_ref())).collect();
            if parts.pop().is_some_and(|it| it.ends_with(series::SUFFIX)) {
                names.push(parts);
            }
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn all(&self, prefix: &Path) -> Result<Vec<ObjectMeta>, StoreError> {
        let mut list = self.objects.list(Some(prefix));
        let all = async {
            let mut all = Vec::new();
            while let Some(it) = tokio::time::timeout(self.patience, list.try_next()).await?? {
                all.push(it);
            }
            Ok(all)
        };
        self.wait_for("list", prefix, all)
    }

    fn get(&self, path: &Path) -> Result<Vec<u8>, StoreError> {
        let get = async {
            let mut bytes = Vec::new();
            let found = tokio::time::timeout(self.patience, self.objects.get(path)).await??;
            if let GetResultPayload::File(..) = found.payload {
                // As a stream a file comes in pieces of 8 KiB, each by way of another thread.
                while (bytes.len() as u64) < found.range.end {
                    let at = bytes.len() as u64;
                    let piece = at..found.range.end.min(at + PIECE_BYTES);
                    bytes.extend_from_slice(&tokio::time::timeout(self.patience, self.objects.get_range(path, piece)).await??);
                }
                return Ok(bytes);
            }
            let mut stream = found.into_stream();
            while let Some(some) = tokio::time::timeout(self.patience, stream.try_next()).await?? {
                bytes.extend_from_slice(&some);
            }
            Ok(bytes)
        };
        self.wait_for("read", path, get)
    }

    fn get_start(&self, path: &Path, bytes: u64) -> Result<Vec<u8>, StoreError> {
        let get = async { Ok(tokio::time::timeout(self.patience, self.objects.get_range(path, 0..bytes)).await??.into()) };
        self.wait_for("read", path, get)
    }

    fn put(&self, path: &Path, bytes: Vec<u8>) -> Result<(), StoreError> {
        let patience = self.patience + Duration::from_secs((bytes.len() / SLOWEST) as u64);
        let put = async { Ok(tokio::time::timeout(patience, self.objects.put(path, PutPayload::from(bytes))).await??) };
        self.wait_for("write", path, put).map(drop)
    }

    fn delete(&self, path: &Path) -> Result<(), StoreError> {
        let delete = async {
            match tokio::time::timeout(self.patience, self.objects.delete(path)).await? {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(error.into()),
            }
        };
        self.wait_for("delete", path, delete)
    }

    fn wait_for<T>(
        &self,
        doing: &'static str,
        path: &Path,
        request: impl Future<Output = Result<T, Unanswered>>,
    ) -> Result<T, StoreError> {
        self.runtime.block_on(request).map_err(|error| match error {
            Unanswered::Refused(source) => StoreError::io(doing, path.as_ref())(source),
            Unanswered::Silent => StoreError::Silent { doing, path: path.to_string(), patience: self.patience },
        })
    }
}

/// What became of a request.
enum Unanswered {
    Refused(object_store::Error),
    Silent,
}

impl From<object_store::Error> for Unanswered {
    fn from(error: object_store::Error) -> Self {
        Self::Refused(error)
    }
}

impl From<tokio::time::error::Elapsed> for Unanswered {
    fn from(_: tokio::time::error::Elapsed) -> Self {
        Self::Silent
    }
}

/// A part of a path as it was before it was made fit for one: `%` and two hexadecimal digits are a byte.
fn decoded(part: &str) -> String {
    let bytes = part.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%').and_then(|it| std::str::from_utf8(it).ok());
        if let Some(byte) = digits.and_then(|it| u8::from_str_radix(it, 16).ok()) {
            out.push(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| part.to_owned())
}

/// A file that was begun so long ago is not being written any more.
const ABANDONED_AFTER: Duration = Duration::from_hours(1);

/// Deletes what processes had begun to write when they were killed: it stands beside its place under a name with a `#`, and nobody else ever
/// looks at it.
fn tidy_up(folder: &std::path::Path, before: SystemTime, depth: usize) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(about) = entry.metadata() else { continue };
        if about.is_dir() && depth < series::DEPTH {
            tidy_up(&entry.path(), before, depth + 1);
        }
        let is_begun = entry.file_name().to_string_lossy().contains(&format!("{}#", series::SUFFIX));
        if is_begun && about.is_file() && about.modified().is_ok_and(|it| it < before) {
            // It is waste and no more.
            drop(std::fs::remove_file(entry.path()));
        }
    }
}

/// A build without the clouds says so.
fn in_words(error: &object_store::Error, scheme: &str) -> String {
    let text = error.to_string();
    if text.contains("not enabled") {
        format!("this build has no client for {scheme}: build with `--features app/cloud`")
    } else {
        text
    }
}
