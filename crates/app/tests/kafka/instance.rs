//! Topics with events in them, and processes that read these.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde_json::Value as Json;
use stream::kafka::{KafkaConfig, TailMessage, TailReader};

use crate::cluster::Cluster;

pub(crate) const PATIENCE: Duration = Duration::from_mins(2);
/// What has not come by then is missing.
const SETTLE: Duration = Duration::from_secs(40);
pub(crate) const PARTITIONS: i32 = 4;
/// Single events, and what one actor does one after the other: windows are longer than a process lives, so that alerts come only if what was seen
/// before goes on.
const RULES: &str = "\
title: Export
name: export
id: 0f0c6c1e-6f0b-4a56-9d35-0d3f9a1f4b01
logsource:
  product: nightjar
detection:
  s:
    action: export
  condition: s
level: high
---
title: An export by itself
name: an_export
id: 0f0c6c1e-6f0b-4a56-9d35-0d3f9a1f4b05
logsource:
  product: nightjar
detection:
  s:
    action: export
  condition: s
level: low
---
title: Reset
name: reset
id: 0f0c6c1e-6f0b-4a56-9d35-0d3f9a1f4b02
logsource:
  product: nightjar
detection:
  s:
    action: reset
  condition: s
level: low
---
title: Several resets
name: several_resets
id: 0f0c6c1e-6f0b-4a56-9d35-0d3f9a1f4b03
correlation:
  type: event_count
  rules: [reset]
  group-by: [actor.id]
  timespan: 4s
  condition:
    gte: 4
level: high
---
title: Reset, then export
name: reset_then_export
id: 0f0c6c1e-6f0b-4a56-9d35-0d3f9a1f4b04
correlation:
  type: temporal_ordered
  rules: [reset, export]
  group-by: [actor.id]
  timespan: 2s
level: high
---
title: Several export one
name: several_export_one
id: 0f0c6c1e-6f0b-4a56-9d35-0d3f9a1f4b06
correlation:
  type: value_count
  rules: [export]
  group-by: [target.id]
  timespan: 3s
  condition: {field: actor.id, gte: 6}
level: high
---
title: One resets, another exports
name: relay
id: 0f0c6c1e-6f0b-4a56-9d35-0d3f9a1f4b07
correlation:
  type: temporal_ordered
  rules: [reset, export]
  group-by: [target.id]
  timespan: 1s
level: high
";

/// A folder with rules and a configuration, and topics of its own.
pub(crate) struct Stage {
    pub(crate) path: PathBuf,
    name: &'static str,
    brokers: String,
    /// All events so far, in order.
    lines: String,
    /// Of each partition.
    ends: BTreeMap<i32, i64>,
    bad: usize,
    events: usize,
    /// How often the set of rules was changed.
    changes: usize,
}

