//! Targets against a twin that keeps every event, against themselves in other shards and after snapshots, and on the days they are for.

use super::classes::Priors;
use super::{ACTORS_MAX, Chain, ClassSums, DAY, EXACT_MAX, TargetClass, TargetLimits, Targets, TargetsError, Touch, WEEK};
use crate::observation::{Family, Identity, Step};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, Poisson};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// 2026-03-02, a Monday.
const MONDAY: u32 = 20_514 * DAY;
const ACCOUNT: TargetClass = TargetClass { kind: 1, tier: 0 };
const CELEBRITY: TargetClass = TargetClass { kind: 1, tier: 9 };

fn identity(n: u64) -> Identity {
    Identity::new(n + 1).unwrap()
}

/// A look by `actor`, with the ticket that was needed.
fn look(target: u64, actor: u64, second: u32) -> Touch {
    Touch {
        target: identity(target),
        class: ACCOUNT,
        is_watched: false,
        actor: identity(actor),
        second,
        family: Family::View,
        step: None,
        has_ticket: Some(true),
    }
}

fn change(target: u64, actor: u64, second: u32, step: Step) -> Touch {
    Touch { family: Family::CredentialChange, step: Some(step), ..look(target, actor, second) }
}

fn watched(touch: Touch) -> Touch {
    Touch { class: CELEBRITY, is_watched: true, ..touch }
}

/// Every event ever, and nothing else.
#[derive(Default)]
struct Twin(Vec<Touch>);

impl Twin {
    fn end(&self, touch: &Touch) -> u32 {
        self.on(touch).map(|it| it.second).max().unwrap_or(0).max(touch.second)
    }

    fn on<'t>(&'t self, touch: &'t Touch) -> impl Iterator<Item = &'t Touch> {
        self.0.iter().filter(|it| it.target == touch.target)
    }

    fn people(&self, touch: &Touch, span: u32, counts: impl Fn(&Touch) -> bool) -> u32 {
        let end = self.end(touch);
        let all = self.on(touch).chain([touch]).filter(|it| end - it.second < span && counts(it));
        u32::try_from(all.map(|it| it.actor).collect::<BTreeSet<_>>().len()).unwrap()
    }

    fn knows(&self, touch: &Touch, span: u32) -> bool {
        let end = self.end(touch);
        self.on(touch).any(|it| it.actor == touch.actor && end - it.second < span)
    }

    fn relay(&self, touch: &Touch) -> Option<u32> {
        let is_harvest = matches!(touch.family, Family::CredentialChange | Family::Export);
        let looks = self.on(touch).filter(|it| matches!(it.family, Family::View | Family::Search) && it.actor != touch.actor);
        let before = looks.filter_map(|it| touch.second.checked_sub(it.second)).filter(|it| *it < DAY);
        before.min().filter(|_| is_harvest)
    }

    fn chain(&self, touch: &Touch) -> Chain {
        let end = self.end(touch);
        let mut latest: BTreeMap<u8, &Touch> = BTreeMap::new();
        for it in self.on(touch).chain([touch]) {
            let Some(step) = it.step else { continue };
            let known = latest.entry(step as u8).or_insert(it);
            if it.second >= known.second {
                *known = it;
            }
        }
        latest.retain(|_, it| end - it.second < DAY);
        let seconds: Vec<u32> = latest.values().map(|it| it.second).collect();
        let actors: BTreeSet<Identity> = latest.values().map(|it| it.actor).collect();
        Chain {
            steps: u8::try_from(latest.len()).unwrap(),
            actors: u8::try_from(actors.len()).unwrap(),
            seconds: seconds.iter().max().unwrap_or(&0) - seconds.iter().min().unwrap_or(&0),
        }
    }
}

