//! What a configuration may say, and that it never shows a secret.

use std::path::PathBuf;

use super::*;

fn parse(text: &str) -> Result<KafkaConfig, String> {
    let config: KafkaConfig = toml::from_str(text).map_err(|error| error.to_string())?;
    config.check().map_err(|error| error.to_string())?;
    Ok(config)
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let error = parse(text).expect_err("the configuration should be refused");
    assert!(error.contains(expected), "{error:?} does not contain {expected:?}");
}

#[test]
fn an_empty_table_is_a_local_broker() {
    let config = parse("").unwrap();
    assert_eq!(config.brokers, "localhost:9092");
    let consumer = config.consumer().unwrap();
    assert_eq!(consumer.get("enable.auto.offset.store"), Some("false"));
    assert_eq!(consumer.get("partition.assignment.strategy"), Some("cooperative-sticky"));
    let producer = config.producer().unwrap();
    assert_eq!(producer.get("enable.idempotence"), Some("true"));
    assert_eq!(producer.get("acks"), Some("all"));
}

#[test]
fn properties_of_any_type_pass_through_and_win_over_defaults() {
    let config = parse("[properties]\n\"linger.ms\" = 50\n\"socket.keepalive.enable\" = true\n\"client.id\" = \"x\"").unwrap();
    let producer = config.producer().unwrap();
    assert_eq!(producer.get("linger.ms"), Some("50"));
    assert_eq!(producer.get("socket.keepalive.enable"), Some("true"));
    assert_eq!(producer.get("client.id"), Some("x"));
}

#[test]
fn an_unknown_key_is_refused_with_the_known_ones() {
    refused("broker = \"a:1\"", "brokers");
}

#[test]
fn what_the_guarantees_hang_on_cannot_be_overridden() {
    refused("[properties]\n\"enable.auto.commit\" = true", "offsets are committed after their alerts are acknowledged");
    refused("[properties]\n\"acks\" = 1", "all replicas");
    refused("[properties]\n\"auto.offset.reset\" = \"latest\"", "use `start`");
    refused("[properties]\n\"partition.assignment.strategy\" = \"range\"", "cooperative-sticky");
}

#[test]
fn a_topic_cannot_be_read_and_written() {
    refused("topics = [\"x\"]\nalerts_topic = \"x\"", "loop");
}

#[test]
fn a_limit_of_zero_is_refused() {
    refused("[batch]\nqueue_max = 0", "batch.queue_max");
}

#[test]
fn sasl_needs_a_mechanism_a_name_and_a_secret() {
    refused("[security]\nprotocol = \"sasl_plaintext\"", "sasl_mechanism is missing");
    refused("[security]\nprotocol = \"sasl_plaintext\"\nsasl_mechanism = \"plain\"", "username is missing");
    refused("[security]\nprotocol = \"sasl_plaintext\"\nsasl_mechanism = \"plain\"\nusername = \"u\"", "password_file");
    refused("[security]\nprotocol = \"sasl_plaintext\"\nsasl_mechanism = \"GSSAPI\"", "none of PLAIN");
    refused("[security]\nusername = \"u\"", "need protocol sasl_plaintext or sasl_ssl");
}

#[cfg(not(feature = "tls"))]
#[test]
fn tls_and_scram_name_the_feature_that_a_build_without_them_lacks() {
    refused("[security]\nprotocol = \"ssl\"", "--features tls");
    refused("[security]\nprotocol = \"SASL_SSL\"", "--features tls");
    refused("[security]\nprotocol = \"sasl_plaintext\"\nsasl_mechanism = \"scram-sha-512\"", "--features tls");
    refused("[properties]\n\"ssl.ca.location\" = \"/x\"", "--features tls");
}

#[cfg(feature = "tls")]
#[test]
fn tls_and_scram_reach_the_client() {
    let config = parse(
        "[security]\nprotocol = \"sasl_ssl\"\nsasl_mechanism = \"scram-sha-512\"\nusername = \"u\"\n\
         password_env = \"PATH\"\nssl_ca_file = \"/etc/ca.pem\"",
    )
    .unwrap();
    let consumer = config.consumer().unwrap();
    assert_eq!(consumer.get("security.protocol"), Some("sasl_ssl"));
    assert_eq!(consumer.get("sasl.mechanism"), Some("SCRAM-SHA-512"));
    assert_eq!(consumer.get("ssl.ca.location"), Some("/etc/ca.pem"));
    assert!(consumer.create_native_config().is_ok(), "librdkafka knows TLS and SCRAM");
}

/// A file that is removed at the end of the test.
struct SecretFile(PathBuf);

impl SecretFile {
    fn with(content: &str) -> Self {
        let path = std::env::temp_dir().join(format!("nightjar-secret-{}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        Self(path)
    }
}

impl Drop for SecretFile {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

#[test]
fn a_password_from_a_file_reaches_the_client_and_is_never_shown() {
    let file = SecretFile::with("hunter2\n");
    let text = format!(
        "[security]\nprotocol = \"sasl_plaintext\"\nsasl_mechanism = \"PLAIN\"\nusername = \"u\"\npassword_file = {:?}\n\
         [properties]\n\"some.token\" = \"hunter2\"",
        file.0.to_str().unwrap()
    );
    let config = parse(&text).unwrap();
    assert_eq!(config.consumer().unwrap().get("sasl.password"), Some("hunter2"));
    assert!(!format!("{config:?}").contains("hunter2"));
    assert_eq!(format!("{:?}", Secret::new("hunter2".to_owned())), "***");
}

#[test]
fn an_error_of_the_client_does_not_show_the_value() {
    let mut config = KafkaConfig::default();
    config.properties.set("linger.ms", "hunter2");
    let error = config.producer().unwrap().create_native_config().err().unwrap();
    let error = KafkaError::client("make a producer", &error).to_string();
    assert!(error.contains("linger.ms"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn a_missing_secret_names_its_place() {
    let error = Secret::from_file(&PathBuf::from("/nowhere/secret")).unwrap_err();
    assert!(error.to_string().contains("/nowhere/secret"));
    let error = Secret::from_env("NIGHTJAR_TEST_NO_SUCH_VARIABLE").unwrap_err();
    assert!(error.to_string().contains("NIGHTJAR_TEST_NO_SUCH_VARIABLE"));
}

#[test]
fn a_named_instance_is_a_static_member_and_another_is_not() {
    let named = KafkaConfig { instance_id: "nightjar-0".to_owned(), ..KafkaConfig::default() };
    assert_eq!(named.consumer().unwrap().get("group.instance.id"), Some("nightjar-0"));
    assert_eq!(KafkaConfig::default().consumer().unwrap().get("group.instance.id"), None);
}

#[test]
fn what_brokers_would_not_take_for_a_name_is_refused() {
    for wrong in ["a b", "größe", "..", "a/b", &"x".repeat(250)] {
        let config = KafkaConfig { instance_id: wrong.to_owned(), ..KafkaConfig::default() };
        let error = config.check().unwrap_err().to_string();
        assert!(error.contains("instance_id") && error.contains(wrong), "{error}");
    }
}
