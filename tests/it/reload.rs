//! Invariant 11, rules swap whole: a set that is put in force between two events changes nothing but what it changes.

use crate::support::{attack_day, pack, pipeline, score};
use engine::{Emitted, Rulebook};
use model::SourceMapping;
use proptest::prelude::*;
use sigma::lists::Lists;
use sigma::parse::parse_all;

/// Rules of every kind that keeps something: by actor, by target (through the exchange), distinct and in order.
const RULES: &str = "\
title: Look
name: look
id: 00000000-0000-4000-8000-000000000001
logsource: {product: nightjar}
detection: {s: {action: look}, condition: s}
---
title: Take
name: take
id: 00000000-0000-4000-8000-000000000002
logsource: {product: nightjar}
detection: {s: {action: take}, condition: s}
---
title: Many looks
name: looks
id: 00000000-0000-4000-8000-000000000003
correlation: {type: event_count, rules: [look], group-by: [actor.id], timespan: 1m, condition: {gte: 4}}
---
title: A crowd at one target
name: crowd
id: 00000000-0000-4000-8000-000000000004
correlation: {type: value_count, rules: [look], group-by: [target.id], timespan: 2m, condition: {field: actor.id, gte: 3}}
---
title: Looked, then took
name: look_take
id: 00000000-0000-4000-8000-000000000005
correlation: {type: temporal_ordered, rules: [look, take], group-by: [actor.id], timespan: 1m, generate: true}
---
title: Takes
name: takes
id: 00000000-0000-4000-8000-000000000006
correlation: {type: event_count, rules: [take], group-by: [target.id], timespan: 1m, condition: {gte: 3}}
";

const ADDED: &str = "\
---
title: An added one
name: added
id: 00000000-0000-4000-8000-000000000007
correlation: {type: event_count, rules: [look, take], group-by: [actor.id], timespan: 3m, condition: {gte: 5}}
";

fn book(text: &str) -> Rulebook {
    let loaded = parse_all([("rules.yml".to_owned(), text.to_owned())], &Lists::default());
    let mut problems = loaded.problems;
    let book = Rulebook::compile(loaded.documents, &[SourceMapping::built_in("native").unwrap()], &mut problems);
    assert!(problems.iter().all(|it| !it.is_error()), "{problems:?}");
    book
}

/// One event: (seconds after the one before, actor, target, whether it takes).
type Step = (u8, u8, u8, bool);

fn lines(steps: &[Step]) -> Vec<Vec<u8>> {
    let mut seconds = 0;
    let line = |(number, &(gap, actor, target, takes)): (usize, &Step)| {
        seconds += u64::from(gap);
        let (minute, second) = (seconds / 60, seconds % 60);
        let (hour, minute) = (minute / 60, minute % 60);
        let action = if takes { "take" } else { "look" };
        format!(
            "{{\"time\":\"2026-03-02T{hour:02}:{minute:02}:{second:02}Z\",\"id\":\"e{number}\",\"actor\":{{\"id\":\"a{actor}\"}},\
             \"action\":\"{action}\",\"target\":{{\"id\":\"t{target}\"}}}}\n"
        )
        .into_bytes()
    };
    steps.iter().enumerate().map(line).collect()
}

/// What the alerts of the rules that `wanted` accepts say, without the version of the set that made them.
fn told(alerts: &[Emitted], wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let wanted = alerts.iter().map(|it| &it.alert).filter(|it| wanted(&it.rule.name));
    wanted.map(|it| format!("{} {} {} {:?} {:?}", it.time, it.rule.name, it.uid, it.window, it.events)).collect()
}

