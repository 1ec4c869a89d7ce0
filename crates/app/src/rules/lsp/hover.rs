//! What a word means.

use super::completion::product_of;
use super::outline::{self, Place, What};
use super::text;
use super::workspace::{RuleEntry, Workspace};
use crate::rules::words::{self, Word, attack};
use model::SourceMapping;
use std::fmt::Write;
use std::ops::Range;
use std::path::Path;

/// Most entries of a list that are shown.
const ENTRIES_SHOWN: usize = 10;

/// A text in Markdown about what stands at byte `at` of line `number`, and the bytes it is about.
pub(super) fn hover(workspace: &Workspace, path: &Path, number: usize, at: usize) -> Option<(String, Range<usize>)> {
    let whole = workspace.text(path)?;
    let line = text::line(whole, number);
    if path.extension().is_some_and(|it| it.eq_ignore_ascii_case("md")) {
        let (bytes, word) = text::word_at(line, at, "");
        return Some((about_rule(workspace.rule(word)?), bytes));
    }
    if let Some(found) = placeholder(workspace, line, at) {
        return Some(found);
    }
    let place = outline::place(whole, number, at);
    let parents: Vec<&str> = place.path.iter().map(String::as_str).collect();
    let product = product_of(workspace, whole, place.document);
    match &place.what {
        What::Key { text: key, bytes } => key_meaning(&parents, key, &product, bytes, at),
        What::Value { text: value, bytes } | What::Item { text: value, bytes } => {
            value_meaning(workspace, whole, &place, line, value, bytes, at)
        }
    }
}

fn key_meaning(parents: &[&str], key: &str, product: &str, bytes: &Range<usize>, at: usize) -> Option<(String, Range<usize>)> {
    let word = |words: &'static [Word]| words::find(words, key).map(|it| (about_word(it), bytes.clone()));
    match parents {
        [] => word(&words::TOP_KEYS),
        ["logsource"] => word(&words::LOGSOURCE_KEYS),
        ["correlation"] => word(&words::CORRELATION_KEYS),
        ["correlation", "condition"] => word(&words::COMPARISONS),
        ["nightjar"] => word(&words::EXTENSION_KEYS),
        ["detection" | "filter", selection, ..] if !matches!(*selection, "condition" | "rules") => {
            field_or_modifier(key, product, bytes, at)
        }
        _ => None,
    }
}

/// Of `field|modifier`, the part that is meant.
fn field_or_modifier(key: &str, product: &str, bytes: &Range<usize>, at: usize) -> Option<(String, Range<usize>)> {
    let mut start = bytes.start;
    for (number, part) in key.split('|').enumerate() {
        let end = start + part.len();
        if at <= end {
            let about = if number == 0 { about_field(part, product) } else { words::find(&words::MODIFIERS, part).map(about_word) };
            return about.map(|it| (it, start..end));
        }
        start = end + 1;
    }
    None
}

fn value_meaning(
    workspace: &Workspace,
    whole: &str,
    place: &Place,
    line: &str,
    value: &str,
    bytes: &Range<usize>,
    at: usize,
) -> Option<(String, Range<usize>)> {
    let parents: Vec<&str> = place.path.iter().map(String::as_str).collect();
    let word = |words: &'static [Word]| words::find(words, value).map(|it| (about_word(it), bytes.clone()));
    let field = |name: &str| about_field(name, &product_of(workspace, whole, place.document)).map(|it| (it, bytes.clone()));
    match parents.as_slice() {
        ["level"] => word(&words::LEVELS),
        ["status"] => word(&words::STATUSES),
        ["logsource", "product" | "service"] => source_of(value).map(|it| (it, bytes.clone())),
        ["tags"] => attack::name(value).map(|it| (format!("**{value}**: {it} (MITRE ATT&CK)"), bytes.clone())),
        ["correlation", "type"] => word(&words::CORRELATION_TYPES),
        ["correlation" | "filter", "rules"] | ["correlation", "condition"] => {
            let (bytes, name) = text::word_at(line, at, "");
            Some((about_rule(workspace.rule(name)?), bytes))
        }
        ["fields"] | ["correlation", "group-by"] | ["correlation", "condition", "field"] => field(value),
        ["detection" | "filter", "condition"] => {
            let (bytes, name) = text::word_at(line, at, "*");
            Some((about_selection(whole, place.document, parents[0], name)?, bytes))
        }
        ["detection" | "filter", _, key] if key.split('|').any(|it| it == "fieldref") => field(value),
        _ => None,
    }
}

