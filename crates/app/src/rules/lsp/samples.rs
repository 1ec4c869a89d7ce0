//! The fields and values of the events in rule pages: what an editor can offer from experience.

use serde_json::Value as Json;
use sigma::page;
use std::collections::{BTreeMap, BTreeSet};

/// Most values that are kept of a field, and how long they may be: an editor's list is not for browsing logs.
const VALUES_MAX: usize = 30;
const VALUE_CHARS_MAX: usize = 80;
/// Most events of a page that are looked at; repetitions are much the same.
const EVENTS_MAX: usize = 200;
/// Most fields of one product.
const FIELDS_MAX: usize = 2_000;
/// How deep events are looked into.
const DEPTH_MAX: usize = 8;

/// Product → field → values.
#[derive(Debug, Default)]
pub(super) struct Samples(BTreeMap<String, BTreeMap<String, BTreeSet<String>>>);

impl Samples {
    /// Takes in the events of a page whose rule is for `product`. A page with problems gives nothing until it is whole again.
    pub(super) fn add(&mut self, product: &str, text: &str) {
        let Ok(page) = page::parse("", text) else { return };
        let fields = self.0.entry(product.to_owned()).or_default();
        for event in page.cases.iter().flat_map(|it| it.history.iter().chain(&it.events)).take(EVENTS_MAX) {
            if let Ok(json) = serde_json::from_str(&event.text) {
                collect(&json, &mut String::new(), fields, DEPTH_MAX);
            }
        }
    }

    /// The fields seen in events of `product`, with their values; of all products if there is none.
    pub(super) fn fields(&self, product: &str) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut all: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (_, fields) in self.0.iter().filter(|(it, _)| product.is_empty() || *it == product) {
            for (path, values) in fields {
                all.entry(path).or_default().extend(values.iter().map(String::as_str));
            }
        }
        all
    }
}

fn collect(json: &Json, path: &mut String, into: &mut BTreeMap<String, BTreeSet<String>>, depth_left: usize) {
    match json {
        Json::Object(fields) if depth_left > 0 => {
            for (key, value) in fields {
                let before = path.len();
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
                collect(value, path, into, depth_left - 1);
                path.truncate(before);
            }
        }
        Json::Array(elements) => elements.iter().for_each(|it| collect(it, path, into, depth_left)),
        Json::Object(_) => {}
        scalar => {
            if into.len() >= FIELDS_MAX && !into.contains_key(path) {
                return;
            }
            let text = scalar.as_str().map_or_else(|| scalar.to_string(), str::to_owned);
            let values = into.entry(path.clone()).or_default();
            if values.len() < VALUES_MAX && text.chars().count() <= VALUE_CHARS_MAX && !scalar.is_null() {
                values.insert(text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_page_are_known_with_their_values() {
        let event = r#"{"a":{"b":["x","y"]},"n":7,"time":"2026-03-02T10:00:00Z"}"#;
        let page = format!("## One\n\n```events\n{event}\n```\n\n```expect\n```\n");
        let mut samples = Samples::default();
        samples.add("okta", &page);
        let fields = samples.fields("okta");
        assert_eq!(fields["a.b"].iter().copied().collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(fields["n"].iter().copied().collect::<Vec<_>>(), ["7"]);
        assert!(samples.fields("aws").is_empty() && samples.fields("").len() == 3);
    }
}
