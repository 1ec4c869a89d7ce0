//! Observed over nominal, by slice, with bootstrap intervals: whole people are drawn, since what one of them does on two days is alike.
//! Draws from few days know too little of what else there could have been, and draws from none nothing: an interval is never narrower than
//! the exact one of a Poisson count (F. Garwood, "Fiducial limits for the Poisson distribution", 1936).

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(crate) const LEVELS: [f64; 3] = [1e-2, 1e-3, 1e-4];
/// How often people are drawn anew, and what of the draws lies outside of the interval at either end.
const DRAWS: usize = 400;
const OUTSIDE: f64 = 0.025;
/// A ratio over fewer expected days says nothing.
const EXPECTED_LEAST: f64 = 5.0;

/// What is asked of a row.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Verdict {
    Overall,
    Slice,
    None,
}

impl Verdict {
    /// Between what a ratio has to be.
    const fn bounds(self) -> [f64; 2] {
        match self {
            Self::Overall => [0.5, 1.5],
            Self::Slice => [0.3, 2.0],
            Self::None => [0.0, f64::INFINITY],
        }
    }
}

/// Days of one person in one slice, and how many of them were at or below each level.
#[derive(Default, Clone, Copy)]
struct Days {
    all: f64,
    below: [f64; LEVELS.len()],
}

impl Days {
    fn add(&mut self, other: &Self, times: f64) {
        self.all += times * other.all;
        self.below.iter_mut().zip(other.below).for_each(|(it, other)| *it += times * other);
    }

    fn ratio(&self, level: usize) -> f64 {
        self.below[level] / (self.all * LEVELS[level])
    }
}

struct Row {
    verdict: Verdict,
    by_person: BTreeMap<usize, Days>,
}

impl Row {
    fn total(&self, draw: impl Fn(usize) -> f64) -> Days {
        let mut total = Days::default();
        self.by_person.iter().for_each(|(at, it)| total.add(it, draw(*at)));
        total
    }
}

/// A ratio with its interval.
#[derive(Clone, Copy)]
struct Ratio {
    observed: f64,
    interval: [f64; 2],
}

impl Ratio {
    /// Whether the interval lies outside of the bounds.
    fn fails(self, [least, most]: [f64; 2]) -> bool {
        self.interval[1] < least || self.interval[0] > most
    }
}

pub(crate) struct Table {
    people: usize,
    rows: BTreeMap<String, Row>,
}

impl Table {
    pub(crate) fn of(people: usize) -> Self {
        Self { people, rows: BTreeMap::new() }
    }

    /// Counts a day, or a part of one, of the person at `at` whose rarest is `p`.
    pub(crate) fn count(&mut self, name: &str, verdict: Verdict, at: usize, p: f64, weight: f64) {
        if !self.rows.contains_key(name) {
            self.rows.insert(name.to_owned(), Row { verdict, by_person: BTreeMap::new() });
        }
        let days = self.rows.get_mut(name).unwrap().by_person.entry(at).or_default();
        days.all += weight;
        // A day is below a level as a whole, in the hour that held its rarest.
        LEVELS.iter().zip(&mut days.below).filter(|(level, _)| p <= **level).for_each(|(_, it)| *it += 1.0);
    }

    /// Leaves out rows of that kind with less than this share of all days.
    pub(crate) fn drop_small(&mut self, kind: &str, least: f64) {
        let all = self.rows["overall"].total(|_| 1.0).all;
        self.rows.retain(|name, row| !name.starts_with(kind) || row.total(|_| 1.0).all >= least * all);
    }

