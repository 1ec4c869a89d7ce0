//! What a batch found on its way out: triaged if there is a budget, and written for the topic that it is for.

use std::sync::Arc;

use engine::triage::{Outgoing, Report};
use engine::{Behaviour, Emitted};
use model::{Alert, EventTime};
use stream::kafka::{Loss, Outbox, PartitionId};

use super::pipeline::Setup;
use super::triage::SharedTriage;
use super::{clock, losses};
use crate::metrics::Metrics;

/// See the module. One a partition.
#[derive(Debug)]
pub(super) struct Writer {
    id: PartitionId,
    /// Whether findings that page nobody go anywhere, and incidents, and digests.
    has_shadow: bool,
    has_incidents: bool,
    has_digest: bool,
    triage: Option<Arc<SharedTriage>>,
    json: Vec<u8>,
    metrics: Arc<Metrics>,
}

impl Writer {
    pub(super) fn new(id: &PartitionId, setup: &Setup, metrics: &Arc<Metrics>) -> Self {
        Self {
            id: id.clone(),
            has_shadow: !setup.kafka.shadow_topic.is_empty(),
            has_incidents: !setup.kafka.incidents_topic.is_empty(),
            has_digest: !setup.kafka.digest_topic.is_empty(),
            triage: setup.triage.clone(),
            json: Vec::new(),
            metrics: Arc::clone(metrics),
        }
    }

    /// Writes what `alerts`, in order, come to. The watermark has reached `reached`.
    pub(super) fn write(
        &mut self,
        reached: EventTime,
        behaviour: Option<&Behaviour>,
        reports: &mut Vec<Report>,
        alerts: &mut Vec<Emitted>,
        now: EventTime,
        out: &mut Outbox,
    ) {
        alerts.sort_by(Emitted::in_order);
        let Some(triage) = self.triage.clone() else {
            reports.clear();
            return alerts.drain(..).for_each(|it| self.alert(&it.alert, now, out));
        };
        self.write_triaged(triage.take(&self.id, reached, behaviour, reports, alerts), now, out);
    }

    /// Writes what was decided.
    pub(super) fn write_triaged(&mut self, all: impl IntoIterator<Item = Outgoing>, now: EventTime, out: &mut Outbox) {
        for outgoing in all {
            match outgoing {
                Outgoing::Alert(it) => self.alert(&it, now, out),
                Outgoing::Incident(it) if self.has_incidents => {
                    self.json.clear();
                    it.write_ocsf(&mut self.json);
                    out.incident(it.uid.as_bytes(), &self.json);
                }
                Outgoing::Digest(it) if self.has_digest => {
                    self.json.clear();
                    it.write_json(&mut self.json);
                    out.digest(it.day.as_bytes(), &self.json);
                }
                Outgoing::Incident(_) | Outgoing::Digest(_) => {}
            }
        }
    }

    /// Tells of messages that are gone, of a source under a set of rules.
    pub(super) fn lost(&mut self, loss: &Loss, whose: (&str, &str), out: &mut Outbox) {
        let now = clock::now();
        self.alert(&losses::alert(&self.id, loss, whose, now), now, out);
    }

    /// Writes an alert as it is.
    pub(super) fn alert(&mut self, alert: &Alert, now: EventTime, out: &mut Outbox) {
        self.json.clear();
        alert.write_ocsf(&mut self.json);
        let key = alert.uid.as_bytes();
        if alert.delivery.is_page() {
            out.alert(key, &self.json);
        } else if self.has_shadow {
            out.shadow(key, &self.json);
        }
        self.metrics.output.alerted(alert, now);
    }
}
