//! Repetitions: one line of a page that stands for many events.

use crate::parse::timespan::timespan_ms;
use model::EventTime;
use serde_json::Value;

/// Where the sources that come with Nightjar keep their time. All that are there are moved.
const TIME_KEYS: [&str; 6] = ["time", "eventTime", "published", "@timestamp", "created_at", "p_event_time"];

/// The events that `line` stands for, at most `most` and not much more than `bytes_most`; else what is wrong with it.
pub(super) fn events(line: &str, most: usize, bytes_most: usize) -> Result<Vec<String>, String> {
    const FORM: &str = "a repetition is `x60 every 1d {…}`";
    if line.split_whitespace().next() == Some("wait") {
        return wait_ms(line).map(|_| vec![line.to_owned()]).ok_or_else(|| format!("`{line}` is not `wait 20m`"));
    }
    let Some(rest) = line.strip_prefix('x') else {
        return if most > 0 { Ok(vec![line.to_owned()]) } else { Err("too many events on this page".to_owned()) };
    };
    let (count, rest) = rest.split_once(char::is_whitespace).ok_or_else(|| format!("{FORM}, not `{line}`"))?;
    let count: usize = count.parse().map_err(|_| format!("`x{count}` is not a number of repetitions"))?;
    if count == 0 {
        return Err("`x0` repeats nothing: leave the line out".to_owned());
    }
    let rest = rest.trim_start().strip_prefix("every ").ok_or_else(|| format!("{FORM}; `every` is missing"))?;
    let (every, event) =
        rest.trim_start().split_once(char::is_whitespace).ok_or_else(|| format!("{FORM}; the event is missing"))?;
    let every_ms = timespan_ms(every).ok_or_else(|| format!("`{every}` is not a timespan"))?;
    if count > most || count.saturating_mul(event.len()) > bytes_most {
        return Err(format!("x{count} makes too many events for one page"));
    }
    (0..count).map(|number| event_at(event.trim(), number, every_ms)).collect()
}

/// How long a line `wait 20m` waits, in milliseconds; `None` for any other line.
pub(super) fn wait_ms(line: &str) -> Option<i64> {
    timespan_ms(line.strip_prefix("wait ")?.trim())
}

/// The event of one repetition.
fn event_at(event: &str, number: usize, every_ms: i64) -> Result<String, String> {
    let mut event = event_of(event, number)?;
    let number = i64::try_from(number).ok();
    moved(&mut event, number.and_then(|it| it.checked_mul(every_ms)).ok_or("the repetitions end beyond all time")?)?;
    Ok(event.to_string())
}

/// The event as it is written, with its number in the place of `{n}`.
pub(super) fn event_of(event: &str, number: usize) -> Result<Value, String> {
    let event = event.replace("{n}", &number.to_string());
    let event: Value = serde_json::from_str(&event).map_err(|error| format!("the repeated event is not JSON: {error}"))?;
    if event.is_object() { Ok(event) } else { Err("the repeated event is not an object".to_owned()) }
}

/// Moves all times of the event; the first of them as it was, in milliseconds.
pub(super) fn moved(event: &mut Value, offset_ms: i64) -> Result<i64, String> {
    let mut first = None;
    for key in TIME_KEYS {
        let Some(value) = event.get_mut(key) else { continue };
        let time = read(value).ok_or_else(|| format!("`{key}` of the repeated event is not a time"))?;
        let later = time.plus_ms(offset_ms);
        *value = if value.is_string() { later.to_string().into() } else { later.ms().into() };
        first = first.or(Some(time.ms()));
    }
    first.ok_or_else(|| format!("the repeated event has no time; it is looked for in {}", TIME_KEYS.join(", ")))
}

/// When the event of a line happened, in milliseconds, if one can tell.
pub(super) fn time_ms(line: &str) -> Option<i64> {
    let event: Value = serde_json::from_str(line).ok()?;
    TIME_KEYS.iter().find_map(|key| read(event.get(key)?)).map(EventTime::ms)
}

fn read(value: &Value) -> Option<EventTime> {
    match value {
        Value::String(text) => EventTime::parse(text),
        Value::Number(number) => EventTime::from_unix(&number.to_string()),
        _ => None,
    }
}
