//! Correlations grouped by the actor: events whose every one is a hit, so that the windows are what is measured.

use crate::measure::{median, spread, timed};
use crate::ours::{Blocks, Verdicts, blocks, pipeline, score};
use crate::{rules, theirs};
use engine::decode::{Decoder, Limits, Lines};
use engine::{Emitted, Rulebook};
use model::Value;
use sigma::lists::Lists;
use std::collections::BTreeSet;
use std::fmt::Write;

const EVENTS: usize = 2_000_000;
const ACTORS: u64 = 20_000;
const ROUNDS: usize = 3;
/// Event times are even seconds and the timespan is odd, so that it does not matter whether a window's end belongs to it.
const TIMESPAN_S: u64 = 601;
/// 25 per actor and timespan in the mean, with 20,000 actors.
const EVENTS_PER_S: u64 = 832;

#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    events: usize,
    actors: u64,
    values: u64,
    kind: &'static str,
    condition: &'static str,
    rules: &'static str,
    /// Another condition, or other rules, with the same windows and never true.
    never: (&'static str, &'static str),
}

const CASES: [Case; 3] = [
    Case {
        name: "event_count",
        events: EVENTS,
        actors: ACTORS,
        values: 1_000,
        kind: "event_count",
        condition: ", condition: {gte: 35}",
        rules: "a",
        never: (", condition: {gte: 35, lte: 34}", "a"),
    },
    Case {
        name: "value_count",
        events: EVENTS,
        actors: ACTORS,
        values: 30,
        kind: "value_count",
        condition: ", condition: {field: target.id, gte: 20}",
        rules: "a",
        never: (", condition: {field: target.id, gte: 20, lte: 19}", "a"),
    },
    Case {
        name: "temporal_ordered",
        events: EVENTS,
        actors: ACTORS,
        values: 1_000,
        kind: "temporal_ordered",
        condition: "",
        rules: "b, c, d",
        never: ("", "b, c, d, e"),
    },
];

/// Runs the cases that are wanted and prints a line for each; without the peer if `is_alone`.
pub(crate) fn run(is_wanted: impl Fn(&str) -> bool, is_alone: bool) {
    for case in CASES.iter().filter(|it| is_wanted(it.name)) {
        if is_alone { alone(case) } else { beside_the_peer(case) }
    }
    if is_wanted("distinct_values") {
        distinct_values();
    }
}

/// The base rules `a` (every event) and `b c d` (a sixth of the events each) and `e` (none), and the correlation.
fn files(case: &Case) -> Vec<(String, String)> {
    let mut text = String::new();
    for (name, action) in [("a", "'*'"), ("b", "step.one"), ("c", "step.two"), ("d", "step.three"), ("e", "step.never")] {
        // The peer finds the rules of a correlation by their id alone.
        let id = format!("5a0b7c1e-0000-4000-8000-00000000000{name}");
        let _ = write!(text, "title: {name}\nid: {id}\nname: {name}\nlogsource: {{product: nightjar, service: audit}}\n");
        let _ = write!(text, "level: low\ndetection: {{sel: {{action: {action}}}, condition: sel}}\n---\n");
    }
    let Case { kind, rules, condition, .. } = case;
    let _ = write!(text, "title: correlation\nname: correlation\nlevel: high\ncorrelation: {{type: {kind}, rules: [{rules}], ");
    let _ = writeln!(text, "group-by: [actor.id], timespan: {TIMESPAN_S}s{condition}}}");
    // Only the rules that the correlation is over: the others would alert by themselves.
    let wanted =
        |it: &&str| it.contains("correlation:") || case.rules.split(", ").any(|name| it.contains(&format!("title: {name}\n")));
    let text = text.split("---\n").filter(wanted).collect::<Vec<_>>().join("---\n");
    vec![("correlation.yml".to_owned(), text)]
}

