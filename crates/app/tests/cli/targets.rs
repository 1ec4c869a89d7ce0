//! Rules about what others did to a target: the same in sixteen shards on any number of threads as in one.

use super::place::{NOW, Place, rules_of};
use super::threads::scored_one_by_one;

const ABOUT_TARGETS: &str = "title: Rare crowd
name: rare_crowd
id: 7d5a0f0e-3d31-4c62-9d64-4f8a0b0d0001
status: stable
level: high
logsource: {product: nightjar}
detection:
  look: {nj.family: view}
  rare: {nj.target.p|lt: 0.2, nj.target.unticketed_24h|gte: 2}
  condition: look and rare
fields: [nj.target.p, nj.target.actors_24h, nj.target.first_actor]
---
title: Relayed reset
name: relayed
id: 7d5a0f0e-3d31-4c62-9d64-4f8a0b0d0002
status: stable
level: high
logsource: {product: nightjar}
detection:
  soon: {nj.target.relay|lte: 120, action: password.reset}
  condition: soon
fields: [nj.target.p, nj.chain.takeover]
---
title: Several relayed resets by one
name: relayed_often
id: 7d5a0f0e-3d31-4c62-9d64-4f8a0b0d0003
status: stable
level: critical
correlation:
  type: value_count
  rules: [relayed]
  group-by: [actor.id]
  generate: true
  timespan: 1h
  condition: {field: target.id, gte: 2}
";

#[test]
fn what_others_did_to_a_target_is_the_same_with_any_number_of_threads() {
    let line = |at: u32| {
        // Out of order by up to ten minutes, so that some are late.
        let second = at / 2 + (at * 7_919) % 601;
        let time = format!("2026-03-02T{:02}:{:02}:{:02}Z", 8 + second / 3_600, second / 60 % 60, second % 60);
        // Most targets have few people, some have many, and all together make what is usual.
        let target = if at.is_multiple_of(5) { at % 7 } else { 10 + at * 31 % 3_001 };
        let (actor, action) = (at * 13 % 211, ["account.lookup", "account.lookup", "password.reset"][(at / 5 % 3) as usize]);
        let ticket = if at.is_multiple_of(3) { "" } else { ",\"justification\":{\"ticket\":\"CS-1\"}" };
        let padding = "x".repeat(usize::try_from(at % 400).unwrap());
        format!(
            "{{\"time\":\"{time}\",\"id\":\"{at}\",\"actor\":{{\"id\":\"u{actor}\"}},\"action\":\"{action}\",\
             \"target\":{{\"type\":\"k{}\",\"id\":\"t{target}\"}},\"detail\":\"{padding}\"{ticket}}}",
            target % 3,
        ) + "\n"
    };
    let events: String = (0..12_000).map(line).collect();
    let place = Place::new("targets");
    place.write("rules/rules.yml", ABOUT_TARGETS.as_bytes());
    place.write("events.ndjson", events.as_bytes());
    let expected = scored_one_by_one(ABOUT_TARGETS, events.as_bytes(), "native");
    let fired = rules_of(&expected);
    for name in ["rare_crowd", "relayed", "relayed_often"] {
        assert!(fired.iter().filter(|it| *it == name).count() > 10, "{name} fired too rarely");
    }
    for threads in ["1", "2", "3", "7"] {
        let ran = place.run(&["score", "events.ndjson", "--threads", threads, "--no-behaviour", "--now", NOW]);
        assert!(ran.ended(0).out == expected, "{threads} threads");
    }
}
