//! Problems as the protocol has them: diagnostics, and changes that mend them.

use super::text;
use super::workspace::Workspace;
use lsp_types::{CodeAction, CodeActionKind, Diagnostic, DiagnosticSeverity, NumberOrString, Range, TextEdit, Uri, WorkspaceEdit};
use sigma::problem::{Problem, Severity};
use std::collections::HashMap;
use std::path::Path;

/// A problem in the editor's terms.
pub(super) fn diagnostic(problem: &Problem, whole: &str) -> Diagnostic {
    let severity = match problem.severity {
        Severity::Error => DiagnosticSeverity::ERROR,
        Severity::Warning => DiagnosticSeverity::WARNING,
        Severity::Info => DiagnosticSeverity::INFORMATION,
    };
    let hint = problem.hint.as_ref().map(|it| format!("\n{it}")).unwrap_or_default();
    Diagnostic {
        range: range(problem, whole),
        severity: Some(severity),
        code: Some(NumberOrString::String(problem.code.to_string())),
        source: Some("nightjar".to_owned()),
        message: format!("{}{hint}", problem.message),
        ..Diagnostic::default()
    }
}

/// The characters that are meant; where only a beginning is known, the rest of the line.
fn range(problem: &Problem, whole: &str) -> Range {
    let start = text::position(whole, problem.line, problem.column);
    let end = if let Some(column) = problem.end_column {
        text::position(whole, problem.line, column)
    } else {
        let number = problem.line.saturating_sub(1);
        text::range(whole, number, 0..text::line(whole, number).trim_end().len()).end
    };
    Range { start, end: end.max(start) }
}

/// The fixes of problems that touch `wanted`: those that are safe, and what may have been meant.
pub(super) fn actions(workspace: &Workspace, path: &Path, uri: &Uri, problems: &[Problem], wanted: Range) -> Vec<CodeAction> {
    let Some(whole) = workspace.text(path) else { return Vec::new() };
    let file = path.display().to_string();
    let touches = |it: Range| it.start <= wanted.end && wanted.start <= it.end;
    let mut actions = Vec::new();
    for problem in problems.iter().filter(|it| it.file == file && touches(range(it, whole))) {
        let edit = |it: &sigma::problem::Edit| TextEdit {
            range: Range { start: text::position(whole, it.start.0, it.start.1), end: text::position(whole, it.end.0, it.end.1) },
            new_text: it.text.clone(),
        };
        let (title, edits, is_safe) = match (&problem.fix, meant(problem, whole)) {
            (Some(fix), _) => (fix.title.clone(), fix.edits.iter().map(edit).collect(), true),
            (None, Some(meant)) => (format!("write `{}`", meant.new_text), vec![meant], false),
            (None, None) => continue,
        };
        #[expect(clippy::mutable_key_type, reason = "the protocol's type; nobody changes the key")]
        let changes = HashMap::from([(uri.clone(), edits)]);
        actions.push(CodeAction {
            title,
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: Some(vec![diagnostic(problem, whole)]),
            edit: Some(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }),
            is_preferred: Some(is_safe),
            ..CodeAction::default()
        });
    }
    actions
}

/// What a hint asks about, in the place of the first word of the message that stands in the problem's line.
fn meant(problem: &Problem, whole: &str) -> Option<TextEdit> {
    let new_text = problem.hint.as_deref()?.strip_prefix("did you mean `")?.strip_suffix("`?")?;
    let number = problem.line.saturating_sub(1);
    let line = text::line(whole, number);
    let from = text::byte_of_column(line, problem.column);
    let quoted = problem.message.split('`').skip(1).step_by(2).filter(|it| !it.is_empty());
    // A word, not a part of a longer one.
    let is_part = |it: char| it.is_alphanumeric() || it == '_';
    let bytes = quoted.into_iter().find_map(|word| {
        let places = line.get(from..)?.match_indices(word).map(|(at, _)| from + at..from + at + word.len());
        places.into_iter().find(|it| {
            !line[..it.start].chars().next_back().is_some_and(is_part) && !line[it.end..].chars().next().is_some_and(is_part)
        })
    })?;
    Some(TextEdit { range: text::range(whole, number, bytes), new_text: new_text.to_owned() })
}
