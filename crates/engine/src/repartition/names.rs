//! Rules, correlations, sources and lines by number within a parcel, and by name for whoever reads it: the reader may have another set of
//! rules, which numbers them otherwise.

use super::parcel::{Given, ParcelError, What};
use crate::book::Rulebook;
use crate::carry::{WindowKey, window_keys};
use crate::exchange::Routed;
use crate::shard::Place;
use crate::targets::{Asked, Touched};
use crate::windows::Hit;
use model::EventTime;
use serde::{Deserialize, Serialize};
use sigma::compile::{CorrelationIndex, RuleIndex};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// What items name by number.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Names {
    /// Mappings by name, and which of those of that name.
    sources: Vec<(String, u16)>,
    rules: Vec<String>,
    correlations: Vec<WindowKey>,
    lines: Vec<String>,
}

/// Gives numbers to names.
pub(super) struct Naming<'b> {
    book: &'b Rulebook,
    keys: Vec<WindowKey>,
    pub(super) names: Names,
    sources: HashMap<u16, u32>,
    rules: HashMap<u32, u32>,
    correlations: HashMap<u32, u32>,
    lines: HashMap<Arc<str>, u32>,
    /// Bytes of names since they were asked for.
    added: usize,
}

impl<'b> Naming<'b> {
    pub(super) fn new(book: &'b Rulebook) -> Self {
        Self {
            book,
            keys: Vec::new(),
            names: Names::default(),
            sources: HashMap::new(),
            rules: HashMap::new(),
            correlations: HashMap::new(),
            lines: HashMap::new(),
            added: 0,
        }
    }

    pub(super) fn take_added(&mut self) -> usize {
        std::mem::take(&mut self.added)
    }

    /// An item with names.
    pub(super) fn what(&mut self, given: Given) -> What {
        match given {
            Given::Hit(it) => self.hit(*it),
            Given::Touched(it) => self.touched(*it),
            Given::Mark(watermark, reached) => What::Mark { watermark_ms: watermark.ms(), reached_ms: reached.ms() },
        }
    }

    fn hit(&mut self, Routed { source, rule, below, hit, line, .. }: Routed) -> What {
        let Hit { correlation, step, time, group, value, event, actor } = hit;
        What::Hit {
            source: self.source(source),
            rule: self.rule(rule),
            below,
            correlation: self.correlation(correlation),
            step,
            time_ms: time.ms(),
            group,
            value,
            event,
            actor,
            line: self.line(line),
        }
    }

    fn touched(&mut self, Touched { at, time, sighted, asked }: Touched) -> What {
        let asked = asked.map(|it| {
            let Asked { source, rules, line } = *it;
            (self.source(source), rules.iter().map(|it| self.rule(*it)).collect(), self.line(line.into()))
        });
        What::Touched { time_ms: time.ms(), is_late: at.is_late, sighted, asked }
    }

    fn source(&mut self, source: u16) -> u32 {
        let (book, added) = (self.book, &mut self.added);
        number(&mut self.sources, &mut self.names.sources, source, || {
            let it = source_name(book, usize::from(source));
            *added += it.0.len();
            it
        })
    }

    fn rule(&mut self, rule: RuleIndex) -> u32 {
        let (book, added) = (self.book, &mut self.added);
        number(&mut self.rules, &mut self.names.rules, rule.0, || {
            let id = &book.set.rules[rule.0 as usize].info.id;
            *added += id.len();
            id.clone()
        })
    }

    fn correlation(&mut self, correlation: CorrelationIndex) -> u32 {
        if self.keys.is_empty() {
            self.keys = window_keys(&self.book.set);
        }
        let (keys, added) = (&self.keys, &mut self.added);
        number(&mut self.correlations, &mut self.names.correlations, correlation.0, || {
            *added += 64;
            keys[correlation.0 as usize].clone()
        })
    }

    fn line(&mut self, line: Arc<str>) -> u32 {
        let added = &mut self.added;
        let text = Arc::clone(&line);
        number(&mut self.lines, &mut self.names.lines, line, || {
            *added += text.len();
            (*text).to_owned()
        })
    }
}

