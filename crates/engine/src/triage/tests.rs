//! What people read: nothing of a rule's is lost, behaviour is told once, the budget is kept, and nothing vanishes.

mod budget;
mod property;
mod waiting;

use super::*;
use model::alert::OriginRef;
use model::source::Outcome as Done;
use model::{ActorRef, Contribution, Delivery, Deviation, Evidence, IncidentFinding, Level, RuleInfo, RuleKind, Status};
use std::sync::Arc;

pub(super) const DAY: i64 = MS_PER_DAY;
pub(super) const HOUR: i64 = 3_600_000;
/// 2 March 2026, a Monday, 00:00 UTC.
pub(super) const START: i64 = 1_772_409_600_000;

pub(super) fn settings() -> Settings {
    Settings { learn_until: Some(EventTime::from_ms(START - DAY)), ..Settings::default() }
}

pub(super) fn alert(actor: &str, ms: i64, event: &str) -> Alert {
    Alert {
        uid: format!("uid-{event}"),
        time: EventTime::from_ms(ms),
        rule: Arc::default(),
        delivery: Delivery::Page,
        rule_set: "set".into(),
        source: "native".into(),
        actor: ActorRef { id: actor.into(), team: Some("support-t2".into()), ..ActorRef::default() },
        actors: vec![actor.into()],
        action: "account.lookup".into(),
        tool: Some("agent-console".into()),
        outcome: Done::Success,
        target: None,
        origin: OriginRef::default(),
        window: None,
        events: vec![event.into()],
        events_total: 1,
        evidence: vec![],
        deviation: None,
        triaged: None,
        message: String::new(),
    }
}

/// An alert of a rule of that name and level.
pub(super) fn by_rule(name: &str, level: Level, actor: &str, ms: i64) -> Emitted {
    let rule = RuleInfo { id: name.into(), name: name.into(), title: format!("Title of {name}"), level, ..RuleInfo::default() };
    let alert = Alert { rule: Arc::new(rule), ..alert(actor, ms, &format!("{name}-{ms}")) };
    Emitted { position: 0, order: 0, alert }
}

/// A candidate whose risk has become `risk` by a surprise in one feature.
pub(super) fn candidate(actor: &str, ms: i64, risk: f64, feature: &str) -> Emitted {
    let contribution = Contribution {
        feature: feature.into(),
        observed: 212.0,
        value: None,
        expected: 3.0,
        usual_p99: None,
        peer_p999: None,
        ln_p_self: -12.0,
        ln_p_peer: 0.0,
        share: 1.0,
        score_without: 0.0,
        evidence: 1.0,
        is_continued: false,
    };
    let contributions = if feature.is_empty() { vec![] } else { vec![contribution] };
    let deviation =
        Deviation { score: 50.0, ln_p: -11.5, evidence: 1.0, risk, risk_raised: 1.0, weight: 1.0, contributions, context: vec![] };
    let rule = RuleInfo {
        id: "behaviour".into(),
        name: "behaviour".into(),
        title: "Out of the ordinary".into(),
        level: Level::High,
        status: Status::Experimental,
        kind: RuleKind::Behaviour,
        ..RuleInfo::default()
    };
    let event = format!("{actor}-{ms}-{feature}");
    let alert = Alert {
        rule: Arc::new(rule),
        delivery: Delivery::Shadow,
        deviation: Some(Box::new(deviation)),
        message: format!("{actor} did something"),
        ..alert(actor, ms, &event)
    };
    Emitted { position: 0, order: u32::MAX, alert }
}

const VOLUME: &str = "nj.distinct.10m";

/// Takes each at a watermark that is five minutes behind it, but not before the beginning.
pub(super) fn feed(triage: &mut Triage, emitted: impl IntoIterator<Item = Emitted>) -> Vec<Outgoing> {
    let mut out = Vec::new();
    for it in emitted {
        let reached = it.alert.time.plus_ms(-300_000).max(EventTime::from_ms(START));
        triage.take(it, reached, &mut out);
    }
    out
}

pub(super) fn alerts(out: &[Outgoing]) -> Vec<&Alert> {
    out.iter().filter_map(|it| if let Outgoing::Alert(it) = it { Some(&**it) } else { None }).collect()
}

