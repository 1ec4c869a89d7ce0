//! The sections of the configuration, their keys and defaults. The table in the crate's README has them too, and a test compares.

use std::net::SocketAddr;
use std::path::PathBuf;

use engine::WindowLimits;
use model::EventTime;
use model::source::{LogSource, PulsePaths, Route};
use serde::Deserialize;
use stream::kafka::{BatchLimits, Delivery, KafkaConfig, Properties, Security, Start, TransactionLimits};

use super::Config;

/// `[kafka]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Kafka {
    /// Bootstrap servers, `host:port` separated by commas.
    pub(crate) brokers: String,
    /// Consumer group. Instances of one group share the partitions.
    pub(crate) group_id: String,
    /// Where a partition begins of which the group has committed nothing: `earliest`, `latest`, a time, or `7 days ago`.
    pub(crate) start: String,
    /// Name of this process among those of its group, the same after each start. Empty: a new one at each start.
    pub(crate) instance_id: String,
    /// What a crash may do to alerts.
    pub(crate) delivery: Delivery,
    /// When transactions are committed.
    pub(crate) transaction: TransactionLimits,
    /// How often offsets are committed that no record waits for.
    pub(crate) commit_interval_ms: u64,
    /// At least once: how long the producer tries to deliver a record before the process gives up.
    pub(crate) delivery_timeout_ms: u64,
    /// How long a revoked or stopping partition may take to finish what it works on.
    pub(crate) drain_timeout_ms: u64,
    /// How long to wait for a broker at the start.
    pub(crate) startup_timeout_ms: u64,
    /// How often lag and high watermarks are measured.
    pub(crate) statistics_interval_ms: u64,
    /// Encryption and authentication.
    pub(crate) security: Security,
    /// Any other property of librdkafka's clients.
    pub(crate) properties: Properties,
}

impl Default for Kafka {
    fn default() -> Self {
        let of_stream = KafkaConfig::default();
        Self {
            brokers: of_stream.brokers,
            group_id: of_stream.group_id,
            start: "earliest".to_owned(),
            instance_id: of_stream.instance_id,
            delivery: of_stream.delivery,
            transaction: of_stream.transaction,
            commit_interval_ms: of_stream.commit_interval_ms,
            delivery_timeout_ms: of_stream.delivery_timeout_ms,
            drain_timeout_ms: of_stream.drain_timeout_ms,
            startup_timeout_ms: of_stream.startup_timeout_ms,
            statistics_interval_ms: of_stream.statistics_interval_ms,
            security: Security::default(),
            properties: Properties::default(),
        }
    }
}

impl Kafka {
    /// Where a partition begins of which nothing is committed; or what is wrong with the key.
    pub(crate) fn start(&self) -> Result<Start, String> {
        let ago = |text: &str| {
            let span = text.parse::<jiff::Span>().ok().filter(|it| it.is_negative())?;
            let then = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).checked_add(span).ok()?;
            Some(then.timestamp().as_millisecond())
        };
        match self.start.trim() {
            "earliest" => Ok(Start::Earliest),
            "latest" => Ok(Start::Latest),
            text => EventTime::parse(text).map(EventTime::ms).or_else(|| ago(text)).map(Start::AtMs).ok_or_else(|| {
                format!("kafka.start is `{text}`: `earliest`, `latest`, a time such as 2026-03-02T00:00:00Z, or `7 days ago` is expected")
            }),
        }
    }
}

/// `[[sources]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Source {
    /// Topics with events of this source. A name that starts with `^` is a regular expression.
    pub(crate) topics: Vec<String>,
    /// The source mapping: the name of a built-in one, or the path of a `.toml` file.
    pub(crate) mapping: String,
    /// The log source that rules name, in place of the mapping's.
    pub(crate) logsource: Option<LogSource>,
    /// Further log sources, some of them for a part of the events only, in place of the mapping's.
    pub(crate) logsources: Option<Vec<Route>>,
    /// IANA time zone for rules about local time, where the event names none.
    pub(crate) timezone: String,
    /// What tells that events are missing, in place of the mapping's.
    pub(crate) pulse: Option<PulsePaths>,
}

impl Default for Source {
    fn default() -> Self {
        Self {
            topics: vec!["audit-events".to_owned()],
            mapping: "native".to_owned(),
            logsource: None,
            logsources: None,
            timezone: "UTC".to_owned(),
            pulse: None,
        }
    }
}

/// `[output]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Output {
    /// Topic for alerts, keyed by their identifiers.
    pub(crate) alerts: String,
    /// Topic for findings that page nobody, keyed as alerts are. Empty: they are only counted.
    pub(crate) shadow: String,
    /// Topic for input that could not be used.
    pub(crate) dead_letters: String,
}

