//! What could be written here.

use super::outline::{self, Place, What};
use super::text;
use super::workspace::Workspace;
use crate::rules::words::{self, Word, attack};
use lsp_types::{CompletionItem, CompletionItemKind, CompletionTextEdit, TextEdit};
use model::source::SourceMapping;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

/// Most proposals of one answer. What was typed narrows them down first.
const ITEMS_MAX: usize = 500;

/// A proposal, before it is placed.
struct Proposal {
    label: String,
    insert: String,
    about: String,
    kind: CompletionItemKind,
}

/// Proposals for byte `at` of line `number`.
pub(super) fn complete(workspace: &Workspace, path: &Path, number: usize, at: usize) -> Vec<CompletionItem> {
    let Some(whole) = workspace.text(path) else { return Vec::new() };
    let line = text::line(whole, number);
    let (proposals, bytes) = if path.extension().is_some_and(|it| it.eq_ignore_ascii_case("md")) {
        expectation(workspace, whole, number, at)
    } else {
        let place = outline::place(whole, number, at);
        let product = product_of(workspace, whole, place.document);
        Completing { workspace, whole, line, number, at, place, product }.all()
    };
    // What stands before the cursor is what was typed; what comes behind goes when it is a part of the same word.
    let typed = line.get(bytes.start..at.max(bytes.start)).unwrap_or_default().to_lowercase();
    let range = text::range(whole, number, bytes);
    let fitting = proposals.into_iter().filter(|it| it.label.to_lowercase().contains(&typed));
    let item = |(order, it): (usize, Proposal)| CompletionItem {
        sort_text: Some(format!("{}{order:04}", u8::from(!it.label.to_lowercase().starts_with(&typed)))),
        label: it.label,
        kind: Some(it.kind),
        detail: Some(it.about).filter(|it| !it.is_empty()),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit { range, new_text: it.insert })),
        ..CompletionItem::default()
    };
    fitting.take(ITEMS_MAX).enumerate().map(item).collect()
}

/// The product whose events a document is about: that of its log source, or of the rules that it is over.
pub(super) fn product_of(workspace: &Workspace, whole: &str, document: usize) -> String {
    let keys = outline::keys(whole);
    let product = keys.iter().find(|it| it.document == document && it.path == ["logsource"] && it.text == "product");
    if let Some(product) = product {
        return product.value.to_ascii_lowercase();
    }
    let rules = counted_rules(whole, document);
    let products = rules.iter().filter_map(|it| workspace.rule(it)).map(|it| it.product.clone());
    products.into_iter().find(|it| !it.is_empty()).unwrap_or_default()
}

/// The rules that a correlation is over, by name or id.
fn counted_rules(whole: &str, document: usize) -> Vec<String> {
    let keys = outline::keys(whole);
    let is_list = |it: &&outline::Key| it.document == document && it.path == ["correlation"] && it.text == "rules";
    let Some(key) = keys.iter().find(is_list) else { return Vec::new() };
    if !key.value.is_empty() {
        let items = key.value.trim_matches(['[', ']']).split(',');
        return items.map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect();
    }
    let items = whole.lines().skip(key.line + 1).take_while(|it| it.trim_start().starts_with("- "));
    items.map(|it| it.trim_start().trim_start_matches("- ").trim().to_owned()).collect()
}

struct Completing<'a> {
    workspace: &'a Workspace,
    whole: &'a str,
    line: &'a str,
    number: usize,
    at: usize,
    place: Place,
    product: String,
}

