//! A generated organisation whose truth is known: what is ordinary of each person is what they are made of, and nothing else changes
//! unless an attack changes it. Days differ more than any model says (log-normal), work comes in sessions, and one person in ten is new.

use baseline::clock::Bin;
use baseline::observation::{Class, Dimension, Family, Identity, Observation, Step};
use baseline::peers::{GroupId, Peers};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp, Gamma, LogNormal, Normal, Poisson};

pub(crate) const ROLES: u64 = 5;
/// 2026-01-05, a Monday.
pub(crate) const FIRST_DAY: u16 = 20_458;
const ACCOUNTS: u64 = 2_000_000;

pub(crate) struct Habitant {
    pub(crate) role: u64,
    pub(crate) group: GroupId,
    /// Actions on an average working day.
    pub(crate) rate: f64,
    pub(crate) joined: u16,
    starts: f64,
    is_weekend_worker: bool,
    mix: [f64; 8],
    without_ticket: f64,
    watched: f64,
    device: u64,
    network: u64,
    home: u64,
    random: ChaCha8Rng,
}

/// What an attack does to a day of somebody.
#[derive(Clone, Copy, Default)]
pub(crate) struct Change {
    /// Look-ups are so many times as many; 0 is as many.
    pub(crate) factor: f64,
    /// A burst of look-ups within ten minutes.
    pub(crate) burst: u32,
    /// Actions from another device, network, ASN and country.
    pub(crate) stolen: u32,
    /// Look-ups of watched accounts without a ticket.
    pub(crate) peeks: u32,
    /// Private reads without a ticket.
    pub(crate) reads: u32,
    /// Takeovers without a ticket.
    pub(crate) takeovers: u32,
    /// Actions at three in the night.
    pub(crate) night: u32,
}

pub(crate) fn people(count: usize, days: u16, seed: u64, peers: &mut Peers) -> Vec<Habitant> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (rates, noise) = (Gamma::<f64>::new(2.5, 12.0).unwrap(), Normal::<f64>::new(0.0, 1.0).unwrap());
    (0..count as u64)
        .map(|n| {
            let role = n % ROLES;
            let team = n / ROLES / 12;
            let mut mix: [f64; 8] = match role {
                0 | 1 => [70.0, 12.0, 0.0, 6.0, 3.0, 2.0, 0.0, 7.0],
                2 => [40.0, 30.0, 1.0, 5.0, 0.5, 12.0, 0.0, 11.0],
                3 => [5.0, 30.0, 6.0, 10.0, 0.0, 0.0, 12.0, 37.0],
                _ => [15.0, 40.0, 10.0, 2.0, 0.0, 0.0, 1.0, 32.0],
            };
            mix.iter_mut().for_each(|it| *it *= (0.4 * noise.sample(&mut random)).exp());
            Habitant {
                role,
                group: peers.group(Class::Human, Some(role), Some(team)),
                rate: rates.sample(&mut random) * (1.0 + role as f64 * 0.3) + 3.0,
                joined: if random.random_range(0..10) == 0 { FIRST_DAY + random.random_range(0..days) } else { FIRST_DAY },
                starts: 8.0 + 1.2 * noise.sample(&mut random) + if random.random_range(0..12) == 0 { 8.0 } else { 0.0 },
                is_weekend_worker: random.random_range(0..15) == 0,
                mix,
                without_ticket: (0.10 * (0.6 * noise.sample(&mut random)).exp()).min(0.6),
                watched: 0.004 * (0.7 * noise.sample(&mut random)).exp(),
                device: 1_000_000 + n,
                network: 10 + team % 20,
                home: 5_000_000 + n,
                random: ChaCha8Rng::seed_from_u64(seed ^ (n + 1) << 20),
            }
        })
        .collect()
}

fn identity(n: u64) -> Option<Identity> {
    Identity::new(n.wrapping_mul(0x2545_f491_4f6c_dd1d) | 1)
}

impl Habitant {
    /// What the person does on `day`, in order of time, into `events`.
    pub(crate) fn day(&mut self, day: u16, change: Change, events: &mut Vec<Observation>) {
        events.clear();
        if day < self.joined {
            return;
        }
        let is_day_off = (day - FIRST_DAY) % 7 >= 5;
        let is_present = if is_day_off { self.is_weekend_worker } else { self.random.random_range(0..20) > 0 };
        let spread = LogNormal::new(-0.06, 0.35).unwrap().sample(&mut self.random);
        if self.random.random_range(0..400) == 0 {
            self.device += 10_000_000;
        }
        if is_present {
            let lambda = (self.rate * spread).max(0.2);
            let n = Poisson::new(lambda).unwrap().sample(&mut self.random) as u32;
            self.sessions(day, is_day_off, n, events);
            if change.factor > 1.0 {
                let views = events.iter().filter(|it| it.family == Family::View).count() as f64;
                let more = Poisson::new((views * (change.factor - 1.0)).max(1e-9)).unwrap().sample(&mut self.random) as u32;
                let before = events.len();
                self.sessions(day, is_day_off, more, events);
                events[before..].iter_mut().for_each(|it| it.family = Family::View);
                let action = identity(100);
                events[before..].iter_mut().for_each(|it| it.kinds[Dimension::Action.index()] = action);
            }
        }
        self.attack(day, is_day_off, change, events);
        events.sort_by_key(|it| it.second);
    }