impl Default for Output {
    fn default() -> Self {
        let of_stream = KafkaConfig::default();
        Self { alerts: of_stream.alerts_topic, shadow: of_stream.shadow_topic, dead_letters: of_stream.dead_letters_topic }
    }
}

/// `[rules]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Rules {
    /// Directories with Sigma rules.
    pub(crate) directories: Vec<PathBuf>,
    /// Directory with the lists that rules name. Absent: `context` in the rule directories.
    pub(crate) context: Option<PathBuf>,
    /// How often the files are looked at, to reload them when they have changed. 0: only SIGHUP reloads.
    pub(crate) watch_interval_ms: u64,
    /// Rules with the status `test` or `experimental` page as if they were stable.
    pub(crate) include_shadow: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { directories: vec!["rules".into()], context: None, watch_interval_ms: 1_000, include_shadow: false }
    }
}

/// `[behaviour]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Behaviour {
    /// How many alerts about behaviour a day the team can read. Absent: behaviour pages nobody.
    pub(crate) alerts_per_day: Option<f64>,
    /// Until when behaviour is only learnt (RFC 3339). Absent: for 14 days from the first event on.
    pub(crate) learn_until: Option<String>,
    /// Topic for incidents, keyed by their identifiers. Empty: they are not written.
    pub(crate) incidents: String,
    /// Topic for the digest of each day, keyed by the day. Empty: it is not written.
    pub(crate) digest: String,
}

impl Default for Behaviour {
    fn default() -> Self {
        let (incidents, digest) = ("nightjar.incidents".to_owned(), "nightjar.digest".to_owned());
        Self { alerts_per_day: None, learn_until: None, incidents, digest }
    }
}

impl Behaviour {
    /// How alerts about behaviour are triaged, if they are; or what is wrong with the section.
    pub(crate) fn triage(&self) -> Result<Option<engine::triage::Settings>, String> {
        const MOST: f64 = 100_000.0;
        let read = |text: &String| {
            EventTime::parse(text).ok_or_else(|| format!("behaviour.learn_until: `{text}` is no time (RFC 3339 is expected)"))
        };
        let learn_until = self.learn_until.as_ref().map(read).transpose()?;
        match self.alerts_per_day {
            None => Ok(None),
            Some(it) if (0.0..=MOST).contains(&it) => Ok(Some(engine::triage::Settings::new(it, learn_until))),
            Some(it) => Err(format!("behaviour.alerts_per_day is {it}, a number from 0 to {MOST} is expected")),
        }
    }
}

/// `[exceptions]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Exceptions {
    /// Files with exceptions, besides `exceptions.yml` in the `context` folders of the rules.
    pub(crate) files: Vec<PathBuf>,
    /// A compacted topic with exceptions. Empty: there is none.
    pub(crate) topic: String,
}

/// `[context]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Context {
    /// A compacted topic with rows of tables. Empty: there is none.
    pub(crate) topic: String,
}

/// `[exchange]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Exchange {
    /// Topic through which what is grouped by something else than the actor meets. Empty: no rule may need it.
    pub(crate) topic: String,
    /// Nobody waits for a partition of which everything was read so long ago.
    pub(crate) idle_ms: u64,
}

impl Default for Exchange {
    fn default() -> Self {
        Self { topic: "nightjar.exchange".to_owned(), idle_ms: 1_000 }
    }
}

/// `[checkpoints]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Checkpoints {
    /// A directory, or the URL of an object store. Empty: what was learnt ends with the process.
    pub(crate) store: String,
    /// How often the state of a partition is written.
    pub(crate) interval_ms: u64,
    /// Whether the newest checkpoints of partitions that others own are kept in memory, to take them up sooner.
    pub(crate) standby: bool,
}

impl Default for Checkpoints {
    fn default() -> Self {
        Self { store: String::new(), interval_ms: 30_000, standby: false }
    }
}

/// `[limits]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    /// Bytes of one event; a longer one is a dead letter.
    pub(crate) line_bytes_max: usize,
    /// Objects and arrays open at once in one event; a deeper one is a dead letter.
    pub(crate) depth_max: usize,
    /// Messages in a batch.
    pub(crate) batch_messages_max: usize,
    /// Bytes in a batch.
    pub(crate) batch_bytes_max: usize,
    /// Batches that wait for a partition's worker; then the partition is paused.
    pub(crate) batches_queued_max: usize,
    /// Batches of a partition whose alerts are not acknowledged yet; then its worker waits.
    pub(crate) batches_in_flight_max: usize,
    /// Groups of one correlation, per partition.
    pub(crate) window_groups_max: u32,
    /// Entries of one correlation over all its groups, per partition.
    pub(crate) window_entries_max: u32,
    /// Events of a partition that are remembered to know duplicates by.
    pub(crate) duplicates_max: usize,
    /// How far out of order events may come.
    pub(crate) lateness_ms: i64,
    /// How far in the future an event's time may be.
    pub(crate) future_skew_ms: i64,
}

