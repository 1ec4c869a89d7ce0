//! From lines to events: decoding, then the roles that every event must have.

use crate::decode::{Decoder, Limits, Lines};
use model::event::first;
use model::source::Required;
use model::{EventTime, LatestMinute, Reject, RejectCode, SlotId, Value};
use sigma::compile::Program;
use std::sync::Arc;

/// Times outside this range are not believed: the event goes to the dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plausible {
    /// Nothing that is watched was logged before.
    pub earliest: EventTime,
    /// Nothing happened after; usually a little after now.
    pub latest: EventTime,
}

impl Plausible {
    /// Audit logs did not come from before 2000-01-01T00:00:00Z.
    pub const EARLIEST: EventTime = EventTime::from_ms(946_684_800_000);

    /// From [`Self::EARLIEST`] up to `latest`.
    pub fn until(latest: EventTime) -> Self {
        Self { earliest: Self::EARLIEST, latest }
    }
}

/// The roles of one event that scoring needs.
#[derive(Debug, Clone, Copy)]
pub struct Head<'b> {
    /// Event time.
    pub time: EventTime,
    /// Who acted; `Missing` where the source does not require an actor.
    pub actor: Value<'b>,
    /// The event's own identifier, or `Missing`.
    pub id: Value<'b>,
    /// The whole line.
    pub line: &'b str,
    /// Whether it is a canary: nobody's doing, so that it goes the whole way but no rule and no profile sees it.
    pub is_canary: bool,
}

/// One line of the input: an event, or why it is none.
#[derive(Debug)]
pub struct Record<'b> {
    /// 0-based number of the line in its block, blank lines counted.
    pub number: usize,
    /// Where the line begins in its block.
    pub offset: usize,
    /// The line without its end.
    pub bytes: &'b [u8],
    /// The event's head, or the reason.
    pub outcome: Result<Head<'b>, Reject>,
}

/// Decodes the lines of one source in one thread.
#[derive(Debug)]
pub struct Reader {
    program: Arc<Program>,
    decoder: Decoder,
    limits: Limits,
    plausible: Plausible,
    /// The time of the event before, which a source without times lends to the next.
    last: EventTime,
    minute: LatestMinute,
}

impl Reader {
    /// A reader for the source of `program`.
    pub fn new(program: Arc<Program>, limits: Limits, plausible: Plausible) -> Self {
        let decoder = Decoder::new(&program.schema.projection, limits);
        Self { program, decoder, limits, plausible, last: Plausible::EARLIEST, minute: LatestMinute::default() }
    }

    /// Goes on with the fields that another program of the same source needs.
    pub fn adopt(&mut self, program: &Arc<Program>) {
        self.decoder = Decoder::new(&program.schema.projection, self.limits);
        self.program = Arc::clone(program);
    }

    /// Moves the end of what is believed, as time goes by.
    pub fn set_latest(&mut self, latest: EventTime) {
        self.plausible.latest = latest;
    }

    /// How many values an event has.
    pub fn width(&self) -> usize {
        self.program.schema.projection.len()
    }

    /// Reads the next line; its values are appended to `values`, which is left as it was for a line that is no event.
    pub fn next<'b>(&mut self, lines: &mut Lines<'b>, values: &mut Vec<Value<'b>>) -> Option<Record<'b>> {
        let start = values.len();
        values.resize(start + self.width(), Value::Missing);
        let Some(line) = self.decoder.next_into(lines, &mut values[start..]) else {
            values.truncate(start);
            return None;
        };
        let outcome = line.outcome.and_then(|text| self.head(text, &values[start..]));
        if outcome.is_err() {
            values.truncate(start);
        }
        Some(Record { number: line.number, offset: line.offset, bytes: line.bytes, outcome })
    }

