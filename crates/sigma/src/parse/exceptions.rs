//! Exceptions as people write them: a list in a YAML file, or one JSON object per record of a compacted topic.

use super::nearest::nearest;
use super::report::Report;
use super::yaml::{self, Node, Position};
use crate::ast::Place;
use crate::fnv::Fnv;
use crate::problem::{Code, Problem};
use model::{EventTime, Exception, Validity};
use std::collections::HashMap;

/// The keys of an exception.
const KEYS: [&str; 8] = ["id", "actor", "target", "rule", "from", "until", "reason", "author"];
/// Longest text of one key in characters.
const CHARS_MAX: usize = 1_000;
const DAY_MS: i64 = 86_400_000;

/// What some files of exceptions gave.
#[derive(Debug, Clone, Default)]
pub struct LoadedExceptions {
    /// Those that can be used, and where each stands.
    pub exceptions: Vec<(Exception, Place)>,
    /// What is wrong with the others, and what is doubtful.
    pub problems: Vec<Problem>,
}

/// Reads files, given as (name, text). `now` bounds how far ahead an exception may end, and says which have ended already; whether one
/// covers an alert depends on the alert's time alone. Of exceptions with the same id the first stays.
pub fn parse_all(files: impl IntoIterator<Item = (String, String)>, now: EventTime) -> LoadedExceptions {
    let mut loaded = LoadedExceptions::default();
    let mut places: HashMap<String, Place> = HashMap::new();
    for (file, text) in files {
        let mut report = Report::new(&file);
        for (exception, at) in read_file(&text, now, &mut report) {
            let place = Place { file: file.as_str().into(), line: at.line };
            if let Some(first) = places.get(&exception.id) {
                let message = format!("the exception `{}` is already there, in {}:{}", exception.id, first.file, first.line);
                report.error_with_hint(Code::DuplicateException, at, message, "give one of them another `id:`");
                continue;
            }
            places.insert(exception.id.clone(), place.clone());
            loaded.exceptions.push((exception, place));
        }
        loaded.problems.extend(report.finish());
    }
    loaded
}

/// Reads a record of a compacted topic: the value is one JSON object with the keys of a file's entry, the key is its id.
pub fn parse_record(key: &str, value: &str, now: EventTime) -> Result<Exception, String> {
    let json: serde_json::Value = serde_json::from_str(value).map_err(|error| format!("no JSON: {error}"))?;
    let object = json.as_object().ok_or("not a JSON object")?;
    let mut texts = Vec::with_capacity(object.len());
    for (name, value) in object {
        let text = match value {
            serde_json::Value::Null => continue,
            serde_json::Value::String(text) => text.trim().to_owned(),
            serde_json::Value::Number(number) => number.to_string(),
            _ => return Err(format!("`{name}` has to be a text")),
        };
        texts.push((known_key(name)?, text));
    }
    let draft = Draft { texts: texts.iter().map(|(name, text)| (*name, text.as_str())).collect(), id: Some(key) };
    if draft.get("id").is_some_and(|it| it != key) {
        return Err("the key of the record is not the `id` in it".to_owned());
    }
    draft.exception(now).map_err(|(_, _, message, _)| message)
}

fn known_key(name: &str) -> Result<&'static str, String> {
    KEYS.into_iter().find(|it| *it == name).ok_or_else(|| {
        let meant = nearest(name, KEYS).map(|it| format!("; did you mean `{it}`?")).unwrap_or_default();
        format!("an exception has no `{name}`{meant}")
    })
}

fn read_file(text: &str, now: EventTime, report: &mut Report) -> Vec<(Exception, Position)> {
    let mut found = Vec::new();
    for document in yaml::documents(text, report) {
        for node in document.as_list() {
            if let Some(exception) = read(node, now, report) {
                found.push((exception, node.at));
            }
        }
    }
    found
}

fn read(node: &Node, now: EventTime, report: &mut Report) -> Option<Exception> {
    let Some(pairs) = node.as_map() else {
        let message = format!("an exception is {}; it has to be a map", node.describe());
        report.error_with_hint(
            Code::BadException,
            node.at,
            message,
            "write `- actor: …` with `until`, `reason` and `author` under it",
        );
        return None;
    };
    let errors = report.errors();
    let mut texts = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        match (known_key(&key.text), value.as_scalar()) {
            (Err(message), _) => report.error(Code::BadException, key.at, message),
            (Ok(name), Some(scalar)) => texts.push((name, scalar.text.trim())),
            (Ok(name), None) => {
                report.error(Code::BadException, value.at, format!("`{name}` is {}; it has to be a text", value.describe()));
            }
        }
    }
    let draft = Draft { texts, id: None };
    match draft.exception(now) {
        Ok(exception) if report.errors() == errors => {
            if exception.at(now) == Validity::Expired {
                let message = format!("the exception `{}` has ended at {}: alerts page again", exception.id, exception.until);
                report.warning_with_hint(Code::ExpiredException, node.at, message, "remove it, or find somebody to renew it");
            }
            Some(exception)
        }
        Ok(_) => None,
        Err((code, key, message, hint)) => {
            let at = pairs.iter().find(|(it, _)| it.text == key).map_or(node.at, |(_, value)| value.at);
            report.error_with_hint(code, at, message, hint);
            None
        }
    }
}

