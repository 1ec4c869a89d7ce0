//! `score --state` and `profile`: what was learnt goes on where it ended, or says why not.

use super::place::{NOW, Place, RULES, Ran, event, events, rules_of};
use serde_json::Value as Json;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;

fn shipped_rules() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules").to_str().unwrap().to_owned()
}

/// Scores a file, and gives alerts and scores.
fn score(place: &Place, file: &str, more: &[&str]) -> [String; 3] {
    let outputs = ["--alerts", "a", "--scores", "s", "--shadow", "sh", "--stats", "stats.json", "--now", NOW];
    place.run(&[&["score", file], &outputs[..], more].concat()).ended(0);
    ["a", "s", "sh"].map(|it| place.read(it))
}

fn stats(place: &Place) -> Json {
    serde_json::from_str(&place.read("stats.json")).unwrap()
}

#[test]
fn in_parts_with_a_state_is_as_at_once() {
    let place = Place::new("state-parts");
    place.run(&["simulate", "twitter-2020", "--people", "40", "--days", "1", "--out", "day.ndjson", "--labels", "labels"]).ended(0);
    let (day, rules) = (place.read("day.ndjson"), shipped_rules());
    let whole = score(&place, "day.ndjson", &["--rules", &rules]);
    assert!(rules_of(&whole[0]).iter().any(|it| it == "takeover_chain"));
    let lines: Vec<&str> = day.lines().collect();
    for (threads, cuts) in [("1", vec![1, 700, lines.len() / 2, lines.len() * 9 / 10]), ("3", vec![lines.len() * 2 / 3])] {
        let _ = fs::remove_dir_all(place.0.join("state"));
        let (mut found, mut from) = ([String::new(), String::new(), String::new()], 0);
        for until in cuts.into_iter().chain([lines.len()]) {
            place.write("part.ndjson", (lines[from..until].join("\n") + "\n").as_bytes());
            let part = score(&place, "part.ndjson", &["--rules", &rules, "--state", "state", "--threads", threads]);
            found.iter_mut().zip(part).for_each(|(all, part)| *all += &part);
            from = until;
        }
        assert!(found == whole, "{threads} threads");
    }
}

/// The rules see two of three people before the cut.
#[test]
fn a_correlation_that_is_open_goes_on_and_other_rules_are_told_about() {
    let place = Place::new("state-open");
    let all = events();
    let (first, second) = all.split_at(all.lines().take(3).map(|it| it.len() + 1).sum());
    place.write("first", first.as_bytes());
    place.write("second", second.as_bytes());
    let begun = place.run(&["score", "first", "--state", "state", "--now", NOW]);
    begun.ended(0).told("begins anew");
    assert_eq!(rules_of(&begun.out), ["export"]);
    place.write("rules/rules.yml", RULES.replace("title: Export\nname: export", "title: Out\nname: out").as_bytes());
    let ended = place.run(&["score", "second", "--state", "state", "--now", NOW]);
    ended.ended(0).told("goes on after 3 events").told("windows of 1 correlations go on, 0 begin anew, 0 are gone");
    assert_eq!(rules_of(&ended.out), ["out", "crowd"]);
}

#[test]
fn a_state_that_does_not_fit_is_an_error_of_usage_and_stays_as_it_is() {
    let place = Place::new("state-unfit");
    place.write("events.ndjson", events().as_bytes());
    let run = |more: &[&str]| -> Ran {
        place.run(&[&["score", "events.ndjson", "--state", "state", "--now", NOW, "--alerts", "a"], more].concat())
    };
    run(&[]).ended(0);
    place.write("a", b"from before");
    let whole = fs::read(place.0.join("state/state.njs")).unwrap();
    let put = |bytes: &[u8]| place.write("state/state.njs", bytes);
    put(&whole[..whole.len() / 2]);
    run(&[]).ended(2).told("state/state.njs is damaged: it is cut off. Put a copy in its place");
    // In the checksum: elsewhere, another bit may mean the same bytes, and then nothing is damaged.
    let mut flipped = whole.clone();
    flipped[whole.len() - 2] ^= 1;
    put(&flipped);
    run(&[]).ended(2).told("is damaged");
    place.run(&["profile", "ana", "--state", "state"]).ended(2).told("is damaged");
    put(b"{\"json\": true}");
    run(&[]).ended(2).told("is no state of Nightjar");
    put(b"NJSTATE0");
    run(&[]).ended(2).told("format 0");
    put(&whole);
    run(&["--source", "raw"]).ended(2).told("learnt from the source `native`, not `raw`");
    run(&["--no-behaviour"]).ended(2).told("has profiles, which would be lost");
    let lock = File::options().write(true).open(place.0.join("state/lock")).unwrap();
    lock.lock().unwrap();
    run(&[]).ended(2).told("another run is using the state");
    drop(lock);
    assert_eq!(place.read("a"), "from before");
    assert!(fs::read(place.0.join("state/state.njs")).unwrap() == whole);
    run(&[]).ended(0).told("goes on after 5 events");
    let mut left: Vec<_> = fs::read_dir(place.0.join("state")).unwrap().map(|it| it.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["lock", "state.njs"]);
}