impl Default for Limits {
    fn default() -> Self {
        let (batch, windows, decode) = (BatchLimits::default(), WindowLimits::default(), engine::decode::Limits::default());
        Self {
            line_bytes_max: decode.line_bytes_max,
            depth_max: decode.depth_max,
            batch_messages_max: batch.messages_max,
            batch_bytes_max: batch.bytes_max,
            batches_queued_max: batch.queue_max,
            batches_in_flight_max: batch.in_flight_max,
            window_groups_max: windows.groups_max,
            window_entries_max: windows.entries_max,
            duplicates_max: engine::seen::SEEN_MAX,
            lateness_ms: engine::watermark::LATENESS_MS,
            future_skew_ms: 600_000,
        }
    }
}

impl Limits {
    /// The limits that nothing could pass if they were 0.
    pub(super) fn at_least_one(&self) -> [(&'static str, usize); 9] {
        let wide = |it: u32| usize::try_from(it).unwrap_or(usize::MAX);
        [
            ("line_bytes_max", self.line_bytes_max),
            ("depth_max", self.depth_max),
            ("batch_messages_max", self.batch_messages_max),
            ("batch_bytes_max", self.batch_bytes_max),
            ("batches_queued_max", self.batches_queued_max),
            ("batches_in_flight_max", self.batches_in_flight_max),
            ("window_groups_max", wide(self.window_groups_max)),
            ("window_entries_max", wide(self.window_entries_max)),
            ("duplicates_max", self.duplicates_max),
        ]
    }

    /// Limits of decoding.
    pub(crate) fn decode(&self) -> engine::decode::Limits {
        engine::decode::Limits { line_bytes_max: self.line_bytes_max, depth_max: self.depth_max }
    }

    /// Limits of the windows.
    pub(crate) fn windows(&self) -> WindowLimits {
        WindowLimits { groups_max: self.window_groups_max, entries_max: self.window_entries_max }
    }
}

/// `[http]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Http {
    /// Address and port of `/metrics`, `/healthz` and `/readyz`.
    pub(crate) listen: SocketAddr,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 9464)) }
    }
}

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    /// `text` for people, `json` for collectors.
    pub(crate) format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`, or filters such as `info,librdkafka=warn`.
    pub(crate) level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".to_owned() }
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// One line of text per event.
    Text,
    /// One JSON object per event.
    Json,
}

impl Config {
    /// The configuration as the Kafka edge wants it.
    pub(crate) fn kafka_config(&self) -> KafkaConfig {
        let Self { kafka, output, limits, behaviour, exchange, .. } = self;
        let if_triaged = |topic: &String| if behaviour.alerts_per_day.is_some() { topic.clone() } else { String::new() };
        KafkaConfig {
            brokers: kafka.brokers.clone(),
            group_id: kafka.group_id.clone(),
            start: kafka.start().unwrap_or_default(),
            instance_id: kafka.instance_id.clone(),
            delivery: kafka.delivery,
            transaction: kafka.transaction,
            topics: self.sources.iter().flat_map(|it| it.topics.iter().cloned()).collect(),
            alerts_topic: output.alerts.clone(),
            shadow_topic: output.shadow.clone(),
            incidents_topic: if_triaged(&behaviour.incidents),
            digest_topic: if_triaged(&behaviour.digest),
            dead_letters_topic: output.dead_letters.clone(),
            exchange_topic: exchange.topic.clone(),
            security: kafka.security.clone(),
            batch: BatchLimits {
                messages_max: limits.batch_messages_max,
                bytes_max: limits.batch_bytes_max,
                message_bytes_max: limits.line_bytes_max,
                queue_max: limits.batches_queued_max,
                in_flight_max: limits.batches_in_flight_max,
            },
            commit_interval_ms: kafka.commit_interval_ms,
            delivery_timeout_ms: kafka.delivery_timeout_ms,
            drain_timeout_ms: kafka.drain_timeout_ms,
            startup_timeout_ms: kafka.startup_timeout_ms,
            statistics_interval_ms: kafka.statistics_interval_ms,
            properties: kafka.properties.clone(),
        }
    }
}