/// Touches of a few targets by as many people as `people`, some of them late by up to `late` seconds.
fn touches(seed: u64, count: usize, people: u64, late: u32) -> Vec<Touch> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut second = MONDAY;
    let touch = |_| {
        let longest = [60, 600, 4_000, 30_000, 200_000][random.random_range(0..5)];
        second += random.random_range(0..longest);
        let back = if late > 0 && random.random_range(0..6) == 0 { random.random_range(0..late) } else { 0 };
        let target = random.random_range(0..4);
        let rank: f64 = random.random();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small numbers")]
        let actor = (rank * rank * people as f64) as u64;
        let step =
            [None, None, None, Some(Step::ContactChange), Some(Step::FactorOff), Some(Step::Reset)][random.random_range(0..6)];
        let family = match step {
            Some(_) => Family::CredentialChange,
            None => [Family::View, Family::View, Family::Search, Family::Export, Family::Edit][random.random_range(0..5)],
        };
        let has_ticket = [Some(true), Some(false), None][random.random_range(0..3)];
        let touch = Touch { family, step, has_ticket, ..look(target, actor, second - back) };
        if target == 0 { watched(touch) } else { touch }
    };
    (0..count).map(touch).collect()
}

#[test]
fn a_target_is_two_lines_of_the_cache() {
    assert_eq!(size_of::<super::target::Target>(), 128);
    let mut all = Targets::new(TargetLimits { targets_max: 1 << 16, ..TargetLimits::default() });
    (0..1 << 16).for_each(|it| all.learn(&look(it, 0, MONDAY)));
    let each = all.bytes() / (1 << 16);
    assert!((128..140).contains(&each), "{each}");
}

#[test]
fn a_crowd_on_a_protected_account_is_rare_and_the_daily_crowd_on_a_host_is_not() {
    let mut all = Targets::default();
    let host = TargetClass { kind: 2, tier: 0 };
    for day in 0..30 {
        let at = MONDAY + day * DAY + 36_000;
        for account in 0..40_u64 {
            // Now and then a second agent has to do with it.
            let agents = 1 + u64::from((account + u64::from(day)).is_multiple_of(9));
            (0..agents).for_each(|it| all.learn(&watched(look(account, account * 3 + it + u64::from(day), at))));
        }
        (0..30).for_each(|engineer| all.learn(&Touch { class: host, ..look(1_000, engineer, at) }));
        all.refresh();
    }
    let at = MONDAY + 30 * DAY + 36_000;
    let p_of = |all: &mut Targets, touch: &dyn Fn(u64) -> Touch, people: u64| {
        (0..people).map(|actor| (all.view(&touch(actor)), all.learn(&touch(actor))).0).last().unwrap()
    };
    let crowd = p_of(&mut all, &|actor| watched(look(7, 500 + actor, at)), 7);
    assert_eq!((crowd.actors_24h, crowd.is_exact, crowd.is_first_actor), (7, true, true));
    assert!(crowd.p.p() < 1e-4 && (1.0..1.5).contains(&crowd.expected), "{crowd:?}");
    let usual = p_of(&mut all, &|actor| Touch { class: host, ..look(1_000, actor, at) }, 30);
    assert!(usual.p.p() > 0.2 && (25.0..33.0).contains(&usual.expected), "{usual:?}");
    let one = all.view(&watched(look(8, 1, at)));
    assert_eq!(one.p, crate::LogP::ONE, "one person is never a crowd: {one:?}");
}

#[test]
fn one_looks_and_another_resets() {
    let mut all = Targets::default();
    let relay = |all: &Targets, touch: &Touch| all.view(touch).relay;
    let reset = |actor, second| change(5, actor, second, Step::Reset);
    assert_eq!(relay(&all, &reset(2, MONDAY)), None);
    all.learn(&look(5, 1, MONDAY));
    all.learn(&look(5, 2, MONDAY + 60));
    assert_eq!(relay(&all, &reset(2, MONDAY + 300)), Some(300), "the other one looked first");
    assert_eq!(relay(&all, &reset(1, MONDAY + 300)), Some(240));
    assert_eq!(relay(&all, &reset(3, MONDAY + 300)), Some(240));
    assert_eq!(relay(&all, &Touch { family: Family::Export, ..look(5, 3, MONDAY + 61) }), Some(1));
    assert_eq!(relay(&all, &look(5, 3, MONDAY + 300)), None, "who looks as well takes nothing");
    assert_eq!(relay(&all, &reset(3, MONDAY + 60 + DAY)), None, "that was yesterday");
    let chain = |all: &Targets, touch: &Touch| all.view(touch).chain;
    assert_eq!(chain(&all, &reset(3, MONDAY + 300)), Chain { steps: 1, actors: 1, seconds: 0 });
    all.learn(&change(5, 2, MONDAY + 100, Step::ContactChange));
    all.learn(&change(5, 2, MONDAY + 160, Step::FactorOff));
    assert_eq!(chain(&all, &reset(3, MONDAY + 300)), Chain { steps: 3, actors: 2, seconds: 200 });
    assert_eq!(chain(&all, &reset(3, MONDAY + 100 + DAY)), Chain { steps: 2, actors: 2, seconds: DAY - 60 });
}

