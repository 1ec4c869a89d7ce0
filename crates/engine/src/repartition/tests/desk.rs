//! What the desk waits for, and what it takes how often.

use super::*;
use crate::triage::{Outgoing, Settings, Step};
use model::{ActorRef, Alert, Level, RuleInfo};

const EXCHANGE: &str = "exchange";

fn settings() -> Settings {
    Settings::new(5.0, Some(EventTime::from_ms(0)))
}

/// An alert of a rule about `actor`.
fn alerted(actor: &str, rule: &str, ms: i64, message: &str) -> Step {
    let info = RuleInfo {
        id: rule.to_owned(),
        name: rule.to_owned(),
        title: message.to_owned(),
        level: Level::High,
        ..RuleInfo::default()
    };
    let alert = Alert {
        uid: format!("{rule}-{ms}"),
        time: EventTime::from_ms(ms),
        rule: Arc::new(info),
        delivery: model::Delivery::Page,
        rule_set: "".into(),
        source: "".into(),
        actor: ActorRef { id: actor.to_owned(), ..ActorRef::default() },
        actors: Vec::new(),
        action: String::new(),
        tool: None,
        outcome: model::source::Outcome::Success,
        target: None,
        origin: model::alert::OriginRef::default(),
        window: None,
        events: Vec::new(),
        events_total: 0,
        evidence: Vec::new(),
        deviation: None,
        triaged: None,
        message: message.to_owned(),
    };
    Step::of(&alert).unwrap()
}

fn told(origin: &Origin, offset: i64, ms: i64, step: Step) -> Told {
    Told { offset, key: Key { time_ms: ms, origin: origin.clone(), offset, nth: 0 }, step }
}

fn stand(end_offset: i64, frontier_ms: i64, is_idle: bool) -> Stand {
    Stand { begun: 1, end_offset, frontier_ms, is_idle }
}

/// Of each incident whom it is about, and the rules that it names.
fn incidents(out: &[Outgoing]) -> Vec<String> {
    let of = |it: &Outgoing| match it {
        Outgoing::Incident(it) => {
            let rules: Vec<&str> = it.findings.iter().map(|it| it.rule_name.as_str()).collect();
            Some(format!("{}: {}", it.actor.id, rules.join(" ")))
        }
        _ => None,
    };
    out.iter().filter_map(of).collect()
}

#[test]
fn owners_are_waited_for_while_a_partition_is_at_work_whatever_they_said_last() {
    let (events, owner) = (Origin::new(TOPIC, 0), Origin::new(EXCHANGE, 1));
    let mut desk = Desk::new(settings(), EXCHANGE, [events.clone(), owner.clone()]);
    let mut out = Vec::new();
    desk.hear(&owner, &stand(1, MONDAY_MS, true), []);
    desk.hear(
        &events,
        &stand(2, MONDAY_MS + 9_000, false),
        [told(&events, 1, MONDAY_MS + 5_000, alerted("u1", "b", MONDAY_MS + 5_000, "B"))],
    );
    desk.work(&mut out);
    assert_eq!(incidents(&out), [""; 0], "the owner may have something of before");
    let of_owner = Told {
        offset: 1,
        key: Key { time_ms: MONDAY_MS + 4_000, origin: events.clone(), offset: 0, nth: 0 },
        step: alerted("u1", "a", MONDAY_MS + 4_000, "A"),
    };
    desk.hear(&owner, &stand(2, MONDAY_MS + 8_000, false), [of_owner.clone()]);
    desk.hear(&owner, &stand(2, MONDAY_MS + 8_000, false), [of_owner]);
    desk.work(&mut out);
    assert_eq!(incidents(&out), ["u1: a", "u1: a b"]);
    assert_eq!((desk.merge_stats().repeated, desk.merge_stats().late), (1, 0));
    // When nobody has anything to read, nobody is waited for.
    desk.hear(
        &events,
        &stand(4, MONDAY_MS + 9_000, true),
        [told(&events, 3, MONDAY_MS + 9_500, alerted("u2", "c", MONDAY_MS + 9_500, "C"))],
    );
    desk.work(&mut out);
    assert_eq!(incidents(&out).len(), 2);
    desk.hear(&owner, &stand(3, MONDAY_MS + 8_999, true), []);
    desk.work(&mut out);
    assert_eq!(incidents(&out)[2], "u2: c");
}

#[test]
fn one_wrong_clock_does_not_bring_the_time_forward() {
    let events = Origin::new(TOPIC, 0);
    let mut desk = Desk::new(settings(), EXCHANGE, [events.clone()]);
    let (mut out, year_ms) = (Vec::new(), 365 * 86_400_000);
    let ahead = told(&events, 1, MONDAY_MS + year_ms, alerted("u1", "a", MONDAY_MS + year_ms, "A"));
    desk.hear(&events, &stand(2, MONDAY_MS, true), [told(&events, 0, MONDAY_MS, Step::Begun), ahead]);
    desk.work(&mut out);
    assert_eq!(incidents(&out), ["u1: a"]);
    desk.hear(&events, &stand(3, MONDAY_MS + 1, false), []);
    desk.work(&mut out);
    desk.hear(&events, &stand(4, MONDAY_MS + 2 * 86_400_000, false), []);
    desk.work(&mut out);
    let days: Vec<&str> =
        out.iter().filter_map(|it| if let Outgoing::Digest(it) = it { Some(it.day.as_str()) } else { None }).collect();
    assert_eq!(days, ["2026-03-02"], "the day in which it was told");
}

