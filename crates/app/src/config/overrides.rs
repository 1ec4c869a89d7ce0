//! Overrides from the environment: `NIGHTJAR_KAFKA__GROUP_ID` is `group_id` in `[kafka]`.
//!
//! Two underscores go one level down, numbers are places in a list (`NIGHTJAR_SOURCES__0__MAPPING`). A variable without
//! two underscores is none of ours: orchestrators set `NIGHTJAR_PORT` and the like for a service of that name.

use toml::{Table, Value};

use super::{Config, ConfigError};

const PREFIX: &str = "NIGHTJAR_";

/// Puts the overrides of `environment` over `table`, from which `config` was read.
pub(super) fn apply(
    mut config: Config,
    mut table: Table,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let mut overrides: Vec<(String, String)> = environment.into_iter().filter(|(name, _)| is_override(name)).collect();
    // Lists grow in the order of their places, and errors do not depend on the order of the environment.
    overrides.sort();
    for (name, text) in overrides {
        if is_secret_of(&config, &name) {
            continue;
        }
        let path: Vec<String> = name[PREFIX.len()..].split("__").map(str::to_lowercase).collect();
        (config, table) = with_override(&table, &name, &path, &text)?;
    }
    Ok(config)
}

fn is_override(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|it| it.contains("__"))
}

/// A variable that holds a secret may be called anything.
fn is_secret_of(config: &Config, name: &str) -> bool {
    let security = &config.kafka.security;
    [&security.password_env, &security.ssl_key_password_env].into_iter().flatten().any(|it| it == name)
}

/// The first reading of `text` that the key takes: a TOML value, a text as it is, a list of texts separated by commas.
fn with_override(table: &Table, name: &str, path: &[String], text: &str) -> Result<(Config, Table), ConfigError> {
    let as_toml = toml::from_str::<Table>(&format!("value = {text}")).ok().and_then(|mut it| it.remove("value"));
    let as_list = text.split(',').map(|it| Value::String(it.trim().to_owned())).collect();
    let readings = [as_toml, Some(Value::Array(as_list)), Some(Value::String(text.to_owned()))];
    let mut refusal = None;
    for reading in readings.into_iter().flatten() {
        let mut changed = table.clone();
        if !set(&mut changed, path, reading) {
            let message = format!("`{}` is no key of the configuration", path.join("."));
            return Err(ConfigError::InEnvironment { name: name.to_owned(), message });
        }
        match changed.clone().try_into::<Config>() {
            Ok(config) => return Ok((config, changed)),
            Err(error) => refusal = Some(ConfigError::in_environment(name, &error)),
        }
    }
    Err(refusal.expect("there are always two readings, and each was taken or refused"))
}

/// Puts `value` at `path`, making what is missing on the way. False if there is something else on the way.
fn set(table: &mut Table, path: &[String], value: Value) -> bool {
    let [first, rest @ ..] = path else { return false };
    if rest.is_empty() {
        table.insert(first.clone(), value);
        return true;
    }
    let is_place = rest[0].parse::<usize>().is_ok();
    let empty = if is_place { Value::Array(Vec::new()) } else { Value::Table(Table::new()) };
    set_in(table.entry(first.clone()).or_insert(empty), rest, value)
}

fn set_in(parent: &mut Value, path: &[String], value: Value) -> bool {
    match parent {
        Value::Table(table) => set(table, path, value),
        Value::Array(list) => {
            let Some(place) = path[0].parse::<usize>().ok().filter(|it| *it <= list.len()) else { return false };
            if place == list.len() {
                list.push(Value::Table(Table::new()));
            }
            if path.len() == 1 {
                list[place] = value;
                return true;
            }
            set_in(&mut list[place], &path[1..], value)
        }
        _ => false,
    }
}