#[test]
fn a_late_event_counts_in_the_day_that_it_belongs_to() {
    let mut all = Targets::default();
    all.learn(&look(5, 1, MONDAY));
    all.learn(&look(5, 2, MONDAY + DAY - 100));
    // The window ends with the latest event: the first one is just inside.
    assert_eq!(all.view(&look(5, 3, MONDAY + 50)).actors_24h, 3);
    all.learn(&look(5, 3, MONDAY + 50));
    assert_eq!(all.view(&look(5, 4, MONDAY + DAY - 1)).actors_24h, 4);
    assert_eq!(all.view(&look(5, 4, MONDAY + DAY)).actors_24h, 3);
    assert_eq!(all.view(&look(5, 4, MONDAY + DAY + 50)).actors_24h, 2);
    let before = all.to_bytes();
    all.learn(&look(5, 9, MONDAY - 100));
    assert_eq!(all.to_bytes(), before, "what is older than the day of its target changes nothing");
}

#[test]
fn whoever_has_no_room_makes_way_and_is_counted() {
    let mut all = Targets::new(TargetLimits { targets_max: 3, wide_max: 1, watched_max: 1 });
    all.learn(&watched(look(1, 1, MONDAY)));
    (2..=4).for_each(|target| all.learn(&look(target, 1, MONDAY + u32::try_from(target).unwrap())));
    assert_eq!((all.stats().targets, all.stats().evicted), (3, 1));
    assert_eq!(all.span(identity(1)), Some([MONDAY; 2]), "what is watched stays");
    assert_eq!(all.span(identity(2)), None, "of the others the idlest made way");
    // One block for two large targets.
    (0..10).for_each(|actor| all.learn(&look(3, actor, MONDAY + 100)));
    assert_eq!(all.view(&look(3, 0, MONDAY + 100)).actors_24h, 10);
    (0..10).for_each(|actor| all.learn(&look(4, actor, MONDAY + 200)));
    assert_eq!(all.view(&look(4, 0, MONDAY + 200)).actors_24h, 10);
    assert_eq!((all.view(&look(3, 77, MONDAY + 200)).actors_24h, all.stats().narrowed), (4, 1));
    // One list for two watched targets, of no more people than it has room for.
    let most = ACTORS_MAX as u64;
    (0..most + 5).for_each(|actor| all.learn(&watched(look(1, actor, MONDAY + 300 + u32::try_from(actor).unwrap()))));
    assert_eq!(u64::from(all.view(&watched(look(1, most, MONDAY + 3_000))).actors_24h), most);
    assert_eq!(all.stats().unlisted, 5);
    all.learn(&watched(look(4, 3, MONDAY + 300)));
    assert_eq!((all.stats().unwatched, all.view(&watched(look(4, 0, MONDAY + 300))).actors_24h), (1, 10));
    let mut none = Targets::new(TargetLimits { targets_max: 0, wide_max: 0, watched_max: 0 });
    (0..9).for_each(|actor| none.learn(&watched(look(actor % 2, actor, MONDAY))));
    assert_eq!((none.stats().targets, none.stats().evicted), (1, 8));
    (0..9).for_each(|actor| none.learn(&look(0, actor, MONDAY)));
    assert_eq!((none.stats().narrowed, none.view(&look(0, 77, MONDAY)).actors_24h), (7, 4));
}

#[test]
fn more_classes_than_are_told_apart_are_counted() {
    let mut all = Targets::default();
    for kind in 0..300_u64 {
        all.learn(&Touch { class: TargetClass { kind, tier: 0 }, ..look(kind, 1, MONDAY) });
    }
    assert_eq!(all.stats().unclassed, 44);
    assert_eq!(all.view(&look(299, 2, MONDAY)).actors_24h, 2);
}

