//! Who notices that somebody does a little more every day? Daily counts only, thresholds of one false alarm in 1,000 user-days on a
//! control run of their own: the table of habits, drift and the slow detectors, beside an exponentially weighted z-score.

use baseline::Share;
use baseline::counts::{GroupRates, Habit, Prior};
use baseline::learn::{Drift, capped, learnt};
use baseline::slow::Slow;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, LogNormal, Poisson};

const WARM: usize = 60;
const DAYS: usize = 120;
const MEAN: f64 = 14.5;
/// EWMA z, NB ungated, NB gated, CUSUM, e-detector.
const STATISTICS: usize = 5;
const NAMES: [&str; 7] = ["EWMA z 15 d", "NB ungated", "NB slow gated", "CUSUM on gated", "e-detector", "NB + CUSUM", "NB + e"];

type Days = Vec<[f64; STATISTICS]>;

/// A person, as each of the detectors sees them.
#[derive(Clone, Default)]
struct Watched {
    ungated: Habit,
    gated: Habit,
    slow: Slow,
    drift: Drift,
    mean: f64,
    variance: f64,
}

impl Watched {
    fn day(&mut self, day: usize, x: f64, of_ungated: &Prior, of_gated: &Prior) -> [f64; STATISTICS] {
        let ungated = self.ungated.predict(of_ungated).upper(x);
        self.ungated.learn(x, Share::ONE);
        let predicted = self.gated.predict(of_gated);
        let [upper, or_fewer] = predicted.both(x);
        if day == WARM {
            self.slow.reset();
        }
        self.slow.add(x, predicted.mean(), of_gated.dispersion(predicted.mean()).max(self.gated.dispersion()));
        let gamma = learnt(upper, or_fewer, self.gated.windows(), self.slow.is_suspect());
        self.gated.learn(capped(x, predicted.mean()), gamma);
        self.drift.hold(&mut self.gated, 1 + (day / 7) as u16, 1.0);
        let z = (x - self.mean) / self.variance.max(0.5).sqrt();
        let off = x - self.mean;
        self.mean += off / 15.0;
        self.variance = (1.0 - 1.0 / 15.0) * (self.variance + off * off / 15.0);
        [z, ungated.surprise(), upper.surprise(), self.slow.cusum(), self.slow.evidence()]
    }
}

fn lives(people: usize, seed: u64, factor: &dyn Fn(usize) -> f64) -> Vec<Days> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let rates: Vec<f64> = (0..people).map(|_| Gamma::<f64>::new(4.0, 3.5).unwrap().sample(&mut random) + 0.5).collect();
    let noise = LogNormal::<f64>::new(-0.02, 0.2).unwrap();
    let mut watched = vec![Watched::default(); people];
    let mut seen = vec![Vec::with_capacity(DAYS); people];
    for day in 0..WARM + DAYS {
        let (mut ungated, mut gated) = (GroupRates::default(), GroupRates::default());
        for it in &watched {
            ungated.add(&it.ungated);
            gated.add(&it.gated);
        }
        let priors = [ungated, gated].map(|it| Prior::of_chain(&[it]));
        let factor = if day < WARM { 1.0 } else { factor(day - WARM) };
        for ((it, rate), seen) in watched.iter_mut().zip(&rates).zip(&mut seen) {
            let x = Poisson::new((rate * factor * noise.sample(&mut random)).max(1e-9)).unwrap().sample(&mut random);
            let statistics = it.day(day, x, &priors[0], &priors[1]);
            if day >= WARM {
                seen.push(statistics);
            }
        }
    }
    seen
}

pub(crate) fn run(people: usize) {
    let control = lives(people, 1, &|_| 1.0);
    let above = |at: usize, share: f64| {
        let mut all: Vec<f64> = control.iter().flatten().map(|it| it[at]).collect();
        all.sort_unstable_by(f64::total_cmp);
        all[((1.0 - share) * all.len() as f64) as usize]
    };
    let whole: [f64; STATISTICS] = std::array::from_fn(|at| above(at, 1e-3));
    let half: [f64; STATISTICS] = std::array::from_fn(|at| above(at, 5e-4));
    let fires = |detector: usize, it: &[f64; STATISTICS]| match detector {
        0..STATISTICS => it[detector] > whole[detector],
        5 => it[2] > half[2] || it[3] > half[3],
        _ => it[2] > half[2] || it[4] > half[4],
    };
    println!(
        "frog: {people} people, one false alarm in 1,000 user-days on a control run; caught within 120 days, median day, extra accounts until then"
    );
    println!("{:12} {}", "", NAMES.map(|it| format!("{it:>20}")).join(""));
    let attacks: [(&str, u64, &dyn Fn(usize) -> f64); 6] = [
        ("no attack", 2, &|_| 1.0),
        ("burst x10", 3, &|day| if day == 0 { 10.0 } else { 1.0 }),
        ("+3 %/day", 4, &|day| 1.03_f64.powi(day as i32)),
        ("+1 %/day", 5, &|day| 1.01_f64.powi(day as i32)),
        ("step +60 %", 6, &|_| 1.6),
        ("step +30 %", 7, &|_| 1.3),
    ];
    for (name, seed, factor) in attacks {
        let lives = lives(people, seed, factor);
        let until = if name == "burst x10" { 3 } else { DAYS };
        let cells = (0..NAMES.len()).map(|detector| {
            let mut days: Vec<usize> =
                lives.iter().filter_map(|it| it[..until].iter().position(|it| fires(detector, it))).collect();
            days.sort_unstable();
            let caught = 100.0 * days.len() as f64 / people as f64;
            let median = days.get(days.len() / 2).copied().unwrap_or(0);
            let extra: f64 = (0..=median).map(|day| (factor(day) - 1.0) * MEAN).sum();
            format!("{:>20}", format!("{caught:.1} % d{median} {extra:.0}"))
        });
        println!("{name:12} {}", cells.collect::<String>());
    }
}
