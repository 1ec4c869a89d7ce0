//! From what the Kafka edge reports to metrics and health.

use std::sync::Arc;

use stream::kafka::{Observation, Observer};

use crate::http::Health;
use crate::metrics::Metrics;

/// An observer that keeps `metrics` and `health` up to date and passes everything on to `also`.
pub(super) fn observer(metrics: Arc<Metrics>, health: Arc<Health>, also: Option<Observer>) -> Observer {
    Arc::new(move |observation| {
        note(&metrics, &health, &observation);
        if let Some(also) = &also {
            also(observation);
        }
    })
}

fn note(metrics: &Metrics, health: &Health, observation: &Observation<'_>) {
    let Metrics { member, output, transactions, .. } = metrics;
    match *observation {
        Observation::Polled => health.polled(),
        Observation::Assigned { partition } => {
            tracing::info!(%partition, "partition assigned");
            member.assigned(partition);
        }
        Observation::Opened { partition, took } => {
            tracing::info!(%partition, seconds = took.as_secs_f64(), "partition is read");
            member.opened(partition, took);
        }
        Observation::Lost { partition, loss } => {
            let (why, expected, begin) = (loss.kind.as_str(), loss.expected, loss.begin);
            let messages = loss.messages();
            tracing::error!(%partition, why, expected, begin, messages, "messages are lost: they are gone from the topic and will never be read");
            member.lost_messages(partition, &loss);
        }
        Observation::Revoked { partition, is_lost } => {
            tracing::info!(%partition, is_lost, "partition given up");
            member.revoked(partition, is_lost);
        }
        Observation::Rebalanced { owned } => {
            tracing::info!(owned, "rebalanced");
            health.joined();
            member.rebalanced();
        }
        Observation::Paused { is_paused, .. } => member.paused(is_paused),
        Observation::Handled { partition, in_flight, timestamp_ms, .. } => member.handled(partition, in_flight, timestamp_ms),
        Observation::Gap { partition, expected, got } => {
            tracing::debug!(%partition, expected, got, "offsets jump: what was compacted, or markers of transactions");
            member.jumped();
        }
        Observation::Delivered { kind } => output.delivered(kind),
        Observation::DeliveryFailed { kind, reason } => {
            tracing::error!(kind = kind.as_str(), reason, "not delivered");
            output.not_delivered(kind);
        }
        Observation::TransactionCommitted { took, .. } => transactions.committed(took),
        Observation::TransactionAborted { reason } => {
            tracing::warn!(reason, "transaction aborted, its records go into the next one");
            transactions.aborted();
        }
        Observation::TransactionRetried { reason } => {
            tracing::warn!(reason, "transaction not committed yet, it is tried again");
            transactions.retried();
        }
        Observation::ProducerReplaced { reason } => {
            tracing::warn!(reason, "the producer of transactions is of no use any more, another goes on");
            transactions.replaced();
        }
        Observation::ProducerFull => output.producer_was_full(),
        Observation::Committed { topic, partition, offset } => member.committed(topic, partition, offset),
        Observation::CommitFailed { reason } => {
            tracing::warn!(reason, "commit failed, it is tried again");
            member.not_committed();
        }
        Observation::Lag { topic, partition, lag, .. } => member.lagging(topic, partition, lag),
        Observation::Brokers { up } => member.reaches(up),
        Observation::Trouble { client, reason } => {
            tracing::warn!(client, reason, "kafka client in trouble");
            member.troubled(client);
        }
        // The enum may grow.
        _ => {}
    }
}
