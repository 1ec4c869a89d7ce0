//! Nobody is lost: whoever makes way comes back to the bit, and so does everybody.

use super::{Evicted, PersonError, Population, from_bytes, to_bytes};
use crate::person::Person;
use crate::person::tests::{peers_of_one, someone_after};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[test]
fn somebody_is_found_where_they_sit() {
    let mut all = Population::new(3_000);
    let seats: Vec<_> = (0..3_000_u128).map(|id| all.admit((id << 64) | (id * 7), None).0).collect();
    assert!((0..3_000_u128).zip(&seats).all(|(id, seat)| all.find((id << 64) | (id * 7)) == Some(*seat)));
    assert!(all.find(1).is_none() && all.len() == 3_000 && all.evicted() == 0);
    let mut found = Vec::new();
    all.warm(&[7 | 1 << 64, 1], &mut found);
    assert_eq!(found, [Some(seats[1]), None]);
}

#[test]
fn the_idlest_makes_way_and_comes_back_as_it_was() {
    let (peers, mut calibration) = (peers_of_one(), crate::calibrate::Calibration::default());
    let mut all = Population::new(2);
    let (idle, _) = all.admit(1, Some(someone_after(&peers, &mut calibration, 40)));
    let (_, none) = all.admit(2, Some(someone_after(&peers, &mut calibration, 400)));
    assert!(none.is_none());
    let before = to_bytes(all.get(idle));
    let (seat, evicted) = all.admit(3, None);
    let Evicted { id, bytes, .. } = evicted.unwrap();
    assert_eq!((id, seat), (1, idle));
    assert_eq!(bytes, before);
    assert!(all.find(1).is_none() && all.get(seat).is_new() && all.evicted() == 1 && all.len() == 2);
    let (seat, _) = all.admit(1, Some(from_bytes(&bytes).unwrap()));
    assert_eq!(to_bytes(all.get(seat)), before);
}

#[test]
fn bytes_of_another_version_or_cut_off_are_refused() {
    let bytes = to_bytes(&Person::default());
    let mut other = bytes.clone();
    other[0] = 99;
    assert_eq!(from_bytes(&other), Err(PersonError::Version(99)));
    assert!((0..bytes.len()).all(|end| from_bytes(&bytes[..end]).is_err()));
    let mut all = Population::new(5);
    all.admit(1, None);
    let bytes = all.to_bytes();
    assert!((0..bytes.len()).step_by(7).all(|end| Population::from_bytes(&bytes[..end]).is_err()));
    let longer = [&bytes[..], &[0]].concat();
    assert!(matches!(Population::from_bytes(&longer), Err(PersonError::Damaged(_))));
}

#[test]
fn a_person_costs_two_kibibytes_and_an_entry_in_the_index() {
    let mut all = Population::new(1 << 16);
    (0..1_u128 << 16).for_each(|id| drop(all.admit(id.wrapping_mul(0x9e37_79b9_7f4a_7c15), None)));
    let each = all.bytes() / all.len();
    assert!((2_048..2_048 + 140).contains(&each), "{each}");
}

proptest! {
    /// Against a map that forgets nobody: whoever is not inside has left as bytes.
    #[test]
    fn whoever_is_not_inside_has_left_as_bytes(ids in proptest::collection::vec(0_u128..40, 1..200), people_max in 1_usize..20) {
        let mut all = Population::new(people_max);
        let mut outside: BTreeMap<u128, Vec<u8>> = BTreeMap::new();
        for (step, id) in ids.iter().enumerate() {
            if all.find(*id).is_none() {
                let back = outside.remove(id).map(|it| from_bytes(&it).unwrap());
                let (_, evicted) = all.admit(*id, back);
                outside.extend(evicted.map(|it| (it.id, it.bytes)));
            }
            if step % 17 == 0 {
                all = Population::from_bytes(&all.to_bytes()).unwrap();
            }
            let seen: std::collections::BTreeSet<u128> = ids[..=step].iter().copied().collect();
            let inside: std::collections::BTreeSet<u128> = all.people().map(|it| it.0).collect();
            prop_assert!(inside.len() <= people_max && inside.iter().all(|it| !outside.contains_key(it)));
            prop_assert_eq!(inside.len() + outside.len(), seen.len());
        }
    }
}

#[test]
fn with_less_room_the_idlest_leave_and_nobody_is_lost() {
    let (peers, mut calibration) = (peers_of_one(), crate::calibrate::Calibration::default());
    let mut all = Population::new(4);
    for (id, events) in [(1, 40), (2, 400), (3, 10), (4, 200)] {
        all.admit(id, Some(someone_after(&peers, &mut calibration, events)));
    }
    let before: BTreeMap<u128, Vec<u8>> = all.people().map(|(id, it)| (id, to_bytes(it))).collect();
    assert_eq!(all.set_room(9), []);
    let evicted = all.set_room(2);
    assert_eq!(evicted.iter().map(|it| it.id).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(all.people().map(|it| it.0).collect::<Vec<_>>(), [2, 4]);
    let after = all.people().map(|(id, it)| (id, to_bytes(it))).chain(evicted.into_iter().map(|it| (it.id, it.bytes)));
    assert_eq!(after.collect::<BTreeMap<_, _>>(), before);
    assert_eq!((all.evicted(), all.admit(5, None).1.map(|it| it.id)), (2, Some(4)));
}
