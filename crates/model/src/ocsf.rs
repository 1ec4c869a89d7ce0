//! Alerts as OCSF 1.8 Detection Findings (class 2004).
//!
//! Everything goes where the schema has a place for it; what it has none for is under `unmapped`. Two profiles are applied: `host`
//! for the actor at the top, `security_control` for the risk and the flag that this is an alert. The schema wants an endpoint to have
//! a name or an identifier, so an address without a device is its own name.

mod attack;
mod behaviour;
mod incident;
mod json;
mod observable;
mod party;

use crate::{Alert, Delivery, Exception, RuleKind, Standing, Status, WindowInfo};
use json::Object;
use std::fmt::Write;
use uuid::Uuid;

/// The version of the schema that alerts are written in.
pub const SCHEMA_VERSION: &str = "1.8.0";

/// The identifier of an alert: a version 5 UUID of the rule and the parts that tell its alerts apart (group values and the start of
/// the window, or the event). Each part is preceded by its length, so that no two lists of parts look alike.
pub fn uid(rule_id: &str, parts: &[&str]) -> String {
    const ALERTS: Uuid = Uuid::from_u128(0x6d1e_a0c4_57f2_4b8a_9e30_c2b5_18d7_4f66);
    let mut name = String::with_capacity(128);
    for part in std::iter::once(&rule_id).chain(parts) {
        // Writing to memory does not fail.
        let _ = write!(name, "{}:", part.len());
        name.push_str(part);
    }
    Uuid::new_v5(&ALERTS, name.as_bytes()).to_string()
}

impl Alert {
    /// Appends the alert as one line of compact JSON without the line end: an OCSF 1.8.0 Detection Finding. Keys have a fixed order,
    /// so that equal alerts are equal bytes.
    pub fn write_ocsf(&self, out: &mut Vec<u8>) {
        json::write(out, |finding| {
            self.write_class(finding);
            self.write_times(finding);
            self.write_severity(finding);
            finding.text("message", &self.message);
            finding.object("metadata", |it| self.write_metadata(it));
            finding.object("finding_info", |it| self.write_finding_info(it));
            party::write_actor(finding, self);
            party::write_evidences(finding, self);
            party::write_resources(finding, self);
            if let Some(deviation) = &self.deviation {
                behaviour::write_analyses(finding, deviation);
            }
            observable::write(finding, self);
            finding.object("unmapped", |it| self.write_unmapped(it));
        });
    }

    fn write_class(&self, finding: &mut Object<'_>) {
        finding.number("category_uid", 2);
        finding.text("category_name", "Findings");
        finding.number("class_uid", 2004);
        finding.text("class_name", "Detection Finding");
        let is_update = self.triaged.as_ref().is_some_and(|it| it.is_update);
        let (activity_id, activity) = if is_update { (2, "Update") } else { (1, "Create") };
        finding.number("activity_id", activity_id);
        finding.text("activity_name", activity);
        finding.number("type_uid", 200_400 + activity_id);
        finding.text("type_name", &format!("Detection Finding: {activity}"));
        self.write_delivery(finding);
        finding.count("count", self.events_total);
    }

    /// Whether it pages, in the schema's words: what does not is no alert but logged, and what an exception covers is suppressed.
    fn write_delivery(&self, finding: &mut Object<'_>) {
        let (status_id, status) = match &self.delivery {
            Delivery::Page | Delivery::Shadow => (1, "New"),
            Delivery::Excepted(_) => (3, "Suppressed"),
        };
        finding.number("status_id", status_id);
        finding.text("status", status);
        match &self.delivery {
            Delivery::Page => {}
            Delivery::Shadow => {
                finding.text("status_detail", &format!("in shadow: the status of the rule is {}", self.rule.status));
            }
            Delivery::Excepted(it) => {
                let Exception { id, reason, author, .. } = &**it;
                let by = if author.is_empty() { String::new() } else { format!(" by {author}") };
                finding.text("status_detail", &format!("exception {id}{by} until {}: {reason}", it.until));
            }
        }
        let (disposition_id, disposition) = if self.delivery.is_page() { (19, "Alert") } else { (17, "Logged") };
        finding.flag("is_alert", self.delivery.is_page());
        finding.number("action_id", 3);
        finding.text("action", "Observed");
        finding.number("disposition_id", disposition_id);
        finding.text("disposition", disposition);
    }

