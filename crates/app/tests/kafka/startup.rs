//! What a process refuses to start with.

use crate::cluster::Cluster;
use crate::instance::Stage;

pub(crate) fn a_topic_that_is_not_there_is_named_before_anything_is_read(cluster: &Cluster) {
    let stage = Stage::new("no-topic", cluster);
    for (variable, topic) in [("NIGHTJAR_OUTPUT__ALERTS", "elsewhere"), ("NIGHTJAR_SOURCES__0__TOPICS", "nowhere")] {
        let told = stage.ends(&[(variable, topic)], 3);
        assert!(told.contains(&format!("topic \"{topic}\" does not exist")), "{told}");
    }
}

pub(crate) fn wrong_credentials_are_told_at_once(cluster: &Cluster) {
    let stage = Stage::new("no-password", cluster);
    let mut environment = vec![
        ("NIGHTJAR_KAFKA__BROKERS", cluster.sasl_brokers.as_str()),
        ("NIGHTJAR_KAFKA__STARTUP_TIMEOUT_MS", "20000"),
        ("NIGHTJAR_KAFKA__SECURITY__PROTOCOL", "sasl_plaintext"),
        ("NIGHTJAR_KAFKA__SECURITY__SASL_MECHANISM", "PLAIN"),
        ("NIGHTJAR_KAFKA__SECURITY__USERNAME", "nightjar"),
        ("NIGHTJAR_KAFKA__SECURITY__PASSWORD_ENV", "PASSWORD"),
        ("PASSWORD", "right"),
    ];
    let instance = stage.start(&environment);
    instance.logged("partition assigned");
    instance.stop();
    environment.pop();
    environment.push(("PASSWORD", "wrong"));
    let told = stage.ends(&environment, 3);
    assert!(told.contains("Authentication failed"), "{told}");
    assert!(told.contains("[kafka.security]"), "what to look at: {told}");
    assert!(!told.contains("wrong"), "a secret: {told}");
}
