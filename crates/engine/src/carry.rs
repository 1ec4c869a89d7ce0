//! From one set of rules to the next: which windows go on, and what becomes of hits that are on their way. Pure: who swaps, and when,
//! is decided elsewhere.

use crate::exchange::{Exchange, Routed};
use crate::reread::Rereader;
use crate::shard::Shard;
use crate::targets::Touched;
use crate::windows::{WindowLimits, Windows};
use serde::{Deserialize, Serialize};
use sigma::compile::{CorrelationIndex, RuleIndex, RuleSet};
use std::collections::HashMap;

/// What a window belongs to: the id of its correlation, and the hash of all that the correlation looks for. A window passes to a
/// correlation of which both are the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct WindowKey {
    id: String,
    content: u64,
}

/// The keys of the windows of a set, in their order.
pub(crate) fn window_keys(set: &RuleSet) -> Vec<WindowKey> {
    set.correlations.iter().zip(&set.contents).map(|(it, &content)| WindowKey { id: it.info.id.clone(), content }).collect()
}

/// For each correlation of `set`, the place among `theirs` that its window has.
fn places(theirs: &[WindowKey], set: &RuleSet) -> Vec<Option<usize>> {
    let known: HashMap<&WindowKey, usize> = theirs.iter().enumerate().map(|(at, key)| (key, at)).collect();
    window_keys(set).iter().map(|key| known.get(key).copied()).collect()
}

/// What became of the windows of a set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Carried {
    /// Correlations whose windows go on.
    pub kept: usize,
    /// Correlations that begin with empty windows: they, or something that they are over, have changed.
    pub reset: usize,
    /// Correlations that were not there before.
    pub added: usize,
    /// Correlations that are gone, with their windows.
    pub removed: usize,
}

impl Carried {
    pub(crate) fn of(theirs: &[WindowKey], ours: &[WindowKey]) -> Self {
        let has = |keys: &[WindowKey], key: &WindowKey| keys.contains(key);
        let has_id = |keys: &[WindowKey], key: &WindowKey| keys.iter().any(|it| it.id == key.id);
        let kept = ours.iter().filter(|it| has(theirs, it)).count();
        let reset = ours.iter().filter(|it| !has(theirs, it) && has_id(theirs, it)).count();
        let removed = theirs.iter().filter(|it| !has_id(ours, it)).count();
        Self { kept, reset, added: ours.len() - kept - reset, removed }
    }
}

/// The windows of `theirs` as `set` wants them.
pub(crate) fn fitted(windows: Windows, theirs: &[WindowKey], set: &RuleSet, limits: WindowLimits) -> Windows {
    windows.carried_over(&places(theirs, set), set, limits)
}

/// How one set of rules stands to another.
#[derive(Debug)]
pub struct CarryOver {
    /// What becomes of the windows.
    pub carried: Carried,
    keys: Vec<WindowKey>,
    /// For each correlation of the old set its place in the new one, if it is the same.
    correlations: Vec<Option<CorrelationIndex>>,
    /// For each rule of the old set that of the same id in the new one.
    rules: Vec<Option<RuleIndex>>,
}

impl CarryOver {
    /// From `old` to `new`.
    pub fn between(old: &RuleSet, new: &RuleSet) -> Self {
        let keys = window_keys(old);
        let index = |at: usize| u32::try_from(at).expect("rules are far fewer than 2^32");
        let mut correlations = vec![None; keys.len()];
        for (at, place) in places(&keys, new).into_iter().enumerate() {
            if let Some(place) = place {
                correlations[place] = Some(CorrelationIndex(index(at)));
            }
        }
        let new_rules: HashMap<&str, usize> = new.rules.iter().enumerate().map(|(at, it)| (it.info.id.as_str(), at)).collect();
        let rules = old.rules.iter().map(|it| new_rules.get(it.info.id.as_str()).map(|&at| RuleIndex(index(at)))).collect();
        Self { carried: Carried::of(&keys, &window_keys(new)), keys, correlations, rules }
    }

    /// A hit of the old set as one of the new set. `None` when its correlation is not the same any more: its window has begun anew.
    pub fn translate(&self, mut routed: Routed) -> Option<Routed> {
        routed.hit.correlation = self.correlations[routed.hit.correlation.0 as usize]?;
        routed.rule = self.rules[routed.rule.0 as usize]?;
        Some(routed)
    }

    /// An event on its way to its target as the new set asks about it: rules that are gone ask no more.
    pub fn translate_touched(&self, mut touched: Touched) -> Touched {
        if let Some(asked) = &mut touched.asked {
            asked.rules = asked.rules.iter().filter_map(|it| self.rules[it.0 as usize]).collect();
        }
        touched
    }
}

impl Shard {
    /// Goes on with the rules of `new`: windows of correlations that are the same stay, the others begin anew.
    pub fn adopt(&mut self, over: &CarryOver, new: &RuleSet, limits: WindowLimits) {
        let windows = std::mem::take(&mut self.windows);
        self.windows = fitted(windows, &over.keys, new, limits);
        self.rereader = Rereader::default();
    }
}

impl Exchange {
    /// Goes on with the rules of `new`, as [`Shard::adopt`] does.
    pub fn adopt(&mut self, over: &CarryOver, new: &RuleSet, limits: WindowLimits) {
        let windows = std::mem::take(&mut self.windows);
        self.windows = fitted(windows, &over.keys, new, limits);
        self.rereader = Rereader::default();
    }
}
