//! The cases of `tests/conformance`, each through the whole engine; `tests/conformance/README.md` says how they are written.

use crate::support::{files, root, score};
use crate::yaml;
use engine::explain::{Lens, explain};
use engine::{Pipeline, Plausible, Rulebook, Settings};
use model::{EventTime, LogSource, SourceMapping};
use serde_json::{Map, Value as Json, json};
use sigma::ast::Document;
use sigma::lists::Lists;
use sigma::matcher::Clock;
use sigma::page::EventLine;
use sigma::parse::parse_all;
use std::collections::BTreeSet;

/// Keys that a case may have.
const KEYS: [&str; 15] = [
    "case",
    "spec",
    "reading",
    "detection",
    "documents",
    "lists",
    "timezone",
    "source",
    "logsource",
    "logsources",
    "matches",
    "ignores",
    "events",
    "fires",
    "refused",
];
/// The least number of cases; fewer means that files are missing.
const LEAST: usize = 150;

struct Case {
    map: Map<String, Json>,
}

/// A case that went wrong, and how.
type Wrong = String;

impl Case {
    fn name(&self) -> &str {
        self.map.get("case").and_then(Json::as_str).unwrap_or("a case without a name")
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.map.get(key).and_then(Json::as_str)
    }

    fn list(&self, key: &str) -> &[Json] {
        self.map.get(key).and_then(Json::as_array).map_or(&[], Vec::as_slice)
    }

    /// The Sigma documents, as text.
    fn documents(&self) -> String {
        if let Some(text) = self.text("documents") {
            return text.to_owned();
        }
        let detection = self.map.get("detection").cloned().unwrap_or_default();
        let id = "5e2a3f0c-5d0c-4b43-8f0a-1f2f3e4d5c6b";
        json!({"title": "T", "name": "rule", "id": id, "level": "low", "logsource": {"product": "any"}, "detection": detection})
            .to_string()
    }

    fn lists(&self) -> Lists {
        let mut lists = Lists::default();
        for (name, entries) in self.map.get("lists").and_then(Json::as_object).into_iter().flatten() {
            let entries = entries.as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned());
            lists.insert(name.as_str(), entries.collect());
        }
        lists
    }

    fn mapping(&self) -> SourceMapping {
        let mut mapping = SourceMapping::built_in(self.text("source").unwrap_or("raw")).unwrap();
        if let Some(source) = self.map.get("logsource") {
            mapping.logsource = serde_json::from_value::<LogSource>(source.clone()).unwrap();
        }
        if let Some(routes) = self.map.get("logsources") {
            mapping.logsources = serde_json::from_value(routes.clone()).unwrap();
        }
        mapping
    }

    fn clock(&self) -> Clock {
        self.text("timezone").map_or_else(Clock::default, |it| Clock::with_default(it).unwrap())
    }

    /// Runs the case.
    fn run(&self) -> Result<(), Wrong> {
        if let Some(unknown) = self.map.keys().find(|it| !KEYS.contains(&it.as_str())) {
            return Err(format!("`{unknown}` is no key of a case"));
        }
        let loaded = parse_all([("rule.yml".to_owned(), self.documents())], &self.lists());
        let mut problems = loaded.problems;
        let mapping = self.mapping();
        let book = Rulebook::compile(loaded.documents.clone(), std::slice::from_ref(&mapping), &mut problems);
        let errors: Vec<String> = problems.iter().filter(|it| it.is_error()).map(ToString::to_string).collect();
        if self.map.get("refused").is_some_and(|it| *it == json!(true)) {
            return if errors.is_empty() { Err("it loads".to_owned()) } else { Ok(()) };
        }
        if !errors.is_empty() {
            return Err(format!("it is refused: {}", errors.join("; ")));
        }
        if self.map.contains_key("events") {
            return self.fires(&book);
        }
        let [matches, ignores] = ["matches", "ignores"].map(|it| self.list(it));
        if matches.is_empty() && ignores.is_empty() {
            return Err("it has no events".to_owned());
        }
        let explained = loaded.documents.iter().find_map(|it| if let Document::Rule(rule) = it { Some(rule) } else { None });
        for (event, wanted) in matches.iter().map(|it| (it, true)).chain(ignores.iter().map(|it| (it, false))) {
            let fired = !alerts(&mut self.pipeline(&book), event)?.is_empty();
            if fired != wanted {
                return Err(format!("{} {event}", if wanted { "it ignores" } else { "it matches" }));
            }
            // Filters are laid on a set, not on a document.
            if let Some(rule) = explained.filter(|_| book.set.rules.len() == 1 && book.set.rules[0].filters.is_empty()) {
                let lens = Lens { mapping: &mapping, clock: &self.clock(), context: &book.context };
                let explanation = explain(rule, &line(event), lens).map_err(|it| it.to_string())?;
                if explanation.matches != wanted {
                    return Err(format!("the explanation of {event} says otherwise than the engine"));
                }
            }
        }
        Ok(())
    }

    fn pipeline(&self, book: &Rulebook) -> Pipeline {
        let mut settings = Settings::new(Plausible::until(EventTime::parse("2100-01-01T00:00:00Z").unwrap()));
        settings.clock = self.clock();
        Pipeline::new(book.clone(), 0, &settings)
    }

    /// Events in a row, and which rules fire on which of them.
    fn fires(&self, book: &Rulebook) -> Result<(), Wrong> {
        let mut pipeline = self.pipeline(book);
        let mut fired = BTreeSet::new();
        for (at, event) in self.list("events").iter().enumerate() {
            let rules = match wait_ms(event) {
                Some(ms) => wait(&mut pipeline, ms),
                None => alerts(&mut pipeline, event)?,
            };
            fired.extend(rules.into_iter().map(|rule| (at + 1, rule)));
        }
        let wanted: BTreeSet<(usize, String)> = (self.list("fires").iter())
            .map(|it| (usize::try_from(it[0].as_u64().unwrap()).unwrap(), it[1].as_str().unwrap().to_owned()))
            .collect();
        if fired == wanted { Ok(()) } else { Err(format!("expected {wanted:?}, found {fired:?}")) }
    }
}

