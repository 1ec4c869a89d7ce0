//! What the server knows: the files of the folders, with unsaved texts over them, and what stands where.

use super::outline::{self, Key};
use super::samples::Samples;
use crate::load;
use crate::rules::select::Entry;
use lsp_types::Uri;
use model::{EventTime, RuleInfo};
use sigma::lists::Lists;
use sigma::problem::Problem;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A text that the editor has open.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) uri: Uri,
    pub(super) version: i32,
    pub(super) text: String,
}

/// Files, texts, and the index over them.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    dirs: Vec<PathBuf>,
    context: Option<PathBuf>,
    disk: BTreeMap<PathBuf, String>,
    open: BTreeMap<PathBuf, Open>,
    pub(super) lists: Lists,
    exception_files: Vec<PathBuf>,
    /// The file of each list.
    pub(super) list_files: BTreeMap<String, PathBuf>,
    /// Rules, correlations and filters by their names, and again by their identifiers.
    pub(super) rules: BTreeMap<String, RuleEntry>,
    pub(super) samples: Samples,
    /// A text has changed since the index was made.
    is_outdated: bool,
}

/// A document of some file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RuleEntry {
    pub(super) path: PathBuf,
    /// From 0.
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) title: String,
    pub(super) level: String,
    /// `rule`, `correlation` or `filter`.
    pub(super) kind: &'static str,
    pub(super) product: String,
}

impl Workspace {
    /// Over the rules below `dirs`.
    pub(super) fn new(dirs: Vec<PathBuf>, context: Option<PathBuf>) -> Self {
        let mut workspace = Self { dirs, context, ..Self::default() };
        workspace.reread();
        workspace
    }

    /// Takes files as they are on disk now.
    pub(super) fn reread(&mut self) {
        let files = load::relevant(&self.dirs, self.context.as_deref());
        self.exception_files = load::exception_files(&self.dirs, self.context.as_deref());
        // What can't be read, or is no UTF-8, is told by `rules check`.
        self.disk = files.into_iter().filter_map(|it| Some((it.clone(), load::read_text(&it).ok()?))).collect();
        self.index();
    }

    /// Brings the index up to date. Many changes may come before somebody asks.
    pub(super) fn refresh(&mut self) {
        if std::mem::take(&mut self.is_outdated) {
            self.index();
        }
    }

    /// An open text takes the place of what is on disk.
    pub(super) fn set_open(&mut self, path: PathBuf, open: Open) {
        self.open.insert(path, open);
        self.is_outdated = true;
    }

    /// Forgets an open text.
    pub(super) fn close(&mut self, path: &Path) {
        self.open.remove(path);
        self.is_outdated = true;
    }

    pub(super) fn open(&self) -> &BTreeMap<PathBuf, Open> {
        &self.open
    }

    /// The text of a file, unsaved or not.
    pub(super) fn text(&self, path: &Path) -> Option<&str> {
        let open = self.open.get(path).map(|it| it.text.as_str());
        open.or_else(|| self.disk.get(path).map(String::as_str))
    }

    /// Files whose path `wanted` accepts, with their texts. Of open texts outside the folders, those that look like rules.
    fn files(&self, wanted: fn(&Path) -> bool) -> impl Iterator<Item = (&Path, &str)> {
        let known = self.disk.keys();
        let is_known = |path: &Path| self.disk.contains_key(path) || self.open.contains_key(path);
        let opened = self.open.iter().filter(|(path, open)| !self.disk.contains_key(*path) && is_ours(path, &open.text, is_known));
        let is_wanted = |it: &&Path| wanted(it) && !self.exception_files.iter().any(|file| file == it);
        let mut paths: Vec<&Path> = known.chain(opened.map(|it| it.0)).map(PathBuf::as_path).filter(is_wanted).collect();
        paths.sort();
        paths.into_iter().filter_map(|it| Some((it, self.text(it)?)))
    }

    /// Rule files with their texts.
    pub(super) fn rule_files(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.files(load::is_rule)
    }

    /// Pages with their texts.
    pub(super) fn pages(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.files(load::is_page)
    }

    /// The rule that `name` names, by name or id.
    pub(super) fn rule(&self, name: &str) -> Option<&RuleEntry> {
        self.rules.get(name).or_else(|| self.rules.get(&name.to_ascii_lowercase()))
    }

