//! Does a score mean what it says? The share of active user-days whose rarest event has p at most α, over α: overall and by slice.

use crate::ours::Ours;
use crate::world::{Change, FIRST_DAY, ROLES, people};
use baseline::feature::{CHANNELS, Channel};
use baseline::peers::Peers;
use std::collections::BTreeMap;

const LEVELS: [f64; 3] = [1e-2, 1e-3, 1e-4];

#[derive(Default, Clone)]
struct Rates {
    days: f64,
    below: [f64; 3],
}

impl Rates {
    fn count(&mut self, p: f64, weight: f64) {
        self.days += weight;
        LEVELS.iter().zip(&mut self.below).filter(|(level, _)| p <= **level).for_each(|(_, it)| *it += weight);
    }

    fn line(&self, name: &str) {
        let ratio = |at: usize| {
            let expected = self.days * LEVELS[at];
            if expected < 5.0 { format!("{:>10}", "-") } else { format!("{:>10.2}", self.below[at] / expected) }
        };
        println!("{name:28} {:>10.0} {} {} {}", self.days, ratio(0), ratio(1), ratio(2));
    }
}

pub(crate) fn run(count: usize, warm: u16, days: u16, seed: u64) {
    let mut peers = Peers::default();
    let mut habitants = people(count, warm + days, seed, &mut peers);
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|a, b| habitants[*a].rate.total_cmp(&habitants[*b].rate));
    let mut decile = vec![0; count];
    order.iter().enumerate().for_each(|(at, person)| decile[*person] = at * 10 / count);
    let mut ours = Ours::of(count, peers);
    let (mut all, mut slices): (Rates, BTreeMap<String, Rates>) = Default::default();
    let mut hours: Vec<[f64; 4]> = vec![[0.0; 4]; 24];
    let mut channels = [[0.0_f64; 3]; CHANNELS];
    for day in 0..warm + days {
        // Of each person: the rarest p, its hour, the events by hour, the rarest of each channel.
        let mut rarest: BTreeMap<usize, (f64, usize, [f64; 24], [f64; CHANNELS])> = BTreeMap::new();
        ours.live(day, &mut habitants, &|_| Change::default(), |at, events, n, surprise| {
            let hour = (events[n].second / 3_600 % 24) as usize;
            let it = rarest.entry(at).or_insert((1.0, hour, [0.0; 24], [1.0; CHANNELS]));
            it.2[hour] += 1.0 / events.len() as f64;
            let p = surprise.p.p();
            if p < it.0 {
                (it.0, it.1) = (p, hour);
            }
            for channel in Channel::ALL {
                let strongest = surprise.strongest(channel).map_or(1.0, |it| it.p.p());
                it.3[channel.index()] = it.3[channel.index()].min(strongest);
            }
        });
        if day < warm {
            continue;
        }
        for (at, (p, hour, by_hour, by_channel)) in rarest {
            let habitant = &habitants[at];
            all.count(p, 1.0);
            slices.entry(format!("decile {}", decile[at])).or_default().count(p, 1.0);
            slices.entry(format!("role {} of {ROLES}", habitant.role)).or_default().count(p, 1.0);
            let tenure = FIRST_DAY + day - habitant.joined;
            let name = if tenure < 7 {
                "tenure under 7 days"
            } else if tenure < 28 {
                "tenure 7 to 27 days"
            } else {
                "tenure from 28 days"
            };
            slices.entry(name.to_owned()).or_default().count(p, 1.0);
            for (at, share) in by_hour.iter().enumerate() {
                hours[at][3] += share;
            }
            LEVELS.iter().enumerate().filter(|(_, level)| p <= **level).for_each(|(at, _)| hours[hour][at] += 1.0);
            for (channel, p) in Channel::ALL.iter().zip(by_channel) {
                slices.entry(format!("z {channel:?} decile {}", decile[at])).or_default().count(p, 1.0);
            }
            for (sum, p) in channels.iter_mut().zip(by_channel) {
                LEVELS.iter().zip(sum).filter(|(level, _)| p <= **level).for_each(|(_, it)| *it += 1.0);
            }
        }
    }
    println!(
        "calibration: observed/nominal of the rarest event of an active user-day, {count} people, {days} days after {warm}, seed {seed}"
    );
    println!("{:28} {:>10} {:>10} {:>10} {:>10}", "", "user-days", "1e-2", "1e-3", "1e-4");
    all.line("overall");
    slices.iter().for_each(|(name, it)| it.line(name));
    for (hour, [a, b, c, days]) in hours.iter().enumerate().filter(|it| it.1[3] >= 0.01 * all.days) {
        Rates { days: *days, below: [*a, *b, *c] }.line(&format!("hour {hour}"));
    }
    for (channel, below) in Channel::ALL.iter().zip(channels) {
        Rates { days: all.days, below }.line(&format!("channel {channel:?} (largest feature)"));
    }
}
