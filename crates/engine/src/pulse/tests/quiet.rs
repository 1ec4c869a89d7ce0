//! When nothing, or next to nothing, comes.

use super::*;

/// Kind, stream, whether it is over, and from when to when.
type Short<'f> = (&'static str, &'f str, bool, (i64, i64, i64), (i64, i64, i64));

/// What was told, shortly.
fn short(findings: &[Finding]) -> Vec<Short<'_>> {
    let kind = |it: &Finding| match it.what {
        What::Silent(_) => "silent",
        What::Dropped(_) => "dropped",
        What::Gap { .. } => "gap",
        What::Canary { .. } => "canary",
    };
    findings.iter().map(|it| (kind(it), &*it.of, it.is_end, place(it.from_ms), place(it.until_ms))).collect()
}

#[test]
fn nights_weekends_and_a_holiday_of_a_small_source_are_quiet_and_nobody_is_called() {
    // Ten events an hour; the fifth Monday is a holiday on which one person looks in.
    let findings = told(70, &["crm"], |_, minute| match minute / DAY {
        28 => f64::from(u8::from(minute % DAY == 11 * 60)),
        _ => office(minute, 10.0 / 60.0),
    });
    assert_eq!(short(&findings), []);
}

#[test]
fn a_source_of_a_few_events_a_day_is_never_missed_for_an_evening() {
    assert_eq!(short(&told(120, &["vault"], |_, minute| office(minute, 4.0 / 600.0))), []);
}

#[test]
fn a_source_in_full_swing_that_falls_silent_is_told_of_once_and_amended_when_it_is_back() {
    let silence = 20 * DAY + 600..20 * DAY + 680;
    let (findings, pulse) =
        told_with(settings(), 30, &["crm"], |_, minute| if silence.contains(&minute) { 0.0 } else { 5.0 + office(minute, 10.0) });
    assert_eq!(
        short(&findings),
        [("silent", "", false, (20, 10, 0), (20, 10, 4)), ("silent", "", true, (20, 10, 0), (20, 11, 20))]
    );
    let [began, ended] = &findings[..] else { unreachable!() };
    let voice = voice();
    assert_eq!(
        voice.alert(began).message,
        "the source native has been silent for 4 min, since 2026-01-25T10:00:00.000Z: 19 events were to be expected, and at this hour \
         only one silence in a thousand is longer than 1 min 32 s (by chance once in 10^7)"
    );
    assert_eq!(
        voice.alert(ended).message,
        "the source native is heard of again: it was silent for 1 h 20 min, since 2026-01-25T10:00:00.000Z"
    );
    assert_eq!(voice.alert(began).uid, voice.alert(ended).uid, "one episode is one alert");
    assert!(!pulse.stats().streams[0].is_blind && pulse.stats().silences == 1);
}

#[test]
fn nobody_is_called_while_it_learns() {
    let rate = |_: &str, minute: i64| if (13 * DAY..13 * DAY + 600).contains(&minute) { 0.0 } else { 20.0 };
    assert_eq!(short(&told(16, &["crm"], rate)), []);
}

#[test]
fn one_stream_that_does_not_begin_its_day_while_the_others_do_is_missed() {
    let rate = |stream: &str, minute: i64| match (stream, minute / DAY) {
        ("warehouse", 29) => 0.0,
        _ => office(minute, 2.0),
    };
    let findings = told(35, &["crm", "helpdesk", "warehouse", "admin"], rate);
    let [began, ended] = &short(&findings)[..] else { panic!("{findings:?}") };
    assert_eq!((began.0, began.1, began.2, ended.2), ("silent", "warehouse", false, true));
    assert!(began.4.0 == 29 && (9..11).contains(&began.4.1), "it is told in the morning: {began:?}");
    assert_eq!((ended.4.0, ended.4.1), (30, 8));
}

#[test]
fn a_source_that_is_silent_as_a_whole_is_one_alert_and_not_one_for_each_stream() {
    let rate = |_: &str, minute: i64| if minute / DAY == 24 { 0.0 } else { 1.0 + office(minute, 2.0) };
    let findings = told(30, &["crm", "helpdesk", "warehouse", "admin"], rate);
    assert_eq!(short(&findings), [("silent", "", false, (24, 0, 0), (24, 0, 5)), ("silent", "", true, (24, 0, 0), (25, 0, 0))]);
}

#[test]
fn on_a_holiday_services_go_on_and_what_people_use_is_not_missed() {
    let rate = |stream: &str, minute: i64| match stream {
        "backup" => 3.0,
        _ if minute / DAY == 28 => 0.0,
        _ => office(minute, 2.0),
    };
    assert_eq!(short(&told(35, &["crm", "helpdesk", "warehouse", "backup"], rate)), []);
}

#[test]
fn next_to_nothing_is_told_of_as_well() {
    let low = 22 * DAY + 600..22 * DAY + 900;
    let rate = |_: &str, minute: i64| if low.contains(&minute) { 3.5 } else { 100.0 };
    let findings = told(25, &["crm"], rate);
    let [began, ended] = &short(&findings)[..] else { panic!("{findings:?}") };
    assert_eq!((began.0, began.2, ended.2), ("dropped", false, true));
    assert!(began.3 >= (22, 9, 55) && began.4 <= (22, 10, 40), "{began:?}");
    assert!(ended.4 <= (22, 15, 10), "{ended:?}");
    assert!(voice().alert(&findings[0]).message.starts_with("next to nothing comes of the source native: "));
}

