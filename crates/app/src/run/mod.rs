//! `nightjar run`: a member of a consumer group that reads audit events and writes alerts, until it is told to stop.

pub(crate) mod checkpoints;
mod clock;
mod context;
mod course;
mod exceptions;
mod feed;
mod keep;
mod live;
pub(crate) mod logging;
mod losses;
mod observe;
mod outgoing;
mod owner;
mod partition;
pub(crate) mod pipeline;
mod pulses;
mod reload;
pub(crate) mod signals;
mod sources;
mod telling;
#[cfg(test)]
mod tests;
mod triage;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use stream::kafka::{KafkaConfig, KafkaError, Secret, Security, SecurityProtocol, Stopper, check_topics};

use crate::config::{self, Config};
use crate::exit::{Exit, Usage};
use crate::http::{self, Health, HttpHandle};
use crate::load;
use crate::metrics::Metrics;
use checkpoints::Checkpoints;
use context::Rows;
use exceptions::Exceptions;
use feed::Feed;
pub(crate) use live::LiveRules;
pub(crate) use pipeline::Setup;
pub(crate) use pulses::Pulses;
use reload::{LoadedSet, ReloadHandle, Reloads, RuleSources};
pub(crate) use sources::Sources;
use triage::{GroupTriage, SharedTriage};

/// What is typed after `nightjar run`.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// The configuration file; every key can be overridden, such as `group_id` in `[kafka]` by `NIGHTJAR_KAFKA__GROUP_ID`
    #[arg(short, long, default_value = "nightjar.toml", value_name = "FILE")]
    config: PathBuf,
    /// Read the configuration and the rules, tell what is wrong with them, and end
    #[arg(long)]
    check: bool,
}

/// The wiring: everything that a run consists of is started here, in order, and ends in the opposite order.
pub(crate) fn main(args: &RunArgs) -> Result<Exit> {
    let config = Config::load(&args.config, std::env::vars()).map_err(Usage::because)?;
    logging::start(&config.log).map_err(Usage::because)?;
    let metrics = Arc::new(Metrics::new());
    let health = Arc::new(Health::default());
    let phase = Arc::new(Mutex::new(Phase::Connecting));
    let reload = Arc::new(OnceLock::new());
    let _signals = heed_signals(Arc::clone(&phase), Arc::clone(&health), Arc::clone(&reload))?;
    let (mut setup, rules, loaded) = setup(&config, &metrics)?;
    health.loaded();
    check_secrets(&setup.kafka.security).map_err(explained)?;
    if args.check {
        return Ok(Exit::Done);
    }
    let interval = Duration::from_millis(config.rules.watch_interval_ms);
    let reloads = Reloads::start(rules, &loaded, Arc::clone(&setup.live), Arc::clone(&metrics), interval)
        .context("cannot start the thread that watches the rules")?;
    // A hang-up of before came while the rules were read anyway, or just after: the watch sees what has changed since.
    let _ = reload.set(reloads.handle());
    let _http = serve(&config, &metrics, &health)?;
    check_outputs(&setup.kafka)?;
    let _feeds = feeds(&config, &setup.kafka, &reloads, &metrics, &health)?;
    setup.checkpoints = checkpoints(&config, &setup, &metrics)?;
    let pipeline = pipeline::start(setup, Arc::clone(&metrics), health, None).map_err(explained)?;
    *phase.lock().unwrap_or_else(PoisonError::into_inner) = Phase::Working(pipeline.stopper());
    let done = pipeline.join().map_err(explained)?;
    let (events, exchanged) = (done.messages - done.exchanged, done.exchanged);
    tracing::info!(events, exchanged, records = metrics.output.written(), rebalances = done.rebalances, "stopped");
    Ok(Exit::Done)
}

