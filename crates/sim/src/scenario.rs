//! The closed set of stories that a simulation can tell.

use std::fmt;
use std::str::FromStr;

/// What happens besides the company's ordinary life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scenario {
    /// Nothing.
    #[default]
    Quiet,
    /// Four phished employees, 130 targeted and 45 stolen accounts: Twitter, 15 July 2020.
    Twitter2020,
}

impl Scenario {
    /// Every scenario, in the order in which help texts list them.
    pub const ALL: [Self; 2] = [Self::Quiet, Self::Twitter2020];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Twitter2020 => "twitter-2020",
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Scenario {
    type Err = UnknownScenario;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|it| it.name() == text).ok_or_else(|| UnknownScenario(text.to_owned()))
    }
}

/// A name that is no scenario's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownScenario(pub String);

impl fmt::Display for UnknownScenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown scenario `{}`, known are:", self.0)?;
        Scenario::ALL.iter().try_for_each(|it| write!(f, " {it}"))
    }
}

impl std::error::Error for UnknownScenario {}