impl Stage {
    pub(crate) fn new(name: &'static str, cluster: &Cluster) -> Self {
        let path = std::env::temp_dir().join(format!("nightjar-kafka-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(path.join("rules")).unwrap();
        fs::write(path.join("rules/rules.yml"), RULES).unwrap();
        let topic = |it: &str| format!("{name}.{it}");
        cluster.create(&[
            (&topic("events"), PARTITIONS),
            (&topic("alerts"), 2),
            (&topic("dead"), 1),
            (&topic("shadow"), 1),
            (&topic("incidents"), 1),
            (&topic("digest"), 1),
            (&topic("exchange"), 3),
        ]);
        let (brokers, lines, ends) = (cluster.brokers.clone(), String::new(), BTreeMap::new());
        let stage = Self { path, name, brokers, lines, ends, bad: 0, events: 0, changes: 0 };
        fs::write(stage.path.join("nightjar.toml"), stage.configuration()).unwrap();
        stage
    }

    /// Small batches and short transactions: there is much that can be interrupted.
    fn configuration(&self) -> String {
        let Self { name, brokers, .. } = self;
        format!(
            r#"[kafka]
brokers = "{brokers}"
group_id = "{name}"
[kafka.transaction]
interval_ms = 10
timeout_ms = 2_000
[kafka.properties]
"session.timeout.ms" = 2_000
"heartbeat.interval.ms" = 300
[[sources]]
topics = ["{name}.events"]
[output]
alerts = "{name}.alerts"
dead_letters = "{name}.dead"
shadow = "{name}.shadow"
[behaviour]
alerts_per_day = 5
learn_until = "2026-03-01T00:00:00Z"
incidents = "{name}.incidents"
digest = "{name}.digest"
[exchange]
topic = "{name}.exchange"
idle_ms = 10_000
[checkpoints]
store = "state"
interval_ms = 40
[limits]
batch_messages_max = 25
[http]
listen = "127.0.0.1:0"
[log]
format = "json"
"#
        )
    }

    /// Writes so many more events: one in ten is an alert, one in a hundred no event at all.
    pub(crate) fn write(&mut self, count: usize) {
        let mut all = Vec::with_capacity(count);
        for number in self.events..self.events + count {
            let actor = number % 97;
            // Four seconds with resets, four without.
            let has_resets = number / 4_000 % 2 == 0;
            let action = match number % 10 {
                3 => "export",
                5 if has_resets => "reset",
                _ => "view",
            };
            let event = if number % 100 == 77 {
                self.bad += 1;
                format!("{{oops {number}")
            } else {
                let (minute, second, ms) = (number / 60_000 % 60, number / 1_000 % 60, number % 1_000);
                let time = format!("2026-03-02T10:{minute:02}:{second:02}.{ms:03}Z");
                format!(
                    r#"{{"time":"{time}","id":"e-{number}","actor":{{"id":"u{actor}"}},"action":"{action}","target":{{"id":"t{}"}}}}"#,
                    number / 10 % 41
                )
            };
            all.push((i32::try_from(actor).unwrap() % PARTITIONS, event));
        }
        self.write_all(&all);
    }

    /// Writes events, each to a partition, in the order of their times.
    pub(crate) fn write_all(&mut self, events: &[(i32, String)]) {
        let producer: ThreadedProducer<_> = ClientConfig::new().set("bootstrap.servers", &self.brokers).create().unwrap();
        let topic = format!("{}.events", self.name);
        for (partition, event) in events {
            let record = BaseRecord::to(&topic).partition(*partition).key(&[0_u8][..]).payload(event.as_str());
            producer.send(record).map_err(|it| it.0).unwrap();
            *self.ends.entry(*partition).or_default() += 1;
            writeln!(self.lines, "{event}").unwrap();
        }
        self.events += events.len();
        producer.flush(PATIENCE).unwrap();
    }

    /// Puts another rule before the others, or takes it away: alerts stay as they are, but for the hash of the set.
    pub(crate) fn change_rules(&mut self) {
        let file = self.path.join("rules/another.yml");
        self.changes += 1;
        if self.changes.is_multiple_of(2) {
            fs::remove_file(file).unwrap();
        } else {
            let rule = "logsource: {product: nightjar}\ndetection: {s: {action: sleep}, condition: s}\nlevel: low\n";
            fs::write(file, format!("title: Another {}\nname: another\n{rule}", self.changes)).unwrap();
        }
    }

    pub(crate) fn start(&self, environment: &[(&str, &str)]) -> Instance {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nightjar"));
        command.current_dir(&self.path).arg("run").envs(environment.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (tell, log) = channel();
        let mut kept = kept_log(environment, child.id());
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(kept) = &mut kept {
                    writeln!(kept, "{line}").unwrap();
                }
                // Nobody listens any more to one that was killed.
                let _ = serde_json::from_str(&line).map(|it: Json| tell.send(it));
            }
        });
        Instance { child: Some(child), log }
    }