/// The texts of one exception.
struct Draft<'t> {
    texts: Vec<(&'static str, &'t str)>,
    /// What it is called whatever it says.
    id: Option<&'t str>,
}

/// The code of a problem, the key that it is about, what is wrong and what to do.
type Refusal = (Code, &'static str, String, &'static str);

impl Draft<'_> {
    /// The text of a key, unless it is empty.
    fn get(&self, key: &str) -> Option<&str> {
        self.texts.iter().find(|(it, _)| *it == key).map(|(_, text)| *text).filter(|it| !it.is_empty())
    }

    fn exception(&self, now: EventTime) -> Result<Exception, Refusal> {
        if let Some((name, _)) = self.texts.iter().find(|(_, text)| text.chars().count() > CHARS_MAX) {
            let message = format!("`{name}` has more than {CHARS_MAX} characters");
            return Err((Code::BadException, name, message, "say it shorter"));
        }
        let owned = |key: &str| self.get(key).map(str::to_owned);
        let (actor, target, rule) = (owned("actor"), owned("target"), owned("rule"));
        if actor.is_none() && target.is_none() && rule.is_none() {
            let message = "the exception is for everything".to_owned();
            return Err((Code::BadException, "id", message, "name an `actor`, a `target` or a `rule`"));
        }
        let missing = |key: &'static str| {
            (Code::BadException, key, format!("the exception has no `{key}`"), "say who has decided it, and why")
        };
        let reason = owned("reason").ok_or_else(|| missing("reason"))?;
        let author = owned("author").ok_or_else(|| missing("author"))?;
        let (from, until) = self.span(now)?;
        let id = self.id.map(str::to_owned).or_else(|| owned("id")).unwrap_or_else(|| self.derived_id());
        Ok(Exception { id, actor, target, rule, from, until, reason, author })
    }

    /// From when to when it holds.
    fn span(&self, now: EventTime) -> Result<(EventTime, EventTime), Refusal> {
        const HOW: &str = "write a day such as 2026-12-31, or a time such as 2026-12-31T18:00:00Z";
        let time = |key: &'static str| match self.get(key) {
            None => Ok(None),
            Some(text) => {
                read_time(text).map(Some).ok_or_else(|| (Code::BadException, key, format!("`{key}` is no time: {text}"), HOW))
            }
        };
        let (from, until) = (time("from")?, time("until")?);
        let Some(until) = until else {
            return Err((Code::ExceptionWithoutEnd, "until", "the exception has no `until`".to_owned(), HOW));
        };
        let days = Exception::SPAN_MS_MAX / DAY_MS;
        let begins = from.unwrap_or(until.plus_ms(-Exception::SPAN_MS_MAX));
        if until > now.plus_ms(Exception::SPAN_MS_MAX) || until > begins.plus_ms(Exception::SPAN_MS_MAX) {
            let message = format!("the exception ends at {until}: at most {days} days are allowed");
            return Err((
                Code::ExceptionWithoutEnd,
                "until",
                message,
                "what is to stay belongs into the rule, where it is reviewed",
            ));
        }
        if until <= begins {
            let message = format!("the exception ends at {until}, before it begins at {begins}");
            return Err((Code::BadException, "until", message, HOW));
        }
        Ok((begins, until))
    }

    /// An id for an exception without one: the same for the same words.
    fn derived_id(&self) -> String {
        let mut hash = Fnv::new();
        for key in KEYS {
            hash.write_text(self.get(key).unwrap_or_default());
        }
        format!("ex-{:016x}", hash.finish())
    }
}

