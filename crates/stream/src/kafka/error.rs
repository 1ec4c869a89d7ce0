//! What can go wrong at the Kafka edge, by what the caller does about it.

use rdkafka::error::KafkaError as ClientError;

use super::PartitionId;

/// An error of the Kafka edge. Never contains a secret.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    /// The configuration is wrong: fix it and start again (exit code 2).
    #[error("kafka configuration: {0}")]
    Config(String),
    /// The setting needs a build with TLS.
    #[error(
        "kafka configuration: {setting} needs TLS, which this build does not have: build with `--features tls` \
         (it compiles OpenSSL, so it is not in the default build)"
    )]
    NeedsTls {
        /// The setting and its value, such as `security.protocol = "sasl_ssl"`.
        setting: String,
    },
    /// A file or environment variable that holds a secret cannot be read.
    #[error("kafka configuration: cannot read the secret from {place}: {reason}")]
    Secret {
        /// The file or the variable.
        place: String,
        /// Why not.
        reason: String,
    },
    /// No broker answered in time.
    #[error("cannot reach kafka at {brokers}: {reason}")]
    Unreachable {
        /// The bootstrap servers.
        brokers: String,
        /// What the client reported.
        reason: String,
    },
    /// A broker answered, and does not let us in.
    #[error(
        "kafka at {brokers} does not let us in: {reason}; look at username, password_file or password_env, and sasl_mechanism under \
         [kafka.security]"
    )]
    Unwelcome {
        /// The bootstrap servers.
        brokers: String,
        /// What the client reported.
        reason: String,
    },
    /// Brokers answered, and no secure connection came of it.
    #[error(
        "no secure connection to kafka at {brokers}: {reason}; look at whether a certificate has expired or is for another name, on \
         their side or ours, and at ssl_ca_file, ssl_certificate_file and protocol under [kafka.security]"
    )]
    Insecure {
        /// The bootstrap servers.
        brokers: String,
        /// What the client reported.
        reason: String,
    },
    /// A topic to read does not exist.
    #[error("topic {0:?} does not exist")]
    UnknownTopic(String),
    /// A record could not be delivered for good. Its input is not committed and will be read again.
    #[error("record for topic {topic:?} was not delivered: {reason}")]
    NotDelivered {
        /// The topic it was for.
        topic: String,
        /// What the client reported after all its retries.
        reason: String,
    },
    /// Transactions can't be used at all: not allowed, not supported, or the brokers can't keep them.
    #[error(
        "no transactions for {id:?}: {reason}; the user needs the ACLs Write and Describe on this transactional id, or set \
         delivery = \"at_least_once\""
    )]
    NoTransactions {
        /// The transactional id.
        id: String,
        /// What the client reported.
        reason: String,
    },
    /// Another process has our transactional id.
    #[error(
        "another process has taken over the transactional id {id:?}: nothing of the last transaction was written; every running \
         instance needs an instance_id of its own"
    )]
    Fenced {
        /// The transactional id.
        id: String,
    },
    /// Another process is in the group under our name.
    #[error(
        "another process has taken the instance_id {id:?} in the group: every running instance needs one of its own ({reason})"
    )]
    Replaced {
        /// The name of the instance.
        id: String,
        /// What the client reported.
        reason: String,
    },
    /// Offsets could not be committed at the end. Everything is delivered; some of it will be delivered again.
    #[error("offsets were not committed: {0}")]
    NotCommitted(String),
    /// The consumer or producer is beyond repair (fenced, fatal protocol error).
    #[error("kafka client failed for good: {0}")]
    Fatal(String),
    /// Something beside the runtime has failed, and it can't go on without.
    #[error("{0}")]
    Elsewhere(String),
    /// What was kept can't be read.
    #[error("cannot go on from what was kept: {0}")]
    State(String),
    /// A handler could not be made for a partition.
    #[error("no handler for {partition}: {reason}")]
    NoHandler {
        /// The partition.
        partition: PartitionId,
        /// What the factory said.
        reason: String,
    },
    /// A handler panicked; its batch is not committed.
    #[error("the handler of {0} panicked")]
    HandlerPanicked(PartitionId),
    /// Workers did not finish in time when the runtime stopped. What they had not finished is not committed.
    #[error("{0} did not finish in time; its last messages will be read again")]
    NotDrained(PartitionId),
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
    /// Any other report of the client: an operation (named first) that failed.
    #[error("{during}: {reason}")]
    Client {
        /// What was being done.
        during: &'static str,
        /// What the client reported.
        reason: String,
    },
}

impl KafkaError {
    /// Wraps a client error. A configuration error loses its value, since the value may be a secret.
    pub(super) fn client(during: &'static str, error: &ClientError) -> Self {
        match error {
            ClientError::ClientConfig(_, reason, key, _) => Self::Config(format!("{key}: {}", without_value(reason))),
            _ => Self::Client { during, reason: error.to_string() },
        }
    }
}

/// librdkafka quotes the offending value in its reasons; the part before the first quote says enough.
fn without_value(reason: &str) -> &str {
    reason.split('"').next().unwrap_or(reason).trim_end()
}