    /// Runs to the end, which has to come with `code`, and gives what was said on stderr.
    #[track_caller]
    pub(crate) fn ends(&self, environment: &[(&str, &str)], code: i32) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nightjar"));
        command.current_dir(&self.path).arg("run").envs(environment.iter().copied()).env("NIGHTJAR_LOG__FORMAT", "text");
        let Output { status, stderr, .. } = command.output().unwrap();
        let told = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(code), "{told}");
        told
    }

    /// Waits until everything that was written is committed, while `instances` live.
    pub(crate) fn await_committed(&self, instances: &[&Instance]) {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.brokers).set("group.id", self.name).set("isolation.level", "read_committed");
        let consumer: BaseConsumer = client.create().unwrap();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut asked = TopicPartitionList::new();
            asked.add_partition_range(&format!("{}.events", self.name), 0, PARTITIONS - 1);
            let answer = consumer.committed_offsets(asked, Duration::from_secs(5));
            let answer = answer.map(|it| it.elements().iter().map(|it| (it.partition(), it.offset())).collect::<Vec<_>>());
            let expected = self.ends.iter().map(|(partition, end)| (*partition, Offset::Offset(*end))).collect::<Vec<_>>();
            if answer.as_ref().is_ok_and(|it| *it == expected) {
                return;
            }
            assert!(Instant::now() < deadline, "not committed: {answer:?} instead of {expected:?}");
            // What they say is read, so that they can go on, and it is a while that passes.
            instances.iter().for_each(|it| it.listen(Duration::from_millis(50)));
        }
    }

    /// What readers of committed records see.
    pub(crate) fn read(&self, topic: &str) -> Vec<TailMessage> {
        let config = KafkaConfig { brokers: self.brokers.clone(), ..KafkaConfig::default() };
        let reader = TailReader::to_end(&config, &format!("{}.{topic}", self.name)).unwrap();
        let mut messages = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        while !reader.has_been_at_end() {
            assert!(Instant::now() < deadline, "the end of {topic} is not reached");
            messages.extend(reader.next(Duration::from_millis(100)).unwrap());
        }
        messages
    }

    /// The source has this mapping from now on.
    pub(crate) fn map(&self, mapping: &str) {
        fs::write(self.path.join("mapping.toml"), mapping).unwrap();
        let topics = format!("topics = [\"{}.events\"]", self.name);
        let configuration = self.configuration().replace(&topics, &format!("{topics}\nmapping = \"mapping.toml\""));
        fs::write(self.path.join("nightjar.toml"), configuration).unwrap();
    }

    /// What `score` makes of the events: alerts and incidents, each sorted. As for `run`, the end of the events is not that of the day.
    pub(crate) fn scored(&self) -> [Vec<String>; 2] {
        fs::write(self.path.join("events.ndjson"), &self.lines).unwrap();
        drop(fs::remove_dir_all(self.path.join("scored")));
        let mut command = Command::new(env!("CARGO_BIN_EXE_nightjar"));
        command.current_dir(&self.path).args(["score", "events.ndjson", "--rules", "rules", "--alerts", "alerts.ndjson"]);
        command.args([
            "--alerts-per-day",
            "5",
            "--learn-until",
            "2026-03-01",
            "--incidents",
            "incidents.ndjson",
            "--state",
            "scored",
        ]);
        if self.path.join("mapping.toml").exists() {
            command.args(["--source", "mapping.toml"]);
        }
        let scored = command.output().unwrap();
        assert!(scored.status.success(), "{}", String::from_utf8_lossy(&scored.stderr));
        ["alerts.ndjson", "incidents.ndjson"].map(|it| {
            let text = fs::read_to_string(self.path.join(it)).unwrap();
            let mut expected: Vec<String> = text.lines().map(str::to_owned).collect();
            expected.sort_unstable();
            expected
        })
    }

    /// Waits until there are as many alerts and incidents as there should be, while `instances` live: what several partitions have to do with
    /// takes a way of its own, and is told when all of them have come so far, or have nothing more.
    pub(crate) fn await_alerts(&self, instances: &[&Instance]) {
        let ([alerts, incidents], deadline) = (self.scored(), Instant::now() + SETTLE);
        let is_there = || self.read("alerts").len() >= alerts.len() && self.read("incidents").len() >= incidents.len();
        while !is_there() && Instant::now() < deadline {
            instances.iter().for_each(|it| it.listen(Duration::from_millis(200)));
        }
        // What should not come would come now.
        instances.iter().for_each(|it| it.listen(Duration::from_millis(500)));
    }

    /// The topics of alerts and incidents are what `score` makes of the same events, byte for byte, save for the hash of the set of rules where
    /// that was changed; and every line that is no event has one dead letter.
    #[track_caller]
    pub(crate) fn check(&self, about: &str) {
        let [mut expected, scored] = self.scored();
        let text = |it: TailMessage| String::from_utf8(it.value).unwrap();
        let mut alerts: Vec<String> = self.read("alerts").into_iter().map(text).collect();
        let mut sets = BTreeSet::new();
        if self.changes > 0 {
            sets.extend(alerts.iter_mut().map(without_set));
            expected.iter_mut().for_each(|it| drop(without_set(it)));
            expected.sort_unstable();
        }
        alerts.sort_unstable();
        assert!(sets.len() <= self.changes + 1 && (self.changes < 8 || sets.len() > 2), "{about}: {} sets of rules", sets.len());
        let correlated = expected.iter().filter(|it| it.contains("several_resets")).count();
        assert!(correlated >= 90 || self.events < 5_000, "{about}: only {correlated} correlations");
        let exchanged = expected.iter().filter(|it| it.contains("several_export_one") || it.contains("relay")).count();
        assert!(exchanged >= 90 || self.events < 5_000, "{about}: only {exchanged} alerts over several partitions");
        let (wanted, got) = (expected.len(), alerts.len());
        let first = expected.iter().zip(&alerts).find(|(one, other)| one != other);
        assert!(wanted == got && first.is_none(), "{about}: {got} alerts instead of {wanted}; the first that differs: {first:?}");
        let mut incidents: Vec<String> = self.read("incidents").into_iter().map(text).collect();
        incidents.sort_unstable();
        let only = |these: &[String], those: &[String]| these.iter().find(|it| !those.contains(it)).cloned();
        let differ = (only(&scored, &incidents), only(&incidents, &scored));
        assert!(incidents == scored, "{about}: {} records of incidents instead of {}: {differ:#?}", incidents.len(), scored.len());
        let has_owners = scored.iter().filter(|it| it.contains("several_export_one") && it.contains("\"relay\"")).count();
        assert!(has_owners > 20 || self.events < 5_000, "{about}: only {has_owners} incidents over several partitions");
        assert!(wanted * 12 > self.events, "{about}: {wanted} alerts of {} events", self.events);
        let place = |it: TailMessage| {
            let letter: Json = serde_json::from_slice(&it.value).unwrap();
            (letter["partition"].as_i64(), letter["position"]["offset"].as_i64())
        };
        let mut letters: Vec<_> = self.read("dead").into_iter().map(place).collect();
        let all = letters.len();
        letters.sort_unstable();
        letters.dedup();
        assert_eq!((all, letters.len()), (self.bad, self.bad), "{about}: dead letters");
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.path));
    }
}

