//! Novelty: against values of 20 digits, against the twin that keeps every count, and by what it means.

use super::{KINDS_MAX, Kinds, Openness, Peers, Slot};
use crate::{LogP, Share};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(serde::Deserialize)]
struct Level {
    counts: Vec<(u32, f64)>,
    discount: f64,
    theta: f64,
}

impl Level {
    fn openness(&self) -> Openness {
        Openness::new(self.discount, self.theta)
    }
}

#[derive(serde::Deserialize)]
struct Probe {
    category: Option<u32>,
    ln_p: String,
}

#[derive(serde::Deserialize)]
struct Case {
    levels: [Level; 3],
    tests: Vec<Probe>,
}

#[expect(clippy::cast_possible_truncation, reason = "test counts are small")]
fn person<const SLOTS: usize>(counts: &[(u32, f64)]) -> Kinds<SLOTS> {
    let mut person = Kinds::default();
    for (slot, &(key, count)) in person.slots.iter_mut().zip(counts) {
        *slot = Slot { key, count: count as f32 };
    }
    person.total = counts.iter().map(|it| it.1 as f32).sum();
    person
}

#[test]
fn every_p_value_is_as_exact_as_a_double_allows() {
    let (mut probes, mut worst) = (0, 0.0_f64);
    for line in include_str!("../../testdata/novelty.ndjson").lines() {
        let Case { levels: [org, group, user], tests } = serde_json::from_str(line).unwrap();
        let org = Arc::new(Peers::root(org.counts.clone(), org.openness()));
        let peers = Peers::within(org, group.counts.clone(), group.openness());
        let person = person::<8>(&user.counts);
        for probe in tests {
            let is = person.rarity(probe.category.unwrap_or(u32::MAX), &peers, user.openness()).p.ln_p();
            let exact: f64 = probe.ln_p.parse().unwrap();
            // The likeliest has p = 1; the next has at most 1 less the likeliest's share, so that there is nothing in between.
            let error = (is - exact).abs() / exact.abs().max(1e-4);
            worst = worst.max(error);
            assert!(error < 1e-9, "{line}: {is} is not {exact} for {:?}", probe.category);
            probes += 1;
        }
    }
    eprintln!("{probes} probes, worst relative error of ln p {worst:e}");
    assert!(probes > 600);
}

fn peers(counts: &[(u32, f64)]) -> Peers {
    Peers::root(counts.to_vec(), Openness::new(0.5, 1.0))
}

fn used<const SLOTS: usize>(keys: &[u32]) -> Kinds<SLOTS> {
    let mut person = Kinds::default();
    keys.iter().for_each(|&it| person.learn(it, Share::ONE));
    person
}

#[test]
fn a_first_that_is_common_among_peers_is_no_surprise() {
    let peers = peers(&[(1, 900.0), (2, 800.0), (3, 700.0), (4, 2.0)]);
    let person = used::<8>(&[[1, 2]; 200].concat());
    let of = |key| person.rarity(key, &peers, Openness::new(0.5, 1.0)).p.surprise();
    assert!(of(1) < 0.4 && of(2) < 0.4);
    assert!((1.5..3.0).contains(&of(3)), "a first, but everybody's: {}", of(3));
    assert!(of(4) > of(3) + 1.0 && of(99) > of(4), "{} {}", of(4), of(99));
}

#[test]
fn a_newcomer_s_first_day_has_the_peers_p_values() {
    let peers = peers(&[(1, 900.0), (2, 90.0), (3, 9.0)]);
    let newcomer = Kinds::<8>::default();
    for key in [1, 2, 3, 7] {
        let is = newcomer.rarity(key, &peers, Openness::UNKNOWN).p.p();
        assert!((is - peers.mass_at_most(peers.mass(key) * 1.000_001)).abs() < 1e-12);
    }
    assert!(newcomer.rarity(1, &peers, Openness::UNKNOWN).p.p() > 0.999_999, "never a first time as such");
}

#[test]
fn done_once_is_no_more_surprising_than_never_done() {
    let peers = peers(&[(1, 500.0), (2, 500.0), (3, 500.0), (4, 500.0)]);
    let person = used::<8>(&[&[1; 300][..], &[2]].concat());
    let of = |key| person.rarity(key, &peers, Openness::UNKNOWN).p;
    assert!(of(2) >= of(3));
}

#[test]
fn a_randomised_p_value_lies_between_the_rarer_and_the_no_likelier() {
    let peers = peers(&[(1, 500.0), (2, 20.0), (3, 20.0)]);
    let rarity = used::<4>(&[1, 1, 2]).rarity(3, &peers, Openness::UNKNOWN);
    let close = |a: LogP, b: LogP| (a.ln_p() - b.ln_p()).abs() < 1e-12;
    assert!(close(rarity.mid_p(Share::ONE), rarity.p) && close(rarity.mid_p(Share::ZERO), rarity.rarer) && rarity.rarer < rarity.p);
}

