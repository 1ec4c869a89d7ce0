//! Rules that ask what others did to a target, against a twin that keeps every event and asks it for each.

use crate::book::Rulebook;
use crate::context::{self, File};
use crate::decode::{Lines, pad};
use crate::pipeline::{Pipeline, Settings};
use crate::reader::Plausible;
use model::{EventTime, SourceMapping};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sigma::lists::Lists;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

/// 2026-03-02, a Monday.
const MONDAY_MS: i64 = 1_772_409_600_000;

const RULES: &str = "
title: Crowd
name: crowd
id: 00000000-0000-4000-8000-000000000001
status: stable
level: high
logsource: {product: nightjar}
detection:
  look: {nj.family: [view, search]}
  many: {nj.target.unticketed_24h|gte: 3}
  few: {nj.target.actors_24h|lt: 3}
  condition: look and many and not few
fields: [nj.target.actors_24h, nj.target.unticketed_24h, nj.target.p]
---
title: Relay
name: relay
id: 00000000-0000-4000-8000-000000000002
status: stable
level: high
logsource: {product: nightjar}
detection:
  soon: {nj.target.relay|lte: 600}
  condition: soon
---
title: New here
name: new_here
id: 00000000-0000-4000-8000-000000000003
status: stable
level: low
logsource: {product: nightjar}
detection:
  export: {action: data.export}
  watched: {nj.target.watchlist: true}
  known: {nj.target.first_actor: false}
  condition: export and watched and not known
---
title: Chain
name: chain
id: 00000000-0000-4000-8000-000000000004
status: stable
level: high
logsource: {product: nightjar}
detection:
  all: {nj.chain.takeover: 3, nj.chain.actors|gte: 2}
  condition: all
---
title: Nowhere
name: nowhere
id: 00000000-0000-4000-8000-000000000006
status: stable
level: low
logsource: {product: nightjar}
detection:
  export: {action: data.export}
  somebody: {nj.target.actors_24h|gte: 1}
  condition: export and not somebody
---
title: Two crowds by one
name: two_crowds
id: 00000000-0000-4000-8000-000000000005
status: stable
level: critical
correlation:
  type: value_count
  rules: [crowd]
  group-by: [actor.id]
  generate: true
  timespan: 1h
  condition: {field: target.id, gte: 2}
";

