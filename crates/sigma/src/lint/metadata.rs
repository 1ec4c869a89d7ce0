//! What documents say about themselves: what is missing, misspelled, repeated or can't be.

use super::attack::{self, Word};
use super::source::{Doc, Source, replacement};
use crate::parse::nearest::{nearest, within};
use crate::parse::yaml::{Position, Typed};
use crate::problem::{Code, Problem};
use jiff::civil::Date;
use model::EventTime;
use uuid::Uuid;

/// Namespaces of tags (specification 2.1, appendix "Tags").
const NAMESPACES: [&str; 7] = ["attack", "car", "cve", "d3fend", "detection", "stp", "tlp"];
/// Kinds of relation (specification 2.1, `related`), and `correlation` of the schema.
const RELATIONS: [&str; 6] = ["correlation", "derived", "merged", "obsolete", "renamed", "similar"];
/// A title longer than this does not fit into a line of an alert list.
const HEADLINE_CHARS_MAX: usize = 120;
const DAY_MS: i64 = 86_400_000;

/// Who reads what a document says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whoever gets the alert.
    Alerting,
    /// Its alerts are those of others, or it did not load.
    Silent,
    /// It makes no alerts, and has no status.
    Filter,
}

pub(super) struct Metadata<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) document: &'a Doc<'a>,
    pub(super) kind: Kind,
    pub(super) now: Option<EventTime>,
}

