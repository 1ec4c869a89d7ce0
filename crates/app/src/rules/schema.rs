//! `nightjar rules schema`: what a rule may look like, as a JSON schema (draft 7, which every editor's YAML support reads).
//!
//! The schema helps while a rule is typed; whether it loads is what `rules check` says. Where the two must differ, the schema is
//! the milder one: it knows nothing of selections in conditions, of lists, of other rules.

use super::words::{self, Word};
use crate::exit::Exit;
use anyhow::Result;
use model::source::SourceMapping;
use serde_json::{Map, Value as Json, json};
use std::io::Write;

/// `nightjar rules schema`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  nightjar rules schema > sigma.schema.json

Then put this into the first line of a rule, or map `rules/**/*.yml` to the file in your editor:
  # yaml-language-server: $schema=../sigma.schema.json")]
pub(crate) struct Args {}

/// Writes the schema.
pub(crate) fn main(_: &Args) -> Result<Exit> {
    writeln!(std::io::stdout().lock(), "{:#}", schema())?;
    Ok(Exit::Done)
}

/// Day, as a YAML reader without dates sees it.
const DAY: &str = "^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])$";

/// A timespan.
const TIMESPAN: &str = "^0*[1-9][0-9]*[smhdwMy]$";

/// The modifiers that say what a value is, of which a field has one; after a part of a time a comparison may follow.
const TESTS: &str = "re|cidr|exists|fieldref";
const COMPARES: &str = "lt|lte|gt|gte";
/// Parts of a time with the least and the most they can be.
const TIME_PARTS: [(&str, i64, i64); 6] =
    [("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("week", 1, 53), ("month", 1, 12), ("year", 0, 9999)];

fn schema() -> Json {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://github.com/nightjar-project/nightjar/sigma.schema.json",
        "title": "Sigma rules for Nightjar",
        "description": "A rule, a correlation or a filter (Sigma specification 2.1)",
        "type": "object",
        "oneOf": [
            {"$ref": "#/definitions/rule"},
            {"$ref": "#/definitions/correlation"},
            {"$ref": "#/definitions/filter"},
            {"$ref": "#/definitions/action"},
        ],
        "definitions": {
            "rule": document(&["logsource", "detection"], &["correlation", "filter", "action"]),
            "correlation": document(&["correlation"], &["detection", "filter", "action"]),
            "filter": document(&["logsource", "filter"], &["detection", "correlation", "action"]),
            "action": {
                "title": "A document of a rule collection",
                "required": ["action"],
                "properties": top_properties(),
            },
            "detection": detection(),
            "correlation_section": correlation(),
            "filter_section": filter(),
            "selection": selection(),
            "items": items(),
            "values": values(),
            "texts": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
            "names": some(&json!({"type": "string", "minLength": 1})),
            "nightjar": nightjar(),
        },
    })
}

/// A document that has `required` and nothing of `others`.
fn document(required: &[&str], others: &[&str]) -> Json {
    let mut all = vec!["title"];
    all.extend(required);
    let others: Vec<Json> = others.iter().map(|it| json!({"required": [it]})).collect();
    json!({
        "title": required.last(),
        "required": all,
        "not": {"anyOf": others},
        "properties": top_properties(),
    })
}

fn top_properties() -> Json {
    let mut properties = Map::new();
    for Word { name, meaning } in words::TOP_KEYS {
        let mut property = match name {
            "title" | "name" => json!({"type": "string", "minLength": 1, "maxLength": 256}),
            "id" => json!({"type": "string", "format": "uuid"}),
            "related" => json!({"type": "array", "items": related()}),
            "status" => one_of(&words::STATUSES),
            "level" => one_of(&words::LEVELS),
            "date" | "modified" => json!({"type": "string", "pattern": DAY}),
            "logsource" => logsource(),
            "detection" => json!({"$ref": "#/definitions/detection"}),
            "correlation" => json!({"$ref": "#/definitions/correlation_section"}),
            "filter" => json!({"$ref": "#/definitions/filter_section"}),
            "references" | "fields" | "falsepositives" | "scope" => json!({"$ref": "#/definitions/texts"}),
            "tags" => json!({"type": "array", "items": {"type": "string", "pattern": "^[a-z0-9_-]+\\.[a-z0-9._-]+$"}}),
            "generate" => json!({"type": "boolean"}),
            "action" => json!({"enum": ["global", "reset", "repeat"]}),
            _ => json!({"type": "string"}),
        };
        // Beside a reference, draft 7 ignores everything else.
        if property.get("$ref").is_some() {
            property = json!({"allOf": [property]});
        }
        property["description"] = Json::from(meaning);
        properties.insert(name.to_owned(), property);
    }
    properties.insert("nightjar".to_owned(), json!({"allOf": [{"$ref": "#/definitions/nightjar"}]}));
    Json::Object(properties)
}

