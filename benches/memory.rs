//! Memory, counted by the allocator: of a loaded rule, of a matcher that has seen events, of an open window.
//!
//! `cargo bench -p benches --bench memory`
#![expect(unsafe_code, reason = "a counting allocator has to implement an unsafe trait")]
#![expect(clippy::print_stdout, reason = "a bench reports on stdout")]

#[path = "peers/ours.rs"]
#[allow(dead_code, reason = "not every bench wants all of it")]
mod ours;
#[path = "rules.rs"]
mod rules;

use engine::{Pipeline, Rulebook};
use model::LogSource;
use sigma::lists::Lists;
use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged; the counter is an atomic.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What `work` returns and how many bytes more are held then.
fn counted<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.load(Ordering::Relaxed);
    let made = work();
    (made, HELD.load(Ordering::Relaxed).saturating_sub(before))
}

const EVENTS: usize = 100_000;
const ACTORS: u32 = 2_000;

fn main() {
    let events = ours::blocks(&sim::sample_lines(1, ACTORS, EVENTS));
    println!("{:12} {:>6} {:>12} {:>12} {:>16} {:>16}", "rules", "count", "bytes", "per rule", "matcher, cold", "after 100,000");
    for count in [100, 1_000, 3_000] {
        of_rules("generated", rules::generated_files(count), &events, true);
    }
    if let Some(files) = rules::sigmahq_files() {
        of_rules("SigmaHQ", files, &events, false);
    }
    println!();
    println!("{:18} {:>8} {:>12} {:>12}", "windows", "groups", "bytes", "per window");
    for (kind, condition, each) in [
        ("event_count", ", condition: {gte: 25}", 1),
        ("event_count", ", condition: {gte: 25}", 25),
        ("value_count", ", condition: {field: target.id, gte: 10}", 1),
        ("value_count", ", condition: {field: target.id, gte: 10}", 25),
        ("temporal", "", 1),
        ("temporal_ordered", "", 1),
    ] {
        of_windows(kind, condition, each);
    }
}

fn of_rules(name: &str, files: Vec<(String, String)>, events: &ours::Blocks, is_routed: bool) {
    let mut source = rules::native();
    if !is_routed {
        source.logsource = LogSource::default();
    }
    let count = files.len();
    // The texts of the files are gone when the rules are loaded.
    let texts: usize = files.iter().map(|(file, text)| file.capacity() + text.capacity() + size_of::<(String, String)>()).sum();
    let (book, more) = counted(|| {
        let book = rules::compiled(files, &Lists::default(), &source);
        book.programs[0].prepare();
        book
    });
    let bytes = more + texts;
    let (mut pipeline, cold) = counted(|| ours::pipeline(&book));
    let ((), warm) = counted(|| drop(ours::score(&mut pipeline, events)));
    println!("{name:12} {count:>6} {bytes:>12} {:>12} {cold:>16} {:>16}", bytes / count, cold + warm);
}

/// A correlation of which 20,000 groups are open, with `each` events in each.
fn of_windows(kind: &str, condition: &str, each: usize) {
    const GROUPS: usize = 20_000;
    let mut text = String::new();
    for name in ["a", "b"] {
        let _ = write!(
            text,
            "title: {name}\nname: {name}\nlogsource: {{product: nightjar}}\ndetection: {{s: {{action: {name}}}, condition: s}}\n---\n"
        );
    }
    let rules = if condition.is_empty() { "a, b" } else { "a" };
    let _ = writeln!(
        text,
        "title: c\nname: c\ncorrelation: {{type: {kind}, rules: [{rules}], group-by: [actor.id], timespan: 1h{condition}}}"
    );
    let book = rules::compiled(vec![("window.yml".to_owned(), text)], &Lists::default(), &rules::native());
    let mut lines = String::new();
    for at in 0..GROUPS * each {
        let (minute, second) = (at * 1_800 / (GROUPS * each) / 60, at * 1_800 / (GROUPS * each) % 60);
        let _ = writeln!(
            lines,
            r#"{{"time":"2026-03-02T10:{minute:02}:{second:02}Z","actor":{{"id":"u{}"}},"action":"a","target":{{"id":"t{at}"}}}}"#,
            at % GROUPS
        );
    }
    let with = held(&book, &ours::blocks(lines.as_bytes()));
    let without = held(&book, &ours::blocks(lines.replace(r#""action":"a""#, r#""action":"x""#).as_bytes()));
    let bytes = with.saturating_sub(without);
    println!("{:18} {GROUPS:>8} {bytes:>12} {:>12}", format!("{kind}, {each} each"), bytes / GROUPS);
}

fn held(book: &Rulebook, blocks: &ours::Blocks) -> usize {
    let (pipeline, bytes) = counted(|| {
        let mut pipeline: Pipeline = ours::pipeline(book);
        drop(ours::score(&mut pipeline, blocks));
        pipeline
    });
    drop(pipeline);
    bytes
}
