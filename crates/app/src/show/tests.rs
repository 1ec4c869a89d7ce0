use super::*;
use serde_json::json;

fn finding(target: &str) -> Json {
    json!({
        "time": 1_594_821_072_345_i64,
        "severity_id": 5,
        "message": format!("Take-over chain: 3 steps in order in 2 min, last u1103 did password.reset on {target}"),
        "finding_info": {"title": "Take-over chain", "analytic": {"name": "takeover_chain"}},
        "actor": {"user": {"uid": "u1103", "ldap_person": {"job_title": "support_t2"}, "groups": [{"name": "sfo-a"}]}},
        "unmapped": {"actors": ["u1103", "u1200"]},
    })
}

/// The text as it stands on a terminal without colours.
fn plain(finding: &Json, width: Option<usize>) -> String {
    anstream::adapter::strip_str(&alert(finding, width)).to_string()
}

#[test]
fn an_alert_is_two_lines_with_time_level_rule_who_and_why() {
    assert_eq!(
        plain(&finding("@usa"), None),
        "2020-07-15 13:51:12   CRITICAL    Take-over chain  takeover_chain\n    \
         u1103 (support_t2, sfo-a) and 1 more: 3 steps in order in 2 min, last u1103 did password.reset on @usa"
    );
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for width in 40..120 {
        for target in ["@usa", "名前名前名前名前名前名前名前名前名前"] {
            let text = plain(&finding(target), Some(width));
            assert!(text.lines().all(|it| columns(it) <= width), "{width}: {text}");
            assert_eq!(text.lines().count(), 2);
        }
    }
}

#[test]
fn control_characters_of_events_never_reach_the_terminal() {
    for evil in ["\x1b[2J", "\x1b]0;owned\x07", "a\r\nb", "\u{9b}31m", "\u{202e}txt.exe", "\u{200b}", "\x7f"] {
        let mut finding = finding(evil);
        finding["actor"]["user"]["uid"] = json!(evil);
        finding["actor"]["user"]["ldap_person"]["job_title"] = json!(evil);
        finding["finding_info"]["title"] = json!(evil);
        finding["finding_info"]["analytic"]["name"] = json!(evil);
        let shown = alert(&finding, None);
        let ours = anstream::adapter::strip_str(&shown).to_string();
        assert!(ours.chars().all(|it| it == '\n' || escape_keeps(it)), "{ours:?}");
        assert_eq!(ours.lines().count(), 2);
        assert!(ours.contains("\\u{"), "{ours}");
    }
}

fn escape_keeps(character: char) -> bool {
    escaped(&character.to_string()) == character.to_string()
}

#[test]
fn ordinary_text_of_any_language_is_left_as_it_is() {
    for text in ["", "plain", "Größe 名前 مرحبا", "😀", "\\u{1b}"] {
        assert_eq!(escaped(text), text);
    }
}

#[test]
fn an_alert_that_is_not_one_of_ours_is_shown_all_the_same() {
    assert_eq!(plain(&json!({}), None), "1970-01-01 00:00:00    MEDIUM     \n    somebody:");
}
