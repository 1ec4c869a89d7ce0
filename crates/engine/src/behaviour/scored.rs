//! The score of an event as a line of its own, so that anybody can measure the model on any labelled log.

use super::View;
use super::deviation::strongest;
use super::words::feature_name;
use crate::reader::Head;
use model::EventTime;
use model::extract::derived_id;

/// The score of one event.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// The event's position in the input.
    pub position: u64,
    /// When it happened.
    pub time: EventTime,
    /// The event's identifier.
    pub id: String,
    /// Who acted.
    pub actor: String,
    /// How many events as surprising are expected on an active day of such a person.
    pub p: f64,
    /// −10 · log10 of it.
    pub score: f64,
    /// The features that made it, strongest first, with their share.
    pub contributions: Vec<(String, f64)>,
}

impl Scored {
    pub(crate) fn of(head: &Head<'_>, view: &View<'_>) -> Self {
        let contributions = strongest(view).map(|(finding, it)| (feature_name(finding.feature), it.share)).collect();
        Self {
            position: 0,
            time: head.time,
            id: head.id.text().map_or_else(|| derived_id(head.line), std::borrow::Cow::into_owned),
            actor: head.actor.text().unwrap_or_default().into_owned(),
            p: view.surprise.p.p(),
            score: view.surprise.score.get(),
            contributions,
        }
    }

    /// Appends it as one line of compact JSON, the line end included.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        let contributions: Vec<_> =
            self.contributions.iter().map(|(feature, share)| serde_json::json!({"feature": feature, "share": share})).collect();
        let line = serde_json::json!({
            "id": self.id,
            "actor": self.actor,
            "nj.p": self.p,
            "nj.score": self.score,
            "contributions": contributions,
        });
        out.extend_from_slice(line.to_string().as_bytes());
        out.push(b'\n');
    }
}
