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

/// The fixes of problems that touch `wanted`.
pub(super) fn actions(workspace: &Workspace, path: &Path, uri: &Uri, problems: &[Problem], wanted: Range) -> Vec<CodeAction> {
    let Some(whole) = workspace.text(path) else { return Vec::new() };
    let file = path.display().to_string();
    let touches = |it: Range| it.start <= wanted.end && wanted.start <= it.end;
    let mut actions = Vec::new();
    for problem in problems.iter().filter(|it| it.file == file && touches(range(it, whole))) {
        let Some(fix) = &problem.fix else { continue };
        let edit = |it: &sigma::problem::Edit| TextEdit {
            range: Range { start: text::position(whole, it.start.0, it.start.1), end: text::position(whole, it.end.0, it.end.1) },
            new_text: it.text.clone(),
        };
        #[expect(clippy::mutable_key_type, reason = "the protocol's type; nobody changes the key")]
        let changes = HashMap::from([(uri.clone(), fix.edits.iter().map(edit).collect())]);
        actions.push(CodeAction {
            title: fix.title.clone(),
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: Some(vec![diagnostic(problem, whole)]),
            edit: Some(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }),
            is_preferred: Some(true),
            ..CodeAction::default()
        });
    }
    actions
}