/// The names of the rules that alert on an event.
fn alerts(pipeline: &mut Pipeline, event: &Json) -> Result<Vec<String>, Wrong> {
    let line = line(event);
    let (alerts, rejects) = score(pipeline, line.as_bytes());
    match rejects.first() {
        Some(reject) => Err(format!("{line} is no event: {reject}")),
        None => Ok(alerts.into_iter().map(|it| it.alert.rule.name.clone()).collect()),
    }
}

/// How long an event `wait 20m` waits.
fn wait_ms(event: &Json) -> Option<i64> {
    EventLine { line: 1, text: event.as_str()?.to_owned() }.wait_ms()
}

/// The names of the rules that alert when so long nothing comes.
fn wait(pipeline: &mut Pipeline, ms: i64) -> Vec<String> {
    let mut alerts = Vec::new();
    pipeline.wait(ms, &mut alerts);
    alerts.into_iter().map(|it| it.alert.rule.name.clone()).collect()
}

/// The line of an event; one given as text is a line as it stands.
fn line(event: &Json) -> String {
    event.as_str().map_or_else(|| event.to_string(), str::to_owned)
}

fn cases() -> Vec<(String, Case)> {
    let mut cases = Vec::new();
    for path in files(&root().join("tests/conformance"), "yaml") {
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        let documents = yaml::documents(&std::fs::read_to_string(&path).unwrap()).unwrap_or_else(|it| panic!("{file}: {it}"));
        for case in documents.iter().flat_map(|it| it.as_array().unwrap()) {
            cases.push((file.clone(), Case { map: case.as_object().unwrap().clone() }));
        }
    }
    cases
}

#[test]
fn every_conformance_case_gives_what_it_says() {
    let cases = cases();
    let wrong: Vec<String> = (cases.iter())
        .filter_map(|(file, case)| case.run().err().map(|wrong| format!("{file}: {}: {wrong}", case.name())))
        .collect();
    eprintln!("{} of {} conformance cases pass", cases.len() - wrong.len(), cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases.len() >= LEAST, "{} cases", cases.len());
}

#[test]
fn every_conformance_case_has_a_name_of_its_own_and_a_place_in_the_specification() {
    let cases = cases();
    let mut names = BTreeSet::new();
    for (file, case) in &cases {
        assert!(names.insert(case.name()), "{file}: two cases are called `{}`", case.name());
        assert!(case.text("spec").is_some(), "{file}: {}: no `spec`", case.name());
    }
}

/// The modifiers of specification 2.1.
const MODIFIERS: [&str; 31] = [
    "all",
    "base64",
    "base64offset",
    "cased",
    "cidr",
    "contains",
    "day",
    "endswith",
    "exists",
    "expand",
    "fieldref",
    "gt",
    "gte",
    "hour",
    "i",
    "lt",
    "lte",
    "m",
    "minute",
    "month",
    "neq",
    "re",
    "s",
    "startswith",
    "utf16",
    "utf16be",
    "utf16le",
    "week",
    "wide",
    "windash",
    "year",
];

#[test]
fn every_modifier_has_a_conformance_case() {
    let cases = cases();
    let texts: Vec<String> = cases.iter().map(|(_, it)| Json::Object(it.map.clone()).to_string()).collect();
    for modifier in MODIFIERS {
        let is_used = |it: &String| it.contains(&format!("|{modifier}\"")) || it.contains(&format!("|{modifier}|"));
        assert!(texts.iter().any(is_used), "no case uses `|{modifier}`");
    }
}

#[test]
fn every_case_that_the_reference_points_to_is_there() {
    let text = std::fs::read_to_string(root().join("docs/sigma.md")).unwrap();
    let cases = cases();
    let names: BTreeSet<&str> = cases.iter().map(|(_, it)| it.name()).collect();
    let mut pointed = 0;
    // `[case: a name](../tests/conformance/file.yaml)`
    for link in text.split("[case: ").skip(1) {
        let (name, rest) = link.split_once("](").unwrap();
        let file = rest.split_once(')').unwrap().0.strip_prefix("../tests/conformance/").unwrap();
        let is_there = cases.iter().any(|(of, case)| of == file && case.name() == name);
        assert!(is_there, "docs/sigma.md points to `{name}` in {file}; there are {names:?}");
        pointed += 1;
    }
    let readings = cases.iter().filter(|(_, it)| it.map.contains_key("reading"));
    for (file, case) in readings {
        assert!(text.contains(&format!("[case: {}](../tests/conformance/{file})", case.name())), "docs/sigma.md: {}", case.name());
        pointed += 1;
    }
    assert!(pointed > 0);
}
