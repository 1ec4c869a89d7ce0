//! The language server as an editor meets it: the binary is started, and the protocol spoken over its pipes.
#![allow(clippy::unwrap_used)]

use lsp_server::{Message, Notification, Request, RequestId, Response};
use serde_json::{Value as Json, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const RULES: &str = "\
title: Export
name: export
id: 0f0c6c1e-6f0b-4a56-9d35-0d3f9a1f4b01
logsource:
  product: nightjar
  service: audit
detection:
  exports:
    action|startswith: export
    actor.id|expand: '%watched%'
  small:
    detail.rows|lt: 10
  condition: exports and not small
tags:
  - attack.t1567.002
level: high
---
title: Many exports
name: many_exports
id: 0f0c6c1e-6f0b-4a56-9d35-0d3f9a1f4b02
correlation:
  type: event_count
  rules:
    - export
  group-by:
    - actor.id
  timespan: 1h
  condition:
    gte: 3
level: high
";

const PAGE: &str = "\
# Export

## Fires

```events
{\"time\":\"2026-03-02T10:00:00Z\",\"actor\":{\"id\":\"ana\",\"shoe_size\":41},\"action\":\"export.all\"}
```

```expect
alert high ana export
```
";

/// An editor and the server that it has started, in a fresh folder.
struct Editor {
    folder: PathBuf,
    server: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    requests: i32,
    version: i32,
}

impl Editor {
    fn start(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("nightjar-lsp-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("rules/context")).unwrap();
        fs::write(folder.join("rules/export.yml"), RULES).unwrap();
        fs::write(folder.join("rules/export.md"), PAGE).unwrap();
        fs::write(folder.join("rules/context/watched.txt"), "ana\nbo\n").unwrap();
        let mut server = Command::new(env!("CARGO_BIN_EXE_nightjar"))
            .args(["rules", "lsp", "--stdio"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let to = server.stdin.take();
        let from = BufReader::new(server.stdout.take().unwrap());
        let mut editor = Self { folder, server, to, from, requests: 0, version: 0 };
        let root = editor.uri("");
        let hello = editor.ask("initialize", json!({"processId": null, "rootUri": root, "capabilities": {}}));
        assert_eq!(hello["capabilities"]["hoverProvider"], true);
        editor.tell("initialized", json!({}));
        editor
    }

    fn uri(&self, file: &str) -> String {
        format!("file://{}/{file}", self.folder.display()).trim_end_matches('/').to_owned()
    }

    fn send(&mut self, message: &Message) {
        message.write(self.to.as_mut().unwrap()).unwrap();
    }

    fn tell(&mut self, method: &str, params: Json) {
        self.send(&Message::Notification(Notification::new(method.to_owned(), params)));
    }

    fn answer(&mut self, method: &str, params: Json) -> Response {
        self.requests += 1;
        let id = RequestId::from(self.requests);
        self.send(&Message::Request(Request::new(id.clone(), method.to_owned(), params)));
        loop {
            match Message::read(&mut self.from).unwrap().expect("the server has gone") {
                Message::Response(response) if response.id == id => return response,
                _ => {}
            }
        }
    }

    /// The next message as it stands in the pipe that is no notification.
    fn raw(&mut self) -> Json {
        loop {
            let mut length = 0;
            loop {
                let mut line = String::new();
                self.from.read_line(&mut line).unwrap();
                if let Some(number) = line.strip_prefix("Content-Length: ") {
                    length = number.trim().parse().unwrap();
                }
                if line == "\r\n" {
                    break;
                }
            }
            let mut bytes = vec![0; length];
            self.from.read_exact(&mut bytes).unwrap();
            let message: Json = serde_json::from_slice(&bytes).unwrap();
            if message["method"].is_null() {
                return message;
            }
        }
    }

    #[track_caller]
    fn ask(&mut self, method: &str, params: Json) -> Json {
        let answer = serde_json::to_value(self.answer(method, params)).unwrap();
        assert!(answer.get("error").is_none(), "{answer}");
        answer["result"].clone()
    }

    /// Opens or changes a text without saving it, and returns what the server then says about it.
    fn write(&mut self, file: &str, text: &str) -> Vec<Json> {
        self.version += 1;
        let (uri, version) = (self.uri(file), self.version);
        if version == 1 {
            let document = json!({"uri": uri, "languageId": "yaml", "version": version, "text": text});
            self.tell("textDocument/didOpen", json!({"textDocument": document}));
        } else {
            let changes = json!([{"text": text}]);
            self.tell(
                "textDocument/didChange",
                json!({"textDocument": {"uri": uri, "version": version}, "contentChanges": changes}),
            );
        }
        self.diagnostics(&uri, version)
    }

    fn diagnostics(&mut self, uri: &str, version: i32) -> Vec<Json> {
        loop {
            let Message::Notification(it) = Message::read(&mut self.from).unwrap().expect("the server has gone") else { continue };
            let is_wanted = it.params["uri"] == uri && it.params["version"] == version;
            if it.method == "textDocument/publishDiagnostics" && is_wanted {
                return it.params["diagnostics"].as_array().unwrap().clone();
            }
        }
    }

    /// Document and position just behind the first `needle` of the text.
    #[track_caller]
    fn behind(&self, file: &str, text: &str, needle: &str) -> Json {
        let end = text.find(needle).unwrap_or_else(|| panic!("no {needle}")) + needle.len();
        let before = &text[..end];
        let line = before.matches('\n').count();
        let character = before.rsplit('\n').next().unwrap().encode_utf16().count();
        json!({"textDocument": {"uri": self.uri(file)}, "position": {"line": line, "character": character}})
    }

    #[track_caller]
    fn hover(&mut self, text: &str, needle: &str) -> String {
        let at = self.behind("rules/export.yml", text, needle);
        self.ask("textDocument/hover", at)["contents"]["value"].as_str().unwrap_or_default().to_owned()
    }

    /// What is proposed behind `needle`, after the text was typed.
    #[track_caller]
    fn proposals(&mut self, text: &str, needle: &str) -> Vec<String> {
        self.version += 1;
        let (uri, version) = (self.uri("rules/export.yml"), self.version);
        let document = json!({"uri": uri, "languageId": "yaml", "version": version, "text": text});
        self.tell("textDocument/didOpen", json!({"textDocument": document}));
        let at = self.behind("rules/export.yml", text, needle);
        let items = self.ask("textDocument/completion", at)["items"].as_array().unwrap().clone();
        items.iter().map(|it| it["label"].as_str().unwrap().to_owned()).collect()
    }

    #[track_caller]
    fn definition(&mut self, file: &str, text: &str, needle: &str) -> String {
        let at = self.behind(file, text, needle);
        let found = self.ask("textDocument/definition", at);
        let name = found["uri"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        format!("{name}:{}", found["range"]["start"]["line"])
    }

    fn end(mut self) {
        assert_eq!(self.ask("shutdown", Json::Null), Json::Null);
        self.tell("exit", Json::Null);
        self.to = None;
        assert!(self.server.wait().unwrap().success());
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn messages(diagnostics: &[Json]) -> Vec<&str> {
    diagnostics.iter().map(|it| it["message"].as_str().unwrap()).collect()
}

#[test]
fn problems_of_unsaved_texts_come_with_code_and_place_and_go_again() {
    let mut editor = Editor::start("problems");
    let broken = RULES.replace("action|startswith", "action|startwith");
    let problems = editor.write("rules/export.yml", &broken);
    let unknown = problems.iter().find(|it| it["code"] == "NJ0301").unwrap_or_else(|| panic!("{problems:#?}"));
    assert_eq!(unknown["range"]["start"], json!({"line": 8, "character": 4}));
    assert_eq!((&unknown["severity"], &unknown["source"]), (&json!(1), &json!("nightjar")));
    assert!(unknown["message"].as_str().unwrap().contains("did you mean `startswith`?"), "{unknown}");
    // The correlation over a rule that does not load is told about in the same breath.
    assert!(problems.len() > 1, "{problems:#?}");
    let problems = editor.write("rules/export.yml", RULES);
    assert!(problems.iter().all(|it| it["severity"] != 1), "{problems:#?}");
    editor.end();
}

#[test]
fn a_fix_is_offered_where_one_is_safe() {
    let mut editor = Editor::start("fix");
    let text = RULES.replace("actor.id|expand: '%watched%'", "source.ip|cidr: 10.1.2.3/8");
    let problems = editor.write("rules/export.yml", &text);
    let useless = problems.iter().find(|it| it["code"] == "NJ0313").unwrap_or_else(|| panic!("{problems:#?}"));
    let uri = editor.uri("rules/export.yml");
    let params = json!({"textDocument": {"uri": uri}, "range": useless["range"], "context": {"diagnostics": []}});
    let actions = editor.ask("textDocument/codeAction", params);
    let edits = &actions[0]["edit"]["changes"][&uri];
    assert_eq!((&actions[0]["kind"], &edits[0]["newText"]), (&json!("quickfix"), &json!("10.0.0.0/8")), "{actions:#}");
    assert_eq!(edits[0]["range"]["start"], json!({"line": 9, "character": 20}), "{actions:#}");
    editor.end();
}

#[test]
fn what_was_meant_is_offered_in_the_place_of_what_was_typed() {
    let mut editor = Editor::start("meant");
    let uri = editor.uri("rules/export.yml");
    for (code, line, typed, new_text, columns) in
        [("NJ0301", 8, "    action|startwith:", "startswith", 11..20), ("NJ0503", 23, "    - exprt\n", "export", 6..11)]
    {
        let text = RULES.replace(&typed.replace("exprt", "export").replace("startwith", "startswith"), typed);
        let problems = editor.write("rules/export.yml", &text);
        let Some(problem) = problems.iter().find(|it| it["code"] == code) else { panic!("{code} {problems:#?}") };
        let params = json!({"textDocument": {"uri": uri}, "range": problem["range"], "context": {"diagnostics": []}});
        let actions = editor.ask("textDocument/codeAction", params);
        let edit = &actions[0]["edit"]["changes"][&uri][0];
        assert_eq!((&edit["newText"], &actions[0]["isPreferred"]), (&json!(new_text), &json!(false)), "{actions:#}");
        let range = json!({"start": {"line": line, "character": columns.start}, "end": {"line": line, "character": columns.end}});
        assert_eq!(edit["range"], range);
    }
    editor.end();
}

#[test]
fn words_explain_themselves() {
    let mut editor = Editor::start("hover");
    editor.write("rules/export.yml", RULES);
    assert!(editor.hover(RULES, "actor.i").contains("Who acted"));
    assert!(!editor.hover(RULES, "    acti").contains("(github)"), "of other sources nothing is told");
    assert!(editor.hover(RULES, "product: night").contains("`--source native`"));
    let pattern = RULES.replace("exports and not small", "1 of ex*");
    editor.write("rules/export.yml", &pattern);
    assert!(editor.hover(&pattern, "1 of ex").contains("`exports`"));
    editor.write("rules/export.yml", RULES);
    assert!(editor.hover(RULES, "action|starts").contains("the text starts with the value"));
    assert!(editor.hover(RULES, "attack.t1567").contains("Exfiltration Over Web Service: Exfiltration to Cloud Storage"));
    assert!(editor.hover(RULES, "%watch").contains("2 entries") && editor.hover(RULES, "%watch").contains("- `ana`"));
    assert!(editor.hover(RULES, "    - expo").contains("**export** (rule, high)\n\nExport"));
    assert!(editor.hover(RULES, "and not sma").contains("detail.rows|lt: 10"));
    assert!(editor.hover(RULES, "event_cou").contains("How many events match"));
    assert!(editor.hover(RULES, "level: hi").contains("looked at promptly"));
    let computed = RULES.replace("actor.id|expand: '%watched%'", "nj.chain.targets|gte: 4");
    editor.write("rules/export.yml", &computed);
    assert!(editor.hover(&computed, "nj.chain.targ").contains("at least two of these steps"));
    editor.end();
}

#[test]
fn what_fits_is_proposed_in_texts_that_are_broken() {
    let mut editor = Editor::start("completion");
    let item = |line: &str| RULES.replace("    action|startswith: export\n", &format!("    {line}\n"));
    assert_eq!(editor.proposals(&item("sho"), "    sho"), ["actor.shoe_size"], "the beginning of a part is enough");
    let proposals = editor.proposals(&item("actor."), "    actor.");
    assert!(proposals.contains(&"actor.shoe_size".to_owned()), "seen in the page: {proposals:?}");
    assert!(proposals.contains(&"actor.tz".to_owned()), "documented: {proposals:?}");
    assert!(!proposals.contains(&"userIdentity.arn".to_owned()), "of another source: {proposals:?}");
    assert_eq!(editor.proposals(&item("action|ends"), "action|ends"), ["endswith"]);
    assert!(!editor.proposals(&item("action|cased|"), "action|cased|").contains(&"cased".to_owned()));
    assert_eq!(editor.proposals(&item("action: "), "    action: "), ["export.all"]);
    assert_eq!(editor.proposals(&item("actor.id|expand: "), "id|expand: "), ["%watched%"]);
    assert_eq!(editor.proposals(&item("outcome: den"), "outcome: den"), ["denied"]);
    assert_eq!(editor.proposals(&item("action|contains|"), "action|contains|").first().unwrap(), "all");
    assert!(!editor.proposals(&item("action|contains|"), "action|contains|").contains(&"endswith".to_owned()));
    let computed = editor.proposals(&item("nj."), "    nj.");
    assert!(computed.contains(&"nj.ticket.verdict".to_owned()), "{computed:?}");
    assert!(computed.contains(&"nj.rate.export.1h.p_self".to_owned()), "each name as it is written: {computed:?}");
    assert!(computed.contains(&"nj.chain.targets".to_owned()), "{computed:?}");
    assert_eq!(editor.proposals(&item("nj.ticket.verdict: wrong_a"), "verdict: wrong_a"), ["wrong_agent"]);
    let group = RULES.replace("    - actor.id\n  timespan", "    - user\n  timespan");
    assert_eq!(editor.proposals(&group, "    - user"), [""; 0], "the rule that it counts sees native events");
    let several = RULES.replace("  small:", "  sel_a:\n    a: b\n  sel_b:").replace("exports and not small", "1 of s");
    assert_eq!(editor.proposals(&several, "1 of s"), ["sel_*"]);
    assert_eq!(editor.proposals(&several.replace("1 of s", "1 of "), "1 of "), ["sel_*", "them"]);
    let condition = RULES.replace("exports and not small", "exports and sm");
    assert_eq!(editor.proposals(&condition, "exports and sm"), ["small"]);
    let rules = RULES.replace("    - export\n", "    - ex\n");
    assert_eq!(editor.proposals(&rules, "    - ex"), ["export", "many_exports"]);
    let tags = RULES.replace("  - attack.t1567.002", "  - attack.t1098.0");
    assert!(editor.proposals(&tags, "attack.t1098.0").contains(&"attack.t1098.003".to_owned()));
    assert_eq!(editor.proposals(&RULES.replace("level: high\n---", "level: crit\n---"), "level: crit"), ["critical"]);
    let keys = editor.proposals(&RULES.replace("level: high\n---", "fa\n---"), "\nfa");
    assert_eq!(keys, ["falsepositives"]);
    assert_eq!(editor.proposals("correlation:\n  type: temporal_\n", "temporal_"), ["temporal_ordered"]);
    assert_eq!(editor.proposals(&RULES.replace("    gte: 3\n", "    perc\n"), "    perc"), ["percentile"]);
    let condition = RULES.replace("  condition:\n    gte: 3\n", "  condition: not exp\n");
    assert_eq!(editor.proposals(&condition, "not exp"), ["export"], "a rule of the correlation");
    assert_eq!(editor.proposals(&format!("{RULES}nightjar:\n  sess\n"), "\n  sess"), ["session_gap"]);
    editor.end();
}

#[test]
fn names_lead_to_what_they_name() {
    let mut editor = Editor::start("definition");
    let (rule, page) = ("rules/export.yml", "rules/export.md");
    editor.write(rule, RULES);
    assert_eq!(editor.definition(rule, RULES, "    - exp"), "export.yml:1");
    assert_eq!(editor.definition(rule, RULES, "and not sma"), "export.yml:10");
    assert_eq!(editor.definition(rule, RULES, "%watch"), "watched.txt:0");
    assert_eq!(editor.definition(rule, RULES, "title: Exp"), "export.md:0");
    assert_eq!(editor.definition(page, PAGE, "ana exp"), "export.yml:1");
    assert_eq!(editor.definition(page, PAGE, "# Fir"), "export.yml:0");
    editor.end();
}

#[test]
fn files_are_outlined() {
    let mut editor = Editor::start("symbols");
    let uri = editor.uri("rules/export.yml");
    let symbols = editor.ask("textDocument/documentSymbol", json!({"textDocument": {"uri": uri}}));
    let name = |it: &Json| it["name"].as_str().unwrap().to_owned();
    let names: Vec<String> = symbols.as_array().unwrap().iter().map(name).collect();
    assert_eq!(names, ["export", "many_exports"]);
    let children: Vec<String> = symbols[0]["children"].as_array().unwrap().iter().map(name).collect();
    assert_eq!(children, ["exports", "small", "condition"]);
    let uri = editor.uri("rules/export.md");
    let symbols = editor.ask("textDocument/documentSymbol", json!({"textDocument": {"uri": uri}}));
    assert_eq!(name(&symbols[0]), "Fires");
    editor.end();
}

#[test]
fn nothing_that_is_typed_or_asked_ends_the_server() {
    let mut editor = Editor::start("broken");
    for end in (0..RULES.len()).step_by(7) {
        let text = format!("{}\u{1d11e}", &RULES[..end]);
        let uri = editor.uri("rules/export.yml");
        editor.version += 1;
        let document = json!({"uri": uri, "languageId": "yaml", "version": editor.version, "text": text});
        editor.tell("textDocument/didOpen", json!({"textDocument": document}));
        let last = text.lines().count() - 1;
        for (line, character) in [(last, 0), (last, 3), (last, 99), (last + 7, 2)] {
            let at = json!({"textDocument": {"uri": uri}, "position": {"line": line, "character": character}});
            for method in ["textDocument/hover", "textDocument/completion", "textDocument/definition"] {
                editor.ask(method, at.clone());
            }
        }
        editor.ask("textDocument/documentSymbol", json!({"textDocument": {"uri": uri}}));
    }
    let wrong = serde_json::to_value(editor.answer("textDocument/hover", json!({"position": 7}))).unwrap();
    assert_eq!(wrong["error"]["code"], -32602);
    let unknown = serde_json::to_value(editor.answer("textDocument/sing", json!({}))).unwrap();
    assert_eq!(unknown["error"]["code"], -32601);
    editor.end();
}

#[test]
fn an_editor_that_just_goes_away_is_no_error() {
    let mut editor = Editor::start("gone");
    editor.to = None;
    assert!(editor.server.wait().unwrap().success());
}

#[test]
fn files_that_change_on_disk_are_read_again() {
    let mut editor = Editor::start("disk");
    let text = RULES.replace("%watched%", "%others%");
    let problems = editor.write("rules/export.yml", &text);
    assert!(messages(&problems).iter().any(|it| it.contains("others")), "{problems:#?}");
    fs::write(Path::new(&editor.folder).join("rules/context/others.txt"), "cy\n").unwrap();
    editor.tell("workspace/didChangeWatchedFiles", json!({"changes": []}));
    let (uri, version) = (editor.uri("rules/export.yml"), editor.version);
    let problems = editor.diagnostics(&uri, version);
    assert!(!messages(&problems).iter().any(|it| it.contains("others")), "{problems:#?}");
    editor.end();
}

#[test]
fn garbage_in_the_pipe_is_answered_and_the_server_goes_on() {
    let mut editor = Editor::start("garbage");
    for (garbage, code) in [
        ("Content-Length: 4\r\n\r\n{no}", -32700),
        ("Content-Length: 2\r\n\r\n[]", -32600),
        ("Content-Length: many\r\n\r\n", -32700),
    ] {
        editor.to.as_mut().unwrap().write_all(garbage.as_bytes()).unwrap();
        let told = editor.raw();
        assert_eq!((&told["error"]["code"], &told["id"]), (&json!(code), &Json::Null), "{garbage}");
    }
    assert!(editor.write("rules/export.yml", &RULES.replace("action|startswith", "action|startwith")).len() > 1);
    editor.end();
}

#[test]
fn a_message_longer_than_the_memory_ends_with_the_editor() {
    let mut editor = Editor::start("long");
    editor.to.as_mut().unwrap().write_all(b"Content-Length: 999999999999\r\n\r\n{}").unwrap();
    editor.to = None;
    assert!(editor.server.wait().unwrap().success());
}

#[test]
fn after_shutdown_nothing_is_answered_and_an_exit_without_it_is_a_failure() {
    let mut editor = Editor::start("shutdown");
    editor.ask("shutdown", Json::Null);
    let late = serde_json::to_value(editor.answer("textDocument/hover", json!({}))).unwrap();
    assert_eq!(late["error"]["code"], -32600);
    editor.tell("exit", Json::Null);
    assert!(editor.server.wait().unwrap().success());
    let mut editor = Editor::start("no-shutdown");
    editor.tell("exit", Json::Null);
    assert_eq!(editor.server.wait().unwrap().code(), Some(1));
}

#[test]
fn exceptions_are_checked_and_no_rules() {
    let mut editor = Editor::start("exceptions");
    let file = "rules/context/exceptions.yml";
    fs::write(editor.folder.join(file), "[]\n").unwrap();
    editor.tell("workspace/didChangeWatchedFiles", json!({"changes": []}));
    let text = "- id: a\n  rule: exprt\n  reason: r\n  author: o\n  until: 2020-01-01\n";
    let problems = editor.write(file, text);
    let codes: Vec<&str> = problems.iter().map(|it| it["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"NJ0554") && codes.contains(&"NJ0555"), "{problems:#?}");
    assert!(messages(&problems).iter().any(|it| it.contains("did you mean `export`?")), "{problems:#?}");
    editor.end();
}

#[test]
fn a_page_without_a_rule_beside_it_is_a_document_of_somebody_else() {
    let mut editor = Editor::start("prose");
    fs::create_dir_all(editor.folder.join("docs")).unwrap();
    assert_eq!(editor.write("docs/guide.md", PAGE), Vec::<Json>::new());
    editor.end();
}
