//! Context from a compacted topic: the key of a record is `TABLE/ROW`, its value the row as a JSON object, an empty value takes the row away.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::context::{File, Table, checked_row};
use model::EventTime;
use stream::kafka::TailMessage;

use super::feed;
use super::reload::ReloadHandle;
use crate::metrics::Metrics;

/// Most rows that the topic may have.
const ROWS_MAX: usize = 5_000_000;
/// Longest value of a record in bytes.
const RECORD_BYTES_MAX: usize = 256 * 1024;

/// What the topic says so far.
pub(super) struct Rows {
    topic: String,
    /// By table and the rest of the key.
    by_key: BTreeMap<(Table, String), String>,
    /// When the newest record that holds was written.
    newest: Option<EventTime>,
    metrics: Arc<Metrics>,
}

impl Rows {
    /// Nothing yet of `topic`.
    pub(super) fn of(topic: &str, metrics: Arc<Metrics>) -> Self {
        Self { topic: topic.to_owned(), by_key: BTreeMap::new(), newest: None, metrics }
    }

    /// The rows as files of tables.
    fn files(&self) -> Vec<File> {
        let mut files: Vec<(Table, File)> = Vec::new();
        for ((table, _), row) in &self.by_key {
            if files.last().is_none_or(|(of, _)| of != table) {
                let name = format!("{}.ndjson", table.name());
                files.push((*table, File { path: format!("topic {}", self.topic), name, text: String::new() }));
            }
            if let Some((_, file)) = files.last_mut() {
                file.text.push_str(row);
                file.text.push('\n');
            }
        }
        files.into_iter().map(|it| it.1).collect()
    }

    fn row(&mut self, key: &[u8], value: &[u8]) -> Result<bool, String> {
        let key = std::str::from_utf8(key).map_err(|_| "the key is no text")?;
        let (table, row) = key.split_once('/').filter(|(_, row)| !row.is_empty()).ok_or("the key is not TABLE/ROW")?;
        let table = Table::named(table).ok_or_else(|| {
            let names: Vec<&str> = Table::ALL.iter().map(|it| it.name()).collect();
            format!("there is no table `{table}`; there are: {}", names.join(", "))
        })?;
        let place = (table, row.to_owned());
        if value.is_empty() {
            return Ok(self.by_key.remove(&place).is_some());
        }
        if value.len() > RECORD_BYTES_MAX {
            return Err(format!("the value has {} bytes, at most {RECORD_BYTES_MAX} are read", value.len()));
        }
        let value = std::str::from_utf8(value).map_err(|_| "the value is not UTF-8")?;
        let value = checked_row(table, value)?;
        if self.by_key.len() >= ROWS_MAX && !self.by_key.contains_key(&place) {
            return Err(format!("there are {ROWS_MAX} rows already"));
        }
        Ok(self.by_key.insert(place, value.clone()) != Some(value))
    }
}

impl feed::Table for Rows {
    const ABOUT: &'static str = "context";
    const BAD: &'static str = "bad_context_row";

    fn change(&mut self, message: &TailMessage) -> Result<bool, String> {
        let is_changed = self.row(&message.key, &message.value)?;
        self.newest = self.newest.max(message.timestamp_ms.map(EventTime::from_ms));
        Ok(is_changed)
    }

    fn count(&self, outcome: &'static str) {
        self.metrics.loaded.context_record(outcome);
    }

    fn put_in_force(&self, reload: &ReloadHandle) {
        reload.context(self.files());
        self.metrics.loaded.context_newest(self.newest);
    }
}
