//! What runs in production: lines, decoder, compiled matcher.

use engine::decode::{Limits, Lines, pad};
use engine::{Plausible, Reader, Rulebook};
use model::{Event, EventTime, SourceMapping};
use sigma::lists::Lists;
use sigma::matcher::{Clock, Matcher};
use sigma::parse::parse_all;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A source without anything that an event must have, so that any JSON object is one, and with no log source, so that every rule sees
/// it.
const ANY: &str = "name = \"any\"\nrequired = []\n[roles]\nzone = [\"actor.tz\"]";

/// Rules compiled, and what is needed to run them.
pub(crate) struct Subject {
    book: Rulebook,
    reader: Reader,
    matcher: Matcher,
}

impl Subject {
    /// The rules, given as (file, text), for events whose zone is `zone` unless they say otherwise.
    ///
    /// # Panics
    /// If a rule is not accepted.
    pub(crate) fn new(
        rules: impl IntoIterator<Item = (String, String)>,
        lists: &BTreeMap<String, Vec<String>>,
        zone: &str,
    ) -> Self {
        let mut known = Lists::default();
        lists.iter().for_each(|(name, entries)| known.insert_literal(name.as_str(), entries.clone()));
        let loaded = parse_all(rules, &known);
        let mut problems = loaded.problems;
        let mapping = SourceMapping::from_toml(ANY).expect("a sound mapping");
        let book = Rulebook::compile(loaded.documents, &[mapping], &mut problems);
        let errors: Vec<String> = problems.iter().filter(|it| it.is_error()).map(ToString::to_string).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let program = &book.programs[0];
        let plausible = Plausible::until(EventTime::parse("2100-01-01T00:00:00Z").expect("a time"));
        let reader = Reader::new(Arc::clone(program), Limits::default(), plausible);
        let matcher = Matcher::new(program, Clock::with_default(zone).expect("a zone"));
        Self { book, reader, matcher }
    }

    /// The identifiers of the rules that match an event, which is one line.
    ///
    /// # Panics
    /// If the line is no event.
    pub(crate) fn matches(&mut self, event: &str) -> BTreeSet<String> {
        let mut text = event.as_bytes().to_vec();
        let payload = pad(&mut text);
        let mut lines = Lines::new(&text, payload).expect("the block is padded");
        let (mut values, mut matched) = (Vec::new(), Vec::new());
        let record = self.reader.next(&mut lines, &mut values).expect("the line is not blank");
        let head = record.outcome.as_ref().unwrap_or_else(|it| panic!("{it}: {event}"));
        let event = Event { time: head.time, values: &values, line: head.line };
        self.matcher.matches(&self.book.programs[0], &event, &mut matched);
        matched.iter().map(|it| self.book.set.rules[it.0 as usize].info.id.clone()).collect()
    }
}