/// With `NIGHTJAR_LOGS=DIR`, a file there for what an instance says.
fn kept_log(environment: &[(&str, &str)], id: u32) -> Option<fs::File> {
    let folder = PathBuf::from(std::env::var_os("NIGHTJAR_LOGS")?);
    let name = environment.first().map_or("unnamed", |it| it.1);
    Some(fs::File::create(folder.join(format!("{name}-{id}.log"))).unwrap())
}

/// Cuts the hash of the set of rules out of an alert, and gives it.
fn without_set(alert: &mut String) -> String {
    let key = "\"rule_set\":\"";
    let begin = alert.find(key).expect("an alert names the set of rules") + key.len();
    let end = begin + alert[begin..].find('"').expect("a text ends");
    let set = alert[begin..end].to_owned();
    alert.replace_range(begin..end, "");
    set
}

/// A process; it is killed when it goes out of scope.
pub(crate) struct Instance {
    child: Option<Child>,
    log: Receiver<Json>,
}

impl Instance {
    /// Reads its log until a message begins so.
    #[track_caller]
    pub(crate) fn logged(&self, message: &str) -> Json {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let line = self.log.recv_timeout(deadline.saturating_duration_since(Instant::now()));
            let line = line.unwrap_or_else(|_| panic!("`{message}` was not logged"));
            if line["message"].as_str().is_some_and(|it| it.starts_with(message)) {
                return line;
            }
        }
    }

    /// Reads its log for so long.
    pub(crate) fn listen(&self, time: Duration) {
        let until = Instant::now() + time;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            if self.log.recv_timeout(left).is_err() && self.log.try_recv().is_err() {
                std::thread::park_timeout(until.saturating_duration_since(Instant::now()));
            }
        }
    }

    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    pub(crate) fn kill(mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Ends it in order.
    #[track_caller]
    pub(crate) fn stop(mut self) {
        self.signal("-TERM");
        assert_eq!(self.child.take().unwrap().wait().unwrap().code(), Some(0));
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}