#[test]
fn many_people_are_counted_within_the_error_that_is_told() {
    for people in [80_u64, 150, 300, 500] {
        let (mut squares, mut said, trials) = (0.0, 0.0, 60_u64);
        for trial in 0..trials {
            let mut all = Targets::default();
            // Each comes twice, without a ticket the second time.
            for at in 0..2 * people {
                let second = MONDAY + u32::try_from(at).unwrap() * 7;
                all.learn(&Touch { has_ticket: Some(at < people), ..look(1, (trial << 20) | (at % people), second) });
            }
            let view = all.view(&look(1, trial << 20, MONDAY + 9_000));
            assert!(!view.is_exact && !view.is_first_actor);
            let [all_of_them, unticketed] = [view.actors_24h, view.unticketed_24h].map(f64::from);
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let truth = people as f64;
            squares += (all_of_them / truth - 1.0).powi(2);
            assert!((unticketed / truth - 1.0).abs() < 0.35 && unticketed <= all_of_them);
            said = super::sketch::Sketch::relative_error(truth);
            assert!(all.view(&look(1, 0, MONDAY + 9_000 + DAY)).actors_24h == 1, "everybody has left");
            all.learn(&look(1, 0, MONDAY + 9_000 + DAY));
            assert!(all.view(&look(1, 3, MONDAY + 9_000 + DAY)).is_exact, "and they are counted exactly again");
        }
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let error = (squares / trials as f64).sqrt();
        eprintln!("{people} people: error {error:.3}, promised {said:.3}");
        assert!(error < 1.35 * said && error > 0.5 * said, "{people}: {error}, promised {said}");
    }
}

/// Targets whose days are a Gamma-Poisson of known parameters, and what their p-values are worth: observed/nominal at 0.1, 0.01, 0.001.
fn worth_of_p(shape: f64, scale: f64) -> [f64; 3] {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let rates = Gamma::new(shape, scale).unwrap();
    let rate: Vec<f64> = (0..600).map(|_| rates.sample(&mut random)).collect();
    let (mut all, mut days, mut below) = (Targets::default(), 0_u32, [0_u32; 3]);
    for day in 0..60_u32 {
        for (target, rate) in (0_u64..).zip(&rate) {
            if random.random_range(0..3) == 0 {
                continue;
            }
            let others: f64 = if *rate > 0.0 { Poisson::new(*rate).unwrap().sample(&mut random) } else { 0.0 };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number")]
            let people = 1 + others as u32;
            let mut last = crate::LogP::ONE;
            for nth in 0..people {
                // Two days apart, so that no window has people of two of them.
                let touch = look(target, u64::from(day) << 8 | u64::from(nth), MONDAY + 2 * day * DAY + nth);
                last = all.view(&touch).p;
                all.learn(&touch);
            }
            if day >= 15 {
                days += 1;
                for (count, alpha) in below.iter_mut().zip([1e-1, 1e-2, 1e-3]) {
                    *count += u32::from(last.p() <= alpha);
                }
            }
        }
        all.refresh();
    }
    let mut alpha = 1.0;
    below.map(|it| {
        alpha /= 10.0;
        f64::from(it) / f64::from(days) / alpha
    })
}

#[test]
fn p_values_of_ordinary_days_are_worth_no_more_than_they_say() {
    for (shape, scale, least) in [(2.0, 3.0, 0.3), (0.5, 0.8, 0.15)] {
        let worth = worth_of_p(shape, scale);
        eprintln!("{} others a day: observed/nominal at 0.1, 0.01, 0.001: {worth:.2?}", shape * scale);
        // The fewer people, the coarser their counts, and the further below the nominal share is what can be had.
        assert!(worth.iter().all(|it| (least..1.3).contains(it)), "{worth:?}");
    }
}

