//! Groups: who inherits what, and bytes that give the same again.

use super::{GROUPS_MAX, GroupId, Peers, PeersError, Tally, Touched};
use crate::calibrate::Calibration;
use crate::observation::{Class, Dimension, Family, Window};
use crate::person::tests::{identity, observation_at, peers_of_one, someone_after};
use crate::person::{Person, Surprise};
use proptest::prelude::*;

#[test]
fn a_team_is_found_again_and_begins_as_the_group_above_it() {
    let mut peers = peers_of_one();
    let team = peers.group(Class::Human, Some(7), Some(1));
    assert_eq!(peers.group(Class::Human, Some(7), Some(1)), team);
    assert_ne!(peers.group(Class::Human, Some(8), Some(1)), team);
    assert_ne!(peers.group(Class::Service, Some(7), Some(1)), team);
    assert_eq!(peers.group(Class::Human, None, None), GroupId::PEOPLE);
    let above = peers.of(GroupId::PEOPLE).count(Family::View, Window::Day);
    assert_eq!(peers.of(team).count(Family::View, Window::Day), above);
    assert!(peers.of(team).kinds(Dimension::Tool).knows(crate::person::Person::key(identity(0))));
    assert_eq!(peers.of(GroupId(60_000)).id(), GroupId::PEOPLE);
}

#[test]
fn services_share_nothing_with_people() {
    let peers = peers_of_one();
    let (people, services) = (peers.of(GroupId::PEOPLE), peers.of(GroupId::SERVICES));
    assert_ne!(people.count(Family::View, Window::Day), services.count(Family::View, Window::Day));
    assert_eq!(services.count(Family::View, Window::Day), &crate::counts::Prior::UNKNOWN);
    assert!(services.kinds(Dimension::Tool).is_empty() && services.class() == Class::Service);
}

#[test]
fn too_many_groups_are_the_one_above_and_counted() {
    let mut peers = Peers::default();
    let role = peers.group(Class::Human, Some(1), None);
    let last = (0..5_000).map(|team| peers.group(Class::Human, Some(1), Some(team))).last();
    assert_eq!((last, peers.len()), (Some(role), GROUPS_MAX));
    assert_eq!(peers.refused(), 5_000 - (GROUPS_MAX as u64 - 3));
}

#[test]
fn shards_that_are_tallied_apart_make_the_same_peers() {
    let (mut peers, mut calibration) = (Peers::default(), Calibration::default());
    let team = peers.group(Class::Human, Some(7), Some(1));
    let people: Vec<_> = [60, 150, 400].map(|events| someone_after(&peers, &mut calibration, events)).into();
    assert!(people.iter().all(|it| it.group() == GroupId::PEOPLE) && team.0 == 3);
    let (mut whole, mut left, mut right) = (Tally::of(&peers), Tally::of(&peers), Tally::of(&peers));
    people.iter().for_each(|it| whole.add(it));
    people[..1].iter().for_each(|it| left.add(it));
    people[1..].iter().for_each(|it| right.add(it));
    left.merge(&right);
    let mut other = Peers::from_bytes(&peers.to_bytes()).unwrap();
    peers.recalibrate(calibration.clone());
    peers.refresh(whole);
    other.recalibrate(calibration.clone());
    other.refresh(left);
    let key = crate::person::Person::key(identity(0));
    for dimension in Dimension::ALL {
        let mass = |it: &Peers| it.of(team).kinds(dimension).mass(key);
        assert_eq!(mass(&peers).to_bits(), mass(&other).to_bits());
    }
    let mean = |it: &Peers| it.of(GroupId::PEOPLE).count(Family::View, Window::Day).mean();
    assert!((mean(&peers) - mean(&other)).abs() < 1e-6 * mean(&peers));
}

#[test]
fn bytes_give_the_same_peers_and_damaged_ones_none() {
    let mut peers = peers_of_one();
    peers.group(Class::Human, Some(7), Some(1));
    let bytes = peers.to_bytes();
    assert_eq!(Peers::from_bytes(&bytes).unwrap().to_bytes(), bytes);
    assert!((0..bytes.len()).step_by(997).all(|end| Peers::from_bytes(&bytes[..end]).is_err()));
    assert_eq!(Peers::from_bytes(&[9, 0]).unwrap_err(), PeersError::Version(9));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Sums that are kept where nobody has acted, and tables that are kept where nothing has changed, are those of a look at everybody.
    #[test]
    fn kept_sums_and_tables_are_those_of_a_look_at_everybody(
        hours in proptest::collection::vec(proptest::collection::vec((0_usize..12, 0_usize..7, 0_u64..5), 0..25), 1..12),
    ) {
        let (mut peers, mut calibration) = (Peers::default(), Calibration::default());
        let groups: Vec<GroupId> = [(None, None), (Some(1), None), (Some(1), Some(1)), (Some(1), Some(2)), (Some(2), Some(1)), (None, Some(3))]
            .map(|(role, team)| peers.group(Class::Human, role, team))
            .into_iter()
            .chain([GroupId::SERVICES])
            .collect();
        let mut anew = Peers::from_bytes(&peers.to_bytes()).unwrap();
        let mut people: Vec<Person> = vec![Person::default(); 12];
        let (mut touched, mut used, mut surprise) = (Touched::default(), Touched::default(), Surprise::default());
        for (hour, events) in (0_u32..).zip(hours) {
            let second = 1_780_000_000 + hour * 20 * 3_600;
            for (at, (who, group, what)) in (0..).zip(events) {
                let (person, group, it) = (&mut people[who], peers.of(groups[group]), observation_at(second + 60 * at, what));
                touched.mark(person.group());
                touched.mark(group.id());
                if person.group() != group.id() {
                    used.mark(person.group());
                    used.mark(group.id());
                }
                person.advance(group, &mut calibration, &it);
                person.surprise(group, &it, &mut surprise);
                if person.learn(group, &mut calibration, &it, &surprise) {
                    used.mark(group.id());
                }
            }
            if hour % 3 == 2 {
                peers.recalibrate(calibration.clone());
                anew.recalibrate(calibration.clone());
            }
            // Of three looks one is only at what may be new.
            let is_whole = hour % 3 != 1;
            anew = Peers::from_bytes(&anew.to_bytes()).unwrap();
            let (mut kept, mut other) = if is_whole {
                (Tally::again(&mut peers, second, &touched, &used), Tally::at(&anew, second))
            } else {
                (Tally::between(&mut peers, second, &used), Tally::between(&mut anew, second, &Touched::default()))
            };
            people.iter().for_each(|it| {
                kept.add(it);
                other.add(it);
            });
            peers.refresh(kept);
            anew.refresh(other);
            used.clear();
            if is_whole {
                touched.clear();
            }
            prop_assert!(peers.to_bytes() == anew.to_bytes());
            for (group, dimension) in groups.iter().zip(Dimension::ALL.into_iter().cycle()) {
                let masses = |it: &Peers| (0..5).map(|key| it.of(*group).kinds(dimension).mass(Person::key(identity(key))).to_bits()).collect::<Vec<_>>();
                prop_assert_eq!(masses(&peers), masses(&anew));
            }
        }
    }
}
