//! Broken habits as OCSF `anomaly_analyses`, and all their numbers under `unmapped`.

use super::json::Object;
use crate::behaviour::{Measure, number, rounded};
use crate::{Alert, Contribution, Deviation, Standing};
use std::fmt::Write;

/// Writes one analysis for each contribution, strongest first: what was observed, and what the actor and the peers stay below.
pub(super) fn write_analyses(out: &mut Object<'_>, deviation: &Deviation) {
    out.objects("anomaly_analyses", &deviation.contributions, |analysis, it| {
        analysis.objects("analysis_targets", [it], |target, it| {
            target.required_text("name", &it.feature);
            target.text("type", "Behavior");
        });
        analysis.objects("anomalies", [it], |anomaly, it| {
            write_parameter(anomaly, &it.feature, pattern(it));
            let observed = it.value.as_deref().filter(|value| !value.is_empty()).map_or_else(|| number(it.observed), str::to_owned);
            anomaly.objects("observations", [observed], |observation, value| write_observation(observation, it, &value));
        });
        analysis.objects("baselines", baselines(it), |baseline, (of, value)| {
            write_parameter(baseline, &format!("{}, {of}", it.feature), (pattern(it).0, usual_pattern(it)));
            baseline.objects("observations", [value], |observation, value| write_observation(observation, it, &value));
        });
    });
}

/// Writes the numbers as they were scored.
pub(super) fn write_numbers(out: &mut Object<'_>, deviation: &Deviation, standing: Option<&Standing>) {
    let mut share = |key: &str, value: f64| out.value(key, &rounded(value));
    share("score", deviation.score);
    share("ln_p", deviation.ln_p);
    share("evidence", deviation.evidence);
    share("risk", deviation.risk);
    share("risk_raised", deviation.risk_raised);
    share("weight", deviation.weight);
    if let Some(it) = standing {
        out.object("standing", |out| write_standing(out, it));
    }
    out.texts("context", &deviation.context);
    out.objects("contributions", &deviation.contributions, write_contribution);
}

/// Why the alert is shown, in a sentence: `risk 9.1 (2 of it from rules); risk ≥ 7.2: about 5 alerts a day for 2,000 active people`.
pub(super) fn standing_words(alert: &Alert) -> Option<String> {
    let it = alert.triaged.as_ref()?.standing.as_ref()?;
    let mut text = format!("risk {}", number(it.risk));
    if it.risk_of_rules > 0.0 {
        let _ = write!(text, " ({} of it from rules)", number(it.risk_of_rules));
    }
    if it.factor > 1.0 {
        let _ = write!(text, ", counted {}-fold after a report", number(it.factor));
    }
    match it.label() {
        Some("sample") => text.push_str(", below the threshold: one of a random sample that shows what the threshold misses"),
        Some("spare") => text.push_str(", below the threshold: the day's budget had room for it"),
        Some(_) => text.push_str(", told when the budget had room again"),
        None => {}
    }
    Some(format!("{text}; {}", it.meaning()))
}

fn write_standing(out: &mut Object<'_>, it: &Standing) {
    out.value("risk", &rounded(it.risk));
    out.value("risk_of_rules", &rounded(it.risk_of_rules));
    out.value("factor", &rounded(it.factor));
    out.value("threshold", &rounded(it.threshold));
    out.value("alerts_per_day", &rounded(it.per_day));
    out.count("people", it.people);
    out.text("meaning", &it.meaning());
    out.flag("is_sample", it.sampled.is_some());
    if let Some(share) = it.sampled {
        out.value("sampled_share", &rounded(share));
    }
    out.flag("is_spare", it.is_spare);
    out.number("waited", it.waited_ms);
    out.count("increments", it.increments);
}

fn write_contribution(out: &mut Object<'_>, it: &Contribution) {
    out.required_text("feature", &it.feature);
    out.text("words", &it.words());
    out.value("observed", &rounded(it.observed));
    out.optional("value", it.value.as_deref());
    out.value("expected", &rounded(it.expected));
    for (key, bound) in [("usual_p99", it.usual_p99), ("peer_p999", it.peer_p999)] {
        if let Some(bound) = bound {
            out.value(key, &rounded(bound));
        }
    }
    out.value("ln_p_self", &rounded(it.ln_p_self));
    out.value("ln_p_peer", &rounded(it.ln_p_peer));
    out.value("share", &rounded(it.share));
    out.value("score_without", &rounded(it.score_without));
    out.value("evidence", &rounded(it.evidence));
    out.flag("is_continued", it.is_continued);
}

fn write_parameter(out: &mut Object<'_>, parameter: &str, (kind, pattern): (&str, &str)) {
    out.required_text("observation_parameter", parameter);
    out.text("observation_type", kind);
    out.text("observed_pattern", pattern);
}

fn write_observation(out: &mut Object<'_>, it: &Contribution, value: &str) {
    out.required_text("value", value);
    if let Some((_, ms)) = Measure::of(&it.feature).window() {
        out.object("timespan", |timespan| {
            timespan.number("duration", ms);
            timespan.number("type_id", 1);
            timespan.text("type", "Milliseconds");
        });
    }
}

/// OCSF's words for the kind of analysis and for what it found (attributes `observation_type` and `observed_pattern` of `anomaly`).
fn pattern(it: &Contribution) -> (&'static str, &'static str) {
    match Measure::of(&it.feature) {
        Measure::Rate { .. } | Measure::Distinct("10m" | "1d") | Measure::Travel | Measure::Target => ("Volume Analysis", "SURGE"),
        Measure::Distinct(_) | Measure::Slow(_) => ("Volume Analysis", "HIGH_VOLUME"),
        Measure::Hour => ("Time Pattern Analysis", "OFF_HOURS"),
        Measure::Novelty(_) if it.observed < 1.0 => ("Frequency Analysis", "UNSEEN"),
        Measure::Novelty(_) | Measure::Other => ("Frequency Analysis", "RARE"),
        Measure::NoTicket(_) | Measure::Sensitive | Measure::Watched => ("Distribution Analysis", "HIGH_SHARE"),
        Measure::Takeover => ("Sequence Analysis", "RARE"),
    }
}

fn usual_pattern(it: &Contribution) -> &'static str {
    match pattern(it).0 {
        "Volume Analysis" => "NORMAL_VOLUME",
        "Time Pattern Analysis" => "BUSINESS_HOURS",
        "Distribution Analysis" => "NORMAL_SHARE",
        _ => "INFREQUENT",
    }
}

/// Whose baseline, and its value.
fn baselines(it: &Contribution) -> impl Iterator<Item = (&'static str, String)> {
    let of = if Measure::of(&it.feature).is_likelihood() { "likelihood" } else { "expected" };
    let bounds = [(of, Some(it.expected)), ("own p99", it.usual_p99), ("peer p99.9", it.peer_p999)];
    bounds.into_iter().filter_map(|(of, value)| Some((of, number(value?))))
}
