//! Invariant 7: scoring an event of a known actor allocates nothing.
#![expect(unsafe_code, reason = "a counting allocator has to implement an unsafe trait")]

use crate::support::{book_of, lists, pack, pipeline};
use engine::Pipeline;
use engine::behaviour::Society;
use engine::decode::{Lines, pad};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator unchanged; the counter is a plain cell without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|it| it.set(it.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.with(|it| it.set(it.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The bytes of one line, padded as a block.
fn block(line: &[u8]) -> (Vec<u8>, usize) {
    let mut bytes = line.to_vec();
    let payload = pad(&mut bytes);
    (bytes, payload)
}

/// Which look at the peers is in force, and how many tables were made since.
fn peers(pipeline: &Pipeline) -> Option<(*const Society, usize)> {
    pipeline.shard_behaviour().map(|it| (Arc::as_ptr(it.society()), it.society().tables_made()))
}

/// How many of the later events of a company left nothing behind and were the first of no hour, of these how many allocated, and the most.
fn quiet_events(pipeline: &mut Pipeline) -> (u64, u64, u64) {
    const WARM: usize = 60_000;
    const MEASURED: usize = 5_000;
    let text = sim::sample_lines(7, 200, WARM + MEASURED);
    let lines: Vec<&[u8]> = text.split(|it| *it == b'\n').filter(|it| !it.is_empty()).collect();
    let mut alerts = Vec::with_capacity(1_000);
    let (mut quiet, mut allocating, mut worst) = (0_u64, 0_u64, 0);
    for (at, line) in lines.iter().enumerate() {
        let (bytes, payload) = block(line);
        let mut lines = Lines::new(&bytes, payload).unwrap();
        alerts.clear();
        let (routed_before, peers_before) = (pipeline.routed(), peers(pipeline));
        let before = ALLOCATIONS.with(Cell::get);
        pipeline.score(&mut lines, &mut alerts, |record| panic!("{:?}", record.outcome));
        let allocations = ALLOCATIONS.with(Cell::get) - before;
        // An alert is text, a hit on its way to another shard takes its line along, an hour that is over looks at the peers anew, and whoever is
        // the first of a group to do something new in it makes the table of what the group does: those allocate, and say so.
        let has_same_peers = peers(pipeline) == peers_before;
        if at >= WARM && alerts.is_empty() && pipeline.routed() == routed_before && has_same_peers {
            quiet += 1;
            allocating += u64::from(allocations > 0);
            worst = worst.max(allocations);
        }
    }
    (quiet, allocating, worst)
}

#[test]
fn an_event_of_a_known_actor_that_no_exchanged_rule_wants_allocates_nothing() {
    let (quiet, allocating, worst) = quiet_events(&mut pipeline(&pack("native")));
    assert!(quiet > 1_000, "only {quiet} events were quiet");
    // A window's table or a cache's row may still grow once in a while; it must be nowhere near once per event.
    assert!(allocating * 200 <= quiet, "{allocating} of {quiet} quiet events allocated, at most {worst} times");
}

#[test]
fn comparing_an_ordinary_event_with_habits_allocates_nothing() {
    let rule = "title: T\nid: 0b9c2790-1852-4a7e-9531-6dc2fad3b8c6\nlevel: high\nlogsource: {product: nightjar}\ndetection:\n  s:\n    \
                nj.score|gte: 60\n    nj.rate.view.1h.p_self|lt: 0.0000001\n    nj.novelty.device.first_for_actor: true\n  condition: s\n";
    let book = book_of(vec![("rule.yml".to_owned(), rule.to_owned())], "native", &lists());
    let mut pipeline = pipeline(&book);
    let (quiet, allocating, worst) = quiet_events(&mut pipeline);
    let stats = pipeline.behaviour_stats();
    assert!(quiet > 4_000 && stats.people > 150 && stats.unmodelled == 0, "{quiet} quiet, {stats:?}");
    assert!(allocating * 200 <= quiet, "{allocating} of {quiet} quiet events allocated, at most {worst} times");
}

/// The baselines' part of it. The calibration of a kind of people is allocated for the first of their days; everything else never is.
#[test]
fn scoring_and_teaching_a_known_person_allocates_nothing() {
    use baseline::clock::Bin;
    use baseline::observation::{Family, Identity, Observation, Step};
    use baseline::peers::{GroupId, Peers, Tally};
    use baseline::person::Surprise;
    let name = |n: u32| Identity::new(u64::from(n) + 1);
    let event = |n: u32| {
        // A hundred days of fifty events, some of them rare in every way there is, some late.
        let (day, nth) = (20_000 + n / 50, n % 50);
        let second = day * 86_400 + 32_400 + nth * 500 - if n.is_multiple_of(41) { 700 } else { 0 };
        let family = Family::ALL[(n * n % 97 % 8) as usize];
        let rare = if n.is_multiple_of(173) { 1_000 + n } else { 0 };
        Observation {
            second,
            day: u16::try_from(day).unwrap(),
            bin: Bin::new(u8::try_from(second / 3_600 % 24).unwrap(), day % 7 > 4),
            family,
            is_sensitive: family.is_sensitive(),
            is_vip: n.is_multiple_of(59),
            has_ticket: Some(!n.is_multiple_of(13)),
            step: n.is_multiple_of(211).then_some([Step::ContactChange, Step::Reset][(n % 2) as usize]),
            kinds: [n % 7, n % 3, 10 + rare, 20 + rare, 30, 40 + rare].map(name),
            target: name(n * 31 % if n.is_multiple_of(500) { 7 } else { 10_007 }),
            place: baseline::travel::Place::new(53.0, if rare > 0 { 100.0 } else { -6.0 }),
            is_proven: true,
            accuracy_km: 50.0,
        }
    };
    let (mut peers, mut calibration) = (Peers::default(), baseline::calibrate::Calibration::default());
    let (mut people, mut surprise) = (baseline::population::Population::new(10), Surprise::default());
    let (mut seats, seat) = (Vec::with_capacity(1), people.admit(7, None).0);
    let mut spoke = 0;
    for n in 0..5_000 {
        if n == 2_500 {
            let mut tally = Tally::of(&peers);
            people.people().for_each(|(_, it)| tally.add(it));
            peers.recalibrate(calibration.clone());
            peers.refresh(tally);
        }
        let before = ALLOCATIONS.with(Cell::get);
        let (it, group) = (event(n), peers.of(GroupId::PEOPLE));
        people.warm(&[7], &mut seats);
        let person = people.get_mut(seat);
        person.advance(group, &mut calibration, &it);
        person.surprise(group, &it, &mut surprise);
        person.learn(group, &mut calibration, &it, &surprise);
        let allocations = ALLOCATIONS.with(Cell::get) - before;
        spoke += u32::from(!surprise.findings().is_empty());
        assert!(allocations == 0 || n < 3_000, "event {n} allocated {allocations} times");
    }
    assert!(spoke > 200, "only {spoke} events had anything to tell");
}

/// The same of targets: who was there before comes again, whatever is done.
#[test]
fn seeing_and_teaching_a_known_target_allocates_nothing() {
    use baseline::observation::{Family, Identity, Step};
    use baseline::targets::{TargetClass, Targets, Touch};
    let name = |n: u32| Identity::new(u64::from(n) + 1).unwrap();
    let touch = |n: u32| {
        let target = n % 50;
        let is_watched = target < 5;
        Touch {
            target: name(target),
            class: TargetClass { kind: 1, tier: u64::from(is_watched) },
            is_watched,
            // From one person on a target to some ninety, who are sketched.
            actor: name(n * 31 % (1 + target * 2)),
            second: 1_772_000_000 + n * 40 - if n.is_multiple_of(41) { 700 } else { 0 },
            family: Family::ALL[(n % 8) as usize],
            step: n.is_multiple_of(11).then_some([Step::ContactChange, Step::Reset][(n % 2) as usize]),
            has_ticket: Some(!n.is_multiple_of(13)),
        }
    };
    let mut targets = Targets::default();
    let mut rare = 0;
    for n in 0..60_000 {
        let before = ALLOCATIONS.with(Cell::get);
        let it = touch(n);
        rare += u32::from(targets.view(&it).p.p() < 0.5);
        targets.learn(&it);
        let allocations = ALLOCATIONS.with(Cell::get) - before;
        assert!(allocations == 0 || n < 30_000, "event {n} allocated {allocations} times");
    }
    assert!(rare > 100, "only {rare} views were out of the ordinary");
}
