//! The configuration of `nightjar run`: one TOML file, every key of which can be overridden from the environment.

mod error;
mod overrides;
mod sections;
#[cfg(test)]
mod tests;

use std::path::Path;

use serde::Deserialize;

pub(crate) use error::ConfigError;
pub(crate) use sections::{
    Behaviour, Checkpoints, Context, Exceptions, Exchange, Http, Kafka, Limits, Log, LogFormat, Output, Rules, Source,
};

/// Everything that `nightjar run` can be told. `Debug` shows no secret: secrets are named by file or variable and read elsewhere.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// How to reach the brokers.
    pub(crate) kafka: Kafka,
    /// What to read. Absent: the topic `audit-events` with native events.
    pub(crate) sources: Vec<Source>,
    /// Where results go.
    pub(crate) output: Output,
    /// Which rules to load.
    pub(crate) rules: Rules,
    /// How alerts about behaviour become few.
    pub(crate) behaviour: Behaviour,
    /// Which alerts page nobody for a while.
    pub(crate) exceptions: Exceptions,
    /// What is known besides the events, apart from files.
    pub(crate) context: Context,
    /// How partitions work together.
    pub(crate) exchange: Exchange,
    /// What outlives the process.
    pub(crate) checkpoints: Checkpoints,
    /// What bounds memory and time.
    pub(crate) limits: Limits,
    /// The endpoint for metrics and health.
    pub(crate) http: Http,
    /// What is logged, and how.
    pub(crate) log: Log,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            kafka: Kafka::default(),
            sources: vec![Source::default()],
            output: Output::default(),
            rules: Rules::default(),
            behaviour: Behaviour::default(),
            exceptions: Exceptions::default(),
            context: Context::default(),
            exchange: Exchange::default(),
            checkpoints: Checkpoints::default(),
            limits: Limits::default(),
            http: Http::default(),
            log: Log::default(),
        }
    }
}

impl Config {
    /// Reads the file at `path` and then the overrides in `environment`, which is usually [`std::env::vars`].
    pub(crate) fn load(path: &Path, environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable { file: file.clone(), error })?;
        Self::parse(&file, &text, environment)
    }

    /// The same from a text; `file` is its name in errors.
    pub(crate) fn parse(
        file: &str,
        text: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        // The file on its own first: only here are lines known.
        let config: Self = toml::from_str(text).map_err(|error| ConfigError::in_file(file, text, &error))?;
        let table: toml::Table = toml::from_str(text).map_err(|error| ConfigError::in_file(file, text, &error))?;
        let config = overrides::apply(config, table, environment)?;
        config.check()?;
        Ok(config)
    }

    /// What types cannot say. Everything that needs files or brokers is checked where they are used.
    fn check(&self) -> Result<(), ConfigError> {
        for (key, value) in self.limits.at_least_one() {
            if value == 0 {
                return Err(ConfigError::Wrong(format!("limits.{key} is 0, it must be at least 1")));
            }
        }
        if self.limits.lateness_ms < 0 || self.limits.future_skew_ms < 0 {
            return Err(ConfigError::Wrong("limits.lateness_ms and limits.future_skew_ms must not be negative".to_owned()));
        }
        if self.sources.is_empty() {
            return Err(ConfigError::Wrong("there is no [[sources]]: nothing would be read".to_owned()));
        }
        if self.rules.directories.is_empty() {
            return Err(ConfigError::Wrong("rules.directories is empty: nothing would be found".to_owned()));
        }
        let mut topics: Vec<&String> = self.sources.iter().flat_map(|it| &it.topics).collect();
        topics.sort_unstable();
        if let Some((twice, _)) = topics.iter().zip(topics.iter().skip(1)).find(|(one, next)| one == next) {
            return Err(ConfigError::Wrong(format!("topic {twice:?} is in [[sources]] twice")));
        }
        if self.sources.iter().any(|it| it.topics.contains(&self.exceptions.topic)) {
            return Err(ConfigError::Wrong("exceptions.topic is one of the topics with events".to_owned()));
        }
        self.behaviour.triage().map_err(ConfigError::Wrong)?;
        self.kafka.start().map_err(ConfigError::Wrong)?;
        self.kafka_config().check().map_err(|error| ConfigError::Wrong(error.to_string()))
    }
}
