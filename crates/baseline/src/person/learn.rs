//! Third phase: the event is learnt, after it was scored and as far as it was ordinary.

use super::{HOUR, Person, Surprise, TEN_MINUTES};
use crate::calibrate::{Calibration, Histogram};
use crate::feature::Feature;
use crate::learn::learnt_kind;
use crate::novelty::Kinds;
use crate::observation::{Dimension, Errand, Identity, Observation, Window, mixed};
use crate::peers::Group;
use crate::travel::Fix;
use crate::{LogP, Share};

impl Person {
    /// Learns `it`, which `surprise` was made of: counts go into the windows that are judged when they close; what somebody uses is learnt
    /// by how ordinary it was; and what was most surprising of the day is kept for calibration. Whether something is remembered now that the
    /// person was not known to use: then the group is one whose members use something else.
    pub fn learn(&mut self, group: &Group, calibration: &mut Calibration, it: &Observation, surprise: &Surprise) -> bool {
        self.count_in(it);
        self.learn_targets(it);
        let mut uses_more = false;
        if it.is_proven {
            uses_more = self.learn_kinds(it, surprise);
            self.learn_hour(it);
            self.learn_place(group, calibration, it);
        }
        self.learn_step(it);
        for finding in surprise.findings() {
            let rarest = &mut self.rarest[finding.feature.index()];
            *rarest = (*rarest).max(finding.bin);
        }
        let all = &mut self.rarest[Feature::All.index()];
        *all = (*all).max(Histogram::bin_of(surprise.raw));
        uses_more
    }

    fn count_in(&mut self, it: &Observation) {
        let counts = &mut self.counts[it.family.index()];
        for (window, late) in [
            (Window::TenMinutes, self.header.ten.saturating_sub(it.second / TEN_MINUTES)),
            (Window::Hour, self.header.hour.saturating_sub(it.second / HOUR)),
        ] {
            match late {
                0 => counts[window.index()].add(),
                1 => counts[window.index()].add_late(),
                _ => {}
            }
        }
        if it.day != self.header.day {
            return;
        }
        counts[Window::Day.index()].add();
        self.header.events_today = self.header.events_today.saturating_add(1);
        let today = &mut self.today;
        let add = |counter: &mut u16, is_one: bool| *counter = counter.saturating_add(u16::from(is_one));
        add(&mut today.actions, true);
        add(&mut today.sensitive, it.is_sensitive);
        add(&mut today.watched, it.is_vip);
        if let Some(has_ticket) = it.has_ticket {
            let errand = Errand::of(it.family).index();
            add(&mut today.errands[errand], true);
            add(&mut today.without_ticket[errand], !has_ticket);
        }
    }

    fn learn_targets(&mut self, it: &Observation) {
        let Some(target) = it.target else { return };
        let hash = mixed(target.get());
        match self.header.ten.saturating_sub(it.second / TEN_MINUTES) {
            0 => self.tens[0].insert(hash),
            1 => self.tens[1].insert(hash),
            _ => false,
        };
        if it.day == self.header.day {
            self.targets_today.insert(hash);
        }
        // However late: the long windows don't mind.
        self.week.insert(hash);
        self.month.insert(hash);
        self.quarter.insert(hash);
    }

    fn learn_kinds(&mut self, it: &Observation, surprise: &Surprise) -> bool {
        let [action, tool, network, device, asn, country] = it.kinds;
        learn_kind(&mut self.actions, Dimension::Action, action, surprise)
            | learn_kind(&mut self.tools, Dimension::Tool, tool, surprise)
            | learn_kind(&mut self.networks, Dimension::Network, network, surprise)
            | learn_kind(&mut self.devices, Dimension::Device, device, surprise)
            | learn_kind(&mut self.asns, Dimension::Asn, asn, surprise)
            | learn_kind(&mut self.countries, Dimension::Country, country, surprise)
    }

    fn learn_hour(&mut self, it: &Observation) {
        if !self.header.is_hour_learnt && it.bin == self.bin_of_hour() {
            self.header.is_hour_learnt = true;
            self.clock.learn(it.bin, learnt_kind(LogP::clamped(f64::from(self.header.hour_p[0]))));
        }
    }

    fn learn_place(&mut self, group: &Group, calibration: &mut Calibration, it: &Observation) {
        let Some(place) = it.place else { return };
        if let Some(hop) = self.hop(it) {
            calibration.cell(group.cell(), self.kind()).learn_hop(hop, Share::ONE);
        }
        self.travel.learn(Fix { place, minute: it.second / 60 }, f64::from(it.accuracy_km));
    }

    fn learn_step(&mut self, it: &Observation) {
        let (Some(step), Some(target)) = (it.step, it.target) else { return };
        let minute = it.second / 60;
        if self.chains.completes(target, step, minute) {
            let today = &mut self.header.takeovers_today[usize::from(it.has_ticket == Some(true))];
            *today = today.saturating_add(1);
        }
        self.chains.learn(target, step, minute);
    }
}

fn learn_kind<const SLOTS: usize>(
    kinds: &mut Kinds<SLOTS>,
    dimension: Dimension,
    identity: Option<Identity>,
    surprise: &Surprise,
) -> bool {
    if identity.is_none() {
        return false;
    }
    let learnt = match surprise.findings() {
        [] => Share::ONE,
        _ => surprise.finding(Feature::Novelty(dimension)).map_or(Share::ONE, |it| learnt_kind(it.p_self)),
    };
    let (key, place) = surprise.places[dimension.index()];
    kinds.learn_in(place, key, learnt)
}
