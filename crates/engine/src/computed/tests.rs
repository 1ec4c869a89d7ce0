use super::note::{join, split};
use super::{Field, noted};
use crate::book::Rulebook;
use crate::context::{self, Context, File, Taxonomy};
use crate::decode::{Lines, pad};
use crate::pipeline::{Pipeline, Settings};
use crate::reader::Plausible;
use model::{EventTime, SourceMapping};
use sigma::computed;
use sigma::lists::Lists;
use sigma::parse::parse_all;
use std::sync::Arc;

#[test]
fn the_list_of_fields_and_what_computes_them_agree() {
    let mut listed: Vec<&str> = computed::names().iter().map(|(name, _)| name.as_str()).collect();
    let mut computed: Vec<&str> = Field::all().map(Field::name).collect();
    computed.sort_unstable();
    listed.sort_unstable();
    assert_eq!(computed, listed);
}

fn book(rules: &str) -> Rulebook {
    let loaded = parse_all([("rules.yml".to_owned(), rules.to_owned())], &Lists::default());
    let mut problems = loaded.problems;
    let book = Rulebook::compile(loaded.documents, &[SourceMapping::built_in("native").unwrap()], &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    book
}

/// The alerts that a rule with this detection and these fields to be shown makes of some events.
fn alerts(detection: &str, fields: &str, events: &str) -> Vec<model::Alert> {
    let head = "title: T\nname: t\nid: 0b9c2790-1852-4a7e-9531-6dc2fad3b8c6\nstatus: stable\nlevel: high\nlogsource: {product: nightjar}\n";
    let book = book(&format!("{head}fields: [{fields}]\ndetection:\n  s:\n    {detection}\n  condition: s\n"));
    let latest = EventTime::parse("2100-01-01T00:00:00Z").unwrap();
    let mut pipeline = Pipeline::new(book, 0, &Settings::new(Plausible::until(latest)));
    let mut bytes = events.as_bytes().to_vec();
    let payload = pad(&mut bytes);
    let mut alerts = Vec::new();
    pipeline.score(&mut Lines::new(&bytes, payload).unwrap(), &mut alerts, |it| panic!("{it:?}"));
    alerts.into_iter().map(|it| it.alert).collect()
}

const RESET: &str = r#"{"time":"2026-03-02T10:00:00Z","actor":{"id":"ana"},"action":"password.reset","target":{"id":"1"}}"#;

#[test]
fn a_rule_reads_what_was_computed_and_its_alert_shows_it() {
    let alerts = alerts("nj.family: credential_change", "nj.sensitive, nj.sensitivity, actor.id", RESET);
    assert_eq!(alerts.len(), 1);
    let shown: Vec<String> = alerts[0].evidence.iter().map(|it| format!("{}={}", it.field, it.value)).collect();
    assert_eq!(shown, ["nj.family=\"credential_change\"", "nj.sensitive=true", "nj.sensitivity=\"high\"", "actor.id=\"ana\""]);
}

#[test]
fn an_alert_has_the_identifier_of_the_event_as_it_came() {
    let alerts = alerts("nj.sensitive: true", "actor.id", RESET);
    assert_eq!(alerts[0].events, [model::extract::derived_id(RESET)]);
}

#[test]
fn an_event_does_not_vouch_for_itself() {
    let lying = RESET.replace("\"actor\"", r#""nj":{"family":"view"},"nj.family":"view","actor""#);
    assert_eq!(alerts("nj.family: view", "", &lying).len(), 0);
    assert_eq!(alerts("nj.family: credential_change", "", &lying).len(), 1);
}

#[test]
fn fields_that_no_rule_reads_are_not_computed() {
    let book = book(
        "title: T\nid: 0b9c2790-1852-4a7e-9531-6dc2fad3b8c6\nlevel: low\nstatus: stable\nlogsource: {product: nightjar}\ndetection:\n  s:\n    action: a\n  condition: s\n",
    );
    assert!(book.computed[0].is_empty());
}

#[test]
fn what_was_noted_is_read_again() {
    let mut line = String::new();
    join("{}", "\u{1f}nj.a=btrue\u{1f}nj.b=n12\u{1f}nj.c=ta=\"b", &mut line);
    let (event, notes) = split(&line);
    let notes: Vec<(&str, String)> = notes.map(|it| (it.name, it.value.to_json().to_string())).collect();
    assert_eq!(event, "{}");
    assert_eq!(notes, [("nj.a", "true".to_owned()), ("nj.b", "12".to_owned()), ("nj.c", "\"a=\\\"b\"".to_owned())]);
    assert_eq!(split("{}").1.count(), 0);
    let mut out = String::new();
    noted(&[], &[], &mut out);
    assert_eq!(out, "");
}

const LOOK: &str = r#"{"time":"2026-03-02T10:00:00Z","actor":{"id":"ana"},"action":"account.lookup","target":{"id":"1"},"justification":{"ticket":"CS-1"}}"#;

/// A pipeline with a rule for each verdict of tickets, and a context of one table.
fn verdicts(tickets: &str) -> (Rulebook, Pipeline) {
    let rule = |verdict: &str| {
        format!(
            "title: T\nname: {verdict}\nlevel: high\nlogsource: {{product: nightjar}}\nfields: [nj.ticket.targets]\ndetection:\n  s:\n    nj.ticket.verdict: {verdict}\n  condition: s\n"
        )
    };
    let rules: Vec<String> = computed::TICKET_VERDICTS.iter().map(|it| rule(it)).collect();
    let loaded = parse_all([("rules.yml".to_owned(), rules.join("---\n"))], &Lists::default());
    let book = Rulebook::compile(loaded.documents, &[SourceMapping::built_in("native").unwrap()], &mut Vec::new());
    let book = book.with_context(known(tickets));
    let latest = EventTime::parse("2100-01-01T00:00:00Z").unwrap();
    (book.clone(), Pipeline::new(book, 0, &Settings::new(Plausible::until(latest))))
}

fn known(tickets: &str) -> Arc<Context> {
    let files = [File::new("tickets.csv", format!("id,targets,assignee,opened\n{tickets}\n"))];
    Arc::new(context::load(&files, Taxonomy::default()).context)
}

fn names(pipeline: &mut Pipeline, events: &str) -> Vec<String> {
    let mut bytes = events.as_bytes().to_vec();
    let payload = pad(&mut bytes);
    let mut alerts = Vec::new();
    pipeline.score(&mut Lines::new(&bytes, payload).unwrap(), &mut alerts, |it| panic!("{it:?}"));
    alerts.into_iter().map(|it| it.alert.rule.name.clone()).collect()
}

#[test]
fn another_context_is_in_force_from_the_next_event() {
    let (book, mut pipeline) = verdicts("CS-1,1,ana,2026-03-01");
    assert_eq!(names(&mut pipeline, LOOK), ["ok"]);
    pipeline.adopt(book.with_context(known("CS-1,1,ben,2026-03-01")));
    assert_eq!(names(&mut pipeline, LOOK), ["wrong_agent"]);
}

#[test]
fn what_tickets_were_used_for_is_saved_and_restored() {
    let (_, mut pipeline) = verdicts("CS-1,,ana,2026-03-01");
    let look = |target: u8| LOOK.replace("\"1\"", &format!("\"{target}\""));
    assert_eq!(names(&mut pipeline, &[look(1), look(2), look(3), look(1)].join("\n")), ["ok"; 4]);
    let (_, mut restored) = verdicts("CS-1,,ana,2026-03-01");
    restored.restore(&pipeline.snapshot()).unwrap();
    for pipeline in [&mut pipeline, &mut restored] {
        assert_eq!(names(pipeline, &[look(4), look(5)].join("\n")), ["reused"; 2]);
    }
}

#[test]
fn without_tables_only_what_an_event_tells_is_said() {
    let (book, mut pipeline) = verdicts("CS-1,1,ana,2026-03-01");
    pipeline.adopt(book.with_context(Arc::default()));
    assert_eq!(names(&mut pipeline, LOOK), [""; 0]);
    assert_eq!(names(&mut pipeline, &LOOK.replace("CS-1", " ")), ["missing"]);
    // Service accounts and actions that need none are not asked for tickets.
    assert_eq!(names(&mut pipeline, &LOOK.replace("CS-1", "").replace("\"ana\"", "\"svc\",\"type\":\"service\"")), [""; 0]);
    assert_eq!(names(&mut pipeline, &LOOK.replace("CS-1", "").replace("account.lookup", "login")), [""; 0]);
}

#[test]
fn a_ticket_that_is_not_needed_is_judged_where_the_action_may_do_harm() {
    let (_, mut pipeline) = verdicts("CS-1,1,ben,2026-03-01");
    let mut of = |action: &str, ticket: &str| names(&mut pipeline, &LOOK.replace("account.lookup", action).replace("CS-1", ticket));
    assert_eq!(of("prod.command", "CS-1"), ["wrong_agent"]);
    assert_eq!(of("prod.command", ""), [""; 0]);
    assert_eq!(of("ticket.close", "CS-1"), [""; 0]);
}

#[test]
fn an_event_that_is_computed_again_is_counted_once() {
    let (_, mut pipeline) = verdicts("CS-1,,ana,2026-03-01");
    let look = |target: u8| {
        LOOK.replace("\"1\"", &format!("\"{target}\"")).replace("{\"time\"", &format!("{{\"id\":\"e{target}\",\"time\""))
    };
    let twice = [look(1), look(1), look(2), look(2), look(3), look(3)].join("\n");
    assert_eq!(names(&mut pipeline, &twice), ["ok"; 3]);
}

#[test]
fn the_fields_of_profiles_are_those_that_rules_are_relaxed_by() {
    for field in super::Field::all() {
        assert_eq!(computed::is_of_profile(field.name()), field.is_habit(), "{}", field.name());
    }
}
