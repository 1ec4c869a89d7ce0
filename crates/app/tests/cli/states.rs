//! `nightjar state`: what `run` keeps, for people.

use super::place::Place;
use serde_json::{Value as Json, json};
use std::fs;
use stream::store::{Part, Store};

/// Two partitions, three checkpoints of each, the last with another clock.
fn kept(name: &str) -> Place {
    let place = Place::new(name);
    let store = Store::open(place.0.join("kept").to_str().unwrap(), []).unwrap();
    for partition in ["0", "1"] {
        let mut series = store.series(&["nightjar", "audit-events", partition]);
        for offset in [100, 200, 300_i64] {
            let about = json!({"nightjar": "0.1.0", "source": "native", "event": "2026-03-02T10:00:00.000Z", "people": 1_204});
            let parts = [
                part("clock", vec![offset.to_le_bytes()[0]; 8]),
                part("shard", (0..40_000_u32).flat_map(u32::to_le_bytes).collect()),
            ];
            series.save(offset, 1_772_445_600_000 + offset, about, &parts).unwrap();
        }
    }
    place
}

fn part(name: &str, bytes: Vec<u8>) -> Part {
    Part { name: name.to_owned(), bytes }
}

#[test]
fn checkpoints_are_listed_with_what_they_are_of() {
    let place = kept("states-list");
    let out = place.run(&["state", "ls", "kept"]).ended(0).out.clone();
    for text in ["nightjar/audit-events/0", "nightjar/audit-events/1", "3 checkpoints", "up to offset 300", "1,204 people"] {
        assert!(out.contains(text), "`{text}` is not in: {out}");
    }
    let ran = place.run(&["state", "show", "kept", "nightjar/audit-events/1", "--format", "json"]);
    let all: Json = serde_json::from_str(&ran.ended(0).out).unwrap();
    let full: Vec<_> =
        all.as_array().unwrap().iter().map(|it| (it["offset"].as_i64().unwrap(), it["full"].as_bool().unwrap())).collect();
    assert_eq!(full, [(300, false), (200, false), (100, true)]);
    assert_eq!((&all[0]["of"]["source"], &all[0]["written"]), (&"native".into(), &"2026-03-02T10:00:00.300Z".into()));
    place.run(&["state", "show", "kept", "nightjar/audit-event/1"]).ended(2).told("did you mean `nightjar/audit-events/");
    place.run(&["state", "ls", "elsewhere"]).ended(2).told("no such folder");
    let url = format!("file://{}", place.0.join("elsewhere").display());
    for command in [&["ls", &url][..], &["verify", &url], &["show", &url, "x"], &["export", &url, "x", "--out", "copy"]] {
        place.run(&[&["state"], command].concat()).ended(2).told("no such folder");
    }
    assert!(!place.0.join("elsewhere").exists() && !place.0.join("copy").exists());
}

#[test]
fn groups_may_be_called_anything_and_what_is_no_checkpoint_is_in_nobodys_way() {
    let place = kept("states-odd");
    let store = Store::open(place.0.join("kept").to_str().unwrap(), []).unwrap();
    store.series(&["team/a#~|*?%41", "audit-events", "0"]).save(7, 1, json!({}), &[part("../clock", vec![1])]).unwrap();
    fs::write(place.0.join("kept/nightjar/audit-events/1/copy-of-it.njc"), b"what is this").unwrap();
    fs::create_dir_all(place.0.join("kept/elsewhere")).unwrap();
    fs::write(place.0.join("kept/elsewhere/notes.njc"), b"what is this").unwrap();
    let ran = place.run(&["state", "ls", "kept"]);
    ran.ended(0).told("nightjar/audit-events/1/copy-of-it.njc: its name is not that of a checkpoint").told("elsewhere/notes.njc");
    assert!(ran.out.contains("team/a#~|*?%41/audit-events/0"), "{}", ran.out);
    place.run(&["state", "show", "kept", "team/a#~|*?%41/audit-events/0"]).ended(0);
    place.run(&["state", "export", "kept", "team/a#~|*?%41/audit-events/0", "--out", "copy"]).ended(0);
    assert_eq!(fs::read(place.0.join("copy/.._clock")).unwrap(), [1]);
    place.run(&["state", "verify", "kept"]).ended(1).told("9 checkpoints, 2 of them can't be used");
}

#[test]
fn damage_is_found_and_what_is_sound_can_be_exported() {
    let place = kept("states-damage");
    place.run(&["state", "verify", "kept"]).ended(0).told("6 checkpoints, 0 of them can't be used");
    let folder = place.0.join("kept/nightjar/audit-events/1");
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path()).collect();
    files.sort();
    let newest = fs::read(&files[2]).unwrap();
    fs::write(&files[2], &newest[..newest.len() - 1]).unwrap();
    let ran = place.run(&["state", "verify", "kept"]);
    ran.ended(1).told("6 checkpoints, 1 of them can't be used");
    assert_eq!(ran.out.lines().filter(|it| it.contains("is damaged: it is cut off")).count(), 1, "{}", ran.out);
    let export =
        |more: &[&str]| place.run(&[&["state", "export", "kept", "nightjar/audit-events/1", "--out", "copy"], more].concat());
    export(&[]).ended(0).told("warning: passed over: ");
    assert_eq!(
        (fs::read(place.0.join("copy/clock")).unwrap(), fs::read(place.0.join("copy/shard")).unwrap().len()),
        (vec![200; 8], 160_000)
    );
    let info: Json = serde_json::from_str(&place.read("copy/info.json")).unwrap();
    assert_eq!((&info["offset"], &info["about"]["people"]), (&200.into(), &1_204.into()));
    export(&["--at-most", "199"]).ended(0);
    assert_eq!(fs::read(place.0.join("copy/clock")).unwrap(), [100; 8]);
    export(&["--at-most", "99"]).ended(2).told("no checkpoint of `nightjar/audit-events/1`");
    // What rests on a damaged one is damaged, too.
    fs::remove_file(&files[0]).unwrap();
    place.run(&["state", "verify", "kept"]).ended(1).told("5 checkpoints, 2 of them can't be used");
}
