//! Rule files: read, checked by every lint and compiled, or refused; never a panic, and never long.
#![no_main]

use engine::decode::{Limits, Lines, pad};
use engine::{Plausible, Reader, Rulebook};
use libfuzzer_sys::fuzz_target;
use model::{Event, EventTime, SourceMapping};
use sigma::lint::{Checked, Input, check};
use sigma::lists::Lists;
use sigma::matcher::{Clock, Matcher};
use std::sync::Arc;

/// An event with a value of every kind.
const EVENT: &str = r#"{"time":"2026-03-02T14:03:11Z","actor":{"id":"u1","tz":"Europe/Dublin"},"action":"account.lookup","f":"a b","g":5,
"h":null,"i":[1,"x",{"j":true}],"k":{"l":{"m":"10.1.2.3"}},"n":"\u00e4\n","o":-1.5e3}"#;

fuzz_target!(|text: &str| {
    let mut lists = Lists::default();
    lists.insert("ids", vec!["u1".to_owned(), "a*b".to_owned()]);
    let mappings = [SourceMapping::built_in("native").expect("it comes with Nightjar")];
    let now = Some(EventTime::from_ms(1_772_460_191_000));
    let files = [("fuzz.yml".to_owned(), text.to_owned())];
    let input = Input { files: &files, pages: None, lists: &lists, list_files: &[], mappings: &mappings, now };
    let Checked { documents, mut problems, .. } = check(&input);
    // YAML takes a carriage return for a line end too, and misses what should follow on the line after the last.
    let lines = 2 + text.bytes().filter(|it| matches!(it, b'\n' | b'\r')).count();
    for problem in &problems {
        assert!((1..=lines).contains(&problem.line) && problem.column >= 1, "{problem}");
        assert!(problem.fix.iter().flat_map(|it| &it.edits).all(|it| it.start <= it.end), "{problem:?}");
    }
    let book = Rulebook::compile(documents, &mappings, &mut problems);
    let program = &book.programs[0];
    let mut line = EVENT.replace('\n', "").into_bytes();
    let payload = pad(&mut line);
    let mut lines = Lines::new(&line, payload).expect("it is padded");
    let plausible = Plausible::until(EventTime::from_ms(4_000_000_000_000));
    let (mut values, mut matched) = (Vec::new(), Vec::new());
    let record = Reader::new(Arc::clone(program), Limits::default(), plausible).next(&mut lines, &mut values).expect("a line");
    // A rule may read a field that stands twice or is none; then the line is no event.
    if let Ok(head) = &record.outcome {
        let event = Event { time: head.time, values: &values, line: head.line };
        Matcher::new(program, Clock::default()).matches(program, &event, &mut matched);
    }
});
