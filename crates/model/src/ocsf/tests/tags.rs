//! Tags of ATT&CK, and identifiers.

use super::*;

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
