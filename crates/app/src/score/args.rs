//! What is typed after `nightjar score`, and what it means.

use crate::exit::Usage;
use crate::{load, show};
use anyhow::{Context, Result};
use clap::ValueEnum;
use model::{EventTime, SourceMapping};
use sigma::matcher::Clock;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How far ahead of now an event may be: clocks differ, and zones are written wrongly.
const AHEAD_MS: i64 = 86_400_000;

/// People in memory: 2 GiB.
const PEOPLE_MAX: u64 = 1_000_000;
/// People on the disk: about 10 GiB.
const PEOPLE_ON_DISK_MAX: u64 = 10_000_000;

/// `nightjar score`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nightjar score events.ndjson.gz > alerts.ndjson
  nightjar score cloudtrail.ndjson --source cloudtrail --rules rules --rules our-rules --stats stats.json
  nightjar score january.ndjson --state state --learn-until 2026-02-01T00:00:00Z && nightjar score february.ndjson --state state
  zcat audit.gz | nightjar score - --source raw --rules sigma/rules --dead-letters bad.ndjson

Rules with the status `test` or `experimental` run in shadow: they are counted, and written to --shadow, but raise no alert.
Statistics have `events = scored + bad + duplicates`; late events are scored too.")]
pub(crate) struct Args {
    /// Events, one JSON object per line; plain, gzip or zstd; `-` reads stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Folder or file of Sigma rules; may be given several times
    #[arg(long, value_name = "DIR", default_value = load::RULES_DIR)]
    rules: Vec<PathBuf>,
    /// Where the events come from: native, cloudtrail, okta, github, raw (any JSON) or the path of a mapping (.toml)
    #[arg(long, value_name = "MAPPING", default_value = "native")]
    source: String,
    /// The log source of the events, as rules name it, in place of the mapping's: product=…,service=…,category=…
    #[arg(long, value_name = "KEY=VALUE,…")]
    logsource: Option<String>,
    /// Folder of lists that take the place of those of the same name in the `context` folders of the rules
    #[arg(long, value_name = "DIR")]
    context: Option<PathBuf>,
    /// File of exceptions, besides `exceptions.yml` in the `context` folders of the rules; may be given several times
    #[arg(long, value_name = "FILE")]
    exceptions: Vec<PathBuf>,
    /// Where alerts go; `-` is stdout
    #[arg(long, value_name = "FILE", default_value = "-")]
    alerts: PathBuf,
    /// How alerts are written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Where findings go that page nobody: of rules with the status `test` or `experimental`, and those that an exception covers.
    /// Without it they are only counted
    #[arg(long, value_name = "FILE")]
    shadow: Option<PathBuf>,
    /// Treat rules with the status `test` or `experimental` as if they were stable: most of `SigmaHQ`'s have one of these
    #[arg(long)]
    include_shadow: bool,
    /// Where lines go that are no events, with position and reason
    #[arg(long, value_name = "FILE")]
    dead_letters: Option<PathBuf>,
    /// Where the score of every event goes: its id, actor, nj.p, nj.score and what made it, one JSON object per line
    #[arg(long, value_name = "FILE")]
    scores: Option<PathBuf>,
    /// Up to this event time behaviour is only learnt: no alerts are written, and no scores
    #[arg(long, value_name = "TIME")]
    learn_until: Option<String>,
    /// Keep no profiles of what is normal for each person, unless rules read them
    #[arg(long, conflicts_with_all = ["scores", "learn_until"])]
    no_behaviour: bool,
    /// How many alerts about behaviour a day can be read: the threshold follows it, and the rest is in the digest. Without it,
    /// behaviour alerts are findings that page nobody
    #[arg(long, value_name = "N", value_parser = alerts_per_day, conflicts_with = "no_behaviour")]
    alerts_per_day: Option<f64>,
    /// Where incidents go: alerts of one actor that belong together, as OCSF Incident Findings
    #[arg(long, value_name = "FILE", requires = "alerts_per_day")]
    incidents: Option<PathBuf>,
    /// Where a record of each day goes with what was not told: beyond the budget, below the threshold, still learning
    #[arg(long, value_name = "FILE", requires = "alerts_per_day")]
    digest: Option<PathBuf>,
    /// Folder of what was learnt: read before the first event, written after the last. Scoring a file in parts then gives the same
    /// alerts and scores as scoring it at once
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// How many profiles are kept in memory, at 2 KiB each; those seen longest ago make way, to the disk. They are
    /// spread over 16 shards, each of which keeps one at least
    #[arg(long, value_name = "N", default_value_t = PEOPLE_MAX, value_parser = clap::value_parser!(u64).range(16..=100_000_000))]
    people_max: u64,
    /// How many profiles are kept on the disk; beyond, whoever makes way is forgotten, and counted
    #[arg(long, value_name = "N", default_value_t = PEOPLE_ON_DISK_MAX, value_parser = clap::value_parser!(u64).range(..=1_000_000_000))]
    people_on_disk: u64,
    /// Where statistics go as one JSON object
    #[arg(long, value_name = "FILE")]
    stats: Option<PathBuf>,
    /// Threads to use [default: all cores]; the output does not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// Time zone of rules about hours and days, where an event names none (IANA name)
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    timezone: String,
    /// What time it is taken to be [default: the clock]; events more than a day later are not believed
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
    /// Say nothing on stderr but errors
    #[arg(short, long)]
    quiet: bool,
}

