//! A profile against its naive twin, which keeps every event; against snapshots; and on the days that it has to understand.

use super::{Finding, Person, Surprise, VERSION};
use crate::calibrate::Calibration;
use crate::clock::Bin;
use crate::feature::{FEATURES, Feature};
use crate::observation::{Class, Dimension, Family, Identity, Observation, Span, Step, Window};
use crate::peers::{Group, GroupId, Peers, Tally};
use crate::population::to_bytes;
use crate::{LogP, Share};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// 2026-03-02, a Monday.
const DAY: u16 = 20_514;

pub(crate) fn identity(n: u64) -> Identity {
    Identity::new(n + 1).unwrap()
}

/// An ordinary look-up at ten o'clock of day `day`.
fn lookup(day: u16, second_of_day: u32, target: u64) -> Observation {
    let hour = u8::try_from(second_of_day / 3_600 % 24).unwrap();
    Observation {
        second: u32::from(day) * 86_400 + second_of_day,
        day,
        bin: Bin::new(hour, day % 7 > 4),
        family: Family::View,
        is_sensitive: false,
        is_vip: false,
        has_ticket: Some(true),
        step: None,
        kinds: [1, 2, 3, 4, 5, 6].map(|it| Some(identity(it))),
        target: Some(identity(target)),
        place: None,
        is_proven: true,
        accuracy_km: 50.0,
    }
}

/// Something done at a time by means of the kinds numbered `what`.
pub(crate) fn observation_at(second: u32, what: u64) -> Observation {
    let day = u16::try_from(second / 86_400).unwrap();
    Observation { kinds: [what; 6].map(|it| Some(identity(it))), ..lookup(day, second % 86_400, what) }
}

/// A random event some time after `second`.
fn random_event(random: &mut ChaCha8Rng, second: &mut u32) -> Observation {
    let gaps = [5, 30, 200, 1_000, 20_000, 70_000];
    let longest = gaps[random.random_range(0..gaps.len())];
    *second += random.random_range(1..=longest);
    let late = if random.random_range(0..12) == 0 { random.random_range(0..1_500) } else { 0 };
    let at = *second - late;
    let day = u16::try_from(at / 86_400).unwrap();
    let family = Family::ALL[[0, 0, 0, 0, 1, 4, 5, 7][random.random_range(0..8)]];
    let mut event = lookup(day, at % 86_400, random.random_range(0..60));
    event.family = family;
    event.is_sensitive = family.is_sensitive();
    event.is_vip = random.random_range(0..30) == 0;
    event.has_ticket = [Some(true), Some(true), Some(false), None][random.random_range(0..4)];
    event.step = (family == Family::CredentialChange)
        .then(|| [Step::ContactChange, Step::FactorOff, Step::Reset][random.random_range(0..3)]);
    for it in &mut event.kinds {
        let n: f64 = random.random();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number")]
        let rank = (n * n * n * 20.0) as u64;
        *it = (random.random_range(0..20) > 0).then(|| identity(rank));
    }
    event.place = crate::travel::Place::new(53.0 + f64::from(random.random_range(0..40_u8) / 39), -6.0);
    event
}

fn live(person: &mut Person, group: &Group, calibration: &mut Calibration, it: &Observation, surprise: &mut Surprise) {
    person.advance(group, calibration, it);
    person.surprise(group, it, surprise);
    person.learn(group, calibration, it, surprise);
}

pub(crate) fn someone_after(peers: &Peers, calibration: &mut Calibration, events: usize) -> Person {
    let (mut person, mut random, mut second) = (Person::default(), ChaCha8Rng::seed_from_u64(7), u32::from(DAY) * 86_400);
    let mut surprise = Surprise::default();
    for _ in 0..events {
        live(&mut person, peers.of(GroupId::PEOPLE), calibration, &random_event(&mut random, &mut second), &mut surprise);
    }
    person
}

/// Peers that were made of one person's months.
pub(crate) fn peers_of_one() -> Peers {
    let (mut peers, mut calibration) = (Peers::default(), Calibration::default());
    let person = someone_after(&peers, &mut calibration, 2_000);
    let mut tally = Tally::of(&peers);
    tally.add(&person);
    peers.recalibrate(calibration.clone());
    peers.refresh(tally);
    peers
}

#[test]
fn a_person_is_two_kibibytes_and_says_which_layout_it_has() {
    assert_eq!((size_of::<Person>(), align_of::<Person>(), VERSION), (2_048, 64, 1));
    assert_eq!(size_of::<Finding>() * super::surprise::FINDINGS_MAX / 1_024, 1, "a caller's buffer stays in the nearest cache");
}