#[test]
fn the_same_days_again_or_backwards_are_told_and_not_learnt() {
    let place = Place::new("state-again");
    let day = |day: usize| {
        (0..50).map(move |it| event(it, &format!("u{}", it % 4), "look", "t").replace("-03-02T", &format!("-02-{day:02}T")))
    };
    let days: Vec<String> =
        (1..=20).flat_map(|it| day(it).map(move |event| event.replace("\"id\":\"e", &format!("\"id\":\"d{it}-")))).collect();
    place.write("days.ndjson", days.concat().as_bytes());
    let known = |more: &[&str]| {
        let out = ["--alerts", "a", "--stats", "stats.json", "--now", NOW];
        let ran = place.run(&[&["score"], more, &out[..]].concat());
        let said = ran.ended(0).err.contains("warning: most events came a day or more after a later one");
        (said, stats(&place)["behaviour"]["too_late"].as_u64().unwrap())
    };
    assert_eq!(known(&["days.ndjson", "--state", "state"]), (false, 0));
    // As if so many others had come between that nobody remembers the identifiers.
    place.write("again.ndjson", days.concat().replace("\"id\":\"d", "\"id\":\"again-").as_bytes());
    let (said, late) = known(&["again.ndjson", "--state", "state"]);
    assert!(said && late > 800, "{late} came too late");
    place.write("backwards.ndjson", days.iter().rev().map(String::as_str).collect::<String>().as_bytes());
    let (said, late) = known(&["backwards.ndjson"]);
    assert!(said && late > 800, "{late} came too late");
    // It is said of this run, not of those before it.
    place.write("one.ndjson", event(0, "ana", "look", "t").as_bytes());
    assert!(!known(&["one.ndjson", "--state", "state"]).0);
    place.run(&["score", "one.ndjson", "--state", "rules", "--now", NOW]).ended(2).told("name a folder of its own");
}

/// Two hundred people in turn, within an hour: nobody looks at the peers anew.
fn crowd() -> Vec<String> {
    (0..2_400).map(|at| event(at / 40, &format!("u{}", at % 200), "look", &format!("t{}", at * 7 % 311))).collect()
}

#[test]
fn who_has_to_make_way_is_scored_as_if_they_had_stayed_and_comes_back_from_the_state() {
    let place = Place::new("state-attic");
    let all = crowd();
    place.write("all", all.concat().as_bytes());
    place.write("first", all[..1_300].concat().as_bytes());
    place.write("second", all[1_300..].concat().as_bytes());
    let roomy = score(&place, "all", &[]);
    assert_eq!((&stats(&place)["behaviour"]["people"], &stats(&place)["behaviour"]["evicted"]), (&200.into(), &0.into()));
    assert!(score(&place, "all", &["--people-max", "16"]) == roomy);
    let behaviour = stats(&place)["behaviour"].clone();
    assert_eq!((&behaviour["people"], &behaviour["people_on_disk"], &behaviour["forgotten"]), (&16.into(), &184.into(), &0.into()));
    assert!(behaviour["brought_back"].as_u64() > Some(1_000), "{behaviour}");
    let mut parts = score(&place, "first", &["--people-max", "16", "--state", "state"]);
    // The rest with more room, and then again with less.
    let second = score(&place, "second", &["--people-max", "64", "--state", "state"]);
    parts.iter_mut().zip(second).for_each(|(all, part)| *all += &part);
    assert!(parts == roomy);
    for person in 0..200 {
        let ran = place.run(&["profile", &format!("u{person}"), "--state", "state", "--format", "json"]);
        let profile: Json = serde_json::from_str(&ran.ended(0).out).unwrap();
        assert_eq!((&profile["actor"], &profile["known"][0]["name"]), (&format!("u{person}").into(), &"look".into()));
        if person == 3 {
            break;
        }
    }
    score(&place, "all", &["--people-max", "16", "--people-on-disk", "0"]);
    let behaviour = stats(&place)["behaviour"].clone();
    assert_eq!(behaviour["forgotten"], behaviour["evicted"]);
    assert!(behaviour["forgotten"].as_u64() > Some(1_000), "{behaviour}");
}

#[test]
fn a_profile_is_shown_and_a_wrong_name_gets_the_nearest() {
    let place = Place::new("profile");
    place.write("events.ndjson", events().as_bytes());
    place.run(&["profile", "ana", "--state", "state"]).ended(2).told("there is no state in state");
    place.run(&["score", "events.ndjson", "--state", "state", "--now", NOW]).ended(0).told("3 known");
    let shown = place.run(&["profile", "ana", "--state", "state"]).ended(0).out.clone();
    for text in ["ana  person", "since 2026-03-02", "last seen   2026-03-02T10:00:02", "Mon-Fri", "export (1)", "risk"] {
        assert!(shown.contains(text), "`{text}` is not in:\n{shown}");
    }
    assert!(!shown.contains('\x1b'));
    assert!(place.run(&["profile", "ana", "--state", "state", "--color", "always"]).ended(0).out.contains('\x1b'));
    place
        .run(&["profile", "anna", "--state", "state"])
        .ended(2)
        .told("nobody called `anna` is known in state: did you mean `ana`?");
    place.run(&["profile", "somebody-else", "--state", "state"]).ended(2).told("3 actors are known by name");
}

#[test]
fn a_signal_ends_the_run_with_its_state_saved() {
    let place = Place::new("state-signal");
    let mut child = place.spawn(&["score", "-", "--state", "state"]);
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut is_told = false;
    // An event at a time: the round after the signal has arrived is the last.
    for at in 0_u32.. {
        if stdin.write_all(event(at % 60, "ana", "export", &format!("t{at}")).as_bytes()).is_err() {
            break;
        }
        let mut byte = [0];
        while byte != [b'\n'] && stdout.read(&mut byte).unwrap() > 0 {}
        if byte != [b'\n'] {
            break;
        }
        if !is_told {
            is_told = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success();
            assert!(is_told);
        }
    }
    drop(stdin);
    let ended = child.wait_with_output().unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.code() == Some(3) && told.contains("stopped by a signal at byte"), "{told}");
    place.run(&["profile", "ana", "--state", "state"]).ended(0);
}
