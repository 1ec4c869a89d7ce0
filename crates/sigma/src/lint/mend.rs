//! Fixes: applying them to a text, and making sure that they change neither what its documents do nor what its authors said about them.

mod comments;
mod same;

#[cfg(test)]
mod tests;

use super::Input;
use crate::ast::Document;
use crate::lists::Lists;
use crate::parse::parse_file;
use crate::problem::{Code, Edit, Fix, Problem};
use std::collections::HashMap;

/// A text after some fixes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The text.
    pub text: String,
    /// Which of the fixes were not applied, by their index: they overlap earlier ones, or don't lie in the text.
    pub refused: Vec<usize>,
}

/// Applies fixes in their order; one that overlaps an earlier one is refused whole.
pub fn apply<'f>(text: &str, fixes: impl IntoIterator<Item = &'f Fix>) -> Applied {
    let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let mut taken: Vec<(usize, usize, &str)> = Vec::new();
    let mut refused = Vec::new();
    for (index, fix) in fixes.into_iter().enumerate() {
        let spans: Option<Vec<_>> = fix.edits.iter().map(|it| span(text, &starts, it)).collect();
        let overlaps = |span: &(usize, usize, &str)| taken.iter().any(|it| it.0 < span.1 && span.0 < it.1 || it.0 == span.0);
        match spans {
            Some(spans) if !spans.iter().any(overlaps) => taken.extend(spans),
            _ => refused.push(index),
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
    Applied { text: mended, refused }
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

/// A file as it was before fixes.
#[derive(Debug)]
pub struct Before<'a> {
    file: &'a str,
    lists: &'a Lists,
    documents: Vec<Document>,
    errors: usize,
    comments: Vec<String>,
}

impl<'a> Before<'a> {
    /// Reads a file; `lists` stand behind its placeholders.
    pub fn new(file: &'a str, text: &str, lists: &'a Lists) -> Self {
        let (documents, errors) = load(file, text, lists);
        Self { file, lists, documents, errors, comments: comments::of(text) }
    }

    /// Whether `after` is the same file to all but the eye: every document that loaded loads and does what it did, every comment is
    /// there, and there are no new errors. This reads the text anew and trusts no lint.
    ///
    /// # Errors
    /// What would be lost, in words.
    pub fn is_kept(&self, after: &str) -> Result<(), String> {
        let mut comments = comments::of(after);
        for comment in &self.comments {
            let Some(at) = comments.iter().position(|it| it == comment) else { return Err("a comment would be lost".to_owned()) };
            comments.swap_remove(at);
        }
        let (documents, errors) = load(self.file, after, self.lists);
        if errors > self.errors {
            return Err("it would make an error".to_owned());
        }
        let mut others = documents.iter();
        for document in &self.documents {
            // A fix may make documents load that did not: those are passed over.
            let Some(other) = others.find(|it| it.name() == document.name() && it.id() == document.id()) else {
                return Err(format!("`{}` would no longer load", document.name()));
            };
            same::check(document, other).map_err(|what| format!("{what} of `{}` would change", document.name()))?;
        }
        Ok(())
    }
}

fn load(file: &str, text: &str, lists: &Lists) -> (Vec<Document>, usize) {
    let loaded = parse_file(file, text, lists);
    let errors = loaded.problems.iter().filter(|it| it.is_error()).count();
    (loaded.documents, errors)
}

/// Takes fixes away that are none: they are tried out, and what they make of their file is compared with what was there.
pub(super) fn vet(input: &Input<'_>, problems: &mut Vec<Problem>) {
    let mut by_file: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, problem) in problems.iter().enumerate().filter(|(_, it)| it.fix.is_some()) {
        by_file.entry(problem.file.clone()).or_default().push(at);
    }
    let mut is_none = vec![false; problems.len()];
    for (file, text) in input.files {
        let Some(fixed) = by_file.remove(file) else { continue };
        let trial = Trial { text, before: Before::new(file, text, input.lists) };
        for (at, why) in trial.sift(problems, &fixed) {
            let problem = &mut problems[at];
            if problem.code == Code::TrailingSpaces {
                is_none[at] = !trial.leave_texts(problem);
            } else {
                problem.fix = None;
                problem.hint.get_or_insert_with(|| format!("by hand: {why}"));
            }
        }
    }
    let mut is_none = is_none.into_iter();
    problems.retain(|_| !is_none.next().unwrap_or(false));
}

/// A file on which fixes are tried out.
struct Trial<'a> {
    text: &'a str,
    before: Before<'a>,
}

impl Trial<'_> {
    /// The problems among `those` whose fix is none, and why. All at once first, then the halves of what fails: most files have
    /// nothing but sound ones.
    fn sift(&self, problems: &[Problem], those: &[usize]) -> Vec<(usize, String)> {
        let applied = apply(self.text, those.iter().filter_map(|it| problems[*it].fix.as_ref()));
        match self.before.is_kept(&applied.text) {
            // Those that overlap others are looked at alone.
            Ok(()) if those.len() > 1 => applied.refused.iter().flat_map(|it| self.sift(problems, &those[*it..=*it])).collect(),
            Ok(()) if applied.refused.is_empty() => Vec::new(),
            Ok(()) => vec![(those[0], "the change does not lie in the file".to_owned())],
            Err(why) if those.len() == 1 => vec![(those[0], why)],
            Err(_) => {
                let (left, right) = those.split_at(those.len() / 2);
                [self.sift(problems, left), self.sift(problems, right)].concat()
            }
        }
    }

    /// Leaves out of a fix the lines whose spaces belong to a text. Whether there are others.
    fn leave_texts(&self, problem: &mut Problem) -> bool {
        let Some(Fix { title, mut edits }) = problem.fix.take() else { return true };
        edits.retain(|it| {
            self.before.is_kept(&apply(self.text, [&Fix { title: String::new(), edits: vec![it.clone()] }]).text).is_ok()
        });
        let Some(first) = edits.first() else { return false };
        (problem.line, problem.column) = first.start;
        problem.message = super::layout::counted(edits.len(), "lines end with spaces");
        problem.fix = Some(Fix { title, edits });
        true
    }
}
