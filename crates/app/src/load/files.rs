//! Which files are read, and in which order.

use crate::exit::Usage;
use crate::load::CONTEXT_DIR;
use anyhow::{Context, Result};
use sigma::problem::{Code, Problem};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// How deep folders may be nested.
const DEPTH_MAX: usize = 32;

/// A Sigma file. `taxonomy.yml` stands beside the rules and is none.
pub(crate) fn is_rule(path: &Path) -> bool {
    has_extension(path, &["yml", "yaml"]) && path.file_stem().is_some_and(|it| it != "taxonomy")
}

/// A list of texts.
pub(crate) fn is_list(path: &Path) -> bool {
    has_extension(path, &["txt"])
}

/// Anything that decides what is loaded: everything but pages.
pub(super) fn is_watched(path: &Path) -> bool {
    !has_extension(path, &["md"])
}

/// A context table, or a list of texts.
pub(super) fn is_context(path: &Path) -> bool {
    is_list(path) || has_extension(path, &["csv", "ndjson"])
}

/// The page of a rule; a folder's `README.md` is none.
pub(crate) fn is_page(path: &Path) -> bool {
    has_extension(path, &["md"]) && path.file_stem().is_some_and(|it| it != "README")
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|it| extensions.iter().any(|known| it.eq_ignore_ascii_case(known)))
}

/// The files below `roots` that `wanted` accepts, each root's in the order of their paths. Hidden ones and folders of lists are
/// passed over. A root may be a file itself. A folder inside that can't be read is a problem, and its neighbours are read.
pub(super) fn below(roots: &[PathBuf], wanted: fn(&Path) -> bool, problems: &mut Vec<Problem>) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for root in roots {
        if root.is_dir() {
            let failed = || format!("cannot read the folder {}", root.display());
            let canonical = root.canonicalize().with_context(failed)?;
            let entries = entries(root).with_context(failed)?;
            let mut walk = Walk { wanted, seen: BTreeSet::from([canonical.clone()]), root: canonical, found: Vec::new(), problems };
            walk.all(entries, DEPTH_MAX);
            found.append(&mut walk.found);
        } else if !root.exists() {
            return Err(Usage::new(format!("no such file or folder: {}", root.display())));
        } else if wanted(root) {
            found.push(root.clone());
        }
    }
    Ok(found)
}

/// A walk through the folders below a root.
struct Walk<'a> {
    wanted: fn(&Path) -> bool,
    root: PathBuf,
    /// The folders read so far, without links: what links lead to is read once.
    seen: BTreeSet<PathBuf>,
    found: Vec<PathBuf>,
    problems: &'a mut Vec<Problem>,
}

impl Walk<'_> {
    fn all(&mut self, paths: Vec<PathBuf>, depth_left: usize) {
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with('.') {
                continue;
            }
            if !path.is_dir() {
                if (self.wanted)(&path) {
                    self.found.push(path);
                }
            } else if name != CONTEXT_DIR && depth_left > 0 {
                self.folder(&path, depth_left - 1);
            }
        }
    }

    fn folder(&mut self, dir: &Path, depth_left: usize) {
        let read = dir.canonicalize().and_then(|canonical| {
            // A link to where we came from.
            let is_known = self.root.starts_with(&canonical) || !self.seen.insert(canonical);
            if is_known { Ok(Vec::new()) } else { entries(dir) }
        });
        match read {
            Ok(paths) => self.all(paths, depth_left),
            Err(error) => self.problems.push(unreadable(dir, &error)),
        }
    }
}

/// What is in a folder, sorted.
fn entries(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(dir)?.map(|it| Ok(it?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// The text of a file; one that can't be read, or is not UTF-8, is a problem like any other.
pub(super) fn text(path: &Path, problems: &mut Vec<Problem>) -> Option<String> {
    let bytes = fs::read(path).map_err(|error| problems.push(unreadable(path, &error))).ok()?;
    match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..at].split(|&it| it == b'\n').count();
            problems.push(Problem::error(
                Code::NotUtf8,
                &path.display().to_string(),
                line,
                1,
                "the file is not UTF-8 text from here on",
            ));
            None
        }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    Problem::error(Code::Unreadable, &path.display().to_string(), 1, 1, format!("cannot be read: {error}"))
}
