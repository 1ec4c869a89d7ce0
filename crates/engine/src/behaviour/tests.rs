//! Behaviour through the whole engine: what is learnt, what is told, and that nothing but the events decides.

mod attic;
mod outcome;

use super::{Group, GroupId, Person, Portrait, Scored};
use crate::book::Rulebook;
use crate::decode::{Lines, pad};
use crate::pipeline::{Pipeline, Settings};
use crate::reader::Plausible;
use crate::shard::Emitted;
use crate::windows::Identity;
use baseline::observation::{Dimension, Family, Window};
use model::{EventTime, SourceMapping};
use sigma::lists::Lists;
use sigma::parse::parse_all;
use std::fmt::Write;

const HEAD: &str =
    "title: T\nname: t\nid: 0b9c2790-1852-4a7e-9531-6dc2fad3b8c6\nstatus: stable\nlevel: high\nlogsource: {product: nightjar}\n";
const START_MS: i64 = 1_767_571_200_000; // 2026-01-05T00:00:00Z, a Monday
const DAY_MS: i64 = 86_400_000;

fn book(detection: &str) -> Rulebook {
    let rule = format!("{HEAD}detection:\n  s:\n    {detection}\n  condition: s\n");
    let loaded = parse_all([("rules.yml".to_owned(), rule)], &Lists::default());
    let mut problems = loaded.problems;
    let book = Rulebook::compile_watching(loaded.documents, &[SourceMapping::built_in("native").unwrap()], &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    book
}

fn settings() -> Settings {
    let mut settings = Settings::new(Plausible::until(EventTime::parse("2200-01-01T00:00:00Z").unwrap()));
    settings.behaviour.tells_scores = true;
    settings
}

/// One look-up.
fn look(out: &mut Vec<String>, person: usize, ms: i64, target: u64, device: &str) {
    let mut line = String::new();
    let (time, id) = (EventTime::from_ms(START_MS + ms), format!("e{person}-{ms}-{target}"));
    let time = time.to_string();
    write!(
        line,
        r#"{{"time":"{time}","id":"{id}","actor":{{"id":"u{person}","role":"support","team":"t{}"}},"action":"account.lookup","tool":"console","target":{{"id":"{target}"}},"source":{{"ip":"10.0.{person}.7","country":"IE","device_id":"{device}"}},"justification":{{"ticket":"T-{target}"}}}}"#,
        person % 2
    )
    .unwrap();
    out.push(line);
}

/// Working days of some people: twenty to forty look-ups a day, none twice.
fn ordinary(people: usize, days: i64) -> Vec<String> {
    let mut events: Vec<(i64, usize, u64)> = Vec::new();
    let mut random: u64 = 1;
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        random >> 33
    };
    for day in (0..days).filter(|it| it % 7 < 5) {
        for person in 0..people {
            for _ in 0..20 + next() % 20 {
                let ms = i64::try_from(next() % (8 * 3_600_000)).unwrap();
                events.push((day * DAY_MS + 9 * 3_600_000 + ms, person, next()));
            }
        }
    }
    events.sort_unstable();
    let mut lines = Vec::new();
    events.iter().for_each(|(ms, person, target)| look(&mut lines, *person, *ms, *target, &format!("d-{person}")));
    lines
}

/// Two hundred accounts in ten minutes from a new device, on the day after.
fn burst(days: i64) -> Vec<String> {
    let mut lines = Vec::new();
    (0..200).for_each(|at| look(&mut lines, 3, days * DAY_MS + 10 * 3_600_000 + at * 3_000, 77_000 + at.unsigned_abs(), "d-new"));
    lines
}

fn score(pipeline: &mut Pipeline, lines: &[String]) -> (Vec<Emitted>, Vec<Scored>) {
    let mut alerts = Vec::new();
    let mut bytes = (lines.join("\n") + "\n").into_bytes();
    let payload = pad(&mut bytes);
    pipeline.score(&mut Lines::new(&bytes, payload).unwrap(), &mut alerts, |it| panic!("{it:?}"));
    (alerts, pipeline.take_scores())
}

