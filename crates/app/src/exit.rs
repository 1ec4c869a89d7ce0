//! How the process ends: the exit code says whose turn it is.

use crate::show::escaped;
use std::fmt;
use std::process::ExitCode;

/// How a command that ran to its end went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Code 0: done.
    Done,
    /// Code 1: the thing that was checked is not in order.
    Failed,
    /// Code 3: it went on to the end, but a part of the input could not be read.
    Incomplete,
}

/// An error of the command line or the configuration: code 2. Every other error is one of input or output: code 3.
#[derive(Debug)]
pub(crate) struct Usage(String);

impl Usage {
    /// What is wrong and what to write instead.
    #[expect(clippy::new_ret_no_self, reason = "nobody needs the error but as the cause of a failed command")]
    pub(crate) fn new(message: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Self(message.into()))
    }

    /// For `map_err`: the error's own words, as an error of usage.
    pub(crate) fn because(error: impl fmt::Display) -> anyhow::Error {
        Self::new(error.to_string())
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Tells people about an error and turns the outcome of a command into the code of the process.
pub(crate) fn code(outcome: anyhow::Result<Exit>) -> ExitCode {
    let error = match outcome {
        Ok(Exit::Done) => return ExitCode::SUCCESS,
        Ok(Exit::Failed) => return ExitCode::from(1),
        Ok(Exit::Incomplete) => return ExitCode::from(3),
        Err(error) => error,
    };
    // Whoever reads our output (`| head`) has seen enough: that is a good end.
    if is_broken_pipe(&error) {
        return ExitCode::SUCCESS;
    }
    // Nobody is left to tell when stderr is gone as well.
    let _ = std::io::Write::write_fmt(&mut anstream::stderr(), format_args!("error: {}\n", told(&error)));
    let is_usage = error.chain().any(<dyn std::error::Error>::is::<Usage>);
    ExitCode::from(if is_usage { 2 } else { 3 })
}

/// The error and its causes in one line, unless the error itself has several. Many an error repeats its cause at its own end: that
/// is told once. File names and such are foreign text.
fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text.split('\n').map(escaped).collect::<Vec<_>>().join("\n")
}

/// Whether the reader of our output has gone.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let is_pipe = |it: &std::io::Error| it.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|it| it.downcast_ref().is_some_and(is_pipe))
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn a_cause_that_the_error_repeats_is_told_once() {
        let inner = stream::files::ReadError::Open { path: "x\x1b".to_owned(), source: std::io::Error::other("gone") };
        let error = Err::<(), _>(inner).context("cannot score x").unwrap_err();
        assert_eq!(told(&error), "cannot score x: cannot open x\\u{1b}: gone");
    }
}
