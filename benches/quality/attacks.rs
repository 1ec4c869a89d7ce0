//! The whole profile beside what others do, on the same labelled stream: each detector gives every user-day a number, and its threshold
//! is what gives so many false alarms on the same people before the attacks.
//!
//! The others: an exponentially weighted z-score and three sigma of the daily count, a fixed threshold on it, the number of things seen for
//! the first time, and a random cut forest over daily vectors (`krcf`), one for all people.

use crate::ours::Ours;
use crate::world::{Change, Habitant, people};
use baseline::observation::Observation;
use baseline::peers::Peers;
use krcf::{RandomCutForest, RandomCutForestOptions};
use std::collections::BTreeSet;

const WARM: u16 = 60;
const CONTROL: u16 = 40;
/// The days on which the attack is under way.
const ATTACK: u16 = 60;
const DETECTORS: usize = 6;
const NAMES: [&str; DETECTORS] = ["ours", "EWMA z", "3 sigma", "fixed threshold", "first seen", "random cut forest"];
const FALSE_ALARMS: f64 = 1e-3;

/// What the other detectors keep of one person.
#[derive(Clone, Default)]
struct Others {
    mean: f64,
    variance: f64,
    days: Vec<f64>,
    seen: BTreeSet<(usize, u64)>,
    usual: [f64; 6],
}

impl Others {
    fn day(&mut self, events: &[Observation], forest: &mut RandomCutForest) -> [f64; DETECTORS - 1] {
        let x = events.len() as f64;
        let z = (x - self.mean) / self.variance.max(0.5).sqrt();
        let off = x - self.mean;
        self.mean += off / 15.0;
        self.variance = (1.0 - 1.0 / 15.0) * (self.variance + off * off / 15.0);
        let recent = &self.days[self.days.len().saturating_sub(60)..];
        let mean = recent.iter().sum::<f64>() / recent.len().max(1) as f64;
        let sd = (recent.iter().map(|it| (it - mean) * (it - mean)).sum::<f64>() / recent.len().max(1) as f64).sqrt();
        let sigmas = (x - mean) / sd.max(0.7);
        self.days.push(x);
        let mut firsts = 0.0;
        for it in events {
            for (dimension, identity) in it.kinds.iter().enumerate() {
                firsts += f64::from(u8::from(identity.is_some_and(|it| self.seen.insert((dimension, it.get())))));
            }
        }
        let share = |of: &dyn Fn(&Observation) -> bool| events.iter().filter(|it| of(it)).count() as f64;
        let vector = [
            x,
            share(&|it| it.is_sensitive),
            share(&|it| it.is_vip),
            share(&|it| it.has_ticket == Some(false)),
            firsts,
            share(&|it| it.second % 86_400 < 6 * 3_600),
        ];
        // Logarithms against the person's own mean, as one forest has to serve all.
        let point: Vec<f32> = vector.iter().zip(&self.usual).map(|(it, usual)| ((1.0 + it) / (1.0 + usual)).ln() as f32).collect();
        self.usual.iter_mut().zip(vector).for_each(|(usual, it)| *usual += (it - *usual) / 15.0);
        let rarity = forest.score(&point).unwrap_or(0.0);
        let _ = forest.update(&point);
        [z, sigmas, x, firsts, rarity]
    }
}

struct Stage {
    habitants: Vec<Habitant>,
    ours: Ours,
    others: Vec<Others>,
    forest: RandomCutForest,
}

impl Stage {
    fn new(count: usize, seed: u64) -> Self {
        let mut peers = Peers::default();
        let habitants = people(count, WARM, seed, &mut peers);
        let options = RandomCutForestOptions {
            dimensions: 6,
            shingle_size: 1,
            num_trees: Some(50),
            sample_size: Some(256),
            random_seed: Some(seed),
            ..Default::default()
        };
        let forest = RandomCutForest::new(options).unwrap();
        Self { habitants, ours: Ours::of(count, peers), others: vec![Others::default(); count], forest }
    }

    /// Each person's number of the day by every detector, and by how many distinct accounts each was late (ours only: events).
    fn day(&mut self, day: u16, change: &dyn Fn(usize) -> Change) -> Vec<Option<[f64; DETECTORS]>> {
        let mut scores = vec![None; self.others.len()];
        let (others, forest) = (&mut self.others, &mut self.forest);
        self.ours.live(day, &mut self.habitants, change, |at, events, n, surprise| {
            let ours: &mut f64 = &mut scores[at].get_or_insert([0.0; DETECTORS])[0];
            *ours = ours.max(surprise.score.get());
            if n + 1 == events.len() {
                let theirs = others[at].day(events, forest);
                scores[at].as_mut().unwrap()[1..].copy_from_slice(&theirs);
            }
        });
        scores
    }
}