    fn write_times(&self, finding: &mut Object<'_>) {
        let (first, last) = self.span_ms();
        finding.number("time", self.time.ms());
        finding.number("start_time", first);
        finding.number("end_time", last);
        finding.number("duration", last.saturating_sub(first).max(0));
    }

    /// When the first and the last contributing event happened.
    fn span_ms(&self) -> (i64, i64) {
        self.window.as_ref().map_or((self.time.ms(), self.time.ms()), |it| (it.first.ms(), it.last.ms()))
    }

    fn write_severity(&self, finding: &mut Object<'_>) {
        let level = self.rule.level;
        let (risk_level, of_level) = RISK_LEVELS[level as usize];
        finding.number("severity_id", i64::from(level.severity_id()));
        finding.text("severity", level.severity());
        finding.number("risk_level_id", level as i64);
        finding.text("risk_level", risk_level);
        finding.number(
            "risk_score",
            self.deviation.as_ref().map_or(of_level, |it| risk_score(self.standing().map_or(it.risk, |it| it.risk))),
        );
        finding.optional("risk_details", behaviour::standing_words(self).as_deref());
        if let Some(it) = &self.deviation {
            finding.number("confidence_score", percent(it.evidence));
        }
    }

    /// Where it stands among all that is out of the ordinary, if that was decided.
    fn standing(&self) -> Option<&Standing> {
        self.triaged.as_ref()?.standing.as_ref()
    }

    fn write_metadata(&self, metadata: &mut Object<'_>) {
        metadata.text("version", SCHEMA_VERSION);
        metadata.object("product", write_product);
        metadata.texts("profiles", ["host", "security_control"]);
        metadata.text("uid", &self.uid);
        // Alerts of one incident find each other by it.
        metadata.optional("correlation_uid", self.triaged.as_ref().and_then(|it| it.incident.as_deref()));
        metadata.text("source", &self.source);
        match &self.delivery {
            Delivery::Page => metadata.texts("labels", self.standing().and_then(Standing::label)),
            Delivery::Shadow => metadata.texts("labels", ["shadow"]),
            Delivery::Excepted(_) => metadata.texts("labels", ["excepted"]),
        }
        if let [event] = &*self.events {
            metadata.text("original_event_uid", event);
        }
    }

    fn write_finding_info(&self, info: &mut Object<'_>) {
        let rule = &self.rule;
        let (first, last) = self.span_ms();
        info.required_text("uid", &self.uid);
        info.text("title", &rule.title);
        info.text("desc", &rule.description);
        info.texts("types", [kind_of(rule.kind)]);
        info.texts("data_sources", [&*self.source]);
        // Later than the event where an alert had to wait for its turn.
        info.number("created_time", self.time.ms().saturating_add(self.standing().map_or(0, |it| it.waited_ms)));
        info.number("first_seen_time", first);
        info.number("last_seen_time", last);
        info.object("analytic", |analytic| {
            write_analytic(analytic, &rule.id, &rule.name, rule.kind);
            analytic.text("version", &rule.version);
            let (state_id, state) = analytic_state(rule.status);
            analytic.number("state_id", state_id);
            analytic.text("state", state);
        });
        attack::write(info, &rule.tags);
        info.objects("related_events", &self.events, |event, id| event.required_text("uid", id));
        info.count("related_events_count", self.events_total);
    }

