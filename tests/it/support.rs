//! What the tests share: the rule pack, simulated days, and the engine from bytes to alerts.

use engine::decode::{Lines, pad};
use engine::{Emitted, Pipeline, Plausible, Rulebook, Settings};
use model::{EventTime, SourceMapping};
use sigma::lists::Lists;
use sigma::parse::parse_all;
use std::path::{Path, PathBuf};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// A file or folder of the corpora beside the repository; `None`, said on stderr, where there are none.
pub(crate) fn corpus(path: &str) -> Option<PathBuf> {
    let found = root().join("../shared/corpora").join(path);
    if found.exists() {
        return Some(found);
    }
    eprintln!("skipped: there is no ../shared/corpora/{path} beside the repository");
    None
}

/// Every file below `folder` with that extension, in the order of their paths.
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![folder.to_path_buf()];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|it| it == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The lists of the rule pack.
pub(crate) fn lists() -> Lists {
    let mut lists = Lists::default();
    for path in files(&root().join("rules/context"), "txt") {
        let text = std::fs::read_to_string(&path).unwrap();
        lists.insert(path.file_stem().unwrap().to_str().unwrap(), Lists::parse_text(&text).unwrap());
    }
    lists
}

/// Rules given as text, compiled for one source. Problems are failures.
pub(crate) fn book_of(files: Vec<(String, String)>, mapping: &str, lists: &Lists) -> Rulebook {
    let loaded = parse_all(files, lists);
    let mut problems = loaded.problems;
    let book = Rulebook::compile(loaded.documents, &[SourceMapping::built_in(mapping).unwrap()], &mut problems);
    let errors: Vec<String> = problems.iter().filter(|it| it.is_error()).map(ToString::to_string).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    book
}

/// The rule pack, compiled for one source.
pub(crate) fn pack(mapping: &str) -> Rulebook {
    let rules = root().join("rules");
    let files = files(&rules, "yml").into_iter().filter(|it| !it.ends_with("taxonomy.yml"));
    let texts = files.map(|it| (it.strip_prefix(&rules).unwrap().display().to_string(), std::fs::read_to_string(&it).unwrap()));
    book_of(texts.collect(), mapping, &lists())
}

/// A pipeline that believes every time up to 2100.
pub(crate) fn pipeline(book: &Rulebook) -> Pipeline {
    let settings = Settings::new(Plausible::until(EventTime::parse("2100-01-01T00:00:00Z").unwrap()));
    Pipeline::new(book.clone(), 0, &settings)
}

/// Scores lines and returns the alerts; rejected lines are returned as their reasons.
pub(crate) fn score(pipeline: &mut Pipeline, text: &[u8]) -> (Vec<Emitted>, Vec<String>) {
    let mut bytes = text.to_vec();
    let payload = pad(&mut bytes);
    let mut lines = Lines::new(&bytes, payload).unwrap();
    let (mut alerts, mut rejects) = (Vec::new(), Vec::new());
    pipeline.score(&mut lines, &mut alerts, |record| {
        rejects.push(format!("{}: {}", record.number, record.outcome.as_ref().unwrap_err()));
    });
    (alerts, rejects)
}

/// Alerts as the NDJSON that leaves the process.
pub(crate) fn ndjson(alerts: &[Emitted]) -> String {
    let mut bytes = Vec::new();
    for emitted in alerts {
        emitted.alert.write_ocsf(&mut bytes);
        bytes.push(b'\n');
    }
    String::from_utf8(bytes).unwrap()
}

/// The day of the July 2020 attack in a simulated company, as NDJSON.
pub(crate) fn attack_day(people: u32, seed: u64) -> Vec<u8> {
    let config = sim::CompanyConfig { people, seed, days: 1, start_ms: 1_594_771_200_000, ..sim::CompanyConfig::default() };
    let mut simulation = sim::Simulation::new(&config, sim::Scenario::Twitter2020);
    let (mut all, mut line) = (Vec::new(), Vec::new());
    while simulation.next_into(&mut line).is_some() {
        all.extend_from_slice(&line);
        all.push(b'\n');
        line.clear();
    }
    all
}
