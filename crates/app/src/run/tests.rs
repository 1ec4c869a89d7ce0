//! The whole pipeline between real topics of the embedded Kafka, against the engine called directly.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use engine::behaviour::Hours;
use engine::decode::{Lines, pad};
use engine::shard::{Place, line_of};
use engine::{Behaviour, BehaviourSettings, Lane, Outbox, Plausible, Reader, Rulebook, Shard, Watermark};
use sigma::matcher::Clock;
use sim::{CompanyConfig, Scenario, Simulation};
use stream::kafka::{BatchLimits, EmbeddedKafka, KafkaHandle, Observation, Observer, PacedProducer, Pacing, Progress, TailReader};

use super::*;
use crate::config::{Limits, Source};
use crate::load;

const EVENTS: &str = "audit-events";
const PATIENCE: Duration = Duration::from_mins(1);

/// A small company on the day of the attack.
struct Story {
    /// Key and value of each message.
    messages: Vec<(String, Vec<u8>)>,
    intrusion: HashSet<String>,
    book: Arc<Rulebook>,
    sources: Arc<Sources>,
}

fn story() -> Story {
    let config = CompanyConfig { people: 40, days: 1, attack_day: 0, ..CompanyConfig::default() };
    let mut simulation = Simulation::new(&config, Scenario::Twitter2020);
    let sources = Arc::new(Sources::from_config(&[source()]).unwrap());
    let lists = simulation.company().context_files().into_iter();
    let lists = lists.map(|(file, text)| (file.trim_end_matches(".txt").to_owned(), text.lines().map(str::to_owned).collect()));
    let rules = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules"));
    let rules = load::rules_with(&[rules], None, &lists.collect::<Vec<_>>(), sources.mappings(), load::Watch::IfRulesRead).unwrap();
    let (mut messages, mut intrusion, mut line) = (Vec::new(), HashSet::new(), Vec::new());
    while let Some(event) = simulation.next_into(&mut line) {
        if event.label.is_some_and(sim::AttackLabel::is_intrusion) {
            intrusion.insert(event.id.to_string());
        }
        messages.push((event.actor_key.to_owned(), line.clone()));
    }
    Story { messages, intrusion, book: Arc::new(rules.book), sources }
}

/// A running pipeline over `partitions` partitions, and a producer into them.
struct Stage {
    kafka: EmbeddedKafka,
    partitions: usize,
    progress: Arc<Progress>,
}

impl Stage {
    fn new(partitions: i32) -> Self {
        let topics = [
            (EVENTS, partitions),
            ("nightjar.alerts", 2),
            ("nightjar.shadow", 1),
            ("nightjar.dead-letters", 1),
            ("nightjar.exchange", 2),
        ];
        let kafka = EmbeddedKafka::start(&topics).unwrap();
        let partitions = usize::try_from(partitions).unwrap();
        Self { kafka, partitions, progress: Arc::new(Progress::new(partitions)) }
    }

    fn config(&self) -> KafkaConfig {
        let batch = BatchLimits { messages_max: 200, ..BatchLimits::default() };
        KafkaConfig { batch, commit_interval_ms: 50, startup_timeout_ms: 10_000, ..self.kafka.config() }
    }

    fn start(&self, book: &Arc<Rulebook>, sources: Arc<Sources>, limits: Limits) -> (KafkaHandle, Arc<Metrics>, Arc<Health>) {
        self.start_keeping(book, sources, limits, None)
    }