    /// Prints the table; says whether no interval lies outside of its bounds.
    pub(crate) fn tell(&self, title: &str, is_json: bool) -> bool {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let draws: Vec<Vec<f64>> = (0..DRAWS)
            .map(|_| {
                let mut times = vec![0.0; self.people];
                (0..self.people).for_each(|_| times[random.random_range(0..self.people)] += 1.0);
                times
            })
            .collect();
        let (mut rows, mut failed) = (Vec::new(), Vec::new());
        if !is_json {
            println!(
                "calibration: observed/nominal of the rarest event of an active user-day, {title}; 95 % intervals over people"
            );
            println!("{:22} {:>10} {}", "", "user-days", LEVELS.map(|it| format!("{it:>24e}")).join(""));
        }
        for (name, row) in &self.rows {
            let days = row.total(|_| 1.0);
            let ratios = ratios(row, &days, &draws);
            let fails = ratios.iter().flatten().any(|it| it.fails(row.verdict.bounds()));
            if fails {
                failed.push(name.as_str());
            }
            if is_json {
                rows.push(json(name, days.all, &ratios, fails));
            } else {
                let cells = ratios.map(|it| it.map_or_else(|| format!("{:>24}", "-"), cell));
                println!("{name:22} {:>10.0} {}{}", days.all, cells.join(""), if fails { "  FAILS" } else { "" });
            }
        }
        if is_json {
            println!("{}", json!({ "calibration": title, "rows": rows, "failed": failed }));
        } else if failed.is_empty() {
            println!("all within their bounds: 0.5 to 1.5 overall, 0.3 to 2 in every slice");
        } else {
            println!("outside of their bounds: {}", failed.join(", "));
        }
        failed.is_empty()
    }
}

fn ratios(row: &Row, days: &Days, draws: &[Vec<f64>]) -> [Option<Ratio>; LEVELS.len()] {
    let drawn: Vec<Days> = draws.iter().map(|times| row.total(|at| times[at])).collect();
    std::array::from_fn(|level| {
        if days.all * LEVELS[level] < EXPECTED_LEAST {
            return None;
        }
        let mut ratios: Vec<f64> = drawn.iter().filter(|it| it.all > 0.0).map(|it| it.ratio(level)).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| ratios[((ratios.len() - 1) as f64 * share).round() as usize];
        let [least, most] = garwood(days.below[level]).map(|it| it / (days.all * LEVELS[level]));
        Some(Ratio { observed: days.ratio(level), interval: [at(OUTSIDE).min(least), at(1.0 - OUTSIDE).max(most)] })
    })
}

/// Between which means a Poisson count of `seen` is not unlikely at either end.
fn garwood(seen: f64) -> [f64; 2] {
    let up_to = |mean: f64, count: f64| {
        let (mut term, mut sum, mut at) = ((-mean).exp(), 0.0, 0.0);
        while at <= count {
            sum += term;
            at += 1.0;
            term *= mean / at;
        }
        sum
    };
    // Beyond a few hundred the draws say it better, and e^-mean would vanish.
    if seen > 400.0 {
        return [seen; 2];
    }
    let solve = |is_below: &dyn Fn(f64) -> bool| {
        let (mut from, mut to) = (0.0, 2.0 * seen + 10.0);
        for _ in 0..60 {
            let middle = 0.5 * (from + to);
            if is_below(middle) { from = middle } else { to = middle }
        }
        from
    };
    let least = if seen < 1.0 { 0.0 } else { solve(&|mean| 1.0 - up_to(mean, seen - 1.0) < OUTSIDE) };
    [least, solve(&|mean| up_to(mean, seen) > OUTSIDE)]
}

fn cell(it: Ratio) -> String {
    let [from, to] = it.interval;
    format!("{:>24}", format!("{:.2} ({from:.2}-{to:.2})", it.observed))
}

fn json(name: &str, days: f64, ratios: &[Option<Ratio>], fails: bool) -> Value {
    let levels: Vec<Value> = LEVELS
        .iter()
        .zip(ratios)
        .filter_map(|(level, it)| it.map(|it| json!({ "nominal": level, "ratio": it.observed, "interval": it.interval })))
        .collect();
    json!({ "slice": name, "user_days": days, "levels": levels, "fails": fails })
}
