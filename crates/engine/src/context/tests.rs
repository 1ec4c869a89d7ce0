mod asof;
mod duty;
mod verdict;
mod zoo;

use super::{File, Loaded, Taxonomy, load};

/// A context of files given as (name, text).
fn loaded(files: &[(&str, &str)]) -> Loaded {
    let files: Vec<File> = files.iter().map(|(name, text)| File::new(*name, *text)).collect();
    load(&files, Taxonomy::default())
}

/// The same; problems are failures.
#[track_caller]
fn sound(files: &[(&str, &str)]) -> super::Context {
    let Loaded { context, problems, .. } = loaded(files);
    assert!(problems.is_empty(), "{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    context
}

#[track_caller]
fn ms(time: &str) -> i64 {
    model::EventTime::parse(time).unwrap().ms()
}
