//! The binary as people and scripts use it: flags, files, exit codes.
#![allow(clippy::unwrap_used)]

mod check;

use serde_json::Value as Json;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The present, as far as these tests go.
const NOW: &str = "2026-11-22T00:00:00Z";

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
title: Looked at
name: looked_at
id: 0f0c6c1e-6f0b-4a56-9d35-0d3f9a1f4b02
logsource:
  product: nightjar
detection:
  s:
    action: look
  condition: s
level: informational
---
title: One target, several people
name: crowd
id: 0f0c6c1e-6f0b-4a56-9d35-0d3f9a1f4b03
correlation:
  type: value_count
  rules:
    - looked_at
  group-by:
    - target.id
  timespan: 1h
  condition:
    field: actor.id
    gte: 3
level: medium
";

/// A fresh folder with rules in it; it goes when the test is over.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("nightjar-cli-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("rules")).unwrap();
        let place = Self(path);
        place.write("rules/rules.yml", RULES.as_bytes());
        place
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.join(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> String {
        String::from_utf8(fs::read(self.0.join(name)).unwrap()).unwrap()
    }

    fn json_lines(&self, name: &str) -> Vec<Json> {
        self.read(name).lines().map(|it| serde_json::from_str(it).unwrap()).collect()
    }

    fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nightjar"));
        command.args(arguments).current_dir(&self.0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, b"")
    }

    fn run_with(&self, arguments: &[&str], stdin: &[u8]) -> Ran {
        let mut child = self.spawn(arguments);
        // A command that does not read its input closes it.
        let _ = child.stdin.take().unwrap().write_all(stdin);
        let output = child.wait_with_output().unwrap();
        Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Scores `file` with everything written to files, and returns the statistics.
    fn score(&self, file: &str, code: i32) -> Json {
        let ran = self.run(&[
            "score",
            file,
            "--now",
            NOW,
            "--alerts",
            "alerts.ndjson",
            "--dead-letters",
            "dead.ndjson",
            "--stats",
            "stats.json",
        ]);
        assert_eq!(ran.code, Some(code), "{}", ran.err);
        serde_json::from_str(&self.read("stats.json")).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    #[track_caller]
    fn ended(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    #[track_caller]
    fn told(&self, text: &str) -> &Self {
        assert!(self.err.contains(text), "`{text}` is not in: {}", self.err);
        self
    }
}

fn event(second: u32, actor: &str, action: &str, target: &str) -> String {
    format!(
        "{{\"time\":\"2026-03-02T10:00:{second:02}Z\",\"id\":\"e{second}-{actor}-{target}\",\"actor\":{{\"id\":\"{actor}\"}},\
         \"action\":\"{action}\",\"target\":{{\"id\":\"{target}\"}}}}\n"
    )
}

/// Two people export, three look at one account.
fn events() -> String {
    let parts = [
        event(1, "ana", "export", "t1"),
        event(2, "ana", "look", "t2"),
        event(3, "bo", "look", "t2"),
        event(4, "bo", "export", "t1"),
        event(5, "cy", "look", "t2"),
    ];
    parts.concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn rules_of(alerts: &str) -> Vec<String> {
    let name = |line: &str| {
        let alert: Json = serde_json::from_str(line).unwrap();
        alert["finding_info"]["analytic"]["name"].as_str().unwrap().to_owned()
    };
    alerts.lines().map(name).collect()
}

#[test]
fn help_names_every_command() {
    let place = Place::new("help");
    let ran = place.run(&["--help"]);
    ran.ended(0);
    for command in ["demo", "run", "score", "rules", "simulate", "Exit codes"] {
        assert!(ran.out.contains(command), "{command}");
    }
    assert!(place.run(&["--version"]).ended(0).out.starts_with("nightjar "));
}

#[test]
fn a_wrong_command_line_is_an_error_of_usage() {
    let place = Place::new("usage");
    place.write("events.ndjson", events().as_bytes());
    place.run(&[]).ended(2);
    place.run(&["scor"]).ended(2).told("score");
    place.run(&["score"]).ended(2);
    place.run(&["score", "events.ndjson", "--threads", "0"]).ended(2);
    place.run(&["score", "events.ndjson", "--source", "oktta"]).ended(2).told("okta");
    place.run(&["score", "events.ndjson", "--timezone", "Dublin"]).ended(2).told("Europe/Dublin");
    place.run(&["score", "events.ndjson", "--rules", "nowhere"]).ended(2).told("nowhere");
    place.run(&["score", "events.ndjson", "--context", "nowhere"]).ended(2).told("nowhere");
    place.run(&["score", "events.ndjson", "--alerts", "./events.ndjson"]).ended(2).told("overwritten");
    place.run(&["score", "events.ndjson", "--alerts", "x", "--dead-letters", "./x"]).ended(2).told("--alerts and --dead-letters");
    place.run(&["score", "events.ndjson", "--dead-letters", "x", "--stats", "rules/../x"]).ended(2).told("the same file");
    assert!(!place.0.join("x").exists());
    place.run(&["score", "events.ndjson", "--dead-letters", "/dev/null", "--stats", "/dev/null"]).ended(0);
    place.run(&["simulate", "twitter"]).ended(2).told("twitter-2020");
    assert_eq!(place.read("events.ndjson"), events());
}

#[test]
fn a_folder_without_rules_is_an_error_of_usage() {
    let place = Place::new("no-rules");
    place.write("events.ndjson", events().as_bytes());
    fs::remove_file(place.0.join("rules/rules.yml")).unwrap();
    place.run(&["score", "events.ndjson"]).ended(2).told("no rules");
    place.run(&["rules", "check", "rules"]).ended(2).told("no rules");
    place.run(&["rules", "test", "rules"]).ended(2).told("no rules");
}

#[test]
fn a_test_of_no_page_is_an_error_of_usage() {
    let place = Place::new("no-pages");
    place.run(&["rules", "test", "rules"]).ended(2).told("no pages");
    place.write("rules/rules.md", page("").as_bytes());
    place.run(&["rules", "test", "rules", "--only", "elsewhere"]).ended(2).told("`elsewhere`");
}

#[test]
fn a_file_that_is_not_there_is_an_error_of_input() {
    let place = Place::new("no-file");
    for (input, reason) in [("nothing.ndjson", "No such file"), ("rules", "directory")] {
        let ran = place.run(&["score", input]);
        assert_eq!(ran.ended(3).told(input).err.matches(reason).count(), 1, "{}", ran.err);
    }
}

#[test]
fn alerts_go_to_stdout_in_the_order_of_the_events_and_statistics_to_stderr() {
    let place = Place::new("stdout");
    place.write("events.ndjson", events().as_bytes());
    let ran = place.run(&["score", "events.ndjson"]);
    ran.ended(0).told("events  5");
    assert_eq!(rules_of(&ran.out), ["export", "export", "crowd"]);
    assert_eq!(place.run(&["score", "events.ndjson", "--quiet"]).ended(0).err, "");
}

#[test]
fn the_statistics_have_the_promised_keys() {
    let place = Place::new("stats");
    place.write("events.ndjson", (events() + &events() + "what?\n").as_bytes());
    let stats = place.score("events.ndjson", 0);
    let counted = |key: &str| stats[key].as_u64().unwrap();
    assert_eq!([counted("events"), counted("scored"), counted("bad"), counted("duplicates"), counted("late")], [11, 5, 1, 5, 0]);
    assert_eq!(stats["alerts"], 3);
    assert_eq!(stats["alerts_by_rule"], serde_json::json!({"crowd": 1, "export": 2}));
    assert_eq!(stats["bytes"], events().len() * 2 + 6);
    for key in ["seconds", "events_per_s", "threads", "peak_rss_bytes", "mb_per_s"] {
        assert!(stats[key].as_f64().unwrap() > 0.0, "{key}");
    }
    assert_eq!(stats["bad_by_reason"], serde_json::json!({"not_json": 1}));
    assert_eq!(stats["rules"]["loaded"], 3);
}

/// The rules with another status for the one called `name`, which stands in the line before its id.
fn with_status(name: &str, status: &str) -> String {
    RULES.replace(&format!("name: {name}\n"), &format!("name: {name}\nstatus: {status}\n"))
}

#[test]
fn rules_in_shadow_raise_no_alert_and_are_written_counted_and_included_on_demand() {
    let place = Place::new("shadow");
    place.write("events.ndjson", events().as_bytes());
    place.write("rules/rules.yml", with_status("export", "experimental").as_bytes());
    let ran = place.run(&["score", "events.ndjson"]);
    assert_eq!(rules_of(&ran.ended(0).told("--include-shadow").out), ["crowd"]);
    let ran = place.run(&["score", "events.ndjson", "--shadow", "shadow.ndjson", "--stats", "stats.json"]);
    assert_eq!(rules_of(&ran.ended(0).out), ["crowd"]);
    assert_eq!(rules_of(&place.read("shadow.ndjson")), ["export", "export"]);
    let finding = &place.json_lines("shadow.ndjson")[0];
    assert_eq!((&finding["is_alert"], &finding["metadata"]["labels"]), (&Json::from(false), &serde_json::json!(["shadow"])));
    let stats: Json = serde_json::from_str(&place.read("stats.json")).unwrap();
    assert_eq!(
        (&stats["alerts"], &stats["shadow"], &stats["shadow_by_rule"]),
        (&1.into(), &2.into(), &serde_json::json!({"export": 2}))
    );
    let ran = place.run(&["score", "events.ndjson", "--include-shadow"]);
    assert_eq!(rules_of(&ran.ended(0).out), ["export", "export", "crowd"]);
    // The correlation's own status decides, not that of the rule it is over.
    place.write("rules/rules.yml", with_status("looked_at", "test").as_bytes());
    assert_eq!(rules_of(&place.run(&["score", "events.ndjson"]).ended(0).out), ["export", "export", "crowd"]);
    place.write("rules/rules.yml", with_status("crowd", "test").as_bytes());
    assert_eq!(rules_of(&place.run(&["score", "events.ndjson"]).ended(0).out), ["export", "export"]);
}

#[test]
fn a_deprecated_rule_runs_and_an_unsupported_one_does_not_and_both_say_so() {
    let place = Place::new("unsupported");
    place.write("events.ndjson", events().as_bytes());
    for (status, expected) in [("deprecated", vec!["export", "export", "crowd"]), ("unsupported", vec!["crowd"])] {
        place.write("rules/rules.yml", with_status("export", status).as_bytes());
        assert_eq!(rules_of(&place.run(&["score", "events.ndjson"]).ended(0).out), expected);
        assert!(place.run(&["rules", "check", "rules"]).ended(0).out.contains(&format!("the rule is {status}")));
    }
}

#[test]
fn an_exception_keeps_its_alerts_from_paging_and_is_never_silent() {
    let place = Place::new("excepted");
    place.write("events.ndjson", events().as_bytes());
    fs::create_dir_all(place.0.join("rules/context")).unwrap();
    let exception =
        |id: &str, scope: &str, until: &str| format!("- {{id: {id}, {scope}, until: {until}, reason: moving house, author: bo}}\n");
    let exceptions = [
        exception("EX-1", "actor: ana, rule: export", "2026-03-03"),
        exception("EX-2", "actor: bo", "2026-03-02T10:00:03Z"),
        // The crowd is more than one of its members.
        exception("EX-3", "actor: cy, rule: crowd", "2026-03-03"),
        exception("EX-4", "rule: exprt", "2026-03-03"),
    ];
    place.write("rules/context/exceptions.yml", exceptions.concat().as_bytes());
    let score = ["score", "events.ndjson", "--now", "2026-03-02T12:00:00Z", "--shadow", "shadow.ndjson", "--stats", "stats.json"];
    let ran = place.run(&score);
    assert_eq!(rules_of(&ran.ended(0).told("excepted  1").out), ["export", "crowd"]);
    let finding = &place.json_lines("shadow.ndjson")[0];
    let told = serde_json::json!({"id": "EX-1", "rule": "export", "actor": "ana", "until": 1_772_496_000_000_i64, "reason": "moving house", "author": "bo"});
    assert_eq!((&finding["unmapped"]["exception"], &finding["status"]), (&told, &"Suppressed".into()));
    let stats: Json = serde_json::from_str(&place.read("stats.json")).unwrap();
    assert_eq!((&stats["alerts"], &stats["excepted"]), (&2.into(), &1.into()));
    let by_exception = serde_json::json!({"EX-1": {"export": 1}, "EX-2": {}, "EX-3": {}, "EX-4": {}});
    assert_eq!(stats["excepted_by_exception"], by_exception);
    let list = place.run(&["rules", "exceptions", "rules", "--now", "2026-03-02T12:00:00Z", "--shadow", "shadow.ndjson"]);
    list.ended(0).told("did you mean `export`?").told("4 exceptions: 3 active, 0 pending, 1 expired").told("has ended");
    assert!(list.out.contains("used 1 times") && list.out.matches("never used").count() == 3, "{}", list.out);
    place.write("more.yml", b"- actor: ana\n  reason: r\n  author: a\n");
    let more = ["rules", "exceptions", "rules", "--exceptions", "more.yml", "--now", "2026-03-02T12:00:00Z"];
    place.run(&more).ended(1).told("more.yml:1:3: error: the exception has no `until`");
    place.run(&["score", "events.ndjson", "--exceptions", "nowhere.yml"]).ended(2).told("nowhere.yml");
}

#[test]
fn rules_promote_tells_what_a_rule_in_shadow_would_have_done_and_writes_its_status() {
    let place = Place::new("promote");
    let day = |day: u32| event(1, &format!("u{day}"), "export", "t").replace("2026-03-02", &format!("2026-03-{day:02}"));
    place.write("events.ndjson", (1..=14).map(day).collect::<String>().as_bytes());
    let rules = with_status("export", "test  # since March");
    place.write("rules/rules.yml", rules.as_bytes());
    place.run(&["score", "events.ndjson", "--shadow", "shadow.ndjson"]).ended(0);
    let promote = ["rules", "promote", "rules", "--shadow", "shadow.ndjson", "--days", "14"];
    let ran = place.run(&promote);
    assert!(ran.ended(0).out.contains("ready: about 7.0 pages a week"), "{}", ran.out);
    let ran = place.run(&[&promote[..], &["--format", "json", "--write"]].concat());
    let report: Json = serde_json::from_str(&ran.ended(0).out).unwrap();
    let rule = &report["rules"][0];
    assert_eq!((&rule["rule"], &rule["alerts"], &rule["actors"]), (&"export".into(), &14.into(), &14.into()));
    assert_eq!((&rule["verdict"], &rule["written"]), (&"ready".into(), &true.into()));
    assert_eq!(place.read("rules/rules.yml"), rules.replace("status: test  #", "status: stable  #"));
    place.run(&[&promote[..], &["--rule", "export"]].concat()).ended(2).told("not in shadow");
    place.run(&[&promote[..], &["--rule", "exprt"]].concat()).ended(2).told("exprt");
    place.run(&["rules", "promote", "rules", "--shadow", "nowhere"]).ended(3).told("nowhere");
}

#[test]
fn compressed_input_and_stdin_give_the_same_alerts() {
    let place = Place::new("compressed");
    let plain = events();
    place.write("plain.ndjson", plain.as_bytes());
    place.write("events.gz", &gzip(plain.as_bytes()));
    place.write("events.zst", &zstd::encode_all(plain.as_bytes(), 1).unwrap());
    let expected = place.run(&["score", "plain.ndjson"]).ended(0).out.clone();
    assert_eq!(rules_of(&expected).len(), 3);
    for file in ["events.gz", "events.zst"] {
        assert_eq!(place.run(&["score", file]).ended(0).out, expected, "{file}");
    }
    for stdin in [plain.as_bytes(), &gzip(plain.as_bytes()), plain.trim_end().as_bytes()] {
        assert_eq!(place.run_with(&["score", "-"], stdin).ended(0).out, expected);
    }
}

#[test]
fn an_event_from_a_pipe_is_scored_before_the_next_one_comes() {
    let place = Place::new("live");
    let mut child = place.spawn(&["score", "-"]);
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    for second in 1..=2 {
        stdin.write_all(event(second, "ana", "export", "t").as_bytes()).unwrap();
        stdin.flush().unwrap();
        // Only the alert ends the wait: it would be for ever if the event were held back.
        let mut byte = [0];
        while byte != [b'\n'] {
            stdout.read_exact(&mut byte).unwrap();
        }
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new("pipe");
    let many: String = (0..2_000).map(|it| event(it % 60, &format!("u{it}"), "export", "t")).collect();
    place.write("events.ndjson", many.as_bytes());
    let mut child = place.spawn(&["score", "events.ndjson", "-q"]);
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
}

#[test]
fn text_is_for_people_and_has_colours_only_on_a_terminal() {
    let place = Place::new("text");
    place.write("events.ndjson", events().as_bytes());
    let ran = place.run(&["score", "events.ndjson", "--format", "text"]);
    assert!(ran.ended(0).out.contains("One target, several people"), "{}", ran.out);
    assert!(!ran.out.contains('\u{1b}'));
}

#[test]
fn a_simulated_attack_gives_the_same_bytes_with_any_number_of_threads() {
    let place = Place::new("threads");
    place.run(&["simulate", "twitter-2020", "--people", "60", "--days", "1", "--out", "day.ndjson", "--labels", "labels"]).ended(0);
    // Bad lines all over the file, so that dead letters have an order to keep.
    let day = place.read("day.ndjson");
    let with_bad: String = day
        .lines()
        .enumerate()
        .fold(String::new(), |text, (at, line)| text + line + "\n" + if at % 97 == 0 { "{\"time\":12}\n" } else { "" });
    place.write("day.ndjson", with_bad.as_bytes());
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    let score = |threads: &str| {
        let arguments = ["score", "day.ndjson", "--rules", rules.to_str().unwrap(), "--threads", threads, "--now", NOW];
        let ran = place.run(&[&arguments[..], &["--dead-letters", "dead.ndjson", "--stats", "stats.json"]].concat());
        (ran.ended(0).out.clone(), place.read("dead.ndjson"))
    };
    let one = score("1");
    let stats: Json = serde_json::from_str(&place.read("stats.json")).unwrap();
    assert!(stats["alerts_by_rule"]["takeover_chain"].as_u64() > Some(0), "{stats}");
    assert!(one.1.lines().count() > 10);
    for threads in ["2", "7"] {
        assert!(score(threads) == one, "{threads} threads");
    }
}

/// The alerts of the plain engine, one event after the other.
fn scored_one_by_one(rules: &str, events: &[u8], mapping: &str) -> String {
    let loaded = sigma::parse::parse_all([("rules.yml".to_owned(), rules.to_owned())], &sigma::lists::Lists::default());
    let mapping = model::SourceMapping::built_in(mapping).unwrap();
    let book = engine::Rulebook::compile(loaded.documents, &[mapping], &mut Vec::new());
    let latest = model::EventTime::parse(NOW).unwrap().plus_ms(86_400_000);
    let mut pipeline = engine::Pipeline::new(book, 0, &engine::Settings::new(engine::Plausible::until(latest)));
    let mut bytes = events.to_vec();
    let payload = engine::decode::pad(&mut bytes);
    let mut alerts = Vec::new();
    pipeline.score(&mut engine::decode::Lines::new(&bytes, payload).unwrap(), &mut alerts, |_| {});
    let mut written = Vec::new();
    for emitted in alerts {
        emitted.alert.write_ocsf(&mut written);
        written.push(b'\n');
    }
    String::from_utf8(written).unwrap()
}

/// Some megabytes of events, out of order by up to ten minutes, so that some are late; `line` makes one of its number and its time.
fn many_events(line: impl Fn(u32, &str) -> String) -> String {
    let time = |at: u32| {
        let second = at / 2 + (at * 7_919) % 601;
        format!("2026-03-02T{:02}:{:02}:{:02}Z", 8 + second / 3_600, second / 60 % 60, second % 60)
    };
    (0..12_000).map(|at| line(at, &time(at)) + "\n").collect()
}

#[track_caller]
fn check_parallel(name: &str, source: &str, events: &str) {
    let place = Place::new(name);
    place.write("events.ndjson", events.as_bytes());
    let expected = scored_one_by_one(RULES, events.as_bytes(), source);
    assert!(rules_of(&expected).iter().any(|it| it == "crowd") && rules_of(&expected).iter().any(|it| it == "export"));
    for threads in ["1", "2", "5"] {
        let ran = place.run(&["score", "events.ndjson", "--source", source, "--threads", threads, "--now", NOW]);
        assert!(ran.ended(0).out == expected, "{threads} threads");
    }
}

#[test]
fn all_threads_together_find_what_the_plain_engine_finds() {
    let events = many_events(|at, time| {
        let (actor, target, action) = (at % 211, at * 31 % 97, if at % 50 == 0 { "export" } else { "look" });
        let padding = "x".repeat(usize::try_from(at % 400).unwrap());
        format!(
            "{{\"time\":\"{time}\",\"id\":\"{at}\",\"actor\":{{\"id\":\"u{actor}\"}},\"action\":\"{action}\",\
             \"target\":{{\"id\":\"t{target}\"}},\"detail\":\"{padding}\"}}"
        )
    });
    check_parallel("plain", "native", &events);
}

#[test]
fn events_without_a_time_take_that_of_the_event_before_in_whatever_thread_that_was() {
    let events = many_events(|at, time| {
        let time = if at % 1_000 == 0 { format!("\"time\":\"{time}\",") } else { String::new() };
        let (actor, action) = (at % 211, if at % 50 == 0 { "export" } else { "look" });
        let padding = "x".repeat(300);
        format!(
            "{{{time}\"actor\":{{\"id\":\"u{actor}\"}},\"action\":\"{action}\",\"target\":{{\"id\":\"t{}\"}},\"n\":{at},\"x\":\"{padding}\"}}",
            at % 7
        )
    });
    check_parallel("timeless", "raw", &events);
}

#[test]
fn correlations_of_every_kind_give_the_same_bytes_with_any_number_of_threads() {
    let rules = include_str!("../../../../tests/it/every_correlation.yml");
    let events = many_events(|at, time| {
        let (actor, target) = (at * 31 % 61, at * 17 % 41);
        let action = ["look", "export", "look", "close", "look", "view", "look"][(at / 7 % 7) as usize];
        // Some never close what they opened.
        let action = if action == "close" && actor >= 30 { "view" } else { action };
        let rows = ["7", "\"12.25\"", "31", "null", "-3", "50"][(at % 6) as usize];
        let padding = "x".repeat(usize::try_from(at % 400).unwrap());
        format!(
            "{{\"time\":\"{time}\",\"id\":\"{at}\",\"actor\":{{\"id\":\"u{actor}\",\"team\":\"m{}\"}},\"action\":\"{action}\",\
             \"target\":{{\"id\":\"t{target}\",\"tags\":[\"x{}\",\"y{}\"]}},\"detail\":{{\"rows\":{rows},\"text\":\"{padding}\"}}}}",
            actor % 5,
            at % 5,
            at % 3,
        )
    });
    let place = Place::new("every-correlation");
    place.write("rules/rules.yml", rules.as_bytes());
    place.write("events.ndjson", events.as_bytes());
    let expected = scored_one_by_one(rules, events.as_bytes(), "native");
    let fired = rules_of(&expected);
    for name in rules.lines().filter_map(|it| it.strip_prefix("name: ")).skip(3) {
        assert!(fired.iter().any(|it| it == name), "{name} never fired");
    }
    for threads in ["1", "2", "3", "7"] {
        let ran = place.run(&["score", "events.ndjson", "--threads", threads, "--now", NOW]);
        assert!(ran.ended(0).out == expected, "{threads} threads");
    }
}

#[test]
fn the_same_seed_gives_the_same_company() {
    let place = Place::new("seed");
    let simulate =
        |seed: &str| place.run(&["simulate", "quiet", "--people", "12", "--days", "1", "--seed", seed]).ended(0).out.clone();
    assert!(simulate("7") == simulate("7"));
    assert!(simulate("7") != simulate("8"));
}

/// `bad` stands between two good events; both are scored, and it comes to the dead letters with its line.
#[track_caller]
fn check_bad(name: &str, bad: &[u8], reason: &str) {
    let place = Place::new(name);
    let good = [event(1, "ana", "export", "t"), event(2, "bo", "export", "t")];
    place.write("events.ndjson", &[good[0].as_bytes(), bad, b"\n", good[1].as_bytes()].concat());
    let stats = place.score("events.ndjson", 0);
    assert_eq!((&stats["events"], &stats["scored"], &stats["late"]), (&3.into(), &2.into(), &0.into()), "{stats}");
    assert_eq!(stats["bad_by_reason"], serde_json::json!({reason: 1}));
    assert_eq!(rules_of(&place.read("alerts.ndjson")), ["export", "export"]);
    let letters = place.json_lines("dead.ndjson");
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!((&letter["code"], &letter["position"]["line"]), (&reason.into(), &2.into()), "{letter}");
    assert_eq!((&letter["position"]["offset"], &letter["length"]), (&good[0].len().into(), &bad.len().into()), "{letter}");
    assert!(!letter["reason"].as_str().unwrap().is_empty());
}

#[test]
fn a_line_that_is_no_json_is_a_dead_letter() {
    check_bad("not-json", b"{\"time\":", "not_json");
}

#[test]
fn a_line_that_is_no_object_is_a_dead_letter() {
    check_bad("not-object", b"[1,2]", "not_object");
}

#[test]
fn a_line_that_is_not_utf8_is_a_dead_letter() {
    check_bad("not-utf8", b"{\"time\":\"2026-03-02T10:00:00Z\",\"actor\":{\"id\":\"\xff\"},\"action\":\"export\"}", "not_utf8");
}

#[test]
fn an_event_without_an_actor_is_a_dead_letter() {
    check_bad("missing", b"{\"time\":\"2026-03-02T10:00:00Z\",\"action\":\"export\"}", "missing_field");
}

#[test]
fn an_actor_of_a_wrong_type_is_a_dead_letter() {
    check_bad("type", b"{\"time\":\"2026-03-02T10:00:00Z\",\"actor\":{\"id\":{}},\"action\":\"export\"}", "wrong_type");
}

#[test]
fn a_time_that_is_none_is_a_dead_letter() {
    check_bad("no-time", b"{\"time\":\"noon\",\"actor\":{\"id\":\"a\"},\"action\":\"export\"}", "wrong_type");
}

#[test]
fn a_line_of_ten_megabytes_is_a_dead_letter() {
    let long =
        format!("{{\"time\":\"2026-03-02T10:00:00Z\",\"actor\":{{\"id\":\"a\"}},\"action\":\"{}\"}}", "x".repeat(10_000_000));
    check_bad("long", long.as_bytes(), "too_long");
}

#[test]
fn a_line_nested_a_thousand_deep_is_a_dead_letter() {
    let deep = format!("{{\"time\":\"2026-03-02T10:00:00Z\",\"detail\":{}{}}}", "[".repeat(1_000), "]".repeat(1_000));
    check_bad("deep", deep.as_bytes(), "too_deep");
}

#[test]
fn an_event_from_1970_is_a_dead_letter() {
    check_bad("past", b"{\"time\":\"1970-01-01T00:00:00Z\",\"actor\":{\"id\":\"a\"},\"action\":\"export\"}", "time_out_of_range");
}

#[test]
fn an_event_from_2090_is_a_dead_letter_and_makes_nothing_late() {
    check_bad("future", b"{\"time\":\"2090-01-01T00:00:00Z\",\"actor\":{\"id\":\"a\"},\"action\":\"export\"}", "time_out_of_range");
}

#[test]
fn an_event_with_a_duplicate_key_is_a_dead_letter() {
    let twice = b"{\"time\":\"2026-03-02T10:00:00Z\",\"actor\":{\"id\":\"a\"},\"action\":\"look\",\"action\":\"export\"}";
    check_bad("duplicate", twice, "duplicate_key");
}

#[test]
fn a_line_with_nul_bytes_is_a_dead_letter() {
    check_bad("nul", b"{\"time\":\0\0\0}", "not_json");
}

#[test]
fn an_empty_file_has_no_events() {
    let place = Place::new("empty");
    place.write("empty.ndjson", b"");
    let stats = place.score("empty.ndjson", 0);
    assert_eq!((&stats["events"], &stats["alerts"]), (&0.into(), &0.into()));
    assert_eq!(place.read("alerts.ndjson"), "");
}

#[test]
fn what_a_truncated_gzip_file_still_has_is_scored() {
    let place = Place::new("truncated");
    let lines: Vec<String> = (0..5_000).map(|it| event(it % 60, &format!("u{it}"), "export", &format!("{}", it * 7_919))).collect();
    let whole = gzip(lines.concat().as_bytes());
    place.write("events.gz", &whole[..whole.len() / 2]);
    let stats = place.score("events.gz", 3);
    let scored = stats["scored"].as_u64().unwrap();
    assert!(scored > 500 && scored < 5_000, "{stats}");
    assert_eq!(stats["alerts"], scored, "every event before the break is scored");
    assert_eq!(stats["bad_by_reason"], serde_json::json!({"truncated": 1}));
    let letters = place.json_lines("dead.ndjson");
    assert_eq!((letters.len(), &letters[0]["position"]["line"]), (1, &(scored + 1).into()));
    place.run(&["score", "events.gz"]).ended(3).told("everything before that is scored");
}

#[test]
fn only_the_first_bad_lines_are_shown() {
    let place = Place::new("many-bad");
    place.write("events.ndjson", "x\n".repeat(12).as_bytes());
    place.run(&["score", "events.ndjson"]).ended(0).told("events.ndjson:5: not_json").told("… and 7 more bad lines");
}

#[test]
fn what_events_hold_never_steers_the_terminal() {
    let place = Place::new("escapes");
    let evil = "{\"time\":\"\u{9b}31m\u{202e}\u{7f}\",\"actor\":{\"id\":\"a\"},\"action\":\"x\"}\n";
    place.write("events.ndjson", evil.as_bytes());
    let ran = place.run(&["score", "events.ndjson"]);
    ran.ended(0).told("\\u{9b}31m\\u{202e}\\u{7f}");
    assert!(!ran.err.contains(['\u{9b}', '\u{202e}', '\u{7f}']), "{:?}", ran.err);
}

#[test]
fn a_bad_rule_is_reported_and_the_others_score() {
    let place = Place::new("bad-rule");
    place.write("events.ndjson", events().as_bytes());
    place.write("rules/bad.yml", b"title: Bad\nlogsource:\n  product: nightjar\ndetection:\n  s:\n    action: x\n  condition: t\n");
    let ran = place.run(&["score", "events.ndjson"]);
    ran.ended(0).told("bad.yml:7:").told("1 errors");
    assert_eq!(rules_of(&ran.out).len(), 3);
}

#[test]
fn rules_list_names_what_loads() {
    let place = Place::new("list");
    let ran = place.run(&["rules", "list", "rules"]);
    let names: Vec<&str> = ran.ended(0).out.lines().filter_map(|it| it.split_whitespace().next()).collect();
    assert_eq!(names, ["crowd", "export", "looked_at"]);
    let list: Json = serde_json::from_str(&place.run(&["rules", "list", "rules", "--format", "json"]).ended(0).out).unwrap();
    assert_eq!((&list[0]["kind"], &list[1]["level"]), (&"correlation".into(), &"high".into()), "{list}");
}

#[test]
fn rules_list_stats_tell_how_far_events_get() {
    let place = Place::new("stats");
    let ran = place.run(&["rules", "list", "rules", "--stats"]);
    assert!(ran.ended(0).out.contains("rules 2, of 2 loaded"), "{}", ran.out);
    assert!(!ran.out.contains("events"), "{}", ran.out);
    let lines = format!("{}{}{{oops\n", event(1, "ana", "export", "t"), event(2, "bob", "sleep", "t"));
    place.write("events.ndjson", lines.as_bytes());
    let ran = place.run(&["rules", "list", "rules", "--stats", "--events", "events.ndjson"]);
    assert!(ran.ended(0).out.contains("events 2, bad lines 1, matches 1"), "{}", ran.out);
    let json = ["rules", "list", "rules", "--stats", "--events", "events.ndjson", "--format", "json"];
    let told: Json = serde_json::from_str(&place.run(&json).ended(0).out).unwrap();
    assert_eq!((&told["run"]["events"], &told["run"]["rules_after_last_stage"]["max"]), (&2.into(), &1.into()), "{told}");
    place.run(&["rules", "list", "rules", "--events", "events.ndjson"]).ended(2).told("--stats");
    place.write("empty.ndjson", b"");
    place.run(&["rules", "list", "rules", "--stats", "--events", "empty.ndjson"]).ended(2).told("no events");
}

fn page(expected: &str) -> String {
    let (fires, quiet) = (event(1, "ana", "export", "t"), event(2, "ana", "look", "t"));
    format!(
        "# Export\n\n## Fires\n\n```events\n{fires}```\n\n```expect\n{expected}```\n\n\
         ## Stays quiet\n\n```events\n{quiet}```\n\n```expect\n```\n"
    )
}

#[test]
fn rules_test_fails_on_a_page_that_expects_something_else() {
    let place = Place::new("test");
    place.write("rules/rules.md", page("alert high ana export\n").as_bytes());
    place.run(&["rules", "test", "rules"]).ended(0).told("1 pages, 2 cases, 0 failed");
    place.write("rules/rules.md", page("alert low ana export\n").as_bytes());
    let ran = place.run(&["rules", "test", "rules"]);
    assert!(ran.ended(1).out.contains("rules/rules.md:3: Fires"), "{}", ran.out);
    assert!(ran.out.contains("- alert low ana export   expected, but did not come"), "{}", ran.out);
    assert!(ran.out.contains("alert high ana export"), "{}", ran.out);
}

#[test]
fn rules_test_update_writes_what_came_into_the_page() {
    let place = Place::new("update");
    place.write("rules/rules.md", page("alert low ana export\n").as_bytes());
    place.run(&["rules", "test", "rules", "--update"]).ended(0).told("1 expectations rewritten");
    assert_eq!(place.read("rules/rules.md"), page("alert high ana export\n"));
}

#[test]
fn rules_test_fails_on_a_page_without_a_case_that_fires() {
    let place = Place::new("one-sided");
    let all = page("");
    place.write("rules/rules.md", &all.as_bytes()[all.find("## Stays").unwrap()..]);
    let ran = place.run(&["rules", "test", "rules"]);
    assert!(ran.ended(1).out.contains("no case in which its rule fires"), "{}", ran.out);
}

#[test]
fn rules_explain_shows_the_values_that_decide() {
    let place = Place::new("explain");
    place.write("event.json", event(1, "ana", "export", "t").as_bytes());
    let ran = place.run(&["rules", "explain", "rules", "--event", "event.json"]);
    assert!(ran.ended(0).out.contains("✔ export (high) Export"), "{}", ran.out);
    assert!(ran.out.contains("value \"export\"") && ran.out.contains("No match: looked_at"), "{}", ran.out);
    let ran =
        place.run_with(&["rules", "explain", "rules", "--event", "-", "--rule", "crowd"], event(1, "a", "export", "t").as_bytes());
    assert!(ran.ended(0).out.contains("✘ looked_at"), "{}", ran.out);
    place.run(&["rules", "explain", "rules", "--event", "event.json", "--rule", "exprt"]).ended(2).told("exprt");
    place.run_with(&["rules", "explain", "rules", "--event", "-"], b"{oops").ended(3).told("not_json");
}

const FILTER: &str = "title: Not Bob\nlogsource:\n  product: nightjar\nfilter:\n  rules: [export]\n  selection:\n    actor.id: bob\n  condition: not selection\n";

#[test]
fn a_filter_is_listed_explained_and_applied() {
    let place = Place::new("filter");
    let version = |list: &str| serde_json::from_str::<Json>(list).unwrap()[1]["version"].as_str().unwrap().to_owned();
    let before = version(&place.run(&["rules", "list", "rules", "--format", "json"]).ended(0).out);
    place.write("rules/not_bob.yml", FILTER.as_bytes());
    let ran = place.run(&["rules", "list", "rules"]);
    assert!(ran.ended(0).out.contains("Export  [filtered by not_bob]") && ran.out.contains("of 1 rule"), "{}", ran.out);
    assert_ne!(version(&place.run(&["rules", "list", "rules", "--format", "json"]).ended(0).out), before);
    let events = event(1, "ana", "export", "t") + &event(2, "bob", "export", "t");
    let ran = place.run_with(&["score", "-", "--format", "text", "--now", NOW], events.as_bytes());
    assert!(ran.ended(0).out.contains("ana") && !ran.out.contains("bob"), "{}", ran.out);
    place.write("event.json", event(1, "bob", "export", "t").as_bytes());
    let ran = place.run(&["rules", "explain", "rules", "--event", "event.json", "--rule", "export"]);
    assert!(ran.ended(0).out.contains("✘ filter not_bob (rules/not_bob.yml): not selection"), "{}", ran.out);
}

/// The rules that come with Nightjar, as a folder in which things may be written.
fn shipped(place: &Place, name: &str) -> PathBuf {
    let to = place.0.join(name);
    copy_all(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules")), &to);
    to
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy_all(&path, &target) } else { _ = fs::copy(&path, &target).unwrap() }
    }
}

#[test]
fn a_new_rule_of_any_source_passes_checks_and_tests_among_all_others() {
    let place = Place::new("new");
    shipped(&place, "pack");
    for source in ["native", "cloudtrail", "okta", "github"] {
        for (kind, more) in [("one", None), ("many", Some("--correlation"))] {
            let name = format!("fresh_{source}_{kind}");
            let mut arguments = vec!["rules", "new", &name, "--dir", "pack/fresh", "--source", source];
            arguments.extend(more);
            let made = place.run(&arguments);
            assert_eq!(made.ended(0).out, format!("pack/fresh/{name}.yml\npack/fresh/{name}.md\n"));
        }
    }
    let checked = place.run(&["rules", "check", "pack", "--deny-warnings"]);
    assert_eq!(checked.ended(0).out, "", "a fresh rule has nothing to be told about");
    place.run(&["rules", "test", "pack"]).ended(0).told(" 0 failed");
    // The page fails as soon as it is wrong, so that the green above means something.
    let page = place.read("pack/fresh/fresh_okta_many.md");
    place.write("pack/fresh/fresh_okta_many.md", page.replace("shadow medium ana", "shadow medium bo").as_bytes());
    place.run(&["rules", "test", "pack", "--only", "fresh"]).ended(1).told("8 pages, 16 cases, 1 failed");
}

#[test]
fn a_new_rule_overwrites_nothing() {
    let place = Place::new("new-twice");
    place.run(&["rules", "new", "again"]).ended(0);
    let before = place.read("rules/again.yml");
    place.run(&["rules", "new", "again"]).ended(2).told("already there");
    assert_eq!(place.read("rules/again.yml"), before);
    fs::remove_file(place.0.join("rules/again.yml")).unwrap();
    place.run(&["rules", "new", "again", "--correlation"]).ended(2).told("again.md is already there");
    assert!(!place.0.join("rules/again.yml").exists());
    place.run(&["rules", "new", "Not a name"]).ended(2).told("`not_a_name` would do");
    place.run(&["rules", "new", "x", "--source", "raw"]).ended(2).told("native, cloudtrail, okta, github");
}

#[test]
fn rules_are_listed_by_what_is_asked_for() {
    let place = Place::new("list-some");
    let names = |arguments: &[&str]| {
        let ran = place.run(&[&["rules", "list", "--format", "json"], arguments].concat());
        let list: Vec<Json> = serde_json::from_str(&ran.ended(0).out).unwrap();
        list.iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&[]), ["crowd", "export", "looked_at"]);
    assert_eq!(names(&["--kind", "correlation"]), ["crowd"]);
    assert_eq!(names(&["--level", "medium"]), ["crowd", "export"]);
    assert_eq!(names(&["--status", "experimental"]), [""; 0]);
    assert_eq!(names(&["--status", "stable", "--kind", "correlation"]), ["crowd"]);
    assert_eq!(names(&["--logsource", "nightjar"]), ["export", "looked_at"]);
    assert_eq!(names(&["--logsource", "okta"]), [""; 0]);
    assert_eq!(names(&["--search", "SEVERAL people"]), ["crowd"]);
    assert_eq!(names(&["--search", "f9a1f4b01"]), ["export"]);
    place.run(&["rules", "list", "--level", "severe"]).ended(2).told("informational, low, medium, high, critical");
    place.run(&["rules", "list", "--level", "high"]).ended(0).told("1 of 3 documents");
}

#[test]
fn the_graph_is_written_for_graphviz_as_a_picture_and_as_json() {
    let place = Place::new("graph");
    let dot = place.run(&["rules", "graph"]);
    assert!(dot.ended(0).out.contains("\"looked_at\" -> \"crowd\"") && !dot.out.contains("\"export\" ["), "{}", dot.out);
    let svg = place.run(&["rules", "graph", "--all", "--format", "svg"]);
    assert!(svg.ended(0).out.starts_with("<svg ") && svg.out.ends_with("</svg>\n") && svg.out.contains(">export<"));
    let json: Json =
        serde_json::from_str(&place.run(&["rules", "graph", "--rule", "crowd", "--format", "json"]).ended(0).out).unwrap();
    assert_eq!(json["edges"], serde_json::json!([{"from": "looked_at", "to": "crowd", "label": ""}]));
    place.run(&["rules", "graph", "--rule", "crowds"]).ended(2).told("did you mean `crowd`?");
}

#[test]
fn the_schema_is_json() {
    let place = Place::new("schema");
    let schema: Json = serde_json::from_str(&place.run(&["rules", "schema"]).ended(0).out).unwrap();
    assert_eq!(schema["oneOf"].as_array().unwrap().len(), 4);
}

#[test]
fn results_of_pages_are_written_as_junit_too() {
    let place = Place::new("junit");
    place.write("rules/rules.md", page("alert high bo export\n").as_bytes());
    place.run(&["rules", "test", "rules", "--junit", "report.xml"]).ended(1);
    let report = place.read("report.xml");
    assert!(report.contains("tests=\"2\" failures=\"1\" errors=\"0\""), "{report}");
    assert!(report.contains("- alert high bo export") && report.contains("+ alert high ana export"), "{report}");
    place.run(&["rules", "test", "rules", "--junit", "nowhere/report.xml"]).ended(3).told("nowhere/report.xml");
}

#[test]
fn pages_are_found_by_the_rules_beside_them() {
    let place = Place::new("test-some");
    place.write("rules/rules.md", page("alert high ana export\n").as_bytes());
    for arguments in [["--rule", "export"], ["--rule", "0f0c6c1e-6f0b-4a56-9d35-0d3f9a1f4b03"], ["--only", "several people"]] {
        place.run(&[&["rules", "test", "rules"], &arguments[..]].concat()).ended(0).told("1 pages, 2 cases");
    }
    place.run(&["rules", "test", "rules", "--rule", "exports"]).ended(2).told("did you mean `export`?");
    place.run(&["rules", "test", "rules", "--only", "nothing like it"]).ended(2).told("`nothing like it`");
}

#[test]
fn watched_pages_run_again_when_a_page_a_rule_or_a_list_changes() {
    let place = Place::new("watch");
    fs::create_dir_all(place.0.join("rules/context")).unwrap();
    place.write("rules/context/who.txt", b"zoe\n");
    place.write("rules/rules.md", page("alert high ana export\n").as_bytes());
    let mut child = place.spawn(&["rules", "test", "rules", "--watch"]);
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut sum = || {
        let sum = told.by_ref().map(|it| it.unwrap()).find(|it| it.contains(" failed") || it.starts_with("error")).unwrap();
        assert!(told.next().unwrap().unwrap().starts_with("waiting for changes in rules"));
        sum
    };
    assert_eq!(sum(), "1 pages, 2 cases, 0 failed");
    place.write("rules/rules.md", page("alert low ana export\n").as_bytes());
    assert_eq!(sum(), "1 pages, 2 cases, 1 failed");
    place.write("rules/rules.yml", RULES.replace("level: high", "level: low").as_bytes());
    assert_eq!(sum(), "1 pages, 2 cases, 0 failed");
    place.write("rules/context/who.txt", b"ana\nzoe\n");
    assert_eq!(sum(), "1 pages, 2 cases, 0 failed");
    fs::remove_file(place.0.join("rules/rules.md")).unwrap();
    assert!(sum().starts_with("error: no pages of rules"));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn explain_tells_what_came_nearest_when_no_rule_matches() {
    let place = Place::new("near");
    place.write("event.json", event(1, "ana", "login", "t").as_bytes());
    place.write(
        "rules/near.yml",
        b"title: Near\nid: 0f0c6c1e-6f0b-4a56-9d35-0d3f9a1f4b09\nlogsource: {product: nightjar}\nlevel: low\ndetection:\n  s:\n    actor.id: ana\n    action: login\n    target.id: other\n  condition: s\n",
    );
    let ran = place.run(&["rules", "explain", "rules", "--event", "event.json"]);
    assert!(
        ran.ended(0).out.starts_with("No rule matches. These came nearest:\n✘ near: 2 of 3 tests come out right"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("✘ target.id is `other`; the event has \"t\"  line 9"), "{}", ran.out);
    let ran = place.run(&["rules", "explain", "rules", "--event", "event.json", "--format", "json"]);
    let json: Json = serde_json::from_str(&ran.ended(0).out).unwrap();
    assert_eq!((&json["near_misses"][0]["rule"], &json["near_misses"][0]["met"]), (&Json::from("near"), &Json::from(2)));
}

#[test]
fn explain_tells_which_group_of_a_correlation_an_event_counts_for_or_why_it_does_not() {
    let place = Place::new("explain-correlation");
    let explain = |event: &str, more: &[&str]| {
        let ran = place.run_with(&[&["rules", "explain", "rules", "--event", "-"], more].concat(), event.as_bytes());
        ran.ended(0).out.clone()
    };
    let out = explain(&event(1, "ana", "look", "t7"), &[]);
    assert!(out.contains("✔ counts for looked_at: target.id \"t7\", counted actor.id \"ana\""), "{out}");
    let out = explain(&event(1, "ana", "export", "t7"), &["--rule", "crowd"]);
    assert!(out.contains("✘ not for looked_at: the rule does not match: action is `look`; the event has \"export\""), "{out}");
    let out = explain("{\"time\":\"2026-03-02T10:00:00Z\",\"actor\":{\"id\":\"a\"},\"action\":\"look\"}", &["--rule", "looked_at"]);
    assert!(out.contains("✘ not for looked_at: the event has no `target.id`"), "{out}");
    let out =
        explain("{\"eventTime\":\"2026-03-02T10:00:00Z\",\"eventName\":\"look\"}", &["--rule", "crowd", "--source", "cloudtrail"]);
    let reason = "it wants product nightjar, and the source `cloudtrail` is product aws, service cloudtrail";
    assert!(out.contains(reason), "{out}");
    let sum = "title: Rows\nname: rows\ncorrelation: {type: value_sum, rules: [looked_at], group-by: [actor.id], timespan: 1h, condition: {field: detail.rows, gt: 5}}\n";
    place.write("rules/sum.yml", sum.as_bytes());
    let of_rows = |rows: &str| {
        let event = event(1, "ana", "look", "t7");
        event.trim_end().strip_suffix('}').unwrap().to_owned() + &format!(",\"detail\":{{\"rows\":{rows}}}}}\n")
    };
    let out = explain(&of_rows("\"7.5\""), &["--rule", "rows"]);
    assert!(out.contains("✔ counts for looked_at: actor.id \"ana\", measured detail.rows \"7.5\""), "{out}");
    let out = explain(&of_rows("\"many\""), &["--rule", "rows"]);
    assert!(out.contains("✘ not for looked_at: the event's `detail.rows` is no number: \"many\""), "{out}");
}
