//! Which documents a command is about: by tag, log source, level, kind and words.

use crate::exit::Usage;
use clap::ValueEnum;
use model::{Level, LogSource, RuleInfo, Status};
use sigma::ast::{Document, FilterRules};
use sigma::parse::nearest::nearest;
use std::collections::HashMap;
use std::str::FromStr;

/// The filters of `nightjar rules list`.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Selection {
    /// Only documents with this tag; `attack.t1098` stands for its sub-techniques too
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Only rules for this log source, and correlations over them: its product, service or category, several joined by `/`, or
    /// product=…,service=…,category=…
    #[arg(long, value_name = "SOURCE")]
    logsource: Vec<SourcePattern>,
    /// Only rules and correlations of this status; one that names none is stable
    #[arg(long, value_name = "STATUS", value_parser = status)]
    status: Vec<Status>,
    /// Only documents of at least this level
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    level: Option<Level>,
    /// Only documents of this kind
    #[arg(long, value_enum, value_name = "KIND")]
    kind: Vec<Kind>,
    /// Only documents with this text in name, title, description, id, author or path; case does not matter
    #[arg(long, short, value_name = "TEXT")]
    search: Option<String>,
}

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// A rule over single events
    Detection,
    /// A rule over rules
    Correlation,
    /// What is left out of the matches of rules
    Filter,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Detection => "detection",
            Self::Correlation => "correlation",
            Self::Filter => "filter",
        }
    }
}

/// One document, as far as lists are concerned.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) document: &'a Document,
    pub(super) kind: Kind,
    /// What rules and correlations say about themselves.
    pub(super) info: Option<&'a RuleInfo>,
    pub(super) title: &'a str,
    pub(super) version: &'a str,
    /// The log source of a rule or a filter.
    pub(super) logsource: Option<&'a LogSource>,
    /// The rules that a correlation is over or that a filter is for, as it names them.
    pub(super) parts: &'a [String],
}

impl<'a> Entry<'a> {
    pub(super) fn of(document: &'a Document) -> Self {
        let of_info = |info: &'a RuleInfo, kind, logsource, parts| Self {
            document,
            kind,
            info: Some(info),
            title: &info.title,
            version: &info.version,
            logsource,
            parts,
        };
        match document {
            Document::Rule(it) => of_info(&it.info, Kind::Detection, Some(&it.logsource), &[]),
            Document::Correlation(it) => of_info(&it.info, Kind::Correlation, None, &it.rules),
            Document::Filter(it) => Self {
                document,
                kind: Kind::Filter,
                info: None,
                title: &it.title,
                version: &it.version,
                logsource: Some(&it.logsource),
                parts: match &it.rules {
                    FilterRules::Named(names) => names,
                    FilterRules::Any => &[],
                },
            },
        }
    }

    /// `product/service/category`, or over how many rules.
    pub(super) fn source_text(&self) -> String {
        let source = || {
            let parts = self.logsource.map(|it| [&it.product, &it.service, &it.category]);
            parts.into_iter().flatten().flatten().map(String::as_str).collect::<Vec<_>>().join("/")
        };
        match (self.kind, self.parts.len()) {
            (Kind::Detection, _) => source(),
            (Kind::Filter, 0) => format!("of any {}", source()),
            (_, 1) => "of 1 rule".to_owned(),
            (_, several) => format!("of {several} rules"),
        }
    }

    pub(super) fn level(&self) -> Option<Level> {
        self.info.map(|it| it.level)
    }

    pub(super) fn tags(&self) -> &'a [String] {
        self.info.map_or(&[], |it| &it.tags)
    }

    /// The names of the filters that are laid on a rule.
    pub(super) fn filters(&self) -> Vec<&'a str> {
        match self.document {
            Document::Rule(it) => it.filters.iter().map(|it| it.name.as_str()).collect(),
            _ => Vec::new(),
        }
    }
}

