//! Which files are read, and in which order.

use crate::exit::Usage;
use crate::load::CONTEXT_DIR;
use anyhow::{Context, Result};
use sigma::problem::{Code, Problem};
use std::collections::{BTreeSet, HashSet};
use std::path::{Component, Path, PathBuf};
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
    is_list(path) || is_parquet(path) || has_extension(path, &["csv", "ndjson"])
}

/// A table that is no text.
pub(super) fn is_parquet(path: &Path) -> bool {
    has_extension(path, &["parquet"])
}

/// The page of a rule; a folder's `README.md` is none.
pub(crate) fn is_page(path: &Path) -> bool {
    has_extension(path, &["md"]) && path.file_stem().is_some_and(|it| it != "README")
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|it| extensions.iter().any(|known| it.eq_ignore_ascii_case(known)))
}

/// The files below `roots` that `wanted` accepts, each root's in the order of their paths; what several roots lead to comes once. Hidden
/// ones and folders of lists are passed over. A root may be a file itself: a rule brings its page along, and a page its rule. A folder
/// inside that can't be read is a problem, and its neighbours are read.
pub(super) fn below(roots: &[PathBuf], wanted: fn(&Path) -> bool, problems: &mut Vec<Problem>) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut seen: HashSet<PathBuf> = HashSet::new();
    for root in roots {
        let start = found.len();
        if root.is_dir() {
            let failed = || format!("cannot read the folder {}", root.display());
            let canonical = root.canonicalize().with_context(failed)?;
            let entries = entries(root).with_context(failed)?;
            let mut walk = Walk { wanted, seen: BTreeSet::from([canonical.clone()]), root: canonical, found: Vec::new(), problems };
            walk.all(entries, DEPTH_MAX);
            found.append(&mut walk.found);
        } else if !root.exists() {
            return Err(Usage::new(format!("no such file or folder: {}", root.display())));
        } else {
            found.extend(std::iter::once(root.clone()).chain(partners(root)).filter(|it| wanted(it)));
        }
        // Asking where a file really is costs as much as opening it, and with one root there is nothing to compare.
        if roots.len() > 1 {
            let of_root = found.split_off(start);
            let real = |it: &PathBuf| it.canonicalize().unwrap_or_else(|_| it.clone());
            let (new, real): (Vec<_>, Vec<_>) = of_root
                .into_iter()
                .map(|it| (real(&it), it))
                .filter(|it| !seen.contains(&it.0))
                .map(|(real, it)| (it, real))
                .unzip();
            found.extend(new);
            seen.extend(real);
        }
    }
    Ok(found)
}

/// The page of a rule, and the rule of a page.
fn partners(path: &Path) -> impl Iterator<Item = PathBuf> {
    let extensions: &[&str] = if is_page(path) {
        &["yml", "yaml"]
    } else if is_rule(path) {
        &["md"]
    } else {
        &[]
    };
    extensions.iter().map(|it| path.with_extension(it)).filter(|it| it.is_file())
}

/// The folder of lists for the rules in `root`: its own or, without one, that of the nearest folder above. Beyond the repository (the
/// folder with `.git`) or, where there is none, the working directory, nothing is looked for: what is there is not ours.
pub(super) fn context_of(root: &Path) -> Option<PathBuf> {
    let folder = if root.is_dir() { root } else { root.parent()? };
    let own = folder.join(CONTEXT_DIR);
    if own.is_dir() {
        return Some(own);
    }
    let here = std::env::current_dir().ok();
    let is_upwards = folder.components().any(|it| it == Component::ParentDir);
    let whole = if is_upwards { folder.canonicalize() } else { std::path::absolute(folder) }.ok()?;
    // A service may work in the root folder, below which is everything.
    let is_within = |it: &Path| it.parent().is_some() && whole.starts_with(it);
    let top = whole.ancestors().find(|it| it.join(".git").exists()).or(here.as_deref().filter(|it| is_within(it)))?;
    let above = whole.ancestors().skip(1).take_while(|it| it.starts_with(top));
    let found = above.map(|it| it.join(CONTEXT_DIR)).find(|it| it.is_dir())?;
    // As it would have been typed: messages name it.
    match here.as_deref().filter(|_| root.is_relative()).and_then(|it| found.strip_prefix(it).ok()) {
        Some(relative) => Some(relative.to_owned()),
        None => Some(found),
    }
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
    let bytes = bytes(path).map_err(|error| problems.push(unreadable(path, &error))).ok()?;
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

/// The content of a file. A pipe or a device is refused: reading it may never end.
pub(super) fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    if fs::metadata(path)?.is_file() {
        return fs::read(path);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a pipe or a device and no file"))
}

pub(super) fn unreadable(path: &Path, error: &io::Error) -> Problem {
    Problem::error(Code::Unreadable, &path.display().to_string(), 1, 1, format!("cannot be read: {error}"))
}