/// The words of a closed set, each with its meaning.
fn one_of(words: &[Word]) -> Json {
    let choices: Vec<Json> = words.iter().map(|it| json!({"const": it.name, "description": it.meaning})).collect();
    json!({"oneOf": choices})
}

fn related() -> Json {
    json!({
        "type": "object",
        "required": ["id", "type"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "type": {"enum": ["derived", "obsolete", "merged", "renamed", "similar"]},
        },
    })
}

fn logsource() -> Json {
    let mut properties = Map::new();
    let sources: Vec<SourceMapping> = SourceMapping::built_in_names().filter_map(|it| SourceMapping::built_in(it).ok()).collect();
    for Word { name, meaning } in words::LOGSOURCE_KEYS {
        let known = |it: &SourceMapping| match name {
            "product" => it.logsource.product.clone(),
            "service" => it.logsource.service.clone(),
            _ => None,
        };
        let mut examples: Vec<String> = sources.iter().filter_map(known).collect();
        examples.sort();
        examples.dedup();
        properties.insert(name.to_owned(), json!({"type": "string", "description": meaning, "examples": examples}));
    }
    json!({"type": "object", "properties": properties})
}

fn detection() -> Json {
    json!({
        "type": "object",
        "required": ["condition"],
        "minProperties": 2,
        "properties": {
            "condition": {
                "description": "Selections joined with and, or, not, parentheses; `1 of sel*`, `all of sel*`, `all of them`.",
                "allOf": [{"$ref": "#/definitions/texts"}],
            },
            // Sigma 1 counted here; correlations do it now.
            "timeframe": false,
        },
        "additionalProperties": {"$ref": "#/definitions/selection"},
    })
}

/// What a selection may be: a map of items, a list of such maps or of keywords, or one keyword.
fn selection() -> Json {
    json!({
        "anyOf": [
            {"$ref": "#/definitions/items"},
            {
                "type": "array",
                "minItems": 1,
                "items": {"anyOf": [{"$ref": "#/definitions/items"}, {"type": ["string", "number", "boolean"]}]},
            },
            {"type": ["string", "number"]},
        ],
    })
}

/// `field|modifier|…: values`. Fields that are known are listed so that editors can offer them; any other is fine.
fn items() -> Json {
    let mut properties = Map::new();
    for source in SourceMapping::built_in_names().filter(|it| *it != "raw") {
        let Ok(mapping) = SourceMapping::built_in(source) else { continue };
        for field in words::of_source(&mapping) {
            let meaning = format!("({source}) {}", field.meaning);
            match properties.get_mut(&field.path) {
                Some(known) => {
                    let before = known["description"].as_str().unwrap_or_default();
                    known["description"] = Json::from(format!("{before}\n{meaning}"));
                }
                None => _ = properties.insert(field.path, json!({"description": meaning, "examples": field.values})),
            }
        }
    }
    let modifiers: Vec<&str> = words::MODIFIERS.iter().map(|it| it.name).collect();
    let mut patterns = Map::new();
    patterns.insert(format!("^[^|]*(\\|({}))*$", modifiers.join("|")), json!({"$ref": "#/definitions/values"}));
    patterns.insert("\\|exists(\\||$)".to_owned(), some(&json!({"type": "boolean"})));
    patterns.insert(format!("\\|({COMPARES})(\\||$)"), some(&json!({"type": "number"})));
    for (part, least, most) in TIME_PARTS {
        let values = some(&json!({"type": "integer", "minimum": least, "maximum": most}));
        patterns.insert(format!("\\|{part}(\\||$)"), values);
    }
    let parts = TIME_PARTS.map(|it| it.0).join("|");
    let both = |first: &str, second: &str| json!({"pattern": format!("\\|({first})\\|(.*\\|)?({second})(\\||$)")});
    let conflicts = [
        both("contains|startswith|endswith", "contains|startswith|endswith"),
        both(&format!("{TESTS}|{COMPARES}"), &format!("{TESTS}|{COMPARES}|{parts}")),
        both(&parts, &format!("{TESTS}|{parts}")),
    ];
    json!({
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"not": {"anyOf": conflicts}},
        "properties": properties,
        "patternProperties": patterns,
        "additionalProperties": false,
    })
}