impl Selection {
    /// Whether anything is asked for that not every document has.
    pub(super) fn is_any(&self) -> bool {
        let Self { tag, logsource, status, level, kind, search } = self;
        let lists = [tag.is_empty(), logsource.is_empty(), status.is_empty(), kind.is_empty()];
        level.is_none() && search.is_none() && lists.into_iter().all(|it| it)
    }

    /// What is asked for that is the log source of none of `documents`, with what was meant perhaps.
    pub(super) fn unknown_sources(&self, documents: &[Document]) -> Vec<String> {
        let all: Vec<&LogSource> = documents.iter().filter_map(|it| Entry::of(it).logsource).collect();
        let unknown = self.logsource.iter().filter(|pattern| !all.iter().any(|it| pattern.fits(it)));
        let told = |it: &SourcePattern| {
            let words = all.iter().flat_map(|it| [&it.product, &it.service, &it.category]).flatten().map(String::as_str);
            let meant = it.text.split('/').find_map(|word| nearest(word, words.clone()).filter(|it| *it != word));
            let hint = meant.map(|it| format!("; did you mean `{it}`?")).unwrap_or_default();
            format!("no rule is for the log source `{}`{hint}", it.text)
        };
        unknown.map(told).collect()
    }

    /// Whether a document is asked for, which sees events of `sources`.
    pub(super) fn wants(&self, entry: &Entry<'_>, sources: &[&LogSource]) -> bool {
        let any = |is_empty: bool, found: bool| is_empty || found;
        any(self.tag.is_empty(), self.tag.iter().any(|it| entry.tags().iter().any(|tag| is_below(tag, it))))
            && any(self.logsource.is_empty(), self.logsource.iter().any(|it| sources.iter().any(|source| it.fits(source))))
            && any(self.status.is_empty(), entry.info.is_some_and(|it| self.status.contains(&it.status)))
            && any(self.kind.is_empty(), self.kind.contains(&entry.kind))
            && self.level.is_none_or(|it| entry.level() >= Some(it))
            && self.search.as_deref().is_none_or(|it| mentions(entry, it))
    }
}

/// Whether `tag` is `wanted` or a part of it: `attack.t1098.001` is a part of `attack.t1098`. ATT&CK tags may be wanted without
/// their namespace.
fn is_below(tag: &str, wanted: &str) -> bool {
    let (tag, wanted) = (tag.to_ascii_lowercase(), wanted.to_ascii_lowercase());
    let fits = |tag: &str| tag.strip_prefix(wanted.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    fits(&tag) || tag.strip_prefix("attack.").is_some_and(fits)
}

fn mentions(entry: &Entry<'_>, text: &str) -> bool {
    let text = text.to_lowercase();
    let document = entry.document;
    let texts = match document {
        Document::Filter(it) => [it.description.as_str(), ""],
        _ => entry.info.map_or([""; 2], |it| [it.description.as_str(), &it.author]),
    };
    let places = [document.name(), document.id(), entry.title, &*document.place().file];
    places.into_iter().chain(texts).any(|it| it.to_lowercase().contains(&text))
}

/// The documents by name and id, to follow what correlations are over.
pub(super) struct Parts<'a>(HashMap<&'a str, &'a Document>);

impl<'a> Parts<'a> {
    pub(super) fn of(documents: &'a [Document]) -> Self {
        Self(documents.iter().flat_map(|it| [(it.name(), it), (it.id(), it)]).filter(|it| !it.0.is_empty()).collect())
    }

    /// The document and whatever it is over, each once.
    pub(super) fn below(&self, document: &'a Document) -> Vec<&'a Document> {
        let mut found = vec![document];
        let mut at = 0;
        while let Some(&next) = found.get(at) {
            at += 1;
            let Document::Correlation(correlation) = next else { continue };
            for part in correlation.rules.iter().filter_map(|it| self.0.get(it.as_str())) {
                if !found.iter().any(|it| it.name() == part.name()) {
                    found.push(part);
                }
            }
        }
        found
    }

    /// The log sources whose events it sees.
    pub(super) fn sources(&self, document: &'a Document) -> Vec<&'a LogSource> {
        self.below(document).into_iter().filter_map(|it| Entry::of(it).logsource).collect()
    }
}

/// Words that must all be parts of a log source, or its parts by their names. `*` and an empty word stand for any.
#[derive(Debug, Clone)]
struct SourcePattern {
    text: String,
    named: Option<LogSource>,
}

impl SourcePattern {
    fn fits(&self, source: &LogSource) -> bool {
        let is = |wanted: &str, given: &Option<String>| given.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(wanted));
        let LogSource { product, service, category, .. } = source;
        if let Some(named) = &self.named {
            let pairs = [(&named.product, product), (&named.service, service), (&named.category, category)];
            return pairs.into_iter().all(|(wanted, given)| wanted.as_ref().is_none_or(|it| is(it, given)));
        }
        let mut words = self.text.split('/').filter(|it| !matches!(*it, "" | "*"));
        words.all(|word| [product, service, category].into_iter().any(|it| is(word, it)))
    }
}

impl FromStr for SourcePattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = if text.contains('=') { Some(crate::load::log_source(text).map_err(|it| it.to_string())?) } else { None };
        let text: String = text.chars().filter(|it| !it.is_whitespace()).collect();
        if text.trim_matches('/').is_empty() || text.split('/').count() > 3 {
            return Err(format!("`{text}` is not a product, a service or a category, or several of them joined by `/`"));
        }
        Ok(Self { text, named })
    }
}

