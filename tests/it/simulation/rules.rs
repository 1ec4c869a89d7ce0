//! What is looked for in a world, and the messages in it.

use super::PARTITIONS;
use super::random::Random;

/// 2026-03-02, a Monday.
pub(super) const MONDAY_MS: i64 = 1_772_409_600_000;
pub(super) const EVENTS: usize = 240;

pub(super) const RULES: &str = "
title: Look
name: look
id: 00000000-0000-4000-8000-000000000001
status: stable
level: low
logsource: {product: nightjar}
detection:
  it: {action: account.view}
  condition: it
---
title: Reset
name: reset
id: 00000000-0000-4000-8000-000000000002
status: stable
level: low
logsource: {product: nightjar}
detection:
  it: {action: password.reset}
  condition: it
---
title: From a network that is new for the actor
name: newcomer
id: 00000000-0000-4000-8000-000000000003
status: stable
level: medium
logsource: {product: nightjar}
detection:
  it: {nj.novelty.ip.first_for_actor: true}
  condition: it
---
title: Somebody else was there
name: shared
id: 00000000-0000-4000-8000-000000000004
status: stable
level: medium
logsource: {product: nightjar}
detection:
  reset: {action: password.reset}
  others: {nj.target.actors_24h|gte: 3}
  condition: reset and others
---
title: Often
name: often
id: 00000000-0000-4000-8000-000000000005
status: stable
level: medium
correlation:
  type: event_count
  rules: [reset]
  group-by: [actor.id]
  timespan: 5m
  condition: {gte: 3}
---
title: Many look at one
name: crowd
id: 00000000-0000-4000-8000-000000000006
status: stable
level: high
correlation:
  type: value_count
  rules: [look]
  group-by: [target.id]
  timespan: 10m
  condition: {field: actor.id, gte: 4}
---
title: Relay
name: relay
id: 00000000-0000-4000-8000-000000000007
status: stable
level: high
correlation:
  type: temporal_ordered
  rules: [look, reset]
  group-by: [source.ip]
  timespan: 1m
---
title: Looked at, not reset
name: idle_look
id: 00000000-0000-4000-8000-000000000008
status: stable
level: medium
correlation:
  type: temporal_ordered
  rules: [look, reset]
  group-by: [target.id]
  timespan: 2m
  condition: look and not reset
";

/// Of each partition its messages: out of order by less than what is allowed, some twice, some no events.
pub(super) fn messages(seed: u64) -> Vec<Vec<String>> {
    let mut random = Random(seed);
    let mut partitions = vec![Vec::new(); PARTITIONS];
    let mut at = MONDAY_MS;
    for number in 0..EVENTS {
        at += i64::try_from(random.below(8)).unwrap() * 1_500;
        let (actor, target, ip) = (random.below(8), random.below(5), random.below(4));
        let action = if random.percent(35) { "password.reset" } else { "account.view" };
        let time = at - i64::try_from(random.below(20)).unwrap() * 1_000;
        let line = format!(
            r#"{{"time":{time},"id":"e{number}","actor":{{"id":"u{actor}","role":"support"}},"action":"{action}","outcome":"success","target":{{"id":"t{target}","type":"account"}},"source":{{"ip":"10.0.0.{ip}"}}}}"#
        );
        let messages = &mut partitions[actor % PARTITIONS];
        if random.percent(3) {
            messages.push("no event".to_owned());
        }
        messages.push(line.clone());
        if random.percent(4) {
            messages.push(line);
        }
    }
    partitions
}
