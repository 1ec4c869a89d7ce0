//! What is out of the ordinary about an event, as it was scored: numbers first, so that words, OCSF and dashboards say the same.

mod measure;
#[cfg(test)]
mod tests;
mod words;

pub use measure::{Channel, Measure};
pub(crate) use words::{number, rounded};

use serde::{Deserialize, Serialize};

/// How far an event is from what is normal for its actor, the peers and the target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deviation {
    /// −10·log10 of how many such events are expected on an active day of such a person: 40 is once in ten thousand days.
    pub score: f64,
    /// The natural logarithm of that expectation.
    pub ln_p: f64,
    /// How much was known of the actor, 0…1.
    pub evidence: f64,
    /// The actor's decaying risk (half-life three days) after the event.
    pub risk: f64,
    /// By how much the event raised it: 0 where it only repeats what the day has shown already.
    pub risk_raised: f64,
    /// Whether what was touched is ordinary (1), sensitive (1.5) or watched (2): the weight of the risk.
    pub weight: f64,
    /// What made the score, strongest first, at most [`Deviation::CONTRIBUTIONS_MAX`].
    pub contributions: Vec<Contribution>,
    /// Why the context does not excuse it, or what could not be looked up: half sentences such as `no ticket was named`. What speaks for
    /// the actor all the same comes last and says so: `in the actor's favour: on duty (shift)`.
    pub context: Vec<String>,
}

impl Deviation {
    /// More contributions are not told.
    pub const CONTRIBUTIONS_MAX: usize = 4;
}

/// One measured thing that made a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    /// What was measured, by the name under which rules read it, without its last word: `nj.distinct.10m`, `nj.novelty.device`.
    pub feature: String,
    /// What was seen: a count, a number of targets, a share, km/h; for categories, which are in [`Self::value`], how often it was seen
    /// before, as far as that is known: 0 is never.
    pub observed: f64,
    /// What was seen, where it is a category: the device, the country.
    pub value: Option<String>,
    /// What was expected, in the same unit; for categories and hours their likelihood.
    pub expected: f64,
    /// What the actor stays below in 99 of 100 windows; for counts only.
    pub usual_p99: Option<f64>,
    /// What peers stay below in 999 of 1,000 windows; for counts only.
    pub peer_p999: Option<f64>,
    /// How likely as much is by the actor's own habit, as natural logarithm.
    pub ln_p_self: f64,
    /// How likely by the peers', as natural logarithm; 0 where it was not asked.
    pub ln_p_peer: f64,
    /// The part of the whole score that is its own, 0…1.
    pub share: f64,
    /// What the score would be without it.
    pub score_without: f64,
    /// How much of the expectation is the actor's own, 0…1; the rest is the peers'.
    pub evidence: f64,
    /// Whether the habit has been broken for days already: the episode goes on.
    pub is_continued: bool,
}

/// What was decided about an alert after everything of it was known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Triaged {
    /// The incident that it belongs to.
    pub incident: Option<String>,
    /// Whether it amends an alert that was told before, under the same identifier.
    pub is_update: bool,
    /// Why it is shown; for alerts about behaviour.
    pub standing: Option<Standing>,
}

/// Where an alert about behaviour stands among all that is out of the ordinary.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// The risk that was compared: of behaviour and rules together, times [`Self::factor`].
    pub risk: f64,
    /// The part of it that comes from rules.
    pub risk_of_rules: f64,
    /// What the risk was multiplied by, because employees had reported calls or messages; else 1.
    pub factor: f64,
    /// From which risk on an actor is shown.
    pub threshold: f64,
    /// How many alerts a day the team can read.
    pub per_day: f64,
    /// How many people the budget is for: those who were active on a day of late.
    pub people: u64,
    /// It is below the threshold and shown as one of a random sample: so large a share of those below the threshold that day is shown.
    pub sampled: Option<f64>,
    /// It is below the threshold and shown because the day's budget had room for it.
    pub is_spare: bool,
    /// How long after the event it was told, in milliseconds, where it was not told at once.
    pub waited_ms: i64,
    /// By how many events the episode has raised the risk so far.
    pub increments: u64,
}

impl Standing {
    /// What the threshold comes to: `risk ≥ 7.2: about 5 alerts a day for 2,000 active people`.
    pub fn meaning(&self) -> String {
        meaning(self.threshold, self.per_day, self.people)
    }

    /// A word for how it came to be shown, unless it was told at once for its risk.
    pub fn label(&self) -> Option<&'static str> {
        match self {
            Self { sampled: Some(_), .. } => Some("sample"),
            Self { is_spare: true, .. } => Some("spare"),
            Self { waited_ms: 1.., .. } => Some("waited"),
            _ => None,
        }
    }
}

/// What a threshold of risk comes to in a day.
pub fn meaning(threshold: f64, per_day: f64, people: u64) -> String {
    let alerts = format!("about {} a day", words::plural(per_day, "alert", "alerts"));
    let threshold = words::decimal(threshold);
    if people == 0 {
        return format!("risk ≥ {threshold}: {alerts}");
    }
    #[expect(clippy::cast_precision_loss, reason = "people")]
    let people = words::plural(people as f64, "active person", "active people");
    format!("risk ≥ {threshold}: {alerts} for {people}")
}
