//! A deviation in English, from the very numbers that were scored.

use super::{Contribution, Deviation, Measure};
use std::fmt::Write;

/// Less of the expectation than this being the actor's own is worth a word.
const LITTLE_KNOWN: f64 = 0.3;

impl Deviation {
    /// What was seen, why the context does not excuse it, and what the score would be without each part:
    /// `about 212 different targets in 10 min (own p99 14, peer p99.9 31); no ticket was named. Score 83; without the targets in 10 min 41.`
    pub fn sentence(&self) -> String {
        let mut parts: Vec<String> = self.contributions.iter().map(Contribution::words).collect();
        if parts.is_empty() {
            parts.push("much together that is unusual, nothing of it by itself".to_owned());
        }
        parts.extend(self.context.iter().cloned());
        if self.evidence < LITTLE_KNOWN {
            parts.push("little is known of the person yet, so that the peers are the measure".to_owned());
        }
        let mut text = parts.join("; ");
        let _ = write!(text, ". Score {}", whole(self.score));
        for (at, it) in self.contributions.iter().enumerate() {
            let link = if at == 0 { "; without" } else { ", without" };
            let _ = write!(text, "{link} {} {}", it.name(), whole(it.score_without));
        }
        text.push('.');
        text
    }
}

impl Contribution {
    /// What was seen beside what is usual: `about 212 different targets in 10 min (own p99 14, peer p99.9 31)`.
    pub fn words(&self) -> String {
        let mut text = self.seen();
        let beside = self.beside();
        if !beside.is_empty() {
            let _ = write!(text, " ({})", beside.join(", "));
        }
        if self.is_continued {
            text.push_str(", for days already");
        }
        text
    }

    /// What it is called when it is imagined away: `the targets in 10 min`.
    pub fn name(&self) -> String {
        let measure = Measure::of(&self.feature);
        let within = measure.window().map_or(String::new(), |(words, _)| format!(" in {words}"));
        match measure {
            Measure::Rate { family, .. } => format!("the {}{within}", actions(family, 2.0)),
            Measure::Distinct(_) => format!("the targets{within}"),
            Measure::Hour => "the hour".to_owned(),
            Measure::Novelty(dimension) => format!("the {}", dimension_word(dimension)),
            Measure::Travel => "the travel".to_owned(),
            Measure::NoTicket(_) => "the missing tickets".to_owned(),
            Measure::Sensitive => "the sensitive actions".to_owned(),
            Measure::Watched => "the watched targets".to_owned(),
            Measure::Takeover => "the takeovers".to_owned(),
            Measure::Slow(_) => "the rise of weeks".to_owned(),
            Measure::Target => "the others at the target".to_owned(),
            Measure::Other => self.feature.clone(),
        }
    }

    fn seen(&self) -> String {
        let (observed, expected) = (self.observed, self.expected);
        let measure = Measure::of(&self.feature);
        let within = measure.window().map_or(String::new(), |(words, _)| format!(" in {words}"));
        let value = self.value.as_deref().filter(|it| !it.is_empty());
        match measure {
            Measure::Rate { family, window } => {
                let about = if window == "1d" { "" } else { about(observed) };
                format!("{about}{} {}{within}", number(observed), actions(family, observed))
            }
            Measure::Distinct(_) => {
                format!("{}{}{within}", about(observed), plural(observed, "different target", "different targets"))
            }
            Measure::Hour => match value {
                Some(hour) => format!("at work on {hour}, an hour that holds {} of the usual work", percent(expected)),
                None => format!("at work at an hour that holds {} of the usual work", percent(expected)),
            },
            Measure::Novelty(dimension) => {
                let word = dimension_word(dimension);
                let thing = value.map_or_else(|| format!("another {word}"), |it| format!("{word} {it}"));
                if observed < 1.0 { format!("{thing} for the first time") } else { format!("{thing}, which is rare") }
            }
            Measure::Travel => format!("would have travelled at {} km/h", number(observed)),
            Measure::NoTicket(errand) => format!("{} without a ticket today", amount(observed, errands(errand))),
            Measure::Sensitive => {
                format!("{} today", amount(observed, ["sensitive action", "sensitive actions", "of actions sensitive"]))
            }
            Measure::Watched => {
                let words = ["action on a watched target", "actions on watched targets", "of actions on watched targets"];
                format!("{} today", amount(observed, words))
            }
            Measure::Takeover => {
                format!("{} today", plural(observed, "account taken over step by step", "accounts taken over step by step"))
            }
            Measure::Slow(what) => {
                let what = if what == "private_reads" { "private reads" } else { "different targets" };
                format!("{} {what} a day for weeks", number(observed))
            }
            Measure::Target => format!("{} at this target", plural(observed, "person", "different people")),
            Measure::Other => match value {
                Some(value) => format!("{} is {value}", self.feature),
                None => format!("{} is {}", self.feature, number(observed)),
            },
        }
    }

