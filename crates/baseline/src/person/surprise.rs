//! Second phase: how surprising an event is. Nothing changes, nothing is allocated, and most events end at their gates.

use super::Person;
use crate::calibrate::{Histogram, Kind};
use crate::combine::{Channel as Term, Contribution, Score, across_families, contributions, without};
use crate::counts::{GATE_ALPHA, Habit, Prior};
use crate::distinct::predicted_estimate;
use crate::feature::{CHANNELS, Channel, Feature};
use crate::observation::{DIMENSIONS, Observation, Window, mixed};
use crate::peers::Group;
use crate::tails::NegativeBinomial;
use crate::{LogP, Share, Weight};

/// ln of the p-value from which on a feature speaks.
pub(super) const LN_SPEAKS: f64 = -4.605_170_185_988_091;
const _: () = assert!(GATE_ALPHA == 0.01);
/// ln 1e-3: what is no rarer for an established habit is not worth asking the peers about.
const LN_ASKS_PEERS: f64 = -6.907_755_278_982_137;
/// No event makes more features speak.
pub(super) const FINDINGS_MAX: usize = 24;
/// Peers judge as well until somebody has been active on as many days: until then the own habit may be what an attacker made of it.
const YOUNG_DAYS: u16 = 10;
/// As long as nobody has a history, a habit speaks from as many windows on.
pub(super) const WINDOWS_WITHOUT_PEERS: f64 = 3.0;

/// One feature of an event that is out of the ordinary, as it was scored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding {
    /// Which.
    pub feature: Feature,
    /// What was seen: a count, a number of targets, km/h; of categories and hours 1.
    pub observed: f64,
    /// What was expected, in the same units; of categories and hours their likelihood.
    pub expected: f64,
    /// Against the own habit.
    pub p_self: LogP,
    /// Against the peers alone; 1 where it wasn't asked, since the own habit was broken by little (p above 1e-3) and is established.
    pub p_peer: LogP,
    /// The share of active days of such a person that have something as surprising, in this feature: recalibrated.
    pub p: LogP,
    /// How much of the expectation is the person's own.
    pub evidence: Share,
    /// Whether the family's days are learnt apart already: an episode that has been told.
    pub is_continued: bool,
    /// The bin that its randomised p-value counts in.
    pub(super) bin: u8,
}

const NOTHING: Finding = Finding {
    feature: Feature::All,
    observed: 0.0,
    expected: 0.0,
    p_self: LogP::ONE,
    p_peer: LogP::ONE,
    p: LogP::ONE,
    evidence: Share::ZERO,
    is_continued: false,
    bin: 0,
};

/// How surprising an event is: made by [`Person::surprise`] in a buffer of the caller's.
#[derive(Debug, Clone, PartialEq)]
pub struct Surprise {
    /// The share of active days of such a person that hold an event as surprising: what the score says, as a probability.
    pub p: LogP,
    /// -10·log10 of [`Self::p`].
    pub score: Score,
    /// How much was known of the person, 0…1.
    pub evidence: Share,
    /// Whether the event completed a takeover chain, whatever that is worth here.
    pub completes_takeover: bool,
    findings: [Finding; FINDINGS_MAX],
    len: usize,
    channels: [Term; CHANNELS],
    /// By dimension, what is used, and its place among what the person uses: where learning looks.
    pub(super) places: [(u32, usize); DIMENSIONS],
    pub(super) raw: LogP,
    random: u64,
    kind: Kind,
}

impl Default for Surprise {
    fn default() -> Self {
        Self {
            p: LogP::ONE,
            score: Score::ZERO,
            evidence: Share::ZERO,
            completes_takeover: false,
            findings: [NOTHING; FINDINGS_MAX],
            len: 0,
            channels: QUIET,
            places: [(0, 0); DIMENSIONS],
            raw: LogP::ONE,
            random: 0,
            kind: Kind::New,
        }
    }
}

const QUIET: [Term; CHANNELS] = [Term { p: LogP::HALF, weight: Weight::ONE }; CHANNELS];

