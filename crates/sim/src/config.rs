//! What the caller may choose about the simulated company.

/// Milliseconds in a day.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// Most people a company may have; keeps stream numbers within the key of the merge.
pub(crate) const PEOPLE_MAX: u32 = 200_000;
/// Fewest people with whom every scenario can be played.
pub(crate) const PEOPLE_MIN: u32 = 12;
/// Longest simulation, in days.
pub(crate) const DAYS_MAX: u32 = 3_660;

/// The size, time and seed of a simulated company.
#[derive(Debug, Clone, PartialEq)]
pub struct CompanyConfig {
    /// Number of people; service accounts come on top (8, and one per hundred people). Held within `12..=200_000`.
    pub people: u32,
    /// First instant of the simulation, milliseconds since the Unix epoch. The default is 2020-07-13 00:00 UTC, a Monday.
    pub start_ms: i64,
    /// Length in days, held within `1..=3_660`.
    pub days: u32,
    /// Everything random follows from this number.
    pub seed: u64,
    /// How busy people and programs are: 1.0 is about 160 events per person and working day (tickets of customers included), 0.5 half of that.
    /// Above 2 people work at a speed at which rules for machine-like behaviour may fire. Held within `0.01..=10`.
    pub activity: f64,
    /// Day of the attack, counted from the UTC day of `start_ms`; the last day if the simulation is shorter.
    /// The default is 2, Wednesday 2020-07-15.
    pub attack_day: u32,
}

impl Default for CompanyConfig {
    fn default() -> Self {
        Self { people: 600, start_ms: 1_594_598_400_000, days: 3, seed: 2020, activity: 1.0, attack_day: 2 }
    }
}

impl CompanyConfig {
    /// The same configuration with every value within its documented range.
    #[must_use]
    pub fn within_limits(mut self) -> Self {
        self.people = self.people.clamp(PEOPLE_MIN, PEOPLE_MAX);
        self.days = self.days.clamp(1, DAYS_MAX);
        // 1970 to about 2200: what a four-digit year and a calendar of local time can carry.
        self.start_ms = self.start_ms.clamp(0, 7_258_118_400_000);
        self.activity = if self.activity.is_nan() { 1.0 } else { self.activity.clamp(0.01, 10.0) };
        self.attack_day = self.attack_day.min(self.days - 1);
        self
    }

    /// First instant after the simulation, milliseconds since the Unix epoch.
    pub fn end_ms(&self) -> i64 {
        self.start_ms + i64::from(self.days) * DAY_MS
    }
}
