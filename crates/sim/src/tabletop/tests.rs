//! Sentences about the exercise, each checked on the events that are written.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;

use crate::vocabulary::Action;

use super::{Batch, LabelRecord, Lines, StressKind, Tabletop, TabletopConfig};

/// People come a little earlier and go a little later than the schedule says.
const GRACE_MS: i64 = 3_600_000;
const CONFIG: TabletopConfig = TabletopConfig { people: 220, days: 35, seed: 7 };

/// What the sentences below are about; the whole shape of an event is looked at in the tests of the simulation.
#[derive(Deserialize)]
struct Event<'a> {
    time: &'a str,
    id: &'a str,
    actor: Actor<'a>,
    action: &'a str,
    tool: &'a str,
    target: Option<Target<'a>>,
    source: Source<'a>,
    #[serde(default, borrow)]
    justification: Justification<'a>,
    #[serde(skip)]
    at_ms: i64,
}

#[derive(Deserialize)]
struct Actor<'a> {
    id: &'a str,
    r#type: &'a str,
    role: &'a str,
}

#[derive(Deserialize)]
struct Target<'a> {
    id: &'a str,
}

#[derive(Deserialize)]
struct Source<'a> {
    device_id: &'a str,
    device_managed: bool,
}

#[derive(Default, Deserialize)]
struct Justification<'a> {
    #[serde(default, borrow)]
    ticket: Option<&'a str>,
}

impl Event<'_> {
    fn is_human(&self) -> bool {
        self.actor.r#type != "service"
    }
}

/// An exercise that was lived through, with everything it wrote.
struct Played {
    lines: Vec<u8>,
    tickets: String,
    tabletop: Tabletop,
}

/// One for all tests that only look at it.
static PLAYED: LazyLock<Played> = LazyLock::new(|| play(&CONFIG, 4_096, 4_096));

/// Lives through an exercise in batches of `batch`, written in pieces of `piece`.
fn play(config: &TabletopConfig, batch: usize, piece: usize) -> Played {
    let mut tabletop = Tabletop::new(config);
    let writer: Lines = tabletop.lines();
    let (mut lines, mut tickets, mut events) = (Vec::new(), String::new(), Batch::default());
    while tabletop.next_batch(&mut events, batch) {
        for first in (0..events.len()).step_by(piece) {
            writer.write(&events, first..(first + piece).min(events.len()), &mut lines);
        }
        tickets += &tabletop.take_tickets();
    }
    assert!(events.is_empty());
    Played { lines, tickets, tabletop }
}

