//! A profile that makes way and comes back is the one that would have stayed.

use crate::behaviour::{Attic, Behaviour, BehaviourSettings, Brought, GroupKey, Observed, refresh};
use baseline::clock::Bin;
use baseline::observation::{Class, Family, Observation};
use baseline::population::to_bytes;
use baseline::risk::Sensitivity;
use model::EventTime;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;

const FIRST_DAY: u16 = 20_000;

#[derive(Debug, Default)]
struct InMemory {
    kept: BTreeMap<u128, Vec<u8>>,
    /// Whoever it has, it can't give back.
    is_broken: bool,
    room: usize,
}

impl Attic for InMemory {
    fn keep(&mut self, id: u128, profile: Vec<u8>) -> bool {
        let has_room = self.kept.len() < self.room;
        has_room && self.kept.insert(id, profile).is_none()
    }

    fn bring(&mut self, id: u128) -> Brought {
        match self.kept.remove(&id) {
            None => Brought::Nothing,
            Some(_) if self.is_broken => Brought::Lost,
            Some(profile) => Brought::Profile(profile),
        }
    }
}

fn observed(person: u64, second: u32, family: usize, target: u64) -> Observed {
    let kind = |salt: u64| NonZeroU64::new((person % 3) * 1_000 + salt);
    let observation = Observation {
        second: u32::from(FIRST_DAY) * 86_400 + second,
        day: FIRST_DAY + u16::try_from(second / 86_400).unwrap(),
        bin: Bin::new(u8::try_from(second / 3_600 % 24).unwrap(), false),
        family: Family::ALL[family],
        is_sensitive: family == 5,
        is_vip: target == 7,
        has_ticket: Some(!target.is_multiple_of(3)),
        step: None,
        kinds: [kind(1), kind(2), kind(target % 4), kind(4), None, None],
        target: NonZeroU64::new(target),
        place: None,
        is_proven: true,
        accuracy_km: 0.0,
    };
    let group = GroupKey { class: Class::Human, role: Some(person % 2 + 1), team: None };
    Observed { id: u128::from(person), group, observation, sensitivity: Sensitivity::Ordinary }
}

fn behaviour(people_max: usize) -> Behaviour {
    Behaviour::new(&BehaviourSettings { people_max, ..BehaviourSettings::default() }, 1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Against one that has room for all, where peers are the same: whom a refresh sees is another question, and documented.
    #[test]
    fn scores_are_those_of_somebody_who_stayed(
        steps in proptest::collection::vec((0_u64..12, 0_u32..9_000, 0_usize..6, 1_u64..40), 50..400),
        people_max in 1_usize..6,
    ) {
        let (mut roomy, mut tight) = (behaviour(100), behaviour(people_max));
        tight.set_attic(Box::new(InMemory { room: usize::MAX, ..InMemory::default() }));
        let mut second = 0;
        for (at, (person, passed, family, target)) in steps.into_iter().enumerate() {
            second += passed;
            let event = observed(person, second, family, target);
            let expected = roomy.judge(Some(&event)).unwrap();
            let found = tight.judge(Some(&event)).unwrap();
            prop_assert_eq!(expected.raised.to_bits(), found.raised.to_bits());
            let (one, other) = (roomy.view(&expected), tight.view(&found));
            prop_assert_eq!(one.surprise.score.get().to_bits(), other.surprise.score.get().to_bits());
            prop_assert_eq!(one.surprise.p.ln_p().to_bits(), other.surprise.p.ln_p().to_bits());
            prop_assert_eq!(one.idle_days, other.idle_days);
            roomy.learn(&expected);
            tight.learn(&found);
            prop_assert_eq!(to_bytes(roomy.view(&expected).person), to_bytes(tight.view(&found).person));
            if at % 37 == 36 {
                refresh([&mut roomy], EventTime::from_ms(i64::from(event.observation.second) * 1_000));
                tight.society = Arc::clone(&roomy.society);
            }
        }
        let stats = tight.stats();
        prop_assert!(stats.people <= people_max && stats.forgotten == 0);
        prop_assert_eq!(stats.evicted.min(stats.brought_back) > 0, stats.evicted > 0 && stats.brought_back > 0);
    }
}

fn three_in_turn(attic: Option<InMemory>) -> Behaviour {
    let mut behaviour = behaviour(2);
    if let Some(attic) = attic {
        behaviour.set_attic(Box::new(attic));
    }
    for at in 0..9 {
        let it = observed(u64::from(at % 3), at * 100, 0, 1);
        let judged = behaviour.judge(Some(&it)).unwrap();
        behaviour.learn(&judged);
    }
    behaviour
}

#[test]
fn nobody_is_forgotten_in_silence() {
    // The first two sit; from then on everybody finds two others sitting.
    let whole = three_in_turn(Some(InMemory { room: 9, ..InMemory::default() })).stats();
    assert_eq!((whole.evicted, whole.brought_back, whole.forgotten), (7, 6, 0));
    let none = three_in_turn(None).stats();
    assert_eq!((none.evicted, none.brought_back, none.forgotten), (7, 0, 7));
    let broken = three_in_turn(Some(InMemory { room: 9, is_broken: true, ..InMemory::default() })).stats();
    assert_eq!((broken.evicted, broken.brought_back, broken.forgotten), (7, 0, 6));
    let full = three_in_turn(Some(InMemory::default())).stats();
    assert_eq!((full.evicted, full.brought_back, full.forgotten), (7, 0, 7));
}

#[test]
fn with_less_room_than_before_the_idlest_go_to_the_attic() {
    let mut behaviour = three_in_turn(Some(InMemory { room: 9, ..InMemory::default() }));
    behaviour.settings.people_max = 1;
    behaviour.make_room(1);
    assert_eq!((behaviour.stats().people, behaviour.stats().evicted, behaviour.stats().forgotten), (1, 8, 0));
    let bytes = behaviour.to_bytes();
    let settings = BehaviourSettings { people_max: 1, ..BehaviourSettings::default() };
    let again = Behaviour::from_bytes(&settings, Arc::clone(behaviour.society()), &bytes).unwrap();
    assert_eq!((again.stats(), again.to_bytes()), (behaviour.stats(), bytes));
}
