//! Nightjar beside another Sigma engine, `rsigma-eval`: the same rules over the same events, match by match.

mod differences;
mod events;
mod generated;
mod sides;
mod windows;

use crate::oracle::reading::Quirk;
use crate::support::{attack_day, corpus};
use sides::Rules;
use sigma::ast::Document;
use sigma::lists::Lists;
use sigma::parse::parse_all;
use std::io::Read;
use std::path::Path;

/// The rules of `SigmaHQ`. Those with placeholders are left out: the other engine looks for what stands behind them in the event.
fn sigmahq() -> Option<Rules> {
    let archive = std::fs::File::open(corpus("sigma/rules.tar.gz")?).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    let mut rules = Rules::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        if Path::new(&path).extension().is_some_and(|it| it == "yml") {
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            rules.push((path, text));
        }
    }
    rules.retain(|(_, text)| !text.contains("|expand"));
    Some(rules)
}

#[test]
fn over_real_events_and_their_children_the_rules_of_sigmahq_match_the_same() {
    let (Some(rules), Some(mut events)) = (sigmahq(), events::real()) else { return };
    events.extend(events::crossed(&events, 800, 1));
    let matches = differences::check(&rules, &events, &[]);
    assert!(matches.len() > 3_000, "{} matches are too few to tell anything", matches.len());
}

#[test]
fn over_events_made_from_them_the_rules_of_sigmahq_differ_in_known_ways() {
    let Some(rules) = sigmahq() else { return };
    let documents = parse_all(rules.clone(), &Lists::default()).documents;
    let made = documents.iter().enumerate().filter_map(|(at, document)| {
        let Document::Rule(rule) = document else { return None };
        (at % 2 == 0).then(|| events::towards(rule, at as u64))
    });
    let known = [
        Quirk::WildcardsStopAtLineEnds,
        Quirk::PlacesOfWildcardsAreSwapped,
        Quirk::KeywordWithModifierIsWhole,
        Quirk::WindashIsForHyphens,
        Quirk::Base64KeepsTail,
    ];
    let matches = differences::check(&rules, &made.collect::<Vec<_>>(), &known);
    assert!(matches.len() > 1_500, "{} matches are too few to tell anything", matches.len());
}

#[test]
fn generated_audit_rules_match_the_same_simulated_events() {
    let day = String::from_utf8(attack_day(60, 7)).unwrap();
    let lines: Vec<String> = day.lines().map(str::to_owned).collect();
    let events: Vec<String> = lines.iter().step_by(lines.len().div_ceil(1_500)).cloned().collect();
    let rules = generated::rules(&events, 1_000, 1);
    let matches = differences::check(&rules, &events, &[]);
    assert!(matches.len() > 100_000, "{} matches are too few to tell anything", matches.len());
}

#[test]
fn generated_audit_rules_match_the_same_real_events() {
    let Some(events) = events::real() else { return };
    let mut more = events::crossed(&events, 500, 2);
    let rules = generated::rules(&events, 1_000, 2);
    more.extend(events);
    let known = [Quirk::KeywordsAreForTexts, Quirk::DottedKeysAreAtTheTop, Quirk::NullIsMissing, Quirk::NullIsNoElement];
    let matches = differences::check(&rules, &more, &known);
    assert!(matches.len() > 20_000, "{} matches are too few to tell anything", matches.len());
}
