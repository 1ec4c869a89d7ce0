//! How near a rule came to matching: the fewest tests of fields that would have to come out otherwise.

use super::{Asking, Lens, Step};
use model::Reject;
use sigma::ast::{Condition, Rule, Search, Selection};

/// The cheapest way to a match.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NearMiss {
    /// How many tests on this way come out as they have to.
    pub met: usize,
    /// The tests that don't, in the order of the file; none if the rule matches. [`Step::holds`] is what the test came to, so that
    /// one that holds is one that must not.
    pub missing: Vec<Step>,
    /// How many tests on this way are up to what came before the event.
    pub open: usize,
}

impl NearMiss {
    /// Both ways have to be gone.
    fn and(mut self, other: Self) -> Self {
        self.met += other.met;
        self.missing.extend(other.missing);
        self.open += other.open;
        self
    }

    /// The way with fewer tests missing; of equals the one with more that are met, then the first.
    fn or(self, other: Self) -> Self {
        let is_better = (other.missing.len(), self.met) < (self.missing.len(), other.met);
        if is_better { other } else { self }
    }
}

/// How near `rule` and its filters come to matching the event in `line`, whether or not the rule is for the event's source. Fails
/// as the decoder does.
pub fn near_miss(rule: &Rule, line: &str, lens: Lens<'_>) -> Result<NearMiss, Reject> {
    let asking = Asking::new(rule, line, lens)?;
    let mut way = of_condition(&asking, &rule.condition, &rule.selections)?.to_hold;
    for filter in &rule.filters {
        way = way.and(of_condition(&asking, &filter.condition, &filter.selections)?.to_hold);
    }
    Ok(way)
}

/// The cheapest ways for a part to hold, and not to hold.
struct Ways {
    to_hold: NearMiss,
    to_fail: NearMiss,
}

fn of_condition(asking: &Asking<'_>, condition: &Condition, selections: &[Selection]) -> Result<Ways, Reject> {
    Ok(match condition {
        Condition::And(parts) => all(parts.iter().map(|it| of_condition(asking, it, selections)))?,
        Condition::Or(parts) => any(parts.iter().map(|it| of_condition(asking, it, selections)))?,
        Condition::Not(inner) => swapped(of_condition(asking, inner, selections)?),
        Condition::Selection(at) => of_search(asking, &selections[*at].search)?,
    })
}

fn of_search(asking: &Asking<'_>, search: &Search) -> Result<Ways, Reject> {
    let item = match search {
        Search::All(parts) => return all(parts.iter().map(|it| of_search(asking, it))),
        Search::Any(parts) => return any(parts.iter().map(|it| of_search(asking, it))),
        Search::Item(item) => item,
    };
    if super::is_open(item) {
        let open = || NearMiss { open: 1, ..NearMiss::default() };
        return Ok(Ways { to_hold: open(), to_fail: open() });
    }
    let holds = asking.search(search)?;
    let value = item.field.as_ref().map(|it| asking.value(it.as_str()));
    let step = Step { depth: 0, holds, line: item.line, question: asking.question(item), value, is_open: false };
    let (met, missing) = (NearMiss { met: 1, ..NearMiss::default() }, NearMiss { missing: vec![step], ..NearMiss::default() });
    let ways = Ways { to_hold: met, to_fail: missing };
    Ok(if holds { ways } else { swapped(ways) })
}

fn swapped(ways: Ways) -> Ways {
    Ways { to_hold: ways.to_fail, to_fail: ways.to_hold }
}

/// All parts have to hold; for it to fail, one has to.
fn all(parts: impl Iterator<Item = Result<Ways, Reject>>) -> Result<Ways, Reject> {
    let mut whole: Option<Ways> = None;
    for part in parts {
        let part = part?;
        whole = Some(match whole {
            None => part,
            Some(it) => Ways { to_hold: it.to_hold.and(part.to_hold), to_fail: it.to_fail.or(part.to_fail) },
        });
    }
    // Nothing to ask for holds.
    Ok(whole.unwrap_or(Ways { to_hold: NearMiss::default(), to_fail: NearMiss::default() }))
}

/// One part has to hold; for it to fail, all have to.
fn any(parts: impl Iterator<Item = Result<Ways, Reject>>) -> Result<Ways, Reject> {
    Ok(swapped(all(parts.map(|it| it.map(swapped)))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sigma::ast::Document;
    use sigma::lists::Lists;

    /// `met`, then each missing test with `!` before one that must not hold.
    #[track_caller]
    fn check(detection: &str, event: &str, expected: &str) {
        let text = format!("title: T\nlogsource: {{product: nightjar}}\ndetection: {detection}\n");
        let loaded = sigma::parse::parse_file("r.yml", &text, &Lists::default());
        let Some(Document::Rule(rule)) = loaded.documents.first() else { panic!("{:?}", loaded.problems) };
        let (mapping, clock) = (model::SourceMapping::built_in("raw").unwrap(), sigma::matcher::Clock::default());
        let lens = Lens { mapping: &mapping, clock: &clock, context: &std::sync::Arc::default() };
        let near = near_miss(rule, event, lens).unwrap();
        let missing = near.missing.iter().map(|it| format!(" {}{}", if it.holds { "!" } else { "" }, it.question));
        assert_eq!(format!("{}{}", near.met, missing.collect::<String>()), expected);
    }

    #[test]
    fn all_that_is_missing_counts() {
        check("{s: {a: 1, b: 2, c: 3}, condition: s}", r#"{"a":1,"b":5}"#, "1 b = 2 c = 3");
        check("{s: {a: 1}, condition: s}", r#"{"a":1}"#, "1");
    }

    #[test]
    fn of_several_ways_the_nearest_counts() {
        check("{s: {a: 1, b: 2}, t: {a: 1, c: 3, d: 4}, condition: s or t}", r#"{"a":1}"#, "1 b = 2");
        check("{s: [{a: 1, b: 2}, {c: 3}], condition: s}", r#"{"a":1}"#, "1 b = 2");
    }

    #[test]
    fn what_must_not_hold_is_told_when_it_does() {
        check("{s: {a: 1}, t: {b: 2, c: 3}, condition: s and not t}", r#"{"a":1,"b":2,"c":3}"#, "1 !b = 2");
        check("{s: {a: 1}, t: {b: 2}, condition: s and not t}", r#"{"a":2}"#, "1 a = 1");
    }

    #[test]
    fn what_is_up_to_habits_is_neither_met_nor_missing() {
        check("{s: {a: 1, b: 2, nj.shift.p|lt: 0.1}, condition: s}", r#"{"a":1}"#, "1 b = 2");
        check("{s: {a: 1}, t: {nj.shift.p|lt: 0.1}, condition: s and not t}", r#"{"a":1}"#, "1");
    }
}