/// How alerts are written.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    /// OCSF Detection Findings, one JSON object per line
    #[default]
    Json,
    /// A few lines for people
    Text,
}

/// How alerts come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// An OCSF Detection Finding in a line.
    Ocsf,
    /// Lines for people, cut to so many columns if there is a terminal that has them.
    Text(Option<usize>),
}

/// What the arguments mean.
pub(crate) struct Options {
    /// The input; `-` is stdin.
    pub(crate) input: PathBuf,
    /// Folders of rules.
    pub(crate) rules: Vec<PathBuf>,
    /// The source of the events.
    pub(crate) mapping: SourceMapping,
    /// Folder of lists.
    pub(crate) context: Option<PathBuf>,
    /// Files of exceptions.
    pub(crate) exceptions: Vec<PathBuf>,
    /// File for alerts; none is stdout.
    pub(crate) alerts: Option<PathBuf>,
    /// How alerts come out.
    pub(crate) form: Form,
    /// File for findings that page nobody.
    pub(crate) shadow: Option<PathBuf>,
    /// Rules in shadow page.
    pub(crate) includes_shadow: bool,
    /// File for dead letters.
    pub(crate) dead_letters: Option<PathBuf>,
    /// File for scores.
    pub(crate) scores: Option<PathBuf>,
    /// Events up to here are only learnt.
    pub(crate) learn_until: EventTime,
    /// Whose profiles are kept.
    pub(crate) watch: load::Watch,
    /// How alerts about behaviour are triaged; nothing: they page nobody.
    pub(crate) triage: Option<engine::triage::Settings>,
    /// File for incidents.
    pub(crate) incidents: Option<PathBuf>,
    /// File for the digest.
    pub(crate) digest: Option<PathBuf>,
    /// Folder of the state.
    pub(crate) state: Option<PathBuf>,
    /// How many profiles are kept in memory …
    pub(crate) people_max: usize,
    /// … and on the disk.
    pub(crate) people_on_disk: usize,
    /// File for statistics.
    pub(crate) stats: Option<PathBuf>,
    /// At least 1.
    pub(crate) threads: usize,
    /// Local time for rules.
    pub(crate) clock: Clock,
    /// The zone of those clocks.
    pub(crate) timezone: String,
    /// The present.
    pub(crate) now: EventTime,
    /// No statistics, no progress, no list of bad lines.
    pub(crate) is_quiet: bool,
}

