//! `--fix`: applies what mends problems without changing what rules match, round by round until nothing is left to mend.

use super::args::Choice;
use super::diff;
use crate::load::Texts;
use crate::show::escaped;
use anyhow::{Context, Result};
use sigma::lint::Checked;
use sigma::problem::{Edit, Fix};
use std::collections::BTreeMap;
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
    /// Fixes that overlap others, or after which the file had new errors.
    refused: Vec<String>,
}

/// Mends `texts` in memory.
pub(super) fn all(texts: &mut Texts, choice: &Choice, check: &impl Fn(&Texts) -> Result<Checked>) -> Result<Vec<Fixed>> {
    let mut mended: BTreeMap<String, Fixed> = BTreeMap::new();
    let mut refused: Vec<String> = Vec::new();
    for _ in 0..ROUNDS_MAX {
        let checked = check(texts)?;
        let errors_before = errors_by_file(&checked);
        let mut changed = BTreeMap::new();
        for (index, (file, text)) in texts.files.iter().enumerate().filter(|(_, (file, _))| !refused.contains(file)) {
            let problems = choice.apply(checked.problems.iter().filter(|it| it.file == *file).cloned().collect());
            let fixes: Vec<(String, &Fix)> = problems
                .iter()
                .filter_map(|it| it.fix.as_ref().map(|fix| (format!("{file}:{}: {}: {}", it.line, it.code, fix.title), fix)))
                .collect();
            let applied = apply(text, &fixes);
            if applied.text != *text {
                changed.insert(index, (text.clone(), applied));
            }
        }
        if changed.is_empty() {
            break;
        }
        for (&index, (_, applied)) in &changed {
            texts.files[index].1.clone_from(&applied.text);
        }
        let errors_after = errors_by_file(&check(texts)?);
        for (index, (before, applied)) in changed {
            let file = texts.files[index].0.clone();
            let count = |of: &BTreeMap<String, usize>| of.get(&file).copied().unwrap_or(0);
            let entry = mended.entry(file.clone()).or_insert_with(|| Fixed {
                file: file.clone(),
                before: before.clone(),
                after: before.clone(),
                done: Vec::new(),
                refused: Vec::new(),
            });
            if count(&errors_after) > count(&errors_before) {
                // A fix that breaks a rule is our mistake: the file stays as it was.
                entry.refused.push(format!("{file}: left alone, the fixes would make an error"));
                texts.files[index].1 = before;
                refused.push(file);
                continue;
            }
            entry.after = applied.text;
            entry.done.extend(applied.done);
            entry.refused = applied.refused;
        }
    }
    Ok(mended.into_values().collect())
}

fn errors_by_file(checked: &Checked) -> BTreeMap<String, usize> {
    let mut errors = BTreeMap::new();
    for problem in checked.problems.iter().filter(|it| it.is_error()) {
        *errors.entry(problem.file.clone()).or_default() += 1;
    }
    errors
}

struct Applied {
    text: String,
    done: Vec<String>,
    refused: Vec<String>,
}

/// Applies fixes in their order; one that overlaps an earlier one is refused, and gets its turn in the next round.
fn apply(text: &str, fixes: &[(String, &Fix)]) -> Applied {
    let starts = line_starts(text);
    let mut taken: Vec<(usize, usize, &str)> = Vec::new();
    let (mut done, mut refused) = (Vec::new(), Vec::new());
    for (what, fix) in fixes {
        let spans: Option<Vec<(usize, usize, &str)>> = fix.edits.iter().map(|it| span(text, &starts, it)).collect();
        let overlaps = |span: &(usize, usize, &str)| taken.iter().any(|it| it.0 < span.1 && span.0 < it.1 || it.0 == span.0);
        match spans {
            Some(spans) if !spans.iter().any(overlaps) => {
                taken.extend(spans);
                done.push(what.clone());
            }
            _ => refused.push(format!("{what}: not done, it overlaps another fix")),
        }
    }
    taken.sort_unstable_by_key(|it| it.0);
    let (mut mended, mut at) = (String::with_capacity(text.len()), 0);
    for (start, end, inserted) in taken {
        mended.push_str(&text[at..start]);
        mended.push_str(inserted);
        at = end;
    }
    mended.push_str(&text[at..]);
    Applied { text: mended, done, refused }
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

/// An edit in bytes; `None` if it does not lie in the text.
fn span<'e>(text: &str, starts: &[usize], edit: &'e Edit) -> Option<(usize, usize, &'e str)> {
    let offset = |(line, column): (usize, usize)| {
        let start = *starts.get(line.checked_sub(1)?)?;
        let end = starts.get(line).copied().unwrap_or(text.len());
        let line = &text[start..end];
        let inside = line.char_indices().map(|(at, _)| at).chain([line.len()]).nth(column.checked_sub(1)?)?;
        Some(start + inside)
    };
    let (start, end) = (offset(edit.start)?, offset(edit.end)?);
    (start <= end).then_some((start, end, edit.text.as_str()))
}