    /// What is usual, in the words that fit the measure.
    fn beside(&self) -> Vec<String> {
        let bounds = [("own p99", self.usual_p99), ("peer p99.9", self.peer_p999)];
        let mut beside: Vec<String> =
            bounds.into_iter().filter_map(|(name, bound)| Some(format!("{name} {}", number(bound?)))).collect();
        match Measure::of(&self.feature) {
            Measure::Hour => {}
            Measure::Novelty(_) => {
                beside.push(format!("own habit {}", one_in(self.ln_p_self)));
                if self.ln_p_peer < 0.0 {
                    beside.push(format!("peers {}", one_in(self.ln_p_peer)));
                }
            }
            _ if self.usual_p99.is_none() => beside.push(format!("usually {}", usual(self.observed, self.expected))),
            _ => {}
        }
        beside
    }
}

/// Counts of windows that slide are estimated from two that don't, and distinct ones from sketches; nobody doubts one.
fn about(observed: f64) -> &'static str {
    if is_one(observed) { "" } else { "about " }
}

fn actions(family: &str, count: f64) -> String {
    let one = match family {
        "view" => "look-up",
        "search" => "search",
        "export" => "export",
        "edit" => "edit",
        "credential_change" => "credential change",
        "private_read" => "private read",
        "admin" => "administrative action",
        "other" => "other action",
        unknown => return format!("{unknown} actions"),
    };
    match one {
        _ if is_one(count) => one.to_owned(),
        "search" => "searches".to_owned(),
        one => format!("{one}s"),
    }
}

fn errands(errand: &str) -> [&'static str; 3] {
    match errand {
        "lookup" => ["look-up", "look-ups", "of look-ups"],
        "private_read" => ["private read", "private reads", "of private reads"],
        "credential_change" => ["credential change", "credential changes", "of credential changes"],
        _ => ["action", "actions", "of actions"],
    }
}

fn dimension_word(dimension: &str) -> &str {
    match dimension {
        "ip" => "network",
        "asn" => "network operator",
        known => known,
    }
}

/// A count with a noun, or, of a share, a percentage: `187 look-ups`, `88 % of look-ups`.
fn amount(observed: f64, [one, many, of]: [&str; 3]) -> String {
    if is_share(observed) { format!("{} {of}", percent(observed)) } else { plural(observed, one, many) }
}

/// What is expected, in the unit of what was seen.
fn usual(observed: f64, expected: f64) -> String {
    if is_share(observed) { percent(expected) } else { number(expected) }
}

/// Counts are whole and at least 1; what lies between 0 and 1 is a share.
fn is_share(observed: f64) -> bool {
    observed > 0.0 && observed < 1.0
}

fn is_one(count: f64) -> bool {
    (count - 1.0).abs() < 1e-9
}

/// `1 alert`, `2,000 people`.
pub(super) fn plural(count: f64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if is_one(count) { one } else { many })
}

/// `88 %`, `0.4 %`.
fn percent(share: f64) -> String {
    format!("{} %", number(share * 100.0))
}

/// `1 in 3,000`, of a probability's natural logarithm.
fn one_in(ln_p: f64) -> String {
    let times = (-clean(ln_p)).exp();
    if times >= 1e9 {
        return "less than 1 in 1,000,000,000".to_owned();
    }
    // Two digits: no more are known, and machines agree on them.
    let step = 10.0_f64.powi(format!("{times:.0}").len().saturating_sub(2).try_into().unwrap_or(0));
    format!("1 in {}", number((times / step).round() * step))
}

/// Without decimals.
fn whole(it: f64) -> String {
    // Nothing is never below nothing.
    format!("{}", clean(it).round() + 0.0)
}

/// With one decimal.
pub(super) fn decimal(it: f64) -> String {
    format!("{:.1}", clean(it))
}

/// A number as people write it: `1,234`, `12.5`, `0.04`; as many digits as say something.
pub(crate) fn number(it: f64) -> String {
    let it = clean(it);
    let digits = match it.abs() {
        large if large >= 100.0 => 0,
        middle if middle >= 1.0 => 1,
        small if small >= 0.01 => 2,
        _ => 4,
    };
    let text = format!("{it:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |it| ("-", it));
    let mut grouped = sign.to_owned();
    for (at, digit) in whole.char_indices() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if let Some(fraction) = fraction {
        grouped.extend([".", fraction]);
    }
    if grouped == "-0" { "0".to_owned() } else { grouped }
}

/// What can be written: neither infinite nor no number at all.
fn clean(it: f64) -> f64 {
    if it.is_nan() { 0.0 } else { it.clamp(-1e15, 1e15) }
}

/// A finite number for JSON, rounded to six digits after the point: no more are known.
pub(crate) fn rounded(it: f64) -> f64 {
    (clean(it) * 1e6).round() / 1e6
}