#[test]
fn discounts_are_estimated_from_what_occurred_once_and_twice() {
    assert_eq!(Openness::estimated(0.0, 0.0, 1.0), Openness::UNKNOWN);
    assert_eq!(Openness::estimated(10.0, 5.0, 2.0), Openness::new(0.5, 2.0));
    assert_eq!(Openness::estimated(10.0, 0.0, 2.0), Openness::new(0.99, 2.0));
    assert_eq!(used::<8>(&[1, 2, 2, 3, 4, 4, 4]).once_and_twice().map(f64::to_bits), [2.0_f64, 1.0].map(f64::to_bits));
}

#[test]
fn categories_beyond_the_limit_become_back_off() {
    let many: Vec<(u32, f64)> = (0..70_000).map(|it| (it, if it < 10 { 50.0 } else { 1.0 })).collect();
    let table = Peers::root(many, Openness::new(0.3, 1.0));
    assert_eq!(table.len(), KINDS_MAX);
    assert!(table.knows(3) && table.mass(3) > 10.0 * table.mass(30));
    assert!(table.mass_at_most(1.0) <= 1.0 + 1e-9);
}

#[test]
fn what_is_not_learnt_is_not_known() {
    let mut person = used::<4>(&[1]);
    person.learn(2, Share::ZERO);
    assert!(person.knows(1) && !person.knows(2));
    let before = person;
    assert_eq!(postcard::from_bytes::<Kinds<4>>(&postcard::to_stdvec(&person).unwrap()).unwrap(), before);
    person.decay(Share::HALF);
    assert!((person.total() - 0.5).abs() < 1e-9 && person.remembered().count() == 1);
}

/// The exact twin: every count kept, every category looked at.
struct Twin {
    counts: BTreeMap<u32, f64>,
    categories: Vec<u32>,
}

impl Twin {
    fn likelihood(&self, key: u32, peers: &Peers, openness: Openness) -> f64 {
        let total: f64 = self.counts.values().sum();
        let kept: f64 = self.counts.values().map(|&it| openness.kept(it)).sum();
        let own = self.counts.get(&key).map_or(0.0, |&it| openness.kept(it));
        (own + (openness.strength + total - kept) * peers.mass(key)) / (openness.strength + total)
    }

    fn p(&self, key: u32, peers: &Peers, openness: Openness) -> f64 {
        let limit = self.likelihood(key, peers, openness) * (1.0 + 1e-11);
        let all = self.categories.iter().map(|&it| self.likelihood(it, peers, openness));
        all.filter(|&it| it <= limit).sum()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn slots_agree_with_the_twin_that_keeps_every_count(
        keys in proptest::collection::vec(0_u32..14, 0..300),
        team in proptest::collection::vec(0_u32..20, 0..60),
        discount in 0.05_f64..0.95,
        strength in 0.5_f64..5.0,
    ) {
        let org: Vec<(u32, f64)> = (0..25).map(|it| (it, f64::from(1 + it * it))).collect();
        let mut counts = BTreeMap::new();
        team.iter().for_each(|&it| *counts.entry(it).or_insert(0.0) += 1.0);
        let team: Vec<(u32, f64)> = counts.into_iter().collect();
        let openness = Openness::new(discount, strength);
        let peers = Peers::within(Arc::new(Peers::root(org.clone(), openness)), team.clone(), openness);

        let mut twin = Twin { counts: BTreeMap::new(), categories: (0..26).collect() };
        keys.iter().for_each(|&it| *twin.counts.entry(it).or_insert(0.0) += 1.0);
        let (whole, small) = (used::<16>(&keys), used::<4>(&keys));
        let bound = small.evicted() / (strength + small.total());
        for key in 0..26 {
            let exact = twin.p(key, &peers, openness);
            let is = whole.rarity(key, &peers, openness).p.p();
            prop_assert!((is / exact - 1.0).abs() < 1e-9, "{} is not {}", is, exact);
            prop_assert!(whole.at_least(key, openness).get() <= is * (1.0 + 1e-9));
            // Fewer slots than categories: each likelihood is within the stated bound.
            let own = small.occupied().find(|it| it.key == key).map_or(0.0, |it| small.own(*it, openness));
            let likelihood = own + small.back(openness) * peers.mass(key);
            prop_assert!((likelihood - twin.likelihood(key, &peers, openness)).abs() <= bound + 1e-9);
            prop_assert!(small.rarity(key, &peers, openness).p.p() <= 1.0);
        }
        prop_assert!(small.occupied().all(|it| f64::from(it.count) <= twin.counts[&it.key]), "never too high");
        prop_assert!((peers.mass_at_most(1.0) - 1.0).abs() < 1e-12);
    }
}

#[test]
fn a_further_category_that_nobody_else_uses_is_as_rare_as_the_ones_before() {
    let peers = Peers::root(vec![(1, 40.0), (2, 3.0)], Openness::UNKNOWN);
    let mut kinds = Kinds::<8>::default();
    (0..50).for_each(|_| kinds.learn(1, Share::ONE));
    let rarity_of = |kinds: &Kinds<8>, key: u32| kinds.rarity(key, &peers, Openness::UNKNOWN).p.p();
    let first = rarity_of(&kinds, 100);
    (100..104).for_each(|key| kinds.learn(key, Share::ONE));
    assert!(first > 1e-4 && rarity_of(&kinds, 104) > 0.5 * first, "{first} {}", rarity_of(&kinds, 104));
}