pub(super) fn incidents(out: &[Outgoing]) -> Vec<&Incident> {
    out.iter().filter_map(|it| if let Outgoing::Incident(it) = it { Some(&**it) } else { None }).collect()
}

pub(super) fn digests(out: &[Outgoing]) -> Vec<&Digest> {
    out.iter().filter_map(|it| if let Outgoing::Digest(it) = it { Some(&**it) } else { None }).collect()
}

#[test]
fn an_episode_is_told_once_and_what_follows_belongs_to_its_incident() {
    let mut triage = Triage::new(settings());
    let hours = [(0, 8.0), (1, 9.0), (40, 15.0), (110, 7.9)];
    let out = feed(&mut triage, hours.map(|(hour, risk)| candidate("u1", START + hour * HOUR, risk, VOLUME)));
    let told = alerts(&out);
    assert_eq!(told.len(), 1, "{out:?}");
    assert!(told[0].delivery.is_page() && told[0].rule.status == Status::Stable);
    assert_eq!(told[0].message.split(':').next(), Some("u1 did something"));
    assert!(told[0].message.contains(": about 212 different targets in 10 min (usually 3). Score 50"), "{}", told[0].message);
    let triaged = told[0].triaged.as_ref().unwrap();
    let standing = triaged.standing.as_ref().unwrap();
    assert_eq!((triaged.is_update, standing.threshold, standing.increments), (false, 6.0, 1));
    let Counts { candidates, pages, appended, incidents: begun, .. } = triage.stats().counts;
    assert_eq!((candidates, pages, appended, begun), (4, 1, 3, 1));
    let records = incidents(&out);
    assert!(records[0].is_new && records[1..].iter().all(|it| !it.is_new && it.uid == records[0].uid));
    assert_eq!(triaged.incident.as_ref(), Some(&records[0].uid));
    assert_eq!(records.last().unwrap().increments, 2, "the last increment waits for the day's end");
    let after = feed(&mut triage, [candidate("u1", START + 200 * HOUR, 8.0, VOLUME)]);
    assert_eq!(alerts(&after).len(), 1, "72 hours of silence end an episode");
    assert_ne!(alerts(&after)[0].uid, told[0].uid);
}

#[test]
fn an_episode_is_told_again_when_its_risk_has_doubled_or_something_else_as_strong_speaks() {
    let mut triage = Triage::new(settings());
    let at = |hour: i64, risk: f64, feature: &str| candidate("u1", START + hour * HOUR, risk, feature);
    let out = feed(
        &mut triage,
        [
            at(0, 7.0, VOLUME),
            at(1, 13.9, "nj.rate.view.1d"),
            at(2, 14.0, VOLUME),
            at(3, 15.0, "nj.novelty.device"),
            at(4, 16.0, "nj.travel"),
            at(5, 27.0, "nj.novelty.country"),
        ],
    );
    let told = alerts(&out);
    let events: Vec<&str> = told.iter().map(|it| it.events.last().unwrap().as_str()).collect();
    assert_eq!(
        events,
        [
            format!("u1-{START}-{VOLUME}"),
            format!("u1-{}-{VOLUME}", START + 2 * HOUR),
            format!("u1-{}-nj.novelty.device", START + 3 * HOUR),
        ]
    );
    assert!(told.iter().all(|it| it.uid == told[0].uid));
    assert_eq!(told.iter().map(|it| it.triaged.as_ref().unwrap().is_update).collect::<Vec<_>>(), [false, true, true]);
    assert_eq!((told[2].events.len(), told[2].events_total), (4, 4), "an alert names the events that led to it");
}

