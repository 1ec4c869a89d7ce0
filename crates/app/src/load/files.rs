//! Which files are read, and in which order.

use crate::exit::Usage;
use crate::load::CONTEXT_DIR;
use anyhow::{Context, Result};
use sigma::problem::Problem;
use std::fs;
use std::path::{Path, PathBuf};

/// How deep folders may be nested; a link that leads back up would never end otherwise.
const DEPTH_MAX: usize = 32;

/// A Sigma file. `taxonomy.yml` stands beside the rules and is none.
pub(super) fn is_rule(path: &Path) -> bool {
    has_extension(path, &["yml", "yaml"]) && path.file_stem().is_some_and(|it| it != "taxonomy")
}

/// A list of texts.
pub(super) fn is_list(path: &Path) -> bool {
    has_extension(path, &["txt"])
}

/// The page of a rule; a folder's `README.md` is none.
pub(super) fn is_page(path: &Path) -> bool {
    has_extension(path, &["md"]) && path.file_stem().is_some_and(|it| it != "README")
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|it| extensions.iter().any(|known| it.eq_ignore_ascii_case(known)))
}

/// The files below `roots` that `wanted` accepts, each root's in the order of their paths. Hidden ones and folders of lists are
/// passed over. A root may be a file itself.
pub(super) fn below(roots: &[PathBuf], wanted: fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for root in roots {
        if root.is_dir() {
            walk(root, wanted, DEPTH_MAX, &mut found)?;
        } else if !root.exists() {
            return Err(Usage::new(format!("no such file or folder: {}", root.display())));
        } else if wanted(root) {
            found.push(root.clone());
        }
    }
    Ok(found)
}

fn walk(dir: &Path, wanted: fn(&Path) -> bool, depth_left: usize, found: &mut Vec<PathBuf>) -> Result<()> {
    let failed = || format!("cannot read the folder {}", dir.display());
    let entries = fs::read_dir(dir).with_context(failed)?.collect::<Result<Vec<_>, _>>().with_context(failed)?;
    let mut paths: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        if !path.is_dir() {
            if wanted(&path) {
                found.push(path);
            }
        } else if name != CONTEXT_DIR && depth_left > 0 {
            walk(&path, wanted, depth_left - 1, found)?;
        }
    }
    Ok(())
}

/// The text of a file; one that is not UTF-8 is a problem like any other.
pub(super) fn text(path: &Path, problems: &mut Vec<Problem>) -> Result<Option<String>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..at].split(|&it| it == b'\n').count();
            problems.push(Problem::error(&path.display().to_string(), line, 1, "the file is not UTF-8 text from here on"));
            Ok(None)
        }
    }
}