/// A time, or the beginning of a day in UTC.
fn read_time(text: &str) -> Option<EventTime> {
    EventTime::parse(text).or_else(|| EventTime::parse(&format!("{text}T00:00:00Z")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> EventTime {
        EventTime::parse("2026-03-02T00:00:00Z").unwrap()
    }

    fn load(text: &str) -> LoadedExceptions {
        parse_all([("exceptions.yml".to_owned(), text.to_owned())], now())
    }

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let loaded = load(text);
        let told: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|it| it.contains(expected)), "{told:?}");
        assert!(loaded.exceptions.is_empty(), "{:?}", loaded.exceptions);
    }

    #[test]
    fn an_exception_names_an_entity_an_end_a_reason_and_an_author() {
        let text = "- id: EX-1\n  actor: u1107\n  rule: mass_lookups\n  until: 2026-06-30\n  reason: year-end review\n  author: ana\n\
                    - target: 783214\n  until: 2026-03-03T18:00:00+02:00\n  reason: test account\n  author: bo\n";
        let loaded = load(text);
        assert_eq!(loaded.problems, []);
        let [(first, place), (second, _)] = loaded.exceptions.as_slice() else { panic!("{loaded:?}") };
        assert_eq!((first.id.as_str(), first.actor.as_deref(), first.target.as_deref()), ("EX-1", Some("u1107"), None));
        assert_eq!((first.until.to_string().as_str(), place.line), ("2026-06-30T00:00:00.000Z", 1));
        assert_eq!((second.target.as_deref(), second.until.to_string().as_str()), (Some("783214"), "2026-03-03T16:00:00.000Z"));
        assert!(second.id.starts_with("ex-"));
        assert_eq!(second.id, load(text).exceptions[1].0.id);
    }

    #[test]
    fn what_is_wrong_with_an_exception_is_told_with_line_and_column() {
        const END: &str = "  until: 2026-06-30\n  reason: r\n  author: a\n";
        refused(&format!("- id: x\n{END}"), "exceptions.yml:1:7: error: the exception is for everything");
        refused("- actor: u\n  reason: r\n  author: a\n", "exceptions.yml:1:3: error: the exception has no `until`");
        refused("- actor: u\n  until: soon\n  reason: r\n  author: a\n", "exceptions.yml:2:10: error: `until` is no time: soon");
        refused(
            "- actor: u\n  until: 2027-03-04\n  reason: r\n  author: a\n",
            "exceptions.yml:2:10: error: the exception ends at 2027-03-04",
        );
        refused("- actor: u\n  from: 2026-03-01\n  until: 2026-03-01\n  reason: r\n  author: a\n", "before it begins");
        refused("- actor: u\n  until: 2026-06-30\n  author: a\n", "no `reason`");
        refused("- actor: u\n  until: 2026-06-30\n  reason: r\n", "no `author`");
        refused(&format!("- actr: u\n{END}"), "exceptions.yml:1:3: error: an exception has no `actr`; did you mean `actor`?");
        refused(&format!("- actor: [u]\n{END}"), "`actor` is a list");
        refused("- u1107\n", "an exception is a text");
    }

    #[test]
    fn of_two_exceptions_of_one_id_the_first_stays_and_an_ended_one_is_a_warning() {
        let text = "- {id: x, actor: u, until: 2026-06-30, reason: r, author: a}\n- {id: x, actor: w, until: 2026-02-01, reason: r, author: a}\n\
                    - {id: y, actor: w, until: 2026-02-01, reason: r, author: a}\n";
        let loaded = load(text);
        assert_eq!(loaded.exceptions.iter().map(|(it, _)| it.id.as_str()).collect::<Vec<_>>(), ["x", "y"]);
        let codes: Vec<Code> = loaded.problems.iter().map(|it| it.code).collect();
        assert!(codes.contains(&Code::DuplicateException) && codes.contains(&Code::ExpiredException), "{codes:?}");
    }

    #[test]
    fn a_record_is_an_exception_whose_id_is_its_key() {
        let value = r#"{"actor":"u1107","until":"2026-06-30T00:00:00Z","reason":"\ud83d\ude00","author":"ana","rule":null}"#;
        let exception = parse_record("EX-7", value, now()).unwrap();
        assert_eq!((exception.id.as_str(), exception.reason.as_str()), ("EX-7", "😀"));
        for (key, value, expected) in [
            ("x", "[]", "not a JSON object"),
            ("x", "{", "no JSON"),
            ("x", r#"{"actor":"u","until":"2026-06-30","reason":"r","author":"a","id":"y"}"#, "key of the record"),
            ("x", r#"{"actor":"u","reason":"r","author":"a"}"#, "no `until`"),
            ("x", r#"{"actor":{},"until":"2026-06-30","reason":"r","author":"a"}"#, "`actor` has to be a text"),
            ("x", r#"{"untill":"2026-06-30"}"#, "did you mean `until`?"),
        ] {
            let told = parse_record(key, value, now()).unwrap_err();
            assert!(told.contains(expected), "{told}");
        }
    }
}
