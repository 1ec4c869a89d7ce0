use super::attack::{Attack, TACTICS, parse};
use super::*;
use crate::alert::OriginRef;
use crate::source::Outcome;
use crate::{
    ActorRef, Contribution, Deviation, EventTime, Evidence, Incident, IncidentFinding, Level, RuleInfo, Standing, TargetRef,
    Triaged,
};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::sync::Arc;

fn line_of(alert: &Alert) -> String {
    let mut out = Vec::new();
    alert.write_ocsf(&mut out);
    String::from_utf8(out).unwrap()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&it| it.to_owned()).collect()
}

fn time(text: &str) -> EventTime {
    EventTime::parse(text).unwrap()
}

fn detection() -> Alert {
    let rule = RuleInfo {
        id: "0d2f3f5e-2b3c-4a52-9d3a-3b1f4f0c8f11".into(),
        name: "reset_without_ticket".into(),
        title: "Password reset without a ticket".into(),
        description: "A support agent resets a password and names no ticket.".into(),
        version: "00000000deadbeef".into(),
        level: Level::High,
        status: crate::Status::Stable,
        kind: RuleKind::Detection,
        tags: texts(&["attack.credential-access", "attack.t1098", "attack.t1098.001", "attack.g0049", "cve.2021-44228"]),
        false_positives: texts(&["A reset by phone, with the ticket written afterwards"]),
        references: texts(&["https://example.org/resets"]),
        fields: vec![],
        author: "Nightjar".into(),
    };
    Alert {
        uid: uid(&rule.id, &["e-17"]),
        time: time("2026-03-02T14:03:11.482Z"),
        rule: Arc::new(rule),
        delivery: crate::Delivery::Page,
        rule_set: "0123456789abcdef".into(),
        source: "native".into(),
        actor: ActorRef {
            id: "u1042".into(),
            email: Some("ana@example.org".into()),
            kind: Some("contractor".into()),
            role: Some("support_t2".into()),
            team: Some("dublin-2".into()),
        },
        actors: texts(&["u1042"]),
        action: "password.reset".into(),
        tool: Some("agent-console".into()),
        outcome: Outcome::Success,
        target: Some(TargetRef {
            id: "783214".into(),
            kind: Some("account".into()),
            label: Some("@usa".into()),
            tags: texts(&["verified", "short_handle"]),
        }),
        origin: OriginRef {
            ip: Some("10.1.2.3".into()),
            country: Some("ie".into()),
            device: Some("d-77".into()),
            session: Some("s-1".into()),
        },
        window: None,
        events: texts(&["e-17"]),
        events_total: 1,
        evidence: vec![
            Evidence { field: "action".into(), value: json!("password.reset") },
            Evidence { field: "justification.ticket".into(), value: Json::Null },
            Evidence { field: "action".into(), value: json!("password.reset") },
        ],
        deviation: None,
        triaged: None,
        message: "u1042 reset the password of @usa \"without\" a ticket".into(),
    }
}

fn correlation() -> Alert {
    let mut alert = detection();
    let rule = RuleInfo {
        name: "many_resets".into(),
        title: "Many accounts reset within two hours".into(),
        level: Level::Critical,
        kind: RuleKind::Correlation,
        tags: texts(&["attack.impact"]),
        false_positives: vec![],
        ..RuleInfo::clone(&alert.rule)
    };
    alert.uid = uid(&rule.id, &["agent-console", "1772452991482"]);
    alert.rule = Arc::new(rule);
    alert.actors = texts(&["u1042", "u7", "ünï"]);
    alert.origin.ip = Some("AWS Internal".into());
    alert.origin.device = None;
    alert.events = texts(&["e-1", "e-9", "e-17"]);
    alert.events_total = 212;
    alert.window = Some(WindowInfo {
        group: vec![("tool".into(), "agent-console".into())],
        first: time("2026-03-02T12:43:11.482Z"),
        last: alert.time,
        timespan_ms: 7_200_000,
        count: 25,
        value: Some(120_000.0),
        counted: "distinct target.id".into(),
        condition: "≥ 25".into(),
    });
    alert
}