impl Options {
    /// Everything that can be wrong with the arguments is found here.
    pub(crate) fn of(args: &Args) -> Result<Self> {
        let clock = Clock::with_default(&args.timezone).ok_or_else(|| {
            Usage::new(format!("no time zone is called `{}` (an IANA name such as Europe/Dublin is expected)", args.timezone))
        })?;
        let time = |text: &String| crate::rules::exceptions::time(text);
        let now = args.now.as_ref().map_or_else(now, time)?;
        check_outputs(args)?;
        let alerts = Some(args.alerts.clone()).filter(|it| it != Path::new("-"));
        let threads = match args.threads {
            Some(threads) => usize::from(threads),
            None => std::thread::available_parallelism().map_or(1, usize::from),
        };
        let learn_until = args.learn_until.as_ref().map(time).transpose()?;
        let triage = args.alerts_per_day.map(|it| engine::triage::Settings::new(it, learn_until));
        Ok(Self {
            input: args.file.clone(),
            rules: args.rules.clone(),
            mapping: load::mapping_for(&args.source, args.logsource.as_deref())?,
            context: args.context.clone(),
            exceptions: args.exceptions.clone(),
            form: match args.format {
                Format::Json => Form::Ocsf,
                Format::Text => Form::Text(show::width().filter(|_| alerts.is_none())),
            },
            alerts,
            shadow: args.shadow.clone(),
            includes_shadow: args.include_shadow,
            dead_letters: args.dead_letters.clone(),
            scores: args.scores.clone(),
            learn_until: learn_until.unwrap_or(EventTime::MIN),
            watch: if args.no_behaviour { load::Watch::IfRulesRead } else { load::Watch::Everybody },
            triage,
            incidents: args.incidents.clone(),
            digest: args.digest.clone(),
            state: args.state.clone(),
            people_max: usize::try_from(args.people_max).unwrap_or(usize::MAX),
            people_on_disk: usize::try_from(args.people_on_disk).unwrap_or(usize::MAX),
            stats: args.stats.clone(),
            threads,
            clock,
            timezone: args.timezone.clone(),
            now,
            is_quiet: args.quiet,
        })
    }

    /// Events after this are not believed.
    pub(crate) fn latest(&self) -> EventTime {
        self.now.plus_ms(AHEAD_MS)
    }
}

/// A number of alerts that a team could read, fractions included.
fn alerts_per_day(text: &str) -> Result<f64, String> {
    const MOST: f64 = 100_000.0;
    let number = text.parse().ok().filter(|it: &f64| (0.0..=MOST).contains(it));
    number.ok_or_else(|| format!("a number from 0 to {MOST} is expected"))
}

/// Outputs must not take each other's place, nor that of the input.
fn check_outputs(args: &Args) -> Result<()> {
    let outputs = [
        ("--alerts", Some(&args.alerts)),
        ("--shadow", args.shadow.as_ref()),
        ("--dead-letters", args.dead_letters.as_ref()),
        ("--scores", args.scores.as_ref()),
        ("--incidents", args.incidents.as_ref()),
        ("--digest", args.digest.as_ref()),
        ("--stats", args.stats.as_ref()),
    ];
    let outputs: Vec<(&str, &PathBuf)> = outputs.into_iter().filter_map(|(flag, path)| Some((flag, path?))).collect();
    let inputs = args.context.iter().chain(&args.rules);
    if let Some((state, other)) =
        args.state.as_ref().and_then(|state| Some((state, inputs.clone().find(|it| resolved(it) == resolved(state))?)))
    {
        return Err(Usage::new(format!(
            "--state {} is what is read from ({}): name a folder of its own",
            state.display(),
            other.display()
        )));
    }
    for (at, &(flag, path)) in outputs.iter().enumerate() {
        if flag != "--alerts" && path == Path::new("-") {
            return Err(Usage::new(format!("{flag} wants a file: stdout is for alerts")));
        }
        if is_same_file(path, &args.file) {
            return Err(Usage::new(format!("{flag} {} is the input and would be overwritten", path.display())));
        }
        if let Some((other, _)) = outputs[..at].iter().find(|(_, other)| would_be_same_file(path, other)) {
            return Err(Usage::new(format!("{other} and {flag} are the same file, {}", path.display())));
        }
    }
    Ok(())
}

/// Whether both paths are there and lead to the same file.
fn is_same_file(one: &Path, other: &Path) -> bool {
    one != Path::new("-") && one.canonicalize().ok().zip(other.canonicalize().ok()).is_some_and(|(one, other)| one == other)
}

/// Whether writing to both paths would mix two outputs in one file, which need not be there yet. Devices such as `/dev/null` take any
/// number.
fn would_be_same_file(one: &Path, other: &Path) -> bool {
    let is_file = |path: &Path| path != Path::new("-") && path.metadata().map_or(true, |it| it.is_file());
    is_file(one) && is_file(other) && resolved(one) == resolved(other)
}

/// The path without links; of one that leads nowhere yet, the folder without links.
fn resolved(path: &Path) -> PathBuf {
    let in_folder = || {
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(folder.canonicalize().ok()?.join(path.file_name()?))
    };
    path.canonicalize().ok().or_else(in_folder).unwrap_or_else(|| path.to_owned())
}

/// The one place where scoring looks at the clock.
fn now() -> Result<EventTime> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).context("the clock is before 1970")?;
    Ok(EventTime::from_ms(i64::try_from(since.as_millis()).context("the clock is too far ahead")?))
}