/// Tells people what was done, or what would be.
pub(super) fn tell(fixed: &[Fixed], is_done: bool) -> Result<()> {
    let mut err = anstream::stderr().lock();
    for line in fixed.iter().flat_map(|it| it.done.iter().chain(&it.refused)) {
        writeln!(err, "{}", escaped(line))?;
    }
    let (done, files) =
        (fixed.iter().map(|it| it.done.len()).sum::<usize>(), fixed.iter().filter(|it| it.after != it.before).count());
    writeln!(err, "{done} problems {} in {files} files", if is_done { "mended" } else { "would be mended" })?;
    Ok(())
}

/// Shows the changes as a difference that `patch` takes.
pub(super) fn show(fixed: &[Fixed]) -> Result<()> {
    let mut out = anstream::stdout().lock();
    for it in fixed.iter().filter(|it| it.after != it.before) {
        write!(out, "{}", diff::unified(&it.file, &it.before, &it.after))?;
    }
    Ok(())
}

/// Writes the changed files, each whole or not at all. One that can't be written does not keep the others from it; the first such
/// failure is the error.
pub(super) fn write(fixed: Vec<Fixed>) -> (Vec<Fixed>, Result<()>) {
    let (mut written, mut result) = (Vec::new(), Ok(()));
    for it in fixed {
        if it.after == it.before {
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

#[cfg(test)]
mod tests {
    use super::*;

    type Change<'t> = ((usize, usize), (usize, usize), &'t str);

    fn fix(edits: &[Change<'_>]) -> Fix {
        let edits = edits.iter().map(|(start, end, text)| Edit { start: *start, end: *end, text: (*text).to_owned() }).collect();
        Fix { title: "do".to_owned(), edits }
    }

    #[track_caller]
    fn check(text: &str, fixes: &[Fix], expected: &str, refused: usize) {
        let named: Vec<(String, &Fix)> = fixes.iter().map(|it| ("it".to_owned(), it)).collect();
        let applied = apply(text, &named);
        assert_eq!((applied.text.as_str(), applied.refused.len()), (expected, refused));
    }

    #[test]
    fn edits_count_characters_and_lines() {
        check("aä: b\nc\n", &[fix(&[((1, 2), (1, 3), "o")])], "ao: b\nc\n", 0);
        check("a\nb\nc\n", &[fix(&[((2, 1), (3, 1), "")])], "a\nc\n", 0);
        check("a", &[fix(&[((1, 2), (1, 2), "\n")])], "a\n", 0);
        check("a\r\n", &[fix(&[((1, 2), (1, 3), "")])], "a\n", 0);
    }

    #[test]
    fn a_fix_that_overlaps_an_earlier_one_is_refused_whole() {
        let first = fix(&[((1, 1), (1, 3), "x")]);
        let second = fix(&[((1, 2), (1, 4), "y"), ((1, 5), (1, 6), "z")]);
        check("abcdef", &[first, second], "xcdef", 1);
    }

    #[test]
    fn an_edit_outside_of_the_text_is_refused() {
        check("a\n", &[fix(&[((9, 1), (9, 2), "x")])], "a\n", 1);
        check("a\n", &[fix(&[((1, 9), (1, 9), "x")])], "a\n", 1);
    }
}
