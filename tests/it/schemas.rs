//! The JSON schemas of the Sigma specification and our checker say the same of documents, or the difference is in a table with its reason.

use crate::sigmahq;
use crate::support::{corpus, files, root};
use crate::yaml;
use jsonschema::Validator;
use serde_json::{Value as Json, json};
use sigma::lint::{Input, check};
use sigma::lists::Lists;
use sigma::parse::parse_file;
use sigma::problem::{Code, Problem};
use std::collections::BTreeMap;

/// Problems that the schemas can't see, because they don't look there.
const BEYOND: [(Code, &str); 41] = [
    (Code::DuplicateKey, "a schema sees what a reader of YAML made of the text, and some keep the last of two"),
    (Code::MergeKey, "a schema sees what a reader of YAML made of the text"),
    (Code::MissingId, "an identifier is recommended, not required"),
    (Code::BadId, "`format: uuid` is an annotation in this draft, and the description says \"recommended\""),
    (Code::MissingLevel, "a level is optional"),
    (Code::EmptyLogSource, "no part of a log source is required"),
    (Code::SeveralKinds, "each schema is for one kind and does not forbid the others' keys"),
    (Code::Timeframe, "selections may be called anything"),
    (Code::NoSelection, "a detection is only required to have a condition"),
    (Code::ConditionSyntax, "a condition is any text"),
    (Code::UnknownSelection, "a condition is any text"),
    (Code::PatternMatchesNone, "a condition is any text"),
    (Code::Aggregation, "a condition is any text"),
    (Code::UnusedSelection, "a condition is any text"),
    (Code::EmptySelection, "a selection is any map or list"),
    (Code::UnknownModifier, "keys of a selection are any texts"),
    (Code::ModifierConflict, "keys of a selection are any texts"),
    (Code::ModifierWithoutField, "keys of a selection are any texts"),
    (Code::EmptyValues, "values of a selection are anything"),
    (Code::UselessAll, "values of a selection are anything"),
    (Code::ExpandNothing, "values of a selection are anything"),
    (Code::UndefinedPlaceholder, "lists are the tool's"),
    (Code::NestedValue, "values of a selection are anything"),
    (Code::WrongType, "values of a selection are anything"),
    (Code::OutOfRange, "values of a selection are anything"),
    (Code::BadRegex, "values of a selection are anything"),
    (Code::BadNetwork, "values of a selection are anything"),
    (Code::CidrHostBits, "values of a selection are anything"),
    (Code::NotEncodable, "values of a selection are anything"),
    (Code::UnknownCorrelationKey, "other keys are not forbidden; a misspelled one must not be passed over"),
    (
        Code::MissingCorrelationKey,
        "the keyword `then` of `value_count` names its condition outside of `properties`, where it has no effect",
    ),
    (Code::BadTimespan, "a timespan is any text of at most ten characters; the text says a number and a unit"),
    (Code::BadThreshold, "the schema's `anyOf` has no `properties`, so that it takes any map"),
    (Code::BadCountedField, "the schema's `then` has no `properties`, so that a field is not required"),
    (Code::BadRuleList, "a rule list may be empty, and a text of any length is a name"),
    (Code::BadAlias, "an alias may name any rule"),
    (Code::UnusedAlias, "an alias may be called anything"),
    (Code::IncompleteAlias, "an alias may leave rules out"),
    (Code::BadFieldList, "a field may be the empty text"),
    (Code::NotSupported, "this version does not run it"),
    (Code::BadAction, "`action` is Sigma 1"),
];

/// Documents that a schema refuses and we take, by the name of the case in `taken`: what the text of the specification, or its
/// reference implementation, has besides the schema.
const TAKEN: [(&str, &str); 10] = [
    ("rule: a list of conditions", "the text: \"The condition can be a list\""),
    ("rule: a single keyword", "a list of one, as in lists of values"),
    ("rule: keywords that are booleans and fractions", "they are texts of the event as numbers are"),
    ("correlation: a single rule", "a list of one"),
    ("correlation: a single field to group by", "a list of one"),
    ("correlation: a long timespan", "ten characters are no limit of time"),
    ("filter: any rule", "`rules: any` is how the reference implementation names every rule"),
    ("filter: a single rule", "a list of one"),
    ("filter: selections of other names", "the reference implementation, and later schemas, take any names"),
    ("filter: keywords in a text", "a list of one"),
];