/// The sources that come with Nightjar whose log source has this product or service.
fn source_of(value: &str) -> Option<String> {
    let is_named = |it: &Option<String>| it.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(value));
    let mappings = SourceMapping::built_in_names().filter_map(|it| SourceMapping::built_in(it).ok());
    let mut found = mappings.filter(|it| is_named(&it.logsource.product) || is_named(&it.logsource.service));
    let names: Vec<String> = found.by_ref().map(|it| format!("`--source {}`", it.name)).collect();
    (!names.is_empty()).then(|| format!("**{value}**: events that are read with {}", names.join(", ")))
}

fn about_word(word: Word) -> String {
    format!("**{}**: {}", word.name, word.meaning)
}

fn about_field(path: &str, product: &str) -> Option<String> {
    let found = words::documented(path, product);
    if found.is_empty() {
        return None;
    }
    let mut about = format!("**{path}**");
    for field in found {
        let _ = write!(about, "\n\n{}", field.meaning);
        if !field.values.is_empty() {
            let _ = write!(about, " One of `{}`.", field.values.join("`, `"));
        }
    }
    Some(about)
}

fn about_rule(rule: &RuleEntry) -> String {
    let RuleEntry { name, title, level, kind, path, .. } = rule;
    let level = if level.is_empty() { String::new() } else { format!(", {level}") };
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    format!("**{name}** ({kind}{level})\n\n{title}\n\n`{file}:{}`", rule.line + 1)
}

/// The lines of a selection; of a pattern, the selections that it stands for.
fn about_selection(whole: &str, document: usize, section: &str, name: &str) -> Option<String> {
    let keys = outline::keys(whole);
    if let Some(prefix) = name.strip_suffix('*') {
        let is_meant = |it: &&outline::Key| {
            let is_selection = it.path == [section] && !matches!(it.text.as_str(), "condition" | "rules");
            it.document == document && is_selection && it.text.starts_with(prefix)
        };
        let meant: Vec<String> = keys.iter().filter(is_meant).map(|it| format!("`{}`", it.text)).collect();
        return (!meant.is_empty()).then(|| format!("**{name}**: {}", meant.join(", ")));
    }
    let key = keys.iter().find(|it| it.document == document && it.path == [section] && it.text == name)?;
    let lines: Vec<&str> = whole.lines().skip(key.line).take(key.end - key.line + 1).collect();
    Some(format!("```yaml\n{}\n```", lines.join("\n")))
}

/// `%name%` around byte `at`, and what the list has.
fn placeholder(workspace: &Workspace, line: &str, at: usize) -> Option<(String, Range<usize>)> {
    let (bytes, name) = placeholder_at(line, at)?;
    let Some(entries) = workspace.lists.get(name) else {
        let names: Vec<&str> = workspace.lists.names().collect();
        return Some((format!("**%{name}%**: no such list; there are {}", names.join(", ")), bytes));
    };
    let mut about = format!("**%{name}%**: {} entries of `context/{name}.txt`\n", entries.len());
    for entry in entries.iter().take(ENTRIES_SHOWN) {
        let _ = write!(about, "\n- `{entry}`");
    }
    if entries.len() > ENTRIES_SHOWN {
        let _ = write!(about, "\n- … and {} more", entries.len() - ENTRIES_SHOWN);
    }
    Some((about, bytes))
}

/// The placeholder that byte `at` stands in.
pub(super) fn placeholder_at(line: &str, at: usize) -> Option<(Range<usize>, &str)> {
    let signs: Vec<usize> = line.match_indices('%').map(|(at, _)| at).collect();
    let pair = signs.chunks_exact(2).find(|it| it[0] <= at && at <= it[1])?;
    let name = &line[pair[0] + 1..pair[1]];
    let is_name = !name.is_empty() && name.chars().all(|it| it.is_alphanumeric() || "_-.".contains(it));
    is_name.then_some((pair[0]..pair[1] + 1, name))
}
