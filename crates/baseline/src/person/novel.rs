//! What is new: actions, tools, networks, devices, ASNs, countries, hours, ways.

use super::Person;
use super::surprise::{Judged, LN_SPEAKS, Surprise};
use crate::feature::Feature;
use crate::novelty::{Kinds, Openness, Peers};
use crate::observation::{Class, Dimension, Identity, Observation, key_of};
use crate::peers::{Group, Pace};
use crate::travel::{Fix, Hop};
use crate::{LogP, Rarity, Share};

/// An action or tool speaks if as rare a one is expected on fewer than one active day in ten. Networks, devices and the like already
/// from every second day on: how rare new ones really are only calibration knows, since a person's own days are too few to tell.
pub(super) const fn days(dimension: Dimension) -> f64 {
    match dimension {
        Dimension::Action | Dimension::Tool => 0.1,
        Dimension::Network | Dimension::Device | Dimension::Asn | Dimension::Country => 0.5,
    }
}

/// What every dimension can be asked, however many slots it has.
trait Known {
    fn likelihood(&self, key: u32, peers: &Peers, openness: Openness) -> Share;
    fn rarity(&self, key: u32, peers: &Peers, openness: Openness) -> Rarity;
    fn total(&self) -> f64;
}

impl<const SLOTS: usize> Known for Kinds<SLOTS> {
    fn likelihood(&self, key: u32, peers: &Peers, openness: Openness) -> Share {
        self.likelihood(key, peers, openness)
    }

    fn rarity(&self, key: u32, peers: &Peers, openness: Openness) -> Rarity {
        self.rarity(key, peers, openness)
    }

    fn total(&self) -> f64 {
        self.total()
    }
}

impl Person {
    pub(super) fn judge_kinds(&self, group: &Group, it: &Observation, chances: Pace, surprise: &mut Surprise) {
        let events = f64::from(chances.events).max(1.0);
        let [action, tool, network, device, asn, country] = it.kinds;
        judge_known(group, Dimension::Action, action, &self.actions, events, surprise);
        judge_known(group, Dimension::Tool, tool, &self.tools, events, surprise);
        judge_known(group, Dimension::Network, network, &self.networks, events, surprise);
        judge_known(group, Dimension::Device, device, &self.devices, events, surprise);
        judge_known(group, Dimension::Asn, asn, &self.asns, events, surprise);
        judge_known(group, Dimension::Country, country, &self.countries, events, surprise);
    }

    /// The rarity of a category, whether it is rare or not.
    pub(super) fn rarity(&self, group: &Group, dimension: Dimension, key: u32) -> Rarity {
        let (peers, openness) = (group.kinds(dimension), group.openness(dimension));
        match dimension {
            Dimension::Action => self.actions.rarity(key, peers, openness),
            Dimension::Tool => self.tools.rarity(key, peers, openness),
            Dimension::Network => self.networks.rarity(key, peers, openness),
            Dimension::Device => self.devices.rarity(key, peers, openness),
            Dimension::Asn => self.asns.rarity(key, peers, openness),
            Dimension::Country => self.countries.rarity(key, peers, openness),
        }
    }

    pub(super) fn knows(&self, dimension: Dimension, key: u32) -> bool {
        match dimension {
            Dimension::Action => self.actions.knows(key),
            Dimension::Tool => self.tools.knows(key),
            Dimension::Network => self.networks.knows(key),
            Dimension::Device => self.devices.knows(key),
            Dimension::Asn => self.asns.knows(key),
            Dimension::Country => self.countries.knows(key),
        }
    }

    /// Service accounts have no hours.
    pub(super) fn judge_hour(&self, group: &Group, it: &Observation, chances: Pace, surprise: &mut Surprise) {
        if group.class() == Class::Service {
            return;
        }
        let rarity = self.hour(group, it);
        if rarity.p.ln_p() > LN_SPEAKS {
            return;
        }
        let hours = self.clock.hours();
        let judged = Judged {
            observed: 1.0,
            expected: rarity.p.p(),
            p_self: rarity.p,
            p_peer: LogP::ONE,
            p: rarity.p,
            mid: rarity.mid_p(surprise.random(Feature::Hour)),
            evidence: Share::clamped(hours / (hours + 20.0)),
        };
        surprise.add(group, Feature::Hour, &judged, f64::from(chances.hours), LN_SPEAKS);
    }

    /// As of when the hour began; an event that comes late out of another hour is looked up.
    pub(super) fn hour(&self, group: &Group, it: &Observation) -> Rarity {
        if it.bin == self.bin_of_hour() {
            let [p, rarer] = self.header.hour_p.map(|it| LogP::clamped(f64::from(it)));
            return Rarity { p, rarer };
        }
        self.clock.rarity(it.bin, group.clock())
    }

    pub(super) fn judge_travel(&self, group: &Group, it: &Observation, surprise: &mut Surprise) {
        let Some(hop) = self.hop(it) else { return };
        let p = group.curves(self.kind()).speeds().as_fast(hop);
        let judged = Judged {
            observed: hop.speed(),
            expected: 0.0,
            p_self: p,
            p_peer: p,
            p,
            mid: p.times(surprise.random(Feature::Travel).get().max(1e-3)),
            evidence: Share::ONE,
        };
        surprise.add(group, Feature::Travel, &judged, 1.0, LN_SPEAKS);
    }

    pub(super) fn hop(&self, it: &Observation) -> Option<Hop> {
        let place = it.place?;
        if self.travel.is_at(place) {
            return None;
        }
        self.travel.hop(Fix { place, minute: it.second / 60 }, f64::from(it.accuracy_km))
    }
}

/// Most of what somebody uses is used often enough to be no surprise, which its slot alone tells.
#[inline]
fn judge_known<const SLOTS: usize>(
    group: &Group,
    dimension: Dimension,
    identity: Option<Identity>,
    known: &Kinds<SLOTS>,
    events: f64,
    surprise: &mut Surprise,
) {
    let Some(identity) = identity else { return };
    let key = key_of(identity);
    let (place, speaks) = (known.place(key), (days(dimension) / events).min(0.01));
    surprise.places[dimension.index()] = (key, place);
    if known.at_least_in(place, group.openness(dimension)).get() < speaks {
        judge_kind(group, dimension, key, known, events, speaks, surprise);
    }
}

fn judge_kind(group: &Group, dimension: Dimension, key: u32, known: &dyn Known, events: f64, speaks: f64, surprise: &mut Surprise) {
    let (feature, openness) = (Feature::Novelty(dimension), group.openness(dimension));
    let peers = group.kinds(dimension);
    if known.likelihood(key, peers, openness).get() > speaks {
        return;
    }
    let (rarity, ln_speaks) = (known.rarity(key, peers, openness), libm::log(speaks));
    if rarity.p.ln_p() > ln_speaks {
        return;
    }
    let judged = Judged {
        observed: 1.0,
        expected: rarity.p.p(),
        p_self: rarity.p,
        p_peer: of_peers(group, dimension, key),
        p: rarity.p,
        mid: rarity.mid_p(surprise.random(feature)),
        evidence: Share::clamped(known.total() / (known.total() + 1.0)),
    };
    surprise.add(group, feature, &judged, events, ln_speaks);
}

/// The mass of everything that is no likelier among peers.
pub(super) fn of_peers(group: &Group, dimension: Dimension, key: u32) -> LogP {
    let peers = group.kinds(dimension);
    LogP::of(peers.mass_at_most(peers.mass(key) * (1.0 + 1e-11)))
}