#[test]
fn what_several_people_did_makes_no_suspect_of_who_came_last() {
    let of_several = |name: &str, ms: i64| {
        let mut emitted = by_rule(name, Level::Critical, "u1", ms);
        emitted.alert.actors.push("u2".into());
        emitted
    };
    let mut triage = Triage::new(settings());
    let alone = feed(&mut triage, [of_several("relay", START)]);
    assert_eq!((alerts(&alone).len(), incidents(&alone).len()), (1, 0), "it is out as it is: {alone:?}");
    let mut plain = Triage::new(settings());
    let own = |triage: &mut Triage| feed(triage, [by_rule("export", Level::Medium, "u1", START + HOUR)]);
    let (begun, expected) = (own(&mut triage), own(&mut plain));
    let risks = |out: &[Outgoing]| incidents(out).iter().map(|it| (it.risk, it.risk_of_rules)).collect::<Vec<_>>();
    assert_eq!((risks(&begun).len(), risks(&begun)), (1, risks(&expected)), "and has raised no risk");
    let later = feed(&mut triage, [of_several("crowd", START + 2 * HOUR)]);
    let amended = incidents(&later);
    assert_eq!((amended.len(), amended[0].findings.len()), (1, 2), "what somebody is suspected of shows it too");
    assert!(amended[0].risk < risks(&begun)[0].0, "{amended:?}");
    let Counts { rule_alerts, incidents, .. } = triage.stats().counts;
    assert_eq!((rule_alerts, incidents), (3, 1));
}

#[test]
fn while_habits_are_learnt_nobody_is_called() {
    let mut triage = Triage::new(Settings::default());
    let days = (0..16).map(|day| candidate("u1", START + day * DAY, 20.0, VOLUME));
    let out = feed(&mut triage, days);
    let told: Vec<i64> = alerts(&out).iter().map(|it| (it.time.ms() - START) / DAY).collect();
    assert_eq!(told, [15], "14 days after the first event");
    let learning: u64 = digests(&out).iter().map(|it| it.counts.learning).sum();
    assert_eq!((learning, triage.stats().counts.learning), (15, 15));
    assert_eq!(digests(&out)[0].entries[0].outcome, Outcome::Learning);
}

#[test]
fn what_is_beyond_the_budget_stands_in_the_digest_with_the_riskiest_first() {
    let per_day = Weight::clamped(2.0);
    let mut triage = Triage::new(Settings { per_day, ..settings() });
    let people =
        (0..9).map(|it| candidate(&format!("u{it}"), START + HOUR + it, 7.0 + 0.5 * f64::from(i32::try_from(it).unwrap()), VOLUME));
    let mut out = feed(&mut triage, people);
    triage.advance(EventTime::from_ms(START + DAY), &mut out);
    assert_eq!(alerts(&out).len(), 2 + 1, "and the most urgent when a token is back");
    let digest = digests(&out)[0];
    assert_eq!(
        (digest.day.as_str(), digest.counts.pages, digest.counts.over_budget, digest.is_complete),
        ("2026-03-02", 2, 7, true)
    );
    let actors: Vec<&str> = digest.entries.iter().map(|it| it.actor.as_str()).collect();
    let mut ordered = digest.entries.clone();
    ordered.sort_by(|left, right| right.risk.total_cmp(&left.risk));
    assert_eq!(actors, ordered.iter().map(|it| it.actor.as_str()).collect::<Vec<_>>());
    let mut json = Vec::new();
    digest.write_json(&mut json);
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["record"], "digest");
    assert_eq!(json["meaning"], "risk ≥ 6.0: about 2 alerts a day");
    assert_eq!(json["entries"][0]["outcome"], "over_budget");
}

#[test]
fn a_digest_names_at_most_a_thousand_and_those_beyond_the_budget_first() {
    let mut triage = Triage::new(Settings { per_day: Weight::clamped(0.0), ..settings() });
    let small = (0..1_500).map(|it| candidate(&format!("s{it}"), START + HOUR, 2.0, VOLUME));
    let large = (0..500).map(|it| candidate(&format!("l{it}"), START + HOUR, 9.0, VOLUME));
    let mut out = feed(&mut triage, small.chain(large));
    triage.finish(&mut out);
    let digest = digests(&out)[0];
    assert_eq!((digest.entries.len(), digest.unlisted, digest.is_complete), (1_000, 1_000, false));
    assert!(digest.entries[..500].iter().all(|it| it.outcome == Outcome::OverBudget));
}

