//! The two engines over the same rules and the same events: which rule matches which event, log sources aside.

use crate::oracle::subject::Subject;
use rsigma_eval::{Engine, JsonEvent};
use std::collections::{BTreeMap, BTreeSet};

/// Rules as (file, text), each with an identifier.
pub(super) type Rules = Vec<(String, String)>;
/// (number of the event, identifier of the rule).
pub(super) type Matches = BTreeSet<(usize, String)>;

/// What Nightjar matches.
pub(super) fn ours(rules: &Rules, events: &[String]) -> Matches {
    let mut subject = Subject::new(rules.iter().cloned(), &BTreeMap::new(), "UTC");
    let matches = |(at, event): (usize, &String)| subject.matches(event).into_iter().map(move |it| (at, it));
    events.iter().enumerate().flat_map(matches).collect()
}

/// What `rsigma-eval` matches.
pub(super) fn theirs(rules: &Rules, events: &[String]) -> Matches {
    let mut parsed = Vec::with_capacity(rules.len());
    for (name, text) in rules {
        let collection = rsigma_parser::parse_sigma_yaml(text).unwrap_or_else(|it| panic!("{name}: {it}"));
        assert!(collection.errors.is_empty(), "{name}: {:?}", collection.errors);
        parsed.extend(collection.rules);
    }
    let mut engine = Engine::new();
    let errors = engine.add_rules(&parsed);
    assert!(errors.is_empty(), "{errors:?}");
    let mut all = Matches::new();
    for (at, text) in events.iter().enumerate() {
        let json = serde_json::from_str(text).unwrap();
        let found = engine.evaluate(&JsonEvent::borrow(&json));
        all.extend(found.into_iter().map(|it| (at, it.header.rule_id.expect("every rule has an identifier"))));
    }
    all
}