/// The alerts of a run over `events` in which each (event, set) of `swaps` is put in force before that event.
fn run(first: &str, events: &[Vec<u8>], swaps: &[(usize, &str)]) -> Vec<Emitted> {
    let mut pipeline = pipeline(&book(first));
    let mut alerts = Vec::new();
    for (number, event) in events.iter().enumerate() {
        for (_, set) in swaps.iter().filter(|(at, _)| *at == number) {
            pipeline.adopt(book(set));
        }
        alerts.extend(score(&mut pipeline, event).0);
    }
    alerts
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((0..25_u8, 0..3_u8, 0..2_u8, any::<bool>()), 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_reload_of_the_same_rules_changes_no_alert_wherever_it_comes(steps in steps(), cuts in prop::collection::vec(0..120_usize, 1..4)) {
        let events = lines(&steps);
        // A comment and a title are no other rules to a window.
        let retold = RULES.replace("title: Many looks", "# why\ntitle: A great many looks");
        let swaps: Vec<(usize, &str)> = cuts.iter().enumerate().map(|(n, &at)| (at, if n == 1 { &*retold } else { RULES })).collect();
        prop_assert_eq!(told(&run(RULES, &events, &swaps), |_| true), told(&run(RULES, &events, &[]), |_| true));
    }

    #[test]
    fn a_rule_that_changes_resets_what_is_over_it_and_nothing_else(steps in steps(), cut in 0..120_usize) {
        let (events, cut) = (lines(&steps), cut.min(steps.len()));
        let changed = RULES.replace("{s: {action: take}, condition: s}", "{s: {action: take}, t: {action: nothing}, condition: s or t}");
        let (swapped, whole) = (run(RULES, &events, &[(cut, &changed)]), run(RULES, &events, &[]));
        let is_over_it = |rule: &str| ["look_take", "takes"].contains(&rule);
        prop_assert_eq!(told(&swapped, |it| !is_over_it(it)), told(&whole, |it| !is_over_it(it)));
        // The same as before the change, and from then on as if nothing had been before.
        let mut anew = run(RULES, &events[..cut], &[]);
        anew.extend(run(&changed, &events[cut..], &[]));
        prop_assert_eq!(told(&swapped, is_over_it), told(&anew, is_over_it));
    }

    #[test]
    fn a_rule_that_is_added_or_removed_changes_nothing_of_the_others(steps in steps(), cut in 0..120_usize, out in 0..120_usize) {
        let events = lines(&steps);
        let more = format!("{RULES}{ADDED}");
        let swapped = run(RULES, &events, &[(cut.min(out), &more), (cut.max(out), RULES)]);
        prop_assert_eq!(told(&swapped, |it| it != "added"), told(&run(RULES, &events, &[]), |_| true));
    }
}

#[test]
fn every_alert_names_the_set_that_made_it() {
    let events = lines(&[(0, 1, 1, true), (1, 1, 1, true)]);
    let other = RULES.replace("action: look", "action: glance");
    let alerts = run(RULES, &events, &[(1, &other)]);
    let sets: Vec<&str> = alerts.iter().map(|it| &*it.alert.rule_set).collect();
    assert_eq!(sets, [&*book(RULES).set.hash, &*book(&other).set.hash]);
    assert_ne!(sets[0], sets[1]);
}

#[test]
fn the_whole_pack_is_swapped_in_the_middle_of_the_attack_without_a_trace() {
    let day = attack_day(100, 5);
    let half = day.iter().take(day.len() / 2).rposition(|it| *it == b'\n').unwrap() + 1;
    let whole = told(&score(&mut pipeline(&pack("native")), &day).0, |_| true);
    let mut swapped = pipeline(&pack("native"));
    let mut alerts = score(&mut swapped, &day[..half]).0;
    let carried = swapped.adopt(pack("native"));
    assert!(carried.kept > 20 && (carried.reset, carried.added, carried.removed) == (0, 0, 0), "{carried:?}");
    alerts.extend(score(&mut swapped, &day[half..]).0);
    assert_eq!(told(&alerts, |_| true), whole);
}

#[test]
fn a_snapshot_restores_the_correlations_that_are_the_same_under_other_rules() {
    // Three looks of four; then the rules change elsewhere, and the fourth comes.
    let events = lines(&[(0, 1, 1, false), (1, 1, 1, false), (1, 1, 1, false), (1, 1, 1, false)]);
    let restored = |set: &str| {
        let mut first = pipeline(&book(RULES));
        score(&mut first, &events[..3].concat());
        let mut second = pipeline(&book(set));
        second.restore(&first.snapshot()).unwrap();
        told(&score(&mut second, &events[3]).0, |it| it == "looks").len()
    };
    assert_eq!(restored(RULES), 1);
    assert_eq!(restored(&format!("{}{ADDED}", RULES.replace("action: take", "action: steal"))), 1);
    assert_eq!(restored(&RULES.replace("gte: 4", "gte: 2")), 0, "the first of the new episode");
}
