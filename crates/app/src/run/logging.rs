//! Log lines on stderr, as text or as JSON.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use crate::config::{ConfigError, Log, LogFormat};

/// Logs from now on. A second call in one process changes nothing.
pub(crate) fn start(log: &Log) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(&log.level)
        .map_err(|error| ConfigError::Wrong(format!("log.level {:?} is no filter: {error}", log.level)))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    // Fails only when a subscriber is there already.
    drop(match log.format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.with_ansi(has_colour()).try_init(),
    });
    Ok(())
}

/// See <https://no-color.org>.
fn has_colour() -> bool {
    stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty())
}
