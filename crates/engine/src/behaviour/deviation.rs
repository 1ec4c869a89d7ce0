//! From what was scored to what an alert says: the same numbers, with names.

use super::words::feature_name;
use super::{Judged, RISK_THAT_COUNTS, View};
use baseline::combine;
use baseline::feature::{Channel, Feature};
use baseline::observation::Dimension;
use baseline::person::Finding;
use model::{Contribution, Deviation, Level, RuleInfo, RuleKind, Status};
use std::sync::{Arc, LazyLock};

/// What stands for a rule in alerts about behaviour.
pub(crate) fn rule_info() -> Arc<RuleInfo> {
    static INFO: LazyLock<Arc<RuleInfo>> = LazyLock::new(|| {
        Arc::new(RuleInfo {
            id: "5b0f6a2e-6f0c-4f6e-9d1c-0f6a5a3d7e21".to_owned(),
            name: "behaviour".to_owned(),
            title: "Out of the ordinary for this person".to_owned(),
            description: "What was done is rare by the person's own habits and the peers', calibrated as events per active day."
                .to_owned(),
            version: String::new(),
            level: Level::High,
            // It pages once a budget decides about it.
            status: Status::Experimental,
            kind: RuleKind::Behaviour,
            ..RuleInfo::default()
        })
    });
    Arc::clone(&INFO)
}

/// What made the score: of each channel that spoke its strongest finding, strongest first.
pub(crate) fn strongest<'v>(view: &'v View<'_>) -> impl Iterator<Item = (&'v Finding, combine::Contribution)> {
    let channels: [Option<(Channel, combine::Contribution)>; Deviation::CONTRIBUTIONS_MAX] =
        view.surprise.contributions(view.group);
    channels.into_iter().flatten().filter_map(|(channel, it)| Some((view.surprise.strongest(channel)?, it)))
}

/// The numbers of an alert about an event. `values` are the categories by dimension, as the event has them.
pub(crate) fn deviation(
    view: &View<'_>,
    judged: &Judged<'_>,
    context: Vec<String>,
    value: impl Fn(Dimension) -> Option<String>,
) -> Deviation {
    let contributions = strongest(view).map(|(finding, it)| contribution(view, finding, it, &value)).collect();
    let minute = view.observation.second / 60;
    Deviation {
        score: view.surprise.score.get(),
        ln_p: view.surprise.p.ln_p(),
        evidence: view.surprise.evidence.get(),
        risk: view.person.risk().at(minute)[RISK_THAT_COUNTS],
        risk_raised: judged.raised,
        weight: judged.observed.sensitivity.weight(),
        contributions,
        context,
    }
}

fn contribution(
    view: &View<'_>,
    finding: &Finding,
    it: combine::Contribution,
    value: impl Fn(Dimension) -> Option<String>,
) -> Contribution {
    let reading = match finding.feature {
        Feature::Count(family, window) => Some(view.person.rate(view.group, view.observation, family, window)),
        Feature::Distinct(span) => Some(view.person.targets(view.group, view.observation, span)),
        _ => None,
    };
    Contribution {
        feature: feature_name(finding.feature),
        observed: if is_first(view, finding) { 0.0 } else { reading.map_or(finding.observed, |it| it.count()) },
        value: match finding.feature {
            Feature::Novelty(dimension) => value(dimension),
            _ => None,
        },
        expected: reading.map_or(finding.expected, |it| it.expected()),
        usual_p99: reading.map(|it| it.usual_p99()),
        peer_p999: reading.map(|it| it.peer_p999()),
        ln_p_self: finding.p_self.ln_p(),
        ln_p_peer: finding.p_peer.ln_p(),
        share: it.share,
        score_without: it.without.get(),
        evidence: finding.evidence.get(),
        is_continued: finding.is_continued,
    }
}

/// Whether a category is seen for the first time, which is another story than one that is only rare.
fn is_first(view: &View<'_>, finding: &Finding) -> bool {
    let Feature::Novelty(dimension) = finding.feature else { return false };
    let identity = view.observation.kinds[dimension.index()];
    identity.is_some_and(|it| view.person.novelty(view.group, dimension, it).is_first_for_actor)
}