/// One of these, or a list of at least one.
fn some(value: &Json) -> Json {
    json!({"anyOf": [value, {"type": "array", "minItems": 1, "items": value}]})
}

fn values() -> Json {
    some(&json!({"type": ["string", "number", "boolean", "null"]}))
}

fn correlation() -> Json {
    let texts = json!({"$ref": "#/definitions/texts"});
    let mut properties = Map::new();
    for Word { name, meaning } in words::CORRELATION_KEYS {
        let mut property = match name {
            "type" => one_of(&words::CORRELATION_TYPES),
            "timespan" => json!({"type": "string", "pattern": TIMESPAN}),
            "condition" => json!({"anyOf": [comparisons(), {"type": "string"}]}),
            "generate" => json!({"type": "boolean"}),
            "rules" => json!({"allOf": [{"$ref": "#/definitions/names"}]}),
            "aliases" => json!({
                "type": "object",
                "additionalProperties": {"type": "object", "additionalProperties": {"type": "string"}},
            }),
            _ => json!({"allOf": [texts]}),
        };
        property["description"] = Json::from(meaning);
        properties.insert(name.to_owned(), property);
    }
    json!({
        "type": "object",
        "required": ["type", "rules", "timespan"],
        "properties": properties,
        "additionalProperties": false,
        "allOf": condition_of_type(),
    })
}

fn comparisons() -> Json {
    let mut properties = Map::new();
    for Word { name, meaning } in words::COMPARISONS {
        let mut property = match name {
            "field" => json!({"allOf": [{"$ref": "#/definitions/texts"}]}),
            "percentile" => json!({"type": "number", "minimum": 0, "maximum": 100}),
            _ => json!({"type": "number"}),
        };
        property["description"] = Json::from(meaning);
        properties.insert(name.to_owned(), property);
    }
    json!({"type": "object", "minProperties": 1, "properties": properties, "additionalProperties": false})
}

/// What a condition has to be, by type: a map where something is counted or measured, and with a field where that has values; an order
/// or a coincidence is one by itself.
fn condition_of_type() -> Json {
    let of = |are_wanted: &dyn Fn(&str) -> bool| {
        let names: Vec<&str> = words::CORRELATION_TYPES.iter().map(|it| it.name).filter(|it| are_wanted(it)).collect();
        json!({"properties": {"type": {"enum": names}}})
    };
    json!([
        {
            "if": of(&|it| !it.starts_with("temporal")),
            "then": {"required": ["condition"], "properties": {"condition": {"type": "object"}}},
        },
        {
            "if": of(&|it| matches!(it, "event_count" | "value_count")),
            "then": {"properties": {"condition": counts()}},
        },
        {
            "if": of(&|it| it.starts_with("value_")),
            "then": {"properties": {"condition": {"required": ["field"]}}},
        },
        {
            "if": of(&|it| it != "value_percentile"),
            "then": {"properties": {"condition": {"properties": {"percentile": false}}}},
        },
    ])
}

/// Comparisons with how many there are.
fn counts() -> Json {
    let count = json!({"type": "integer", "minimum": 0});
    let names = words::COMPARISONS.iter().map(|it| it.name).filter(|it| !matches!(*it, "field" | "percentile"));
    json!({"properties": names.map(|it| (it.to_owned(), count.clone())).collect::<Map<_, _>>()})
}

fn filter() -> Json {
    json!({
        "type": "object",
        "required": ["rules", "condition"],
        // One of them is a selection.
        "minProperties": 3,
        "properties": {
            "rules": {"description": "The rules it applies to, by name or id; `any` for all.", "allOf": [{"$ref": "#/definitions/names"}]},
            "condition": {"type": "string", "description": "What must hold besides for those rules to match: `not selection`, say."},
        },
        "additionalProperties": {"$ref": "#/definitions/selection"},
    })
}

/// The attributes of our own, all under one key.
fn nightjar() -> Json {
    let mut properties = Map::new();
    for Word { name, meaning } in words::EXTENSION_KEYS {
        properties.insert(name.to_owned(), json!({"type": "string", "pattern": TIMESPAN, "description": meaning}));
    }
    json!({"type": "object", "description": "Attributes that only Nightjar reads.", "properties": properties})
}

#[cfg(test)]
mod tests;