/// The first station, and the records that the sender of a partition would write for `steps`, one each second.
fn station(book: &Rulebook) -> Station {
    let owner = Owner::new(7, book, WindowLimits::default(), [Origin::new(TOPIC, 0)]);
    let mut station = Station::new(Origin::new(EXCHANGE, 0), 1, owner);
    station.set_desk(Desk::new(settings(), EXCHANGE, [Origin::new(TOPIC, 0), Origin::new(EXCHANGE, 0)]));
    station
}

fn records(steps: Vec<Step>) -> (Vec<Vec<u8>>, u64) {
    let mut sender = Sender::new(7, 1);
    let end_offset = i64::try_from(steps.len()).unwrap();
    (0..end_offset).for_each(|it| sender.note(it, EventTime::from_ms(MONDAY_MS + 1_000 * it)));
    let progress = Progress { end_offset, watermark: EventTime::MIN, reached: EventTime::MIN, is_idle: true };
    let (records, too_long) = sender.tell(&Origin::new(TOPIC, 0), progress, (0..).zip(steps));
    (records.into_iter().map(|it| it.bytes).collect(), too_long)
}

#[test]
fn what_is_too_much_for_one_record_goes_in_several_and_what_is_too_much_for_any_is_counted() {
    let book = book(RULES);
    let long = |len: usize, it: i64| alerted(&format!("u{it:02}"), "a", MONDAY_MS + 1_000 * it, &"x".repeat(len));
    let steps = (0..30).map(|it| long(if it == 20 { LINE_BYTES_MAX + 1 } else { 40_000 }, it)).collect();
    let (records, too_long) = records(steps);
    assert_eq!(too_long, 1);
    assert!(records.len() > 3 && records.iter().all(|it| it.len() < PARCEL_BYTES + 100_000), "{} records", records.len());
    let (mut station, mut found) = (station(&book), Decided::default());
    let idle = &parcels_of(&book, 0, &[], 1)[0];
    station.accept(&book, idle, 0, &mut found).unwrap();
    for (at, it) in records.iter().enumerate() {
        station.accept(&book, it, i64::try_from(at).unwrap() + 1, &mut found).unwrap();
        let saved = station.snapshot(&book);
        station = self::station(&book).restore(&book, WindowLimits::default(), Some(settings()), &saved).unwrap();
    }
    let named: Vec<String> = (0..30).filter(|it| *it != 20).map(|it| format!("u{it:02}: a")).collect();
    assert_eq!(incidents(&found.outgoing), named);
}

#[test]
fn a_state_of_before_there_was_a_desk_goes_on_with_the_one_that_it_is_given() {
    let book = book(RULES);
    let mut owner = Owner::new(7, &book, WindowLimits::default(), [Origin::new(TOPIC, 0)]);
    let lines: Vec<String> = events(4, 100, 1).into_iter().map(|it| it.line).collect();
    parcels_of(&book, 0, &lines, 50).iter().for_each(|it| owner.accept(&book, it, &mut Vec::new()).unwrap());
    let restored = station(&book).restore(&book, WindowLimits::default(), Some(settings()), &owner.snapshot(&book)).unwrap();
    assert!(restored.desk().is_some());
    assert_eq!(restored.stats().windows, owner.stats().windows);
    // Without a budget, the desk is left behind.
    let owner = Owner::new(7, &book, WindowLimits::default(), []);
    let plain = Station::new(Origin::new(EXCHANGE, 0), 1, owner);
    let plain = plain.restore(&book, WindowLimits::default(), None, &restored.snapshot(&book)).unwrap();
    assert!(plain.desk().is_none());
}

proptest! {
    #[test]
    fn damaged_records_and_states_are_errors_and_never_an_end(cut in any::<prop::sample::Index>(), flip in any::<(prop::sample::Index, u8)>()) {
        let book = book(RULES);
        let damaged = |bytes: &[u8]| {
            let mut bytes = bytes[..=cut.index(bytes.len())].to_vec();
            let at = flip.0.index(bytes.len());
            bytes[at] ^= flip.1;
            bytes
        };
        let (mut station, mut found) = (station(&book), Decided::default());
        let (records, _) = records((0..9).map(|it| alerted("u1", "a", MONDAY_MS + 1_000 * it, "A")).collect());
        let _ = station.accept(&book, &damaged(&records[0]), 0, &mut found);
        prop_assert!(station.accept(&book, &records[0][..records[0].len() - 1], 0, &mut found).is_err());
        let saved = station.snapshot(&book);
        let _ = self::station(&book).restore(&book, WindowLimits::default(), Some(settings()), &damaged(&saved));
        let cut = self::station(&book).restore(&book, WindowLimits::default(), Some(settings()), &saved[..saved.len() - 1]);
        prop_assert!(cut.is_err());
    }
}