    /// The same with checkpoints in a folder, after as many batches as can be.
    fn start_keeping(
        &self,
        book: &Arc<Rulebook>,
        sources: Arc<Sources>,
        limits: Limits,
        folder: Option<&std::path::Path>,
    ) -> (KafkaHandle, Arc<Metrics>, Arc<Health>) {
        let (metrics, health) = (Arc::new(Metrics::new()), Arc::new(Health::default()));
        let checkpoints =
            folder.map(|it| Checkpoints::start(it.to_str().unwrap(), "g", Duration::ZERO, Arc::clone(&metrics)).unwrap());
        let mut kafka = self.config();
        kafka.exchange_topic = "nightjar.exchange".to_owned();
        kafka.statistics_interval_ms = 50;
        kafka.batch.message_bytes_max = limits.line_bytes_max;
        let live = LiveRules::new(Rulebook::clone(book), limits.windows(), &metrics);
        let idle_after = Duration::from_secs(1);
        let setup =
            Setup { kafka, sources, live, triage: None, desk: None, pulses: Arc::default(), idle_after, checkpoints, limits };
        let progress = Arc::clone(&self.progress);
        let also: Observer = Arc::new(move |it| {
            if let Observation::Handled { partition, end_offset, .. } = it
                && *partition.topic == *EVENTS
            {
                progress.advance(partition.partition, end_offset);
            }
        });
        let handle = pipeline::start(setup, Arc::clone(&metrics), Arc::clone(&health), Some(also)).unwrap();
        (handle, metrics, health)
    }

