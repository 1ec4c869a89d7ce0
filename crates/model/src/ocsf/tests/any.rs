//! Anything at all is written as JSON that says the same.

use super::*;

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
