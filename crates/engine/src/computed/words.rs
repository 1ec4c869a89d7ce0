//! What the words of events are known by: the same actions, tools, devices and zones come again and again, so that what was looked up for
//! one event is remembered for the next. Nothing depends on what is remembered; it is only found sooner.

use crate::context::Context;
use crate::context::names::Name;
use crate::triage::is_sign_in;
use crate::windows::Identity;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use model::source::{Outcome, OutcomeWords};
use sigma::parse::taxonomy::ActionClass;
use std::net::IpAddr;
use std::num::NonZeroU64;

/// Places for texts, for addresses and for actions: a text that comes takes the place of the one before. 256, 96 and 10 KiB.
const TEXTS: usize = 4_096;
const ORIGINS: usize = 1_024;
const ACTIONS: usize = 128;
const OUTCOMES: usize = 16;
/// Longer texts are looked up each time.
const TEXT_BYTES: usize = 39;
/// Zones beyond these are looked up each time.
const ZONES_MAX: usize = 64;
const SECONDS_PER_HOUR: i64 = 3_600;

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
    /// Nothing of an empty text.
    pub(super) identity: Option<Identity>,
    pub(super) class: ActionClass,
    pub(super) is_sign_in: bool,
}

/// A short text and what is known of it. 64 bytes for a [`Word`].
#[derive(Debug, Clone, Copy)]
struct Slot<T> {
    text: Short,
    known: T,
}

/// Where an address is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    /// The address, if it is one.
    pub(super) address: Option<IpAddr>,
    /// The narrowest of the networks in the context that it is in.
    pub(super) listed: Option<Name>,
    /// What profiles know its network by.
    pub(super) network: Option<NonZeroU64>,
}

/// A text of 1 to [`TEXT_BYTES`] bytes, all of them: its length and, where it is longer than 32, what is in its middle; its first eight bytes and
/// its last; and, where it is longer than 16, those next to them. Some stand twice, and what there isn't is zero; so two texts are compared by
/// five numbers, whatever their lengths.
#[derive(Debug, Clone, Copy)]
struct Short([u64; 5]);

/// What was looked up lately, under one context and one plan.
#[derive(Debug, Default)]
pub(super) struct Words {
    texts: Kept<Word, TEXTS>,
    actions: Kept<Action, ACTIONS>,
    outcomes: Kept<Outcome, OUTCOMES>,
    origins: Kept<Origin, ORIGINS>,
    zones: Vec<Zone>,
}

/// A zone that was looked for, and how far its clocks were from UTC in the hour that was asked for last.
#[derive(Debug)]
struct Zone {
    name: Box<str>,
    clocks: Option<TimeZone>,
    hour: i64,
    offset: Option<Offset>,
}

impl Words {
    /// What `text`, which is not empty, is known by.
    pub(super) fn word(&mut self, text: &str, context: &Context) -> Word {
        self.texts.find(text, || Word { identity: Identity::of([text]), name: context.names.find(text) })
    }

    /// What the action `text` is.
    pub(super) fn action(&mut self, text: &str, context: &Context) -> Action {
        self.actions.find(text, || Action {
            identity: (!text.is_empty()).then(|| Identity::of([text])),
            class: context.taxonomy.class(text),
            is_sign_in: is_sign_in(text),
        })
    }

    /// What `text` says became of what was tried.
    pub(super) fn outcome(&mut self, text: &str, words: &OutcomeWords) -> Outcome {
        self.outcomes.find(text, || words.read(Some(text)))
    }

    /// Where the address `text` is; `look_up` finds out.
    pub(super) fn origin(&mut self, text: &str, look_up: impl FnOnce() -> Origin) -> Origin {
        self.origins.find(text, look_up)
    }

    /// The zone of that name, whether or not the context has it.
    pub(super) fn zone(&mut self, name: &str, context: &Context) -> Option<TimeZone> {
        match self.known_zone(name, context) {
            Some(known) => known.clocks.clone(),
            None => context.zones.find(name),
        }
    }

    /// How far the clocks of the zone of that name are from UTC; `None` if there is no such zone.
    pub(super) fn offset(&mut self, name: &str, at: Timestamp, context: &Context) -> Option<Offset> {
        let Some(known) = self.known_zone(name, context) else { return context.zones.find(name).map(|it| it.to_offset(at)) };
        let zone = known.clocks.as_ref()?;
        let hour = at.as_second().div_euclid(SECONDS_PER_HOUR);
        if known.hour != hour || known.offset.is_none() {
            // An hour with the same offset at both ends has no other in between.
            let end = |second: i64| Timestamp::from_second(second).map(|it| zone.to_offset(it)).ok();
            let [first, last] = [0, SECONDS_PER_HOUR - 1].map(|it| end(hour * SECONDS_PER_HOUR + it));
            (known.hour, known.offset) = (hour, first.filter(|_| first == last));
        }
        Some(known.offset.unwrap_or_else(|| zone.to_offset(at)))
    }