fn level(text: &str) -> Result<Level, String> {
    let words = Level::ALL.map(Level::as_str);
    Level::parse(text).ok_or_else(|| format!("there are {}", words.join(", ")))
}

fn status(text: &str) -> Result<Status, String> {
    let words = Status::ALL.map(Status::as_str);
    Status::parse(text).ok_or_else(|| format!("there are {}", words.join(", ")))
}

/// The documents called `name`, by name or id; it is an error of usage if there are none.
pub(super) fn named<'d>(documents: &'d [Document], name: &str) -> anyhow::Result<Vec<&'d Document>> {
    let is_named = |it: &&Document| it.name() == name || it.id().eq_ignore_ascii_case(name);
    let found: Vec<&Document> = documents.iter().filter(is_named).collect();
    if found.is_empty() {
        let names = documents.iter().map(Document::name);
        let hint = nearest(name, names)
            .map_or_else(|| "`nightjar rules list` has the names".to_owned(), |near| format!("did you mean `{near}`?"));
        return Err(Usage::new(format!("no rule is called `{name}`; {hint}")));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_technique_stands_for_its_sub_techniques_and_no_other() {
        assert!(is_below("attack.t1098.001", "attack.t1098"));
        assert!(is_below("attack.t1098", "T1098"));
        assert!(!is_below("attack.t10981", "t1098"));
        assert!(!is_below("attack.t1098", "attack.t1098.001"));
    }

    #[track_caller]
    fn check_source(pattern: &str, fits: bool) {
        let source = LogSource { product: Some("AWS".to_owned()), service: Some("cloudtrail".to_owned()), ..LogSource::default() };
        assert_eq!(pattern.parse::<SourcePattern>().unwrap().fits(&source), fits, "{pattern}");
    }

    #[test]
    fn a_log_source_is_found_by_any_of_its_parts_or_several() {
        check_source("aws", true);
        check_source("aws/cloudtrail", true);
        check_source("/cloudtrail", true);
        check_source("aws/s3", false);
        check_source("okta", false);
        check_source("cloudtrail", true);
        check_source("product=aws,service=cloudtrail", true);
        check_source("product=cloudtrail", false);
        check_source("category=aws", false);
        assert!("a/b/c/d".parse::<SourcePattern>().is_err());
        assert!("produkt=a".parse::<SourcePattern>().is_err());
        assert!("".parse::<SourcePattern>().is_err());
    }
}