#[test]
fn every_feature_has_a_place_of_its_own() {
    let places: Vec<usize> = Feature::all().map(Feature::index).collect();
    assert_eq!(places, (0..FEATURES).collect::<Vec<_>>());
}

/// Every event ever, and nothing else.
#[derive(Default)]
struct Twin {
    events: Vec<Observation>,
}

impl Twin {
    /// Events of the family in the bucket of `length` seconds that lies `back` before that of `it`.
    fn bucket(&self, it: &Observation, length: u32, back: u32) -> u32 {
        let wanted = it.second / length - back;
        let latest = |upto: usize| self.events[..=upto].iter().map(|it| it.second / length).max().unwrap_or(0);
        let counted = |(at, event): &(usize, &Observation)| {
            // What came more than a bucket late was counted nowhere.
            event.family == it.family && event.second / length == wanted && latest(*at) <= wanted + 1
        };
        u32::try_from(self.events.iter().enumerate().filter(counted).count()).unwrap()
    }

    /// How many there are with `it`, as [`Person::rate`] promises.
    fn count(&self, it: &Observation, window: Window) -> Option<u32> {
        let length = match window {
            Window::TenMinutes => 600,
            Window::Hour => 3_600,
            Window::Day => {
                let is_today = self.events.iter().all(|event| event.day <= it.day);
                let counted = |(at, event): &(usize, &Observation)| {
                    event.family == it.family
                        && event.day == it.day
                        && self.events[..*at].iter().all(|before| before.day <= event.day)
                };
                return is_today.then(|| u32::try_from(self.events.iter().enumerate().filter(counted).count()).unwrap() + 1);
            }
        };
        let latest = self.events.iter().map(|it| it.second / length).max().unwrap_or(0);
        match latest.saturating_sub(it.second / length) {
            0 => {
                let passed = f64::from(it.second % length) / f64::from(length);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative")]
                let before = (f64::from(self.bucket(it, length, 1)) * (1.0 - passed)) as u32;
                Some(self.bucket(it, length, 0) + before + 1)
            }
            1 => Some(self.bucket(it, length, 0) + 1),
            _ => None,
        }
    }
}

