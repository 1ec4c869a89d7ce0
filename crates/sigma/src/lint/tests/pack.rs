//! The rules that come with Nightjar: nothing is to be said about them.

use crate::lint::{Input, check};
use crate::lists::Lists;
use model::{EventTime, SourceMapping};
use std::path::{Path, PathBuf};

/// The files below `folder` with one of some extensions, as (name, text), sorted.
fn below(folder: &Path, extension: &str) -> Vec<(String, String)> {
    #[expect(clippy::disallowed_methods, reason = "a test reads the pack")]
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|it| it.unwrap().path()).collect();
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        let is_wanted =
            path.extension().is_some_and(|it| it == extension) && !path.ends_with("README.md") && !path.ends_with("taxonomy.yml");
        if path.is_dir() {
            found.extend(below(&path, extension));
        } else if is_wanted {
            #[expect(clippy::disallowed_methods, reason = "a test reads the pack")]
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path.display().to_string(), text));
        }
    }
    found
}

#[test]
fn the_rules_that_come_with_nightjar_are_clean() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    let (mut lists, mut list_files) = (Lists::default(), Vec::new());
    for (file, text) in below(&folder.join("context"), "txt") {
        let name = Path::new(&file).file_stem().unwrap().to_string_lossy().into_owned();
        lists.insert(name.clone(), Lists::parse_text(&text).unwrap());
        list_files.push((name, file));
    }
    let mappings: Vec<SourceMapping> =
        SourceMapping::built_in_names().filter(|it| *it != "raw").map(|it| SourceMapping::built_in(it).unwrap()).collect();
    let files: Vec<_> = below(&folder, "yml").into_iter().filter(|(file, _)| !file.contains("/context/")).collect();
    let pages: Vec<_> = below(&folder, "md");
    let now = EventTime::parse("2026-11-22T12:00:00Z");
    let input = Input { files: &files, pages: Some(&pages), lists: &lists, list_files: &list_files, mappings: &mappings, now };
    let told: Vec<String> = check(&input).problems.iter().map(|it| format!("{} {it}", it.code)).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
    assert!(files.len() > 50);
}
