//! Whether the process is alive, and whether it does its work.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Longer than this without a poll, and the process is taken for stuck. A partition that is given up may take
/// `drain_timeout_ms` (20 s) of that.
const POLL_MAX: Duration = Duration::from_secs(30);

/// What the probes of an orchestrator ask for.
#[derive(Debug)]
pub(crate) struct Health {
    started: Instant,
    /// Milliseconds from the start to the last poll.
    polled_ms: AtomicU64,
    has_rules: AtomicBool,
    is_member: AtomicBool,
    is_stopping: AtomicBool,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            polled_ms: AtomicU64::new(0),
            has_rules: AtomicBool::new(false),
            is_member: AtomicBool::new(false),
            is_stopping: AtomicBool::new(false),
        }
    }
}

impl Health {
    /// The consumer was polled.
    pub(crate) fn polled(&self) {
        self.polled_ms.store(self.age_ms(), Ordering::Relaxed);
    }

    /// Rules are loaded.
    pub(crate) fn loaded(&self) {
        self.has_rules.store(true, Ordering::Relaxed);
    }

    /// The group has given us our partitions, which may be none.
    pub(crate) fn joined(&self) {
        self.is_member.store(true, Ordering::Relaxed);
    }

    /// The process is on its way out.
    pub(crate) fn stopping(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Whether the poll loop makes progress; else why not.
    pub(crate) fn alive(&self) -> Result<(), String> {
        self.alive_at(self.age_ms())
    }

    /// Whether there is work being done; else why not.
    pub(crate) fn ready(&self) -> Result<(), String> {
        if self.is_stopping.load(Ordering::Relaxed) {
            return Err("stopping".to_owned());
        }
        if !self.has_rules.load(Ordering::Relaxed) {
            return Err("no rules are loaded yet".to_owned());
        }
        if !self.is_member.load(Ordering::Relaxed) {
            return Err("the consumer group has not assigned partitions yet".to_owned());
        }
        self.alive()
    }

    fn alive_at(&self, age_ms: u64) -> Result<(), String> {
        let since = Duration::from_millis(age_ms.saturating_sub(self.polled_ms.load(Ordering::Relaxed)));
        if since <= POLL_MAX { Ok(()) } else { Err(format!("the last poll was {} s ago", since.as_secs())) }
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_alive_until_it_has_not_polled_for_half_a_minute() {
        let health = Health::default();
        assert!(health.alive_at(30_000).is_ok());
        assert!(health.alive_at(31_000).unwrap_err().contains("31 s"));
        health.polled_ms.store(5_000, Ordering::Relaxed);
        assert!(health.alive_at(31_000).is_ok());
    }

    #[test]
    fn a_process_is_ready_with_rules_and_partitions_until_it_stops() {
        let health = Health::default();
        assert!(health.ready().unwrap_err().contains("rules"));
        health.loaded();
        assert!(health.ready().unwrap_err().contains("partitions"));
        health.joined();
        assert_eq!(health.ready(), Ok(()));
        health.stopping();
        assert!(health.ready().unwrap_err().contains("stopping"));
    }
}
