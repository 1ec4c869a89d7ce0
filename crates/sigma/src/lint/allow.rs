//! Comments that allow problems: `# nightjar: allow NJ0123 reason` on the line or on the one above it.

use super::source::Source;
use crate::parse::yaml::Position;
use crate::problem::{Code, Problem, Severity};
use std::collections::HashMap;

/// A code that a comment allows on a line.
struct Allowed {
    at: Position,
    line: usize,
    code: Code,
    is_used: bool,
}

/// The comments of some files.
#[derive(Default)]
pub(super) struct Comments {
    by_file: HashMap<String, Vec<Allowed>>,
}

const MARK: &str = "nightjar: allow";

impl Comments {
    /// Reads the comments of a file; what is wrong with them is reported.
    pub(super) fn read(&mut self, source: &Source<'_>, problems: &mut Vec<Problem>) {
        if !source.text.contains(MARK) {
            return;
        }
        for number in 1..=source.lines.len() {
            let line = source.line(number);
            let Some((before, comment)) = comment(line) else { continue };
            let Some(rest) = comment.trim_start().strip_prefix(MARK) else { continue };
            let column = before.chars().count() + 1;
            let at = Position { line: number, column, width: comment.trim_end().chars().count() + 1 };
            // A comment with nothing before it is about the next line that is none.
            let is_alone = before.trim().is_empty();
            let next = (number + 1..=source.lines.len()).find(|&it| !source.line(it).trim_start().starts_with('#'));
            let line = if is_alone { next.unwrap_or(number) } else { number };
            let words: Vec<&str> = rest.split([' ', ',', '\t']).filter(|it| !it.is_empty()).collect();
            let is_code = |it: &&&str| match it.as_bytes() {
                [b'n' | b'N', b'j' | b'J', digits @ ..] => digits.len() == 4 && digits.iter().all(u8::is_ascii_digit),
                _ => false,
            };
            let codes = words.iter().take_while(is_code).count();
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
                self.by_file.entry(source.file.to_owned()).or_default().push(Allowed { at, line, code, is_used: false });
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
            let Some(allowed) = self.by_file.get_mut(&problem.file) else { return true };
            let mut is_kept = true;
            for it in
                allowed.iter_mut().filter(|it| it.code == problem.code && (it.line == problem.line || it.at.line == problem.line))
            {
                it.is_used = true;
                is_kept = false;
            }
            is_kept
        });
        before - problems.len()
    }

    /// Comments that allowed nothing.
    pub(super) fn unused(&self, sources: &[Source<'_>], problems: &mut Vec<Problem>) {
        for source in sources {
            for it in self.by_file.get(source.file).into_iter().flatten().filter(|it| !it.is_used) {
                let message = format!("there is no {} here to allow", it.code);
                problems.push(source.problem(Code::UnusedAllowed, it.at, message).with_hint("remove the comment"));
            }
        }
    }
}

/// What stands before the `#` of a comment, and after it.
fn comment(line: &str) -> Option<(&str, &str)> {
    let at = line.match_indices('#').map(|it| it.0).find(|&at| {
        let is_comment = at == 0 || line[..at].ends_with([' ', '\t']);
        is_comment && line[at + 1..].trim_start().starts_with(MARK)
    })?;
    Some((&line[..at], &line[at + 1..]))
}
