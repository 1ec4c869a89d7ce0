//! The words of features in the names of fields, alerts and scores.

use baseline::feature::Feature;
use baseline::observation::{Dimension, Family, Span, Window};
use sigma::computed::FAMILIES;

pub(super) const WINDOWS: [&str; 3] = ["10m", "1h", "1d"];
pub(super) const SPANS: [&str; 5] = ["10m", "1d", "7d", "30d", "90d"];
pub(super) const DIMENSIONS: [&str; 6] = ["action", "tool", "ip", "device", "asn", "country"];
pub(super) const ERRANDS: [&str; 4] = ["lookup", "private_read", "credential_change", "other"];

/// What is measured, by the name under which rules read it, without its last word.
pub(crate) fn feature_name(feature: Feature) -> String {
    match feature {
        Feature::Count(family, window) => rate_name(family, window),
        Feature::Distinct(span) => distinct_name(span),
        Feature::SensitiveShare => "nj.sensitive.share".to_owned(),
        Feature::WatchedShare => "nj.watched.share".to_owned(),
        Feature::Hour => "nj.shift".to_owned(),
        Feature::Novelty(dimension) => novelty_name(dimension),
        Feature::Travel => "nj.travel".to_owned(),
        Feature::NoTicket(errand) => format!("nj.ticket.share.{}", ERRANDS[errand.index()]),
        Feature::Takeover { .. } => "nj.chain".to_owned(),
        Feature::SlowTargets => "nj.slow.targets".to_owned(),
        Feature::SlowPrivateReads => "nj.slow.private_reads".to_owned(),
        Feature::All => "nj.score".to_owned(),
    }
}

pub(crate) fn rate_name(family: Family, window: Window) -> String {
    format!("nj.rate.{}.{}", FAMILIES[family.index()], WINDOWS[window.index()])
}

pub(crate) fn distinct_name(span: Span) -> String {
    format!("nj.distinct.{}", SPANS[span.index()])
}

pub(crate) fn novelty_name(dimension: Dimension) -> String {
    format!("nj.novelty.{}", DIMENSIONS[dimension.index()])
}
