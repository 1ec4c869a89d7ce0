//! Source mappings: where a kind of audit log keeps the roles (time, actor, action, target, …) that Nightjar needs.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The `logsource` of a Sigma rule or of a source (specification 2.1, "Log Source").
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSource {
    /// The kind of log, independent of the product.
    pub category: Option<String>,
    /// The product that writes it.
    pub product: Option<String>,
    /// The service of the product.
    pub service: Option<String>,
    /// For people.
    pub definition: Option<String>,
}

impl LogSource {
    /// Whether `other` is `self` or a part of it: whatever `self` names, `other` names too, and says the same.
    pub fn covers(&self, other: &Self) -> bool {
        let agree = |wanted: &Option<String>, given: &Option<String>| match (wanted, given) {
            (Some(wanted), Some(given)) => wanted.eq_ignore_ascii_case(given),
            (Some(_), None) => false,
            (None, _) => true,
        };
        agree(&self.category, &other.category) && agree(&self.product, &other.product) && agree(&self.service, &other.service)
    }

    /// Whether neither category nor product nor service is named.
    pub fn names_nothing(&self) -> bool {
        self.category.is_none() && self.product.is_none() && self.service.is_none()
    }
}

/// A value that [`Route::when`] compares a field with.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Wanted {
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A text, with Sigma's wildcards.
    Text(String),
    /// Any of these; with `|all` each of them.
    List(Vec<Wanted>),
}

/// A log source that the events of a source are of: all of them, or those for which a condition holds.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Route {
    /// The kind of log, independent of the product.
    pub category: Option<String>,
    /// The product that writes it.
    pub product: Option<String>,
    /// The service of the product.
    pub service: Option<String>,
    /// What must hold of an event: a Sigma selection, field with modifiers → value or values. Empty: nothing.
    pub when: BTreeMap<String, Wanted>,
}

impl Route {
    /// The log source without its condition.
    pub fn logsource(&self) -> LogSource {
        let Self { category, product, service, .. } = self.clone();
        LogSource { category, product, service, definition: None }
    }
}

/// Which events of a source a rule sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// All.
    All,
    /// Those for which the condition of one of these [`SourceMapping::logsources`] holds.
    When(Vec<usize>),
    /// None.
    None,
}

/// What became of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was done.
    #[default]
    Success,
    /// It was tried and failed.
    Failure,
    /// It was refused for lack of permission.
    Denied,
}

impl Outcome {
    /// The word in the native schema.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Denied => "denied",
        }
    }
}

/// Where each role is: candidate paths in order of preference; the first one with a value wins. `P` is a path, or where its
/// value is known to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RolePaths<P = String> {
    /// When it happened.
    pub time: Vec<P>,
    /// The event's own identifier. Without one, it is derived from the bytes.
    pub id: Vec<P>,
    /// Who acted.
    pub actor: Vec<P>,
    /// The actor's mail address.
    pub actor_email: Vec<P>,
    /// `employee`, `contractor` or `service`, or the vendor's word.
    pub actor_type: Vec<P>,
    /// The actor's job.
    pub actor_role: Vec<P>,
    /// The actor's team.
    pub actor_team: Vec<P>,
    /// The actor's IANA time zone.
    pub zone: Vec<P>,
    /// What was done.
    pub action: Vec<P>,
    /// What became of it; read through [`SourceMapping::outcome`].
    pub outcome: Vec<P>,
    /// The tool it was done with.
    pub tool: Vec<P>,
    /// What it was done to: an identifier.
    pub target: Vec<P>,
    /// The kind of the target.
    pub target_type: Vec<P>,
    /// The target's name for people.
    pub target_label: Vec<P>,
    /// The target's tags.
    pub target_tags: Vec<P>,
    /// The network address it came from.
    pub source_ip: Vec<P>,
    /// The ISO 3166 country it came from.
    pub source_country: Vec<P>,
    /// The number of the autonomous system it came from.
    pub source_asn: Vec<P>,
    /// The latitude it came from, in degrees.
    pub latitude: Vec<P>,
    /// The longitude it came from, in degrees.
    pub longitude: Vec<P>,
    /// The device it came from.
    pub device: Vec<P>,
    /// The session it belongs to.
    pub session: Vec<P>,
    /// The ticket that was named as the reason.
    pub ticket: Vec<P>,
    /// The data set that was read.
    pub dataset: Vec<P>,
}