struct Schemas([(&'static str, Validator); 3]);

impl Schemas {
    fn read() -> Option<Self> {
        let read = |kind: &'static str, file: &str| {
            let text = std::fs::read_to_string(corpus(&format!("sigma/json-schema/{file}"))?).unwrap();
            Some((kind, jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()))
        };
        Some(Self([
            read("detection", "sigma-detection-rule-schema.json")?,
            read("correlation", "sigma-correlation-rules-schema.json")?,
            read("filter", "sigma-filters-schema.json")?,
        ]))
    }

    /// Whether a document is valid as what it is; `None` for one that is of no kind.
    fn takes(&self, document: &Json) -> Option<bool> {
        let (_, schema) = self.0.iter().find(|(kind, _)| document.get(kind).is_some())?;
        Some(schema.is_valid(document))
    }
}

fn lists() -> Lists {
    let mut lists = Lists::default();
    lists.insert("vips", vec!["usa".to_owned()]);
    lists.insert("leavers", vec!["eve".to_owned()]);
    lists
}

/// Lints of what the schemas say; the others are about style and sense.
const LINTS: [Code; 4] = [Code::BadDate, Code::DuplicateTag, Code::DuplicateReference, Code::BadRelated];

/// What we say of a document: what is beyond the schemas, and everything else.
fn problems(text: &str) -> (Vec<Problem>, Vec<Problem>) {
    let files = [("t.yml".to_owned(), text.to_owned())];
    let mut problems = parse_file("t.yml", text, &lists()).problems;
    let input = Input { files: &files, pages: None, lists: &lists(), list_files: &[], mappings: &[], now: None };
    problems.extend(check(&input).problems.into_iter().filter(|it| LINTS.contains(&it.code)));
    let is_beyond = |it: &Problem| BEYOND.iter().any(|(code, _)| *code == it.code);
    problems.into_iter().partition(is_beyond)
}

/// How schema and checker differ about a document: `None` if they agree.
fn difference(schemas: &Schemas, document: &Json, text: &str) -> Option<String> {
    let is_valid = schemas.takes(document)?;
    let (beyond, ours) = problems(text);
    match (is_valid, ours.is_empty()) {
        (true, false) => Some(format!("only we refuse it: {}", ours[0])),
        (false, true) if beyond.iter().all(|it| !it.is_error()) => Some("only the schema refuses it".to_owned()),
        _ => None,
    }
}

#[test]
fn the_schemas_and_the_checker_agree_on_every_rule_of_the_corpus() {
    let (Some(schemas), Some(rules)) = (Schemas::read(), sigmahq::rules()) else { return };
    let mut differences = Vec::new();
    let mut checked = 0;
    for (path, text) in &rules {
        for document in yaml::documents(text).unwrap() {
            checked += 1;
            differences.extend(difference(&schemas, &document, text).map(|it| format!("{path}: {it}")));
        }
    }
    assert_eq!((checked, differences), (3_780, Vec::<String>::new()));
}

const ID: &str = "3b1d5c7e-0f3a-4a67-8f58-4a3f0d8f2b11";

fn rule() -> Json {
    json!({
        "title": "T", "id": ID, "status": "stable", "level": "low", "logsource": {"product": "nightjar"},
        "detection": {"selection": {"a": 1}, "condition": "selection"},
    })
}

fn correlation() -> Json {
    json!({
        "title": "T", "id": ID, "level": "low",
        "correlation": {"type": "event_count", "rules": ["one"], "group-by": ["u"], "timespan": "1h", "condition": {"gte": 2}},
    })
}

fn filter() -> Json {
    json!({
        "title": "T", "id": ID, "logsource": {"product": "nightjar"},
        "filter": {"rules": ["one"], "selection": {"a": 1}, "condition": "not selection"},
    })
}

/// A good document with one thing changed: `null` takes the key away.
fn changed(mut document: Json, pointer: &str, value: Json) -> Json {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        parent.remove(key);
    } else {
        parent.insert(key.to_owned(), value);
    }
    document
}

/// What makes a correlation bad.
fn of_correlations() -> Vec<(&'static str, Json)> {
    vec![
        ("/correlation/type", Json::Null),
        ("/correlation/type", json!("event_sum")),
        ("/correlation/type", json!(1)),
        ("/correlation/rules", Json::Null),
        ("/correlation/rules", json!({"a": 1})),
        ("/correlation/rules", json!(["one", "one"])),
        ("/correlation/timespan", Json::Null),
        ("/correlation/timespan", json!(60)),
        ("/correlation/group-by", Json::Null),
        ("/correlation/group-by", json!(["u", "u"])),
        ("/correlation/condition", Json::Null),
        ("/correlation/condition", json!(["a"])),
        ("/correlation/condition", json!(5)),
        ("/correlation/aliases", json!("a")),
        ("/correlation/aliases", json!({"a": "b"})),
        ("/correlation", json!("a")),
        ("/correlation", json!(["a"])),
        ("/generate", json!("yes")),
    ]
}

/// What makes a filter bad.
fn of_filters() -> Vec<(&'static str, Json)> {
    vec![
        ("/logsource", Json::Null),
        ("/logsource", json!("windows")),
        ("/logsource/product", json!(1)),
        ("/filter/rules", Json::Null),
        ("/filter/rules", json!([])),
        ("/filter/rules", json!(["one", "one"])),
        ("/filter/rules", json!({"a": 1})),
        ("/filter/selection", Json::Null),
        ("/filter/condition", Json::Null),
        ("/filter/condition", json!(["not selection"])),
        ("/filter/condition", json!(1)),
        ("/filter", json!("a")),
        ("/filter", json!(["a"])),
    ]
}

/// Bad documents that both must refuse.
fn bad() -> Vec<(String, Json)> {
    let long = |length: usize| Json::from("x".repeat(length));
    let common = [
        ("/title", Json::Null),
        ("/title", json!(5)),
        ("/title", json!(["a"])),
        ("/title", long(257)),
        ("/id", json!(5)),
        ("/description", json!(5)),
        ("/description", json!(["a"])),
        ("/description", long(65_536)),
        ("/date", json!("2026/03/02")),
        ("/date", json!("2026-13-02")),
        ("/date", json!(2026)),
        ("/modified", json!("soon")),
        ("/modified", json!("2026-03-32")),
        ("/taxonomy", json!(1)),
        ("/taxonomy", long(257)),
    ];
    let described = [
        ("/status", json!("great")),
        ("/status", json!(1)),
        ("/author", json!(["a"])),
        ("/author", json!(1)),
        ("/references", json!("a")),
        ("/references", json!([1])),
        ("/references", json!(["a", "a"])),
        ("/level", json!("urgent")),
        ("/level", json!(1)),
    ];
    let of_rules = [
        ("/name", json!(1)),
        ("/name", long(257)),
        ("/license", json!(1)),
        ("/related", json!("a")),
        ("/related", json!([{"id": ID}])),
        ("/related", json!([{"id": ID, "type": "twin"}])),
        ("/fields", json!("a")),
        ("/fields", json!(["a", "a"])),
        ("/falsepositives", json!("a few")),
        ("/falsepositives", json!(["x"])),
        ("/tags", json!("attack.t1")),
        ("/tags", json!(["Attack.T1"])),
        ("/tags", json!(["attack"])),
        ("/tags", json!(["a.b", "a.b"])),
        ("/scope", json!("server")),
        ("/scope", json!(["x"])),
        ("/logsource", Json::Null),
        ("/logsource", json!("windows")),
        ("/logsource/product", json!(1)),
        ("/logsource/category", json!(["a"])),
        ("/detection/condition", Json::Null),
        ("/detection/condition", json!(1)),
        ("/detection/condition", json!({"a": 1})),
        ("/detection", json!(["a"])),
        ("/detection", json!("a")),
    ];
    let mut cases = Vec::new();
    let mut add = |kind: &str, document: fn() -> Json, changes: &[(&str, Json)]| {
        let of = |(pointer, value): &(&str, Json)| {
            (format!("{kind} {pointer} = {value:.60}"), changed(document(), pointer, value.clone()))
        };
        cases.extend(changes.iter().map(of));
    };
    add("rule", rule, &common);
    add("rule", rule, &described);
    add("rule", rule, &of_rules);
    add("correlation", correlation, &common);
    add("correlation", correlation, &described);
    add("correlation", correlation, &of_correlations());
    add("filter", filter, &common);
    add("filter", filter, &of_filters());
    cases
}

#[test]
fn bad_documents_are_refused_by_the_schemas_and_by_the_checker() {
    let Some(schemas) = Schemas::read() else { return };
    for good in [rule(), correlation(), filter()] {
        assert_eq!((schemas.takes(&good), problems(&good.to_string()).1), (Some(true), vec![]), "{good}");
    }
    let cases = bad();
    assert!(cases.len() >= 60);
    let mut wrong = Vec::new();
    for (name, document) in &cases {
        let text = document.to_string();
        let (beyond, ours) = problems(&text);
        let refused = [schemas.takes(document) == Some(false), !ours.is_empty() || beyond.iter().any(Problem::is_error)];
        if refused != [true, true] {
            wrong.push(format!("{name}: the schema refuses it: {}, we do: {}", refused[0], refused[1]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    eprintln!("schema and checker agree on {} bad documents", cases.len());
}

/// The documents of [`TAKEN`].
fn taken() -> BTreeMap<&'static str, Json> {
    BTreeMap::from([
        ("rule: a list of conditions", changed(rule(), "/detection/condition", json!(["selection"]))),
        ("rule: a single keyword", changed(rule(), "/detection/selection", json!("word"))),
        ("rule: keywords that are booleans and fractions", changed(rule(), "/detection/selection", json!([true, 0.5]))),
        ("correlation: a single rule", changed(correlation(), "/correlation/rules", json!("one"))),
        ("correlation: a single field to group by", changed(correlation(), "/correlation/group-by", json!("u"))),
        ("correlation: a long timespan", changed(correlation(), "/correlation/timespan", json!("00000000010m"))),
        ("filter: any rule", changed(filter(), "/filter/rules", json!("any"))),
        ("filter: a single rule", changed(filter(), "/filter/rules", json!("one"))),
        (
            "filter: selections of other names",
            changed(filter(), "/filter", json!({"rules": ["one"], "admins": {"a": 1}, "condition": "not admins"})),
        ),
        ("filter: keywords in a text", changed(filter(), "/filter/selection", json!("word"))),
    ])
}

#[test]
fn what_a_schema_refuses_and_we_take_is_in_the_table() {
    let Some(schemas) = Schemas::read() else { return };
    let taken = taken();
    assert_eq!(taken.keys().copied().collect::<Vec<_>>(), {
        let mut names = TAKEN.map(|it| it.0).to_vec();
        names.sort_unstable();
        names
    });
    for (name, document) in &taken {
        assert_eq!(schemas.takes(document), Some(false), "{name}: the schema takes it too");
        let (beyond, ours) = problems(&document.to_string());
        assert!(ours.is_empty() && beyond.iter().all(|it| !it.is_error()), "{name}: {ours:?} {beyond:?}");
    }
}

#[test]
fn the_bad_rules_of_the_parser_differ_from_the_schemas_only_beyond_them() {
    let Some(schemas) = Schemas::read() else { return };
    let (mut differences, mut compared) = (Vec::new(), 0);
    for path in files(&root().join("crates/sigma/src/parse/testdata/bad"), "yml") {
        let text = std::fs::read_to_string(&path).unwrap();
        // What is no YAML, or several documents, is no question for a schema.
        let Ok(documents) = yaml::documents(&text) else { continue };
        let [document] = documents.as_slice() else { continue };
        compared += usize::from(schemas.takes(document).is_some());
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        differences.extend(difference(&schemas, document, &text).map(|it| format!("{name}: {it}")));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(compared >= 60, "{compared}");
}