#[test]
fn a_burst_is_told_with_what_made_it_and_ordinary_work_is_not() {
    let mut pipeline = Pipeline::new(book("nj.score|gte: 40"), 0, &settings());
    let (before, scores) = score(&mut pipeline, &ordinary(8, 28));
    let told: Vec<_> = before.iter().filter(|it| it.alert.time.ms() >= START_MS + 21 * DAY_MS).collect();
    assert!(told.is_empty(), "{:?}", told.iter().map(|it| &it.alert.message).collect::<Vec<_>>());
    assert!(scores.len() > 4_000);
    let (alerts, scores) = score(&mut pipeline, &burst(28));
    let by_rule = alerts.iter().filter(|it| it.alert.rule.name == "t").count();
    assert!(by_rule > 50, "{by_rule}");
    let told: Vec<_> = alerts.iter().filter_map(|it| it.alert.deviation.as_ref()).collect();
    let most = told.iter().max_by(|one, other| one.risk.total_cmp(&other.risk)).unwrap();
    assert!(most.risk > 4.0 && most.evidence > 0.4, "{most:?}");
    assert!(most.contributions[0].feature.starts_with("nj."), "{most:?}");
    assert!(most.contributions[0].observed > most.contributions[0].usual_p99.unwrap_or(0.0), "{most:?}");
    let early = scores.iter().position(|it| it.score >= 40.0).unwrap();
    assert!(early <= 60, "seen after {early} accounts");
}

#[test]
fn scores_and_alerts_depend_on_the_events_and_not_on_blocks_or_snapshots() {
    let mut lines = ordinary(5, 9);
    lines.extend(burst(9));
    let rule = "nj.rate.view.1h.p_self|lt: 0.01";
    let whole = score(&mut Pipeline::new(book(rule), 0, &settings()), &lines);
    for cut in [1, 7, 333, 1_000] {
        let (mut alerts, mut scores) = (Vec::new(), Vec::new());
        let mut pipeline = Pipeline::new(book(rule), 0, &settings());
        for part in lines.chunks(cut * 3) {
            let snapshot = pipeline.snapshot();
            if cut > 300 {
                pipeline = Pipeline::new(book(rule), 0, &settings());
                pipeline.restore(&snapshot).unwrap();
            }
            let (some, few) = score(&mut pipeline, part);
            alerts.extend(some);
            scores.extend(few);
        }
        assert_eq!(scores, whole.1, "in parts of {}", cut * 3);
        let uids = |it: &[Emitted]| it.iter().map(|it| (it.position, it.alert.uid.clone())).collect::<Vec<_>>();
        assert_eq!(uids(&alerts), uids(&whole.0), "in parts of {}", cut * 3);
    }
}

#[test]
fn a_rule_that_reads_the_risk_does_not_raise_it() {
    let of = |detection: &str| {
        let mut pipeline = Pipeline::new(book(detection), 0, &settings());
        score(&mut pipeline, &ordinary(4, 3));
        pipeline.shard_behaviour().and_then(|it| it.person("u1").map(|(it, _)| it.risk().at(it.last_seen() / 60)[0])).unwrap()
    };
    let (plain, reads, other) = (of("action: nothing"), of("nj.evidence|gte: 0"), of("action: account.lookup"));
    assert!((plain - reads).abs() < 1e-9, "{plain} {reads}");
    assert!(other > plain + 0.5, "a detection of level high raises it: {other} {plain}");
}

#[test]
fn events_that_no_profile_can_be_kept_of_are_counted_and_matched_all_the_same() {
    let mut pipeline = Pipeline::new(book("action: account.lookup"), 0, &settings());
    let mut lines = Vec::new();
    look(&mut lines, 1, 0, 1, "d");
    lines.push(lines[0].replace("2026-01-05", "2151-01-05"));
    let (alerts, _) = score(&mut pipeline, &lines);
    let by_rule = alerts.iter().filter(|it| it.alert.rule.name == "t").count();
    let stats = pipeline.behaviour_stats();
    assert_eq!((by_rule, stats.people, stats.unmodelled), (2, 1, 1));
}

