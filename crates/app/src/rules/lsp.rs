//! `nightjar rules lsp`: a language server over stdin and stdout, for rules and their pages.
//!
//! Requests are answered one after the other from what the workspace knows; after the last message that waits, everything is checked
//! again, so that fast typing costs one check and not one per letter.

mod completion;
mod definition;
mod hover;
mod outline;
mod pipe;
mod problems;
mod samples;
mod server;
mod text;
mod uri;
mod workspace;

use crate::exit::{Exit, Usage};
use anyhow::{Context, Result};
use lsp_server::{Connection, Message, Response};
use lsp_types::{
    CodeActionProviderCapability, CompletionOptions, HoverProviderCapability, InitializeParams, OneOf, SaveOptions,
    ServerCapabilities, TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions, TextDocumentSyncSaveOptions,
};
use std::path::{Path, PathBuf};

/// `nightjar rules lsp`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
An editor starts it and talks to it over stdin and stdout; docs/editors.md has the set-up for VS Code, Neovim and Helix.")]
pub(crate) struct Args {
    /// Folders of Sigma rules [default: `rules` in the editor's folder, else the folder itself]
    #[arg(value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Folder of lists that take the place of those of the same name in the `context` folders of the rules
    #[arg(long, value_name = "DIR")]
    context: Option<PathBuf>,
    /// Accepted, since many editors pass it; there is no other way to talk
    #[arg(long, hide = true)]
    stdio: bool,
}

/// Serves until the editor says goodbye. An editor that just goes away is a good end as well; one that says `exit` without `shutdown`
/// before it has failed (LSP 3.17, "Exit Notification").
pub(crate) fn main(args: &Args) -> Result<Exit> {
    if let Some(missing) = args.dirs.iter().find(|it| !it.exists()) {
        return Err(Usage::new(format!("no such file or folder: {}", missing.display())));
    }
    let (connection, writer) = pipe::open();
    let result = serve(args, &connection);
    // The writer ends when nobody can send any more.
    drop(connection);
    if let Ok(written) = writer.join() {
        written.context("the editor's pipe broke")?;
    }
    result
}

/// Where the rule called `name` stands among those below `dirs`, `FILE:LINE`. Rules count that don't load as they are.
pub(super) fn place_of(dirs: &[PathBuf], name: &str) -> Option<String> {
    let workspace = workspace::Workspace::new(dirs.to_vec(), None);
    workspace.rule(name).map(|it| format!("{}:{}", it.path.display(), it.line + 1))
}

fn serve(args: &Args, connection: &Connection) -> Result<Exit> {
    let (id, params) = connection.initialize_start().context("no editor has said hello")?;
    let hello = Response::new_ok(id, serde_json::json!({"capabilities": capabilities()}));
    connection.sender.send(Message::Response(hello))?;
    let params: InitializeParams = serde_json::from_value(params).context("the editor's hello can't be read")?;
    let dirs = if args.dirs.is_empty() { dirs_of(&params) } else { args.dirs.clone() };
    // Editors name files by their whole paths.
    let absolute = |it: PathBuf| std::path::absolute(&it).unwrap_or(it);
    let dirs = dirs.into_iter().map(absolute).collect();
    let context = args.context.clone().map(absolute);
    server::Server::new(connection, workspace::Workspace::new(dirs, context)).run(&params)
}

/// The rules of each of the editor's folders.
fn dirs_of(params: &InitializeParams) -> Vec<PathBuf> {
    let folders = params.workspace_folders.iter().flatten().filter_map(|it| uri::path_of(&it.uri));
    let mut folders: Vec<PathBuf> = folders.collect();
    if folders.is_empty() {
        #[expect(deprecated, reason = "what older editors send")]
        folders.extend(params.root_uri.as_ref().and_then(uri::path_of));
    }
    if folders.is_empty() {
        folders.push(PathBuf::from("."));
    }
    let rules = |it: PathBuf| {
        let inside = it.join(crate::load::RULES_DIR);
        if Path::is_dir(&inside) { inside } else { it }
    };
    folders.into_iter().map(rules).collect()
}

fn capabilities() -> ServerCapabilities {
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::FULL),
            save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions { include_text: Some(false) })),
            ..TextDocumentSyncOptions::default()
        })),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(["|", ".", ":", " ", "%", "-"].map(str::to_owned).to_vec()),
            ..CompletionOptions::default()
        }),
        definition_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        code_action_provider: Some(CodeActionProviderCapability::Simple(true)),
        ..ServerCapabilities::default()
    }
}
