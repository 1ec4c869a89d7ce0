//! Groups: who inherits what, and bytes that give the same again.

use super::{GROUPS_MAX, GroupId, Peers, PeersError, Tally};
use crate::calibrate::Calibration;
use crate::observation::{Class, Dimension, Family, Window};
use crate::person::tests::{identity, peers_of_one, someone_after};

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
    peers.recalibrate(&calibration);
    peers.refresh(whole);
    other.recalibrate(&calibration);
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
