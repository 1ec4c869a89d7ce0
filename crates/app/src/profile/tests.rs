//! What a made-up person looks like.

use super::show::text;
use engine::behaviour::{Known, Pace, Peak, Portrait, Rate, Share, Slow};

fn hours(busy: &[(usize, f64)]) -> Vec<f64> {
    let mut hours = vec![0.0; 24];
    busy.iter().for_each(|(hour, count)| hours[*hour] = *count);
    hours
}

fn rate(what: &'static str, window: &'static str, mean: f64, p99: f64, now: Option<f64>) -> Rate {
    Rate { what, window, mean, p99, peer_mean: mean * 0.9, peer_p999: p99 * 2.0, evidence: 0.62, now }
}

fn made_up() -> Portrait {
    let known = |dimension, name: &str, count| Known { dimension, name: name.to_owned(), count };
    Portrait {
        actor: "u1103".to_owned(),
        class: "person",
        role: Some("support_t2".to_owned()),
        team: Some("sfo-a".to_owned()),
        first_day: "2026-01-05".to_owned(),
        last_seen: "2026-02-13T17:20:05Z".to_owned(),
        active_days: 29,
        day: Pace { events: 131.0, tens: 31.4, hours: 7.6 },
        peer_day: Pace { events: 118.0, tens: 29.0, hours: 7.5 },
        working_days: hours(&[
            (8, 3.0),
            (9, 26.0),
            (10, 28.0),
            (11, 28.0),
            (12, 14.0),
            (13, 27.0),
            (14, 28.0),
            (15, 21.0),
            (16, 8.0),
        ]),
        days_off: hours(&[(10, 1.0)]),
        rates: vec![
            rate("view", "10m", 4.2, 14.0, None),
            rate("view", "1d", 96.0, 171.0, None),
            rate("credential_change", "1d", 2.1, 7.0, None),
        ],
        targets: vec![
            rate("targets", "1d", 88.0, 160.0, Some(92.0)),
            rate("targets", "30d", 1_834.0, 2_200.0, Some(1_790.0)),
            // No ninety days have gone by: what is expected is the peers', and no fact of this person.
            Rate { evidence: 0.0, ..rate("targets", "90d", 5_000.0, 6_000.0, Some(1_790.0)) },
        ],
        shares: vec![
            Share { what: "sensitive".to_owned(), share: 0.016, of: 200.0, peer_share: 0.02 },
            Share { what: "no_ticket.lookup".to_owned(), share: 0.04, of: 200.0, peer_share: 0.03 },
        ],
        known: vec![
            known("action", "account.lookup", 2_210.0),
            known("device", "d-\u{1b}[31m7", 2_600.0),
            known("device", "#00c0ffee", 1.0),
            known("country", "IE", 2_601.0),
        ],
        risk: [("1d", 0.0), ("3d", 1.25), ("7d", 2.0), ("30d", 3.5)]
            .map(|(what, value)| Peak { what: what.to_owned(), value })
            .into(),
        episodes: vec![Peak { what: "export".to_owned(), value: 3.0 }],
        slow: vec![
            Slow { what: "targets", days: 29, evidence: 4.6, rise: 1.3 },
            Slow { what: "private_reads", days: 29, evidence: 0.4, rise: 1.1 },
        ],
    }
}

#[test]
fn a_made_up_person_is_shown_as_expected() {
    let shown = anstream::adapter::strip_str(&text(&made_up(), Some(80))).to_string();
    assert_eq!(shown, include_str!("u1103.txt"), "{shown}");
}

#[test]
fn no_line_is_wider_than_the_terminal_and_no_name_steers_it() {
    let mut crowded = made_up();
    crowded.actor = "x".repeat(300);
    crowded.known.extend((0..40).map(|it| Known { dimension: "country", name: format!("country-{it}"), count: 1.0 }));
    for width in [Some(76), Some(90), Some(3), None] {
        let coloured = text(&crowded, width);
        let shown = anstream::adapter::strip_str(&coloured).to_string();
        let most = width.unwrap_or(120).max(76);
        assert!(shown.lines().all(|it| crate::show::columns(it) <= most), "{width:?}\n{shown}");
        assert!(!shown.contains('\x1b') && shown.contains("d-\\u{1b}[31m7"));
    }
}

#[test]
fn the_json_has_every_number_that_is_shown() {
    let json = serde_json::to_value(made_up()).unwrap();
    for pointer in
        ["/actor", "/role", "/active_days", "/working_days/9", "/rates/0/p99", "/targets/1/now", "/risk/3/value", "/slow/0/rise"]
    {
        assert!(json.pointer(pointer).is_some_and(|it| !it.is_null()), "{pointer}");
    }
}
