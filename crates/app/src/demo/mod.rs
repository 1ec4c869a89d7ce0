//! `nightjar demo`: the whole system in one process. An embedded Kafka, a simulated company on the days around the attack of
//! July 2020, the pipeline of `nightjar run` between its topics, and somebody who reads the alerts.

mod company;
mod pace;
mod screen;
mod summary;
mod watch;

use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use sigma::lists::Lists;
use sim::{Company, CompanyConfig, Scenario, Simulation};
use stream::kafka::{BatchLimits, EmbeddedKafka, KafkaConfig, KafkaHandle, Observation, Observer, PacedProducer, Pacing, Progress};

use crate::config::{Config, Limits, Log, Source};
use crate::exit::{Exit, Usage};
use crate::http::{self, Health};
use crate::load;
use crate::metrics::Metrics;
use crate::run::{LiveRules, Setup, Sources, explained, logging, pipeline, signals};
use company::Produced;
use pace::{Pace, Speed};
use screen::Screen;
use summary::Summary;

const EVENTS_TOPIC: &str = "audit-events";
const PARTITIONS: i32 = 4;
/// The partitions of the alerts topic; the embedded Kafka keeps 5 MiB of each.
const ALERT_PARTITIONS: i32 = 2;
/// Partitions of the exchange topic.
const EXCHANGE_PARTITIONS: i32 = 2;
/// Nobody waits for a partition without events for longer.
const IDLE_AFTER: Duration = Duration::from_millis(200);
/// How long the last events may take to come through.
const LAST_EVENTS: Duration = Duration::from_mins(1);

/// What is typed after `nightjar demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// No colours, no progress, no alerts as they come: only the summary
    #[arg(long)]
    headless: bool,
    /// Simulated seconds per second, or `max`; by default the quiet days pass quickly and the attack slowly
    #[arg(long, value_name = "N|max")]
    speed: Option<Speed>,
    /// Everything random in the simulation follows from this number
    #[arg(long, default_value_t = 2020)]
    seed: u64,
    /// Write the summary as JSON, too
    #[arg(long, value_name = "OUT.json")]
    summary: Option<PathBuf>,
    /// Folder with rules
    #[arg(long, value_name = "DIR", default_value = load::RULES_DIR)]
    rules: PathBuf,
    /// How many people the company has
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(12..=20_000))]
    people: u32,
    /// Serve /metrics, /healthz and /readyz at this address while the demo runs
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
}

/// The wiring: Kafka, pipeline, reader of the alerts, and the company that makes the events.
pub(crate) fn main(args: &DemoArgs) -> Result<Exit> {
    logging::start(&Log { level: "error".to_owned(), ..Log::default() }).map_err(Usage::because)?;
    // Better now than after the whole demo.
    let summary_file = args.summary.as_deref().map(create).transpose()?;
    let stopped = Arc::new(AtomicBool::new(false));
    let _signals = signals::start(stop_by(&stopped))?;
    let config = CompanyConfig { people: args.people, seed: args.seed, ..CompanyConfig::default() };
    let simulation = Simulation::new(&config, Scenario::Twitter2020);
    let (metrics, health) = (Arc::new(Metrics::new()), Arc::new(Health::default()));
    let Config { output: topics, exchange, .. } = Config::default();
    let topics = [
        (EVENTS_TOPIC, PARTITIONS),
        (&topics.alerts, ALERT_PARTITIONS),
        (&topics.dead_letters, 1),
        (&exchange.topic, EXCHANGE_PARTITIONS),
    ];
    let kafka = EmbeddedKafka::start(&topics)?;
    let setup = setup(args, simulation.company(), &kafka, &metrics)?;
    let screen = Screen::new(args.headless);
    screen.introduce(&simulation, &setup.live.book().set);
    health.loaded();
    let http = args.listen.map(|it| http::start(it, Arc::clone(&metrics), Arc::clone(&health)));
    let _http = http.transpose().context("cannot listen at the address of --listen")?;
    let kafka_config = setup.kafka.clone();
    let progress = Arc::new(Progress::new(partitions()));
    let watch = watch::start(&kafka_config, screen.clone())?;
    let pipeline = pipeline::start(setup, Arc::clone(&metrics), health, Some(advancing(&progress))).map_err(explained)?;
    let begun = Instant::now();
    let truth = simulation.truth().clone();
    let produced = produce(args, simulation, &kafka_config, &progress, &screen, || {
        !stopped.load(Ordering::Relaxed) && !pipeline.is_finished()
    })?;
    finish(pipeline, &progress, &produced, &metrics, || stopped.load(Ordering::Relaxed))?;
    let seconds = begun.elapsed().as_secs_f64();
    let alerts = watch.finish(metrics.output.alerts_delivered())?;
    screen.end();
    let counts = metrics.input.source("native").counts();
    let summary = Summary::of(&produced, &alerts, &truth, counts, seconds);
    screen.conclude(&summary);
    summary_file.map_or(Ok(()), |file| write_summary(file, &summary).context("cannot write the summary"))?;
    Ok(Exit::Done)
}

