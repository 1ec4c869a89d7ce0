//! Which documents a command is about: by tag, log source, level, kind and words.

use crate::exit::Usage;
use clap::ValueEnum;
use model::{Level, LogSource, RuleInfo};
use sigma::ast::{Document, Place};
use std::str::FromStr;

/// The filters of `nightjar rules list`.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Selection {
    /// Only documents with this tag; `attack.t1098` stands for its sub-techniques too
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Only rules for this log source: product, or product/service
    #[arg(long, value_name = "PRODUCT[/SERVICE]")]
    logsource: Vec<SourcePattern>,
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
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Detection => "detection",
            Self::Correlation => "correlation",
        }
    }
}

/// One document, as far as lists are concerned.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) info: &'a RuleInfo,
    pub(super) place: &'a Place,
    pub(super) kind: Kind,
    /// The log source of a detection.
    pub(super) logsource: Option<&'a LogSource>,
    /// The rules that a correlation is over, as it names them.
    pub(super) parts: &'a [String],
}

impl<'a> Entry<'a> {
    pub(super) fn of(document: &'a Document) -> Self {
        let (info, place) = (document.info(), document.place());
        match document {
            Document::Rule(it) => Self { info, place, kind: Kind::Detection, logsource: Some(&it.logsource), parts: &[] },
            Document::Correlation(it) => Self { info, place, kind: Kind::Correlation, logsource: None, parts: &it.rules },
        }
    }

    /// `product/service/category`, or over how many rules.
    pub(super) fn source_text(&self) -> String {
        match (self.logsource, self.parts.len()) {
            (Some(source), _) => {
                let parts = [&source.product, &source.service, &source.category];
                parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("/")
            }
            (None, 1) => "of 1 rule".to_owned(),
            (None, several) => format!("of {several} rules"),
        }
    }
}

impl Selection {
    /// Whether a document is asked for.
    pub(super) fn wants(&self, entry: &Entry<'_>) -> bool {
        let info = entry.info;
        let any = |is_empty: bool, found: bool| is_empty || found;
        any(self.tag.is_empty(), self.tag.iter().any(|it| info.tags.iter().any(|tag| is_below(tag, it))))
            && any(self.logsource.is_empty(), entry.logsource.is_some_and(|it| self.logsource.iter().any(|p| p.fits(it))))
            && any(self.kind.is_empty(), self.kind.contains(&entry.kind))
            && self.level.is_none_or(|it| info.level >= it)
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
    let info = entry.info;
    let places = [&info.name, &info.title, &info.description, &info.id, &info.author].map(String::as_str);
    places.into_iter().chain([&*entry.place.file]).any(|it| it.to_lowercase().contains(&text))
}

/// `product`, `product/service`; `*` and an empty part stand for any.
#[derive(Debug, Clone)]
struct SourcePattern {
    product: String,
    service: Option<String>,
}

impl SourcePattern {
    fn fits(&self, source: &LogSource) -> bool {
        let fits = |wanted: &str, given: &Option<String>| {
            matches!(wanted, "" | "*") || given.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(wanted))
        };
        fits(&self.product, &source.product) && self.service.as_deref().is_none_or(|it| fits(it, &source.service))
    }
}

impl FromStr for SourcePattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split('/').map(|it| it.trim().to_owned());
        let (product, service) = (parts.next().unwrap_or_default(), parts.next());
        if parts.next().is_some() || (product.is_empty() && service.is_none()) {
            return Err(format!("`{text}` is not `product` or `product/service`"));
        }
        Ok(Self { product, service })
    }
}

fn level(text: &str) -> Result<Level, String> {
    let words = Level::ALL.map(Level::as_str);
    Level::parse(text).ok_or_else(|| format!("there are {}", words.join(", ")))
}

/// The documents called `name`, by name or id; it is an error of usage if there are none.
pub(super) fn named<'d>(documents: &'d [Document], name: &str) -> anyhow::Result<Vec<&'d Document>> {
    let is_named = |it: &&Document| it.info().name == name || it.info().id.eq_ignore_ascii_case(name);
    let found: Vec<&Document> = documents.iter().filter(is_named).collect();
    if found.is_empty() {
        let names = documents.iter().map(|it| it.info().name.as_str());
        let hint = sigma::parse::nearest::nearest(name, names)
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
    fn a_log_source_is_found_by_product_by_both_or_by_service() {
        check_source("aws", true);
        check_source("aws/cloudtrail", true);
        check_source("/cloudtrail", true);
        check_source("aws/s3", false);
        check_source("okta", false);
        assert!("a/b/c".parse::<SourcePattern>().is_err());
        assert!("".parse::<SourcePattern>().is_err());
    }
}