impl<P> RolePaths<P> {
    /// The same roles with another word for each path.
    pub fn map<Q>(&self, word: impl FnMut(&P) -> Q) -> RolePaths<Q> {
        let mut word = word;
        let mut each = |paths: &[P]| paths.iter().map(&mut word).collect();
        RolePaths {
            time: each(&self.time),
            id: each(&self.id),
            actor: each(&self.actor),
            actor_email: each(&self.actor_email),
            actor_type: each(&self.actor_type),
            actor_role: each(&self.actor_role),
            actor_team: each(&self.actor_team),
            zone: each(&self.zone),
            action: each(&self.action),
            outcome: each(&self.outcome),
            tool: each(&self.tool),
            target: each(&self.target),
            target_type: each(&self.target_type),
            target_label: each(&self.target_label),
            target_tags: each(&self.target_tags),
            source_ip: each(&self.source_ip),
            source_country: each(&self.source_country),
            source_asn: each(&self.source_asn),
            latitude: each(&self.latitude),
            longitude: each(&self.longitude),
            device: each(&self.device),
            session: each(&self.session),
            ticket: each(&self.ticket),
            dataset: each(&self.dataset),
        }
    }
}

/// How the words of the outcome role are to be read. Words are compared without regard to case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutcomeWords {
    /// Words for each outcome.
    pub words: BTreeMap<String, Outcome>,
    /// What a value that is not listed means.
    pub otherwise: Outcome,
    /// What it means that there is no value.
    pub absent: Outcome,
}

impl OutcomeWords {
    /// What a value of the outcome role says.
    #[inline]
    pub fn read(&self, value: Option<&str>) -> Outcome {
        let Some(value) = value else { return self.absent };
        let known = self.words.iter().find(|(word, _)| word.eq_ignore_ascii_case(value));
        known.map_or(self.otherwise, |(_, outcome)| *outcome)
    }
}

/// What tells of the events of a source that some are missing: `[pulse]` of a mapping. Paths are candidates in order of preference.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PulsePaths {
    /// Whether the source is watched at all.
    pub enabled: bool,
    /// Which stream an event is of: each value is expected in a rhythm of its own. Empty: the source is one stream.
    pub stream: Vec<String>,
    /// A number that goes up by one with each event of an emitter.
    pub number: Vec<String>,
    /// Who numbers: a host, a process. Empty: all events of the source are numbered together.
    pub emitter: Vec<String>,
    /// An event that somebody sends now and then to see whether it arrives.
    pub canary: Option<CanaryEvent>,
}

impl Default for PulsePaths {
    fn default() -> Self {
        Self { enabled: true, stream: Vec::new(), number: Vec::new(), emitter: Vec::new(), canary: None }
    }
}

/// How a canary is recognised, and how often one has to come.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanaryEvent {
    /// Where to look.
    #[serde(default = "CanaryEvent::action")]
    pub field: Vec<String>,
    /// The value that it has there, or how that begins if it ends in `*`.
    #[serde(default = "CanaryEvent::nightjar")]
    pub value: String,
    /// How often one has to come, in seconds; one that is half as late again is missing.
    pub every_s: u32,
}

impl CanaryEvent {
    fn action() -> Vec<String> {
        vec!["action".to_owned()]
    }

    fn nightjar() -> String {
        "nightjar.canary".to_owned()
    }

    /// How often one has to come, in milliseconds; at least one second.
    pub fn every_ms(&self) -> i64 {
        i64::from(self.every_s.max(1)) * 1_000
    }
}

/// A role that an event must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Required {
    /// [`RolePaths::time`]
    Time,
    /// [`RolePaths::actor`]
    Actor,
    /// [`RolePaths::action`]
    Action,
}