/// The number of a thing in `all`, where it is put if it is not there yet.
fn number<K: Hash + Eq, V>(known: &mut HashMap<K, u32>, all: &mut Vec<V>, it: K, name: impl FnOnce() -> V) -> u32 {
    *known.entry(it).or_insert_with(|| {
        all.push(name());
        u32::try_from(all.len() - 1).expect("a parcel has far fewer than 2^32 names")
    })
}

/// The name of a source's mapping, and which of those of that name.
fn source_name(book: &Rulebook, source: usize) -> (String, u16) {
    let name = |at: usize| &book.programs[at].schema.mapping.name;
    let before = (0..source).filter(|it| name(*it) == name(source)).count();
    (name(source).clone(), u16::try_from(before).unwrap_or(u16::MAX))
}

/// The reader's numbers for the names of a parcel: nothing for what it does not have.
pub(super) struct Known {
    sources: Vec<Option<u16>>,
    rules: Vec<Option<RuleIndex>>,
    correlations: Vec<Option<CorrelationIndex>>,
    lines: Vec<Arc<str>>,
}

impl Known {
    pub(super) fn of(names: Names, book: &Rulebook) -> Self {
        let sources: HashMap<(String, u16), u16> =
            (0_u16..).take(book.programs.len()).map(|it| (source_name(book, usize::from(it)), it)).collect();
        let rules = names.rules.iter().map(|id| {
            let at = book.set.rules.iter().position(|it| it.info.id == *id)?;
            u32::try_from(at).ok().map(RuleIndex)
        });
        let keys = if names.correlations.is_empty() { Vec::new() } else { window_keys(&book.set) };
        let correlations = names.correlations.iter().map(|key| {
            let at = keys.iter().position(|it| it == key)?;
            u32::try_from(at).ok().map(CorrelationIndex)
        });
        Self {
            sources: names.sources.into_iter().map(|it| sources.get(&it).copied()).collect(),
            rules: rules.collect(),
            correlations: correlations.collect(),
            lines: names.lines.into_iter().map(Into::into).collect(),
        }
    }

    /// An item in the reader's numbers; nothing if it is of rules that the reader does not have. An error if a number is out of range.
    pub(super) fn given(&self, what: What, offset: i64) -> Result<Option<Given>, ParcelError> {
        let position = u64::try_from(offset).unwrap_or(0);
        let unknown = EventTime::MIN;
        Ok(match what {
            What::Hit { source, rule, below, correlation, step, time_ms, group, value, event, actor, line } => {
                let (source, rule) = (at(&self.sources, source)?, at(&self.rules, rule)?);
                let (correlation, line) = (at(&self.correlations, correlation)?, at(&self.lines, line)?);
                let time = EventTime::from_ms(time_ms);
                source.zip(rule).zip(correlation).map(|((source, rule), correlation)| {
                    let hit = Hit { correlation, step, time, group, value, event, actor };
                    Given::Hit(Box::new(Routed { position, source, rule, below, hit, watermark: unknown, reached: unknown, line }))
                })
            }
            What::Touched { time_ms, is_late, sighted, asked } => {
                let at_place = Place { position, watermark: unknown, reached: unknown, is_late };
                let asked = asked.map(|it| self.asked(it)).transpose()?.flatten();
                Some(Given::Touched(Box::new(Touched { at: at_place, time: EventTime::from_ms(time_ms), sighted, asked })))
            }
            What::Mark { watermark_ms, reached_ms } => {
                Some(Given::Mark(EventTime::from_ms(watermark_ms), EventTime::from_ms(reached_ms)))
            }
        })
    }

    fn asked(&self, (source, rules, line): (u32, Box<[u32]>, u32)) -> Result<Option<Box<Asked>>, ParcelError> {
        let (source, line) = (at(&self.sources, source)?, at(&self.lines, line)?);
        let rules: Result<Vec<Option<RuleIndex>>, ParcelError> = rules.iter().map(|it| at(&self.rules, *it)).collect();
        let rules: Box<[RuleIndex]> = rules?.into_iter().flatten().collect();
        Ok(source.filter(|_| !rules.is_empty()).map(|source| Box::new(Asked { source, rules, line: (*line).to_owned() })))
    }
}

fn at<T: Clone>(all: &[T], number: u32) -> Result<T, ParcelError> {
    all.get(number as usize).cloned().ok_or_else(|| ParcelError::Damaged(format!("it has no name {number}")))
}