    fn sessions(&mut self, day: u16, is_day_off: bool, n: u32, events: &mut Vec<Observation>) {
        let (gap, middle) = (Exp::<f64>::new(1.0 / 80.0).unwrap(), Normal::<f64>::new(0.0, 2.2).unwrap());
        let is_home = self.random.random_range(0..4) == 0;
        let mut left = n;
        while left > 0 {
            let size = left.min(1 + self.random.random_range(0..10));
            left -= size;
            let hour: f64 = (self.starts + 4.0 + middle.sample(&mut self.random).clamp(-4.5, 4.5)).rem_euclid(23.9);
            let mut second = (hour * 3_600.0) as u32;
            for _ in 0..size {
                second = (second + gap.sample(&mut self.random) as u32 + 1).min(86_399);
                let event = self.event(day, is_day_off, second, is_home);
                events.push(event);
            }
        }
    }

    fn event(&mut self, day: u16, is_day_off: bool, second: u32, is_home: bool) -> Observation {
        let family = self.family();
        let zipf = |random: &mut ChaCha8Rng, all: f64| (all.powf(random.random::<f64>()) - 1.0) as u64;
        let action = 100 * family.index() as u64 + 100 + zipf(&mut self.random, 9.0);
        let tool = 50 + family.index() as u64 * 3 + zipf(&mut self.random, 4.0);
        let network = if is_home { self.home } else { self.network };
        let step = (family == Family::CredentialChange).then(|| match self.random.random_range(0..10) {
            0..7 => Step::Reset,
            7 | 8 => Step::ContactChange,
            _ => Step::FactorOff,
        });
        Observation {
            second: u32::from(day) * 86_400 + second,
            day,
            bin: Bin::new((second / 3_600) as u8, is_day_off),
            family,
            is_sensitive: family.is_sensitive(),
            is_vip: self.random.random::<f64>() < self.watched,
            has_ticket: (family != Family::Other).then(|| self.random.random::<f64>() >= self.without_ticket),
            step,
            kinds: [action, tool, network, self.device, if is_home { 900 + self.home % 12 } else { 899 }, 353].map(identity),
            target: identity(self.random.random_range(0..ACCOUNTS)),
            place: None,
            is_proven: true,
            accuracy_km: 50.0,
        }
    }

    fn family(&mut self) -> Family {
        let mut at = self.random.random::<f64>() * self.mix.iter().sum::<f64>();
        for (family, weight) in Family::ALL.into_iter().zip(self.mix) {
            at -= weight;
            if at <= 0.0 {
                return family;
            }
        }
        Family::Other
    }

    fn attack(&mut self, day: u16, is_day_off: bool, change: Change, events: &mut Vec<Observation>) {
        let noon = ((self.starts + 4.0).rem_euclid(23.0) * 3_600.0) as u32;
        let mut act = |this: &mut Self, at: u32, family: Family, edit: &dyn Fn(&mut Observation)| {
            let mut it = this.event(day, is_day_off, at.min(86_399), false);
            it.family = family;
            it.is_sensitive = family.is_sensitive();
            it.step = None;
            it.kinds[Dimension::Action.index()] = identity(100 * family.index() as u64 + 100);
            it.kinds[Dimension::Tool.index()] = identity(50 + family.index() as u64 * 3);
            edit(&mut it);
            events.push(it);
        };
        for n in 0..change.burst {
            act(self, noon + n * 3, Family::View, &|_| {});
        }
        for n in 0..change.stolen {
            act(self, noon + n * 40, Family::View, &|it| {
                for (dimension, name) in [(2, 77_000), (3, 77_001), (4, 77_002), (5, 77_003)] {
                    it.kinds[dimension] = identity(name + u64::from(day));
                }
            });
        }
        for n in 0..change.peeks {
            act(self, noon + n * 600, Family::View, &|it| (it.is_vip, it.has_ticket) = (true, Some(false)));
        }
        for n in 0..change.reads {
            act(self, noon + n * 120, Family::PrivateRead, &|it| it.has_ticket = Some(false));
        }
        for n in 0..change.takeovers {
            let target = identity(3_000_000 + u64::from(n));
            for (at, step) in (0..).zip([Step::ContactChange, Step::FactorOff, Step::Reset]) {
                act(self, noon + n * 200 + at * 30, Family::CredentialChange, &|it| {
                    (it.step, it.target, it.has_ticket) = (Some(step), target, Some(false));
                });
            }
        }
        for n in 0..change.night {
            act(self, 3 * 3_600 + n * 60, Family::View, &|_| {});
        }
    }
}
