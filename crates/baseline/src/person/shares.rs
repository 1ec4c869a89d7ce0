//! Shares of the day: sensitive actions, watched targets, errands without a ticket; and completed takeovers.

use super::Person;
use super::day::scaled;
use super::surprise::{Judged, LN_SPEAKS, Surprise};
use crate::feature::Feature;
use crate::observation::{Errand, Observation};
use crate::peers::Group;
use crate::ratio::{Ratio, RatioPrior};

/// As long as nobody has a history, a share speaks from as many trials on.
const TRIALS_WITHOUT_PEERS: f64 = 3.0;

impl Person {
    pub(super) fn judge_shares(&self, group: &Group, it: &Observation, surprise: &mut Surprise) {
        if it.day != self.header.day {
            return;
        }
        let today = &self.today;
        let actions = today.actions.saturating_add(1);
        if it.is_sensitive {
            let yes = today.sensitive.saturating_add(1);
            self.judge_share(group, Feature::SensitiveShare, (self.sensitive, *group.sensitive_share()), yes, actions, surprise);
        }
        if it.is_vip {
            let yes = today.watched.saturating_add(1);
            self.judge_share(group, Feature::WatchedShare, (self.watched, *group.watched_share()), yes, actions, surprise);
        }
        if it.has_ticket == Some(false) {
            let errand = Errand::of(it.family);
            let at = errand.index();
            let (yes, all) = (today.without_ticket[at].saturating_add(1), today.errands[at].saturating_add(1));
            self.judge_share(group, Feature::NoTicket(errand), (self.no_ticket[at], *group.no_ticket(errand)), yes, all, surprise);
        }
    }

    fn judge_share(
        &self,
        group: &Group,
        feature: Feature,
        (own, prior): (Ratio, RatioPrior),
        yes: u16,
        trials: u16,
        surprise: &mut Surprise,
    ) {
        if prior == RatioPrior::UNKNOWN && own.trials() < TRIALS_WITHOUT_PEERS {
            return;
        }
        let (yes, trials) = scaled(yes, trials);
        let of_own = own.predict(trials, &prior);
        if !self.is_young() && of_own.is_ordinary(yes) {
            return;
        }
        let p_self = of_own.upper(yes);
        if !self.is_young() && p_self.ln_p() > LN_SPEAKS {
            return;
        }
        let of_peers = Ratio::default().predict(trials, &prior);
        let p_peer = of_peers.upper(yes);
        let (p, mid) = self.young_or_known([p_self, of_own.point(yes)], [p_peer, of_peers.point(yes)], surprise.random(feature));
        let judged =
            Judged { observed: f64::from(yes), expected: of_own.mean(), p_self, p_peer, p, mid, evidence: own.evidence(&prior) };
        surprise.add(group, feature, &judged, 1.0, LN_SPEAKS);
    }

    pub(super) fn judge_takeover(&self, group: &Group, it: &Observation, surprise: &mut Surprise) {
        let (Some(step), Some(target)) = (it.step, it.target) else { return };
        if !self.chains.completes(target, step, it.second / 60) {
            return;
        }
        surprise.completes_takeover = true;
        let with_ticket = it.has_ticket == Some(true);
        let feature = Feature::Takeover { with_ticket };
        let today = f64::from(self.header.takeovers_today[usize::from(with_ticket)]) + 1.0;
        let judged =
            self.judge(self.takeover_habit(with_ticket), group.takeovers(with_ticket), today, 0.0, surprise.random(feature));
        if let Some(judged) = judged {
            surprise.add(group, feature, &judged, 1.0, LN_SPEAKS);
        }
    }
}