/// A p-value and what it is made of, before it is known what it is worth.
pub(super) struct Judged {
    pub(super) observed: f64,
    pub(super) expected: f64,
    pub(super) p_self: LogP,
    pub(super) p_peer: LogP,
    /// What counts, and the same randomised.
    pub(super) p: LogP,
    pub(super) mid: LogP,
    pub(super) evidence: Share,
}

impl Surprise {
    /// What is out of the ordinary, in no particular order.
    pub fn findings(&self) -> &[Finding] {
        &self.findings[..self.len]
    }

    /// The finding of a feature, if it spoke.
    pub fn finding(&self, feature: Feature) -> Option<&Finding> {
        self.findings().iter().find(|it| it.feature == feature)
    }

    /// The strongest finding of a channel.
    pub fn strongest(&self, channel: Channel) -> Option<&Finding> {
        self.findings().iter().filter(|it| it.feature.channel() == channel).min_by_key(|it| it.p)
    }

    /// The p-value per active day of one channel alone, recalibrated: what an actor's risk is raised by.
    pub fn channel(&self, channel: Channel) -> LogP {
        self.channels[channel.index()].p
    }

    /// The `N` channels that made the score, strongest first, and what it would be without each.
    pub fn contributions<const N: usize>(&self, group: &Group) -> [Option<(Channel, Contribution)>; N] {
        contributions::<N>(&self.channels, 1.0).map(|it| {
            it.map(|it| {
                let p = group.recalibrated(self.kind, Feature::All, without(&self.channels, it.channel));
                (Channel::ALL[it.channel], Contribution { without: Score::of(p, 1.0), ..it })
            })
        })
    }

    fn begin(&mut self, it: &Observation, evidence: Share) {
        self.len = 0;
        self.p = LogP::ONE;
        self.raw = LogP::ONE;
        self.score = Score::ZERO;
        self.evidence = evidence;
        self.completes_takeover = false;
        self.places = [(0, 0); DIMENSIONS];
        self.random = u64::from(it.second) << 32 ^ it.target.map_or(0, std::num::NonZero::get);
    }

    /// A number that is random as far as p-values go, and the same in every replay.
    #[inline]
    pub(super) fn random(&self, feature: Feature) -> Share {
        let bits = mixed(self.random ^ (feature.index() as u64) << 56) >> 11;
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let share = bits as f64 / (1_u64 << 53) as f64;
        Share::clamped(share)
    }

    /// Takes in a feature, if it is out of the ordinary: `chances` are how often a day of such a person could be as surprising.
    pub(super) fn add(&mut self, group: &Group, feature: Feature, judged: &Judged, chances: f64, ln_speaks: f64) {
        if judged.p.ln_p() > ln_speaks || self.len == FINDINGS_MAX {
            return;
        }
        let a_day = judged.p.times(chances.max(1.0));
        self.findings[self.len] = Finding {
            feature,
            observed: judged.observed,
            expected: judged.expected,
            p_self: judged.p_self,
            p_peer: judged.p_peer,
            p: group.recalibrated(self.kind, feature, a_day),
            evidence: judged.evidence,
            is_continued: false,
            bin: Histogram::bin_of(judged.mid.times(chances.max(1.0))),
        };
        self.len += 1;
    }

    /// The smallest of each channel, times how many could have spoken; those by Cauchy's combination; and that by what it has turned out
    /// to be worth.
    fn combine(&mut self, group: &Group) {
        if self.len == 0 {
            self.channels = QUIET;
            return;
        }
        self.channels = QUIET;
        for it in &self.findings[..self.len] {
            let channel = it.feature.channel();
            let term = &mut self.channels[channel.index()];
            term.p = term.p.min(it.p.times(channel.features()));
        }
        self.raw = across_families(&self.channels);
        self.p = group.recalibrated(self.kind, Feature::All, self.raw);
        self.score = Score::of(self.p, 1.0);
    }
}

