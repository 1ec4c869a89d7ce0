//! Problems as SARIF 2.1.0 (OASIS), in the subset that code scanning of GitHub reads: rules with help, results with places,
//! fingerprints that survive moved lines, fixes.

use crate::load::Texts;
use serde_json::{Value as Json, json};
use sigma::lint::docs;
use sigma::problem::{Code, Fix, Problem, Severity};
use std::collections::HashMap;
use std::fmt::Write;

/// Where the tool is described.
const INFORMATION: &str = env!("CARGO_PKG_REPOSITORY");

/// The whole log.
pub(super) fn log(problems: &[Problem], texts: &Texts) -> Json {
    let places: HashMap<Code, usize> = Code::ALL.iter().enumerate().map(|(at, code)| (*code, at)).collect();
    let rules: Vec<Json> = Code::ALL.iter().map(|it| rule(*it)).collect();
    let mut prints = Fingerprints { lines: lines(texts), seen: HashMap::new() };
    let results: Vec<Json> = problems.iter().map(|it| result(it, places[&it.code], &mut prints)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "nightjar",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": INFORMATION,
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn lines(texts: &Texts) -> HashMap<&str, Vec<&str>> {
    texts.files.iter().chain(&texts.pages).map(|(file, text)| (file.as_str(), text.lines().collect())).collect()
}

fn rule(code: Code) -> Json {
    let about = docs::about(code).unwrap_or_else(|| code.summary());
    json!({
        "id": code.as_str(),
        "name": code.name(),
        "shortDescription": {"text": code.summary()},
        "fullDescription": {"text": about},
        "help": {"text": docs::text(code), "markdown": docs::markdown(code)},
        "defaultConfiguration": {"level": level(code.severity())},
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn result(problem: &Problem, rule: usize, prints: &mut Fingerprints<'_>) -> Json {
    let mut region = json!({"startLine": problem.line, "startColumn": problem.column});
    if let Some(end) = problem.end_column.filter(|it| *it > problem.column) {
        region["endColumn"] = json!(end);
    }
    let hint = problem.hint.as_ref().map_or_else(String::new, |it| format!(" ({it})"));
    let artifact = json!({"uri": uri(&problem.file)});
    let mut result = json!({
        "ruleId": problem.code.as_str(),
        "ruleIndex": rule,
        "level": level(problem.severity),
        "message": {"text": format!("{}{hint}", problem.message)},
        "locations": [{"physicalLocation": {"artifactLocation": artifact, "region": region}}],
        "partialFingerprints": {"primaryLocationLineHash": prints.of(problem)},
    });
    if let Some(fix) = &problem.fix {
        result["fixes"] = json!([mend(fix, &artifact)]);
    }
    result
}

fn mend(fix: &Fix, artifact: &Json) -> Json {
    let replacements: Vec<Json> = fix
        .edits
        .iter()
        .map(|edit| {
            json!({
                "deletedRegion": {
                    "startLine": edit.start.0, "startColumn": edit.start.1, "endLine": edit.end.0, "endColumn": edit.end.1,
                },
                "insertedContent": {"text": edit.text},
            })
        })
        .collect();
    json!({
        "description": {"text": fix.title},
        "artifactChanges": [{"artifactLocation": artifact, "replacements": replacements}],
    })
}

/// What stays of a result when lines move: code, file, text of the line, and which of several alike it is.
struct Fingerprints<'a> {
    lines: HashMap<&'a str, Vec<&'a str>>,
    seen: HashMap<u64, usize>,
}

impl Fingerprints<'_> {
    fn of(&mut self, problem: &Problem) -> String {
        let line = self.lines.get(problem.file.as_str()).and_then(|it| it.get(problem.line.saturating_sub(1))).unwrap_or(&"");
        let hash = fnv([problem.code.as_str(), &problem.file, line.trim()]);
        let count = self.seen.entry(hash).or_insert(0);
        *count += 1;
        format!("{hash:016x}:{count}")
    }
}

/// 64-bit FNV-1a: fingerprints must not change with a dependency.
fn fnv(parts: [&str; 3]) -> u64 {
    let bytes = parts.iter().flat_map(|it| it.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// A path as a relative reference of a URI (RFC 3986): slashes, everything unusual as percent-encoded bytes.
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path).replace('\\', "/");
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    #[test]
    fn paths_become_relative_references() {
        assert_eq!(super::uri("./rules/a b.yml"), "rules/a%20b.yml");
        assert_eq!(super::uri(r"rules\größe.yml"), "rules/gr%C3%B6%C3%9Fe.yml");
    }
}
