//! YAML as JSON: for data files of tests and for what the JSON schemas are asked about.

use serde::Deserialize;
use serde_json::Value as Json;

/// The documents of a YAML text, or why it is none.
pub(crate) fn documents(text: &str) -> Result<Vec<Json>, String> {
    yaml_serde::Deserializer::from_str(text).map(|it| Json::deserialize(it).map_err(|error| error.to_string())).collect()
}
