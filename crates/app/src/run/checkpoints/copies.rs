//! How many copies of states there may be in memory.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};

/// There is never more than one copy of a state in memory: whoever makes one needs the permission for it, and gives it back when it is written.
#[derive(Debug)]
pub(super) struct Copies {
    free: Receiver<()>,
    give_back: Sender<()>,
    /// Who waits has precedence over those that come by.
    waiting: AtomicUsize,
}

/// The permission for a copy.
#[derive(Debug)]
pub(in crate::run) struct Permit(Sender<()>);

impl Copies {
    pub(super) fn new() -> Self {
        let (give_back, free) = bounded(1);
        give_back.send(()).expect("there is room, and the receiver is here");
        Self { free, give_back, waiting: AtomicUsize::new(0) }
    }

    pub(super) fn take(&self) -> Option<Permit> {
        if self.waiting.load(Ordering::Acquire) > 0 {
            return None;
        }
        self.free.try_recv().ok().map(|()| Permit(self.give_back.clone()))
    }

    pub(super) fn wait(&self, until: Instant) -> Option<Permit> {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let taken = self.free.recv_deadline(until);
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        taken.ok().map(|()| Permit(self.give_back.clone()))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        // There is one of them, so there is room for it.
        let _ = self.0.try_send(());
    }
}