/// The configuration of a run, for the embedded Kafka and with the company's own lists.
fn setup(args: &DemoArgs, company: &Company, kafka: &EmbeddedKafka, metrics: &Arc<Metrics>) -> Result<Setup> {
    if !args.rules.is_dir() {
        let message = format!(
            "no rules at {}: start the demo at the root of the repository, or name its folder of rules with --rules",
            args.rules.display()
        );
        return Err(Usage::new(message));
    }
    let sources = Sources::from_config(&[Source { topics: vec![EVENTS_TOPIC.to_owned()], ..Source::default() }])?;
    let rules = load::rules_with(
        std::slice::from_ref(&args.rules),
        None,
        &lists_of(company)?,
        sources.mappings(),
        load::Watch::IfRulesRead,
    )?;
    load::report(&rules.problems)?;
    metrics.loaded.rules(&rules.book, &rules.problems);
    // Small batches, so that no partition is hours of simulated time ahead of another: rules over several people look across.
    let batch = BatchLimits { messages_max: 256, queue_max: 16, ..BatchLimits::default() };
    let mut kafka =
        KafkaConfig { group_id: "nightjar-demo".to_owned(), topics: vec![EVENTS_TOPIC.to_owned()], batch, ..kafka.config() };
    // The mock cluster answers a fetch that finds nothing at the end of this time, even if something comes earlier.
    kafka.properties.set("fetch.wait.max.ms", "5");
    // The demo is about alerts.
    kafka.shadow_topic.clear();
    kafka.exchange_topic = Config::default().exchange.topic;
    kafka.statistics_interval_ms = 100;
    let limits = Limits::default();
    Ok(Setup {
        kafka,
        sources: Arc::new(sources),
        live: LiveRules::new(rules.book, limits.windows(), metrics),
        triage: None,
        desk: None,
        pulses: Arc::default(),
        idle_after: IDLE_AFTER,
        checkpoints: None,
        limits,
    })
}

/// What the company keeps in its context directory, as lists in memory.
fn lists_of(company: &Company) -> Result<Vec<(String, Vec<String>)>> {
    let list = |(file, text): (&str, String)| {
        let name = Path::new(file).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok((name, Lists::parse_text(&text)?))
    };
    company.context_files().into_iter().map(list).collect()
}

/// Tells the producer how far the pipeline is.
fn advancing(progress: &Arc<Progress>) -> Observer {
    let progress = Arc::clone(progress);
    Arc::new(move |observation| {
        if let Observation::Handled { partition, end_offset, .. } = observation
            && *partition.topic == *EVENTS_TOPIC
        {
            progress.advance(partition.partition, end_offset);
        }
    })
}

fn stop_by(stopped: &Arc<AtomicBool>) -> impl FnOnce(&'static str) + Send + 'static {
    let stopped = Arc::clone(stopped);
    move |_| stopped.store(true, Ordering::Relaxed)
}

/// Lets the company live through its days.
fn produce(
    args: &DemoArgs,
    simulation: Simulation,
    kafka: &KafkaConfig,
    progress: &Arc<Progress>,
    screen: &Screen,
    goes_on: impl Fn() -> bool,
) -> Result<Produced> {
    // Little unread per partition: see `setup`.
    let pacing = Pacing { messages_max: 4_000, ..Pacing::default() };
    let mut producer = PacedProducer::new(kafka, EVENTS_TOPIC, partitions(), pacing, Arc::clone(progress))?;
    let pace = Pace::new(args.speed, simulation.company().config().start_ms, simulation.truth());
    company::produce(simulation, &pace, &mut producer, screen, goes_on)
}

/// Waits for the last events, unless somebody is in a hurry, and stops the pipeline.
fn finish(
    pipeline: KafkaHandle,
    progress: &Progress,
    produced: &Produced,
    metrics: &Metrics,
    in_hurry: impl Fn() -> bool,
) -> Result<()> {
    let deadline = Instant::now() + LAST_EVENTS;
    while !in_hurry() && !pipeline.is_finished() && Instant::now() < deadline {
        let is_read = progress.wait_for(&produced.ends, Duration::from_millis(50));
        if is_read && metrics.exchange.is_settled(partitions()) {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    pipeline.stop();
    pipeline.join().map_err(explained)?;
    Ok(())
}

fn create(path: &Path) -> Result<File> {
    File::create(path).with_context(|| format!("cannot write {}", path.display()))
}

fn write_summary(mut file: File, summary: &Summary) -> Result<()> {
    let mut text = serde_json::to_string_pretty(summary)?;
    text.push('\n');
    Ok(file.write_all(text.as_bytes())?)
}

fn partitions() -> usize {
    usize::try_from(PARTITIONS).expect("a small positive number")
}
