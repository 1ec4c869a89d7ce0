//! Loading: all of `SigmaHQ`'s rules from text to a compiled program, one thread, and what the program and a matcher hold in memory.
//!
//! `cargo bench -p benches --bench load`. Skipped, visibly, where the corpus is absent.
#![expect(clippy::print_stdout, reason = "a bench reports on stdout")]

#[path = "peers/measure.rs"]
mod measure;
#[path = "rules.rs"]
mod rules;

use measure::{spread, timed};
use model::{LogSource, Schema};
use sigma::compile::{Program, RuleSet};
use sigma::parse::parse_all;
use std::sync::Arc;

const ROUNDS: usize = 11;

fn main() {
    let Some(files) = rules::sigmahq_all_files() else { return };
    let mut source = rules::native();
    source.logsource = LogSource::default();
    let lists = rules::placeholder_lists(&files);
    let (mut parsing, mut compiling, mut both) = (Vec::new(), Vec::new(), Vec::new());
    let mut loaded_rules = 0;
    for _ in 0..ROUNDS {
        let files = files.clone();
        let (parse, loaded) = timed(|| parse_all(files, &lists));
        let (compile, program) = timed(|| {
            let set = Arc::new(RuleSet::new(loaded.documents));
            let program = Program::compile(&set, Schema::of(source.clone()), &mut Vec::new());
            program.prepare();
            program
        });
        loaded_rules = program.rules_active();
        parsing.push(parse * 1e3);
        compiling.push(compile * 1e3);
        both.push((parse + compile) * 1e3);
    }
    println!(
        "{} files, {loaded_rules} rules active, medians (and extremes) of {ROUNDS} rounds, CPU time of one thread",
        files.len()
    );
    println!("parse    {} ms", spread(&parsing));
    println!("compile  {} ms, every field's tests arranged and every regular expression included", spread(&compiling));
    println!("load     {} ms (target: under 500)", spread(&both));
}
