//! Comments that allow problems: `# nightjar: allow NJ0123 reason` on the line or on the one above it.

use super::source::Source;
use crate::parse::yaml::Position;
use crate::problem::{Code, Problem, Severity};
use std::collections::HashMap;

/// A code that a comment allows.
struct Allowed {
    at: Position,
    code: Code,
    is_used: bool,
}

/// The comments of a file.
#[derive(Default)]
struct OfFile {
    allowed: Vec<Allowed>,
    /// Which of them allow a code on a line; those that are used already are gone from here.
    by_place: HashMap<(usize, Code), Vec<usize>>,
}

/// The comments of some files.
#[derive(Default)]
pub(super) struct Comments {
    by_file: HashMap<String, OfFile>,
}

const MARK: &str = "nightjar: allow";

impl Comments {
    /// Reads the comments of a file; what is wrong with them is reported.
    pub(super) fn read(&mut self, source: &Source<'_>, problems: &mut Vec<Problem>) {
        if !source.text.contains(MARK) {
            return;
        }
        for (number, next) in following(source).into_iter().enumerate().skip(1) {
            let line = source.line(number);
            let Some((before, comment)) = comment(line) else { continue };
            let Some(rest) = comment.trim_start().strip_prefix(MARK) else { continue };
            let column = before.chars().count() + 1;
            let at = Position { line: number, column, width: comment.trim_end().chars().count() + 1 };
            // A comment with nothing before it is about the next line that is none.
            let is_alone = before.trim().is_empty();
            let line = if is_alone { next } else { number };
            let words: Vec<&str> = rest.split([' ', ',', '\t']).filter(|it| !it.is_empty()).collect();
            let is_code = |it: &str| match it.as_bytes() {
                [b'n' | b'N', b'j' | b'J', digits @ ..] => digits.len() == 4 && digits.iter().all(u8::is_ascii_digit),
                _ => false,
            };
            // Names have a hyphen, or come first: a word of the reason may be one as well.
            let is_name = |at: usize, it: &str| (at == 0 || it.contains('-')) && Code::parse(it).is_some();
            let codes = words.iter().enumerate().take_while(|(at, it)| is_code(it) || is_name(*at, it)).count();
            if codes == 0 {
                problems.push(
                    source
                        .problem(Code::UnknownAllowed, at, "the comment names no code")
                        .with_hint("write `# nightjar: allow NJ0123 reason`"),
                );
            }
            for word in &words[..codes] {
                let Some(code) = Code::parse(word) else {
                    problems.push(source.problem(Code::UnknownAllowed, at, format!("there is no code {word}")));
                    continue;
                };
                let file = self.by_file.entry(source.file.to_owned()).or_default();
                for line in [number, line] {
                    file.by_place.entry((line, code)).or_default().push(file.allowed.len());
                }
                file.allowed.push(Allowed { at, code, is_used: false });
            }
            if codes > 0 && codes == words.len() {
                problems.push(
                    source
                        .problem(Code::AllowedWithoutReason, at, "the comment does not say why")
                        .with_hint("add the reason after the code"),
                );
            }
        }
    }

    /// Takes away what comments allow and gives its number. Errors stay: their documents don't load, whatever a comment says.
    pub(super) fn apply(&mut self, problems: &mut Vec<Problem>) -> usize {
        let before = problems.len();
        problems.retain(|problem| {
            if problem.severity == Severity::Error {
                return true;
            }
            let Some(file) = self.by_file.get_mut(&problem.file) else { return true };
            let Some(those) = file.by_place.get_mut(&(problem.line, problem.code)) else { return true };
            those.drain(..).for_each(|it| file.allowed[it].is_used = true);
            false
        });
        before - problems.len()
    }

    /// Comments that allowed nothing.
    pub(super) fn unused(&self, sources: &[Source<'_>], problems: &mut Vec<Problem>) {
        for source in sources {
            for it in self.by_file.get(source.file).into_iter().flat_map(|it| &it.allowed).filter(|it| !it.is_used) {
                let message = format!("there is no {} here to allow", it.code);
                problems.push(source.problem(Code::UnusedAllowed, it.at, message).with_hint("remove the comment"));
            }
        }
    }
}

/// For each line, 1-based, the next one that is no comment; a line of the last comments is its own.
fn following(source: &Source<'_>) -> Vec<usize> {
    let count = source.lines.len();
    let mut following: Vec<usize> = (0..=count).collect();
    let mut next = None;
    for number in (1..=count).rev() {
        following[number] = next.unwrap_or(number);
        if !source.line(number).trim_start().starts_with('#') {
            next = Some(number);
        }
    }
    following
}

/// What stands before the `#` of a comment, and after it.
fn comment(line: &str) -> Option<(&str, &str)> {
    let at = line.match_indices('#').map(|it| it.0).find(|&at| {
        let is_comment = at == 0 || line[..at].ends_with([' ', '\t']);
        is_comment && line[at + 1..].trim_start().starts_with(MARK)
    })?;
    Some((&line[..at], &line[at + 1..]))
}
