//! What people share while they work: numbers that count up, and the tickets that wait for somebody. Bounded by the depth of the queues.

use std::collections::VecDeque;

use crate::accounts::AccountIndex;
use crate::act::{Queue, Ticket};
use crate::vocabulary::Reason;

/// Who works on a customer's ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Desk {
    FirstLine,
    SecondLine,
    Safety,
    Vip,
}

/// A customer's ticket that nobody works on yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting {
    pub(crate) ticket: Ticket,
    pub(crate) account: AccountIndex,
    pub(crate) reason: Reason,
    pub(crate) opened_ms: i64,
}

/// Tickets waiting at one desk may not exceed this number, whatever the size of the company.
const DEPTH_MAX: usize = 400;

#[derive(Debug)]
pub(crate) struct Shared {
    tickets: u32,
    sessions: u32,
    waiting: [VecDeque<Waiting>; 4],
    depths: [usize; 4],
}

impl Shared {
    pub(crate) fn new(people: u32, actors: usize) -> Self {
        let people = people as usize;
        Self {
            tickets: 184_200,
            // Services' sessions carry the numbers of their actors.
            sessions: actors as u32,
            waiting: Default::default(),
            depths: [people / 8, people / 16, people / 12, 3].map(|it| it.clamp(2, DEPTH_MAX)),
        }
    }

    /// A new ticket.
    pub(crate) fn number(&mut self, queue: Queue) -> Ticket {
        self.tickets = self.tickets.wrapping_add(1);
        Ticket { queue, number: self.tickets }
    }

    /// A new session.
    pub(crate) fn session_id(&mut self) -> u32 {
        self.sessions = self.sessions.wrapping_add(1);
        self.sessions
    }

    /// Whether `desk` has less work waiting than it likes to.
    pub(crate) fn has_room(&self, desk: Desk) -> bool {
        self.waiting[desk as usize].len() < self.depths[desk as usize]
    }

    /// Puts a ticket at the end of the queue. A desk that is far behind turns it away.
    pub(crate) fn wait(&mut self, desk: Desk, waiting: Waiting) {
        if self.waiting[desk as usize].len() < 2 * DEPTH_MAX {
            self.waiting[desk as usize].push_back(waiting);
        }
    }

    /// The ticket that has waited longest, if it was opened before `before_ms`.
    pub(crate) fn take(&mut self, desk: Desk, before_ms: i64) -> Option<Waiting> {
        let queue = &mut self.waiting[desk as usize];
        queue.front().filter(|it| it.opened_ms < before_ms)?;
        queue.pop_front()
    }
}
