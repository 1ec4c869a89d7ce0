use super::*;
use stream::kafka::Start;

const EXAMPLE: &str = include_str!("../../nightjar.example.toml");
const README: &str = include_str!("../../README.md");

fn parse(text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::parse("nightjar.toml", text, environment)
}

#[track_caller]
fn refused(text: &str, environment: &[(&str, &str)], expected: &str) {
    let error = parse(text, environment).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn an_empty_file_is_the_defaults() {
    let config = parse("", &[]).unwrap();
    assert_eq!(config.kafka.brokers, "localhost:9092");
    assert_eq!(config.sources[0].topics, ["audit-events"]);
    assert_eq!(config.http.listen.port(), 9464);
    assert_eq!(config.kafka_config().topics, ["audit-events"]);
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_its_neighbour() {
    refused("[kafka]\nbrokers = \"a:1\"\n  gruop_id = \"x\"", &[], "nightjar.toml:3:3: unknown key `gruop_id`");
    refused("[kafka]\ngruop_id = \"x\"", &[], "did you mean `group_id`?");
    refused("[kafak]\n", &[], "nightjar.toml:1:2: unknown key `kafak`");
    refused("[kafak]\n", &[], "did you mean `kafka`?");
    refused("[[sources]]\ntopic = [\"a\"]", &[], "did you mean `topics`?");
    refused("[kafka.security]\npassword = \"x\"", &[], "unknown key `password`");
    refused("[log]\nformat = \"jsn\"", &[], "did you mean `json`?");
}

#[test]
fn a_wrong_value_is_named_with_its_line() {
    refused("\n[limits]\nlateness_ms = \"soon\"", &[], "nightjar.toml:3:15: invalid type: string");
    refused("[http]\nlisten = \"everywhere\"", &[], "nightjar.toml:2:10:");
    refused("[kafka\n", &[], "nightjar.toml:1:");
}

#[test]
fn what_cannot_work_is_refused() {
    refused("[limits]\nbatch_messages_max = 0", &[], "limits.batch_messages_max is 0");
    refused("[limits]\nlateness_ms = -1", &[], "must not be negative");
    refused("sources = []", &[], "no [[sources]]");
    refused("[[sources]]\ntopics = []", &[], "at least one topic");
    refused("[[sources]]\ntopics = [\"a\"]\n[[sources]]\ntopics = [\"a\"]", &[], "\"a\" is in [[sources]] twice");
    refused("[output]\nalerts = \"audit-events\"", &[], "loop");
    refused("[exceptions]\ntopic = \"audit-events\"", &[], "exceptions.topic is one of the topics with events");
    refused("[output]\nshadow = \"nightjar.alerts\"", &[], "what is in shadow would page");
    refused("[rules]\ndirectories = []", &[], "rules.directories is empty");
}

#[test]
fn every_kind_of_key_can_be_overridden_from_the_environment() {
    let text = "[kafka]\nbrokers = \"file:1\"\ngroup_id = \"file\"";
    let config = parse(
        text,
        &[
            ("NIGHTJAR_KAFKA__BROKERS", "env:1,env:2"),
            ("NIGHTJAR_KAFKA__GROUP_ID", "42"),
            ("NIGHTJAR_KAFKA__SECURITY__USERNAME", "true"),
            ("NIGHTJAR_KAFKA__SECURITY__PROTOCOL", "sasl_plaintext"),
            ("NIGHTJAR_KAFKA__SECURITY__SASL_MECHANISM", "PLAIN"),
            ("NIGHTJAR_KAFKA__SECURITY__PASSWORD_FILE", "/run/secrets/kafka"),
            ("NIGHTJAR_KAFKA__PROPERTIES", "{ \"linger.ms\" = 50 }"),
            ("NIGHTJAR_RULES__DIRECTORIES", "a,b"),
            ("NIGHTJAR_SOURCES__0__TOPICS", "[\"x\", \"y\"]"),
            ("NIGHTJAR_SOURCES__1__TOPICS", "z"),
            ("NIGHTJAR_SOURCES__1__MAPPING", "okta"),
            ("NIGHTJAR_LIMITS__LATENESS_MS", "1000"),
            ("NIGHTJAR_HTTP__LISTEN", "0.0.0.0:1"),
            ("NIGHTJAR_LOG__FORMAT", "json"),
        ],
    )
    .unwrap();
    assert_eq!(config.kafka.brokers, "env:1,env:2");
    assert_eq!(config.kafka.group_id, "42");
    assert_eq!(config.kafka.security.username.as_deref(), Some("true"));
    assert_eq!(config.rules.directories, [Path::new("a"), Path::new("b")]);
    assert_eq!(config.kafka_config().topics, ["x", "y", "z"]);
    assert_eq!(config.sources[1].mapping, "okta");
    assert_eq!(config.limits.lateness_ms, 1_000);
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn a_variable_that_names_no_key_is_refused_with_its_neighbour() {
    refused("", &[("NIGHTJAR_KAFKA__GRUOP_ID", "x")], "environment variable NIGHTJAR_KAFKA__GRUOP_ID: unknown key `gruop_id`");
    refused("", &[("NIGHTJAR_KAFKA__GRUOP_ID", "x")], "did you mean `group_id`?");
    refused("", &[("NIGHTJAR_LIMITS__LATENESS_MS", "soon")], "NIGHTJAR_LIMITS__LATENESS_MS: invalid type");
    refused("", &[("NIGHTJAR_SOURCES__7__MAPPING", "x")], "`sources.7.mapping` is no key");
    refused("", &[("NIGHTJAR_KAFKA__BROKERS__X", "x")], "NIGHTJAR_KAFKA__BROKERS__X");
}

#[test]
fn variables_of_orchestrators_and_secrets_are_no_overrides() {
    let text = "[kafka.security]\nprotocol = \"sasl_plaintext\"\nsasl_mechanism = \"PLAIN\"\nusername = \"u\"\npassword_env = \"NIGHTJAR_KAFKA__SECRET\"";
    let environment =
        [("NIGHTJAR_PORT_9464_TCP_ADDR", "10.0.0.1"), ("NIGHTJAR_KAFKA__SECRET", "hunter2"), ("PATH", "x"), ("__", "x")];
    let config = parse(text, &environment).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn secrets_are_never_shown() {
    let config = parse("[kafka.properties]\n\"some.token\" = \"hunter2\"", &[]).unwrap();
    let shown = format!("{config:?} {:?}", config.kafka_config());
    assert!(shown.contains("some.token"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_missing_file_is_named() {
    let error = Config::load(Path::new("no/such.toml"), []).unwrap_err().to_string();
    assert!(error.starts_with("cannot read the configuration no/such.toml"), "{error}");
}

#[test]
fn a_budget_turns_triage_on_with_topics_of_its_own() {
    let config = parse("", &[]).unwrap();
    assert_eq!((config.behaviour.triage(), config.kafka_config().incidents_topic), (Ok(None), String::new()));
    let config = parse("[behaviour]\nalerts_per_day = 2.5\nlearn_until = \"2026-03-16T00:00:00Z\"\ndigest = \"\"", &[]).unwrap();
    let settings = config.behaviour.triage().unwrap().unwrap();
    assert_eq!(settings.learn_until, model::EventTime::parse("2026-03-16T00:00:00Z"));
    assert_eq!(config.kafka_config().incidents_topic, "nightjar.incidents");
    assert_eq!(config.kafka_config().digest_topic, "");
    refused("[behaviour]\nalerts_per_day = -1.0", &[], "behaviour.alerts_per_day is -1, a number from 0 to 100000 is expected");
    refused("[behaviour]\nlearn_until = \"soon\"", &[], "behaviour.learn_until: `soon` is no time");
    refused("[behaviour]\nalerts_per_day = 5.0\nincidents = \"nightjar.alerts\"", &[], "topics of their own");
}

#[test]
fn reading_begins_where_it_is_told_by_word_time_or_how_long_ago() {
    let start = |text: &str| parse(&format!("[kafka]\nstart = \"{text}\""), &[]).unwrap().kafka_config().start;
    assert_eq!((start("earliest"), start("latest")), (Start::Earliest, Start::Latest));
    assert_eq!(start("2026-03-02T00:00:00Z"), Start::AtMs(1_772_409_600_000));
    let now = i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis()).unwrap();
    let Start::AtMs(then) = start("7 days ago") else { panic!("no time") };
    assert!((now - 7 * 86_400_000 - then).abs() < 3_600_000, "{then}");
    for wrong in ["soon", "7 days", "", "tomorrow"] {
        refused(&format!("[kafka]\nstart = \"{wrong}\""), &[], "`earliest`, `latest`, a time such as");
    }
}

/// The lines of the example, those that are switched off by a `#` in front of a key switched on.
fn example_with_everything() -> String {
    let is_setting = |it: &str| it.contains(" = ") || it.starts_with('[');
    let uncommented = EXAMPLE.lines().map(|line| match line.strip_prefix('#') {
        Some(setting) if is_setting(setting) && !setting.starts_with(' ') => setting,
        _ => line,
    });
    uncommented.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_is_the_defaults() {
    let (example, defaults) = (parse(EXAMPLE, &[]).unwrap(), parse("", &[]).unwrap());
    assert_eq!(format!("{example:?}"), format!("{defaults:?}"));
}

/// What these hold is not ours to name: properties of the client, log sources, the pulse of a mapping.
const OTHERS: [&str; 4] = ["kafka.properties", "sources.logsource", "sources.logsources", "sources.pulse"];

/// All `section.key` of a table.
fn keys(section: &str, table: &toml::Table, found: &mut Vec<String>) {
    for (key, value) in table {
        let name = if section.is_empty() { key.clone() } else { format!("{section}.{key}") };
        match value {
            _ if OTHERS.contains(&&*name) => found.push(name),
            toml::Value::Table(inner) => keys(&name, inner, found),
            toml::Value::Array(list) if list.iter().any(toml::Value::is_table) => {
                list.iter().filter_map(toml::Value::as_table).for_each(|it| keys(&name, it, found));
            }
            _ => found.push(name),
        }
    }
}

/// What [`Config`] takes, as its own errors list it.
fn known_keys() -> Vec<String> {
    let sections = [
        ("kafka", "[kafka]\nq = 1"),
        ("kafka.security", "[kafka.security]\nq = 1"),
        ("kafka.transaction", "[kafka.transaction]\nq = 1"),
        ("sources", "[[sources]]\nq = 1"),
        ("output", "[output]\nq = 1"),
        ("rules", "[rules]\nq = 1"),
        ("behaviour", "[behaviour]\nq = 1"),
        ("exceptions", "[exceptions]\nq = 1"),
        ("context", "[context]\nq = 1"),
        ("exchange", "[exchange]\nq = 1"),
        ("checkpoints", "[checkpoints]\nq = 1"),
        ("limits", "[limits]\nq = 1"),
        ("http", "[http]\nq = 1"),
        ("log", "[log]\nq = 1"),
    ];
    let mut known = Vec::new();
    for (section, text) in sections {
        let message = toml::from_str::<Config>(text).unwrap_err().message().to_owned();
        let names = message.split('`').skip(1).step_by(2).skip(1).map(|key| format!("{section}.{key}"));
        known.extend(names.filter(|it| !["kafka.security", "kafka.transaction"].contains(&&**it)));
    }
    known.sort();
    known
}

#[test]
fn the_example_shows_every_key() {
    let table: toml::Table = toml::from_str(&example_with_everything()).unwrap();
    let mut shown = Vec::new();
    keys("", &table, &mut shown);
    shown.sort();
    shown.dedup();
    assert_eq!(shown, known_keys());
}

#[test]
fn the_readme_describes_every_key() {
    let section = README.split("## Configuration").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|it| it.strip_prefix("| `")?.split('`').next());
    let mut described: Vec<String> = rows.map(str::to_owned).collect();
    described.sort();
    assert_eq!(described, known_keys());
}
