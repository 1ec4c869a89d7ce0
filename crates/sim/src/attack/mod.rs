//! What a scenario adds to the company's ordinary life: events planned in advance, and the truth about them.

mod plot;
mod twitter_2020;

use crate::act::Act;
use crate::company::Company;
use crate::scenario::Scenario;
use crate::truth::AttackTruth;

/// A planned attack.
#[derive(Debug, Default)]
pub(crate) struct Attack {
    /// In time order.
    pub(crate) acts: Vec<Act>,
    pub(crate) truth: AttackTruth,
}

/// Plans `scenario` for `company`.
pub(crate) fn plan(scenario: Scenario, company: &Company) -> Attack {
    match scenario {
        Scenario::Quiet => Attack::default(),
        Scenario::Twitter2020 => twitter_2020::plan(company),
    }
}
