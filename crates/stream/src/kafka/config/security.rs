//! Encryption and authentication, with secrets that come from files or the environment and are never shown.

use std::fmt;
use std::path::{Path, PathBuf};

use rdkafka::ClientConfig;
use serde::Deserialize;

use crate::kafka::KafkaError;

/// How to talk to the brokers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Security {
    /// `plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`.
    pub protocol: SecurityProtocol,
    /// `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`, in any case.
    pub sasl_mechanism: Option<String>,
    /// SASL user name.
    pub username: Option<String>,
    /// File whose content (without a last line end) is the SASL password.
    pub password_file: Option<PathBuf>,
    /// Environment variable that holds the SASL password.
    pub password_env: Option<String>,
    /// PEM file with the certificate authorities to trust; absent: those of the system.
    pub ssl_ca_file: Option<PathBuf>,
    /// PEM file with the client's certificate.
    pub ssl_certificate_file: Option<PathBuf>,
    /// PEM file with the client's key.
    pub ssl_key_file: Option<PathBuf>,
    /// File whose content is the pass phrase of the client's key.
    pub ssl_key_password_file: Option<PathBuf>,
    /// Environment variable that holds the pass phrase of the client's key.
    pub ssl_key_password_env: Option<String>,
}

/// Kafka's `security.protocol`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecurityProtocol {
    /// No encryption, no authentication.
    #[default]
    #[serde(alias = "PLAINTEXT")]
    Plaintext,
    /// TLS.
    #[serde(alias = "SSL")]
    Ssl,
    /// SASL without encryption.
    #[serde(alias = "SASL_PLAINTEXT")]
    SaslPlaintext,
    /// SASL over TLS.
    #[serde(alias = "SASL_SSL")]
    SaslSsl,
}

impl SecurityProtocol {
    /// Kafka's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        }
    }

    fn has_tls(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }

    fn has_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

/// A secret. `Debug` shows three stars; there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret that the caller has already.
    pub fn new(secret: String) -> Self {
        Self(secret)
    }

    /// Reads a secret from a file; one line end at the end does not belong to it.
    pub fn from_file(path: &Path) -> Result<Self, KafkaError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| KafkaError::Secret { place: path.display().to_string(), reason: error.to_string() })?;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        Ok(Self(text.strip_suffix('\r').unwrap_or(text).to_owned()))
    }

    /// Reads a secret from an environment variable.
    pub fn from_env(name: &str) -> Result<Self, KafkaError> {
        // `VarError` is not passed on: for a value that is not Unicode it shows the value.
        std::env::var(name).map(Self).map_err(|_| KafkaError::Secret {
            place: format!("environment variable {name}"),
            reason: "it is not set, or not Unicode".to_owned(),
        })
    }

    fn read(file: Option<&Path>, env: Option<&str>, what: &str) -> Result<Option<Self>, KafkaError> {
        match (file, env) {
            (Some(_), Some(_)) => Err(KafkaError::Config(format!("{what}_file and {what}_env are both set"))),
            (Some(file), None) => Self::from_file(file).map(Some),
            (None, Some(env)) => Self::from_env(env).map(Some),
            (None, None) => Ok(None),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Security {
    /// Checks what can be checked without reading the secrets.
    pub(super) fn check(&self) -> Result<(), KafkaError> {
        if self.protocol.has_tls() && !cfg!(feature = "tls") {
            return Err(needs_tls("security.protocol", self.protocol.as_str()));
        }
        let mechanism = self.sasl_mechanism.as_deref().map(str::to_ascii_uppercase);
        if !self.protocol.has_sasl() {
            return match (mechanism, &self.username) {
                (None, None) => Ok(()),
                _ => Err(KafkaError::Config(format!(
                    "security.sasl_mechanism and security.username need protocol sasl_plaintext or sasl_ssl, it is {}",
                    self.protocol.as_str()
                ))),
            };
        }
        match mechanism.as_deref() {
            Some("SCRAM-SHA-256" | "SCRAM-SHA-512") if !cfg!(feature = "tls") => {
                return Err(needs_tls("security.sasl_mechanism", self.sasl_mechanism.as_deref().unwrap_or_default()));
            }
            Some("PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512") => {}
            Some(other) => {
                return Err(KafkaError::Config(format!(
                    "security.sasl_mechanism {other:?} is none of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"
                )));
            }
            None => return Err(KafkaError::Config("security.sasl_mechanism is missing".to_owned())),
        }
        if self.username.is_none() {
            return Err(KafkaError::Config("security.username is missing".to_owned()));
        }
        if self.password_file.is_none() && self.password_env.is_none() {
            return Err(KafkaError::Config("security.password_file or security.password_env is missing".to_owned()));
        }
        Ok(())
    }

    /// Reads the secrets and writes everything into the client's configuration.
    pub(super) fn apply(&self, client: &mut ClientConfig) -> Result<(), KafkaError> {
        client.set("security.protocol", self.protocol.as_str());
        if let Some(mechanism) = &self.sasl_mechanism {
            client.set("sasl.mechanism", mechanism.to_ascii_uppercase());
        }
        if let Some(username) = &self.username {
            client.set("sasl.username", username);
        }
        let password = Secret::read(self.password_file.as_deref(), self.password_env.as_deref(), "security.password")?;
        if let Some(Secret(password)) = password {
            client.set("sasl.password", password);
        }
        if self.protocol.has_tls() {
            self.apply_tls(client)?;
        }
        Ok(())
    }

    fn apply_tls(&self, client: &mut ClientConfig) -> Result<(), KafkaError> {
        let files = [
            ("ssl.ca.location", &self.ssl_ca_file),
            ("ssl.certificate.location", &self.ssl_certificate_file),
            ("ssl.key.location", &self.ssl_key_file),
        ];
        for (name, file) in files {
            if let Some(file) = file {
                let path = file
                    .to_str()
                    .ok_or_else(|| KafkaError::Config(format!("{name}: the path {} is not Unicode", file.display())))?;
                client.set(name, path);
            }
        }
        let phrase =
            Secret::read(self.ssl_key_password_file.as_deref(), self.ssl_key_password_env.as_deref(), "security.ssl_key_password")?;
        if let Some(Secret(phrase)) = phrase {
            client.set("ssl.key.password", phrase);
        }
        Ok(())
    }
}

fn needs_tls(setting: &str, value: &str) -> KafkaError {
    KafkaError::NeedsTls { setting: format!("{setting} = {value:?}") }
}
