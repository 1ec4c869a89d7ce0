//! Spans of time by name: whether one of them covers an instant.

use super::names::{ByName, Name};

/// From when until when; the end is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// When it begins.
    pub start_ms: i64,
    /// When it is over.
    pub end_ms: i64,
    /// The latest end of this span and all of the same name that begin before it.
    reach_ms: i64,
}

/// Spans by name.
#[derive(Debug, Default)]
pub struct Spans(ByName<Span>);

impl Spans {
    /// Arranges spans, given as (name, start, end).
    pub fn new(spans: impl IntoIterator<Item = (Name, i64, i64)>) -> Self {
        let rows = spans.into_iter().map(|(name, start_ms, end_ms)| (name, Span { start_ms, end_ms, reach_ms: end_ms })).collect();
        let mut all = ByName::new(rows, |it: &Span| (it.start_ms, it.end_ms));
        let mut before: Option<(Name, i64)> = None;
        for (name, span) in all.iter_mut() {
            if let Some((last, reach_ms)) = before
                && last == name
            {
                span.reach_ms = span.reach_ms.max(reach_ms);
            }
            before = Some((name, span.reach_ms));
        }
        Self(all)
    }

    /// Whether a span of `name` covers `at_ms`, if each begins `grace_ms` earlier and ends as much later.
    pub fn cover(&self, name: Name, at_ms: i64, grace_ms: i64) -> bool {
        let spans = self.0.of(name);
        let begun = spans.partition_point(|it| it.start_ms.saturating_sub(grace_ms) <= at_ms);
        begun.checked_sub(1).is_some_and(|it| at_ms < spans[it].reach_ms.saturating_add(grace_ms))
    }

    /// Whether a span of `name` begins within `reach_ms` of `at_ms`, before or after.
    pub fn near(&self, name: Name, at_ms: i64, reach_ms: i64) -> bool {
        let spans = self.0.of(name);
        let next = spans.partition_point(|it| it.start_ms <= at_ms);
        let is_near = |it: &Span| it.start_ms.abs_diff(at_ms) <= reach_ms.unsigned_abs();
        next.checked_sub(1).is_some_and(|it| is_near(&spans[it])) || spans.get(next).is_some_and(is_near)
    }

    /// All spans with their names.
    pub fn iter(&self) -> impl Iterator<Item = (Name, &Span)> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::names::Names;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn spans_cover_what_a_look_at_each_says(
            spans in prop::collection::vec((0_usize..3, 0_i64..100, 0_i64..30), 0..20),
            at in 0_i64..130, who in 0_usize..3, grace in 0_i64..5, reach in 0_i64..20,
        ) {
            let mut names = Names::default();
            let ids = ["a", "b", "c"].map(|it| names.add(it).unwrap());
            let all: Vec<(Name, i64, i64)> = spans.iter().map(|(it, start, length)| (ids[*it], *start, start + length)).collect();
            let naive = all.iter().any(|(name, start, end)| *name == ids[who] && start - grace <= at && at < end + grace);
            let near = all.iter().any(|(name, start, _)| *name == ids[who] && (start - at).abs() <= reach);
            let spans = Spans::new(all);
            prop_assert_eq!(spans.cover(ids[who], at, grace), naive);
            prop_assert_eq!(spans.near(ids[who], at, reach), near);
        }
    }
}