pub(crate) fn run(count: usize, seed: u64) {
    let mut stage = Stage::new(count, seed);
    let mut control: [Vec<f64>; DETECTORS] = Default::default();
    for day in 0..WARM + CONTROL {
        for scores in stage.day(day, &|_| Change::default()).into_iter().flatten().filter(|_| day >= WARM) {
            scores.iter().zip(&mut control).for_each(|(it, all)| all.push(*it));
        }
    }
    let thresholds: [f64; DETECTORS] = std::array::from_fn(|at| {
        control[at].sort_unstable_by(f64::total_cmp);
        control[at][((1.0 - FALSE_ALARMS) * control[at].len() as f64) as usize]
    });
    let once = |day: u16, change: Change| if day == 5 { change } else { Change::default() };
    let attacks: [(&str, &dyn Fn(u16) -> Change); 10] = [
        ("burst of 60 accounts", &|day| once(day, Change { burst: 60, ..Change::default() })),
        ("12 takeovers", &|day| once(day, Change { takeovers: 12, ..Change::default() })),
        ("stolen session, 15 actions", &|day| once(day, Change { stolen: 15, ..Change::default() })),
        ("8 watched accounts, no ticket", &|day| once(day, Change { peeks: 8, ..Change::default() })),
        ("15 private reads, no ticket", &|day| once(day, Change { reads: 15, ..Change::default() })),
        ("12 look-ups at 3 a.m.", &|day| once(day, Change { night: 12, ..Change::default() })),
        ("look-ups +3 % a day", &|day| Change { factor: 1.03_f64.powi(i32::from(day)), ..Change::default() }),
        ("look-ups +1 % a day", &|day| Change { factor: 1.01_f64.powi(i32::from(day)), ..Change::default() }),
        ("look-ups +60 %", &|_| Change { factor: 1.6, ..Change::default() }),
        ("nobody attacks", &|_| Change::default()),
    ];
    // Each attack has its people, who work in look-ups; all attacks go on at the same time, so that peers see them as they would.
    let workers: Vec<usize> = (0..count)
        .filter(|at| stage.habitants[*at].role < 2 && stage.habitants[*at].joined < crate::world::FIRST_DAY + WARM)
        .collect();
    let victims = workers.len() / 4 / attacks.len();
    let attack_of = |at: usize| workers.binary_search(&at).ok().filter(|it| it % 4 == 0).map(|it| it / 4 / victims.max(1));
    let mut caught: Vec<[BTreeSet<usize>; DETECTORS]> = vec![Default::default(); attacks.len()];
    let (mut false_alarms, mut false_days) = ([0.0; DETECTORS], 0.0);
    for day in 0..ATTACK {
        let change = |at: usize| attack_of(at).and_then(|it| attacks.get(it)).map_or_else(Change::default, |it| it.1(day));
        let scores = stage.day(WARM + CONTROL + day, &change);
        for (at, scores) in scores.iter().enumerate().filter_map(|(at, it)| Some((at, it.as_ref()?))) {
            let attack = attack_of(at).filter(|it| *it < attacks.len());
            for detector in 0..DETECTORS {
                let fires = scores[detector] > thresholds[detector];
                match attack {
                    // What lasts a day has to be seen on that day.
                    Some(it) if fires && (it >= 6 || day == 5) => {
                        caught[it][detector].insert(at);
                    }
                    None => false_alarms[detector] += f64::from(u8::from(fires)),
                    Some(_) => {}
                }
            }
            false_days += f64::from(u8::from(attack.is_none()));
        }
    }
    println!(
        "attacks: {count} people, {victims} an attack, thresholds of {FALSE_ALARMS} false alarms a user-day on the {CONTROL} days before, seed {seed}"
    );
    println!("{:30} {}", "caught", NAMES.map(|it| format!("{it:>19}")).join(""));
    for ((name, _), caught) in attacks.iter().zip(&caught) {
        let shares = caught.iter().map(|it| format!("{:>17.0} %", 100.0 * it.len() as f64 / victims.max(1) as f64));
        println!("{name:30} {}", shares.collect::<String>());
    }
    let rates = false_alarms.map(|it| format!("{:>19.2}", 1_000.0 * it / false_days));
    println!("{:30} {}", "false alarms/1,000 user-days", rates.join(""));
    println!("threshold of ours: a score of {:.1}", thresholds[0]);
}