#[test]
fn damaged_bytes_are_refused() {
    let mut all = Targets::new(TargetLimits { targets_max: 50, wide_max: 3, watched_max: 3 });
    touches(3, 300, 30, 900).iter().for_each(|it| all.learn(it));
    let bytes = all.to_bytes();
    assert!((0..bytes.len()).step_by(11).all(|end| Targets::from_bytes(&bytes[..end]).is_err()));
    assert!(matches!(Targets::from_bytes(&[&bytes[..], &[0]].concat()), Err(TargetsError::Damaged(_))));
    assert_eq!(Targets::from_bytes(&[9, 9, 0]).unwrap_err(), TargetsError::Version(0x909));
    // Whatever is read back can be asked and taught.
    for at in 2..bytes.len() {
        let mut other = bytes.clone();
        other[at] ^= 0x15;
        if let Ok(mut it) = Targets::from_bytes(&other) {
            for touch in touches(4, 60, 90, 900) {
                it.view(&touch);
                it.learn(&touch);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn targets_say_what_every_event_would(seed in any::<u64>(), people in 3_u64..40, late in prop_oneof![Just(0_u32), Just(900), Just(7_000)]) {
        let (mut all, mut twin) = (Targets::default(), Twin::default());
        for touch in touches(seed, 400, people, late) {
            let view = all.view(&touch);
            prop_assert!(view.is_exact);
            prop_assert_eq!(view.actors_24h, twin.people(&touch, DAY, |_| true), "{:?}", touch);
            prop_assert_eq!(view.unticketed_24h, twin.people(&touch, DAY, |it| it.has_ticket == Some(false)), "{:?}", touch);
            prop_assert_eq!(view.actors_7d, touch.is_watched.then(|| twin.people(&touch, WEEK, |_| true)));
            prop_assert_eq!(view.chain, twin.chain(&touch));
            if touch.is_watched {
                prop_assert_eq!(view.is_first_actor, !twin.knows(&touch, WEEK));
            } else {
                prop_assert!(view.is_first_actor || twin.knows(&touch, WEEK));
                prop_assert!(!view.is_first_actor || !twin.knows(&touch, DAY));
            }
            // Of two people's looks the latest are kept: with late events an earlier one may be gone, never made up.
            let relay = twin.relay(&touch);
            let is_right = if late == 0 { view.relay == relay } else { view.relay.is_none() || view.relay >= relay };
            prop_assert!(is_right, "{:?} and not {:?}", view.relay, relay);
            all.learn(&touch);
            twin.0.push(touch);
        }
    }

    /// More people than are told apart, and back.
    #[test]
    fn a_crowd_comes_and_goes(seed in any::<u64>()) {
        let (mut all, mut twin) = (Targets::default(), Twin::default());
        let mut sketched = 0;
        for touch in touches(seed, 1_000, 400, 9_000).into_iter().map(|it| Touch { second: MONDAY + it.second.saturating_sub(MONDAY) / 200, ..it }) {
            let view = all.view(&touch);
            let truth = twin.people(&touch, DAY, |_| true);
            if view.is_exact {
                prop_assert_eq!(view.actors_24h, truth);
            } else {
                sketched += 1;
                prop_assert!(truth as usize > EXACT_MAX / 2, "{} are few enough", truth);
                prop_assert!((f64::from(view.actors_24h) / f64::from(truth) - 1.0).abs() < 0.3, "{} of {}", view.actors_24h, truth);
            }
            all.learn(&touch);
            twin.0.push(touch);
        }
        prop_assert!(sketched > 0);
    }

    /// Stopped anywhere, and however the targets are spread: the same views to the bit.
    #[test]
    fn snapshots_and_shards_make_no_difference(seed in any::<u64>(), cut in 0_usize..500, shards in 1_usize..9) {
        let mut one = Targets::default();
        let mut many = vec![Targets::default(); shards];
        let mut hour = 0;
        for (at, touch) in touches(seed, 500, 90, 900).into_iter().enumerate() {
            if at == cut {
                one = Targets::from_bytes(&one.to_bytes()).unwrap();
                many = many.iter().map(|it| Targets::from_bytes(&it.to_bytes()).unwrap()).collect();
            }
            if touch.second / 3_600 > hour {
                hour = touch.second / 3_600;
                one.refresh();
                let priors = Arc::new(Priors::of(many.iter().rev().map(Targets::sums).collect::<Vec<&ClassSums>>()));
                many.iter_mut().for_each(|it| it.adopt(&priors));
            }
            let own = &mut many[usize::try_from(touch.target.get()).unwrap() % shards];
            prop_assert_eq!(one.view(&touch), own.view(&touch));
            one.learn(&touch);
            own.learn(&touch);
        }
        prop_assert_eq!(Targets::from_bytes(&one.to_bytes()).unwrap().to_bytes(), one.to_bytes());
    }
}
