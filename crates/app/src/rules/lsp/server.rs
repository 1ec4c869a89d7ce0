//! The loop of messages.

use super::completion::complete;
use super::definition::{Target, definition, symbols};
use super::hover::hover;
use super::workspace::{Open, Workspace};
use super::{problems, text, uri};
use crate::exit::Exit;
use anyhow::Result;
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, Response};
use lsp_types::notification::{
    self, DidChangeTextDocument, DidChangeWatchedFiles, DidCloseTextDocument, DidOpenTextDocument, DidSaveTextDocument,
    Notification as _, PublishDiagnostics,
};
use lsp_types::request::{
    CodeActionRequest, Completion, DocumentSymbolRequest, GotoDefinition, HoverRequest, RegisterCapability, Request as _, Shutdown,
};
use lsp_types::{
    CodeActionOrCommand, CodeActionParams, CompletionList, CompletionParams, CompletionResponse, Diagnostic,
    DidChangeTextDocumentParams, DidChangeWatchedFilesRegistrationOptions, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    DocumentSymbolParams, DocumentSymbolResponse, FileSystemWatcher, GlobPattern, GotoDefinitionParams, GotoDefinitionResponse,
    Hover, HoverContents, HoverParams, InitializeParams, Location, MarkupContent, MarkupKind, PublishDiagnosticsParams,
    Registration, RegistrationParams, TextDocumentPositionParams, Uri,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use sigma::problem::Problem;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The state between two messages.
pub(super) struct Server<'c> {
    connection: &'c Connection,
    workspace: Workspace,
    problems: Vec<Problem>,
    /// What the editor shows, and for which version of a text: only what changes is sent.
    published: BTreeMap<PathBuf, (Option<i32>, Vec<Diagnostic>)>,
    is_stale: bool,
}

impl<'c> Server<'c> {
    pub(super) fn new(connection: &'c Connection, workspace: Workspace) -> Self {
        Self { connection, workspace, problems: Vec::new(), published: BTreeMap::new(), is_stale: true }
    }

    /// Answers until `exit`, or until the editor is gone.
    pub(super) fn run(mut self, params: &InitializeParams) -> Result<Exit> {
        self.watch_files(params)?;
        let mut is_over = false;
        loop {
            // While messages wait, nothing is checked: the next one may change everything again.
            let message = if let Ok(message) = self.connection.receiver.try_recv() {
                message
            } else {
                self.publish()?;
                let Ok(message) = self.connection.receiver.recv() else { return Ok(Exit::Done) };
                message
            };
            match message {
                Message::Request(request) => {
                    let response = if is_over {
                        Response::new_err(request.id, ErrorCode::InvalidRequest as i32, "the server is shut down".to_owned())
                    } else if request.method == Shutdown::METHOD {
                        is_over = true;
                        Response::new_ok(request.id, ())
                    } else {
                        self.answer(request)
                    };
                    self.connection.sender.send(Message::Response(response))?;
                }
                Message::Notification(it) if it.method == notification::Exit::METHOD => {
                    return Ok(if is_over { Exit::Done } else { Exit::Failed });
                }
                Message::Notification(it) => self.take_note(it),
                Message::Response(_) => {}
            }
        }
    }

    /// Asks to be told when files change on disk, if the editor can do that.
    fn watch_files(&self, params: &InitializeParams) -> Result<()> {
        let support = params.capabilities.workspace.as_ref().and_then(|it| it.did_change_watched_files);
        if support.and_then(|it| it.dynamic_registration) != Some(true) {
            return Ok(());
        }
        let glob = |it: &str| FileSystemWatcher { glob_pattern: GlobPattern::String(it.to_owned()), kind: None };
        let watchers = ["**/*.yml", "**/*.yaml", "**/*.md", "**/*.txt"].map(glob).to_vec();
        let options = serde_json::to_value(DidChangeWatchedFilesRegistrationOptions { watchers })?;
        let registration = Registration {
            id: "files".to_owned(),
            method: DidChangeWatchedFiles::METHOD.to_owned(),
            register_options: Some(options),
        };
        let params = RegistrationParams { registrations: vec![registration] };
        let request = Request::new("watch-files".to_owned().into(), RegisterCapability::METHOD.to_owned(), params);
        Ok(self.connection.sender.send(Message::Request(request))?)
    }

