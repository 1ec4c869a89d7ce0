//! The hot path of one shard: bytes are decoded into events, matched against the rules, and kept in windows; what fires becomes an alert.
#![deny(clippy::disallowed_methods)]

pub mod ahead;
mod alerting;
pub mod behaviour;
pub mod book;
mod bytes;
pub mod carry;
mod climb;
pub mod computed;
pub mod context;
pub mod decode;
pub mod exchange;
pub mod explain;
mod hits;
pub mod pages;
pub mod pipeline;
mod places;
pub mod policy;
mod prefetch;
pub mod pulse;
pub mod reader;
pub mod repartition;
mod reread;
pub mod seen;
pub mod shard;
mod small_text;
pub mod snapshot;
pub mod targets;
pub mod triage;
pub mod watermark;
pub mod windows;

pub use ahead::{Ahead, Spare};
pub use behaviour::{Behaviour, BehaviourSettings, BehaviourStats};
pub use book::Rulebook;
pub use context::Context;
pub use exchange::{Exchange, Routed, order_hits};
pub use pipeline::{Pipeline, Settings, Tally};
pub use policy::Policy;
pub use pulse::Pulse;
pub use reader::{Head, Plausible, Reader, Record};
pub use shard::{Emitted, Findings, Lane, Outbox, Shard, Sheet, Verdict};
pub use small_text::SmallText;
pub use targets::Touched;
pub use triage::Triage;
pub use watermark::{Tick, Watermark};
pub use windows::{WindowLimits, WindowStats};
