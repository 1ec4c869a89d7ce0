use super::*;
use serde_json::json;

fn event() -> Json {
    json!({
        "a": {"b": 1, "c.d": 2, "empty": "", "null": null},
        "a.b": "flat",
        "x.y": 3,
        "list": [{"other": 0}, {"id": "second", "deep": [{"k": true}]}, {"id": "third"}],
    })
}

#[track_caller]
fn check_lookup(path: &str, expected: Option<&Json>) {
    assert_eq!(lookup(&event(), path), expected, "{path}");
}

#[test]
fn a_path_goes_through_objects_dotted_keys_and_arrays() {
    check_lookup("a.b", Some(&json!(1)));
    check_lookup("a.c.d", Some(&json!(2)));
    check_lookup("x.y", Some(&json!(3)));
    check_lookup("a.null", Some(&Json::Null));
    check_lookup("list.id", Some(&json!("second")));
    check_lookup("list.deep.k", Some(&json!(true)));
    check_lookup("list", Some(&event()["list"]));
}

#[test]
fn what_is_shown_of_a_list_is_every_different_value() {
    let shows = |path: &str, expected: Json| assert_eq!(shown(&event(), path), Some(expected), "{path}");
    shows("list.id", json!(["second", "third"]));
    shows("list.other", json!(0));
    shows("list", event()["list"].clone());
    shows("x.y", json!(3));
    let many = json!({"n": (0..50).map(|it| json!({"v": it / 2})).collect::<Vec<_>>()});
    assert_eq!(shown(&many, "n.v"), Some(json!((0..SHOWN_MAX).collect::<Vec<_>>())));
    assert_eq!(shown(&event(), "list.z"), None);
}

#[test]
fn what_is_not_there_is_not_found() {
    for path in ["", ".", "a.", "a.b.c", "z", "list.z", "a..b"] {
        check_lookup(path, None);
    }
}

fn mapping() -> SourceMapping {
    SourceMapping::from_toml(
        r#"
        name = "test"
        envelopes = ["event", "detail"]
        [roles]
        time = ["at", "when"]
        actor = ["who", "who_else"]
        actor_email = ["who_else"]
        outcome = ["result"]
        target = ["targets.id", "targets.name"]
        target_type = ["targets.type"]
        target_label = ["targets.label", "title"]
        target_tags = ["targets.tags"]
        [outcome]
        words = { no = "denied" }
        otherwise = "failure"
        "#,
    )
    .unwrap()
}

#[test]
fn an_event_may_be_wrapped() {
    let bare = json!({"who": "ana", "at": "2026-03-02T10:00:00Z"});
    let expected = extract(&mapping(), &bare);
    assert_eq!(expected.actor.id, "ana");
    for key in ["event", "detail"] {
        assert_eq!(extract(&mapping(), &json!({ key: bare, "label": 0 })), expected);
    }
    assert_eq!(extract(&mapping(), &json!({"other": bare})), Extracted::default());
}

#[test]
fn empty_values_are_passed_over() {
    let found = extract(&mapping(), &json!({"who": "", "who_else": "ana@example.org", "at": null, "when": 1_671_111_111}));
    assert_eq!(found.actor.id, "ana@example.org");
    assert_eq!(found.actor.email.as_deref(), Some("ana@example.org"));
    assert_eq!(found.time.map(EventTime::ms), Some(1_671_111_111_000));
}

#[test]
fn a_login_that_is_no_address_is_no_mail_address() {
    assert_eq!(extract(&mapping(), &json!({"who_else": "root"})).actor.email, None);
}

#[test]
fn kind_label_and_tags_are_those_of_the_target_that_was_taken() {
    let targets = json!([
        {"type": "app", "label": "Admin Console"},
        {"type": "user", "id": "u7", "tags": ["vip", 7]},
        {"id": "u8", "label": "Eve"},
    ]);
    let target = extract(&mapping(), &json!({"targets": targets})).target.unwrap();
    let expected = TargetRef { id: "u7".into(), kind: Some("user".into()), label: None, tags: vec!["vip".into(), "7".into()] };
    assert_eq!(target, expected);
}

#[test]
fn a_label_outside_the_list_of_targets_still_counts() {
    let target = extract(&mapping(), &json!({"targets": [{"id": 1}], "title": "one"})).target.unwrap();
    assert_eq!((target.id.as_str(), target.label.as_deref()), ("1", Some("one")));
}

#[test]
fn outcomes_are_read_through_the_words_of_the_mapping() {
    let outcome = |json| extract(&mapping(), &json).outcome;
    assert_eq!(outcome(json!({"result": "NO"})), Outcome::Denied);
    assert_eq!(outcome(json!({"result": "boom"})), Outcome::Failure);
    assert_eq!(outcome(json!({"result": null})), Outcome::Success);
}

#[test]
fn a_derived_id_depends_on_the_bytes_alone() {
    let id = derived_id(r#"{"a":1}"#);
    assert_eq!(id, "d70db16e-bc2f-5923-b8fc-a6177e15f860");
    assert_eq!(id, derived_id("{\"a\":1}\r\n"));
    assert_ne!(id, derived_id(r#"{"a": 1}"#));
}