    /// What `rules check` says about the texts as they are now, but for what only compiling the whole set shows.
    pub(super) fn check(&self) -> Vec<Problem> {
        let owned = |it: (&Path, &str)| (it.0.display().to_string(), it.1.to_owned());
        let files: Vec<(String, String)> = self.rule_files().map(owned).collect();
        let pages: Vec<(String, String)> = self.pages().map(owned).collect();
        let list_files: Vec<(String, String)> =
            self.list_files.iter().map(|(name, path)| (name.clone(), path.display().to_string())).collect();
        let mappings = load::built_in_mappings().unwrap_or_default();
        let now = crate::rules::exceptions::now().unwrap_or(EventTime::from_ms(0));
        let input = sigma::lint::Input {
            files: &files,
            pages: Some(&pages),
            lists: &self.lists,
            list_files: &list_files,
            mappings: &mappings,
            now: Some(now),
        };
        let checked = sigma::lint::check(&input);
        let mut problems = checked.problems;
        let infos: Vec<&RuleInfo> = checked.documents.iter().filter_map(|it| Entry::of(it).info).collect();
        let text = |it: &PathBuf| Some((it.display().to_string(), self.text(it)?.to_owned()));
        let texts = self.exception_files.iter().filter_map(text).collect();
        let exceptions = load::exceptions_of(texts, now, &mut problems);
        load::check_exceptions_for(&exceptions, &self.dirs, &infos, &mut problems);
        problems
    }

    fn index(&mut self) {
        let mut lists = Lists::default();
        let mut list_files = BTreeMap::new();
        for (path, text) in self.files(load::is_list) {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if let Ok(entries) = Lists::parse_text(text) {
                lists.insert(name.clone(), entries);
                list_files.insert(name, path.to_owned());
            }
        }
        let mut rules = BTreeMap::new();
        let mut products = BTreeMap::new();
        for (path, text) in self.rule_files() {
            for (id, entry) in documents(path, text) {
                products.entry(path.with_extension("md")).or_insert_with(|| entry.product.clone());
                rules.entry(entry.name.clone()).or_insert_with(|| entry.clone());
                if !id.is_empty() {
                    rules.entry(id.to_ascii_lowercase()).or_insert(entry);
                }
            }
        }
        let mut samples = Samples::default();
        for (path, text) in self.pages() {
            let product = products.get(path).map_or("", String::as_str);
            samples.add(product, text);
        }
        (self.lists, self.list_files, self.rules, self.samples) = (lists, list_files, rules, samples);
    }
}

/// Whether a file outside of the folders is about rules: a page has its cases and stands beside a rule, a rule has one of the three
/// sections.
fn is_ours(path: &Path, text: &str, is_known: impl Fn(&Path) -> bool) -> bool {
    if load::is_page(path) {
        let beside = ["yml", "yaml"].map(|it| path.with_extension(it));
        return text.lines().any(|it| it.starts_with("```expect")) && beside.iter().any(|it| is_known(it) || it.is_file());
    }
    load::is_rule(path) && text.lines().any(|it| ["detection:", "correlation:", "filter:"].iter().any(|key| it.starts_with(key)))
}

/// The documents of a rule file, each with its id, by their outlines alone: broken ones count.
fn documents(path: &Path, text: &str) -> Vec<(String, RuleEntry)> {
    let keys = outline::keys(text);
    let count = keys.last().map_or(0, |it| it.document + 1);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let mut unnamed = 0;
    let mut found = Vec::new();
    for document in 0..count {
        let of_document: Vec<&Key> = keys.iter().filter(|it| it.document == document).collect();
        let Some(first) = of_document.first() else { continue };
        let top = |name: &str| of_document.iter().find(|it| it.path.is_empty() && it.text == name);
        let value = |name: &str| top(name).map(|it| it.value.clone()).unwrap_or_default();
        let kinds = [("detection", "rule"), ("correlation", "correlation"), ("filter", "filter")];
        let Some((_, kind)) = kinds.into_iter().find(|(key, _)| top(key).is_some()) else { continue };
        let mut name = value("name");
        if name.is_empty() {
            unnamed += 1;
            name = if unnamed == 1 { stem.to_string() } else { format!("{stem}_{unnamed}") };
        }
        let product = of_document.iter().find(|it| it.path == ["logsource"] && it.text == "product");
        let entry = RuleEntry {
            path: path.to_owned(),
            line: top("name").or_else(|| top("title")).map_or(first.line, |it| it.line),
            name,
            title: value("title"),
            level: value("level"),
            kind,
            product: product.map(|it| it.value.to_ascii_lowercase()).unwrap_or_default(),
        };
        found.push((value("id"), entry));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_known_by_name_stem_and_id_even_when_they_are_broken() {
        let text = "title: A\nid: X-1\nlogsource: {product: a}\ndetection: [\n---\ntitle: B\nname: b\nlogsource:\n  product: Okta\ndetection:\n---\ntitle: C\ncorrelation:\n---\nx: y\n";
        let found: Vec<String> = documents(Path::new("d/stem.yml"), text)
            .into_iter()
            .map(|(id, it)| format!("{id} {} {} {} {}", it.name, it.kind, it.line, it.product))
            .collect();
        assert_eq!(found, ["X-1 stem rule 0 ", " b rule 6 okta", " stem_2 correlation 11 "]);
    }
}