#[test]
fn a_trickle_does_not_end_a_silence() {
    let low = 22 * DAY + 600..22 * DAY + 1_200;
    let rate = |_: &str, minute: i64| if low.contains(&minute) { 0.2 } else { 20.0 };
    assert_eq!(
        short(&told(25, &["crm"], rate)),
        [("silent", "", false, (22, 10, 0), (22, 10, 3)), ("silent", "", true, (22, 10, 0), (22, 20, 0))]
    );
}

#[test]
fn half_as_much_as_usual_is_not_next_to_nothing() {
    let rate = |_: &str, minute: i64| if minute > 22 * DAY { 10.0 } else { 20.0 };
    assert_eq!(short(&told(40, &["crm"], rate)), []);
}

#[test]
fn clocks_that_change_move_the_day_and_nobody_is_called() {
    // From the sixth week on everybody comes an hour later by UTC, and from the ninth on as before.
    let shift = |minute: i64| if (5..8).contains(&(minute / (7 * DAY))) { -60 } else { 0 };
    let rate = |_: &str, minute: i64| office(minute + shift(minute), 8.0);
    assert_eq!(short(&told(70, &["crm", "helpdesk", "warehouse"], rate)), []);
}

#[test]
fn the_clocks_of_the_source_are_those_of_its_zone() {
    // 2026-03-29 clocks go forward in Dublin: in local time nothing changes, and the silence at nine is found as on any other day.
    let settings = PulseSettings::new("Europe/Dublin", None).unwrap();
    let summer = 83 * DAY + 60;
    let rate = |_: &str, minute: i64| {
        let local = if minute >= summer { minute + 60 } else { minute };
        if (86 * DAY + 545..86 * DAY + 600).contains(&local) { 0.0 } else { office(local, 10.0) }
    };
    let (findings, _) = told_with(settings, 90, &["crm"], rate);
    assert_eq!(short(&findings).len(), 2, "{findings:?}");
    assert_eq!(place(findings[0].from_ms), (86, 8, 5));
}

#[test]
fn what_comes_of_a_silence_afterwards_is_told_with_its_end() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let (mut pulse, mut out) = (Pulse::new(settings()), Vec::new());
    for minute in MONDAY..MONDAY + 20 * DAY {
        pulse.count("crm", minute, poisson(10.0, &mut rng) + 1);
        pulse.advance(EventTime::from_ms(minute * MINUTE_MS), &mut out);
    }
    let end = MONDAY + 20 * DAY;
    pulse.advance(EventTime::from_ms((end + 30) * MINUTE_MS), &mut out);
    assert_eq!(out.len(), 1);
    pulse.count("crm", end + 3, 42);
    pulse.count("crm", end + 31, 10);
    pulse.advance(EventTime::from_ms((end + 32) * MINUTE_MS), &mut out);
    assert!(voice().alert(&out[1]).message.ends_with("; 42 events of it came later"), "{:?}", out[1]);
    assert_eq!(pulse.stats().late, 42);
}

#[test]
fn streams_are_limited_and_those_beyond_count_for_the_source() {
    let (mut pulse, mut out) = (Pulse::new(settings()), Vec::new());
    for minute in 0..20 * DAY {
        (0..STREAMS_MAX).for_each(|it| pulse.count(&it.to_string(), MONDAY + minute, 1));
        pulse.advance(EventTime::from_ms((MONDAY + minute) * MINUTE_MS), &mut out);
    }
    pulse.count("one more", MONDAY + 20 * DAY, 5);
    pulse.advance(EventTime::from_ms((MONDAY + 20 * DAY + 1) * MINUTE_MS), &mut out);
    assert_eq!((pulse.stats().unstreamed, pulse.stats().streams.len()), (5, STREAMS_MAX + 1));
    let bytes = pulse.snapshot().len();
    assert!(bytes < 80 * 1_024 * 2, "{bytes}");
}

#[test]
fn after_a_gap_of_months_everything_begins_anew() {
    let rate = |_: &str, minute: i64| if (20 * DAY..100 * DAY).contains(&minute) { 0.0 } else { 5.0 };
    let findings = told(110, &["crm"], rate);
    assert_eq!(short(&findings).len(), 1, "{findings:?}");
}

#[test]
fn a_canary_that_does_not_come_out_is_told_of_and_so_is_its_return() {
    let (mut pulse, mut out) = (Pulse::new(PulseSettings::new("UTC", Some(300_000)).unwrap()), Vec::new());
    let at = |minute: i64| EventTime::from_ms((MONDAY + minute) * MINUTE_MS);
    pulse.count("crm", MONDAY, 1);
    for minute in (1..100).filter(|it| !(31..60).contains(it)) {
        if minute % 5 == 0 {
            pulse.canary(at(minute), &mut out);
        }
        pulse.advance(at(minute), &mut out);
    }
    let messages: Vec<String> = out.iter().map(|it| voice().alert(it).message).collect();
    assert_eq!(
        messages,
        [
            "the canary of the source native is missing: the last came out 7 min 30 s before, at 2026-01-05T00:30:00.000Z, and one is due every 5 min",
            "the canary of the source native is out again, after 30 min",
        ],
        "nothing moved the time while nothing came"
    );
    pulse.advance(at(110), &mut out);
    assert_eq!(
        voice().alert(&out[2]).message,
        "the canary of the source native is missing: the last came out 7 min 30 s before, at 2026-01-05T01:35:00.000Z, and one is due every 5 min"
    );
    let alert = voice().alert(&out[2]);
    assert_eq!(
        (&*alert.rule.name, alert.rule.level, alert.delivery.is_page()),
        ("nightjar.blind.canary", model::Level::High, true)
    );
}