fn book(rules: &str) -> Rulebook {
    let loaded = sigma::parse::parse_all([("rules.yml".to_owned(), rules.to_owned())], &Lists::default());
    let mut problems = loaded.problems;
    let book = Rulebook::compile(loaded.documents, &[SourceMapping::built_in("native").unwrap()], &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    book
}

/// The rules with a watch list.
fn watching(rules: &str, targets: std::ops::Range<u32>) -> Rulebook {
    let list = targets.fold("target,tier\n".to_owned(), |text, it| text + &format!("{it},vip\n"));
    let loaded = context::load(&[File::new("watchlists.csv", list)], context::Taxonomy::default());
    assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
    book(rules).with_context(Arc::new(loaded.context))
}

fn pipeline(book: &Rulebook) -> Pipeline {
    let latest = EventTime::parse("2100-01-01T00:00:00Z").unwrap();
    Pipeline::new(book.clone(), 0, &Settings::new(Plausible::until(latest)))
}

/// What a pipeline alerts of some events, as `rule event`.
fn alerts(pipeline: &mut Pipeline, events: &[String]) -> Vec<String> {
    if events.is_empty() {
        return Vec::new();
    }
    let mut bytes = events.join("\n").into_bytes();
    let payload = pad(&mut bytes);
    let mut alerts = Vec::new();
    pipeline.score(&mut Lines::new(&bytes, payload).unwrap(), &mut alerts, |it| panic!("{it:?}"));
    let last = |it: &model::Alert| it.events.last().cloned().unwrap_or_default();
    alerts.iter().map(|it| format!("{} {}", it.alert.rule.name, last(&it.alert))).collect()
}

#[derive(Clone)]
struct Deed {
    ms: i64,
    actor: u32,
    target: Option<u32>,
    action: &'static str,
    outcome: &'static str,
    has_ticket: bool,
    is_service: bool,
}

const ACTIONS: [&str; 8] = [
    "account.lookup",
    "account.lookup",
    "account.search",
    "data.export",
    "account.contact_change",
    "account.mfa_disable",
    "password.reset",
    "login",
];

impl Deed {
    fn line(&self, id: usize) -> String {
        let mut line = format!(r#"{{"id":"{id}","time":{},"action":"{}","outcome":"{}""#, self.ms, self.action, self.outcome);
        let kind = if self.is_service { "service" } else { "employee" };
        let _ = write!(line, r#","actor":{{"id":"u{}","type":"{kind}"}}"#, self.actor);
        if let Some(target) = self.target {
            let _ = write!(line, r#","target":{{"type":"account","id":"{target}"}}"#);
        }
        if self.has_ticket {
            line.push_str(r#","justification":{"ticket":"CS-1"}"#);
        }
        line.push('}');
        line
    }

    fn counts(&self) -> bool {
        self.action != "login" && self.outcome == "success" && !self.is_service
    }

    fn is_look(&self) -> bool {
        matches!(self.action, "account.lookup" | "account.search")
    }

    fn is_bare(&self) -> bool {
        // Searches and exports of data need no ticket.
        !self.has_ticket && !self.is_service && !matches!(self.action, "account.search" | "data.export" | "login")
    }

    fn step(&self) -> Option<usize> {
        ["account.contact_change", "account.mfa_disable", "password.reset"].iter().position(|it| *it == self.action)
    }
}

fn deeds(seed: u64, count: usize) -> Vec<Deed> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut ms = MONDAY_MS;
    let deed = |_| {
        let longest = [20, 300, 3_000, 20_000][random.random_range(0..4)];
        ms += random.random_range(0..longest) * 1_000;
        let late = if random.random_range(0..9) == 0 { random.random_range(0..200) * 1_000 } else { 0 };
        Deed {
            ms: ms - late,
            actor: random.random_range(0..7),
            target: (random.random_range(0..12) > 0).then(|| random.random_range(0..4)),
            action: ACTIONS[random.random_range(0..ACTIONS.len())],
            outcome: if random.random_range(0..9) == 0 { "denied" } else { "success" },
            has_ticket: random.random_range(0..3) == 0,
            is_service: random.random_range(0..15) == 0,
        }
    };
    (0..count).map(deed).collect()
}

/// What the twin knows of a target when `deed` comes.
struct Known<'d> {
    before: Vec<&'d Deed>,
    deed: &'d Deed,
    end: i64,
}

impl<'d> Known<'d> {
    const DAY: i64 = 86_400;

    fn of(deed: &'d Deed, all: &'d [Deed]) -> Self {
        let before: Vec<&Deed> = all.iter().filter(|it| it.target == deed.target && it.counts()).collect();
        let end = before.iter().map(|it| it.ms / 1_000).max().unwrap_or(0).max(deed.ms / 1_000);
        Self { before, deed, end }
    }

    fn people(&self, counts: impl Fn(&Deed) -> bool, me: bool) -> usize {
        let others = self.before.iter().filter(|it| self.end - it.ms / 1_000 < Self::DAY && counts(it)).map(|it| it.actor);
        others.chain(me.then_some(self.deed.actor)).collect::<BTreeSet<u32>>().len()
    }

    fn relay(&self) -> Option<i64> {
        let is_harvest = self.deed.step().is_some() || self.deed.action == "data.export";
        let looks = self.before.iter().filter(|it| it.is_look() && it.actor != self.deed.actor);
        let since = looks.map(|it| self.deed.ms / 1_000 - it.ms / 1_000).filter(|it| (0..Self::DAY).contains(it));
        since.min().filter(|_| is_harvest)
    }

    /// Steps that were done, and by how many.
    fn chain(&self) -> (usize, usize) {
        let mut latest: [Option<(i64, u32)>; 3] = [None; 3];
        for it in self.before.iter().copied().chain(self.deed.counts().then_some(self.deed)) {
            let second = it.ms / 1_000;
            if let Some(step) = it.step()
                && latest[step].is_none_or(|(known, _)| second >= known)
            {
                latest[step] = Some((second, it.actor));
            }
        }
        let done = || latest.iter().flatten().filter(|(second, _)| self.end - second < Self::DAY);
        (done().count(), done().map(|it| it.1).collect::<BTreeSet<_>>().len())
    }
}

/// The detections of [`RULES`], asked of everything that came before.
fn naive(deeds: &[Deed]) -> Vec<String> {
    let mut alerts = Vec::new();
    for (at, deed) in deeds.iter().enumerate() {
        // Without a target there is nothing to be known, and what is negated holds.
        let Some(_) = deed.target else {
            if deed.action == "data.export" {
                alerts.push(format!("nowhere {at}"));
            }
            continue;
        };
        let known = Known::of(deed, &deeds[..at]);
        let (steps, actors) = known.chain();
        if steps == 3 && actors >= 2 {
            alerts.push(format!("chain {at}"));
        }
        let (people, bare) = (known.people(|_| true, true), known.people(Deed::is_bare, deed.is_bare()));
        if deed.is_look() && bare >= 3 && people >= 3 {
            alerts.push(format!("crowd {at}"));
        }
        let of_week = |it: &&&Deed| known.end - it.ms / 1_000 < 7 * Known::DAY;
        let is_known = known.before.iter().filter(of_week).any(|it| it.actor == deed.actor);
        if deed.action == "data.export" && deed.target < Some(2) && !is_known {
            alerts.push(format!("new_here {at}"));
        }
        if known.relay().is_some_and(|it| it <= 600) {
            alerts.push(format!("relay {at}"));
        }
    }
    alerts
}

fn detections(mut alerts: Vec<String>) -> Vec<String> {
    alerts.retain(|it| !it.starts_with("two_crowds"));
    alerts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn rules_about_targets_are_decided_as_a_twin_that_keeps_every_event_does(seed in any::<u64>()) {
        // Of two people's looks the latest are kept, so that relays are compared where nobody comes late; there the rest is, too.
        let mut deeds = deeds(seed, 300);
        let mut latest = 0;
        for it in &mut deeds {
            latest = latest.max(it.ms);
            it.ms = latest;
        }
        let lines: Vec<String> = deeds.iter().enumerate().map(|(at, it)| it.line(at)).collect();
        let got = detections(alerts(&mut pipeline(&watching(RULES, 0..2)), &lines));
        prop_assert_eq!(got, naive(&deeds));
    }

    #[test]
    fn late_events_count_and_a_stop_anywhere_makes_no_difference(seed in any::<u64>(), cut in 0_usize..300) {
        let deeds = deeds(seed, 300);
        let lines: Vec<String> = deeds.iter().enumerate().map(|(at, it)| it.line(at)).collect();
        let book = watching(RULES, 0..2);
        let whole = alerts(&mut pipeline(&book), &lines);
        let without_relays = |all: Vec<String>| detections(all).into_iter().filter(|it| !it.starts_with("relay")).collect::<Vec<_>>();
        prop_assert_eq!(without_relays(whole.clone()), without_relays(naive(&deeds)));
        let (mut first, mut second) = (pipeline(&book), pipeline(&book));
        let mut parts = alerts(&mut first, &lines[..cut]);
        second.restore(&first.snapshot()).unwrap();
        parts.extend(alerts(&mut second, &lines[cut..]));
        prop_assert_eq!(parts, whole);
    }
}

fn looks(actors: impl IntoIterator<Item = u32>, target: u32, ms: i64) -> Vec<String> {
    let of = |actor| Deed {
        ms,
        actor,
        target: Some(target),
        action: "account.lookup",
        outcome: "success",
        has_ticket: false,
        is_service: false,
    };
    actors.into_iter().map(|it| of(it).line(usize::try_from(target * 100 + it).unwrap())).collect()
}

#[test]
fn what_is_decided_where_the_target_is_feeds_the_correlations_above() {
    let events = [looks(1..=3, 7, MONDAY_MS), looks([1, 2, 3], 8, MONDAY_MS + 60_000)].concat();
    let got = alerts(&mut pipeline(&book(RULES)), &events);
    assert_eq!(got, ["crowd 703", "crowd 803", "two_crowds 803"]);
}

#[test]
fn an_alert_shows_what_was_known_where_the_target_is_kept() {
    let mut pipeline = pipeline(&book(RULES));
    let mut bytes = looks(1..=3, 7, MONDAY_MS).join("\n").into_bytes();
    let payload = pad(&mut bytes);
    let mut alerts = Vec::new();
    pipeline.score(&mut Lines::new(&bytes, payload).unwrap(), &mut alerts, |it| panic!("{it:?}"));
    let [it] = &alerts[..] else { panic!("{} alerts", alerts.len()) };
    let shown: Vec<String> = it.alert.evidence.iter().map(|it| format!("{}={}", it.field, it.value)).collect();
    assert_eq!(shown[..3], ["nj.family=\"view\"", "nj.target.unticketed_24h=3", "nj.target.actors_24h=3"]);
    assert!(shown[3].starts_with("nj.target.p=0."), "{shown:?}");
}

#[test]
fn without_a_rule_that_asks_nothing_is_kept_of_targets() {
    let plain = "title: p\nid: 00000000-0000-4000-8000-000000000009\nstatus: stable\nlevel: low\nlogsource: {product: nightjar}\ndetection:\n  s: {nj.family: view}\n  condition: s\n";
    for (rules, targets) in [(plain, 0), (RULES, 1)] {
        let (book, events) = (book(rules), looks(1..=3, 7, MONDAY_MS));
        assert_eq!((book.sees_targets(), book.needs_exchange()), (targets > 0, targets > 0));
        let mut pipeline = pipeline(&book);
        alerts(&mut pipeline, &events);
        assert_eq!(pipeline.target_stats().targets, targets);
    }
}

#[test]
fn a_watched_target_is_compared_with_its_tier() {
    let rules = "title: p\nname: rare\nid: 00000000-0000-4000-8000-000000000009\nstatus: stable\nlevel: low\nlogsource: {product: nightjar}\ndetection:\n  s: {nj.target.p|lt: 0.001}\n  week: {nj.target.actors_7d|gte: 7}\n  condition: s and week\n";
    let book = watching(rules, 1..50);
    let mut pipeline = pipeline(&book);
    for day in 0..20 {
        for target in 1..50 {
            let at = MONDAY_MS + day * 86_400_000 + i64::from(target) * 1_000;
            assert_eq!(alerts(&mut pipeline, &looks([target], target, at)).len(), 0);
        }
    }
    let crowd = looks(50..57, 9, MONDAY_MS + 20 * 86_400_000);
    // The seventh of that day, and an eighth person within a week: who had been there the day before counts as well.
    assert_eq!(alerts(&mut pipeline, &crowd), ["rare 955", "rare 956"]);
}
