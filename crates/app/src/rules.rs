//! `nightjar rules`: rules as code, started, checked, listed, drawn, tested and explained.

mod check;
pub(crate) mod exceptions;
mod explain;
mod graph;
mod list;
mod lsp;
mod new;
mod promote;
mod schema;
mod select;
mod test;
mod words;
mod xml;

use crate::exit::Exit;
use anyhow::Result;
use clap::{Subcommand, ValueEnum};

/// `nightjar rules …`
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say everything that is wrong with rules, with file and line; exit code 1 on errors
    Check(check::Args),
    /// List rules with level, kind, log source and title, by tag, source, level, kind or text
    List(list::Args),
    /// Show which rules feed which correlations: for Graphviz, as a picture or as JSON
    Graph(graph::Args),
    /// Start a new rule with its page, both of which pass as they are
    New(new::Args),
    /// Write the JSON schema of rules, for editors
    Schema(schema::Args),
    /// Serve an editor: problems, explanations, completion and more while rules are typed
    Lsp(lsp::Args),
    /// Run the cases of the rules' pages through the whole engine; exit code 1 if one of them fails
    Test(test::Args),
    /// Report from recorded shadow findings what noise rules with the status `test` or `experimental` would make
    Promote(promote::Args),
    /// List exceptions: in force, ended, never used; exit code 1 if one can't be read
    Exceptions(exceptions::Args),
    /// Tell for one event, selection by selection, why rules match it or not
    Explain(explain::Args),
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// Lines for people
    #[default]
    Text,
    /// JSON for machines
    Json,
}

/// Runs one of them.
pub(crate) fn main(command: &Command) -> Result<Exit> {
    match command {
        Command::Check(args) => check::main(args),
        Command::List(args) => list::main(args),
        Command::Graph(args) => graph::main(args),
        Command::New(args) => new::main(args),
        Command::Schema(args) => schema::main(args),
        Command::Lsp(args) => lsp::main(args),
        Command::Test(args) => test::main(args),
        Command::Promote(args) => promote::main(args),
        Command::Exceptions(args) => exceptions::main(args),
        Command::Explain(args) => explain::main(args),
    }
}