/// Native events of about 450 bytes, actors and values in no order.
fn events(case: &Case) -> Vec<u8> {
    let mut lines = Vec::with_capacity(case.events * 480);
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut roll = move |sides: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) % sides
    };
    for at in 0..case.events as u64 {
        let (actor, value) = (roll(case.actors), roll(case.values));
        let action = ["step.one", "step.two", "step.three"].get(usize::try_from(roll(6)).unwrap_or(0)).unwrap_or(&"account.lookup");
        let seconds = (at / EVENTS_PER_S) & !1;
        let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        let line = format!(
            r#"{{"time":"2026-03-02T{hours:02}:{minutes:02}:{seconds:02}Z","id":"e-{at:012x}","actor":{{"id":"u{actor:05}","email":"u{actor:05}@corp.example","type":"employee","role":"support_t2","team":"support-dublin","tz":"Europe/Dublin"}},"action":"{action}","outcome":"success","tool":"agent-console","target":{{"type":"account","id":"{value:08}","tags":["verified"]}},"source":{{"ip":"10.1.2.3","country":"IE","asn":64500,"device_id":"d-{actor:05}","device_managed":true}},"session":{{"id":"s-{actor:08x}","auth_method":"webauthn"}}}}"#
        );
        lines.extend_from_slice(line.as_bytes());
        lines.push(b'\n');
    }
    lines
}

/// What Nightjar's side of a case runs on.
struct Ours {
    book: Rulebook,
    /// The same windows under a condition that is never true.
    quiet: Rulebook,
    blocks: Blocks,
}

impl Ours {
    fn new(case: &Case, text: &[u8]) -> Self {
        let quiet = Case { condition: case.never.0, rules: case.never.1, ..*case };
        let compiled = |case: &Case| rules::compiled(files(case), &Lists::default(), &rules::native());
        Self { book: compiled(case), quiet: compiled(&quiet), blocks: blocks(text) }
    }

    /// One round: what it took, and the alerts.
    fn round(&self, seconds: &mut Seconds) -> Vec<Emitted> {
        seconds.decoding.push(timed(|| decode(&self.book, &self.blocks)).0);
        let mut verdicts = Verdicts::new(&self.book);
        seconds.matching.push(timed(|| verdicts.count(&self.book, &self.blocks)).0);
        let mut quiet = pipeline(&self.quiet);
        let (of_quiet, alerts) = timed(|| score(&mut quiet, &self.blocks));
        assert!(alerts.is_empty(), "a condition that is never true alerts");
        seconds.quiet.push(of_quiet);
        drop(quiet);
        let mut pipeline = pipeline(&self.book);
        let (of_all, alerts) = timed(|| score(&mut pipeline, &self.blocks));
        seconds.all.push(of_all);
        alerts
    }
}

/// CPU seconds per round.
#[derive(Default)]
struct Seconds {
    decoding: Vec<f64>,
    /// With decoding: bytes to the rules that match.
    matching: Vec<f64>,
    /// All of it, under a condition that is never true.
    quiet: Vec<f64>,
    all: Vec<f64>,
}

impl Seconds {
    fn print(&self, case: &Case, alerts: usize) {
        let beyond = |seconds: &[f64]| {
            let each = seconds.iter().zip(&self.decoding).map(|(it, decoding)| (it - decoding) * 1e9 / count(case));
            spread(&each.collect::<Vec<_>>())
        };
        println!(
            "    {:.0} k events/s, {alerts} alerts; ns an event beyond decoding: {} (target 200); {} of them to the rules that match, {} were none ever to alert",
            per_second(case, median(self.all.clone())),
            beyond(&self.all),
            beyond(&self.matching),
            beyond(&self.quiet),
        );
    }
}

fn alone(case: &Case) {
    let ours = Ours::new(case, &events(case));
    let (mut seconds, mut alerts) = (Seconds::default(), 0);
    for _ in 0..ROUNDS {
        alerts = ours.round(&mut seconds).len();
    }
    println!("{}: {} events, {} actors", case.name, case.events, case.actors);
    seconds.print(case, alerts);
}