/// One kind of audit log: its log source, where its roles are, which of them an event must have.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceMapping {
    /// The name on the command line and in metrics.
    pub name: String,
    /// The log source that rules name.
    #[serde(default)]
    pub logsource: LogSource,
    /// Further log sources that rules may name, some of them for a part of the events only.
    #[serde(default)]
    pub logsources: Vec<Route>,
    /// Keys under which the whole event may be wrapped.
    #[serde(default)]
    pub envelopes: Vec<String>,
    /// The roles without which an event is rejected.
    #[serde(default)]
    pub required: Vec<Required>,
    /// Where the roles are.
    #[serde(default)]
    pub roles: RolePaths,
    /// How outcomes are written.
    #[serde(default)]
    pub outcome: OutcomeWords,
    /// What tells that events are missing; nothing: the source is not watched for it. No part of what an event means.
    #[serde(default)]
    pub pulse: Option<PulsePaths>,
}

/// A mapping that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// Not the TOML of a mapping; the message names line and key.
    #[error("not a source mapping: {0}")]
    Toml(#[from] toml::de::Error),
    /// No mapping of that name comes with Nightjar.
    #[error("no source mapping is called `{name}`; there are {known}, or give the path of a .toml file")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
}

const BUILT_IN: [(&str, &str); 5] = [
    ("native", include_str!("mappings/native.toml")),
    ("cloudtrail", include_str!("mappings/cloudtrail.toml")),
    ("okta", include_str!("mappings/okta.toml")),
    ("github", include_str!("mappings/github.toml")),
    ("raw", include_str!("mappings/raw.toml")),
];

impl SourceMapping {
    /// The mappings that come with Nightjar.
    pub fn built_in_names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|&(name, _)| name)
    }

    /// One of the mappings that come with Nightjar.
    pub fn built_in(name: &str) -> Result<Self, MappingError> {
        let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) else {
            let known = Self::built_in_names().collect::<Vec<_>>().join(", ");
            return Err(MappingError::Unknown { name: name.to_owned(), known });
        };
        Self::from_toml(text)
    }

    /// The mapping that comes with Nightjar whose events a rule for `logsource` wants; `raw` if there is none.
    pub fn for_logsource(logsource: &LogSource) -> Result<Self, MappingError> {
        for name in Self::built_in_names().filter(|it| *it != "raw") {
            let mapping = Self::built_in(name)?;
            if mapping.feeds(logsource) {
                return Ok(mapping);
            }
        }
        Self::built_in("raw")
    }

    /// Which events a rule for `logsource` sees. A source that names no log source at all is seen by every rule, and a rule that names
    /// none sees every source.
    pub fn admission(&self, logsource: &LogSource) -> Admission {
        let names_nothing = self.logsource.names_nothing() && self.logsources.is_empty();
        let is_covered = !self.logsource.names_nothing() && logsource.covers(&self.logsource);
        if names_nothing || is_covered || logsource.names_nothing() {
            return Admission::All;
        }
        let routes = || self.logsources.iter().enumerate().filter(|(_, it)| logsource.covers(&it.logsource()));
        if routes().any(|(_, it)| it.when.is_empty()) {
            return Admission::All;
        }
        let conditional: Vec<usize> = routes().map(|(at, _)| at).collect();
        if conditional.is_empty() { Admission::None } else { Admission::When(conditional) }
    }

    /// Whether a rule for `logsource` sees any of its events.
    pub fn feeds(&self, logsource: &LogSource) -> bool {
        self.admission(logsource) != Admission::None
    }

    /// Reads a mapping; unknown keys are errors.
    pub fn from_toml(text: &str) -> Result<Self, MappingError> {
        Ok(toml::from_str(text)?)
    }

    /// What tells that events are missing, if the source is watched for it.
    pub fn watched_pulse(&self) -> Option<&PulsePaths> {
        self.pulse.as_ref().filter(|it| it.enabled)
    }

    /// Whether an event without `role` is rejected.
    pub fn requires(&self, role: Required) -> bool {
        self.required.contains(&role)
    }

    /// What became of the action, from the value of the outcome role.
    pub fn outcome(&self, value: Option<&str>) -> Outcome {
        self.outcome.read(value)
    }
}

#[cfg(test)]
mod tests;
