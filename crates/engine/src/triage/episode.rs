//! An episode of unusual behaviour that the team knows of: told once, and again only when it has become another story.

use super::TOGETHER_MS;
use model::behaviour::{Channel, Measure};
use model::{Alert, Deviation};
use serde::{Deserialize, Serialize};

/// Told again when the risk is so many times what it was.
const DOUBLED: f64 = 2.0;

/// See the module.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Episode {
    /// The identifier of its alert.
    pub(super) uid: String,
    told_ms: i64,
    /// The risk of behaviour when it was last told. That of rules is not looked at: what they find they have told themselves.
    told_risk: f64,
    /// What kinds of surprise have been told.
    channels: Vec<Channel>,
    /// The strongest of them: the part of its event's score.
    strongest: f64,
}

impl Episode {
    /// The episode that `alert` begins.
    pub(super) fn of(alert: &Alert) -> Self {
        let began = alert.time.ms().to_string();
        let uid = model::ocsf::uid(&alert.rule.id, &[&alert.actor.id, &began]);
        Self { uid, told_ms: alert.time.ms(), told_risk: 0.0, channels: Vec::new(), strongest: 0.0 }
    }

    /// Whether the risk has doubled since it was told, or, when that is three days ago, is as high again; or another kind of surprise
    /// is at least as strong as any that was told.
    pub(super) fn is_news(&self, alert: &Alert) -> bool {
        let Some(deviation) = &alert.deviation else { return false };
        let is_long_ago = alert.time.ms().saturating_sub(self.told_ms) > TOGETHER_MS;
        let needed = if is_long_ago { self.told_risk } else { DOUBLED * self.told_risk };
        let is_new = |(channel, strength): (Channel, f64)| strength >= self.strongest && !self.channels.contains(&channel);
        deviation.risk >= needed || strengths(deviation).any(is_new)
    }

    /// The team has been told what `alert` says.
    pub(super) fn told(&mut self, alert: &Alert) {
        let Some(deviation) = &alert.deviation else { return };
        (self.told_ms, self.told_risk) = (alert.time.ms(), deviation.risk);
        for (channel, strength) in strengths(deviation) {
            self.strongest = self.strongest.max(strength);
            if !self.channels.contains(&channel) {
                self.channels.push(channel);
            }
        }
    }
}

fn strengths(deviation: &Deviation) -> impl Iterator<Item = (Channel, f64)> {
    deviation.contributions.iter().map(|it| (Measure::of(&it.feature).channel(), it.share * deviation.score))
}