impl Completing<'_> {
    fn all(&self) -> (Vec<Proposal>, Range<usize>) {
        let parents: Vec<&str> = self.place.path.iter().map(String::as_str).collect();
        match &self.place.what {
            What::Key { text, bytes } => self.key(&parents, text, bytes),
            What::Value { bytes, .. } => self.value(&parents, bytes),
            What::Item { bytes, .. } => match parents.as_slice() {
                // A list of maps: what is typed becomes a key.
                ["detection" | "filter", selection] if !matches!(*selection, "condition" | "rules") => {
                    (self.fields(": "), bytes.clone())
                }
                _ => self.value(&parents, bytes),
            },
        }
    }

    fn key(&self, parents: &[&str], text: &str, bytes: &Range<usize>) -> (Vec<Proposal>, Range<usize>) {
        let proposals = match parents {
            [] => self.keys(&words::TOP_KEYS, parents),
            ["logsource"] => self.keys(&words::LOGSOURCE_KEYS, parents),
            ["correlation"] => self.keys(&words::CORRELATION_KEYS, parents),
            ["correlation", "condition"] => self.keys(&words::COMPARISONS, parents),
            ["nightjar"] => self.keys(&words::EXTENSION_KEYS, parents),
            ["detection"] => vec![key_proposal("condition", "Selections joined with and, or, not.")],
            ["filter"] => vec![
                key_proposal("rules", "The rules it is for, by name or id; `any` for all of the log source."),
                key_proposal("condition", "What must hold besides: `not selection`, say."),
            ],
            ["detection" | "filter", selection, ..] if !matches!(*selection, "condition" | "rules") => {
                return self.field_or_modifier(text, bytes);
            }
            ["correlation", "aliases", _] => {
                counted_rules(self.whole, self.place.document).into_iter().map(|it| key_proposal(&it, "")).collect()
            }
            _ => Vec::new(),
        };
        (proposals, bytes.clone())
    }

    /// Keys that the map does not have yet.
    fn keys(&self, words: &[Word], parents: &[&str]) -> Vec<Proposal> {
        let keys = outline::keys(self.whole);
        let is_there = |name: &str| {
            let beside = |it: &&outline::Key| it.document == self.place.document && it.path == parents && it.line != self.number;
            keys.iter().filter(beside).any(|it| it.text == name)
        };
        words.iter().filter(|it| !is_there(it.name)).map(|it| key_proposal(it.name, it.meaning)).collect()
    }

    /// In `field|modifier`, the part that the cursor is in.
    fn field_or_modifier(&self, text: &str, bytes: &Range<usize>) -> (Vec<Proposal>, Range<usize>) {
        let typed = self.line.get(bytes.start..self.at.clamp(bytes.start, bytes.end)).unwrap_or_default();
        let has_colon = self.line.get(bytes.end..).is_some_and(|it| it.trim_start_matches(['"', '\'']).starts_with(':'));
        let Some(bar) = typed.rfind('|') else {
            let end = bytes.start + text.find('|').unwrap_or(text.len());
            return (self.fields(if has_colon { "" } else { ": " }), bytes.start..end);
        };
        let start = bytes.start + bar + 1;
        let end = self.line[start..bytes.end].find('|').map_or(bytes.end, |it| start + it);
        let before = typed[..bar].split('|').skip(1);
        let behind = self.line[end..bytes.end].split('|').skip(1);
        let fitting = sigma::parse::fitting(&before.chain(behind).collect::<Vec<_>>());
        let free = words::MODIFIERS.iter().filter(|it| fitting.contains(&it.name));
        let propose = |it: &Word| proposal(it.name, it.meaning, CompletionItemKind::OPERATOR);
        (free.map(propose).collect(), start..end)
    }

    /// Fields of the source, those that were seen in events first.
    fn fields(&self, ending: &str) -> Vec<Proposal> {
        let seen = self.workspace.samples.fields(&self.product);
        let documented = self.documented();
        let about = |path: &str| documented.get(path).cloned().unwrap_or_default();
        let mut proposals: Vec<Proposal> = Vec::new();
        for (path, values) in &seen {
            let mut text = about(path);
            if text.is_empty() {
                text = values.iter().next().map(|it| format!("such as `{it}`")).unwrap_or_default();
            }
            proposals.push(proposal(path, &text, CompletionItemKind::FIELD));
        }
        let unseen = documented.iter().filter(|(path, _)| !seen.contains_key(path.as_str()));
        proposals.extend(unseen.map(|(path, about)| proposal(path, about, CompletionItemKind::FIELD)));
        proposals.iter_mut().for_each(|it| it.insert.push_str(ending));
        proposals
    }

    /// The documented fields of the sources of this product, with their meaning.
    fn documented(&self) -> BTreeMap<String, String> {
        let mut fields = BTreeMap::new();
        for mapping in SourceMapping::built_in_names().filter_map(|it| SourceMapping::built_in(it).ok()) {
            let is_wanted = self.product.is_empty() || mapping.logsource.product.as_deref() == Some(self.product.as_str());
            if mapping.name == "raw" || !is_wanted {
                continue;
            }
            for field in words::of_source(&mapping) {
                fields.entry(field.path).or_insert(field.meaning);
            }
        }
        fields
    }

    fn value(&self, parents: &[&str], bytes: &Range<usize>) -> (Vec<Proposal>, Range<usize>) {
        let words = |words: &[Word]| {
            words.iter().map(|it| proposal(it.name, it.meaning, CompletionItemKind::ENUM_MEMBER)).collect::<Vec<_>>()
        };
        let plain = |texts: &[&str]| texts.iter().map(|it| proposal(it, "", CompletionItemKind::VALUE)).collect::<Vec<_>>();
        let (_, word) = text::word_at(self.line, self.at, "");
        let word_bytes = text::word_at(self.line, self.at, "").0;
        let proposals = match parents {
            ["level"] => words(&words::LEVELS),
            ["status"] => words(&words::STATUSES),
            ["action"] => plain(&["global", "reset", "repeat"]),
            ["generate"] | ["correlation", "generate"] => plain(&["true", "false"]),
            ["tags"] => attack::tags().map(|(tag, name)| proposal(&tag, &name, CompletionItemKind::CONSTANT)).collect(),
            ["logsource", key] => self.log_sources(key),
            ["fields"] | ["correlation", "group-by"] | ["correlation", "condition", "field"] => self.fields(""),
            ["correlation", "type"] => words(&words::CORRELATION_TYPES),
            ["correlation" | "filter", "rules"] => return (self.rules(), word_bytes),
            ["correlation", "condition"] => {
                let rules = counted_rules(self.whole, self.place.document);
                return (rules.iter().map(|it| proposal(it, "", CompletionItemKind::REFERENCE)).collect(), word_bytes);
            }
            ["detection" | "filter", "condition"] => {
                let before = self.line[..word_bytes.start].trim_end().to_ascii_lowercase();
                if before.ends_with(" of") {
                    return (self.patterns(parents[0]), word_bytes);
                }
                return (self.selections(parents[0], word), word_bytes);
            }
            ["detection" | "filter", _, key] => return (self.values(key), bytes.clone()),
            _ => Vec::new(),
        };
        (proposals, bytes.clone())
    }

    fn log_sources(&self, key: &str) -> Vec<Proposal> {
        let mappings = SourceMapping::built_in_names().filter_map(|it| SourceMapping::built_in(it).ok());
        let part = |it: SourceMapping| match key {
            "product" => it.logsource.product,
            "service" if self.product.is_empty() || it.logsource.product.as_deref() == Some(self.product.as_str()) => {
                it.logsource.service
            }
            _ => None,
        };
        let parts: BTreeSet<String> = mappings.filter_map(part).collect();
        parts.iter().map(|it| proposal(it, "", CompletionItemKind::VALUE)).collect()
    }

    /// Rules that may be counted or filtered, by name.
    fn rules(&self) -> Vec<Proposal> {
        let is_named = |(key, rule): &(&String, &super::workspace::RuleEntry)| **key == rule.name && rule.kind != "filter";
        let rules = self.workspace.rules.iter().filter(is_named);
        rules.map(|(name, rule)| proposal(name, &rule.title, CompletionItemKind::REFERENCE)).collect()
    }

    /// The names of the selections.
    fn names(&self, section: &str) -> Vec<String> {
        let keys = outline::keys(self.whole).into_iter();
        let is_selection = |it: &outline::Key| {
            it.document == self.place.document && it.path == [section] && !matches!(it.text.as_str(), "condition" | "rules")
        };
        keys.filter(is_selection).map(|it| it.text).collect()
    }

    /// What may stand behind `1 of`: all selections, or those whose names begin alike.
    fn patterns(&self, section: &str) -> Vec<Proposal> {
        let names = self.names(section);
        let prefixes: BTreeSet<&str> = names.iter().filter_map(|it| Some(&it[..=it.find('_')?])).collect();
        let pattern = |prefix: &str| {
            let meant: Vec<&str> = names.iter().filter(|it| it.starts_with(prefix)).map(String::as_str).collect();
            proposal(&format!("{prefix}*"), &meant.join(", "), CompletionItemKind::VARIABLE)
        };
        let them = proposal("them", "all selections", CompletionItemKind::KEYWORD);
        prefixes.into_iter().map(pattern).chain([them]).collect()
    }

    /// Selections and the words of conditions.
    fn selections(&self, section: &str, current: &str) -> Vec<Proposal> {
        let names = self.names(section);
        let selections = names.iter().map(|it| proposal(it, "selection", CompletionItemKind::VARIABLE));
        let operators = ["and", "or", "not", "1 of ", "all of ", "all of them", "1 of them"];
        let operators = operators.into_iter().filter(|it| *it != current).map(|it| proposal(it, "", CompletionItemKind::KEYWORD));
        selections.chain(operators).collect()
    }

    /// Values of a field: those it can have, those that events had, and lists.
    fn values(&self, key: &str) -> Vec<Proposal> {
        let mut parts = key.split('|');
        let field = parts.next().unwrap_or_default();
        let modifiers: Vec<&str> = parts.collect();
        if modifiers.contains(&"exists") {
            return ["true", "false"].iter().map(|it| proposal(it, "", CompletionItemKind::VALUE)).collect();
        }
        if modifiers.contains(&"expand") {
            let lists = self.workspace.list_files.keys();
            let about = |name: &str| format!("{} entries", self.workspace.lists.get(name).map_or(0, <[String]>::len));
            let mut proposals: Vec<Proposal> =
                lists.map(|it| proposal(&format!("%{it}%"), &about(it), CompletionItemKind::CONSTANT)).collect();
            // A plain `%` can't begin a value in YAML.
            let is_quoted = self.line[..self.at.min(self.line.len())].contains(['"', '\'']);
            proposals.iter_mut().filter(|_| !is_quoted).for_each(|it| it.insert = format!("'{}'", it.insert));
            return proposals;
        }
        if modifiers.contains(&"fieldref") {
            return self.fields("");
        }
        let known: BTreeSet<&str> = words::documented(field, &self.product).iter().flat_map(|it| it.values).copied().collect();
        let seen = self.workspace.samples.fields(&self.product);
        let seen = seen.get(field).into_iter().flatten().filter(|it| !known.contains(*it));
        let known = known.iter().map(|it| proposal(it, "", CompletionItemKind::ENUM_MEMBER));
        known.chain(seen.map(|it| proposal(it, "seen in events", CompletionItemKind::VALUE))).collect()
    }
}