fn beside_the_peer(case: &Case) {
    let text = events(case);
    let lines: Vec<&[u8]> = text.split(|it| *it == b'\n').filter(|it| !it.is_empty()).collect();
    let collection = theirs::collection(&files(case));
    let ours = Ours::new(case, &text);
    let (mut seconds, mut of_theirs) = (Seconds::default(), Vec::new());
    let (mut groups, mut count) = (0, 0);
    for _ in 0..ROUNDS {
        let alerts = ours.round(&mut seconds);
        let mut engine = theirs::correlating(&collection, TIMESPAN_S);
        let (theirs, fired) = timed(|| theirs::correlate(&mut engine, &lines));
        let our_groups: BTreeSet<&str> = alerts.iter().map(|it| it.alert.actor.id.as_str()).collect();
        let their_groups: BTreeSet<&str> =
            fired.iter().filter_map(|it| it.as_correlation()?.group_key.first()).map(|it| it.1.as_str()).collect();
        let only_one = our_groups.symmetric_difference(&their_groups).count();
        let (of_ours, of_theirs_too) = (our_groups.len(), their_groups.len());
        assert_eq!(only_one, 0, "{}: actors that fire in one engine only, of {of_ours} and {of_theirs_too}", case.name);
        (groups, count) = (of_ours, alerts.len());
        of_theirs.push(theirs);
    }
    let ratios: Vec<f64> = of_theirs.iter().zip(&seconds.all).map(|(theirs, ours)| theirs / ours).collect();
    println!(
        "{}: {} events, {} actors, {groups} of them fire: {} × rsigma ({:.0} k/s; target 8)",
        case.name,
        case.events,
        case.actors,
        spread(&ratios),
        per_second(case, median(of_theirs)),
    );
    seconds.print(case, count);
}

/// `value_count` over windows with 10 to 10,000 distinct values: the peer counts them anew at every event, so it is left out.
fn distinct_values() {
    let case = |values: u64, condition: &'static str| {
        let case = Case { name: "distinct_values", events: 1_000_000, actors: 20, values, condition, ..CASES[1] };
        let blocks = blocks(&events(&case));
        let book = rules::compiled(files(&case), &Lists::default(), &rules::native());
        (case, blocks, book)
    };
    let cases = [
        case(10, ", condition: {field: target.id, gte: 9}"),
        case(100, ", condition: {field: target.id, gte: 90}"),
        case(1_000, ", condition: {field: target.id, gte: 900}"),
        case(10_000, ", condition: {field: target.id, gte: 9000}"),
    ];
    let mut seconds = vec![Vec::new(); cases.len()];
    for _ in 0..ROUNDS {
        for ((_, blocks, book), seconds) in cases.iter().zip(&mut seconds) {
            let mut pipeline = pipeline(book);
            seconds.push(timed(|| score(&mut pipeline, blocks)).0);
        }
    }
    for ((case, ..), of_case) in cases.iter().zip(&seconds) {
        let ratios: Vec<f64> = of_case.iter().zip(&seconds[0]).map(|(it, first)| it / first).collect();
        println!(
            "distinct_values  {} values, {} actors: {:.0} k events/s; {} × the time with 10 values (target: at most 1.3)",
            case.values,
            case.actors,
            per_second(case, median(of_case.clone())),
            spread(&ratios)
        );
    }
}

/// Decoding alone, of the fields that these rules need.
fn decode(book: &Rulebook, blocks: &Blocks) -> usize {
    let projection = &book.programs[0].schema.projection;
    let mut decoder = Decoder::new(projection, Limits::default());
    let mut events = 0;
    for (block, payload) in blocks {
        let mut values = vec![Value::Missing; projection.len()];
        let mut lines = Lines::new(block, *payload).expect("the block is padded");
        while let Some(line) = decoder.next(&mut lines, &mut values) {
            assert!(line.outcome.is_ok());
            std::hint::black_box(&values);
            events += 1;
        }
    }
    events
}

#[expect(clippy::cast_precision_loss, reason = "millions")]
fn count(case: &Case) -> f64 {
    case.events as f64
}

fn per_second(case: &Case, seconds: f64) -> f64 {
    count(case) / seconds / 1e3
}