fn behaviour() -> Alert {
    let alert = detection();
    let rule = RuleInfo {
        id: "7c0d0c56-86cb-5d43-8d5c-f1d36e1b0c11".into(),
        name: "unusual_behaviour".into(),
        title: "Out of the ordinary for this person".into(),
        level: Level::Medium,
        kind: RuleKind::Behaviour,
        tags: vec![],
        false_positives: vec![],
        references: vec![],
        ..RuleInfo::clone(&alert.rule)
    };
    let lookups = Contribution {
        feature: "nj.distinct.10m".into(),
        observed: 212.0,
        value: None,
        expected: 3.25,
        usual_p99: Some(14.0),
        peer_p999: Some(31.0),
        ln_p_self: -40.123_456_789,
        ln_p_peer: -18.0,
        share: 0.75,
        score_without: 41.0,
        evidence: 0.9,
        is_continued: false,
    };
    let device = Contribution {
        feature: "nj.novelty.device".into(),
        observed: 0.0,
        value: Some("d-77".into()),
        expected: 0.0001,
        usual_p99: None,
        peer_p999: None,
        share: 0.25,
        score_without: 79.0,
        ..lookups.clone()
    };
    let deviation = Deviation {
        score: 83.2,
        ln_p: -19.157,
        evidence: 0.8,
        risk: 7.1,
        risk_raised: 4.0,
        weight: 1.5,
        contributions: vec![lookups, device],
        context: texts(&["no ticket was named"]),
    };
    let standing = Standing {
        risk: 9.1,
        risk_of_rules: 2.0,
        factor: 1.0,
        threshold: 7.2,
        per_day: 5.0,
        people: 2_000,
        sampled: None,
        is_spare: false,
        waited_ms: 0,
        increments: 3,
    };
    let triaged = Triaged { incident: Some(uid("incident", &["u1042"])), is_update: true, standing: Some(standing) };
    let message = deviation.sentence();
    Alert {
        rule: Arc::new(rule),
        evidence: vec![],
        deviation: Some(Box::new(deviation)),
        triaged: Some(Box::new(triaged)),
        message,
        ..alert
    }
}

/// Nothing is known but the rule.
fn bare() -> Alert {
    Alert {
        uid: String::new(),
        rule: Arc::new(RuleInfo { tags: vec![], ..RuleInfo::clone(&detection().rule) }),
        actor: ActorRef::default(),
        actors: vec![],
        action: String::new(),
        tool: None,
        target: None,
        origin: OriginRef::default(),
        events: vec![],
        events_total: 0,
        evidence: vec![],
        deviation: None,
        triaged: None,
        message: String::new(),
        ..detection()
    }
}

/// The whole output, against a file in `testdata` that is laid out for reading. The keys must also stand in the same order.
#[track_caller]
fn check_snapshot(alert: &Alert, expected: &str) {
    let expected: Json = serde_json::from_str(&expected.replace("$VERSION", env!("CARGO_PKG_VERSION"))).unwrap();
    assert_eq!(line_of(alert), expected.to_string());
}

#[test]
fn a_detection_is_written_whole() {
    check_snapshot(&detection(), include_str!("testdata/detection.json"));
}

#[test]
fn a_correlation_is_written_whole() {
    check_snapshot(&correlation(), include_str!("testdata/correlation.json"));
}

/// What a finding says of its delivery.
fn delivery_of(delivery: crate::Delivery, status: crate::Status) -> Json {
    let rule = Arc::new(RuleInfo { status, ..RuleInfo::clone(&detection().rule) });
    let finding: Json = serde_json::from_str(&line_of(&Alert { rule, delivery, ..detection() })).unwrap();
    let analytic = &finding["finding_info"]["analytic"];
    json!([
        finding["status"],
        finding["status_detail"],
        finding["is_alert"],
        finding["disposition"],
        finding["metadata"]["labels"],
        analytic["state"],
        finding["unmapped"]["rule"]["status"],
        finding["unmapped"]["exception"]
    ])
}