    /// Waits until everything before `ends` was handled, and all that followed from it.
    fn settle(&self, ends: &[i64], metrics: &Metrics) {
        assert!(self.progress.wait_for(ends, PATIENCE));
        let until = std::time::Instant::now() + PATIENCE;
        while !metrics.exchange.is_settled(self.partitions) {
            assert!(std::time::Instant::now() < until, "what partitions exchange is not settled");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Writes messages, and gives the ends of the partitions.
    fn produce(producer: &mut PacedProducer, messages: &[(String, Vec<u8>)]) -> Vec<i64> {
        for (key, value) in messages {
            assert!(producer.send(key.as_bytes(), value, None, PATIENCE).unwrap(), "the pipeline does not get on");
        }
        producer.flush(PATIENCE).unwrap();
        producer.ends()
    }

    fn producer(&self) -> PacedProducer {
        PacedProducer::new(&self.config(), EVENTS, self.partitions, Pacing::default(), Arc::clone(&self.progress)).unwrap()
    }

    /// Everything that a topic has.
    fn read_all(&self, topic: &str) -> Vec<stream::kafka::TailMessage> {
        let reader = TailReader::to_end(&self.config(), topic).unwrap();
        let mut all = Vec::new();
        while !reader.has_been_at_end() {
            all.extend(reader.next(PATIENCE).unwrap());
        }
        all
    }

    fn read(&self, topic: &str, count: u64) -> Vec<stream::kafka::TailMessage> {
        let reader = TailReader::from_earliest(&self.config(), topic).unwrap();
        reader.read(usize::try_from(count).unwrap(), PATIENCE).unwrap()
    }
}

/// What the engine makes of each partition, called directly: the alerts that need no other partition, sorted.
fn expected(book: &Rulebook, partitions: &BTreeMap<i32, Vec<u8>>) -> Vec<Vec<u8>> {
    let mut alerts = Vec::new();
    for lines in partitions.values() {
        let program = &book.programs[0];
        let mut reader = Reader::new(Arc::clone(program), engine::decode::Limits::default(), Plausible::until(clock::now()));
        let mut lane = Lane::new(book, 0, Clock::default());
        let (mut shard, mut watermark) = (Shard::new(program, Limits::default().windows()), Watermark::default());
        if book.watches(0) {
            shard.watch(Behaviour::new(&BehaviourSettings::default(), 1));
        }
        let mut hours = Hours::default();
        let (mut padded, mut out) = (lines.clone(), Outbox::default());
        let payload = pad(&mut padded);
        let (mut lines, mut values) = (Lines::new(&padded, payload).unwrap(), Vec::new());
        while let Some(record) = reader.next(&mut lines, &mut values) {
            let head = record.outcome.unwrap();
            let (before, settled) = (watermark.reached(), watermark.time());
            let is_late = watermark.observe(head.time);
            if watermark.reached() > before && hours.pass(watermark.reached()) {
                engine::behaviour::refresh(shard.behaviour_mut(), watermark.reached());
            }
            let at = Place { position: record.number as u64, watermark: settled, reached: watermark.reached(), is_late };
            shard.score(&mut lane, (&head, line_of(&head)), &values, at, &mut out);
            values.clear();
        }
        alerts.extend(out.alerts.iter().map(|it| {
            let mut json = Vec::new();
            it.alert.write_ocsf(&mut json);
            json
        }));
    }
    alerts.sort();
    alerts
}

/// Rules whose windows several partitions share, and those that are decided where a target's past is kept.
fn shared_rules(book: &Rulebook) -> HashSet<&str> {
    let program = &book.programs[0];
    let plans = program.plans.iter().zip(&book.set.correlations);
    let windows = plans.filter(|(plan, _)| !plan.is_local).map(|(_, it)| it.info.name.as_str());
    let decided = program.deferred.iter().zip(&book.set.rules).filter(|(it, _)| **it).map(|(_, it)| it.info.name.as_str());
    windows.chain(decided).collect()
}

fn rule_of(alert: &serde_json::Value) -> &str {
    alert.pointer("/finding_info/analytic/name").unwrap().as_str().unwrap()
}

#[test]
fn the_alerts_topic_has_what_the_engine_says_and_the_attack_is_among_it() {
    let story = story();
    let (stage, messages) = (Stage::new(3), &story.messages);
    let (handle, metrics, health) = stage.start(&story.book, Arc::clone(&story.sources), Limits::default());
    health.loaded();
    let ends = Stage::produce(&mut stage.producer(), messages);
    stage.settle(&ends, &metrics);
    assert_eq!(health.ready(), Ok(()));
    handle.stop();
    let done = handle.join().unwrap();
    // Those of the exchange topic as well.
    assert!(done.messages > messages.len() as u64);
    let counts = metrics.input.source("native").counts();
    assert_eq!((counts.scored, counts.late, counts.duplicates, counts.bad), (messages.len() as u64, 0, 0, 0));

    let mut partitions: BTreeMap<i32, Vec<u8>> = BTreeMap::new();
    for message in stage.read(EVENTS, messages.len() as u64) {
        let lines = partitions.entry(message.partition).or_default();
        lines.extend(message.value);
        lines.push(b'\n');
    }
    let mut read = stage.read_all("nightjar.alerts");
    assert_eq!(read.len() as u64, metrics.output.alerts_delivered());
    read.extend(stage.read_all("nightjar.shadow"));
    let letters = stage.read_all("nightjar.dead-letters");
    assert!(letters.is_empty(), "{}", String::from_utf8_lossy(&letters[0].value));
    assert_eq!((read.len() + stage.read_all("nightjar.exchange").len()) as u64, done.records);
    let alerts: Vec<serde_json::Value> = read.iter().map(|it| serde_json::from_slice(&it.value).unwrap()).collect();
    for (alert, message) in alerts.iter().zip(&read) {
        assert_eq!(alert["is_alert"], alert.pointer("/metadata/labels").is_none());
        assert_eq!(alert.pointer("/finding_info/uid").unwrap().as_str().unwrap().as_bytes(), message.key);
    }
    let shared = shared_rules(&story.book);
    let is_local = |it: &(&serde_json::Value, &stream::kafka::TailMessage)| !shared.contains(rule_of(it.0));
    let mut local: Vec<Vec<u8>> = alerts.iter().zip(&read).filter(is_local).map(|it| it.1.value.clone()).collect();
    local.sort();
    assert_eq!(partitions.len(), 3);
    assert!(local == expected(&story.book, &partitions), "pipeline and engine do not agree");
    assert!(alerts.iter().any(|it| shared.contains(rule_of(it))), "no alert over several partitions");
    let has_intrusion = |it: &serde_json::Value| story.intrusion.iter().any(|id| it.to_string().contains(id.as_str()));
    assert!(alerts.iter().any(|it| rule_of(it) == "takeover_chain" && has_intrusion(it)));
}

#[test]
fn a_pipeline_that_is_stopped_drains_and_the_next_one_goes_on_where_it_ended() {
    let story = story();
    let (stage, messages) = (Stage::new(2), &story.messages[..4_000]);
    let mut producer = stage.producer();
    let (first, of_first, _) = stage.start(&story.book, Arc::clone(&story.sources), Limits::default());
    let ends = Stage::produce(&mut producer, &messages[..2_000]);
    // Somewhere in the middle.
    assert!(stage.progress.wait_for(&[1, 1], PATIENCE));
    first.stop();
    first.join().unwrap();
    let all = Stage::produce(&mut producer, &messages[2_000..]);
    let (second, of_second, _) = stage.start(&story.book, Arc::clone(&story.sources), Limits::default());
    assert!(stage.progress.wait_for(&all, PATIENCE));
    second.stop();
    second.join().unwrap();
    let [first, second] = [of_first, of_second].map(|it| it.input.source("native").counts().scored);
    assert!(first > 0 && ends.iter().sum::<i64>() == 2_000);
    assert_eq!(first + second, messages.len() as u64, "{first} and {second}");
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// Partitions are given up in order between the legs; then checkpoints go missing, as if the process had been killed before it wrote
/// them, or are damaged.
#[test]
fn what_was_learnt_outlives_the_process_whatever_checkpoint_is_left_and_alerts_come_once() {
    const LEGS: usize = 4;
    let story = story();
    let (stage, messages) = (Stage::new(3), &story.messages);
    let folder = std::env::temp_dir().join(format!("nightjar-run-checkpoints-{}", std::process::id()));
    let files = |partition: usize| {
        let dir = folder.join(format!("g/{EVENTS}/{partition}"));
        let mut files: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|it| it.unwrap().path()).collect();
        files.sort();
        files
    };
    let mut producer = stage.producer();
    let (mut scored, mut records, mut replayed, mut passed_over) = (0, 0, 0.0, 0.0);
    for (leg, messages) in messages.chunks(messages.len().div_ceil(LEGS)).enumerate() {
        let (handle, metrics, _) = stage.start_keeping(&story.book, Arc::clone(&story.sources), Limits::default(), Some(&folder));
        let ends = Stage::produce(&mut producer, messages);
        assert!(stage.progress.wait_for(&ends, PATIENCE));
        handle.stop();
        handle.join().unwrap();
        records += metrics.output.found_delivered();
        scored += metrics.input.source("native").counts().scored;
        let figure = |name: &str| {
            let text = metrics.to_text();
            text.lines().filter_map(|it| it.strip_prefix(name)).map(|it| it.trim().parse::<f64>().unwrap()).sum::<f64>()
        };
        replayed += figure("nightjar_replayed_events_total ");
        passed_over += figure("nightjar_resumed_total{state=\"passed_over\"} ");
        assert!(leg == 0 || figure("nightjar_resumed_total{state=\"kept\"} ") > 2.0, "leg {leg}");
        for partition in 0..3 {
            let folder = folder.join(format!("g/{EVENTS}/{partition}"));
            let after_first = std::env::temp_dir().join(format!("nightjar-run-first-{}-{partition}", std::process::id()));
            match leg {
                0 => copy(&folder, &after_first),
                // As if the second leg had been killed before it wrote any.
                1 => {
                    std::fs::remove_dir_all(&folder).unwrap();
                    copy(&after_first, &folder);
                    std::fs::remove_dir_all(&after_first).unwrap();
                }
                2 => {
                    let newest = files(partition).pop().unwrap();
                    std::fs::write(&newest, &std::fs::read(&newest).unwrap()[..900]).unwrap();
                }
                _ => {}
            }
        }
    }
    assert_eq!(scored, messages.len() as u64, "each event counts once, however often it was read");
    let second_leg = messages.len().div_ceil(LEGS).to_string().parse::<f64>().unwrap();
    assert!(replayed >= second_leg && passed_over > 2.0, "{replayed} replayed, {passed_over} passed over");
    let mut partitions: BTreeMap<i32, Vec<u8>> = BTreeMap::new();
    for message in stage.read(EVENTS, messages.len() as u64) {
        let lines = partitions.entry(message.partition).or_default();
        lines.extend(message.value);
        lines.push(b'\n');
    }
    let shared = shared_rules(&story.book);
    let of = |topic| stage.read_all(topic).into_iter().map(|it| it.value);
    let alerts: Vec<Vec<u8>> = of("nightjar.alerts").chain(of("nightjar.shadow")).collect();
    assert_eq!(alerts.len() as u64, records);
    let is_local = |it: &Vec<u8>| !shared.contains(rule_of(&serde_json::from_slice(it).unwrap()));
    let mut local: Vec<Vec<u8>> = alerts.into_iter().filter(is_local).collect();
    local.sort();
    let expected = expected(&story.book, &partitions);
    assert_eq!(local.len(), expected.len());
    assert!(local == expected, "the alerts are not those of one uninterrupted run");
    std::fs::remove_dir_all(folder).unwrap();
}

/// With one partition the order of hits is given, so that shared windows, too, have to be what they would have been.
#[test]
fn what_partitions_share_outlives_the_process() {
    let story = story();
    let messages = &story.messages;
    let run = |legs: usize, folder: Option<&std::path::Path>| {
        let stage = Stage::new(1);
        let mut producer = stage.producer();
        for (leg, messages) in messages.chunks(messages.len().div_ceil(legs)).enumerate() {
            let (handle, metrics, _) = stage.start_keeping(&story.book, Arc::clone(&story.sources), Limits::default(), folder);
            let ends = Stage::produce(&mut producer, messages);
            if leg + 1 == legs {
                stage.settle(&ends, &metrics);
            }
            assert!(stage.progress.wait_for(&ends, PATIENCE));
            handle.stop();
            handle.join().unwrap();
        }
        let of = |topic| stage.read_all(topic).into_iter().map(|it| String::from_utf8(it.value).unwrap());
        let mut alerts: Vec<String> = of("nightjar.alerts").chain(of("nightjar.shadow")).collect();
        alerts.sort();
        alerts
    };
    let folder = std::env::temp_dir().join(format!("nightjar-run-shared-{}", std::process::id()));
    let (parts, whole) = (run(4, Some(&folder)), run(1, None));
    let shared = shared_rules(&story.book);
    assert!(whole.iter().any(|it| shared.contains(rule_of(&serde_json::from_str(it).unwrap()))));
    let only = |these: &[String], those: &[String]| these.iter().filter(|it| !those.contains(it)).cloned().collect::<Vec<_>>();
    let (more, less) = (only(&parts, &whole), only(&whole, &parts));
    let twice = parts.windows(2).filter(|it| it[0] == it[1]).count();
    assert!(parts == whole, "{} more, {} less, {twice} twice: {:?} {:?}", more.len(), less.len(), more.first(), less.first());
    std::fs::remove_dir_all(folder).unwrap();
}

fn source() -> Source {
    Source { topics: vec![EVENTS.to_owned()], ..Source::default() }
}

#[test]
fn every_message_that_is_no_event_is_a_dead_letter_with_its_place() {
    let story = story();
    let stage = Stage::new(1);
    let limits = Limits { line_bytes_max: 2_000, ..Limits::default() };
    let (handle, metrics, _) = stage.start(&story.book, Arc::clone(&story.sources), limits);
    let good = &story.messages[0].1;
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(2_000));
    let values: [&[u8]; 7] = [
        good,
        b"",
        b"{",
        long.as_bytes(),
        b"   ",
        b"{\"time\":\"2090-01-01T00:00:00Z\",\"actor\":{\"id\":\"u\"},\"action\":\"a\"}",
        good,
    ];
    let messages: Vec<_> = values.iter().map(|it| ("k".to_owned(), it.to_vec())).collect();
    let ends = Stage::produce(&mut stage.producer(), &messages);
    assert!(stage.progress.wait_for(&ends, PATIENCE));
    handle.stop();
    handle.join().unwrap();
    let counts = metrics.input.source("native").counts();
    assert_eq!((counts.scored, counts.duplicates, counts.bad), (1, 1, 5));
    let text = metrics.to_text();
    for figure in ["nightjar_messages_total{source=\"native\"} 7", "nightjar_events_unaccounted_total{source=\"native\"} 0"] {
        assert!(text.contains(figure), "{figure} is not in {text}");
    }
    let letters = stage.read_all("nightjar.dead-letters");
    let letters: Vec<serde_json::Value> = letters.iter().map(|it| serde_json::from_slice(&it.value).unwrap()).collect();
    let places: Vec<_> =
        letters.iter().map(|it| (it["position"]["offset"].as_u64().unwrap(), it["code"].as_str().unwrap())).collect();
    assert_eq!(places, [(1, "not_json"), (2, "not_json"), (3, "too_long"), (4, "not_json"), (5, "time_out_of_range")]);
    assert!(letters.iter().all(|it| it["source"] == EVENTS && it["partition"] == 0));
}

/// Where the folder of the group would have to be, there is a file.
#[test]
fn scoring_goes_on_while_no_checkpoint_can_be_written() {
    let story = story();
    let (stage, messages) = (Stage::new(2), &story.messages[..2_000]);
    let folder = std::env::temp_dir().join(format!("nightjar-run-unwritable-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("g"), b"in the way").unwrap();
    let (handle, metrics, _) = stage.start_keeping(&story.book, story.sources, Limits::default(), Some(&folder));
    let ends = Stage::produce(&mut stage.producer(), messages);
    assert!(stage.progress.wait_for(&ends, PATIENCE));
    handle.stop();
    handle.join().unwrap();
    assert_eq!(metrics.input.source("native").counts().scored, 2_000);
    let text = metrics.to_text();
    let failed = text.lines().find_map(|it| it.strip_prefix("nightjar_checkpoints_total{outcome=\"failed\"} ")).unwrap();
    assert!(failed.parse::<f64>().unwrap() >= 2.0, "{failed}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_topic_that_does_not_exist_is_named() {
    let stage = Stage::new(1);
    let kafka = KafkaConfig { alerts_topic: "elsewhere".to_owned(), ..stage.config() };
    let error = check_outputs(&kafka).unwrap_err();
    assert!(error.to_string().contains("elsewhere"), "{error}");
    assert!(!error.is::<Usage>());
}

#[test]
fn a_broker_that_does_not_answer_is_named() {
    let kafka = KafkaConfig { brokers: "127.0.0.1:1".to_owned(), startup_timeout_ms: 200, ..KafkaConfig::default() };
    let error = check_outputs(&kafka).unwrap_err();
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
}

#[test]
fn topics_belong_to_sources_by_name_before_pattern_and_equal_mappings_share_a_program() {
    let of = |topics: &[&str], mapping: &str, timezone: &str| Source {
        topics: topics.iter().map(|it| (*it).to_owned()).collect(),
        mapping: mapping.to_owned(),
        timezone: timezone.to_owned(),
        ..Source::default()
    };
    let sources = [of(&["^audit-.*"], "native", "UTC"), of(&["audit-okta"], "okta", "UTC"), of(&["eu"], "native", "Europe/Dublin")];
    let sources = Sources::from_config(&sources).unwrap();
    let program = |topic| sources.of_topic(topic).map(|it| it.program);
    assert_eq!(sources.mappings().len(), 2);
    assert_eq!(["audit-x", "audit-okta", "eu", "other"].map(program), [Some(0), Some(1), Some(0), None]);
    for (source, expected) in [
        (of(&["a"], "nativ", "UTC"), "nativ"),
        (of(&["a"], "native", "Mars/Olympus"), "Mars/Olympus"),
        (of(&["^("], "native", "UTC"), "no regular expression"),
    ] {
        let error = Sources::from_config(&[source]).unwrap_err();
        assert!(error.downcast_ref::<Usage>().is_some());
        assert!(format!("{error:#}").contains(expected), "{error:#}");
    }
}

#[test]
fn a_source_says_which_log_sources_its_events_are() {
    let text = "[[sources]]\nmapping = \"raw\"\nlogsource = { product = \"windows\" }\n\
                logsources = [{ product = \"windows\", category = \"process_creation\", when = { EventID = [1, 4688] } }]\n";
    let config = Config::parse("nightjar.toml", text, Vec::new()).unwrap();
    let sources = Sources::from_config(&config.sources).unwrap();
    let mapping = &sources.mappings()[0];
    assert_eq!((mapping.logsource.product.as_deref(), mapping.logsources.len()), (Some("windows"), 1));
    let wrong = text.replace("EventID", "'EventID|x'");
    let error = Sources::from_config(&Config::parse("nightjar.toml", &wrong, Vec::new()).unwrap().sources).unwrap_err();
    assert!(error.to_string().contains("sources[0]: logsources[0].when"), "{error}");
}