/// Reads the topics of exceptions and of context, as far as there are any, and goes on reading them.
fn feeds(
    config: &Config,
    kafka: &KafkaConfig,
    reloads: &Reloads,
    metrics: &Arc<Metrics>,
    health: &Arc<Health>,
) -> Result<[Option<Feed>; 2]> {
    let observer = || observe::observer(Arc::clone(metrics), Arc::clone(health), None);
    let [of_exceptions, of_context] =
        [&config.exceptions.topic, &config.context.topic].map(|it| Some(it).filter(|it| !it.is_empty()));
    let exceptions = of_exceptions
        .map(|it| feed::start(Exceptions::new(Arc::clone(metrics)), kafka, it, reloads.handle(), observer()))
        .transpose()
        .map_err(explained)?;
    let rows = of_context
        .map(|it| feed::start(Rows::of(it, Arc::clone(metrics)), kafka, it, reloads.handle(), observer()))
        .transpose()
        .map_err(explained)?;
    Ok([exceptions, rows])
}

/// Loads what the configuration names: mappings, rules, lists and exceptions.
fn setup(config: &Config, metrics: &Arc<Metrics>) -> Result<(Setup, RuleSources, LoadedSet)> {
    let sources = Sources::from_config(&config.sources)?;
    let rules = RuleSources {
        directories: config.rules.directories.clone(),
        context: config.rules.context.clone(),
        exceptions: config.exceptions.files.clone(),
        mappings: sources.mappings().to_vec(),
        includes_shadow: config.rules.include_shadow,
        has_context_topic: !config.context.topic.is_empty(),
        has_exchange: !config.exchange.topic.is_empty(),
        watch: if config.behaviour.alerts_per_day.is_some() { load::Watch::Everybody } else { load::Watch::IfRulesRead },
    };
    let loaded = rules.load(&[])?;
    tell(&loaded, metrics)?;
    let live = LiveRules::new(loaded.book.clone(), config.limits.windows(), metrics);
    let kafka = config.kafka_config();
    let (mut triage, mut desk) = (None, None);
    if let Some(settings) = config.behaviour.triage().map_err(Usage::new)? {
        if rules.has_exchange {
            desk = Some(Arc::new(GroupTriage::new(settings)));
        } else {
            triage = Some(Arc::new(SharedTriage::new(settings, Arc::clone(metrics))));
        }
    }
    // Opened when it is known that everything else is in order: it makes a directory, and starts a thread.
    let idle_after = Duration::from_millis(config.exchange.idle_ms);
    let pulses = Pulses::new(&sources, &loaded.book, config.limits.lateness_ms, rules.has_exchange, metrics);
    let pulses = Arc::new(pulses);
    let (sources, limits) = (Arc::new(sources), config.limits.clone());
    Ok((Setup { kafka, sources, live, triage, desk, pulses, idle_after, checkpoints: None, limits }, rules, loaded))
}

/// Opens the place for checkpoints, if there is one, and reads what others have there, if it is to be kept in memory.
fn checkpoints(config: &Config, setup: &Setup, metrics: &Arc<Metrics>) -> Result<Option<Arc<Checkpoints>>> {
    let config::Checkpoints { store, interval_ms, standby } = &config.checkpoints;
    if store.is_empty() {
        if *standby {
            return Err(Usage::new("checkpoints.standby keeps what is in checkpoints.store in memory, but no store is configured"));
        }
        tracing::warn!("no checkpoints.store is configured: what is learnt ends with this process");
        return Ok(None);
    }
    let interval = Duration::from_millis(*interval_ms);
    let checkpoints = Checkpoints::start(store, &config.kafka.group_id, interval, Arc::clone(metrics))?;
    if *standby {
        let (sources, exchange) = (Arc::clone(&setup.sources), setup.kafka.exchange_topic.clone());
        // Before the group is joined: what it gives us we have then.
        checkpoints.stand_by(move |topic| topic == exchange || sources.of_topic(topic).is_some())?;
    }
    Ok(Some(checkpoints))
}

