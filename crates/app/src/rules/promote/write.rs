//! Writes `status: stable` into the file of a rule, and touches nothing else of it.

use anyhow::{Context, Result, bail};
use sigma::ast::Place;
use std::path::Path;

/// Rewrites the status of the document at `place`, which is called `name`.
pub(super) fn stable(place: &Place, name: &str) -> Result<()> {
    let path = Path::new(&*place.file);
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let Some(rewritten) = rewritten(&text, place.line) else {
        bail!("{}:{}: the rule {name} has no line `status:` of its own; write it by hand", place.file, place.line);
    };
    std::fs::write(path, rewritten).with_context(|| format!("cannot write {}", path.display()))
}

/// `text` with the status of the document that begins on the 1-based `line` set to `stable`. `None` if that document has no top-level
/// line for it, as when an `action: global` document gives it.
fn rewritten(text: &str, line: usize) -> Option<String> {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let begin = line.saturating_sub(1);
    let is_end = |it: &&str| it.strip_prefix("---").is_some_and(|rest| rest.trim().is_empty() || rest.starts_with([' ', '\t']));
    let end = lines.iter().skip(begin + 1).position(is_end).map_or(lines.len(), |it| begin + 1 + it);
    let at = (begin..end).find(|&it| lines[it].starts_with("status:"))?;
    let written = with_status(lines[at])?;
    lines[at] = &written;
    Some(lines.concat())
}

/// The line with another value; quotes go, a comment and the line end stay.
fn with_status(line: &str) -> Option<String> {
    let rest = line.strip_prefix("status:")?;
    let value = rest.trim_start_matches([' ', '\t']);
    let gap = &rest[..rest.len() - value.len()];
    let length = value.find(|it: char| it.is_whitespace() || it == '#').unwrap_or(value.len());
    (length > 0).then(|| format!("status:{gap}stable{}", &value[length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, line: usize, expected: Option<&str>) {
        assert_eq!(rewritten(text, line).as_deref(), expected);
    }

    #[test]
    fn only_the_line_of_the_status_of_that_document_changes() {
        check("title: a\nstatus: test # since May\nid: b\n", 1, Some("title: a\nstatus: stable # since May\nid: b\n"));
        check("title: a\r\nstatus:  'experimental'\r\n", 1, Some("title: a\r\nstatus:  stable\r\n"));
        check("status: test\n---\ntitle: b\nstatus: test\n", 3, Some("status: test\n---\ntitle: b\nstatus: stable\n"));
        check("status: test\n---\ntitle: b\nstatus: test\n", 1, Some("status: stable\n---\ntitle: b\nstatus: test\n"));
    }

    #[test]
    fn a_document_without_a_status_of_its_own_is_left_alone() {
        check("title: a\n---\nstatus: test\n", 1, None);
        check("title: a\ndetection:\n  status: test\n", 1, None);
        check("title: a\nstatus:\n", 1, None);
    }
}
