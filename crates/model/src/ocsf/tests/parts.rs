//! Actors, endpoints, evidence and severities.

use super::*;

#[track_caller]
fn check_user(actor: &ActorRef, expected: &Json) {
    let alert = Alert { actor: actor.clone(), origin: OriginRef::default(), ..detection() };
    let finding: Json = serde_json::from_str(&line_of(&alert)).unwrap();
    assert_eq!(finding.pointer("/actor/user").unwrap_or(&Json::Null), expected);
}

#[test]
fn an_actor_has_an_identifier_or_a_name() {
    let actor = |id: &str, email: &str, kind: &str| ActorRef {
        id: id.into(),
        email: Some(email.into()),
        kind: Some(kind.into()),
        ..ActorRef::default()
    };
    check_user(&actor("", "", "employee"), &Json::Null);
    check_user(&actor("u1", "", ""), &json!({"uid": "u1"}));
    check_user(&actor("", "a@b.c", ""), &json!({"name": "a@b.c", "email_addr": "a@b.c"}));
    check_user(&actor("u1", "käthe@b.c", ""), &json!({"uid": "u1", "name": "käthe@b.c"}));
    check_user(&actor("u1", "", "Root"), &json!({"uid": "u1", "type": "Root", "type_id": 2}));
    check_user(&actor("u1", "", "AssumedRole"), &json!({"uid": "u1", "type": "AssumedRole", "type_id": 99}));
}

#[track_caller]
fn check_endpoint(ip: &str, device: &str, country: &str, expected: &Json) {
    let some = |it: &str| Some(it.to_owned());
    let origin = OriginRef { ip: some(ip), country: some(country), device: some(device), session: None };
    let finding: Json = serde_json::from_str(&line_of(&Alert { origin, ..detection() })).unwrap();
    assert_eq!(finding.pointer("/evidences/0/src_endpoint").unwrap_or(&Json::Null), expected);
}

#[test]
fn an_origin_has_a_name_or_an_identifier() {
    check_endpoint("10.0.0.1", "", "", &json!({"ip": "10.0.0.1", "name": "10.0.0.1"}));
    check_endpoint("::1", "d1", "US", &json!({"ip": "::1", "uid": "d1", "location": {"country": "US"}}));
    check_endpoint("AWS Internal", "d1", "", &json!({"uid": "d1", "name": "AWS Internal"}));
    check_endpoint("", "d1", "United States", &json!({"uid": "d1", "location": {"country": "United States"}}));
    check_endpoint("", "", "US", &Json::Null);
}

#[test]
fn a_field_with_two_conditions_is_evidence_once() {
    let finding: Json = serde_json::from_str(&line_of(&detection())).unwrap();
    assert_eq!(finding["evidences"][0]["data"], json!({"action": "password.reset", "justification.ticket": null}));
}

#[test]
fn levels_are_severities_and_risk_levels() {
    for (level, severity_id, risk_level) in [
        (Level::Informational, 1, "Info"),
        (Level::Low, 2, "Low"),
        (Level::Medium, 3, "Medium"),
        (Level::High, 4, "High"),
        (Level::Critical, 5, "Critical"),
    ] {
        let rule = Arc::new(RuleInfo { level, ..RuleInfo::clone(&detection().rule) });
        let finding: Json = serde_json::from_str(&line_of(&Alert { rule, ..detection() })).unwrap();
        assert_eq!((&finding["severity_id"], &finding["risk_level"]), (&json!(severity_id), &json!(risk_level)));
    }
}