#[test]
fn a_finding_that_pages_nobody_says_so_and_why() {
    use crate::{Delivery, Exception, Status};
    assert_eq!(delivery_of(Delivery::Page, Status::Stable), json!(["New", null, true, "Alert", null, "Active", "stable", null]));
    assert_eq!(
        delivery_of(Delivery::Shadow, Status::Test),
        json!(["New", "in shadow: the status of the rule is test", false, "Logged", ["shadow"], "Experimental", "test", null])
    );
    let exception = Exception {
        id: "EX-1".into(),
        actor: Some("u1042".into()),
        target: None,
        rule: None,
        from: EventTime::MIN,
        until: time("2026-06-30T00:00:00Z"),
        reason: "year-end review".into(),
        author: "bo".into(),
    };
    let told = json!({"id": "EX-1", "actor": "u1042", "until": 1_782_777_600_000_i64, "reason": "year-end review", "author": "bo"});
    assert_eq!(
        delivery_of(Delivery::Excepted(Arc::new(exception)), Status::Stable),
        json!([
            "Suppressed",
            "exception EX-1 by bo until 2026-06-30T00:00:00.000Z: year-end review",
            false,
            "Logged",
            ["excepted"],
            "Active",
            "stable",
            told
        ])
    );
}

#[test]
fn an_alert_about_behaviour_is_written_whole() {
    check_snapshot(&behaviour(), include_str!("testdata/behaviour.json"));
}

fn incident() -> Incident {
    let alert = behaviour();
    let finding = |kind: RuleKind, events: &[&str]| IncidentFinding {
        uid: uid("x", events),
        time_ms: 1_772_460_191_482,
        rule_id: alert.rule.id.clone(),
        rule_name: alert.rule.name.clone(),
        title: alert.rule.title.clone(),
        kind,
        level: alert.rule.level,
        events: texts(events),
        events_total: events.len() as u64,
    };
    Incident {
        uid: uid("incident", &["u1042"]),
        is_new: false,
        time: alert.time,
        first: time("2026-03-01T14:03:11.482Z"),
        last: alert.time,
        actor: alert.actor.clone(),
        level: Level::High,
        risk: 12.25,
        risk_of_rules: 3.0,
        findings: vec![finding(RuleKind::Detection, &[]), finding(RuleKind::Behaviour, &["e-17", "e-18"])],
        findings_total: 9,
        increments: 2,
        message: "2 rules and unusual behaviour".into(),
    }
}

#[test]
fn an_incident_is_written_whole() {
    let mut out = Vec::new();
    incident().write_ocsf(&mut out);
    let expected: Json =
        serde_json::from_str(&include_str!("testdata/incident.json").replace("$VERSION", env!("CARGO_PKG_VERSION"))).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), expected.to_string());
}

#[test]
fn a_sample_says_that_it_is_one() {
    let mut alert = behaviour();
    let standing = alert.triaged.as_mut().unwrap().standing.as_mut().unwrap();
    (standing.sampled, standing.factor, standing.risk_of_rules) = (Some(0.02), 2.0, 0.0);
    let finding: Json = serde_json::from_str(&line_of(&alert)).unwrap();
    assert_eq!(finding["metadata"]["labels"], json!(["sample"]));
    assert_eq!(
        finding["risk_details"],
        "risk 9.1, counted 2-fold after a report, below the threshold: one of a random sample that shows what the threshold misses; \
         risk ≥ 7.2: about 5 alerts a day for 2,000 active people"
    );
}

#[test]
fn risk_and_rules_sort_on_one_scale() {
    let scores = [f64::NAN, -1.0, 0.0, 2.0, 8.0, 24.0, 1e300, f64::INFINITY].map(risk_score);
    assert_eq!(scores, [0, 0, 0, 20, 50, 75, 100, 100]);
}

#[test]
fn what_is_not_known_is_left_out() {
    check_snapshot(&bare(), include_str!("testdata/bare.json"));
}

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

#[track_caller]
fn check_tag(tag: &str, expected: Option<&str>) {
    let found = parse(tag).map(|it| match it {
        Attack::Tactic(at) => format!("{} {}", TACTICS[at].uid, TACTICS[at].name),
        Attack::Technique { sub_uid: Some(sub_uid), .. } => sub_uid,
        Attack::Technique { uid, sub_uid: None } => uid,
    });
    assert_eq!(found.as_deref(), expected, "{tag}");
}

