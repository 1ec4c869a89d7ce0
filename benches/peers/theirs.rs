//! The peer's side: `serde_json` into the value that its events borrow, then its engine, as its documentation shows.

use crate::measure::timed;
use rsigma_eval::{CorrelationConfig, CorrelationEngine, Engine, EvaluationResult, JsonEvent};
use rsigma_parser::{SigmaCollection, parse_sigma_yaml};

/// All rules in one collection; every document has to load.
pub(crate) fn collection(files: &[(String, String)]) -> SigmaCollection {
    let mut all = SigmaCollection::new();
    for (name, text) in files {
        let one = parse_sigma_yaml(text).unwrap_or_else(|it| panic!("{name}: {it}"));
        assert!(one.errors.is_empty(), "{name}: {:?}", one.errors);
        all.rules.extend(one.rules);
        all.correlations.extend(one.correlations);
    }
    all
}

/// The engine in the fastest of its documented set-ups for these rules and events: with and without the Bloom filters of fields and the
/// Aho-Corasick index over all rules. The index of witnesses is always on.
pub(crate) fn fastest(collection: &SigmaCollection, sample: &[&[u8]]) -> (String, Engine) {
    let mut best: Option<(f64, String, Engine)> = None;
    for (bloom, aho_corasick) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut engine = Engine::new();
        engine.set_bloom_prefilter(bloom);
        engine.set_cross_rule_ac(aho_corasick);
        engine.add_collection(collection).expect("every rule compiles");
        evaluate(&engine, sample);
        let (seconds, _) = timed(|| evaluate(&engine, sample));
        if best.as_ref().is_none_or(|it| seconds < it.0) {
            best = Some((seconds, format!("bloom {bloom}, cross-rule Aho-Corasick {aho_corasick}"), engine));
        }
    }
    let (_, name, engine) = best.expect("there are four");
    (name, engine)
}

/// How many rules match, over all events.
pub(crate) fn evaluate(engine: &Engine, lines: &[&[u8]]) -> usize {
    let mut matches = 0;
    for line in lines {
        let json: serde_json::Value = serde_json::from_slice(line).expect("simulated events parse");
        matches += engine.evaluate(&JsonEvent::borrow(&json)).len();
    }
    matches
}

/// Its correlations, alone: detections of the base rules are not wanted, and after an alert a group is quiet for a timespan.
pub(crate) fn correlating(collection: &SigmaCollection, timespan_s: u64) -> CorrelationEngine {
    let mut engine = CorrelationEngine::new(CorrelationConfig {
        timestamp_fields: vec!["time".to_owned()],
        suppress: Some(timespan_s),
        emit_detections: false,
        ..CorrelationConfig::default()
    });
    engine.add_collection(collection).expect("every rule compiles");
    engine
}

/// What fires over all events.
pub(crate) fn correlate(engine: &mut CorrelationEngine, lines: &[&[u8]]) -> Vec<EvaluationResult> {
    let mut fired = Vec::new();
    for line in lines {
        let json: serde_json::Value = serde_json::from_slice(line).expect("generated events parse");
        fired.extend(engine.process_event(&JsonEvent::borrow(&json)));
    }
    fired
}
