//! Exceptions from a compacted topic: the key of a record is the id of an exception, its value the exception as JSON, an empty value
//! takes it back.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::policy::EXCEPTIONS_MAX;
use model::Exception;
use sigma::parse::exceptions::parse_record;
use stream::kafka::TailMessage;

use super::reload::ReloadHandle;
use super::{clock, feed};
use crate::metrics::Metrics;

/// What the topic says so far.
pub(super) struct Exceptions {
    by_id: BTreeMap<String, Exception>,
    metrics: Arc<Metrics>,
}

impl Exceptions {
    /// None yet.
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self { by_id: BTreeMap::new(), metrics }
    }
}

impl feed::Table for Exceptions {
    const ABOUT: &'static str = "exceptions";
    const BAD: &'static str = "bad_exception";

    fn change(&mut self, message: &TailMessage) -> Result<bool, String> {
        let key = std::str::from_utf8(&message.key).ok().filter(|it| !it.is_empty()).ok_or("the key is no text")?;
        if message.value.is_empty() {
            return Ok(self.by_id.remove(key).is_some());
        }
        let value = std::str::from_utf8(&message.value).map_err(|_| "the value is not UTF-8")?;
        let exception = parse_record(key, value, clock::now())?;
        if self.by_id.len() >= EXCEPTIONS_MAX && !self.by_id.contains_key(key) {
            return Err(format!("there are {EXCEPTIONS_MAX} exceptions already"));
        }
        Ok(self.by_id.insert(key.to_owned(), exception.clone()) != Some(exception))
    }

    fn count(&self, outcome: &'static str) {
        self.metrics.loaded.exception_record(outcome);
    }

    fn put_in_force(&self, reload: &ReloadHandle) {
        reload.exceptions(self.by_id.values().cloned().collect());
    }
}