/// The same file twice, and a file from its end to its beginning, would else teach what was learnt already.
#[test]
fn what_comes_a_day_after_something_later_is_counted_and_not_learnt() {
    let mut pipeline = Pipeline::new(book("action: account.lookup"), 0, &settings());
    let lines = ordinary(3, 9);
    score(&mut pipeline, &lines);
    let profiles = |pipeline: &Pipeline| {
        let behaviour = pipeline.shard_behaviour().unwrap();
        ["u0", "u1", "u2"].map(|it| behaviour.person(it).unwrap().0.clone())
    };
    let before = profiles(&pipeline);
    let until = (START_MS + 8 * DAY_MS) / 1_000;
    let late: Vec<String> = lines
        .iter()
        .filter(|it| {
            let time = it.split('"').nth(3).unwrap();
            EventTime::parse(time).unwrap().ms() / 1_000 < until - DAY_MS / 1_000
        })
        .map(|it| it.replace("\"id\":\"e", "\"id\":\"again-e"))
        .rev()
        .collect();
    let (alerts, scores) = score(&mut pipeline, &late);
    let stats = pipeline.behaviour_stats();
    assert!(profiles(&pipeline) == before, "a profile has changed");
    assert_eq!((stats.too_late, scores.len(), alerts.len()), (late.len() as u64, 0, late.len()));
}

#[test]
fn a_portrait_names_what_somebody_uses_and_says_what_is_usual() {
    let mut pipeline = Pipeline::new(book("action: nothing"), 0, &settings());
    score(&mut pipeline, &ordinary(4, 26));
    let again = {
        let mut again = Pipeline::new(book("action: nothing"), 0, &settings());
        again.restore(&pipeline.snapshot()).unwrap();
        again
    };
    let at = EventTime::from_ms(START_MS + 26 * DAY_MS);
    let portrait = Portrait::of(again.shard_behaviour().unwrap(), "u2", at).unwrap();
    assert_eq!((portrait.role.as_deref(), portrait.team.as_deref(), portrait.class), (Some("support"), Some("t0"), "person"));
    assert_eq!((portrait.first_day.as_str(), portrait.active_days), ("2026-01-05", 19));
    let known: Vec<(&str, &str)> = portrait.known.iter().map(|it| (it.dimension, it.name.as_str())).collect();
    let expected = [("action", "account.lookup"), ("tool", "console"), ("ip", "10.0.2.0/24"), ("device", "d-2"), ("country", "IE")];
    assert_eq!(known, expected);
    let day = portrait.rates.iter().find(|it| (it.what, it.window) == ("view", "1d")).unwrap();
    assert!((20.0..40.0).contains(&day.mean) && day.p99 > day.mean && day.evidence > 0.3, "{day:?}");
    assert!(portrait.rates.iter().all(|it| it.what == "view"), "{:?}", portrait.rates);
    let busy = portrait.working_days.iter().zip(0..).filter(|(it, _)| **it > 0.0).map(|(_, hour)| hour).collect::<Vec<_>>();
    assert_eq!(busy, (9..17).collect::<Vec<_>>());
    assert!(portrait.days_off.iter().all(|it| *it == 0.0));
    let month = portrait.targets.iter().find(|it| it.window == "30d").unwrap();
    assert!(month.now.is_some_and(|it| (400.0..800.0).contains(&it)), "{month:?}");
    assert_eq!((portrait.risk.len(), portrait.slow.len()), (4, 2));
    assert_eq!(Portrait::of(again.shard_behaviour().unwrap(), "u99", at), None);
}

#[test]
fn once_habits_are_known_what_members_use_is_looked_at_every_hour_and_what_is_usual_every_quarter_of_a_day() {
    let mut pipeline = Pipeline::new(book("action: never"), 0, &settings());
    score(&mut pipeline, &ordinary(6, 14));
    let device = Person::key(std::num::NonZeroU64::new(Identity::of(["d-new"]).0[0]).unwrap());
    let seen = |pipeline: &Pipeline| {
        let people: &Group = pipeline.shard_behaviour().unwrap().society().of(GroupId::PEOPLE);
        let usual = Family::ALL.map(|it| *people.count(it, Window::Hour));
        (usual, people.kinds(Dimension::Device).knows(device))
    };
    let (mut latest, is_known) = seen(&pipeline);
    assert!(!is_known);
    let mut changes = Vec::new();
    for hour in 9..21 {
        let mut lines = Vec::new();
        (0..6).for_each(|person| look(&mut lines, person, 14 * DAY_MS + hour * 3_600_000, 9_000 + hour.unsigned_abs(), "d-new"));
        score(&mut pipeline, &lines);
        let (usual, is_known) = seen(&pipeline);
        assert!(is_known || hour == 9, "{hour}");
        changes.push(usual != latest);
        latest = usual;
    }
    let looks = changes.iter().filter(|it| **it).count();
    assert!(!changes[0] && !changes[1] && (1..=3).contains(&looks), "{changes:?}");
}
