//! Which tags of the namespace `attack` name something that ATT&CK has.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Tactics of the enterprise, mobile and industrial matrices, under their old names too.
pub(super) const TACTICS: [&str; 21] = [
    "collection",
    "command-and-control",
    "credential-access",
    "defense-evasion",
    "defense-impairment",
    "discovery",
    "effects",
    "evasion",
    "execution",
    "exfiltration",
    "impact",
    "impair-process-control",
    "inhibit-response-function",
    "initial-access",
    "lateral-movement",
    "network-effects",
    "persistence",
    "privilege-escalation",
    "reconnaissance",
    "resource-development",
    "stealth",
];

/// The highest number of the table: what is above it may have come since.
const NUMBER_MAX: u16 = 1681;

/// Numbers of techniques, each with those of its sub-techniques as bits.
static TECHNIQUES: LazyLock<HashMap<u16, u32>> = LazyLock::new(|| {
    let mut techniques = HashMap::new();
    for line in include_str!("techniques.txt").lines().filter(|it| !it.starts_with('#')) {
        let mut words = line.split(' ');
        let Some(number) = words.next().and_then(|it| it.parse().ok()) else { continue };
        let mut subs = 0_u32;
        for range in words {
            let (from, to) = range.split_once('-').unwrap_or((range, range));
            let bounds = (from.parse::<u32>().unwrap_or(0), to.parse::<u32>().unwrap_or(0));
            (bounds.0..=bounds.1).for_each(|it| subs |= 1 << it);
        }
        techniques.insert(number, subs);
    }
    techniques
});

/// What a word after `attack.` is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// Something that is there, or that may be there in a later version.
    Known,
    /// Of the form of a technique, but there is none.
    NoTechnique,
    /// None of the forms.
    Nothing,
}

pub(super) fn word(word: &str) -> Word {
    if TACTICS.contains(&word.replace('_', "-").as_str()) {
        return Word::Known;
    }
    let (letters, digits) = word.split_at(word.find(|it: char| it.is_ascii_digit()).unwrap_or(word.len()));
    let is_number = |text: &str, count: usize| text.len() == count && text.bytes().all(|it| it.is_ascii_digit());
    match letters {
        "g" | "s" | "c" | "ta" | "m" | "ds" | "dc" | "an" | "det" if is_number(digits, 4) => Word::Known,
        "t" => {
            let (technique, sub) = digits.split_once('.').map_or((digits, None), |(it, sub)| (it, Some(sub)));
            if !is_number(technique, 4) || sub.is_some_and(|it| !is_number(it, 3)) {
                return Word::Nothing;
            }
            known(technique, sub)
        }
        _ => Word::Nothing,
    }
}

fn known(technique: &str, sub: Option<&str>) -> Word {
    let number = technique.parse::<u16>().unwrap_or(0);
    // The industrial matrix numbers from T0800; later versions go on above the table.
    if !(1000..=NUMBER_MAX).contains(&number) {
        return Word::Known;
    }
    let Some(subs) = TECHNIQUES.get(&number) else { return Word::NoTechnique };
    let Some(sub) = sub.and_then(|it| it.parse::<u32>().ok()) else { return Word::Known };
    if sub < 32 && subs >> sub & 1 == 1 { Word::Known } else { Word::NoTechnique }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &Word) {
        assert_eq!(&word(text), expected, "{text}");
    }

    #[test]
    fn techniques_tactics_groups_and_software_are_known() {
        for text in
            ["t1098", "t1110.001", "t1053.007", "persistence", "credential_access", "g0049", "s0002", "ta0001", "t0831", "t1690"]
        {
            check(text, &Word::Known);
        }
    }

    #[test]
    fn what_is_not_in_the_table_is_not() {
        for text in ["t1999", "t1098.042", "t1053.004", "t1002", "t1110.000"] {
            let expected = if text == "t1999" { Word::Known } else { Word::NoTechnique };
            check(text, &expected);
        }
        for text in ["t109", "t1098.1", "persistance", "technique", ""] {
            check(text, &Word::Nothing);
        }
    }

    #[test]
    fn every_line_of_the_table_is_read() {
        let lines = include_str!("techniques.txt").lines().filter(|it| !it.starts_with('#')).count();
        assert_eq!(TECHNIQUES.len(), lines);
        assert!(TECHNIQUES.keys().all(|it| *it <= NUMBER_MAX));
    }
}
