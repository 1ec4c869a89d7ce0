//! Who looked a target up, and who did which step of a takeover to it.

use super::{DAY, Touch};
use crate::observation::{Step, key_of};
use serde::{Deserialize, Serialize};

/// Who, and when last. 8 bytes; a time of 0 is nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Mark {
    actor: u32,
    second: u32,
}

impl Mark {
    fn of(touch: &Touch) -> Self {
        Self { actor: key_of(touch.actor), second: touch.second }
    }
}

/// The two latest people who looked a target up, the later one first: whoever it is that asks, somebody else is among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Looks([Mark; 2]);

impl Looks {
    pub(super) fn add(&mut self, touch: &Touch) {
        if !touch.is_look() {
            return;
        }
        let look = Mark::of(touch);
        let [latest, other] = &mut self.0;
        if latest.actor == look.actor {
            latest.second = latest.second.max(look.second);
        } else if look.second >= latest.second {
            (*other, *latest) = (*latest, look);
        } else if other.actor == look.actor || look.second > other.second {
            *other = Mark { second: look.second.max(if other.actor == look.actor { other.second } else { 0 }), ..look };
        }
    }

    /// How many seconds before `touch` somebody else looked, within a day.
    pub(super) fn before(&self, touch: &Touch) -> Option<u32> {
        let me = key_of(touch.actor);
        let by_others = self.0.iter().filter(|it| it.second > 0 && it.actor != me && it.second <= touch.second);
        by_others.map(|it| touch.second - it.second).filter(|it| *it < DAY).min()
    }
}

/// What was done of a takeover of one target within 24 hours, the event itself included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Chain {
    /// How many different steps: contact change, second factor off, reset.
    pub steps: u8,
    /// By how many people.
    pub actors: u8,
    /// From the first of them to the last, in seconds.
    pub seconds: u32,
}

/// Who last did each step: contact change, second factor off, reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Steps([Mark; 3]);

const fn place(step: Step) -> usize {
    match step {
        Step::ContactChange => 0,
        Step::FactorOff => 1,
        Step::Reset => 2,
    }
}

impl Steps {
    pub(super) fn add(&mut self, touch: &Touch) {
        if let Some(step) = touch.step {
            let mark = &mut self.0[place(step)];
            if touch.second >= mark.second {
                *mark = Mark::of(touch);
            }
        }
    }

    /// How far it is, as of the target's latest second `end`, with `touch`.
    pub(super) fn with(mut self, touch: &Touch, end: u32) -> Chain {
        self.add(touch);
        let done = || self.0.iter().filter(|it| it.second > 0 && end.saturating_sub(it.second) < DAY);
        let mut actors: [Option<u32>; 3] = [None; 3];
        for it in done() {
            if let Some(place) = actors.iter_mut().find(|known| known.is_none_or(|known| known == it.actor)) {
                *place = Some(it.actor);
            }
        }
        let [first, last] = done().fold([u32::MAX, 0], |[first, last], it| [first.min(it.second), last.max(it.second)]);
        let count = |it: usize| u8::try_from(it).expect("three at most");
        Chain { steps: count(done().count()), actors: count(actors.iter().flatten().count()), seconds: last.saturating_sub(first) }
    }
}
