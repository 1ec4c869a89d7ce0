//! Incidents as OCSF 1.8 Incident Findings (class 2005).

use super::json::{self, Object};
use super::{RISK_LEVELS, SCHEMA_VERSION, kind_of, party, risk_score, write_analytic, write_product};
use crate::behaviour::rounded;
use crate::{Incident, IncidentFinding, Level};

impl Incident {
    /// Appends the incident as one line of compact JSON without the line end: an OCSF 1.8.0 Incident Finding, of which the first record
    /// of an incident is a `Create` and every other an `Update`. Keys have a fixed order.
    pub fn write_ocsf(&self, out: &mut Vec<u8>) {
        json::write(out, |finding| {
            self.write_class(finding);
            finding.number("time", self.time.ms());
            finding.number("start_time", self.first.ms());
            finding.number("end_time", self.last.ms());
            finding.number("duration", self.last.ms().saturating_sub(self.first.ms()).max(0));
            self.write_severity(finding);
            finding.text("message", &self.message);
            finding.text("desc", "Alerts about one actor, each within 72 hours of another");
            finding.object("metadata", |it| self.write_metadata(it));
            finding.objects("finding_info_list", &self.findings, write_finding);
            finding.object("actor", |actor| actor.object("user", |user| party::write_user(user, &self.actor)));
            finding.object("assignee_group", |group| group.text("name", "unassigned"));
            finding.object("unmapped", |it| self.write_unmapped(it));
        });
    }

    fn write_class(&self, finding: &mut Object<'_>) {
        let (activity_id, activity) = if self.is_new { (1, "Create") } else { (2, "Update") };
        finding.number("category_uid", 2);
        finding.text("category_name", "Findings");
        finding.number("class_uid", 2005);
        finding.text("class_name", "Incident Finding");
        finding.number("activity_id", activity_id);
        finding.text("activity_name", activity);
        finding.number("type_uid", 200_500 + activity_id);
        finding.text("type_name", &format!("Incident Finding: {activity}"));
        finding.number("status_id", 1);
        finding.text("status", "New");
        finding.count("count", self.findings_total);
    }

    fn write_severity(&self, finding: &mut Object<'_>) {
        let (priority_id, priority) = match self.level {
            Level::Informational | Level::Low => (1, "Low"),
            Level::Medium => (2, "Medium"),
            Level::High => (3, "High"),
            Level::Critical => (4, "Critical"),
        };
        finding.number("severity_id", i64::from(self.level.severity_id()));
        finding.text("severity", self.level.severity());
        finding.number("priority_id", priority_id);
        finding.text("priority", priority);
        finding.number("risk_level_id", self.level as i64);
        finding.text("risk_level", RISK_LEVELS[self.level as usize].0);
        finding.number("risk_score", risk_score(self.risk).max(RISK_LEVELS[self.level as usize].1));
    }

    fn write_metadata(&self, metadata: &mut Object<'_>) {
        metadata.text("version", SCHEMA_VERSION);
        metadata.object("product", write_product);
        metadata.texts("profiles", ["host", "security_control"]);
        metadata.text("uid", &self.uid);
        metadata.text("correlation_uid", &self.uid);
    }

    fn write_unmapped(&self, unmapped: &mut Object<'_>) {
        unmapped.value("risk", &rounded(self.risk));
        unmapped.value("risk_of_rules", &rounded(self.risk_of_rules));
        unmapped.count("increments", self.increments);
        unmapped.count("findings_total", self.findings_total);
    }
}

/// An alert, as far as it is needed to find it and to see what it is about.
fn write_finding(info: &mut Object<'_>, it: &IncidentFinding) {
    info.required_text("uid", &it.uid);
    info.text("title", &it.title);
    info.texts("types", [kind_of(it.kind)]);
    info.number("created_time", it.time_ms);
    info.object("analytic", |analytic| write_analytic(analytic, &it.rule_id, &it.rule_name, it.kind));
    info.objects("related_events", &it.events, |event, id| event.required_text("uid", id));
    if it.events_total > 0 {
        info.count("related_events_count", it.events_total);
    }
}
