//! Does a score mean what it says? The share of active user-days whose rarest event has p at most α, over α: overall and by slice, with
//! intervals by drawing people anew.

use crate::ours::Ours;
use crate::rates::{Table, Verdict};
use crate::world::{Change, FIRST_DAY, ROLES, people};
use baseline::feature::{CHANNELS, Channel};
use baseline::peers::Peers;
use std::collections::BTreeMap;

/// How many of those who have worked least to most are one decile.
const DECILES: usize = 10;
/// An hour is a slice if it holds at least this share of all work.
const HOUR_LEAST: f64 = 0.01;

/// The active day of one person.
struct Lived {
    /// The rarest of all, and its hour.
    p: f64,
    hour: usize,
    /// How many of the events were in each hour.
    by_hour: [u32; 24],
    /// The rarest of each channel.
    by_channel: [f64; CHANNELS],
}

/// Runs `count` people for `days` after `warm`. Whether no slice fails.
pub(crate) fn run(count: usize, warm: u16, days: u16, seed: u64, is_json: bool) -> bool {
    let mut peers = Peers::default();
    let mut habitants = people(count, warm + days, seed, &mut peers);
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|a, b| habitants[*a].rate.total_cmp(&habitants[*b].rate));
    let mut decile = vec![0; count];
    order.iter().enumerate().for_each(|(at, person)| decile[*person] = at * DECILES / count);
    let mut ours = Ours::of(count, peers);
    let mut table = Table::of(count);
    for day in 0..warm + days {
        let lived = live(&mut ours, &mut habitants, day);
        if day < warm {
            continue;
        }
        for (at, it) in lived {
            let habitant = &habitants[at];
            table.count("overall", Verdict::Overall, at, it.p, 1.0);
            table.count(&format!("decile {}", decile[at]), Verdict::Slice, at, it.p, 1.0);
            table.count(&format!("group {} of {ROLES}", habitant.role), Verdict::Slice, at, it.p, 1.0);
            table.count(tenure(FIRST_DAY + day - habitant.joined), Verdict::Slice, at, it.p, 1.0);
            let events: u32 = it.by_hour.iter().sum();
            for (hour, own) in it.by_hour.iter().enumerate().filter(|it| *it.1 > 0) {
                let p = if hour == it.hour { it.p } else { 1.0 };
                table.count(&format!("hour {hour:02}"), Verdict::Slice, at, p, f64::from(*own) / f64::from(events));
            }
            for (channel, p) in Channel::ALL.iter().zip(it.by_channel) {
                table.count(&format!("channel {channel:?}"), Verdict::None, at, p, 1.0);
            }
        }
    }
    table.drop_small("hour", HOUR_LEAST);
    let title = format!("{count} people, {days} days after {warm}, seed {seed}");
    table.tell(&title, is_json)
}

fn live(ours: &mut Ours, habitants: &mut [crate::world::Habitant], day: u16) -> BTreeMap<usize, Lived> {
    let mut lived: BTreeMap<usize, Lived> = BTreeMap::new();
    ours.live(day, habitants, &|_| Change::default(), |at, events, n, surprise| {
        let hour = (events[n].second / 3_600 % 24) as usize;
        let it = lived.entry(at).or_insert(Lived { p: 1.0, hour, by_hour: [0; 24], by_channel: [1.0; CHANNELS] });
        it.by_hour[hour] += 1;
        let p = surprise.p.p();
        if p < it.p {
            (it.p, it.hour) = (p, hour);
        }
        for channel in Channel::ALL {
            let strongest = surprise.strongest(channel).map_or(1.0, |it| it.p.p());
            it.by_channel[channel.index()] = it.by_channel[channel.index()].min(strongest);
        }
    });
    lived
}

const fn tenure(days: u16) -> &'static str {
    match days {
        0..7 => "tenure under 7 days",
        7..28 => "tenure 7 to 27 days",
        _ => "tenure from 28 days",
    }
}