    /// `None` if there is no room for another one.
    fn known_zone(&mut self, name: &str, context: &Context) -> Option<&mut Zone> {
        let at = self.zones.iter().position(|it| *it.name == *name).unwrap_or(self.zones.len());
        if at == self.zones.len() && at < ZONES_MAX {
            self.zones.push(Zone { name: name.into(), clocks: context.zones.find(name), hour: 0, offset: None });
        }
        self.zones.get_mut(at)
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
    #[inline]
    fn find(&mut self, text: &str, look_up: impl FnOnce() -> T) -> T {
        let Some(text) = Short::of(text.as_bytes()) else { return look_up() };
        let slot = &mut self.0[text.place() & (PLACES - 1)];
        match slot {
            Some(it) if it.text.is(text) => it.known,
            _ => Self::keep(slot, text, look_up),
        }
    }

    #[cold]
    #[inline(never)]
    fn keep(slot: &mut Option<Slot<T>>, text: Short, look_up: impl FnOnce() -> T) -> T {
        let known = look_up();
        *slot = Some(Slot { text, known });
        known
    }
}

impl Short {
    /// Nothing of an empty text, or one that is too long.
    #[inline]
    fn of(text: &[u8]) -> Option<Self> {
        let length = text.len();
        let counted = length as u64;
        if length > 16 {
            if length > TEXT_BYTES {
                return None;
            }
            // Of more than 32 bytes at most seven are in none of the four parts.
            let middle = if length > 32 { eight(text, 16) << 8 } else { 0 };
            let last = length - 8;
            return Some(Self([counted | middle, eight(text, 0), eight(text, last), eight(text, 8), eight(text, last - 8)]));
        }
        if length >= 8 {
            return Some(Self([counted, eight(text, 0), eight(text, length - 8), 0, 0]));
        }
        // Two halves that overlap, or three bytes that do: what stands twice is the same both times.
        let all = match (text.first_chunk(), text.last_chunk(), text) {
            (Some(first), Some(last), _) => u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32,
            (.., [first, .., last]) => u64::from(*first) | u64::from(text[length / 2]) << 8 | u64::from(*last) << 16,
            (.., [only]) => u64::from(*only),
            (.., []) => return None,
        };
        Some(Self([counted, all, 0, 0, 0]))
    }

    /// Not the derived comparison, which goes through memory.
    #[inline]
    fn is(self, other: Self) -> bool {
        let (Self(one), Self(other)) = (self, other);
        let ends = (one[0] ^ other[0]) | (one[1] ^ other[1]) | (one[2] ^ other[2]);
        ends | (one[3] ^ other[3]) | (one[4] ^ other[4]) == 0
    }

    /// Where a text is looked for.
    #[inline]
    fn place(self) -> usize {
        let [length, first, last, ..] = self.0;
        let mixed = (first ^ last.rotate_left(29) ^ length).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        usize::try_from(mixed >> 48).expect("16 bits")
    }
}

/// Eight bytes of a text that has them.
#[inline]
fn eight(text: &[u8], from: usize) -> u64 {
    text[from..].first_chunk().map_or(0, |it| u64::from_le_bytes(*it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However texts take each other's places, each is known by what a look-up says.
        #[test]
        fn what_is_remembered_is_what_a_look_up_says(texts in proptest::collection::vec("[a-c]{1,3}|[ab]{4,9}|[ab]{15,18}|[ab]{31,34}|a{16}[ab]{1,8}a{16}|[a-b.]{36,44}|[a-z]{8}", 1..60)) {
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
                prop_assert_eq!(action.identity, Some(Identity::of([&text])));
                prop_assert_eq!(words.zone(&text, &context), context.zones.find(&text));
            }
        }

        #[test]
        fn clocks_show_what_those_of_the_zone_do(
            seconds in proptest::collection::vec(1_750_000_000_i64..1_800_000_000, 1..9),
            near in -4_000_i64..4_000,
            name in "Europe/Dublin|Australia/Lord_Howe|Asia/Kathmandu|UTC|No/Where",
        ) {
            let (mut words, context) = (Words::default(), Context::default());
            // 2026-03-29T01:00Z and 2026-04-04T15:00Z: clocks change in Dublin, and on Lord Howe Island.
            for second in seconds.into_iter().chain([1_774_746_000 + near, 1_774_746_000 - near, 1_775_314_800 + near]) {
                let at = Timestamp::from_second(second).unwrap();
                let offset = context.zones.find(&name).map(|it| it.to_offset(at));
                prop_assert_eq!(words.offset(&name, at, &context), offset);
            }
        }
    }
}