    fn head<'b>(&mut self, line: &'b str, values: &[Value<'b>]) -> Result<Head<'b>, Reject> {
        let program = &*self.program;
        let (mapping, roles) = (&program.schema.mapping, &program.schema.roles);
        let time = match first(values, &roles.time) {
            Value::Missing if !mapping.requires(Required::Time) => self.last,
            Value::Text(text) if let Some(time) = self.minute.parse(text) => self.plausible(time, text, line)?,
            value => self.time(value, line, is_absent(values, &roles.time))?,
        };
        let actor = role(values, line, &roles.actor, &mapping.roles.actor, mapping.requires(Required::Actor))?;
        if mapping.requires(Required::Action) {
            role(values, line, &roles.action, &mapping.roles.action, true)?;
        }
        let id = match first(values, &roles.id) {
            Value::Bool(_) => Value::Missing,
            id => id,
        };
        self.last = time;
        Ok(Head { time, actor, id, line, is_canary: self.program.schema.pulse.is_canary(values) })
    }

    fn time(&self, value: Value<'_>, line: &str, is_absent: bool) -> Result<EventTime, Reject> {
        let name = || self.program.schema.mapping.roles.time.join(" or ");
        let (text, time) = match value {
            Value::Text(text) => (text, EventTime::parse(text).or_else(|| EventTime::from_unix(text))),
            // Some writers escape the `+` of an offset.
            Value::Escaped(raw) => (raw, EventTime::read(&model::value::unescape(raw))),
            Value::Number(text) => (text, EventTime::from_unix(text)),
            Value::Missing if is_absent => {
                return Err(Reject::new(RejectCode::MissingField, 0, format!("no time in `{}`", name())));
            }
            _ => return Err(Reject::new(RejectCode::WrongType, 0, format!("`{}` is neither a text nor a number", name()))),
        };
        let offset = offset_in(line, text);
        let Some(time) = time else {
            let reason = format!("`{}` is no time: `{}` (RFC 3339 or a Unix time is expected)", name(), shortened(text));
            return Err(Reject::new(RejectCode::WrongType, offset, reason));
        };
        self.plausible(time, text, line)
    }

    /// The time, if it is believed.
    fn plausible(&self, time: EventTime, text: &str, line: &str) -> Result<EventTime, Reject> {
        let Plausible { earliest, latest } = self.plausible;
        if time < earliest || time > latest {
            let reason = format!("{time} is not between {earliest} and {latest}");
            return Err(Reject::new(RejectCode::TimeOutOfRange, offset_in(line, text), reason));
        }
        Ok(time)
    }
}

/// The value of a role that has to be a text or a number.
#[inline]
fn role<'b>(values: &[Value<'b>], line: &str, slots: &[SlotId], names: &[String], is_required: bool) -> Result<Value<'b>, Reject> {
    match first(values, slots) {
        value @ (Value::Text(_) | Value::Escaped(_) | Value::Number(_)) => Ok(value),
        _ if !is_required => Ok(Value::Missing),
        _ => Err(lacking(values, line, slots, names)),
    }
}

/// Why a role that is required has no value.
#[cold]
fn lacking(values: &[Value<'_>], line: &str, slots: &[SlotId], names: &[String]) -> Reject {
    let names = names.join("` or `");
    let compound =
        slots.iter().map(|it| values[it.index()]).find(|it| !matches!(it, Value::Missing | Value::Null | Value::Text(_)));
    match compound {
        Some(Value::Array(raw) | Value::Object(raw) | Value::Within { array: raw, .. }) => {
            let reason = format!("`{names}` is not a text but `{}`", shortened(raw));
            Reject::new(RejectCode::WrongType, offset_in(line, raw), reason)
        }
        Some(_) => Reject::new(RejectCode::WrongType, 0, format!("`{names}` is not a text")),
        None => Reject::new(RejectCode::MissingField, 0, format!("no value in `{names}`")),
    }
}

/// Whether none of `slots` has any value but `null` and the empty text.
fn is_absent(values: &[Value<'_>], slots: &[SlotId]) -> bool {
    slots.iter().all(|it| matches!(values[it.index()], Value::Missing | Value::Null | Value::Text("")))
}

/// Where `part`, a piece of `line`, begins in it.
fn offset_in(line: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(line.as_ptr() as usize).min(line.len())
}

fn shortened(text: &str) -> String {
    const CHARACTERS: usize = 60;
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// An empty vector that reuses the memory of another one, whatever the values in that were borrowed from.
pub fn recycled<'to>(mut values: Vec<Value<'_>>) -> Vec<Value<'to>> {
    values.clear();
    // Collecting an emptied vector of the same layout keeps its allocation; the closure is never called.
    values.into_iter().map(|_| Value::Missing).collect()
}