/// Logs which rules were loaded and which not. Without any there is nothing to do.
fn tell(loaded: &LoadedSet, metrics: &Metrics) -> Result<()> {
    let (set, policy, problems) = (&loaded.book.set, &loaded.book.policy, &loaded.problems);
    let errors = problems.iter().filter(|it| it.is_error()).count();
    metrics.loaded.rules(&loaded.book, problems);
    metrics.loaded.context(&loaded.tables);
    metrics.loaded.loaded_at(clock::now());
    metrics.loaded.exceptions(policy, clock::now());
    reload::tell(problems);
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        rules = set.rules.len(),
        correlations = set.correlations.len(),
        unfed = loaded.book.unfed().count(),
        exceptions = policy.exceptions().len(),
        errors,
        warnings = problems.len() - errors,
        rule_set = &*set.hash,
        "nightjar has loaded its rules"
    );
    if set.rules.is_empty() && set.correlations.is_empty() {
        let first = problems.first().map(|it| format!("; the first problem: {it}")).unwrap_or_default();
        return Err(Usage::new(format!("none of the rules could be loaded{first}")));
    }
    Ok(())
}

fn serve(config: &Config, metrics: &Arc<Metrics>, health: &Arc<Health>) -> Result<HttpHandle> {
    let address = config.http.listen;
    let http = http::start(address, Arc::clone(metrics), Arc::clone(health))
        .with_context(|| format!("cannot listen on {address} (http.listen)"))?;
    tracing::info!(address = %http.address(), "serving /metrics, /healthz and /readyz");
    Ok(http)
}

/// Reads the secrets that connecting would read, and forgets them.
fn check_secrets(security: &Security) -> Result<(), KafkaError> {
    let has_tls = matches!(security.protocol, SecurityProtocol::Ssl | SecurityProtocol::SaslSsl);
    let password = ("password", &security.password_file, &security.password_env);
    let phrase = ("ssl_key_password", &security.ssl_key_password_file, &security.ssl_key_password_env);
    for (what, file, variable) in [Some(password), Some(phrase).filter(|_| has_tls)].into_iter().flatten() {
        if file.is_some() && variable.is_some() {
            return Err(KafkaError::Config(format!("security.{what}_file and security.{what}_env are both set")));
        }
        file.as_deref().map(Secret::from_file).transpose()?;
        variable.as_deref().map(Secret::from_env).transpose()?;
    }
    Ok(())
}

/// Better now than with the first alert.
fn check_outputs(kafka: &KafkaConfig) -> Result<()> {
    tracing::info!(brokers = kafka.brokers, group = kafka.group_id, topics = ?kafka.topics, "connecting");
    let topics = [&kafka.alerts_topic, &kafka.shadow_topic, &kafka.incidents_topic, &kafka.digest_topic, &kafka.dead_letters_topic];
    let used: Vec<&str> = topics.into_iter().map(String::as_str).filter(|it| !it.is_empty()).collect();
    check_topics(kafka, &used).map_err(explained)
}

/// What a signal finds.
enum Phase {
    /// Nothing was read yet. Asking brokers can take long, and can't be called off.
    Connecting,
    /// The pipeline has something to finish.
    Working(Stopper),
}

fn heed_signals(phase: Arc<Mutex<Phase>>, health: Arc<Health>, reload: Arc<OnceLock<ReloadHandle>>) -> Result<signals::Signals> {
    let stop = move |signal| {
        health.stopping();
        match &*phase.lock().unwrap_or_else(PoisonError::into_inner) {
            Phase::Connecting => {
                tracing::info!(signal, "stopped before anything was read");
                std::process::exit(0);
            }
            Phase::Working(stopper) => {
                tracing::info!(signal, "stopping: what was read is finished first; another signal ends it at once");
                stopper.stop();
            }
        }
    };
    let hang_up = move || {
        if let Some(it) = reload.get() {
            it.nudge("SIGHUP");
        }
    };
    signals::start_with(stop, hang_up).context("cannot listen for signals")
}

/// Whose turn it is: a wrong configuration is an error of usage, anything else lies outside.
pub(crate) fn explained(error: KafkaError) -> anyhow::Error {
    match error {
        KafkaError::Config(_) | KafkaError::NeedsTls { .. } | KafkaError::Secret { .. } => Usage::because(error),
        _ => error.into(),
    }
}
