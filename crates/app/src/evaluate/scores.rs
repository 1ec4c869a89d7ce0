//! Scores of single events, one JSON object a line: `{"id":…,"actor":…,"nj.p":…,"nj.score":…,"contributions":[{"feature":…},…]}`.

use super::lines::Lines;
use anyhow::{Result, bail};
use serde::Deserialize;
use std::borrow::Cow;
use std::path::Path;

/// What the model made of one event.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Score<'a> {
    /// `id` of the event.
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    /// `actor.id`.
    #[serde(borrow)]
    pub(super) actor: Cow<'a, str>,
    /// The combined p-value.
    #[serde(rename = "nj.p")]
    pub(super) p: f64,
    /// −10·log10 of how often so much surprise is expected in a person's active day.
    #[serde(rename = "nj.score")]
    pub(super) surprise: f64,
    /// What weighs most comes first.
    #[serde(borrow, default)]
    pub(super) contributions: Vec<Contribution<'a>>,
}

/// A part of a score.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Contribution<'a> {
    /// The computed field that it comes from.
    #[serde(borrow)]
    pub(super) feature: Cow<'a, str>,
}

/// A file of scores, in the order of the events; events without a score are left out.
pub(super) struct Scores {
    lines: Lines,
    /// The score that is read but not asked for yet.
    next: Option<(u64, Score<'static>)>,
}

impl Scores {
    pub(super) fn open(path: &Path) -> Result<Self> {
        Ok(Self { lines: Lines::open(path)?, next: None })
    }

    /// The next score.
    pub(super) fn next(&mut self) -> Result<Option<Score<'static>>> {
        self.peek()?;
        Ok(self.next.take().map(|(_, score)| score))
    }

    /// The score of that event, if it is the next one.
    pub(super) fn of(&mut self, id: &str) -> Result<Option<Score<'static>>> {
        let is_next = self.peek()?.is_some_and(|it| it.id == id);
        if is_next { self.next() } else { Ok(None) }
    }

    /// That all scores have been asked for.
    pub(super) fn finish(mut self) -> Result<()> {
        self.peek()?;
        if let Some((line, score)) = self.next {
            let path = self.lines.path().display();
            bail!("{path}:{line}: event {} is not among the events, or not in their order", score.id);
        }
        Ok(())
    }

    fn peek(&mut self) -> Result<Option<&Score<'static>>> {
        if self.next.is_none() {
            let path = self.lines.path().to_owned();
            if let Some((line, score)) = self.lines.record::<Score<'_>>("score of an event")? {
                if !(0.0..=1.0).contains(&score.p) || !score.surprise.is_finite() {
                    bail!(
                        "{}:{line}: nj.p {} is no probability, or nj.score {} no number",
                        path.display(),
                        score.p,
                        score.surprise
                    );
                }
                self.next = Some((line, owned(score)));
            }
        }
        Ok(self.next.as_ref().map(|(_, score)| score))
    }
}

fn owned(score: Score<'_>) -> Score<'static> {
    let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
    let first = score.contributions.into_iter().take(1);
    Score {
        id: own(score.id),
        actor: own(score.actor),
        p: score.p,
        surprise: score.surprise,
        contributions: first.map(|it| Contribution { feature: own(it.feature) }).collect(),
    }
}
