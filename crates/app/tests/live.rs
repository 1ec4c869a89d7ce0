//! The binary as a service: Kafka in, Kafka out, signals, probes; and the demo.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use stream::kafka::{EmbeddedKafka, PacedProducer, Pacing, Progress, TailReader};

/// Where `run` reads and writes by default.
const TOPICS: &[(&str, i32)] =
    &[("audit-events", 2), ("nightjar.alerts", 1), ("nightjar.shadow", 1), ("nightjar.dead-letters", 1), ("nightjar.exchange", 1)];
const PATIENCE: Duration = Duration::from_mins(1);
const PACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules");
const RULE: &str = "\
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
";

/// Transactions are for real brokers: see `tests/kafka`.
const MOCK_DELIVERY: (&str, &str) = ("NIGHTJAR_KAFKA__DELIVERY", "at_least_once");

/// A fresh folder with a rule and a configuration in it; it goes when the test is over.
struct Place(PathBuf);

impl Place {
    fn new(name: &str, config: &str) -> Self {
        let path = std::env::temp_dir().join(format!("nightjar-live-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(path.join("rules")).unwrap();
        fs::write(path.join("rules/export.yml"), RULE).unwrap();
        fs::write(path.join("nightjar.toml"), config).unwrap();
        Self(path)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nightjar"));
        command.current_dir(&self.0).args(arguments).env_remove("NIGHTJAR_LOG__LEVEL").env(MOCK_DELIVERY.0, MOCK_DELIVERY.1);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs to the end, which has to come with `code`, and gives what was said on stderr.
    #[track_caller]
    fn ends(&self, arguments: &[&str], environment: &[(&str, &str)], code: i32) -> String {
        let Output { status, stderr, .. } = self.command(arguments).envs(environment.iter().copied()).output().unwrap();
        let told = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(code), "{told}");
        told
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Sends a signal, and gives the exit code.
fn signalled(mut child: Child, signal: &str) -> Option<i32> {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    child.wait().unwrap().code()
}

fn get_page(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[track_caller]
fn told(text: &str, expected: &str) {
    assert!(text.contains(expected), "no `{expected}` in: {text}");
}

#[test]
fn what_is_wrong_with_the_configuration_is_named() {
    told(&Place::new("missing", "").ends(&["run", "-c", "other.toml"], &[], 2), "other.toml");
    let place = Place::new("unknown", "[kafka]\ngruop_id = \"x\"\n");
    told(&place.ends(&["run"], &[], 2), "nightjar.toml:2:1: unknown key `gruop_id`");
    told(&place.ends(&["run"], &[], 2), "did you mean `group_id`?");
    let place = Place::new("environment", "");
    told(&place.ends(&["run"], &[("NIGHTJAR_LIMITS__LATENES_MS", "1")], 2), "did you mean `lateness_ms`?");
    told(&place.ends(&["run"], &[("NIGHTJAR_LOG__LEVEL", "=,=")], 2), "log.level");
    told(&place.ends(&["run"], &[("NIGHTJAR_SOURCES__0__MAPPING", "nativ")], 2), "native");
}

#[test]
fn a_run_without_a_usable_rule_does_not_start() {
    let place = Place::new("no-rules", "");
    told(&place.ends(&["run"], &[("NIGHTJAR_RULES__DIRECTORIES", "nowhere")], 2), "nowhere");
    fs::write(place.0.join("rules/export.yml"), "title: x\n").unwrap();
    told(&place.ends(&["run"], &[], 2), "export.yml:1");
}

#[test]
fn a_check_reads_configuration_and_rules_and_ends() {
    let place = Place::new("check", "");
    told(&place.ends(&["run", "--check"], &[], 0), "rules=1");
}

#[test]
fn a_check_finds_secrets_that_are_not_there() {
    let security = "[kafka.security]\nprotocol = \"sasl_plaintext\"\nsasl_mechanism = \"PLAIN\"\nusername = \"u\"\n";
    let place = Place::new("secret-env", &format!("{security}password_env = \"NIGHTJAR_TEST_PASSWORD\"\n"));
    told(&place.ends(&["run", "--check"], &[], 2), "NIGHTJAR_TEST_PASSWORD");
    place.ends(&["run", "--check"], &[("NIGHTJAR_TEST_PASSWORD", "x")], 0);
    let place = Place::new("secret-file", &format!("{security}password_file = \"nowhere/password\"\n"));
    told(&place.ends(&["run", "--check"], &[], 2), "nowhere/password");
}

#[test]
fn a_run_that_is_stopped_while_it_connects_ends_well() {
    let config = "[kafka]\nbrokers = \"127.0.0.1:1\"\nstartup_timeout_ms = 60000\n[http]\nlisten = \"127.0.0.1:0\"\n";
    let place = Place::new("connecting", config);
    let mut child = place.command(&["run"]).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(log.any(|it| it.contains("connecting")));
    assert_eq!(signalled(child, "-TERM"), Some(0));
    assert!(log.any(|it| it.contains("stopped before anything was read")));
}

#[test]
fn a_broker_that_does_not_answer_and_a_topic_that_is_not_there_are_named() {
    let place = Place::new(
        "unreachable",
        "[kafka]\nbrokers = \"127.0.0.1:1\"\nstartup_timeout_ms = 300\n[http]\nlisten = \"127.0.0.1:0\"\n",
    );
    told(&place.ends(&["run"], &[], 3), "127.0.0.1:1");
    let kafka = EmbeddedKafka::start(&TOPICS[1..]).unwrap();
    let brokers = [("NIGHTJAR_KAFKA__BROKERS", kafka.bootstrap_servers())];
    told(&place.ends(&["run"], &brokers, 3), "topic \"audit-events\" does not exist");
}

#[test]
fn a_run_turns_events_into_alerts_and_dead_letters_until_it_is_told_to_stop() {
    let kafka = EmbeddedKafka::start(TOPICS).unwrap();
    let place = Place::new("live", "[http]\nlisten = \"127.0.0.1:0\"\n[log]\nformat = \"json\"\n");
    let mut child = place.command(&["run"]).env("NIGHTJAR_KAFKA__BROKERS", kafka.bootstrap_servers()).spawn().unwrap();
    let mut log =
        BufReader::new(child.stderr.take().unwrap()).lines().map(|it| serde_json::from_str::<Json>(&it.unwrap()).unwrap());
    let serving = log.find(|it| it["message"].as_str().unwrap().starts_with("serving")).unwrap();
    let address = serving["address"].as_str().unwrap().to_owned();

    let config = kafka.config();
    let mut producer = PacedProducer::new(&config, "audit-events", 2, Pacing::default(), Arc::new(Progress::new(2))).unwrap();
    for number in 0..100 {
        let action = if number % 10 == 0 { "export" } else { "view" };
        let event = format!(
            r#"{{"time":"2026-03-02T10:00:{:02}Z","id":"e-{number}","actor":{{"id":"u{number}"}},"action":"{action}"}}"#,
            number % 60
        );
        assert!(producer.send(format!("u{number}").as_bytes(), event.as_bytes(), None, PATIENCE).unwrap());
    }
    assert!(producer.send(b"u1", b"{oops", None, PATIENCE).unwrap());
    producer.flush(PATIENCE).unwrap();

    let alerts = TailReader::from_earliest(&config, "nightjar.alerts").unwrap().read(10, PATIENCE).unwrap();
    let letters = TailReader::from_earliest(&config, "nightjar.dead-letters").unwrap().read(1, PATIENCE).unwrap();
    assert_eq!((alerts.len(), letters.len()), (10, 1));
    let letter: Json = serde_json::from_slice(&letters[0].value).unwrap();
    assert_eq!((&letter["code"], &letter["raw"]), (&Json::from("not_json"), &Json::from("{oops")));
    told(&get_page(&address, "/readyz"), "200 OK");
    told(&get_page(&address, "/healthz"), "200 OK");
    let metrics = get_page(&address, "/metrics");
    told(&metrics, "nightjar_alerts_total{level=\"high\",rule=\"export\"} 10");
    told(&metrics, "nightjar_events_total{outcome=\"scored\",source=\"native\"} 100");

    let rest = std::thread::spawn(move || log.collect::<Vec<_>>());
    assert_eq!(signalled(child, "-TERM"), Some(0));
    let rest = rest.join().unwrap();
    let last = rest.last().unwrap();
    let stopped = (&Json::from("stopped"), &Json::from(101), &Json::from(11));
    assert_eq!((&last["message"], &last["events"], &last["records"]), stopped, "{rest:#?}");
    let exchanged = last["exchanged"].as_u64().unwrap();
    assert!(exchanged >= 2, "{exchanged}: both partitions tell what they have had of the source");
}

/// A run that is watched through its log.
struct Run {
    child: Child,
    log: std::sync::mpsc::Receiver<Json>,
    address: String,
    kafka: EmbeddedKafka,
    producer: PacedProducer,
    events: u32,
}

impl Run {
    /// Starts with `rules/`, beside which the place may hold more.
    fn start(place: &Place, environment: &[(&str, &str)], before: impl FnOnce(&EmbeddedKafka)) -> Self {
        let kafka = EmbeddedKafka::start(&[TOPICS, &[("nightjar.exceptions", 1), ("nightjar.context", 1)]].concat()).unwrap();
        before(&kafka);
        let mut command = place.command(&["run"]);
        command.env("NIGHTJAR_KAFKA__BROKERS", kafka.bootstrap_servers()).envs(environment.iter().copied());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (tell, log) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            lines.map_while(Result::ok).filter_map(|it| serde_json::from_str(&it).ok()).try_for_each(|it| tell.send(it).ok())
        });
        let producer =
            PacedProducer::new(&kafka.config(), "audit-events", 2, Pacing::default(), Arc::new(Progress::new(2))).unwrap();
        let mut run = Self { child, log, address: String::new(), kafka, producer, events: 0 };
        let serving = run.logged("serving");
        run.address.push_str(serving["address"].as_str().unwrap());
        run
    }

    /// The next line of the log whose message begins so.
    #[track_caller]
    fn logged(&self, message: &str) -> Json {
        loop {
            let line = self.log.recv_timeout(PATIENCE).unwrap();
            if line["message"].as_str().is_some_and(|it| it.starts_with(message)) {
                return line;
            }
        }
    }

    /// An event a second after the one before.
    fn event(&mut self, actor: &str, action: &str) {
        let Self { events, producer, .. } = self;
        let event = format!(
            r#"{{"time":"2026-03-02T10:00:{events:02}Z","id":"e-{events}","actor":{{"id":"{actor}"}},"action":"{action}"}}"#
        );
        assert!(producer.send(b"one partition", event.as_bytes(), None, PATIENCE).unwrap());
        producer.flush(PATIENCE).unwrap();
        *events += 1;
    }

    /// Rule and actor of the first `count` findings of a topic.
    #[track_caller]
    fn findings(&self, topic: &str, count: usize) -> Vec<String> {
        let read = TailReader::from_earliest(&self.kafka.config(), topic).unwrap().read(count, PATIENCE).unwrap();
        let told = |it: Json| {
            let text = |pointer: &str| it.pointer(pointer).unwrap().as_str().unwrap().to_owned();
            format!("{} {}", text("/finding_info/analytic/name"), text("/actor/user/uid"))
        };
        read.iter().map(|it| told(serde_json::from_slice(&it.value).unwrap())).collect()
    }

    fn stop(self) {
        assert_eq!(signalled(self.child, "-TERM"), Some(0));
    }
}

const LOOKS: &str = "\
title: Look
name: look
id: 0f0c6c1e-6f0b-4a56-9d35-0d3f9a1f4b02
status: stable
logsource:
  product: nightjar
detection:
  s:
    action: look
  condition: s
level: low
---
title: Three looks
name: looks
id: 0f0c6c1e-6f0b-4a56-9d35-0d3f9a1f4b03
correlation:
  type: event_count
  rules: [look]
  group-by: [actor.id]
  timespan: 1h
  condition:
    gte: 3
level: high
";

const JSON_LOG: &str = "[http]\nlisten = \"127.0.0.1:0\"\n[log]\nformat = \"json\"\n";

#[test]
fn rules_that_change_while_it_runs_are_swapped_whole_and_open_windows_go_on() {
    let place = Place::new("reload", &format!("{JSON_LOG}[rules]\nwatch_interval_ms = 50\n"));
    fs::write(place.0.join("rules/looks.yml"), LOOKS).unwrap();
    let mut run = Run::start(&place, &[], |_| ());
    run.event("ana", "look");
    run.event("ana", "look");
    run.event("bo", "export");
    assert_eq!(run.findings("nightjar.alerts", 1), ["export bo"]);

    fs::write(place.0.join("rules/export.yml"), RULE.replace("action: export", "action: download")).unwrap();
    let reloaded = run.logged("rules reloaded");
    assert_eq!((&reloaded["cause"], &reloaded["kept"], &reloaded["reset"]), (&"files".into(), &1.into(), &0.into()));
    run.event("cy", "export");
    run.event("di", "download");
    run.event("ana", "look");
    assert_eq!(run.findings("nightjar.alerts", 3)[1..], ["export di", "looks ana"]);

    fs::write(place.0.join("rules/export.yml"), "title: [\n").unwrap();
    let refused = run.logged("rules not reloaded");
    assert!(refused["reason"].as_str().unwrap().contains("export.yml:"), "{refused}");
    run.event("ed", "download");
    assert_eq!(run.findings("nightjar.alerts", 4)[3], "export ed");
    let metrics = get_page(&run.address, "/metrics");
    told(&metrics, "nightjar_rules_reload_total{outcome=\"applied\"} 1");
    told(&metrics, "nightjar_rules_reload_total{outcome=\"refused\"} 1");
    told(&metrics, "nightjar_rules_last_reload_success 0");
    let sets = TailReader::from_earliest(&run.kafka.config(), "nightjar.alerts").unwrap().read(4, PATIENCE).unwrap();
    let set = |it: usize| serde_json::from_slice::<Json>(&sets[it].value).unwrap()["unmapped"]["rule_set"].clone();
    assert!(set(0) != set(1) && set(1) == set(3) && set(1) == reloaded["rule_set"]);
    run.stop();
}

#[test]
fn a_hang_up_reloads_the_rules() {
    let place = Place::new("hang-up", &format!("{JSON_LOG}[rules]\nwatch_interval_ms = 0\n"));
    let mut run = Run::start(&place, &[], |_| ());
    fs::write(place.0.join("rules/export.yml"), RULE.replace("action: export", "action: download")).unwrap();
    assert!(Command::new("kill").args(["-HUP", &run.child.id().to_string()]).status().unwrap().success());
    assert_eq!(run.logged("rules reloaded")["cause"], "SIGHUP");
    assert!(Command::new("kill").args(["-HUP", &run.child.id().to_string()]).status().unwrap().success());
    run.logged("rules looked at again");
    run.event("ana", "export");
    run.event("bo", "download");
    assert_eq!(run.findings("nightjar.alerts", 1), ["export bo"]);
    told(&get_page(&run.address, "/metrics"), "nightjar_rules_reload_total{outcome=\"unchanged\"} 1");
    run.stop();
}

#[test]
fn exceptions_come_and_go_by_a_topic_and_what_pages_nobody_has_a_topic_of_its_own() {
    let place = Place::new("exceptions", JSON_LOG);
    fs::write(place.0.join("rules/looks.yml"), LOOKS.replace("status: stable", "status: test").split("---").next().unwrap())
        .unwrap();
    // Longer than a year from the event's day is not allowed, and the clock of the test is not ours.
    let until = |exception: &str| format!(r#"{{"actor":"ana","rule":"export","until":"{exception}","reason":"r","author":"bo"}}"#);
    let record = |kafka: &EmbeddedKafka, value: &[u8]| {
        let progress = Arc::new(Progress::new(1));
        let mut producer = PacedProducer::new(&kafka.config(), "nightjar.exceptions", 1, Pacing::default(), progress).unwrap();
        assert!(producer.send(b"EX-1", value, None, PATIENCE).unwrap());
        producer.flush(PATIENCE).unwrap();
    };
    let environment = [("NIGHTJAR_EXCEPTIONS__TOPIC", "nightjar.exceptions")];
    let mut run = Run::start(&place, &environment, |kafka| record(kafka, until("2026-03-03").as_bytes()));
    run.event("ana", "export");
    run.event("bo", "export");
    run.event("bo", "look");
    assert_eq!(run.findings("nightjar.alerts", 1), ["export bo"]);
    assert_eq!(run.findings("nightjar.shadow", 2), ["export ana", "look bo"]);
    let metrics = get_page(&run.address, "/metrics");
    told(&metrics, "nightjar_excepted_alerts_total{exception=\"EX-1\",rule=\"export\"} 1");
    told(&metrics, "nightjar_shadow_alerts_total{level=\"low\",rule=\"look\"} 1");
    told(&metrics, "nightjar_alerts_total{level=\"high\",rule=\"export\"} 1");

    record(&run.kafka, b"{}");
    run.logged("a record of the topic of exceptions is none");
    let letters = TailReader::from_earliest(&run.kafka.config(), "nightjar.dead-letters").unwrap().read(1, PATIENCE).unwrap();
    let letter: Json = serde_json::from_slice(&letters[0].value).unwrap();
    assert_eq!((&letter["code"], &letter["source"]), (&Json::from("bad_exception"), &Json::from("nightjar.exceptions")));
    record(&run.kafka, b"");
    while run.logged("exceptions are in force")["in_all"] != 0 {}
    run.event("ana", "export");
    assert_eq!(run.findings("nightjar.alerts", 2)[1], "export ana");
    run.stop();
}

/// The rule about exports for people whose role is `lead`.
fn of_leads() -> String {
    RULE.replace("    action: export\n", "    action: export\n    nj.actor.role: lead\n")
}

/// The rule about exports with one condition more, and an identifier that ends in `id`.
fn expanding(condition: &str, id: &str) -> String {
    RULE.replace("4b01", &format!("4b{id}")).replace("    action: export\n", &format!("    action: export\n    {condition}\n"))
}

#[test]
fn a_context_that_changes_while_it_runs_is_taken_in_whole_or_not_at_all() {
    let place = Place::new("context-files", &format!("{JSON_LOG}[rules]\nwatch_interval_ms = 50\n"));
    fs::write(place.0.join("rules/export.yml"), of_leads()).unwrap();
    fs::create_dir_all(place.0.join("rules/context")).unwrap();
    let roster = |text: &str| fs::write(place.0.join("rules/context/roster.csv"), text).unwrap();
    roster("id,role\nana,lead\nbo,agent\n");
    let mut run = Run::start(&place, &[], |_| ());
    run.event("bo", "export");
    run.event("ana", "export");
    assert_eq!(run.findings("nightjar.alerts", 1), ["export ana"]);
    told(&get_page(&run.address, "/metrics"), "nightjar_context_rows{table=\"roster\"} 2");

    roster("id,role\nana,agent\nbo,lead\ncy,lead\n");
    run.logged("rules reloaded");
    run.event("ana", "export");
    run.event("bo", "export");
    assert_eq!(run.findings("nightjar.alerts", 2)[1], "export bo");
    told(&get_page(&run.address, "/metrics"), "nightjar_context_rows{table=\"roster\"} 3");

    // One row that can't be used, and nothing of the file is taken.
    roster("id,role,start\nana,lead,2026-01-01\nbo,agent,someday\n");
    let refused = run.logged("rules not reloaded");
    assert!(refused["reason"].as_str().unwrap().contains("roster.csv:3:1"), "{refused}");
    run.event("ana", "export");
    run.event("bo", "export");
    assert_eq!(run.findings("nightjar.alerts", 3)[2], "export bo");
    run.stop();
}

#[test]
fn rows_of_the_context_come_and_go_by_a_topic_and_bad_ones_are_dead_letters() {
    let place = Place::new("context-topic", &format!("{JSON_LOG}[rules]\nwatch_interval_ms = 50\n"));
    fs::write(place.0.join("rules/export.yml"), of_leads()).unwrap();
    fs::create_dir_all(place.0.join("rules/context")).unwrap();
    let roster = |text: &str| fs::write(place.0.join("rules/context/roster.csv"), text).unwrap();
    roster("id,role\nana,agent\nbo,lead\n");
    let record = |kafka: &EmbeddedKafka, key: &str, value: &str| {
        let progress = Arc::new(Progress::new(1));
        let mut producer = PacedProducer::new(&kafka.config(), "nightjar.context", 1, Pacing::default(), progress).unwrap();
        assert!(producer.send(key.as_bytes(), value.as_bytes(), Some(1_772_442_000_000), PATIENCE).unwrap());
        producer.flush(PATIENCE).unwrap();
    };
    let environment = [("NIGHTJAR_CONTEXT__TOPIC", "nightjar.context")];
    let mut run = Run::start(&place, &environment, |kafka| {
        record(kafka, "roster/ana", "{\n  \"id\": \"ana\",\n  \"role\": \"lead\"\n}");
        record(kafka, "roster/cy", r#"{"role":"lead"}"#);
        record(kafka, "rooster/cy", r#"{"id":"cy","role":"lead"}"#);
        record(kafka, "roster/di", r#"{"id":"di","role":"lead","from":"2027-01-01"}"#);
    });
    // What is there is in force before the first event; of ana the topic has the say, of bo the file.
    for actor in ["cy", "di", "bo", "ana"] {
        run.event(actor, "export");
    }
    assert_eq!(run.findings("nightjar.alerts", 2), ["export bo", "export ana"]);
    let letters = TailReader::from_earliest(&run.kafka.config(), "nightjar.dead-letters").unwrap().read(2, PATIENCE).unwrap();
    let letter = |it: usize| serde_json::from_slice::<Json>(&letters[it].value).unwrap();
    let (first, second) = (letter(0), letter(1));
    assert_eq!((&first["code"], &first["source"]), (&Json::from("bad_context_row"), &Json::from("nightjar.context")));
    assert_eq!((&first["position"]["offset"], &first["raw"]), (&Json::from(1), &Json::from(r#"{"role":"lead"}"#)));
    assert_eq!(first["reason"], "key `roster/cy`: no `id`: every row needs one");
    assert!(
        second["reason"].as_str().unwrap().starts_with("key `rooster/cy`: there is no table `rooster`; there are: roster, "),
        "{second}"
    );
    let metrics = get_page(&run.address, "/metrics");
    told(&metrics, "nightjar_context_records_total{outcome=\"taken\"} 2");
    told(&metrics, "nightjar_context_records_total{outcome=\"refused\"} 2");
    told(&metrics, "nightjar_context_rows{table=\"roster\"} 4");
    told(&metrics, "nightjar_context_newest_timestamp_seconds 1772442000");

    // A row that is taken back leaves the file's.
    record(&run.kafka, "roster/ana", "");
    while run.logged("the context of the topic is in force")["of_topic"] != 1 {}
    record(&run.kafka, "roster/cy", r#"{"id":"cy","role":"lead"}"#);
    while run.logged("the context of the topic is in force")["of_topic"] != 2 {}
    run.event("ana", "export");
    run.event("cy", "export");
    assert_eq!(run.findings("nightjar.alerts", 3)[2], "export cy");

    // With a file that is broken everything stays as it is, until it is mended.
    roster("id,role,start\nana,lead,someday\n");
    run.logged("rules not reloaded");
    record(&run.kafka, "roster/ed", r#"{"id":"ed","role":"lead"}"#);
    run.logged("the context of the topic is not taken");
    roster("id,role\nfay,lead\n");
    run.logged("rules reloaded");
    for actor in ["bo", "ed", "fay"] {
        run.event(actor, "export");
    }
    assert_eq!(run.findings("nightjar.alerts", 5)[3..], ["export ed", "export fay"]);
    run.stop();
}

#[test]
fn placeholders_stand_for_what_the_topic_says_and_open_windows_go_on() {
    let place = Place::new("context-placeholders", &format!("{JSON_LOG}[rules]\nwatch_interval_ms = 50\n"));
    // Of people on leave there is no file at all. One rule is broken from the beginning, and stays so.
    fs::write(place.0.join("rules/export.yml"), expanding("actor.id|expand: '%leave.actor%'", "01")).unwrap();
    fs::write(place.0.join("rules/office.yml"), expanding("source.ip|cidr|expand: '%networks.name%'", "04")).unwrap();
    fs::write(place.0.join("rules/broken.yml"), "title: x\n").unwrap();
    fs::write(place.0.join("rules/looks.yml"), LOOKS).unwrap();
    let record = |kafka: &EmbeddedKafka, key: &str, value: &str| {
        let progress = Arc::new(Progress::new(1));
        let mut producer = PacedProducer::new(&kafka.config(), "nightjar.context", 1, Pacing::default(), progress).unwrap();
        assert!(producer.send(key.as_bytes(), value.as_bytes(), None, PATIENCE).unwrap());
        producer.flush(PATIENCE).unwrap();
    };
    let leave = |actor: &str| format!(r#"{{"actor":"{actor}","start":"2026-03-02","end":"2026-03-09"}}"#);
    let environment = [("NIGHTJAR_CONTEXT__TOPIC", "nightjar.context")];
    let mut run = Run::start(&place, &environment, |kafka| record(kafka, "leave/ana", &leave("ana")));
    run.event("bo", "export");
    run.event("ana", "export");
    run.event("ana", "look");
    run.event("ana", "look");
    assert_eq!(run.findings("nightjar.alerts", 1), ["export ana"]);

    record(&run.kafka, "leave/bo", &leave("bo"));
    // Once with what the topic had at the beginning.
    run.logged("rules reloaded");
    let reloaded = run.logged("rules reloaded");
    assert_eq!((&reloaded["cause"], &reloaded["kept"], &reloaded["reset"]), (&"context".into(), &1.into(), &0.into()));
    run.logged("the context of the topic is in force");
    run.event("bo", "export");
    run.event("ana", "look");
    assert_eq!(run.findings("nightjar.alerts", 3)[1..], ["export bo", "looks ana"]);

    // Columns that no rule names are looked up, and nothing is compiled for them.
    record(&run.kafka, "roster/cy", r#"{"id":"cy","role":"lead"}"#);
    run.logged("the context of the topic is in force");
    told(&get_page(&run.address, "/metrics"), "nightjar_rules_reload_total{outcome=\"applied\"} 2");

    // A value that a rule can't have: the rules stay as they are, and the context is in force without them.
    record(&run.kafka, "networks/office", r#"{"network":"10.0.0.0/8","name":"office"}"#);
    let refused = run.logged("rules not reloaded");
    assert!(refused["reason"].as_str().unwrap().contains("office.yml:"), "{refused}");
    assert_eq!(run.logged("the context of the topic is in force")["of_topic"], 4);
    told(&get_page(&run.address, "/metrics"), "nightjar_context_rows{table=\"networks\"} 1");
    record(&run.kafka, "networks/office", "");
    while run.logged("the context of the topic is in force")["of_topic"] != 3 {}
    record(&run.kafka, "leave/ana", "");
    while run.logged("the context of the topic is in force")["of_topic"] != 2 {}
    run.event("ana", "export");
    run.event("bo", "export");
    assert_eq!(run.findings("nightjar.alerts", 4)[3], "export bo");
    run.stop();
}

#[test]
fn a_demo_tells_that_the_attack_was_noticed_before_the_first_account_fell() {
    let place = Place::new("demo", "");
    place.ends(&["demo", "--headless", "--speed", "max", "--people", "40", "--rules", PACK, "--summary", "s.json"], &[], 0);
    let summary: Json = serde_json::from_slice(&fs::read(place.0.join("s.json")).unwrap()).unwrap();
    let count = |pointer: &str| summary.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}")).as_u64().unwrap();
    assert!(count("/events") > 10_000);
    assert_eq!(count("/events"), count("/scored") + count("/bad") + count("/duplicates"));
    let by_rule: u64 = summary["alerts_by_rule"].as_object().unwrap().values().map(|it| it.as_u64().unwrap()).sum();
    assert_eq!(count("/alerts"), by_rule);
    assert_eq!((count("/attack/targets"), count("/attack/takeovers")), (130, 45));
    assert_eq!((count("/attack/inboxes"), count("/attack/archives")), (36, 8));
    assert_eq!(count("/attack/takeovers_before_first_alert"), 0);
    let time = |key: &str| summary["attack"][key].as_str().unwrap().to_owned();
    assert!(time("started") <= time("first_alert") && time("first_alert") < time("first_takeover"));
    assert_eq!(summary["alerts_by_rule"]["takeover_chain"], 45);
}

#[test]
fn a_demo_that_is_interrupted_ends_well_with_what_there_is() {
    let place = Place::new("interrupted", "");
    let mut child = place.command(&["demo", "--people", "40", "--rules", PACK, "--summary", "s.json"]).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    out.read_line(&mut first).unwrap();
    told(&first, "40 people");
    assert_eq!(signalled(child, "-INT"), Some(0));
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    told(&rest, "The attack had not begun.");
    assert!(!rest.contains('\x1b'), "colours in a pipe: {rest}");
    assert!(Path::new(&place.0).join("s.json").exists());
}

#[test]
fn a_demo_without_rules_says_where_to_start_it() {
    let place = Place::new("elsewhere", "");
    told(&place.ends(&["demo", "--headless", "--rules", "nowhere"], &[], 2), "at the root of the repository");
    told(&place.ends(&["demo", "--speed", "fast"], &[], 2), "--speed");
    told(&place.ends(&["demo", "--headless", "--rules", PACK, "--summary", "nowhere/s.json"], &[], 3), "nowhere/s.json");
}
