//! What the words of events are known by: the same actions, tools, devices and zones come again and again, so that what was looked up for
//! one event is remembered for the next. Nothing depends on what is remembered; it is only found sooner.

use crate::context::Context;
use crate::context::names::Name;
use crate::triage::is_sign_in;
use crate::windows::Identity;
use jiff::tz::TimeZone;
use model::source::{Outcome, OutcomeWords};
use sigma::parse::taxonomy::ActionClass;

/// Places for texts, and for actions: a text that comes takes the place of the one before. 64 and 6 KiB.
const TEXTS: usize = 1_024;
const ACTIONS: usize = 128;
const OUTCOMES: usize = 16;
/// Longer texts are looked up each time.
const TEXT_BYTES: usize = 39;
/// Zones beyond these are looked up each time.
const ZONES_MAX: usize = 64;

/// What a text is known by.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Word {
    pub(super) identity: Identity,
    /// Its number in the context, if any table has it.
    pub(super) name: Option<Name>,
}

/// What an action is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Action {
    pub(super) class: ActionClass,
    pub(super) is_sign_in: bool,
}

/// A short text and what is known of it. 64 bytes for a [`Word`].
#[derive(Debug, Clone, Copy)]
struct Slot<T> {
    known: T,
    length: u8,
    text: [u8; TEXT_BYTES],
}

/// What was looked up lately, under one context and one plan.
#[derive(Debug, Default)]
pub(super) struct Words {
    texts: Kept<Word, TEXTS>,
    actions: Kept<Action, ACTIONS>,
    outcomes: Kept<Outcome, OUTCOMES>,
    zones: Vec<(Box<str>, Option<TimeZone>)>,
}

impl Words {
    /// What `text`, which is not empty, is known by.
    pub(super) fn word(&mut self, text: &str, context: &Context) -> Word {
        self.texts.find(text, || Word { identity: Identity::of([text]), name: context.names.find(text) })
    }

    /// What the action `text` is.
    pub(super) fn action(&mut self, text: &str, context: &Context) -> Action {
        self.actions.find(text, || Action { class: context.taxonomy.class(text), is_sign_in: is_sign_in(text) })
    }

    /// What `text` says became of what was tried.
    pub(super) fn outcome(&mut self, text: &str, words: &OutcomeWords) -> Outcome {
        self.outcomes.find(text, || words.read(Some(text)))
    }

    /// The zone of that name, whether or not the context has it.
    pub(super) fn zone(&mut self, name: &str, context: &Context) -> Option<TimeZone> {
        if let Some((_, zone)) = self.zones.iter().find(|(it, _)| **it == *name) {
            return zone.clone();
        }
        let zone = context.zones.find(name);
        if self.zones.len() < ZONES_MAX {
            self.zones.push((name.into(), zone.clone()));
        }
        zone
    }
}

/// Texts by their place, with what is known of each.
#[derive(Debug)]
struct Kept<T, const PLACES: usize>(Box<[Option<Slot<T>>]>);

impl<T: Copy, const PLACES: usize> Default for Kept<T, PLACES> {
    fn default() -> Self {
        const { assert!(PLACES.is_power_of_two()) };
        Self(vec![None; PLACES].into())
    }
}

impl<T: Copy, const PLACES: usize> Kept<T, PLACES> {
    fn find(&mut self, text: &str, look_up: impl FnOnce() -> T) -> T {
        let bytes = text.as_bytes();
        let Some(length) = u8::try_from(bytes.len()).ok().filter(|it| usize::from(*it) <= TEXT_BYTES) else { return look_up() };
        let slot = &mut self.0[place(bytes) & (PLACES - 1)];
        if let Some(it) = slot
            && it.length == length
            && it.text[..bytes.len()] == *bytes
        {
            return it.known;
        }
        let known = look_up();
        let mut text = [0; TEXT_BYTES];
        text[..bytes.len()].copy_from_slice(bytes);
        *slot = Some(Slot { known, length, text });
        known
    }
}

/// Where a text is looked for, by both its ends.
fn place(text: &[u8]) -> usize {
    let (first, last) = match (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => (text.iter().fold(0, |bits, it| bits << 8 | u64::from(*it)), 0),
    };
    let mixed = (first ^ last.rotate_left(29) ^ text.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(mixed >> 48).expect("16 bits")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However texts take each other's places, each is known by what a look-up says.
        #[test]
        fn what_is_remembered_is_what_a_look_up_says(texts in proptest::collection::vec("[a-c]{1,3}|[a-b.]{36,44}|[a-z]{8}", 1..60)) {
            let mut kept = Kept::<Identity, 4>::default();
            for text in &texts {
                prop_assert_eq!(kept.find(text, || Identity::of([text])), Identity::of([text]));
            }
        }

        #[test]
        fn words_actions_and_zones_are_those_of_the_context(text in "account\\.view|session\\.login(\\.x)?|Europe/Dublin|UTC|No/Where|[a-z]{1,50}") {
            let (mut words, context) = (Words::default(), Context::default());
            for _ in 0..2 {
                prop_assert_eq!(words.word(&text, &context).identity, Identity::of([&text]));
                prop_assert_eq!(words.word(&text, &context).name, context.names.find(&text));
                let action = words.action(&text, &context);
                prop_assert_eq!((action.class, action.is_sign_in), (context.taxonomy.class(&text), is_sign_in(&text)));
                prop_assert_eq!(words.zone(&text, &context), context.zones.find(&text));
            }
        }
    }
}
