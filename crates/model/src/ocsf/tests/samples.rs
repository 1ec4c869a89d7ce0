//! Alerts of each kind, with all that they may have, and one with nothing.

use super::*;

pub(super) fn detection() -> Alert {
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

pub(super) fn correlation() -> Alert {
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

pub(super) fn behaviour() -> Alert {
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
pub(super) fn bare() -> Alert {
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
