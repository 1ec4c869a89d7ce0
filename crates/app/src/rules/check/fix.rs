//! `--fix`: applies what mends problems without changing what rules match, round by round until nothing is left to mend.

use super::args::Choice;
use super::diff;
use crate::load::Texts;
use crate::show::escaped;
use anyhow::{Context, Result};
use serde_json::json;
use sigma::lint::Checked;
use sigma::lint::mend::{self, Before};
use sigma::lists::Lists;
use sigma::problem::{Fix, Problem};
use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::Path;
use std::{fs, io};

/// Most rounds: mending one thing can lay another bare.
const ROUNDS_MAX: usize = 10;

/// A file that was changed.
pub(super) struct Fixed {
    pub(super) file: String,
    before: String,
    after: String,
    /// What was done, in order: line, code, title.
    done: Vec<String>,
    /// Fixes that overlap others, or that together with others would change what the file does.
    refused: Vec<String>,
}

/// Mends `texts` in memory.
pub(super) fn all(texts: &mut Texts, choice: &Choice, check: &impl Fn(&Texts) -> Result<Checked>) -> Result<Vec<Fixed>> {
    let mut mended: BTreeMap<String, Fixed> = BTreeMap::new();
    for _ in 0..ROUNDS_MAX {
        let mut problems: HashMap<String, Vec<Problem>> = HashMap::new();
        for problem in choice.apply(check(texts)?.problems).into_iter().filter(|it| it.fix.is_some() && choice.mends(it.code)) {
            problems.entry(problem.file.clone()).or_default().push(problem);
        }
        let mut is_changed = false;
        for (file, text) in &mut texts.files {
            let Some(problems) = problems.get(file) else { continue };
            let round = mend(file, text, problems, &texts.lists);
            let entry = mended.entry(file.clone()).or_insert_with(|| Fixed::unchanged(file, text));
            is_changed |= round.text != *text;
            text.clone_from(&round.text);
            entry.after = round.text;
            entry.done.extend(round.done);
            entry.refused = round.refused;
        }
        if !is_changed {
            break;
        }
    }
    Ok(mended.into_values().collect())
}

/// What one round makes of a file.
struct Round {
    text: String,
    done: Vec<String>,
    refused: Vec<String>,
}

/// All fixes at once where that keeps what the file does; else one after the other, those that keep it.
fn mend(file: &str, text: &str, problems: &[Problem], lists: &Lists) -> Round {
    let fixes: Vec<(&Problem, &Fix)> = problems.iter().filter_map(|it| Some((it, it.fix.as_ref()?))).collect();
    let told = |(problem, fix): &(&Problem, &Fix)| format!("{file}:{}: {}: {}", problem.line, problem.code, fix.title);
    let before = Before::new(file, text, lists);
    let applied = mend::apply(text, fixes.iter().map(|it| it.1));
    if before.is_kept(&applied.text).is_ok() {
        let is_refused = |at: &usize| applied.refused.contains(at);
        let (refused, done): (Vec<usize>, Vec<usize>) = (0..fixes.len()).partition(is_refused);
        return Round {
            text: applied.text,
            done: done.into_iter().map(|it| told(&fixes[it])).collect(),
            refused: refused.into_iter().map(|it| format!("{}: not done, it overlaps another fix", told(&fixes[it]))).collect(),
        };
    }
    let mut round = Round { text: text.to_owned(), done: Vec::new(), refused: Vec::new() };
    let mut kept: Vec<&Fix> = Vec::new();
    for it in &fixes {
        kept.push(it.1);
        let applied = mend::apply(text, kept.iter().copied());
        let why =
            if applied.refused.is_empty() { before.is_kept(&applied.text) } else { Err("it overlaps another fix".to_owned()) };
        match why {
            Ok(()) => {
                round.text = applied.text;
                round.done.push(told(it));
            }
            Err(why) => {
                kept.pop();
                round.refused.push(format!("{}: not done, {why}", told(it)));
            }
        }
    }
    round
}

impl Fixed {
    fn unchanged(file: &str, text: &str) -> Self {
        let (before, after) = (text.to_owned(), text.to_owned());
        Self { file: file.to_owned(), before, after, done: Vec::new(), refused: Vec::new() }
    }

    /// Whether the file is not what it was.
    pub(super) fn is_changed(&self) -> bool {
        self.after != self.before
    }
}

/// Tells people what was done, or what would be.
pub(super) fn tell(fixed: &[Fixed], is_done: bool) -> Result<()> {
    let mut err = anstream::stderr().lock();
    for line in fixed.iter().flat_map(|it| it.done.iter().chain(&it.refused)) {
        writeln!(err, "{}", escaped(line))?;
    }
    let (done, files) = (fixed.iter().map(|it| it.done.len()).sum::<usize>(), fixed.iter().filter(|it| it.is_changed()).count());
    writeln!(err, "{done} problems {} in {files} files", if is_done { "mended" } else { "would be mended" })?;
    Ok(())
}

/// Shows the changes as a difference that `patch` takes.
pub(super) fn show(fixed: &[Fixed]) -> Result<()> {
    let mut out = anstream::stdout().lock();
    for it in fixed.iter().filter(|it| it.is_changed()) {
        write!(out, "{}", diff::unified(&it.file, &it.before, &it.after))?;
    }
    Ok(())
}

/// The same for machines.
pub(super) fn json(fixed: &[Fixed]) -> serde_json::Value {
    let files: Vec<_> = fixed
        .iter()
        .map(|it| {
            let diff = if it.is_changed() { diff::unified(&it.file, &it.before, &it.after) } else { String::new() };
            json!({"file": it.file, "mended": it.done, "left": it.refused, "diff": diff})
        })
        .collect();
    json!({"files": files})
}

/// Writes the changed files, each whole or not at all. One that can't be written does not keep the others from it; the first such
/// failure is the error.
pub(super) fn write(fixed: Vec<Fixed>) -> (Vec<Fixed>, Result<()>) {
    let (mut written, mut result) = (Vec::new(), Ok(()));
    for it in fixed {
        if !it.is_changed() {
            written.push(it);
            continue;
        }
        match replace(Path::new(&it.file), &it.after).with_context(|| format!("cannot write {}", it.file)) {
            Ok(()) => written.push(it),
            Err(error) => result = result.and(Err(error)),
        }
    }
    (written, result)
}

/// Through a file beside it that takes its place. A link stays a link: what it leads to is replaced. A file that its owner made
/// read-only stays as it is, though the folder would let us replace it.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = path.canonicalize()?;
    let permissions = fs::metadata(&path)?.permissions();
    if permissions.readonly() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written =
        fs::write(&beside, text).and_then(|()| fs::set_permissions(&beside, permissions)).and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        // Nothing else can be done about the half that was written.
        let _ = fs::remove_file(&beside);
    }
    written
}
