//! TLS and SCRAM, in a build with the feature `tls`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use stream::kafka::{KafkaConfig, KafkaError, Security, SecurityProtocol, check_topics};

use crate::cluster::Cluster;
use crate::support::{Probe, Site, alerts, committed, start_echo, write};

/// Certificates by the JDK's `keytool`, which is where a broker is.
struct Certificates(PathBuf);

impl Certificates {
    fn new(site: &Site) -> Self {
        let folder = site.scratch("certificates");
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn keystore(&self) -> PathBuf {
        self.0.join("broker.p12")
    }

    /// What clients trust: each certificate that the broker has had.
    fn trusted(&self) -> PathBuf {
        self.0.join("trusted.pem")
    }

    /// Makes a certificate that signs itself, and has clients trust it. `from` is `keytool`'s `-startdate`, such as `-10d`.
    fn issue(&self, name: &str, from: &str, days: u32) {
        let (store, subject, days) = (self.0.join(name), format!("CN={name}"), days.to_string());
        let what = ["-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1", "-ext", "SAN=ip:127.0.0.1"];
        keytool(&store, &[what.as_slice(), &["-dname", &subject, "-startdate", from, "-validity", &days]].concat());
        let mut trusted = fs::read(self.trusted()).unwrap_or_default();
        trusted.extend(keytool(&store, &["-exportcert", "-rfc"]));
        fs::write(self.trusted(), trusted).unwrap();
    }

    /// Gives it to the broker, which reads it when it starts.
    fn present(&self, name: &str) {
        fs::copy(self.0.join(name), self.keystore()).unwrap();
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn keytool(store: &Path, arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new("keytool");
    command.args(arguments).args(["-alias", "broker", "-storetype", "PKCS12", "-storepass", "nightjar", "-keystore"]).arg(store);
    let done = command.stdin(Stdio::null()).output().expect("keytool comes with Java");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    done.stdout
}

pub(crate) fn an_expired_certificate_is_told_and_nothing_is_lost_until_it_is_renewed(site: &Site) {
    let certificates = Certificates::new(site);
    certificates.issue("first", "-1d", 30);
    certificates.issue("expired", "-10d", 5);
    certificates.issue("renewed", "-1d", 30);
    certificates.present("first");
    let keystore = certificates.keystore();
    let cluster = Cluster::start_with(1, &[("NIGHTJAR_KAFKA_KEYSTORE", keystore.to_str().unwrap())]);
    let plain = site.topics_on(&cluster, 1);
    write(&plain, 1, 0..100);
    let security = Security { protocol: SecurityProtocol::Ssl, ssl_ca_file: Some(certificates.trusted()), ..Security::default() };
    let secure = KafkaConfig { brokers: cluster.tls_brokers.clone(), security, ..plain.clone() };

    let probe = Arc::new(Probe::default());
    let member = start_echo(&secure, &probe);
    probe.wait("what was written is committed", |it| it.committed.get(&0) == Some(&100));
    certificates.present("expired");
    cluster.order("stop", 1);
    cluster.order("start", 1);
    probe.wait("the certificate's end is told", |it| it.troubles.iter().any(|it| it.contains("certificate verify failed")));
    write(&plain, 1, 100..200);

    let late = KafkaConfig { startup_timeout_ms: 3_000, ..secure.clone() };
    let error = check_topics(&late, &[&late.alerts_topic]).expect_err("no connection is secure");
    assert!(matches!(&error, KafkaError::Insecure { .. }), "{error}");
    assert!(error.to_string().contains("has expired"), "what to look at: {error}");

    certificates.present("renewed");
    cluster.order("stop", 1);
    cluster.order("start", 1);
    probe.wait("all is committed", |it| it.committed.get(&0) == Some(&200));
    member.stop();
    member.join().unwrap();
    assert_eq!(committed(&plain, 1), [Some(200)]);
    assert_eq!(alerts(&plain, 200), (0..200).collect::<Vec<_>>());
}

pub(crate) fn a_password_is_proved_by_scram(site: &Site) {
    let plain = site.topics(1);
    write(&plain, 1, 0..100);
    let password = site.scratch("password");
    fs::write(&password, "right\n").unwrap();
    let security = Security {
        protocol: SecurityProtocol::SaslPlaintext,
        sasl_mechanism: Some("scram-sha-256".to_owned()),
        username: Some("nightjar".to_owned()),
        password_file: Some(password.clone()),
        ..Security::default()
    };
    let config = KafkaConfig { brokers: site.cluster().sasl_brokers.clone(), security, ..plain.clone() };
    let probe = Arc::new(Probe::default());
    let member = start_echo(&config, &probe);
    probe.wait("all is committed", |it| it.committed.get(&0) == Some(&100));
    member.stop();
    member.join().unwrap();
    assert_eq!(alerts(&plain, 100), (0..100).collect::<Vec<_>>());

    fs::write(&password, "wrong").unwrap();
    let error = check_topics(&config, &[&config.alerts_topic]).expect_err("the password is wrong");
    fs::remove_file(&password).unwrap();
    assert!(matches!(&error, KafkaError::Unwelcome { .. }), "{error}");
}