#[test]
fn reports_of_colleagues_make_sign_ins_and_new_devices_count_twice_for_a_day() {
    let entry = |actor: &str, hour: i64, feature: &str| candidate(actor, START + 9 * HOUR + hour * HOUR, 4.0, feature);
    let told = |reports: bool, emitted: Emitted| {
        let mut triage = Triage::new(settings());
        if reports {
            let time = EventTime::from_ms(START + 9 * HOUR + 720_000);
            triage.report(&Report { position: 0, time, team: Some("support-t2".into()), tool: Some("idp".into()) });
        }
        feed(&mut triage, [emitted]).into_iter().find_map(|it| if let Outgoing::Alert(it) = it { Some(it) } else { None })
    };
    assert!(told(false, entry("u1", 1, "nj.novelty.device")).is_none());
    let alert = told(true, entry("u1", 1, "nj.novelty.device")).unwrap();
    assert!(alert.message.contains("suspicious calls or messages were reported in support-t2 at 09:12 UTC"), "{}", alert.message);
    assert!((alert.triaged.unwrap().standing.unwrap().factor - 2.0).abs() < 1e-9);
    assert!(told(true, entry("u1", 1, VOLUME)).is_none(), "only those who come in");
    assert!(told(true, entry("u1", 0, "nj.novelty.device")).is_none(), "not before the report");
    assert!(told(true, entry("u1", 25, "nj.novelty.device")).is_none(), "not after a day");
    let next_day = told(true, entry("u1", 23, "nj.novelty.asn")).unwrap();
    assert!(next_day.message.contains("at 09:12 UTC on 2026-03-02"), "{}", next_day.message);
    let elsewhere = |action: &str, tool: &str| {
        let mut emitted = entry("u1", 1, VOLUME);
        emitted.alert.actor.team = Some("sales".into());
        (emitted.alert.action, emitted.alert.tool) = (action.into(), Some(tool.into()));
        emitted
    };
    assert!(told(true, elsewhere("login", "agent-console")).is_none());
    let sign_in = told(true, elsewhere("login", "idp")).unwrap();
    assert!(sign_in.message.contains("reported in idp at"), "{}", sign_in.message);
}

#[test]
fn alerts_of_one_actor_are_one_incident_that_is_amended_when_there_is_news() {
    let mut triage = Triage::new(settings());
    let lookups = (0..50).map(|it| by_rule("lookups", Level::Medium, "u1", START + it * 60_000));
    let reset = by_rule("reset", Level::Critical, "u1", START + 20 * HOUR);
    let other = by_rule("lookups", Level::Medium, "u2", START + 21 * HOUR);
    let mut out = feed(&mut triage, lookups.chain([reset, other]));
    assert!(alerts(&out).iter().all(|it| it.triaged.is_none()), "they are out before anybody knows what they are part of");
    let uids: Vec<_> = incidents(&out).iter().map(|it| (it.actor.id.as_str(), it.uid.as_str())).collect();
    assert!(uids[0].0 == "u1" && uids[1] == uids[0] && uids[2].0 == "u2" && uids[2].1 != uids[0].1, "{uids:?}");
    let of_first: Vec<_> = incidents(&out).into_iter().filter(|it| it.actor.id == "u1").collect();
    assert_eq!(of_first.len(), 2, "when it began, and when a worse rule fired; not fifty times");
    assert!(of_first[0].is_new && !of_first[1].is_new);
    assert_eq!(
        (of_first[1].level, of_first[1].findings_total, of_first[1].findings.len()),
        (Level::Critical, 51, 51.min(Incident::FINDINGS_MAX))
    );
    assert_eq!(of_first[1].message, "u1: 51 alerts since 2026-03-02T00:00: Title of lookups; Title of reset");
    assert_eq!(of_first[1].findings.iter().filter(|it| it.rule_name == "reset").count(), 1, "of each rule at least one is named");
    let before = out.len();
    out.extend(feed(&mut triage, [by_rule("reset", Level::Critical, "u1", START + 22 * HOUR)]));
    assert_eq!(incidents(&out[before..]).len(), 0);
    triage.advance(EventTime::from_ms(START + DAY), &mut out);
    let late = incidents(&out[before..]);
    assert_eq!((late.len(), late[0].findings_total), (1, 52), "what could wait is told at the day's end");
}