impl Person {
    /// How surprising `it` is, against the own habits and the peers', in `surprise`. The windows must have been advanced to it; nothing
    /// of it is learnt yet.
    pub fn surprise(&self, group: &Group, it: &Observation, surprise: &mut Surprise) {
        let days = f64::from(self.header.active_days);
        surprise.kind = self.kind();
        surprise.begin(it, Share::clamped(days / (days + group.count(it.family, Window::Day).beta())));
        let chances = self.chances(group);
        self.judge_counts(group, it, chances, surprise);
        self.judge_targets(group, it, chances, surprise);
        self.judge_slow(group, it, surprise);
        self.judge_hour(group, it, chances, surprise);
        self.judge_kinds(group, it, chances, surprise);
        self.judge_travel(group, it, surprise);
        self.judge_shares(group, it, surprise);
        self.judge_takeover(group, it, surprise);
        surprise.combine(group);
    }

    /// Whether the peers judge as well.
    #[inline]
    pub(super) const fn is_young(&self) -> bool {
        self.header.active_days < YOUNG_DAYS
    }

    /// Whether there is nothing to compare with: no peers have a history, and the own is too short.
    #[inline]
    pub(super) fn is_unknown(habit: &Habit, prior: &Prior) -> bool {
        habit.windows() < WINDOWS_WITHOUT_PEERS && *prior == Prior::UNKNOWN
    }

    /// A count, or an estimate with this relative error, against the own habit and the peers. Nothing, where nothing is known, or where an
    /// established habit says that it is not rare.
    pub(super) fn judge(&self, habit: &Habit, prior: &Prior, x: f64, error: f64, u: Share) -> Option<Judged> {
        if Self::is_unknown(habit, prior) {
            return None;
        }
        let predict = |habit: &Habit| {
            let predicted = habit.predict(prior);
            if error > 0.0 { predicted_estimate(predicted, x, error) } else { predicted }
        };
        let own = predict(habit);
        let peers = || predict(&Habit::default());
        let [of_own, of_peers] = if self.is_young() { rare_for_either(own, peers(), x)? } else { rare_for_own(own, peers, x)? };
        let (p, mid) = self.young_or_known(of_own, of_peers, u);
        let ([p_self, _], [p_peer, _]) = (of_own, of_peers);
        Some(Judged { observed: x, expected: own.mean(), p_self, p_peer, p, mid, evidence: habit.evidence(prior) })
    }

    /// Of those who are new the peers judge with a share of the say that falls over ten days: min(p_self/(1-w), p_peer/w) is a p-value
    /// whatever the two have to do with each other (weighted Bonferroni). Also randomised.
    pub(super) fn young_or_known(&self, [p_self, own_point]: [LogP; 2], [p_peer, peer_point]: [LogP; 2], u: Share) -> (LogP, LogP) {
        let mid = |p: LogP, point: LogP| LogP::of(p.p() - (1.0 - u.get()) * point.p()).min(p);
        if !self.is_young() {
            return (p_self, mid(p_self, own_point));
        }
        let own = f64::from(self.header.active_days) / f64::from(YOUNG_DAYS);
        let by_peers = p_peer.times(1.0 / (1.0 - own));
        let by_own = if own > 0.0 { p_self.times(1.0 / own) } else { LogP::ONE };
        if by_own < by_peers {
            (by_own, mid(p_self, own_point).times(1.0 / own))
        } else {
            (by_peers, mid(p_peer, peer_point).times(1.0 / (1.0 - own)))
        }
    }
}

/// The tails and points of a count where it is rare for an established habit: most of what crosses a gate is not after all.
fn rare_for_own(own: NegativeBinomial, peers: impl Fn() -> NegativeBinomial, x: f64) -> Option<[[LogP; 2]; 2]> {
    let of_own = own.rare(x, LN_SPEAKS)?;
    let [p_self, _] = of_own;
    Some([of_own, if p_self.ln_p() < LN_ASKS_PEERS { peers().upper_and_point(x) } else { [LogP::ONE; 2] }])
}

/// The same where the habit or the peers find it rare: each has at most all of the say, so that what neither does isn't.
fn rare_for_either(own: NegativeBinomial, peers: NegativeBinomial, x: f64) -> Option<[[LogP; 2]; 2]> {
    let (of_own, of_peers) = (own.rare(x, LN_SPEAKS), peers.rare(x, LN_SPEAKS));
    let is_rare = of_own.is_some() || of_peers.is_some();
    is_rare.then(|| [of_own.unwrap_or_else(|| own.upper_and_point(x)), of_peers.unwrap_or_else(|| peers.upper_and_point(x))])
}