    fn write_unmapped(&self, unmapped: &mut Object<'_>) {
        unmapped.text("rule_set", &self.rule_set);
        unmapped.text("action", &self.action);
        unmapped.optional("tool", self.tool.as_deref());
        unmapped.text("outcome", self.outcome.as_str());
        unmapped.texts("actors", &self.actors);
        if !party::has_endpoint(&self.origin) {
            unmapped.optional("source_country", self.origin.country.as_deref());
        }
        unmapped.object("rule", |rule| {
            rule.text("status", self.rule.status.as_str());
            rule.text("author", &self.rule.author);
            rule.texts("false_positives", &self.rule.false_positives);
            rule.texts("references", &self.rule.references);
        });
        if let Delivery::Excepted(exception) = &self.delivery {
            unmapped.object("exception", |it| write_exception(it, exception));
        }
        if let Some(deviation) = &self.deviation {
            unmapped.object("behaviour", |it| behaviour::write_numbers(it, deviation, self.standing()));
        }
        if let Some(window) = &self.window {
            unmapped.object("window", |it| write_window(it, window));
        }
    }
}

/// OCSF counts risk levels from 0 and has the same five; the score is for consoles that sort by a number.
const RISK_LEVELS: [(&str, i64); 5] = [("Info", 10), ("Low", 30), ("Medium", 50), ("High", 75), ("Critical", 95)];

/// An actor's risk on the scale of [`RISK_LEVELS`], so that rules and behaviour sort together: 100·R/(R+8), which is 50 (medium) where
/// two families together say once in 10⁵ days, 75 (high) at three times that.
fn risk_score(risk: f64) -> i64 {
    const MEDIUM: f64 = 8.0;
    let risk = if risk.is_nan() { 0.0 } else { risk.clamp(0.0, 1e12) };
    percent(risk / (risk + MEDIUM))
}

/// A share as a whole number of hundredths.
fn percent(share: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "0…100, and a NaN becomes 0")]
    let percent = (share * 100.0).clamp(0.0, 100.0).round() as i64;
    percent
}

fn write_product(product: &mut Object<'_>) {
    product.text("name", "Nightjar");
    product.text("vendor_name", "Nightjar project");
    product.text("version", env!("CARGO_PKG_VERSION"));
}

/// What found it. OCSF tells rules from the analysis of behaviour.
fn write_analytic(analytic: &mut Object<'_>, id: &str, name: &str, kind: RuleKind) {
    let (type_id, caption) = if kind == RuleKind::Behaviour { (2, "Behavioral") } else { (1, "Rule") };
    analytic.required_text("uid", id);
    analytic.text("name", name);
    analytic.number("type_id", type_id);
    analytic.text("type", caption);
}

/// OCSF `analytic.state_id` and its caption.
fn analytic_state(status: Status) -> (i64, &'static str) {
    match status {
        Status::Stable | Status::Deprecated => (1, "Active"),
        Status::Unsupported => (2, "Suppressed"),
        Status::Test | Status::Experimental => (3, "Experimental"),
    }
}

fn write_exception(out: &mut Object<'_>, exception: &Exception) {
    out.text("id", &exception.id);
    out.optional("rule", exception.rule.as_deref());
    out.optional("actor", exception.actor.as_deref());
    out.optional("target", exception.target.as_deref());
    out.number("until", exception.until.ms());
    out.text("reason", &exception.reason);
    out.text("author", &exception.author);
}

fn kind_of(kind: RuleKind) -> &'static str {
    match kind {
        RuleKind::Detection => "Detection",
        RuleKind::Correlation => "Correlation",
        RuleKind::Behaviour => "Behavior",
    }
}

fn write_window(out: &mut Object<'_>, window: &WindowInfo) {
    out.object("group", |group| window.group.iter().for_each(|(field, value)| group.required_text(field, value)));
    out.number("first", window.first.ms());
    out.number("last", window.last.ms());
    out.number("timespan_ms", window.timespan_ms);
    out.count("count", window.count);
    if let Some(value) = window.value {
        out.value("value", &value);
    }
    out.text("counted", &window.counted);
    out.text("condition", &window.condition);
}

#[cfg(test)]
mod tests;