    /// Sends the problems of each file whose problems have changed.
    fn publish(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.is_stale) {
            return Ok(());
        }
        self.workspace.refresh();
        self.problems = self.workspace.check();
        let mut now: BTreeMap<PathBuf, Vec<Diagnostic>> = BTreeMap::new();
        for problem in &self.problems {
            let path = PathBuf::from(&problem.file);
            let whole = self.workspace.text(&path).unwrap_or_default();
            let diagnostic = problems::diagnostic(problem, whole);
            now.entry(path).or_default().push(diagnostic);
        }
        // An open file without problems is told about as well: its editor waits for an answer.
        for path in self.workspace.open().keys().chain(self.published.keys()) {
            now.entry(path.clone()).or_default();
        }
        let mut published = BTreeMap::new();
        for (path, diagnostics) in now {
            let open = self.workspace.open().get(&path);
            let version = open.map(|it| it.version);
            if self.published.get(&path).is_none_or(|(before, it)| *before != version || *it != diagnostics)
                && let Some(uri) = open.map(|it| it.uri.clone()).or_else(|| uri::uri_of(&path))
            {
                let params = PublishDiagnosticsParams { uri, diagnostics: diagnostics.clone(), version };
                let notification = Notification::new(PublishDiagnostics::METHOD.to_owned(), params);
                self.connection.sender.send(Message::Notification(notification))?;
            }
            if !diagnostics.is_empty() || version.is_some() {
                published.insert(path, (version, diagnostics));
            }
        }
        self.published = published;
        Ok(())
    }

    fn take_note(&mut self, notification: Notification) {
        let Notification { method, params } = notification;
        match method.as_str() {
            DidOpenTextDocument::METHOD => {
                let Some(DidOpenTextDocumentParams { text_document: it }) = read(params) else { return };
                self.set_text(it.uri, it.version, it.text);
            }
            DidChangeTextDocument::METHOD => {
                let Some(DidChangeTextDocumentParams { text_document: it, content_changes }) = read(params) else { return };
                // Whole texts were asked for, so that the last one is it.
                if let Some(change) = content_changes.into_iter().next_back() {
                    self.set_text(it.uri, it.version, change.text);
                }
            }
            DidCloseTextDocument::METHOD => {
                let Some(DidCloseTextDocumentParams { text_document: it }) = read(params) else { return };
                if let Some(path) = uri::path_of(&it.uri) {
                    self.workspace.close(&path);
                    self.is_stale = true;
                }
            }
            DidSaveTextDocument::METHOD | DidChangeWatchedFiles::METHOD => {
                self.workspace.reread();
                self.is_stale = true;
            }
            // Whatever else editors tell may be passed over.
            _ => {}
        }
    }

    fn set_text(&mut self, uri: Uri, version: i32, text: String) {
        if let Some(path) = uri::path_of(&uri) {
            self.workspace.set_open(path, Open { uri, version, text });
            self.is_stale = true;
        }
    }

    fn answer(&mut self, request: Request) -> Response {
        let Request { id, method, params, .. } = request;
        self.workspace.refresh();
        let answer = match method.as_str() {
            HoverRequest::METHOD => respond(params, |it: HoverParams| self.hover(&it.text_document_position_params)),
            Completion::METHOD => respond(params, |it: CompletionParams| self.complete(&it.text_document_position)),
            GotoDefinition::METHOD => {
                respond(params, |it: GotoDefinitionParams| self.definition(&it.text_document_position_params))
            }
            DocumentSymbolRequest::METHOD => respond(params, |it: DocumentSymbolParams| self.symbols(&it.text_document.uri)),
            CodeActionRequest::METHOD => respond(params, |it: CodeActionParams| self.actions(&it)),
            _ => {
                let message = format!("no answer to `{method}`");
                return Response::new_err(id, ErrorCode::MethodNotFound as i32, message);
            }
        };
        match answer {
            Ok(result) => Response::new_ok(id, result),
            Err(message) => Response::new_err(id, ErrorCode::InvalidParams as i32, message),
        }
    }

    /// File, line and byte that a request is about.
    fn place(&self, at: &TextDocumentPositionParams) -> Option<(PathBuf, usize, usize)> {
        let path = uri::path_of(&at.text_document.uri)?;
        let number = at.position.line as usize;
        let byte = text::byte_of(text::line(self.workspace.text(&path)?, number), at.position.character);
        Some((path, number, byte))
    }

    fn hover(&self, at: &TextDocumentPositionParams) -> Option<Hover> {
        let (path, number, byte) = self.place(at)?;
        let (value, bytes) = hover(&self.workspace, &path, number, byte)?;
        let range = text::range(self.workspace.text(&path)?, number, bytes);
        let contents = HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value });
        Some(Hover { contents, range: Some(range) })
    }

    fn complete(&self, at: &TextDocumentPositionParams) -> Option<CompletionResponse> {
        let (path, number, byte) = self.place(at)?;
        let items = complete(&self.workspace, &path, number, byte);
        // Long lists are cut: what is typed next has to be asked about again.
        Some(CompletionResponse::List(CompletionList { is_incomplete: true, items }))
    }

    fn definition(&self, at: &TextDocumentPositionParams) -> Option<GotoDefinitionResponse> {
        let (path, number, byte) = self.place(at)?;
        let Target { path, line } = definition(&self.workspace, &path, number, byte)?;
        let uri = self.workspace.open().get(&path).map(|it| it.uri.clone()).or_else(|| uri::uri_of(&path))?;
        let range = text::range(self.workspace.text(&path)?, line, 0..0);
        Some(GotoDefinitionResponse::Scalar(Location { uri, range }))
    }

    fn symbols(&self, uri: &Uri) -> Option<DocumentSymbolResponse> {
        let path = uri::path_of(uri)?;
        Some(DocumentSymbolResponse::Nested(symbols(&path, self.workspace.text(&path)?)))
    }

    /// Fixes are those of the texts as they are now, so that edits fit.
    fn actions(&mut self, params: &CodeActionParams) -> Option<Vec<CodeActionOrCommand>> {
        let path = uri::path_of(&params.text_document.uri)?;
        if self.is_stale {
            self.problems = self.workspace.check();
        }
        let actions = problems::actions(&self.workspace, Path::new(&path), &params.text_document.uri, &self.problems, params.range);
        Some(actions.into_iter().map(CodeActionOrCommand::CodeAction).collect())
    }
}

/// Notifications that can't be read are passed over: there is nobody to tell.
fn read<P: DeserializeOwned>(params: Json) -> Option<P> {
    serde_json::from_value(params).ok()
}

/// The answer as JSON; `null` where there is none.
fn respond<P: DeserializeOwned, R: Serialize>(params: Json, answer: impl FnOnce(P) -> Option<R>) -> Result<Json, String> {
    let params = serde_json::from_value(params).map_err(|it| it.to_string())?;
    serde_json::to_value(answer(params)).map_err(|it| it.to_string())
}