#[test]
fn every_tactic_has_its_number() {
    check_tag("attack.reconnaissance", Some("TA0043 Reconnaissance"));
    check_tag("attack.resource-development", Some("TA0042 Resource Development"));
    check_tag("attack.initial-access", Some("TA0001 Initial Access"));
    check_tag("attack.execution", Some("TA0002 Execution"));
    check_tag("attack.persistence", Some("TA0003 Persistence"));
    check_tag("attack.privilege-escalation", Some("TA0004 Privilege Escalation"));
    check_tag("attack.defense-evasion", Some("TA0005 Defense Evasion"));
    check_tag("attack.stealth", Some("TA0005 Stealth"));
    check_tag("attack.defense-impairment", Some("TA0112 Defense Impairment"));
    check_tag("attack.credential-access", Some("TA0006 Credential Access"));
    check_tag("attack.discovery", Some("TA0007 Discovery"));
    check_tag("attack.lateral-movement", Some("TA0008 Lateral Movement"));
    check_tag("attack.collection", Some("TA0009 Collection"));
    check_tag("attack.command-and-control", Some("TA0011 Command and Control"));
    check_tag("attack.exfiltration", Some("TA0010 Exfiltration"));
    check_tag("attack.impact", Some("TA0040 Impact"));
}

#[test]
fn tags_are_read_in_the_forms_that_rules_have() {
    check_tag("attack.credential_access", Some("TA0006 Credential Access"));
    check_tag("attack.TA0006", Some("TA0006 Credential Access"));
    check_tag("attack.t1098", Some("T1098"));
    check_tag("attack.T1098.001", Some("T1098.001"));
}

#[test]
fn other_tags_are_no_attack() {
    for tag in [
        "",
        "attack",
        "attack.",
        "attack.g0049",
        "attack.s0139",
        "attack.ds0005",
        "attack.t109",
        "attack.t1098.1",
        "cve.2021-44228",
        "t1098",
    ] {
        check_tag(tag, None);
    }
}

#[test]
fn the_same_parts_have_the_same_uid() {
    assert_eq!(uid("rule", &["a", "b"]), "cf3ad99a-6800-5ea5-ac7c-1e2755c52a03");
    assert_eq!(uid("rule", &["a", "b"]), uid("rule", &["a", "b"]));
}

#[test]
fn parts_that_run_together_have_different_uids() {
    let all = [
        uid("rule", &["a", "b"]),
        uid("rule", &["ab"]),
        uid("rule", &["a", "b", ""]),
        uid("rulea", &["b"]),
        uid("rule", &["1:a", "b"]),
    ];
    for (at, one) in all.iter().enumerate() {
        assert!(!all[..at].contains(one), "{one}");
    }
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "\\PC{0,12}",
        "[\\x00-\\x1f\"\\\\\u{2028}\u{7f}]{0,6}",
        Just("a@b.example".into()),
        Just("10.0.0.1".into())
    ]
}

fn any_option() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(any_text())
}

fn any_texts() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(any_text(), 0..4)
}

fn any_json() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        any_text().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        any_texts().prop_map(Json::from)
    ]
}

prop_compose! {
    fn any_rule()(text in any_text(), description in any_text(), tags in any_texts(), more in any_texts(), level in 0..5_usize, is_one in any::<bool>()) -> RuleInfo {
        RuleInfo {
            title: text.clone(),
            description,
            level: Level::ALL[level],
            kind: if is_one { RuleKind::Detection } else { RuleKind::Correlation },
            tags: tags.into_iter().chain(["attack.t1098".to_owned()]).collect(),
            false_positives: more.clone(),
            references: more,
            author: text,
            ..RuleInfo::clone(&detection().rule)
        }
    }
}

prop_compose! {
    fn any_parties()(id in any_text(), label in any_option(), kind in any_option(), email in any_option(), ip in any_option(), device in any_option(), country in any_option(), session in any_option(), tags in any_texts(), has_target in any::<bool>())
        -> (ActorRef, Option<TargetRef>, OriginRef) {
        let actor = ActorRef { id: id.clone(), email, kind: kind.clone(), role: label.clone(), team: kind.clone() };
        let target = has_target.then_some(TargetRef { id, kind, label, tags });
        (actor, target, OriginRef { ip, country, device, session })
    }
}

prop_compose! {
    fn any_window()(fields in any_texts(), value in any_text(), first in any::<i64>(), last in any::<i64>(), count in any::<u64>()) -> WindowInfo {
        let group = fields.into_iter().enumerate().map(|(at, it)| (format!("{at}{it}"), value.clone())).collect();
        let (first, last) = (EventTime::from_ms(first), EventTime::from_ms(last));
        WindowInfo { group, first, last, timespan_ms: 1, count, value: None, counted: value.clone(), condition: value }
    }
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), 0.0..1.0, Just(f64::NAN), Just(f64::NEG_INFINITY), Just(1.0)]
}