#[test]
fn a_rule_raises_the_risk_once_a_day_by_its_level_and_half_of_it_is_left_after_three_days() {
    let risk_after = |emitted: Vec<Emitted>, ms: i64| {
        let mut triage = Triage::new(settings());
        feed(&mut triage, emitted);
        triage.state.cases.of(&alert("u1", ms, "e"), None, &mut Vec::new()).risks(ms).0
    };
    let many = |name: &str, level: Level| (0..9).map(|it| by_rule(name, level, "u1", START + it * HOUR / 100)).collect::<Vec<_>>();
    for (level, expected) in Level::ALL.into_iter().zip([0.0, 0.0, 1.0, 2.0, 3.0]) {
        assert!((risk_after(many("a", level), START + HOUR) - expected).abs() < 0.05, "{level}");
    }
    let two = many("a", Level::High).into_iter().chain(many("b", Level::High)).collect();
    assert!((risk_after(two, START + 3 * DAY) - 2.0).abs() < 0.05);
    let mut habits = by_rule("a", Level::Critical, "u1", START);
    habits.alert.evidence = vec![Evidence { field: "nj.distinct.10m.p_self".into(), value: 1.into() }];
    assert!(risk_after(vec![habits], START) < 1e-9, "what habits have said already does not count twice");
}

#[test]
fn what_only_a_rule_has_raised_is_no_alert_about_behaviour() {
    let mut triage = Triage::new(settings());
    let out = feed(
        &mut triage,
        [by_rule("a", Level::High, "u1", START), candidate("u1", START, 20.0, ""), candidate("u2", START, 20.0, "")],
    );
    assert_eq!(alerts(&out).len(), 1);
    let Counts { appended, below, .. } = triage.stats().counts;
    assert_eq!((appended, below), (1, 1));
}

#[test]
fn rules_that_only_inform_or_are_not_to_page_begin_no_incident() {
    let mut triage = Triage::new(settings());
    let mut shadow = by_rule("a", Level::Critical, "u1", START);
    shadow.alert.delivery = Delivery::Shadow;
    let nobody = by_rule("a", Level::Critical, "", START);
    let out = feed(&mut triage, [by_rule("a", Level::Informational, "u1", START), shadow, nobody]);
    assert_eq!((alerts(&out).len(), incidents(&out).len(), triage.stats().counts.incidents), (3, 0, 0));
}

#[test]
fn a_threshold_says_for_how_many_people_it_is() {
    let mut triage = Triage::new(settings());
    let day = START / DAY;
    for (on, people) in [(day - 2, 1_500), (day - 1, 2_000), (day - 1, 500), (day, 7)] {
        triage.active(on, people);
    }
    assert_eq!(triage.stats().people, 2_000, "the mean of the days that are over");
    let out = feed(&mut triage, [candidate("u1", START, 8.0, VOLUME)]);
    let standing = alerts(&out)[0].triaged.as_ref().unwrap().standing.clone().unwrap();
    assert_eq!(standing.meaning(), "risk ≥ 6.0: about 5 alerts a day for 2,000 active people");
}

#[test]
fn a_damaged_snapshot_is_refused() {
    let mut triage = Triage::new(settings());
    feed(&mut triage, (0..40).map(|it| candidate(&format!("u{it}"), START + it * HOUR, 7.0, VOLUME)));
    let bytes = triage.snapshot();
    assert!(Triage::restore(settings(), &bytes).is_ok());
    assert!(Triage::restore(settings(), b"NJS1").is_err());
    for cut in [0, 3, 4, bytes.len() / 2, bytes.len() - 1] {
        assert!(Triage::restore(settings(), &bytes[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn findings_of_an_incident_name_the_events_that_raised_the_risk() {
    let mut triage = Triage::new(settings());
    let out = feed(&mut triage, (0..30).map(|it| candidate("u1", START + it * 60_000, if it < 25 { 3.0 } else { 9.0 }, VOLUME)));
    let finding: &IncidentFinding = &incidents(&out)[0].findings[0];
    assert_eq!((finding.events.len(), finding.events_total), (IncidentFinding::EVENTS_MAX, 26));
    assert_eq!(finding.events.last(), Some(&format!("u1-{}-{VOLUME}", START + 25 * 60_000)));
}
