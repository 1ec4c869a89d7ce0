//! How the pulse of a source stands, for metrics and statistics.

use super::canary::CanaryStats;
use super::sequence::SequenceStats;
use serde::Serialize;

/// How it stands, for metrics.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PulseStats {
    /// The source as a whole, under the name of no stream, and its streams.
    pub streams: Vec<StreamStats>,
    /// Episodes in which nothing came, since the beginning.
    pub silences: u64,
    /// Episodes in which next to nothing came.
    pub drops: u64,
    /// Numbers.
    pub sequence: SequenceStats,
    /// The canary.
    pub canary: CanaryStats,
    /// Events that came after their minute was over.
    pub late: u64,
    /// Events that no stream could be kept for.
    pub unstreamed: u64,
    /// Events that were too far ahead to be kept in mind.
    pub ahead: u64,
}

/// How it stands with one stream.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StreamStats {
    /// Its name; empty: the source as a whole.
    pub name: String,
    /// For how long nothing came, in seconds of event time.
    pub silent_s: u64,
    /// Whether an episode is open.
    pub is_blind: bool,
    /// Whether it is known well enough to be missed.
    pub is_known: bool,
}