fn each_event(played: &Played, mut visit: impl FnMut(Event<'_>)) {
    for line in played.lines.split(|it| *it == b'\n').filter(|it| !it.is_empty()) {
        let mut event: Event<'_> =
            serde_json::from_slice(line).unwrap_or_else(|problem| panic!("{problem} in {}", String::from_utf8_lossy(line)));
        event.at_ms = event.time.parse::<jiff::Timestamp>().expect("RFC 3339").as_millisecond();
        visit(event);
    }
}

fn table<'a>(files: &'a [(&'static str, String)], name: &str) -> Vec<Vec<&'a str>> {
    let (_, text) = files.iter().find(|(it, _)| *it == name).expect("the table is there");
    let rows: Vec<Vec<&str>> = text.lines().map(|it| it.split(',').collect()).collect();
    assert!(rows.len() > 1 && rows.iter().all(|it| it.len() == rows[0].len()), "{name}");
    rows
}

#[test]
fn the_same_seed_gives_the_same_bytes_however_it_is_cut() {
    let small = TabletopConfig { people: 200, days: 21, seed: 3 };
    let once = play(&small, 8_192, 8_192);
    let again = play(&small, 1_000, 77);
    assert!(once.lines == again.lines && once.tickets == again.tickets);
    assert_eq!(once.tabletop.attacks(), again.tabletop.attacks());
    assert!(once.tabletop.tables() == again.tabletop.tables());
    let other = play(&TabletopConfig { seed: 4, ..small }, 8_192, 8_192);
    assert!(once.lines != other.lines && once.tickets != other.tickets);
}

#[test]
fn events_are_in_time_order_each_with_an_identifier_of_its_own() {
    let (mut last_ms, mut ids) = (super::START_MS, BTreeSet::new());
    each_event(&PLAYED, |it| {
        assert!(last_ms <= it.at_ms && it.at_ms < super::START_MS + i64::from(CONFIG.days) * super::DAY_MS);
        last_ms = it.at_ms;
        assert!(ids.insert(it.id.to_owned()));
    });
    assert_eq!(ids.len() as u64, PLAYED.tabletop.written());
    assert!(ids.len() > 100_000, "{}", ids.len());
}

#[test]
fn every_labelled_event_is_written_at_its_time_by_its_actor_to_its_target() {
    let attacks = PLAYED.tabletop.attacks();
    let mut labelled = BTreeMap::new();
    for attack in &attacks {
        assert!(attack.first_ms == attack.events[0].time_ms && attack.events.iter().all(|it| it.time_ms <= attack.last_ms));
        for event in &attack.events {
            let actor = attack.actors[event.actor as usize].clone();
            let target = event.target.map(|it| attack.targets[it as usize].clone());
            assert!(labelled.insert(event.id.clone(), (event.time_ms, actor, target)).is_none());
        }
    }
    each_event(&PLAYED, |it| {
        if let Some(label) = labelled.remove(it.id) {
            assert_eq!((it.at_ms, it.actor.id.to_owned(), it.target.map(|it| it.id.to_owned())), label, "{}", it.id);
        }
    });
    assert!(labelled.is_empty(), "{labelled:?}");
}

#[test]
fn every_pattern_happens_at_least_twice_to_different_people_after_weeks_without_any() {
    let mut people = BTreeSet::new();
    let mut patterns: BTreeMap<String, usize> = BTreeMap::new();
    let plan = PLAYED.tabletop.plan();
    let Some(LabelRecord::Run(run)) = plan.first() else { panic!("the run comes first") };
    assert!(run.attacks_from_ms >= run.start_ms + 10 * super::DAY_MS);
    for attack in PLAYED.tabletop.attacks() {
        assert!(attack.first_ms >= run.attacks_from_ms - super::DAY_MS, "{}", attack.id);
        assert!(!attack.causes.is_empty() && attack.causes.iter().all(|it| it.starts_with("nj.")));
        for actor in attack.actors.iter().filter(|it| it.starts_with('u')) {
            assert!(people.insert(actor.clone()), "{actor} plays a part in {} and in another attack", attack.id);
        }
        *patterns.entry(attack.pattern).or_default() += 1;
    }
    // In so small a company there are not always two who are on leave for weeks, or two analysts; and while one source is silent, nothing
    // is heard of who silences it again.
    let thin =
        ["dormant_account", "wrong_purpose", "self_privilege", "off_shift", "relay", "crowd", "leaver_export", "silent_source"];
    assert!(patterns.len() >= 18, "{patterns:?}");
    assert!(patterns.iter().all(|(pattern, count)| *count >= 2 || thin.contains(&pattern.as_str())), "{patterns:?}");
}

#[test]
fn a_large_company_shows_every_pattern_several_times() {
    let tabletop = Tabletop::new(&TabletopConfig { people: 2_000, days: 60, seed: 1 });
    let mut patterns: BTreeMap<&str, usize> = BTreeMap::new();
    tabletop.attacks.iter().for_each(|it| *patterns.entry(it.planned.pattern).or_default() += 1);
    assert_eq!(patterns.len(), 23, "{patterns:?}");
    assert!(patterns.values().all(|it| *it == 3), "{patterns:?}");
}

#[test]
fn an_exercise_of_months_has_who_does_some_more_for_months() {
    let months = |days| {
        let tabletop = Tabletop::new(&TabletopConfig { people: 1_300, days, seed: 1 });
        tabletop.attacks.into_iter().map(|it| it.planned).filter(|it| it.pattern == "more_for_months").collect::<Vec<_>>()
    };
    assert!(months(113).is_empty());
    let planned = months(114);
    assert_eq!(planned.iter().map(|it| it.variant.unwrap()).collect::<Vec<_>>(), ["30_percent", "33_accounts_a_day"]);
    for attack in &planned {
        let looks = attack.acts.iter().filter(|it| it.action == Action::AccountLookup);
        let days: BTreeSet<i64> = looks.clone().map(|it| it.at_ms / super::DAY_MS).collect();
        let (first, last) = (attack.acts[0].at_ms, attack.acts[attack.acts.len() - 1].at_ms);
        assert!(last - first > 65 * super::DAY_MS && days.len() > 35, "{} days", days.len());
        assert!(attack.acts.iter().all(|it| it.ticket.is_some()));
        if attack.variant == Some("33_accounts_a_day") {
            let daily = looks.count() as f64 / days.len() as f64;
            assert!((30.0..36.0).contains(&daily), "{daily} a day");
        }
    }
}

#[test]
fn every_kind_of_stress_happens_and_does_what_it_says() {
    let plan = PLAYED.tabletop.plan();
    let stress: Vec<_> = plan
        .iter()
        .filter_map(|it| match it {
            LabelRecord::Stress(it) => Some(it),
            _ => None,
        })
        .collect();
    let of = |kind: StressKind| stress.iter().filter(|it| it.kind == kind).collect::<Vec<_>>();
    for kind in [
        StressKind::Holiday,
        StressKind::Surge,
        StressKind::DstChange,
        StressKind::Joiner,
        StressKind::NewTool,
        StressKind::MissingSource,
        StressKind::Outage,
    ] {
        assert!(!of(kind).is_empty(), "{kind:?}");
    }
    let changes = of(StressKind::RoleChange).len() + of(StressKind::RoleChangeUnrecorded).len();
    assert!(changes > 0 && (15..=35).contains(&of(StressKind::Joiner).len()), "{changes}, {}", of(StressKind::Joiner).len());
    let joined: HashMap<&str, i64> = of(StressKind::Joiner).iter().map(|it| (it.actors[0].as_str(), it.from_ms)).collect();
    let (missing, outage, tool) = (of(StressKind::MissingSource)[0], of(StressKind::Outage)[0], of(StressKind::NewTool)[0]);
    let surge = of(StressKind::Surge)[0];
    let (mut surged, mut before, mut asked) = (0_u64, 0_u64, BTreeSet::new());
    each_event(&PLAYED, |it| {
        assert!(!(outage.from_ms..outage.until_ms).contains(&it.at_ms));
        assert!(it.tool != "data-warehouse" || !(missing.from_ms..missing.until_ms).contains(&it.at_ms));
        if let Some(from_ms) = joined.get(it.actor.id) {
            assert!(it.at_ms >= from_ms - super::DAY_MS, "{} before the first day", it.actor.id);
        }
        if it.tool == "assistant" {
            assert!(it.at_ms >= tool.from_ms - super::DAY_MS);
            asked.insert(it.actor.id.to_owned());
        }
        if it.actor.role == "support_t1" {
            surged += u64::from((surge.from_ms..surge.until_ms).contains(&it.at_ms));
            let week_ms = 7 * super::DAY_MS;
            before += u64::from((surge.from_ms - week_ms..surge.until_ms - week_ms).contains(&it.at_ms));
        }
    });
    assert!(surged as f64 > 1.6 * before as f64, "{surged} against {before}");
    assert!(asked.len() > 100, "{}", asked.len());
}

#[test]
fn people_work_at_human_and_very_different_rates() {
    let attackers: BTreeSet<String> = PLAYED.tabletop.attacks().into_iter().flat_map(|it| it.actors).collect();
    let mut days: BTreeMap<(String, i64), u64> = BTreeMap::new();
    each_event(&PLAYED, |it| {
        if it.is_human() && !attackers.contains(it.actor.id) {
            *days.entry((it.actor.id.to_owned(), it.at_ms / super::DAY_MS)).or_default() += 1;
        }
    });
    assert!(days.values().all(|it| *it < 1_500), "{:?}", days.iter().max_by_key(|(_, it)| **it));
    let mut of_people: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for ((who, _), events) in &days {
        let sum = of_people.entry(who).or_default();
        *sum = (sum.0 + events, sum.1 + 1);
    }
    let mut rates: Vec<f64> = of_people.values().map(|(events, days)| *events as f64 / *days as f64).collect();
    rates.sort_by(f64::total_cmp);
    let (median, top) = (rates[rates.len() / 2], rates[rates.len() * 99 / 100]);
    assert!((10.0..100.0).contains(&median) && top > 3.0 * median, "median {median}, top {top}");
}

#[test]
fn tickets_of_honest_people_are_in_order_and_of_liars_are_not() {
    let mut tickets: HashMap<&str, Vec<&str>> = HashMap::new();
    for row in PLAYED.tickets.lines() {
        let columns: Vec<&str> = row.split(',').collect();
        assert_eq!(columns.len(), Tabletop::TICKETS_HEADER.trim().split(',').count(), "{row}");
        assert!(tickets.insert(columns[0], columns).is_none(), "{row} is there twice");
    }
    let at = |text: &str| text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond);
    let (mut sound, mut odd) = (0_u64, 0_u64);
    let bogus: BTreeSet<String> = PLAYED
        .tabletop
        .attacks()
        .into_iter()
        .filter(|it| it.pattern == "bogus_tickets")
        .flat_map(|it| it.events)
        .map(|it| it.id)
        .collect();
    let labelled: BTreeSet<String> = PLAYED.tabletop.attacks().into_iter().flat_map(|it| it.events).map(|it| it.id).collect();
    let (mut lies, mut believed) = (0_u64, 0_u64);
    each_event(&PLAYED, |it| {
        let (Some(name), Some(target)) = (it.justification.ticket, &it.target) else { return };
        if it.action == "ticket.open" {
            return;
        }
        let is_sound = tickets.get(name).is_some_and(|row| {
            let is_open = at(row[4]).is_ok_and(|opened| opened <= it.at_ms) && at(row[5]).map_or(true, |closed| it.at_ms <= closed);
            is_open && row[2] == it.actor.id && row[1].split(';').any(|it| it == target.id) && row[3] != it.actor.id
        });
        let is_by_phone = tickets.get(name).is_some_and(|row| row[3] == it.actor.id);
        if bogus.contains(it.id) {
            lies += 1;
            believed += u64::from(is_sound);
        } else if !labelled.contains(it.id) {
            sound += u64::from(is_sound || is_by_phone);
            odd += u64::from(!is_sound && !is_by_phone);
        }
    });
    assert!(sound > 10_000 && odd * 100 < sound, "{sound} in order, {odd} not");
    assert!(lies > 10 && believed == 0, "{lies} lies, {believed} believed");
}

#[test]
fn tables_know_everybody_and_agree_with_the_events() {
    let files = PLAYED.tabletop.tables();
    let roster = table(&files, "roster.csv");
    let known: BTreeSet<&str> = roster[1..].iter().map(|it| it[0]).collect();
    let roles: BTreeSet<(&str, &str)> = roster[1..].iter().map(|it| (it[0], it[3])).collect();
    for name in ["shifts.csv", "on_call.csv", "leave.csv"] {
        assert!(table(&files, name)[1..].iter().all(|it| known.contains(it[0])), "{name}");
    }
    for name in ["holidays.csv", "entitlements.csv", "resources.csv", "watchlists.csv", "devices.csv", "networks.csv"] {
        table(&files, name);
    }
    let laptops: BTreeSet<(&str, &str)> = table(&files, "devices.csv")[1..].iter().map(|it| (it[1], it[0])).collect();
    let labelled: BTreeSet<String> = PLAYED.tabletop.attacks().into_iter().flat_map(|it| it.events).map(|it| it.id).collect();
    each_event(&PLAYED, |it| {
        assert!(roles.contains(&(it.actor.id, it.actor.role)), "{} as {}", it.actor.id, it.actor.role);
        if it.is_human() && it.source.device_managed && !labelled.contains(it.id) {
            assert!(laptops.contains(&(it.actor.id, it.source.device_id)), "{}", it.source.device_id);
        }
    });
}

#[test]
fn most_work_is_done_in_the_shifts_of_the_schedule() {
    let files = PLAYED.tabletop.tables();
    let mut shifts: HashMap<&str, Vec<(i64, i64)>> = HashMap::new();
    let at = |text: &str| text.parse::<jiff::Timestamp>().expect("RFC 3339").as_millisecond();
    for row in &table(&files, "shifts.csv")[1..] {
        shifts.entry(row[0]).or_default().push((at(row[1]), at(row[2])));
    }
    let (mut within, mut outside) = (0_u64, 0_u64);
    each_event(&PLAYED, |it| {
        if it.is_human() {
            let is_within = shifts
                .get(it.actor.id)
                .is_some_and(|of| of.iter().any(|(start, end)| (start - GRACE_MS..end + GRACE_MS).contains(&it.at_ms)));
            within += u64::from(is_within);
            outside += u64::from(!is_within);
        }
    });
    assert!(outside > 0 && outside * 12 < within, "{within} within, {outside} outside");
}

#[test]
fn labels_survive_being_written_and_read() {
    let records: Vec<LabelRecord> =
        PLAYED.tabletop.plan().into_iter().chain(PLAYED.tabletop.attacks().into_iter().map(LabelRecord::Attack)).collect();
    for record in records {
        let line = serde_json::to_string(&record).expect("a record can be written");
        assert_eq!(serde_json::from_str::<LabelRecord>(&line).expect("and read"), record);
    }
}

#[test]
fn values_out_of_range_are_held_within_their_limits() {
    let tabletop = Tabletop::new(&TabletopConfig { people: 0, days: 0, seed: 1 });
    let Some(LabelRecord::Run(run)) = tabletop.plan().into_iter().next() else { panic!("the run comes first") };
    assert_eq!((run.people, run.days), (TabletopConfig::PEOPLE_MIN, TabletopConfig::DAYS_MIN));
}
