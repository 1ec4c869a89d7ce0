//! What is looked for in a world, and the messages in it.

use super::random::Random;
use super::{PARTITIONS, PARTITIONS_LATER};
use crate::support::{book_of, lists};
use engine::Rulebook;
use engine::carry::CarryOver;

/// 2026-03-02, a Monday.
pub(super) const MONDAY_MS: i64 = 1_772_409_600_000;
const EVENTS: usize = 240;
/// So many of them before there are more partitions.
const EVENTS_BEFORE: usize = 150;

/// Incidents hang on the order of alerts, which with the time of a watermark depends on batches: `idle_look` is in shadow, so that it is
/// part of none.
const RULES: &str = "
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
status: test
level: medium
correlation:
  type: temporal_ordered
  rules: [look, reset]
  group-by: [target.id]
  timespan: 2m
  condition: look and not reset
";

/// What is added by a reload, and taken away again: before the others, so that all have other places; and in shadow, so that no incident has it.
const ADDED: &str = "
title: Resets from one address
name: added
id: 00000000-0000-4000-8000-000000000009
status: test
level: medium
correlation:
  type: event_count
  rules: [reset]
  group-by: [source.ip]
  timespan: 3m
  condition: {gte: 3}
---";

/// Sets of rules that are in force in turn, and how each stands to the other.
pub(super) struct Books {
    sets: [Rulebook; 2],
    /// From each to the other.
    over: [CarryOver; 2],
}

impl Books {
    pub(super) fn new() -> Self {
        let sets = [RULES.to_owned(), format!("{ADDED}{RULES}")];
        let sets = sets.map(|it| book_of(vec![("rules.yml".to_owned(), it)], "native", &lists()));
        let over = [CarryOver::between(&sets[0].set, &sets[1].set), CarryOver::between(&sets[1].set, &sets[0].set)];
        Self { sets, over }
    }

    pub(super) fn of(&self, rules: usize) -> &Rulebook {
        &self.sets[rules]
    }

    pub(super) fn over_from(&self, rules: usize) -> &CarryOver {
        &self.over[rules]
    }

    /// Whether a record is of the rule that is not always there: when it alerts depends on when it was.
    pub(super) fn is_of_added(text: &str) -> bool {
        text.contains("\"name\":\"added\"")
    }
}

/// What comes before the next is written: of each partition its messages.
pub(super) struct Wave {
    pub(super) messages: Vec<Vec<String>>,
    /// Then partitions say that there is nothing more.
    pub(super) ends_idle: bool,
}

/// The messages of a world: out of order by less than what is allowed, some twice, some no events. Between two waves there are more partitions,
/// and each, the new ones too, says that it is there before anything comes of it.
pub(super) fn waves(seed: u64) -> Vec<Wave> {
    let mut random = Random(seed);
    // A day ends on the way.
    let mut at = MONDAY_MS - 8 * 60_000;
    let first = wave(&mut random, 0..EVENTS_BEFORE, &mut at, PARTITIONS);
    let knock = (0..PARTITIONS_LATER).map(|_| vec!["no event".to_owned()]).collect();
    let second = wave(&mut random, EVENTS_BEFORE..EVENTS, &mut at, PARTITIONS_LATER);
    vec![
        Wave { messages: first, ends_idle: true },
        Wave { messages: knock, ends_idle: false },
        Wave { messages: second, ends_idle: true },
    ]
}

fn wave(random: &mut Random, numbers: std::ops::Range<usize>, at: &mut i64, partitions: usize) -> Vec<Vec<String>> {
    const NO_EVENTS: [&str; 5] =
        ["no event", "", "{\"time\":1}", "[[[[[[[[", "{\"time\":\"2026-03-02T00:00:00Z\",\"actor\":7,\"action\":null}"];
    let mut written = vec![Vec::new(); partitions];
    for number in numbers {
        *at += i64::try_from(random.below(8)).unwrap() * 1_500;
        // Who is in a partition stays there: those of the new one are new.
        let partition = random.below(partitions);
        let actor = partition + 3 * random.below(3);
        let (target, ip) = (random.below(5), random.below(4));
        let action = if random.percent(35) { "password.reset" } else { "account.view" };
        let behind = if random.percent(5) { 200 } else { 20 };
        let time = *at - i64::try_from(random.below(behind)).unwrap() * 1_000;
        let line = format!(
            r#"{{"time":{time},"id":"e{number}","actor":{{"id":"u{actor}","role":"support"}},"action":"{action}","outcome":"success","target":{{"id":"t{target}","type":"account"}},"source":{{"ip":"10.0.0.{ip}"}}}}"#
        );
        let messages: &mut Vec<String> = &mut written[partition];
        if random.percent(3) {
            messages.push(NO_EVENTS[random.below(NO_EVENTS.len())].to_owned());
        }
        messages.push(line);
        if random.percent(5) {
            let back = random.below(messages.len().min(20));
            messages.push(messages[messages.len() - 1 - back].clone());
        }
    }
    written
}
