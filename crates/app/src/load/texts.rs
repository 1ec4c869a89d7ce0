//! Everything that a check of rules looks at, as texts: rules, their pages, their lists.

use super::lists::lists;
use super::{CONTEXT_DIR, files};
use anyhow::Result;
use sigma::lists::Lists;
use sigma::problem::Problem;
use std::path::{Path, PathBuf};

/// What was read, and what could not be.
pub(crate) struct Texts {
    /// The rule files as (name, text).
    pub(crate) files: Vec<(String, String)>,
    /// The pages as (name, text).
    pub(crate) pages: Vec<(String, String)>,
    /// The lists.
    pub(crate) lists: Lists,
    /// The lists that stand beside the rules, as (list, file).
    pub(crate) list_files: Vec<(String, String)>,
    /// What can't be read.
    pub(crate) problems: Vec<Problem>,
}

/// Reads the rules below `dirs`, the pages beside them and the lists of the rules and of `context`.
pub(crate) fn texts(dirs: &[PathBuf], context: Option<&Path>) -> Result<Texts> {
    let mut problems = Vec::new();
    let lists = lists(None, dirs, context, &mut problems)?;
    let read = |paths: Vec<PathBuf>, problems: &mut Vec<Problem>| {
        let mut texts = Vec::with_capacity(paths.len());
        for path in paths {
            if let Some(text) = files::text(&path, problems) {
                texts.push((path.display().to_string(), text));
            }
        }
        texts
    };
    let paths = files::below(dirs, files::is_rule, &mut problems)?;
    let mut page_paths = files::below(dirs, files::is_page, &mut Vec::new())?;
    page_paths.sort();
    // Lists in a folder above are there for other rules too.
    let own: Vec<PathBuf> = dirs.iter().map(|it| it.join(CONTEXT_DIR)).filter(|it| it.is_dir()).collect();
    let list_paths = files::below(&own, files::is_list, &mut Vec::new())?;
    let list_files = list_paths.iter().map(|it| {
        let name = it.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        (name, it.display().to_string())
    });
    Ok(Texts {
        list_files: list_files.collect(),
        files: read(paths, &mut problems),
        pages: read(page_paths, &mut problems),
        lists,
        problems,
    })
}
