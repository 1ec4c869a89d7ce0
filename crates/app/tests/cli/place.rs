//! A folder to run the binary in, and events for it.

use serde_json::Value as Json;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// The present, as far as these tests go.
pub(super) const NOW: &str = "2026-11-22T00:00:00Z";

pub(super) const RULES: &str = "\
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
pub(super) struct Place(pub(super) PathBuf);

impl Place {
    pub(super) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("nightjar-cli-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("rules")).unwrap();
        let place = Self(path);
        place.write("rules/rules.yml", RULES.as_bytes());
        place
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.join(name), bytes).unwrap();
    }

    pub(super) fn read(&self, name: &str) -> String {
        String::from_utf8(fs::read(self.0.join(name)).unwrap()).unwrap()
    }

    pub(super) fn json_lines(&self, name: &str) -> Vec<Json> {
        self.read(name).lines().map(|it| serde_json::from_str(it).unwrap()).collect()
    }

    pub(super) fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nightjar"));
        command.args(arguments).current_dir(&self.0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, b"")
    }

    pub(super) fn run_with(&self, arguments: &[&str], stdin: &[u8]) -> Ran {
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
    pub(super) fn score(&self, file: &str, code: i32) -> Json {
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

pub(super) struct Ran {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

impl Ran {
    #[track_caller]
    pub(super) fn ended(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    #[track_caller]
    pub(super) fn told(&self, text: &str) -> &Self {
        assert!(self.err.contains(text), "`{text}` is not in: {}", self.err);
        self
    }
}

pub(super) fn event(second: u32, actor: &str, action: &str, target: &str) -> String {
    format!(
        "{{\"time\":\"2026-03-02T10:00:{second:02}Z\",\"id\":\"e{second}-{actor}-{target}\",\"actor\":{{\"id\":\"{actor}\"}},\
         \"action\":\"{action}\",\"target\":{{\"id\":\"{target}\"}}}}\n"
    )
}

/// Two people export, three look at one account.
pub(super) fn events() -> String {
    let parts = [
        event(1, "ana", "export", "t1"),
        event(2, "ana", "look", "t2"),
        event(3, "bo", "look", "t2"),
        event(4, "bo", "export", "t1"),
        event(5, "cy", "look", "t2"),
    ];
    parts.concat()
}

pub(super) fn rules_of(alerts: &str) -> Vec<String> {
    let name = |line: &str| {
        let alert: Json = serde_json::from_str(line).unwrap();
        alert["finding_info"]["analytic"]["name"].as_str().unwrap().to_owned()
    };
    alerts.lines().map(name).collect()
}
