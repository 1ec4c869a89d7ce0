//! What the process tells Prometheus. Every metric is declared in this module and nowhere else, and is described in the crate's README.
//!
//! Metrics are fields of a few structs, by what they are about; a call site is one line without a name in quotes.

mod catalogue;
mod checkpoints;
mod exchange;
mod input;
mod loaded;
mod member;
mod output;
mod progress;
mod pulse;
mod state;
#[cfg(test)]
mod tests;
mod transactions;
mod triage;

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::{Registry, TextEncoder};

use catalogue::Catalogue;
pub(crate) use checkpoints::CheckpointMetrics;
pub(crate) use exchange::{ExchangeMetrics, ExchangeState};
pub(crate) use input::{InputCounts, InputMetrics, SourceMetrics};
pub(crate) use loaded::LoadedMetrics;
pub(crate) use member::MemberMetrics;
pub(crate) use output::OutputMetrics;
pub(crate) use pulse::PulseMetrics;
pub(crate) use state::{PartitionState, StateMetrics};
pub(crate) use transactions::TransactionMetrics;
pub(crate) use triage::TriageMetrics;

/// All metrics of a process.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// Events in.
    pub(crate) input: InputMetrics,
    /// Alerts and dead letters out.
    pub(crate) output: OutputMetrics,
    /// What is in memory.
    pub(crate) state: StateMetrics,
    /// The consumer group's member.
    pub(crate) member: MemberMetrics,
    /// How results are committed.
    pub(crate) transactions: TransactionMetrics,
    /// What becomes of behaviour.
    pub(crate) triage: TriageMetrics,
    /// What partitions send each other.
    pub(crate) exchange: ExchangeMetrics,
    /// Whether sources are still heard of.
    pub(crate) pulse: PulseMetrics,
    /// What is kept of partitions.
    pub(crate) checkpoints: CheckpointMetrics,
    /// Rules and build.
    pub(crate) loaded: LoadedMetrics,
    registry: Registry,
    #[cfg(test)]
    names: Vec<String>,
}

impl Metrics {
    /// All metrics, in a registry of their own.
    pub(crate) fn new() -> Self {
        let mut catalogue = Catalogue::default();
        Self {
            input: InputMetrics::new(&mut catalogue),
            output: OutputMetrics::new(&mut catalogue),
            state: StateMetrics::new(&mut catalogue),
            member: MemberMetrics::new(&mut catalogue),
            transactions: TransactionMetrics::new(&mut catalogue),
            triage: TriageMetrics::new(&mut catalogue),
            exchange: ExchangeMetrics::new(&mut catalogue),
            pulse: PulseMetrics::new(&mut catalogue),
            checkpoints: CheckpointMetrics::new(&mut catalogue),
            loaded: LoadedMetrics::new(&mut catalogue),
            #[cfg(test)]
            names: catalogue.names(),
            registry: catalogue.into_registry(),
        }
    }

    /// Everything in Prometheus' text format, version 0.0.4.
    pub(crate) fn to_text(&self) -> String {
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|it| i64::try_from(it.as_millis()).ok());
        self.member.look(now_ms.unwrap_or(0));
        self.checkpoints.look();
        let encoded = TextEncoder::new().encode_to_string(&self.registry.gather());
        // Fails only for a family without metrics, which the registry does not gather.
        encoded.unwrap_or_else(|error| format!("# {error}\n"))
    }
}
