//! Which events a topic has: its source mapping, and the time zone of events that name none.

use anyhow::{Context, Result};
use model::SourceMapping;
use regex::Regex;
use sigma::matcher::Clock;

use crate::config::Source;
use crate::exit::Usage;
use crate::load;

/// How the events of some topics are read.
#[derive(Debug)]
pub(super) struct Feed {
    /// Which of the rulebook's programs.
    pub(super) program: u16,
    /// Local time for rules.
    pub(super) clock: Clock,
    /// The zone of its clocks.
    pub(super) zone: String,
    /// Which of the sources it is.
    pub(super) number: usize,
    topics: Vec<Topics>,
}

impl Feed {
    /// Its topics, as they are configured.
    pub(super) fn topics_text(&self) -> String {
        let text = |it: &Topics| match it {
            Topics::Named(name) => name.clone(),
            Topics::Matching(pattern) => pattern.as_str().to_owned(),
        };
        self.topics.iter().map(text).collect::<Vec<_>>().join(",")
    }
}

#[derive(Debug)]
enum Topics {
    Named(String),
    Matching(Regex),
}

/// All sources of a process.
#[derive(Debug)]
pub(crate) struct Sources {
    feeds: Vec<Feed>,
    /// Each mapping once, in the order of the rulebook's programs.
    mappings: Vec<SourceMapping>,
}

impl Sources {
    /// The sources that the configuration names; mappings are read from their files.
    pub(crate) fn from_config(sources: &[Source]) -> Result<Self> {
        let mut it = Self { feeds: Vec::new(), mappings: Vec::new() };
        for (number, source) in sources.iter().enumerate() {
            let wrong = |reason: String| Usage::new(format!("sources[{number}]: {reason}"));
            let mut mapping = load::mapping(&source.mapping).with_context(|| format!("sources[{number}]"))?;
            if source.logsource.is_some() || source.logsources.is_some() {
                mapping.logsource = source.logsource.clone().unwrap_or_default();
                mapping.logsources = source.logsources.clone().unwrap_or_default();
                sigma::routing::conditions(&mapping).map_err(wrong)?;
            }
            if let Some(pulse) = &source.pulse {
                mapping.pulse = Some(pulse.clone());
            }
            let clock = Clock::with_default(&source.timezone)
                .ok_or_else(|| wrong(format!("there is no time zone {:?}", source.timezone)))?;
            let topics = source.topics.iter().map(|topic| Topics::new(topic)).collect::<Result<_, _>>();
            let program = it.program_of(mapping);
            let zone = source.timezone.clone();
            it.feeds.push(Feed { program, clock, zone, number, topics: topics.map_err(wrong)? });
        }
        Ok(it)
    }

    /// The mappings to compile the rules for.
    pub(crate) fn mappings(&self) -> &[SourceMapping] {
        &self.mappings
    }

    /// Local time for the events of each program.
    pub(super) fn clocks(&self) -> impl Iterator<Item = (u16, &Clock)> {
        self.feeds.iter().map(|it| (it.program, &it.clock))
    }

    /// How the events of each source are read.
    pub(super) fn feeds(&self) -> impl Iterator<Item = &Feed> {
        self.feeds.iter()
    }

    /// How the events of `topic` are read: a name wins over a pattern.
    pub(super) fn of_topic(&self, topic: &str) -> Option<&Feed> {
        let with = |admits: fn(&Topics, &str) -> bool| self.feeds.iter().find(|it| it.topics.iter().any(|it| admits(it, topic)));
        with(Topics::names).or_else(|| with(Topics::matches))
    }

    /// Two sources of one kind share a program: a correlation over both would else need the exchange.
    fn program_of(&mut self, mapping: SourceMapping) -> u16 {
        let at = self.mappings.iter().position(|it| *it == mapping).unwrap_or_else(|| {
            self.mappings.push(mapping);
            self.mappings.len() - 1
        });
        u16::try_from(at).expect("nobody configures 65,536 sources")
    }
}

impl Topics {
    fn new(topic: &str) -> std::result::Result<Self, String> {
        if !topic.starts_with('^') {
            return Ok(Self::Named(topic.to_owned()));
        }
        Regex::new(topic).map(Self::Matching).map_err(|error| format!("topic {topic:?} is no regular expression: {error}"))
    }

    fn names(&self, topic: &str) -> bool {
        matches!(self, Self::Named(name) if name == topic)
    }

    fn matches(&self, topic: &str) -> bool {
        matches!(self, Self::Matching(pattern) if pattern.is_match(topic))
    }
}
