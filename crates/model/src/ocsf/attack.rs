//! Sigma tags to MITRE ATT&CK objects (Sigma specification, appendix "Tags", namespace `attack`).

use super::json::Object;

/// A tactic of the enterprise matrix.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tactic {
    /// What follows `attack.` in a tag.
    pub(super) tag: &'static str,
    pub(super) uid: &'static str,
    pub(super) name: &'static str,
    /// The newest version of ATT&CK that has it under this name.
    version: &'static str,
}

/// The version of ATT&CK whose names and numbers are used.
const VERSION: &str = "19";

const fn tactic(tag: &'static str, uid: &'static str, name: &'static str) -> Tactic {
    Tactic { tag, uid, name, version: VERSION }
}

/// The tactics of version 19, which renamed one and split another off it, and the old name, which older rules carry.
pub(super) const TACTICS: [Tactic; 16] = [
    tactic("reconnaissance", "TA0043", "Reconnaissance"),
    tactic("resource-development", "TA0042", "Resource Development"),
    tactic("initial-access", "TA0001", "Initial Access"),
    tactic("execution", "TA0002", "Execution"),
    tactic("persistence", "TA0003", "Persistence"),
    tactic("privilege-escalation", "TA0004", "Privilege Escalation"),
    tactic("stealth", "TA0005", "Stealth"),
    tactic("defense-impairment", "TA0112", "Defense Impairment"),
    tactic("credential-access", "TA0006", "Credential Access"),
    tactic("discovery", "TA0007", "Discovery"),
    tactic("lateral-movement", "TA0008", "Lateral Movement"),
    tactic("collection", "TA0009", "Collection"),
    tactic("command-and-control", "TA0011", "Command and Control"),
    tactic("exfiltration", "TA0010", "Exfiltration"),
    tactic("impact", "TA0040", "Impact"),
    Tactic { tag: "defense-evasion", uid: "TA0005", name: "Defense Evasion", version: "18" },
];

/// What an `attack.` tag stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Attack {
    /// An index into [`TACTICS`].
    Tactic(usize),
    /// A technique such as `T1098`, and the number of its sub-technique such as `T1098.001`.
    Technique { uid: String, sub_uid: Option<String> },
}

/// Reads a tag. Groups (`attack.g0049`), software, data sources and other namespaces are no tactic and no technique.
pub(super) fn parse(tag: &str) -> Option<Attack> {
    let word = tag.to_ascii_lowercase().replace('_', "-");
    let word = word.strip_prefix("attack.")?;
    if let Some(at) = TACTICS.iter().position(|it| it.tag == word || it.uid.eq_ignore_ascii_case(word)) {
        return Some(Attack::Tactic(at));
    }
    let (technique, sub) = word.split_once('.').map_or((word, None), |(technique, sub)| (technique, Some(sub)));
    let is_number = |text: &str, digits: usize| text.len() == digits && text.bytes().all(|it| it.is_ascii_digit());
    let number = technique.strip_prefix('t').filter(|it| is_number(it, 4))?;
    let uid = format!("T{number}");
    match sub {
        None => Some(Attack::Technique { uid, sub_uid: None }),
        Some(sub) if is_number(sub, 3) => Some(Attack::Technique { sub_uid: Some(format!("{uid}.{sub}")), uid }),
        Some(_) => None,
    }
}

/// Writes `attacks` from the tags that are tactics and techniques, each once and in their order, and `tags` from the others.
pub(super) fn write(info: &mut Object<'_>, tags: &[String]) {
    let mut attacks = Vec::new();
    let mut others = Vec::new();
    for tag in tags {
        match parse(tag) {
            Some(attack) if attacks.contains(&attack) => {}
            Some(attack) => attacks.push(attack),
            None => others.push(tag),
        }
    }
    info.objects("attacks", attacks, |out, attack| match attack {
        Attack::Tactic(at) => {
            let tactic = &TACTICS[at];
            out.object("tactic", |it| {
                it.text("uid", tactic.uid);
                it.text("name", tactic.name);
            });
            out.text("version", tactic.version);
        }
        Attack::Technique { uid, sub_uid } => {
            out.object("technique", |it| it.text("uid", &uid));
            out.object("sub_technique", |it| it.optional("uid", sub_uid.as_deref()));
            out.text("version", VERSION);
        }
    });
    info.objects("tags", (!others.is_empty()).then_some(others), |out, values| {
        out.text("name", "sigma");
        out.texts("values", values);
    });
}