/// What speaks, if every tail is computed and no gate is looked at.
fn without_gates(person: &Person, group: &Group, it: &Observation, count: Option<u32>, window: Window) -> Option<(LogP, f64)> {
    let count = count?;
    let x = f64::from(if window == Window::Day { count } else { count - 1 });
    let (habit, prior) = (person.habit(it.family, window), group.count(it.family, window));
    let judged = person.judge(habit, prior, x, 0.0, Share::ONE)?;
    (judged.p.ln_p() <= super::surprise::LN_SPEAKS).then_some((judged.p, f64::from(count)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Counts, gates, novelty and hours against everything computed from every event.
    #[test]
    fn gates_and_counters_say_what_every_event_and_every_tail_would(seed in any::<u64>(), events in 50_usize..400) {
        let peers = peers_of_one();
        let (group, mut calibration) = (peers.of(GroupId::PEOPLE), Calibration::default());
        let (mut person, mut twin, mut surprise) = (Person::default(), Twin::default(), Surprise::default());
        let (mut random, mut second) = (ChaCha8Rng::seed_from_u64(seed), u32::from(DAY) * 86_400);
        for _ in 0..events {
            let it = random_event(&mut random, &mut second);
            person.advance(group, &mut calibration, &it);
            person.surprise(group, &it, &mut surprise);
            for window in Window::ALL {
                let count = twin.count(&it, window);
                prop_assert_eq!(count, person.count(&it, it.family, window), "{:?}", window);
                let found = surprise.finding(Feature::Count(it.family, window)).map(|it| it.observed);
                let expected = without_gates(&person, group, &it, count, window).map(|it| it.1);
                prop_assert_eq!(found, expected, "{:?}", window);
            }
            for dimension in Dimension::ALL {
                let Some(identity) = it.kinds[dimension.index()] else { continue };
                let speaks = (super::novel::days(dimension) / f64::from(person.chances(group).events).max(1.0)).min(0.01);
                let exact = person.novelty(group, dimension, identity).p;
                let found = surprise.finding(Feature::Novelty(dimension)).map(|it| it.p_self);
                prop_assert_eq!(found, (exact.ln_p() <= libm::log(speaks)).then_some(exact), "{:?}", dimension);
            }
            let hour = person.hour_p(group, &it);
            prop_assert_eq!(surprise.finding(Feature::Hour).is_some(), hour.ln_p() <= super::surprise::LN_SPEAKS);
            for (span, finding) in Span::ALL.into_iter().filter_map(|span| Some((span, surprise.finding(Feature::Distinct(span))?))) {
                prop_assert!(finding.p_self.ln_p().min(finding.p_peer.ln_p()) <= super::surprise::LN_SPEAKS, "{:?}", span);
            }
            person.learn(group, &mut calibration, &it, &surprise);
            twin.events.push(it);
        }
    }

    /// Stopped anywhere and restored, a person goes on the same, and so do the calibration that it feeds and the peers.
    #[test]
    fn from_any_snapshot_on_everything_has_the_same_bits(seed in any::<u64>(), cut in 1_usize..300) {
        let peers = peers_of_one();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut second = u32::from(DAY) * 86_400;
        let events: Vec<Observation> = (0..300).map(|_| random_event(&mut random, &mut second)).collect();
        let lived = |cut: Option<usize>| {
            let (mut person, mut calibration, mut surprise) = (Person::default(), Calibration::default(), Surprise::default());
            let mut restored = Peers::from_bytes(&peers.to_bytes()).unwrap();
            let mut scores = Vec::new();
            for (at, it) in events.iter().enumerate() {
                if cut == Some(at) {
                    person = crate::population::from_bytes(&to_bytes(&person)).unwrap();
                    calibration = postcard::from_bytes(&postcard::to_stdvec(&calibration).unwrap()).unwrap();
                    restored = Peers::from_bytes(&restored.to_bytes()).unwrap();
                }
                let group = if cut.is_some() { restored.of(GroupId::PEOPLE) } else { peers.of(GroupId::PEOPLE) };
                live(&mut person, group, &mut calibration, it, &mut surprise);
                scores.push((surprise.p.ln_p().to_bits(), surprise.findings().len()));
            }
            (to_bytes(&person), calibration, scores)
        };
        prop_assert_eq!(lived(None), lived(Some(cut)));
    }
}

/// A fortnight or more of thirty look-ups a day, of the same things, from nine to half past one.
fn settled(days: u16) -> (Person, Peers, Calibration) {
    let (mut peers, mut calibration) = (Peers::default(), Calibration::default());
    let mut people: Vec<Person> = vec![Person::default(); 15];
    let mut surprise = Surprise::default();
    for day in 0..days {
        for (at, person) in (0_u32..).zip(&mut people) {
            for n in 0..30_u32 {
                let mut it = lookup(DAY + day, 9 * 3_600 + n * 540, u64::from(at * 1_000 + u32::from(day) * 31 + n));
                it.kinds[Dimension::Device.index()] = Some(identity(1_000 + u64::from(at)));
                live(person, peers.of(GroupId::PEOPLE), &mut calibration, &it, &mut surprise);
            }
        }
        let mut tally = Tally::of(&peers);
        people.iter().for_each(|it| tally.add(it));
        peers.recalibrate(calibration.clone());
        peers.refresh(tally);
    }
    (people.swap_remove(0), peers, calibration)
}

fn scored(person: &Person, peers: &Peers, it: &Observation) -> Surprise {
    let (mut person, mut surprise) = (person.clone(), Surprise::default());
    let group = peers.of(person.group());
    person.advance(group, &mut Calibration::default(), it);
    person.surprise(group, it, &mut surprise);
    surprise
}

#[test]
fn an_ordinary_day_is_no_surprise() {
    let (person, peers, _) = settled(40);
    let mut it = lookup(DAY + 40, 10 * 3_600, 1);
    it.kinds[Dimension::Device.index()] = Some(identity(1_000));
    let surprise = scored(&person, &peers, &it);
    assert!(surprise.findings().is_empty() && surprise.score.get() < 1.0, "{surprise:?}");
    assert!(surprise.evidence.get() > 0.5);
}

#[test]
fn two_hundred_accounts_in_ten_minutes_stand_out_by_their_number_from_early_on() {
    let (mut person, peers, mut calibration) = settled(40);
    let (group, mut surprise) = (peers.of(GroupId::PEOPLE), Surprise::default());
    let mut first = None;
    for n in 0..200_u32 {
        let mut it = lookup(DAY + 40, 10 * 3_600 + n * 3, 50_000 + u64::from(n));
        it.kinds[Dimension::Device.index()] = Some(identity(1_000));
        live(&mut person, group, &mut calibration, &it, &mut surprise);
        if first.is_none() && surprise.score.get() >= 30.0 {
            first = Some(n + 1);
        }
    }
    assert!(surprise.score.get() > 40.0 && first.is_some_and(|it| it <= 25), "{first:?} {:?}", surprise.score);
    let top = surprise.contributions::<3>(group)[0].unwrap();
    assert_eq!(top.0, crate::feature::Channel::Volume);
    assert!(top.1.without < surprise.score);
    let count = surprise.finding(Feature::Count(Family::View, Window::TenMinutes)).unwrap();
    assert!((count.observed - 200.0).abs() < 1.0 && count.expected < 5.0, "{count:?}");
}

#[test]
fn what_peers_use_is_less_of_a_surprise_than_what_nobody_does() {
    let (person, peers, _) = settled(40);
    let device = |n: u64| {
        let mut it = lookup(DAY + 40, 10 * 3_600, 1);
        it.kinds[Dimension::Device.index()] = Some(identity(n));
        let surprise = scored(&person, &peers, &it);
        surprise.finding(Feature::Novelty(Dimension::Device)).map_or(1.0, |it| it.p_self.p())
    };
    assert!(
        device(1_000) > 0.99 && device(99_999) < device(1_001) && device(99_999) < 2e-3,
        "{} {}",
        device(1_001),
        device(99_999)
    );
}

#[test]
fn a_new_laptop_is_told_once_and_normal_on_its_fourth_day() {
    let (mut person, peers, mut calibration) = settled(40);
    let (group, mut surprise) = (peers.of(GroupId::PEOPLE), Surprise::default());
    let mut worst = [0.0_f64; 4];
    for (day, worst) in (0_u16..).zip(&mut worst) {
        for n in 0..30 {
            let mut it = lookup(DAY + 40 + day, 9 * 3_600 + n * 540, u64::from(n));
            it.kinds[Dimension::Device.index()] = Some(identity(99_999));
            live(&mut person, group, &mut calibration, &it, &mut surprise);
            *worst = worst.max(surprise.score.get());
        }
    }
    assert!(worst[0] > 15.0 && worst[1] < 16.0 && worst[2] < 16.0 && worst[3] < 1.0, "{worst:?}");
}

#[test]
fn a_takeover_is_seen_as_one_and_three_o_clock_in_the_night_as_night() {
    let (mut person, peers, mut calibration) = settled(40);
    let (group, mut surprise) = (peers.of(GroupId::PEOPLE), Surprise::default());
    let steps = [Step::ContactChange, Step::FactorOff, Step::Reset];
    for (n, step) in (0_u32..).zip(steps) {
        let it = Observation {
            family: Family::CredentialChange,
            is_sensitive: true,
            has_ticket: Some(false),
            step: Some(step),
            ..lookup(DAY + 40, 3 * 3_600 + n * 60, 5)
        };
        live(&mut person, group, &mut calibration, &it, &mut surprise);
        assert_eq!(surprise.completes_takeover, step == Step::Reset);
    }
    let spoke = |it: Feature| surprise.finding(it).is_some();
    assert!(
        spoke(Feature::Takeover { with_ticket: false }) && spoke(Feature::Novelty(Dimension::Device)),
        "{:?}",
        surprise.findings()
    );
    assert!(spoke(Feature::Hour), "{:?}", person.hour_p(group, &lookup(DAY + 40, 3 * 3_600, 5)));
    assert!(spoke(Feature::SensitiveShare) && surprise.score.get() > 20.0, "{surprise:?}");
}

#[test]
fn what_is_sensitive_in_the_old_role_and_daily_work_in_the_new_one_is_no_surprise_for_long() {
    let (mut peers, mut calibration) = (Peers::default(), Calibration::default());
    let [engineer, operator] = [1, 2].map(|role| peers.group(Class::Human, Some(role), None));
    let event = |day: u16, n: u32, is_sensitive: bool| Observation { is_sensitive, ..lookup(day, 32_400 + n * 600, u64::from(n)) };
    let mut surprise = Surprise::default();
    let mut work = |person: &mut Person, group: &Group, calibration: &mut Calibration, day: u16, operates: bool| {
        let mut most = 0.0_f64;
        for n in 0..30 {
            live(
                person,
                group,
                calibration,
                &event(day, n, if operates { n % 5 % 2 == 1 } else { n == 7 && day.is_multiple_of(5) }),
                &mut surprise,
            );
            let of_share = surprise.findings().iter().filter(|it| it.feature == Feature::SensitiveShare);
            most = of_share.map(|it| it.p_self.surprise()).fold(most, f64::max);
        }
        most
    };
    let mut people: Vec<(Person, GroupId)> = (0..20).map(|n| (Person::default(), [engineer, operator][n % 2])).collect();
    for day in DAY..DAY + 40 {
        let mut tally = Tally::of(&peers);
        for (person, group) in &mut people {
            work(person, peers.of(*group), &mut calibration, day, *group == operator);
            tally.add(person);
        }
        peers.recalibrate(calibration.clone());
        peers.refresh(tally);
    }
    let mut stays = people[0].0.clone();
    let mut moves = people[0].0.clone();
    assert!(work(&mut stays, peers.of(engineer), &mut calibration, DAY + 40, true) > 3.0);
    let it = work(&mut moves, peers.of(operator), &mut calibration, DAY + 40, true);
    assert!(it < 2.0, "{it}");
}

#[test]
fn another_role_opens_learning_again_and_a_first_one_does_not() {
    let (person, mut peers, _) = settled(40);
    let windows = |it: &Person| it.habit(Family::View, Window::Day).windows();
    let before = windows(&person);
    let support = peers.group(Class::Human, Some(1), None);
    let fraud = peers.group(Class::Human, Some(2), Some(3));
    let mut person = person;
    person.advance(peers.of(support), &mut Calibration::default(), &lookup(DAY + 39, 50_000, 1));
    assert_eq!((windows(&person), person.group()), (before, support));
    person.advance(peers.of(fraud), &mut Calibration::default(), &lookup(DAY + 39, 50_000, 1));
    assert!(windows(&person) <= 0.21 * before && person.group() == fraud);
}

#[test]
fn a_newcomer_is_judged_by_the_peers() {
    let (_, peers, _) = settled(40);
    let (group, mut calibration, mut surprise) = (peers.of(GroupId::PEOPLE), Calibration::default(), Surprise::default());
    let (mut quiet, mut loud) = (Person::default(), Person::default());
    let mut quiet_worst = 0.0_f64;
    for n in 0..30 {
        let it = lookup(DAY + 40, 9 * 3_600 + n * 540, u64::from(n));
        live(&mut quiet, group, &mut calibration, &it, &mut surprise);
        quiet_worst = quiet_worst.max(surprise.score.get());
    }
    for n in 0..150 {
        live(&mut loud, group, &mut calibration, &lookup(DAY + 40, 9 * 3_600 + n * 3, u64::from(n)), &mut surprise);
    }
    assert!(surprise.score.get() > 30.0 && quiet_worst < 20.0, "{quiet_worst} {:?}", surprise.score);
    // And on the third day, when the first two were as loud, the own habit doesn't excuse it.
    for day in 1..3 {
        for n in 0..150 {
            live(&mut loud, group, &mut calibration, &lookup(DAY + 40 + day, 9 * 3_600 + n * 3, u64::from(n)), &mut surprise);
        }
    }
    assert!(surprise.score.get() > 20.0, "{:?}", surprise.score);
}

#[test]
fn a_rise_is_read_day_by_day_and_speaks_when_it_is_rare() {
    let (mut person, peers, mut calibration) = settled(40);
    let (group, mut surprise, mut read) = (peers.of(GroupId::PEOPLE), Surprise::default(), Vec::new());
    for day in DAY + 40..DAY + 52 {
        for n in 0..42 {
            live(
                &mut person,
                group,
                &mut calibration,
                &lookup(day, 9 * 3_600 + n * 380, u64::from(n) + u64::from(day) * 100),
                &mut surprise,
            );
        }
        let p = person.slow_p(Feature::SlowTargets);
        let spoken = surprise.finding(Feature::SlowTargets).map(|it| it.p_self);
        assert_eq!(spoken, (p.p() <= 1e-3).then_some(p), "on day {day}");
        read.push(p);
    }
    // The first day is known when it is over.
    assert!(read.is_sorted_by(|before, after| after <= before) && read[0].p() > 0.2 && read[11].p() < 1e-4, "{read:?}");
    assert!(read.iter().any(|it| (1e-3..0.1).contains(&it.p())), "{read:?}");
    assert_eq!((person.slow_p(Feature::SlowPrivateReads), person.slow_p(Feature::Hour)), (LogP::ONE, LogP::ONE));
}