fn any_feature() -> impl Strategy<Value = String> {
    prop_oneof![
        any_text(),
        "nj\\.(rate\\.view\\.10m|distinct\\.(10m|7d|2y)|shift|novelty\\.(device|ip)|travel|ticket\\.share\\.lookup|slow\\.targets|target)"
    ]
}

prop_compose! {
    fn any_contribution()(feature in any_feature(), value in any_option(), n in prop::collection::vec(any_number(), 8), bounds in any::<bool>(), is_continued in any::<bool>())
        -> Contribution {
        let bound = |at: usize| bounds.then_some(n[at]);
        Contribution {
            feature,
            observed: n[0],
            value,
            expected: n[1],
            usual_p99: bound(2),
            peer_p999: bound(3),
            ln_p_self: n[4],
            ln_p_peer: n[5],
            share: n[6],
            score_without: n[7],
            evidence: n[1],
            is_continued,
        }
    }
}

prop_compose! {
    fn any_deviation()(n in prop::collection::vec(any_number(), 6), contributions in prop::collection::vec(any_contribution(), 0..5), context in any_texts())
        -> Deviation {
        Deviation { score: n[0], ln_p: n[1], evidence: n[2], risk: n[3], risk_raised: n[4], weight: n[5], contributions, context }
    }
}

prop_compose! {
    fn any_triaged()(incident in any_option(), is_update in any::<bool>(), n in prop::collection::vec(any_number(), 5), people in any::<u64>(), sampled in prop::option::of(any_number()), is_spare in any::<bool>(), waited_ms in any::<i64>(), has_standing in any::<bool>())
        -> Triaged {
        let standing = Standing {
            risk: n[0],
            risk_of_rules: n[1],
            factor: n[2],
            threshold: n[3],
            per_day: n[4],
            people,
            sampled,
            is_spare,
            waited_ms,
            increments: people,
        };
        Triaged { incident, is_update, standing: has_standing.then_some(standing) }
    }
}

proptest! {
    #[test]
    fn any_alert_about_behaviour_is_one_line_of_json_and_always_the_same(alert in any_alert(), deviation in any_deviation(), triaged in any_triaged()) {
        let message = deviation.sentence();
        let (deviation, triaged) = (Some(Box::new(deviation)), Some(Box::new(triaged)));
        let alert = Alert { deviation, triaged, message, ..alert };
        let line = line_of(&alert);
        prop_assert!(!line.bytes().any(|it| it < b' '), "{line}");
        prop_assert!(serde_json::from_str::<Json>(&line).is_ok(), "{line}");
        prop_assert_eq!(line_of(&alert.clone()), line);
    }
}

prop_compose! {
    fn any_alert()(rule in any_rule(), (actor, target, origin) in any_parties(), window in proptest::option::of(any_window()), actors in any_texts(), action in any_text(), tool in any_option(), events in any_texts(), field in any_text(), value in any_json(), time in any::<i64>(), events_total in any::<u64>())
        -> Alert {
        let evidence = vec![Evidence { field, value }];
        let (rule, time, message) = (Arc::new(rule), EventTime::from_ms(time), action.clone());
        Alert { time, rule, actor, actors, action, tool, target, origin, window, events, events_total, evidence, message, ..detection() }
    }
}

proptest! {
    #[test]
    fn any_alert_is_one_line_of_json_and_always_the_same(alert in any_alert()) {
        let line = line_of(&alert);
        prop_assert!(!line.bytes().any(|it| it < b' '), "{line}");
        let finding: Json = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(&finding["finding_info"]["uid"], &json!(alert.uid));
        // Compact, and no key twice: reading and writing it again gives the same bytes. Numbers with a fraction may be written otherwise.
        if !alert.evidence.iter().any(|it| it.value.is_f64()) {
            prop_assert_eq!(finding.to_string(), line.clone());
        }
        prop_assert_eq!(line_of(&alert.clone()), line);
    }

    #[test]
    fn what_stands_in_the_buffer_is_kept(alert in any_alert()) {
        let mut out = b"before\n".to_vec();
        alert.write_ocsf(&mut out);
        prop_assert_eq!(String::from_utf8(out).unwrap(), format!("before\n{}", line_of(&alert)));
    }
}