impl Metadata<'_> {
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        self.missing(problems);
        self.dates(problems);
        self.tags(problems);
        self.title(problems);
        self.references(problems);
        self.related(problems);
        self.id(problems);
        self.values(problems);
    }

    fn missing(&self, problems: &mut Vec<Problem>) {
        let alerts = self.kind == Kind::Alerting;
        let keys = [
            ("status", Code::MissingStatus, self.kind != Kind::Filter, "add `status: experimental`, `test` or `stable`"),
            ("description", Code::MissingDescription, true, "say what it detects and why that matters"),
            ("author", Code::MissingAuthor, true, "say whom to ask"),
            ("date", Code::MissingDate, true, "add `date:` with the day it was written, as YYYY-MM-DD"),
            ("tags", Code::MissingTags, alerts, "name the ATT&CK technique: `attack.t1098`"),
            ("falsepositives", Code::MissingFalsePositives, alerts, "say what else looks like this, for whoever gets the alert"),
        ];
        let Some((first, _)) = self.document.node.as_map().and_then(<[_]>::first) else { return };
        for (key, code, is_wanted, hint) in keys {
            if is_wanted && self.document.node.get(key).is_none() {
                problems.push(self.source.problem(code, first.at, format!("no `{key}`")).with_hint(hint));
            }
        }
    }

    fn dates(&self, problems: &mut Vec<Problem>) {
        let mut days = Vec::new();
        for key in ["date", "modified"] {
            let Some((text, at)) = self.document.text(key) else { continue };
            let day = text.parse::<Date>().ok().filter(|it| it.to_string() == text);
            let Some(day) = day else {
                let mut problem = self.source.problem(Code::BadDate, at, format!("`{text}` is not a day"));
                problem.hint = Some("write YYYY-MM-DD".to_owned());
                let with_hyphens = text.replace('/', "-");
                if with_hyphens.parse::<Date>().is_ok_and(|it| it.to_string() == with_hyphens) {
                    problem.fix = replacement(format!("write `{with_hyphens}`"), at, with_hyphens.as_str());
                }
                problems.push(problem);
                continue;
            };
            // A day that has begun somewhere on Earth is no future.
            let tomorrow = self.now.map(|it| EventTime::from_ms(it.ms() + DAY_MS).to_string());
            if tomorrow.is_some_and(|it| it.get(..10).is_some_and(|it| it < text)) {
                problems.push(self.source.problem(Code::FutureDate, at, format!("`{text}` is in the future")));
            }
            days.push((key, day, at));
        }
        if let [(_, made, _), (_, modified, at)] = days.as_slice()
            && modified < made
        {
            problems.push(self.source.problem(
                Code::ModifiedBeforeDate,
                *at,
                format!("modified on {modified}, before it was made on {made}"),
            ));
        }
    }

    fn tags(&self, problems: &mut Vec<Problem>) {
        let tags = self.document.texts("tags");
        for (index, &(tag, at)) in tags.iter().enumerate() {
            // Capitals are a problem of their own.
            let small = tag.to_ascii_lowercase();
            let Some((namespace, rest)) = small.split_once('.') else { continue };
            if tags[..index].iter().any(|(it, _)| *it == tag) {
                let mut problem = self.source.problem(Code::DuplicateTag, at, format!("the tag `{tag}` stands twice"));
                problem.fix = self.source.remove_entry("remove it", at);
                problems.push(problem);
            } else if namespace == "attack" {
                self.attack(rest, at, problems);
            } else if !NAMESPACES.contains(&namespace)
                && let Some(near) = NAMESPACES.iter().find(|it| it.len() > 3 && within(namespace, it, 1))
            {
                let mut problem =
                    self.source.problem(Code::MisspelledNamespace, at, format!("`{namespace}` is not a namespace of tags"));
                problem.hint = Some(format!("did you mean `{near}`?"));
                problem.fix = replacement(format!("write `{near}.{rest}`"), at, format!("{near}.{rest}"));
                problems.push(problem);
            }
        }
    }

    fn attack(&self, word: &str, at: Position, problems: &mut Vec<Problem>) {
        match attack::word(word) {
            Word::Known => {
                if word.contains('_') {
                    let hyphens = word.replace('_', "-");
                    let mut problem =
                        self.source.problem(Code::TacticUnderscore, at, format!("`{word}` is written with hyphens now"));
                    problem.fix = replacement(format!("write `attack.{hyphens}`"), at, format!("attack.{hyphens}"));
                    problems.push(problem);
                }
            }
            Word::NoTechnique => {
                let message = format!("ATT&CK has no technique {}", word.to_uppercase());
                problems.push(self.source.problem(Code::UnknownTechnique, at, message).with_hint("look it up on attack.mitre.org"));
            }
            Word::Nothing => {
                let mut problem = self.source.problem(Code::UnknownTactic, at, format!("ATT&CK has no `{word}`"));
                let near = nearest(&word.replace('_', "-"), attack::TACTICS);
                problem.hint = Some(near.map_or_else(
                    || "write a tactic (`attack.persistence`) or a technique (`attack.t1098`)".to_owned(),
                    |it| format!("did you mean `attack.{it}`?"),
                ));
                problems.push(problem);
            }
        }
    }

    fn title(&self, problems: &mut Vec<Problem>) {
        let Some((title, at)) = self.document.text("title") else { return };
        let count = title.trim().chars().count();
        if count > HEADLINE_CHARS_MAX && count <= 256 {
            let message = format!("a title of {count} characters");
            problems.push(
                self.source.problem(Code::LongHeadline, at, message).with_hint("what is beyond a line goes into the description"),
            );
        }
        let first_word = title.split_whitespace().next().unwrap_or_default();
        let is_small = first_word.len() > 1 && first_word.chars().all(|it| it.is_ascii_lowercase());
        let has_stop = title.trim_end().ends_with('.') && !title.trim_end().ends_with("..");
        if is_small || has_stop {
            let what = if is_small { "begins with a small letter" } else { "ends with a full stop" };
            problems.push(self.source.problem(Code::TitleForm, at, format!("the title {what}")));
        }
        if let Some((description, place)) = self.document.text("description") {
            let plain = |text: &str| text.trim().trim_end_matches('.').to_lowercase();
            if plain(description) == plain(title) {
                let at = Position { width: if place.line == at.line { 0 } else { place.width }, ..place };
                problems.push(self.source.problem(Code::TitleRepeated, at, "the description repeats the title"));
            }
        }
    }

    fn references(&self, problems: &mut Vec<Problem>) {
        let references = self.document.texts("references");
        for (index, &(reference, at)) in references.iter().enumerate() {
            let is_url = reference.split_once("://").is_some_and(|(scheme, rest)| {
                !rest.is_empty() && !scheme.is_empty() && scheme.bytes().all(|it| it.is_ascii_alphanumeric())
            });
            if references[..index].iter().any(|(it, _)| *it == reference) {
                let mut problem = self.source.problem(Code::DuplicateReference, at, "the reference stands twice");
                problem.fix = self.source.remove_entry("remove it", at);
                problems.push(problem);
            } else if !is_url {
                let message = format!("`{reference}` is not a link");
                problems.push(
                    self.source
                        .problem(Code::ReferenceNotUrl, at, message)
                        .with_hint("write https://…, or put it into the description"),
                );
            }
        }
    }

    fn related(&self, problems: &mut Vec<Problem>) {
        let Some(node) = self.document.node.get("related") else { return };
        let own = self.document.text("id").and_then(|(it, _)| Uuid::try_parse(it.trim()).ok());
        for entry in node.as_list() {
            let text = |key: &str| entry.get(key).and_then(|it| Some((it.as_scalar()?.text.as_str(), it.at)));
            let id = text("id").map(|(it, at)| (Uuid::try_parse(it.trim()).ok(), at));
            match id {
                Some((Some(id), at)) if own == Some(id) => {
                    problems.push(self.source.problem(Code::RelatedToItself, at, "the document is related to itself"));
                }
                Some((Some(_), _)) => {}
                Some((None, at)) => problems.push(self.source.problem(Code::BadRelated, at, "the id of a relation is not a UUID")),
                None => problems.push(self.source.problem(Code::BadRelated, entry.at, "a relation without an `id`")),
            }
            match text("type") {
                Some((kind, _)) if RELATIONS.contains(&kind) => {}
                Some((kind, at)) => {
                    let mut problem = self.source.problem(Code::BadRelated, at, format!("`{kind}` is not a kind of relation"));
                    problem.hint = Some(format!("there are {}", RELATIONS.join(", ")));
                    problems.push(problem);
                }
                None => problems.push(self.source.problem(Code::BadRelated, entry.at, "a relation without a `type`")),
            }
        }
    }

    /// A version that no generator writes, or a pattern that a person types.
    fn id(&self, problems: &mut Vec<Problem>) {
        let Some((text, at)) = self.document.text("id") else { return };
        let Ok(id) = Uuid::try_parse(text.trim()) else { return };
        let mut digits: Vec<u8> = id.simple().to_string().into_bytes();
        digits.dedup();
        if !(1..=8).contains(&id.get_version_num()) || digits.len() < 8 {
            let message = format!("the id {id} was not drawn at random");
            problems.push(
                self.source
                    .problem(Code::MadeUpId, at, message)
                    .with_hint("others make up the same: write a random UUID (version 4)"),
            );
        }
    }

    fn values(&self, problems: &mut Vec<Problem>) {
        let Some(pairs) = self.document.node.as_map() else { return };
        for (key, value) in pairs {
            let is_empty = match &value.kind {
                crate::parse::yaml::Kind::Scalar(scalar) => scalar.typed == Typed::Null || scalar.text.trim().is_empty(),
                crate::parse::yaml::Kind::Sequence(nodes) => nodes.is_empty(),
                crate::parse::yaml::Kind::Map(pairs) => pairs.is_empty(),
            };
            let is_required = matches!(
                key.text.as_str(),
                "title" | "level" | "detection" | "correlation" | "logsource" | "filter" | "id" | "name"
            );
            if is_empty && !is_required {
                let message = format!("`{}` is empty", key.text);
                problems.push(self.source.problem(Code::EmptyKey, key.at, message).with_hint("fill it, or leave it out"));
            }
            if matches!(key.text.as_str(), "title" | "description" | "author" | "falsepositives") {
                for node in value.as_list() {
                    let Some(scalar) = node.as_scalar() else { continue };
                    let is_left = |word: &str| {
                        matches!(word.trim_matches(|it: char| !it.is_ascii_alphabetic()), "TODO" | "FIXME" | "TBD" | "XXX")
                    };
                    if scalar.text.split_whitespace().any(is_left) {
                        let message = format!("`{}` still has something to be done", key.text);
                        problems.push(self.source.problem(Code::LeftOver, node.at, message));
                    }
                }
            }
        }
    }
}
