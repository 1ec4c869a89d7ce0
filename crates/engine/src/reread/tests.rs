use super::*;
use model::Schema;
use proptest::prelude::*;
use serde_json::json;
use sigma::compile::RuleSet;
use std::sync::Arc;

/// A source whose roles stand side by side, inside each other, in lists, under an envelope and nowhere.
fn mapping() -> SourceMapping {
    let paths = |paths: &[&str]| paths.iter().map(|&it| it.to_owned()).collect();
    let roles = RolePaths {
        id: paths(&["a.b", "b"]),
        actor: paths(&["b.a"]),
        actor_email: paths(&["c", "a.b.c"]),
        action: paths(&["a"]),
        outcome: paths(&["c.b"]),
        target: paths(&["b.c", "c.a"]),
        target_type: paths(&["b.b"]),
        target_label: paths(&["c.c"]),
        target_tags: paths(&["b.d", "d"]),
        source_ip: paths(&["d.a", "d.b"]),
        ..RolePaths::default()
    };
    SourceMapping { roles, envelopes: vec!["e".to_owned()], ..SourceMapping::default() }
}

/// Compares what is read from a line's values with what the whole JSON says.
fn check(lines: &[Json]) {
    let program = Program::compile(&Arc::new(RuleSet::new(Vec::new())), Schema::of(mapping()), &mut Vec::new());
    let mut rereader = Rereader::default();
    for json in lines {
        let line = json.to_string();
        rereader.read(&program, 0, &line, |event| {
            assert!(event.values.is_some(), "{line}");
            assert_eq!(event.roles(), extract(&mapping(), json), "{line}");
            for path in ["a", "a.b", "b.a", "c", "c.c", "d.a", "nowhere"] {
                let found = shown(json, path).or_else(|| shown(json.get("e")?, path));
                assert_eq!(event.lookup(path), found, "{path} in {line}");
            }
        });
    }
}

fn scalar() -> BoxedStrategy<Json> {
    let texts = prop_oneof![Just(""), Just("x"), Just("y@example.org"), Just("\"\u{e9}")];
    prop_oneof![
        4 => texts.prop_map(Json::from),
        1 => Just(Json::Null),
        1 => any::<bool>().prop_map(Json::from),
        1 => prop_oneof![Just("1"), Just("1.50"), Just("-2e3"), Just("12345678901234567890123")].prop_map(|it| serde_json::from_str(it).unwrap()),
    ]
    .boxed()
}

fn object(value: impl Strategy<Value = Json> + 'static) -> BoxedStrategy<Json> {
    let key = prop_oneof![4 => Just("a"), 4 => Just("b"), 4 => Just("c"), 2 => Just("d"), 1 => Just("a.b"), 1 => Just("b.c"), 1 => Just("c.a")];
    proptest::collection::vec((key, value), 0..5)
        .prop_map(|it| {
            let mut members: serde_json::Map<String, Json> = it.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            // With a field in two forms it would be no event.
            let is_nested = |key: &String| key.split_once('.').is_some_and(|(first, _)| members.contains_key(first));
            let second: Vec<String> = members.keys().filter(|it| is_nested(it)).cloned().collect();
            second.iter().for_each(|it| drop(members.remove(it)));
            Json::Object(members)
        })
        .boxed()
}

fn event() -> impl Strategy<Value = Json> {
    let value = scalar().prop_recursive(
        3,
        12,
        3,
        |inner| prop_oneof![3 => object(inner.clone()), 1 => proptest::collection::vec(inner, 0..3).prop_map(Json::from)],
    );
    (object(value.clone()), proptest::option::weighted(0.3, object(value))).prop_map(|(mut root, wrapped)| {
        if let Some(wrapped) = wrapped {
            root["e"] = wrapped;
        }
        root
    })
}

proptest! {
    #[test]
    fn what_is_read_again_is_what_the_whole_event_says(lines in proptest::collection::vec(event(), 1..6)) {
        check(&lines);
    }
}

#[test]
fn a_key_twice_that_only_alerts_read_leaves_the_last_of_its_values() {
    let program = Program::compile(&Arc::new(RuleSet::new(Vec::new())), Schema::of(mapping()), &mut Vec::new());
    Rereader::default().read(&program, 0, r#"{"b":{"a":"ana"},"d":{"a":"10.0.0.1","a":"10.0.0.2"}}"#, |event| {
        assert!(event.values.is_none());
        assert_eq!(event.roles().origin.ip.as_deref(), Some("10.0.0.2"));
        assert_eq!(event.lookup("d.a"), Some(json!("10.0.0.2")));
        let actor = program.schema.roles.actor[0];
        assert_eq!(event.decoded().unwrap().value(actor), Value::Text("ana"), "what rules read is there");
    });
}
