//! `nightjar rules list --stats`: what the compiled rules hold, and how far events get through them.

use crate::exit::Usage;
use crate::load;
use crate::rules::Format;
use crate::show::escaped;
use anyhow::Result;
use engine::decode::{Limits, Lines};
use engine::{Plausible, Reader, Rulebook};
use model::{Event, EventTime, SourceMapping, Value};
use serde_json::{Value as Json, json};
use sigma::ast::Document;
use sigma::compile::{FieldSource, Program, RuleIndex};
use sigma::matcher::{Clock, FieldStats, Glance, Matcher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use stream::Block;
use stream::files::{BlockOptions, BlockReader};

/// Most events that are looked at; more would tell nothing new.
const EVENTS_MAX: usize = 200_000;
/// Fields that are listed for people, those that are asked most; JSON has all.
const FIELDS_SHOWN: usize = 12;

/// What of the figures is asked for.
#[derive(Debug, clap::Args)]
// The group that clap would make is called like that of the command it is part of.
#[group(skip)]
pub(crate) struct Args {
    /// Instead of the rules, tell what they come to once compiled for one source: terms, fields, tests, memory; with --events also how
    /// far events get
    #[arg(long)]
    stats: bool,
    /// Events to try the rules on, one JSON object per line, plain or compressed; `-` reads stdin
    #[arg(long, value_name = "FILE", requires = "stats")]
    events: Option<PathBuf>,
    /// Where the events come from: native, cloudtrail, okta, github, raw or the path of a mapping (.toml)
    #[arg(long, value_name = "MAPPING", default_value = "native", requires = "stats")]
    source: String,
}

impl Args {
    pub(super) fn is_wanted(&self) -> bool {
        self.stats
    }
}

/// Compiles the rules, tries the events and writes the figures.
pub(super) fn write(args: &Args, documents: Vec<Document>, format: Format) -> Result<()> {
    let mapping = load::mapping(&args.source)?;
    let mut problems = Vec::new();
    let book = Rulebook::compile(documents, std::slice::from_ref(&mapping), &mut problems);
    load::report(&problems)?;
    let program = &book.programs[0];
    program.prepare();
    let run = args.events.as_deref().map(|it| run(it, program)).transpose()?;
    match format {
        Format::Text => write_text(&mapping, program, run.as_ref())?,
        Format::Json => writeln!(anstream::stdout(), "{:#}", as_json(&mapping, program, run.as_ref()))?,
    }
    Ok(())
}

/// What became of the events.
struct Run {
    events: usize,
    bad: usize,
    matches: usize,
    /// How far each event got.
    glances: Vec<Glance>,
    matcher: Matcher,
}

fn run(path: &Path, program: &Arc<Program>) -> Result<Run> {
    let mut input = if path == Path::new("-") {
        BlockReader::from_reader(std::io::stdin(), None, BlockOptions::default())?
    } else {
        BlockReader::open(path, BlockOptions::default())?
    };
    let matcher = Matcher::new(program, Clock::default());
    let mut run = Run { events: 0, bad: 0, matches: 0, glances: Vec::new(), matcher };
    // Nothing is judged by its time here: whatever the clock of the source says is believed.
    let plausible = Plausible { earliest: EventTime::from_ms(i64::MIN), latest: EventTime::from_ms(i64::MAX) };
    let mut reader = Reader::new(Arc::clone(program), Limits::default(), plausible);
    let mut block = Block::new();
    while run.events < EVENTS_MAX && input.next_block(&mut block)? {
        read_block(&mut run, &mut reader, program, &block);
    }
    if run.events == 0 {
        return Err(Usage::new(format!(
            "there are no events in {}, or none that can be read: {} bad lines",
            path.display(),
            run.bad
        )));
    }
    Ok(run)
}

fn read_block(run: &mut Run, reader: &mut Reader, program: &Program, block: &Block) {
    let Some(mut lines) = Lines::new(block.padded(), block.payload_len()) else { return };
    let (mut values, mut matched): (Vec<Value<'_>>, Vec<_>) = (Vec::new(), Vec::new());
    while let Some(record) = reader.next(&mut lines, &mut values) {
        let Ok(head) = record.outcome else {
            run.bad += 1;
            continue;
        };
        let event = Event { time: head.time, values: &values, line: head.line };
        // The verdict first, as in production: the glance that follows finds everything warm.
        run.matcher.matches(program, &event, &mut matched);
        let may_only = |rule: &RuleIndex| program.deferred[rule.0 as usize] || program.asks_profile[rule.0 as usize];
        matched.retain(|it| !may_only(it) || run.matcher.condition_holds(program, *it, &event));
        run.glances.push(run.matcher.glance(program, &event));
        run.matches += matched.len();
        run.events += 1;
        values.clear();
    }
}

/// A field's name, the number of tests on it, and what the matcher counted.
fn fields(program: &Program, run: Option<&Run>) -> Vec<(String, usize, FieldStats)> {
    let counted = run.map(|it| it.matcher.stats().fields).unwrap_or_default();
    let path = |slot| program.schema.projection.path(slot);
    let mut fields: Vec<_> = (program.fields.iter().enumerate())
        .map(|(at, field)| {
            let name = match &field.source {
                FieldSource::Slot(slot) => path(*slot).to_string(),
                FieldSource::TimePart(slot, part) => format!("{}|{part:?}", path(*slot)).to_lowercase(),
                FieldSource::Related(left, right, ..) => format!("{}|fieldref {}", path(*left), path(*right)),
                FieldSource::Keywords => "(keywords)".to_owned(),
            };
            (name, field.atoms.all().len(), counted.get(at).copied().unwrap_or_default())
        })
        .collect();
    fields.sort_by(|left, right| (right.2.asked, right.1, &left.0).cmp(&(left.2.asked, left.1, &right.0)));
    fields
}

#[expect(clippy::cast_precision_loss, reason = "shares and means for people")]
fn mean(sum: usize, of: usize) -> f64 {
    sum as f64 / of.max(1) as f64
}

#[expect(clippy::cast_precision_loss, reason = "shares and means for people")]
fn hit_share(field: &FieldStats) -> f64 {
    1.0 - field.missed as f64 / field.asked.max(1) as f64
}

/// A figure of one event.
type OfEvent = fn(&Glance) -> usize;

/// Mean, median, the one of a hundred, and the most.
fn distribution(run: &Run, of: OfEvent) -> (f64, usize, usize, usize) {
    let mut all: Vec<usize> = run.glances.iter().map(of).collect();
    all.sort_unstable();
    let at = |percent: usize| all[(all.len() - 1) * percent / 100];
    (mean(all.iter().sum(), all.len()), at(50), at(99), at(100))
}

fn write_text(mapping: &SourceMapping, program: &Program, run: Option<&Run>) -> Result<()> {
    let mut out = anstream::stdout().lock();
    let inexact = program.terms.iter().filter(|it| it.is_partial).count();
    let tests: usize = program.fields.iter().map(|it| it.atoms.all().len()).sum();
    writeln!(out, "source {}", mapping.name)?;
    writeln!(out, "rules {}, of {} loaded", program.rules_active(), program.rules.rules.len())?;
    writeln!(out, "terms {}, of which {inexact} are confirmed by the whole condition", program.terms.len())?;
    writeln!(out, "fields {}, with {tests} tests", program.fields.len())?;
    writeln!(out, "bytes {}, regular expressions not counted", program.bytes())?;
    let Some(run) = run else { return Ok(()) };
    let stats = run.matcher.stats();
    let classes: usize = stats.fields.iter().map(|it| it.classes).sum();
    writeln!(out, "\nevents {}, bad lines {}, matches {}", run.events, run.bad, run.matches)?;
    writeln!(out, "{:26} {:>9} {:>7} {:>7} {:>7}", "per event", "mean", "median", "99 %", "most")?;
    let rows: [(&str, OfEvent); 3] = [
        ("rules after the 1st stage", |it| it.candidates),
        ("rules after the last", |it| it.live),
        ("fields looked up", |it| it.fields),
    ];
    for (name, of) in rows {
        let (mean, median, high, most) = distribution(run, of);
        writeln!(out, "{name:26} {mean:>9.2} {median:>7} {high:>7} {most:>7}")?;
    }
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let share = |of: OfEvent| distribution(run, of).0 * 100.0 / program.rules_active().max(1) as f64;
    let (first, last) = (share(|it| it.candidates), share(|it| it.live));
    writeln!(out, "candidate rate {first:.2} % of the rules after the first stage, {last:.2} % after the last")?;
    writeln!(out, "shapes {}, classes {classes}, bytes of caches {}", stats.shapes, stats.bytes)?;
    writeln!(out, "\n{:34} {:>7} {:>10} {:>7} {:>8}", "field", "tests", "looked up", "known", "classes")?;
    for (name, tests, field) in fields(program, Some(run)).iter().filter(|it| it.2.asked > 0).take(FIELDS_SHOWN) {
        let known = hit_share(field) * 100.0;
        writeln!(out, "{:34} {tests:>7} {:>10} {known:>5.1} % {:>8}", escaped(name), field.asked, field.classes)?;
    }
    Ok(())
}

fn as_json(mapping: &SourceMapping, program: &Program, run: Option<&Run>) -> Json {
    let mut told = json!({
        "source": mapping.name,
        "rules": program.rules_active(),
        "rules_loaded": program.rules.rules.len(),
        "terms": program.terms.len(),
        "terms_inexact": program.terms.iter().filter(|it| it.is_partial).count(),
        "tests": program.fields.iter().map(|it| it.atoms.all().len()).sum::<usize>(),
        "bytes": program.bytes(),
    });
    let each = |(name, tests, field): &(String, usize, FieldStats)| {
        let FieldStats { asked, missed, classes, overflows, bytes } = field;
        json!({"field": name, "tests": tests, "asked": asked, "missed": missed, "classes": classes, "overflows": overflows, "bytes": bytes})
    };
    told["fields"] = fields(program, run).iter().map(each).collect();
    let Some(run) = run else { return told };
    let stats = run.matcher.stats();
    let spread = |of: OfEvent| {
        let (mean, median, high, most) = distribution(run, of);
        json!({"mean": mean, "median": median, "p99": high, "max": most})
    };
    told["run"] = json!({
        "events": run.events,
        "bad": run.bad,
        "matches": run.matches,
        "rules_after_first_stage": spread(|it| it.candidates),
        "rules_after_last_stage": spread(|it| it.live),
        "fields_looked_up": spread(|it| it.fields),
        "shapes": stats.shapes,
        "shape_overflows": stats.shape_overflows,
        "cache_bytes": stats.bytes,
    });
    told
}
