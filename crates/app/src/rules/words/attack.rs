//! The names of ATT&CK's tactics and techniques, by their Sigma tags.

/// Tactics by the words of their tags: those of version 19, and the name that older rules carry.
const TACTICS: [(&str, &str, &str); 16] = [
    ("reconnaissance", "TA0043", "Reconnaissance"),
    ("resource-development", "TA0042", "Resource Development"),
    ("initial-access", "TA0001", "Initial Access"),
    ("execution", "TA0002", "Execution"),
    ("persistence", "TA0003", "Persistence"),
    ("privilege-escalation", "TA0004", "Privilege Escalation"),
    ("stealth", "TA0005", "Stealth"),
    ("defense-impairment", "TA0112", "Defense Impairment"),
    ("credential-access", "TA0006", "Credential Access"),
    ("discovery", "TA0007", "Discovery"),
    ("lateral-movement", "TA0008", "Lateral Movement"),
    ("collection", "TA0009", "Collection"),
    ("command-and-control", "TA0011", "Command and Control"),
    ("exfiltration", "TA0010", "Exfiltration"),
    ("impact", "TA0040", "Impact"),
    ("defense-evasion", "TA0005", "Defense Evasion (now Stealth and Defense Impairment)"),
];

/// `(T1098, Account Manipulation)`, main techniques before their parts.
fn techniques() -> impl Iterator<Item = (&'static str, &'static str)> {
    include_str!("attack.txt").lines().filter(|it| !it.starts_with('#')).filter_map(|it| it.split_once(' '))
}

/// Every tag that has a name, and the name.
pub(crate) fn tags() -> impl Iterator<Item = (String, String)> {
    let tactics = TACTICS.iter().map(|(tag, uid, name)| (format!("attack.{tag}"), format!("{uid} {name}")));
    let techniques = techniques().map(|(uid, _)| {
        let tag = format!("attack.{}", uid.to_ascii_lowercase());
        let name = name(&tag).unwrap_or_default();
        (tag, name)
    });
    tactics.chain(techniques)
}

/// What a tag stands for: `T1098.003 Account Manipulation: Additional Cloud Roles`. Of a part whose name is not known, at least whose
/// part it is.
pub(crate) fn name(tag: &str) -> Option<String> {
    let word = tag.strip_prefix("attack.")?.to_ascii_lowercase().replace('_', "-");
    if let Some((_, uid, name)) = TACTICS.iter().find(|(tag, ..)| *tag == word) {
        return Some(format!("{uid} {name}"));
    }
    let uid = word.to_ascii_uppercase();
    let named = |uid: &str| techniques().find(|(it, _)| *it == uid).map(|(_, name)| name);
    match uid.split_once('.') {
        None => named(&uid).map(|name| format!("{uid} {name}")),
        Some((main, part)) => {
            let main_name = named(main)?;
            let part_name = named(&uid).map_or_else(|| format!("sub-technique {part}"), str::to_owned);
            Some(format!("{uid} {main_name}: {part_name}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_names() {
        assert_eq!(name("attack.t1098.003").unwrap(), "T1098.003 Account Manipulation: Additional Cloud Roles");
        assert_eq!(name("attack.t1685.002").unwrap(), "T1685.002 Disable or Modify Tools: sub-technique 002");
        assert_eq!(name("attack.defense-impairment").unwrap(), "TA0112 Defense Impairment");
        assert_eq!(name("attack.t9999"), None);
        assert_eq!(name("cve.2024-1"), None);
    }

    #[test]
    fn the_table_is_sorted_and_parts_follow_their_technique() {
        let uids: Vec<&str> = techniques().map(|it| it.0).collect();
        assert!(uids.is_sorted_by(|a, b| a < b));
        let is_whole = |uid: &&str| uid.split_once('.').is_none_or(|(main, _)| uids.contains(&main));
        assert!(uids.iter().all(is_whole));
    }
}
