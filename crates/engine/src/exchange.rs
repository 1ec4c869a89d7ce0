//! Hits that are grouped by something else than the actor, on their way to the shard that keeps their group.

use crate::alerting::{Trigger, correlation_alert};
use crate::book::Rulebook;
use crate::shard::{Emitted, order_of};
use crate::windows::{Hit, WindowLimits, WindowStats, Windows};
use model::EventTime;
use sigma::compile::RuleIndex;
use std::sync::Arc;

/// A hit with what an alert needs to know about its event.
#[derive(Debug, Clone)]
pub struct Routed {
    /// Where the event stands in the input.
    pub position: u64,
    /// Which of the rulebook's programs read it.
    pub source: u16,
    /// The rule that matched.
    pub rule: RuleIndex,
    /// The hit.
    pub hit: Hit,
    /// The watermark of the input when the event was read.
    pub watermark: EventTime,
    /// The event's line.
    pub line: Arc<str>,
}

impl Routed {
    /// Which of `shards` keeps its group.
    pub fn shard(&self, shards: usize) -> usize {
        self.hit.group.shard(shards)
    }
}

/// The windows of the groups that belong to one shard of the exchange.
#[derive(Debug)]
pub struct Exchange {
    pub(crate) windows: Windows,
}

impl Exchange {
    /// An empty one.
    pub fn new(book: &Rulebook, limits: WindowLimits) -> Self {
        Self { windows: Windows::new(&book.set, limits) }
    }

    /// Puts a hit into its window. Hits have to come in the order of their positions.
    pub fn accept(&mut self, book: &Rulebook, routed: &Routed, alerts: &mut Vec<Emitted>) {
        let Some(fired) = self.windows.hit(&routed.hit, routed.watermark) else { return };
        let program = &book.programs[usize::from(routed.source)];
        let trigger = Trigger { program, policy: &book.policy, rule: routed.rule, line: &routed.line, time: routed.hit.time };
        let correlation = routed.hit.correlation;
        let alert = correlation_alert(&trigger, correlation, fired);
        alerts.push(Emitted { position: routed.position, order: order_of(program, correlation.0), alert });
    }

    /// How full the windows are.
    pub fn window_stats(&self) -> WindowStats {
        self.windows.stats()
    }
}