/// In the `expect` fence of a page: the word `alert` or `shadow`, a level, or a rule.
fn expectation(workspace: &Workspace, whole: &str, number: usize, at: usize) -> (Vec<Proposal>, Range<usize>) {
    let line = text::line(whole, number);
    let (bytes, _) = text::word_at(line, at, "");
    let opened = whole.lines().take(number).filter(|it| it.starts_with("```")).last().unwrap_or_default();
    let before: Vec<&str> = line[..bytes.start].split_whitespace().collect();
    if opened != "```expect" {
        return (Vec::new(), bytes);
    }
    let proposals = match before.as_slice() {
        [] => vec![
            proposal("alert", "alert <level> <actor> <rule>", CompletionItemKind::KEYWORD),
            proposal("shadow", "shadow <level> <actor> <rule>, of a rule that pages nobody yet", CompletionItemKind::KEYWORD),
        ],
        ["alert" | "shadow"] => {
            words::LEVELS.iter().map(|it| proposal(it.name, it.meaning, CompletionItemKind::ENUM_MEMBER)).collect()
        }
        ["alert" | "shadow", _, _] => {
            let rules = workspace.rules.iter().filter(|(key, rule)| **key == rule.name && rule.kind != "filter");
            rules.map(|(name, rule)| proposal(name, &rule.title, CompletionItemKind::REFERENCE)).collect()
        }
        _ => Vec::new(),
    };
    (proposals, bytes)
}

fn proposal(label: &str, about: &str, kind: CompletionItemKind) -> Proposal {
    Proposal { label: label.to_owned(), insert: label.to_owned(), about: about.to_owned(), kind }
}

fn key_proposal(name: &str, about: &str) -> Proposal {
    Proposal { insert: format!("{name}: "), ..proposal(name, about, CompletionItemKind::PROPERTY) }
}
