//! What people share while they work: numbers that count up, and the tickets that wait for somebody. Bounded by the depth of the queues.

use std::collections::{BTreeMap, VecDeque};

use crate::accounts::AccountIndex;
use crate::act::{ActorIndex, Queue, Ticket};
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
    /// Since when tickets are open that nobody has worked on, and who opened them; kept only for those who ask.
    unworked: Option<BTreeMap<u32, Opened>>,
}

/// When a ticket was opened, and by whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opened {
    pub(crate) at_ms: i64,
    pub(crate) by: ActorIndex,
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
            unworked: None,
        }
    }

    /// The same, with a book of who opened which ticket when. Then numbers are even (odd ones are free for tickets that others make
    /// up), and an escalation is a ticket of its own, since a ticket in a table has one assignee.
    #[must_use]
    pub(crate) fn with_book(self) -> Self {
        Self { unworked: Some(BTreeMap::new()), ..self }
    }

    /// Whether people look at celebrities now and then. Where everything that is wrong is labelled, nobody honest does.
    pub(crate) fn allows_curiosity(&self) -> bool {
        self.unworked.is_none()
    }

    /// Notes down who opened `ticket`.
    pub(crate) fn opened(&mut self, ticket: Ticket, at_ms: i64, by: ActorIndex) {
        if let Some(unworked) = &mut self.unworked {
            unworked.insert(ticket.number, Opened { at_ms, by });
        }
    }

    /// Who opened the ticket, told once.
    pub(crate) fn take_opened(&mut self, number: u32) -> Option<Opened> {
        self.unworked.as_mut()?.remove(&number)
    }

    /// The ticket under which another desk goes on with `ticket`.
    pub(crate) fn escalated(&mut self, ticket: Ticket, at_ms: i64, by: ActorIndex) -> Ticket {
        if self.unworked.is_none() {
            return ticket;
        }
        let ticket = self.number(ticket.queue);
        self.opened(ticket, at_ms, by);
        ticket
    }

    /// A new ticket.
    pub(crate) fn number(&mut self, queue: Queue) -> Ticket {
        self.tickets = self.tickets.wrapping_add(if self.unworked.is_some() { 2 } else { 1 });
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
        } else {
            self.take_opened(waiting.ticket.number);
        }
    }

    /// The ticket that has waited longest, if it was opened before `before_ms`.
    pub(crate) fn take(&mut self, desk: Desk, before_ms: i64) -> Option<Waiting> {
        let queue = &mut self.waiting[desk as usize];
        queue.front().filter(|it| it.opened_ms < before_ms)?;
        queue.pop_front()
    }
}
