//! The context on disk: tables of people, tickets and things, lists, and the taxonomy.

use super::{files, is_same, list_folders, parquet};
use anyhow::Result;
use engine::context::{self, File, Loaded};
use sigma::parse::taxonomy::{self, Taxonomy};
use sigma::problem::Problem;
use std::path::{Path, PathBuf};

/// Files of the taxonomy.
const TAXONOMY_FILES: [&str; 2] = ["taxonomy.yml", "taxonomy.yaml"];

/// Reads the context of the rules in `dirs`: the tables and lists in their `context` folders and in `context`, of which a later folder's
/// takes the place of one of the same name, and the last `taxonomy.yml` in these folders or beside the rules; without one, that which
/// comes with Nightjar holds. `more` lists, by name, take the place of those from files.
pub(crate) fn context(dirs: &[PathBuf], context: Option<&Path>, more: &[(String, Vec<String>)]) -> Result<Loaded> {
    context_under(&[], dirs, context, more)
}

/// The same with the tables in `over` laid over those from files.
pub(crate) fn context_under(
    over: &[File],
    dirs: &[PathBuf],
    context: Option<&Path>,
    more: &[(String, Vec<String>)],
) -> Result<Loaded> {
    let mut problems = Vec::new();
    let mut found: Vec<(PathBuf, File)> = Vec::new();
    let mut folders = list_folders(dirs, context);
    // Of a folder that is both beside the rules and named, the later place counts.
    for at in (0..folders.len()).rev() {
        if folders[at + 1..].iter().any(|it| is_same(it, &folders[at])) {
            folders.remove(at);
        }
    }
    for folder in folders {
        for path in files::below(std::slice::from_ref(&folder), is_part, &mut problems)? {
            let Some(file) = read(&path, &mut problems) else { continue };
            found.retain(|(of, other)| *of == folder || subject(&other.name) != subject(&file.name));
            found.push((folder.clone(), file));
        }
    }
    for (name, values) in more {
        let file = File::new(format!("{name}.txt"), values.join("\n"));
        found.retain(|(_, other)| subject(&other.name) != subject(&file.name));
        found.push((PathBuf::new(), file));
    }
    let taxonomy = taxonomy_of(dirs, context, &mut problems);
    let files: Vec<File> = found.into_iter().map(|(_, file)| file).collect();
    let mut loaded = context::load_over(&files, over, taxonomy);
    problems.append(&mut loaded.problems);
    Ok(Loaded { problems, ..loaded })
}

/// Whether a file says something about the context.
fn is_part(path: &Path) -> bool {
    path.file_name().and_then(|it| it.to_str()).is_some_and(File::is_known)
}

/// What a file of that name is about, whatever it is written in.
fn subject(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

fn read(path: &Path, problems: &mut Vec<Problem>) -> Option<File> {
    // Of a text that is not UTF-8, or can't be read at all, whoever reads lists for placeholders tells.
    let text = if files::is_parquet(path) { parquet::text(path, problems) } else { files::text(path, &mut Vec::new()) }?;
    Some(File::new(path.display().to_string(), text))
}

fn taxonomy_of(dirs: &[PathBuf], context: Option<&Path>, problems: &mut Vec<Problem>) -> Taxonomy {
    let beside = dirs.iter().map(|it| if it.is_dir() { it.clone() } else { it.parent().map(Path::to_owned).unwrap_or_default() });
    let lists = list_folders(dirs, context);
    let above = lists.iter().filter_map(|it| it.parent()).map(Path::to_owned).collect::<Vec<_>>();
    let folders = above.into_iter().chain(beside).chain(lists);
    let mut paths = folders.flat_map(|folder| TAXONOMY_FILES.map(|it| folder.join(it)));
    let Some(path) = paths.rfind(|it| it.is_file()) else { return Taxonomy::default() };
    let Some(text) = files::text(&path, problems) else { return Taxonomy::default() };
    let (taxonomy, mut wrong) = taxonomy::parse(&path.display().to_string(), &text);
    problems.append(&mut wrong);
    taxonomy
}
