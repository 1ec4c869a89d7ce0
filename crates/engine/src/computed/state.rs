//! What computed fields remember of the actors of a shard.

mod tickets;

use serde::{Deserialize, Serialize};
pub use tickets::{TARGETS_MAX, TICKETS_MAX, TicketUses};

/// The memory of one shard.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// What tickets were used for.
    pub tickets: TicketUses,
}

impl State {
    /// Makes what is not saved out of what is.
    pub(crate) fn reindex(&mut self) {
        self.tickets.reindex();
    }
}
