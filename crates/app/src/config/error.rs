//! What is wrong with a configuration, where, and what was probably meant.

use sigma::parse::nearest::nearest;

/// A configuration that can't be used. Always the user's to fix: exit code 2.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file can't be read.
    #[error("cannot read the configuration {file}: {error}")]
    Unreadable {
        /// The file, as it was named.
        file: String,
        /// Why not.
        error: std::io::Error,
    },
    /// The file is no TOML, or has a key or value that is none of ours.
    #[error("{file}:{line}:{column}: {message}")]
    InFile {
        /// The file, as it was named.
        file: String,
        /// 1-based line.
        line: usize,
        /// 1-based column, in characters.
        column: usize,
        /// What is wrong, and the nearest key that there is.
        message: String,
    },
    /// An environment variable names no key, or has a value that the key can't take.
    #[error("environment variable {name}: {message}")]
    InEnvironment {
        /// The variable.
        name: String,
        /// What is wrong, and the nearest key that there is.
        message: String,
    },
    /// Keys and values are ours, but do not make sense.
    #[error("{0}")]
    Wrong(String),
}

impl ConfigError {
    /// An error that the TOML reader found in `text`.
    pub(super) fn in_file(file: &str, text: &str, error: &toml::de::Error) -> Self {
        let at = error.span().map_or(0, |it| it.start).min(text.len());
        let before = text.get(..at).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |it| it + 1);
        Self::InFile {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: with_neighbour(error.message()),
        }
    }

    /// An error that came in with the variable `name`.
    pub(super) fn in_environment(name: &str, error: &toml::de::Error) -> Self {
        Self::InEnvironment { name: name.to_owned(), message: with_neighbour(error.message()) }
    }
}

/// Puts the nearest known word behind "unknown field `x`, expected one of `y`, `z`", as serde words it.
fn with_neighbour(message: &str) -> String {
    let message = message.trim_end().replace("unknown field", "unknown key");
    let mut quoted = message.split('`').skip(1).step_by(2);
    let is_unknown = message.starts_with("unknown key") || message.starts_with("unknown variant");
    let Some(wrong) = quoted.next().filter(|_| is_unknown) else { return message };
    match nearest(wrong, quoted) {
        Some(meant) => format!("{}; did you mean `{meant}`?", message.lines().next().unwrap_or(&message)),
        None => message,
    }
}
