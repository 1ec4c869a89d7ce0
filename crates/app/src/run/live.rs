//! The rules that are in force: one book for all partitions, swapped as a whole.

use std::sync::{Arc, PoisonError, RwLock};

use engine::carry::{Carried, CarryOver};
use engine::{Rulebook, WindowLimits};

use crate::metrics::Metrics;

/// Each partition looks at it before a batch, so that a batch is scored by one set of rules from its first event to its last.
#[derive(Debug)]
pub(crate) struct LiveRules {
    book: RwLock<Arc<Rulebook>>,
    limits: WindowLimits,
    metrics: Arc<Metrics>,
}

impl LiveRules {
    /// The rules that a process begins with.
    pub(crate) fn new(book: Rulebook, limits: WindowLimits, metrics: &Arc<Metrics>) -> Arc<Self> {
        let book = Arc::new(book);
        metrics.state.limited(limits, book.set.correlations.len());
        Arc::new(Self { book: RwLock::new(book), limits, metrics: Arc::clone(metrics) })
    }

    /// The rules in force.
    pub(crate) fn book(&self) -> Arc<Rulebook> {
        Arc::clone(&self.book.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts other rules in force: in each partition before its next batch. Nobody compiles anything here.
    pub(super) fn swap(&self, book: Rulebook) -> Carried {
        let book = Arc::new(book);
        let before = self.book();
        let carried = CarryOver::between(&before.set, &book.set).carried;
        self.metrics.state.limited(self.limits, book.set.correlations.len());
        *self.book.write().unwrap_or_else(PoisonError::into_inner) = book;
        carried
    }
}
