//! Where the two engines disagree, and who is right.

use super::sides::{Matches, Rules, ours, theirs};
use crate::oracle::interpreter::{World, holds};
use crate::oracle::json::Tree;
use crate::oracle::reading::{Quirk, Reading};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// Who reads the specification right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    /// It says so.
    Nightjar,
    /// It leaves the question open; the reason tells why we answer as we do.
    Both,
}

/// A way in which the other engine differs, who is right, and what decides it: in our words, with the section of specification 2.1.
pub(super) struct Difference {
    pub(super) quirk: Quirk,
    pub(super) right: Right,
    pub(super) decides: &'static str,
}

pub(super) const DIFFERENCES: [Difference; 9] = [
    Difference {
        quirk: Quirk::WildcardsStopAtLineEnds,
        right: Right::Nightjar,
        decides: "Rules, String Wildcard: `?` stands for any single character and `*` for any characters; a line end is one",
    },
    Difference {
        quirk: Quirk::PlacesOfWildcardsAreSwapped,
        right: Right::Nightjar,
        decides: "Modifiers, startswith and endswith: the value stands at the beginning, or at the end, of the field's; that a \
                  wildcard is in it changes nothing, but makes the other engine look at the opposite end",
    },
    Difference {
        quirk: Quirk::KeywordWithModifierIsWhole,
        right: Right::Nightjar,
        decides: "Modifiers, all: keywords under `|all` are searched for like other keywords, but each has to be found; the other \
                  engine compares each with whole values",
    },
    Difference {
        quirk: Quirk::WindashIsForHyphens,
        right: Right::Nightjar,
        decides: "Modifiers, windash: all permutations of hyphen, slash and the three long dashes; the other engine permutes \
                  hyphens alone, and those inside words too",
    },
    Difference {
        quirk: Quirk::Base64KeepsTail,
        right: Right::Nightjar,
        decides: "Modifiers, base64offset: the value may stand anywhere in what was encoded; the last character of an offset \
                  whose bits come in part from what follows is not the value's, and keeping it misses three in four places",
    },
    Difference {
        quirk: Quirk::KeywordsAreForTexts,
        right: Right::Nightjar,
        decides: "Rules, Detection, lists of keywords: they are searched for in the full text of the event; numbers and booleans \
                  are part of it",
    },
    Difference {
        quirk: Quirk::DottedKeysAreAtTheTop,
        right: Right::Both,
        decides: "Rules, Detection: a field is named as the log source names it; how dots are walked is left to the tool. Kubernetes \
                  and Okta have keys with dots inside objects (`annotations` → `authorization.k8s.io/reason`), and we find them",
    },
    Difference {
        quirk: Quirk::NullIsMissing,
        right: Right::Both,
        decides: "Modifiers, exists: whether the field is in the event; nothing is said of one that is there and null. We take the \
                  words as they are: it is there",
    },
    Difference {
        quirk: Quirk::NullIsNoElement,
        right: Right::Both,
        decides: "Rules, Null Values: a field is null; arrays are not spoken of. We take an array to satisfy what any of its \
                  elements does, null like everything else",
    },
];

/// How many unexplained disagreements are told.
const SHOWN_MAX: usize = 12;

/// Compares the engines. Every disagreement has to be explained: our verdict is that of the naive interpreter, theirs is that of the
/// interpreter with the listed quirks. Those of `expected` have to be needed for it, and no others.
#[track_caller]
pub(super) fn check(rules: &Rules, events: &[String], expected: &[Quirk]) -> Matches {
    let (ours, theirs) = (ours(rules, events), theirs(rules, events));
    let all: Vec<Quirk> = DIFFERENCES.iter().map(|it| it.quirk).collect();
    let detections: BTreeMap<String, Json> = rules.iter().map(|(_, text)| detection(text)).collect();
    let lists = BTreeMap::new();
    let mut needed = BTreeSet::new();
    let mut unexplained = Vec::new();
    for (at, id) in ours.symmetric_difference(&theirs) {
        let (event, detection) = (Tree::read(&events[*at]), &detections[id]);
        let verdict =
            |quirks: Vec<Quirk>| holds(detection, &event, &World { lists: &lists, zone: "UTC", reading: Reading(quirks) });
        let is_ours = ours.contains(&(*at, id.clone()));
        if verdict(Vec::new()) != is_ours || verdict(all.clone()) == is_ours {
            unexplained.push(format!(
                "{} {id} {detection}\n{}",
                if is_ours { "only Nightjar" } else { "only rsigma" },
                events[*at]
            ));
            continue;
        }
        // A quirk is needed where the verdict is another without it.
        let without = |quirk: &Quirk| all.iter().copied().filter(|it| it != quirk).collect();
        needed.extend(all.iter().filter(|it| verdict(without(it)) == is_ours));
    }
    let differing = ours.symmetric_difference(&theirs).count();
    eprintln!(
        "{} rules × {} events: {} matches, of rsigma {}, {differing} differ",
        rules.len(),
        events.len(),
        ours.len(),
        theirs.len()
    );
    let shown = unexplained[..unexplained.len().min(SHOWN_MAX)].join("\n");
    assert!(unexplained.is_empty(), "{} of {differing} are unexplained:\n{shown}", unexplained.len());
    for it in DIFFERENCES.iter().filter(|it| needed.contains(&it.quirk)) {
        eprintln!("  {:?}; right: {:?}. {}", it.quirk, it.right, it.decides);
    }
    assert_eq!(needed, expected.iter().copied().collect(), "the differences are others than those expected here");
    ours
}

/// The identifier and the detection of a rule.
fn detection(text: &str) -> (String, Json) {
    let rule: Json = yaml_serde::from_str(text).unwrap();
    (rule["id"].as_str().unwrap().to_owned(), rule["detection"].clone())
}
