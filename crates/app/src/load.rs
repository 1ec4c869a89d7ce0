//! Loading what the commands need from disk: rules, lists, source mappings. Gives what loaded and every problem.

mod context;
mod files;
mod lists;
mod parquet;
mod texts;

pub(crate) use context::{context, context_under};
pub(crate) use texts::{Texts, texts};

use files::is_context;
pub(crate) use files::{is_list, is_page, is_rule};
use lists::lists;

use crate::exit::Usage;
use crate::show::escaped;
use anyhow::{Context, Result};
use engine::Rulebook;
use engine::context::{File, Table, TableInfo};
use engine::policy::EXCEPTIONS_MAX;
use model::{EventTime, Exception, LogSource, RuleInfo, SourceMapping};
use sigma::ast::Place;
use sigma::compile::RuleSet;
use sigma::parse::nearest::nearest;
use sigma::parse::{Loaded, exceptions, parse_all};
use sigma::problem::{Code, Problem};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where rules are looked for unless `--rules` says otherwise.
pub(crate) const RULES_DIR: &str = "rules";
/// The folder inside a rules directory that holds lists and no rules.
pub(crate) const CONTEXT_DIR: &str = "context";
/// What a file of exceptions in such a folder is called.
const EXCEPTIONS_FILES: [&str; 2] = ["exceptions.yml", "exceptions.yaml"];

/// Rules compiled for some sources, and everything that was wrong on the way.
pub(crate) struct Rules {
    /// What can be used.
    pub(crate) book: Rulebook,
    /// What can't, and what is doubtful, in the order of the files.
    pub(crate) problems: Vec<Problem>,
    /// The tables of the context.
    pub(crate) tables: Vec<TableInfo>,
    /// Those whose columns placeholders stand for.
    pub(crate) expanded: Vec<Table>,
}

impl Rules {
    /// How many detection rules and correlations are loaded.
    pub(crate) fn len(&self) -> usize {
        self.book.set.rules.len() + self.book.set.correlations.len()
    }

    /// How many problems kept a document from loading.
    pub(crate) fn errors(&self) -> usize {
        self.problems.iter().filter(|it| it.is_error()).count()
    }
}

/// Loads the rules below `dirs` with the lists in their `context/` folders and in `context`, and compiles them for `mappings`. It is
/// an error of usage when there is not a single document, sound or not.
pub(crate) fn rules(dirs: &[PathBuf], context: Option<&Path>, mappings: &[SourceMapping], watch: Watch) -> Result<Rules> {
    rules_with(dirs, context, &[], mappings, watch)
}

/// The same with the tables in `over` laid over those of the context. Where they are `Some`, even without a row, placeholders may name the
/// columns of any table.
pub(crate) fn rules_under(
    over: Option<&[File]>,
    dirs: &[PathBuf],
    context: Option<&Path>,
    mappings: &[SourceMapping],
    watch: Watch,
) -> Result<Rules> {
    compile(over, dirs, context, &[], mappings, watch)
}

/// Whose profiles are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watch {
    /// Those of everybody.
    Everybody,
    /// Those of everybody, if rules read them.
    IfRulesRead,
}

/// The same with `more` lists, by name, over those from files.
pub(crate) fn rules_with(
    dirs: &[PathBuf],
    context: Option<&Path>,
    more: &[(String, Vec<String>)],
    mappings: &[SourceMapping],
    watch: Watch,
) -> Result<Rules> {
    compile(None, dirs, context, more, mappings, watch)
}

fn compile(
    over: Option<&[File]>,
    dirs: &[PathBuf],
    context: Option<&Path>,
    more: &[(String, Vec<String>)],
    mappings: &[SourceMapping],
    watch: Watch,
) -> Result<Rules> {
    let (Loaded { documents, mut problems }, expanded) = documents_under(over, dirs, context, more)?;
    let mut known = context_under(over.unwrap_or_default(), dirs, context, more)?;
    problems.append(&mut known.problems);
    let book = match watch {
        Watch::Everybody => Rulebook::compile_watching(documents, mappings, &mut problems),
        Watch::IfRulesRead => Rulebook::compile(documents, mappings, &mut problems),
    };
    let book = book.with_context(Arc::new(known.context));
    Ok(Rules { book, problems, tables: known.tables, expanded })
}

/// Reads the rules below `dirs` without compiling them. Without a single document, it fails as [`rules`] does.
pub(crate) fn documents(dirs: &[PathBuf], context: Option<&Path>) -> Result<Loaded> {
    documents_under(None, dirs, context, &[]).map(|it| it.0)
}

/// The documents, and the tables of the context whose columns they may expand.
fn documents_under(
    over: Option<&[File]>,
    dirs: &[PathBuf],
    context: Option<&Path>,
    more: &[(String, Vec<String>)],
) -> Result<(Loaded, Vec<Table>)> {
    let mut problems = Vec::new();
    let mut lists = lists(over, dirs, context, &mut problems)?;
    more.iter().for_each(|(name, values)| lists.insert(name.as_str(), values.clone()));
    let mut texts = Vec::new();
    for path in files::below(dirs, is_rule, &mut problems)? {
        if let Some(text) = files::text(&path, &mut problems) {
            texts.push((path.display().to_string(), text));
        }
    }
    let is_expanded = |it: &Table| texts.iter().any(|(_, text)| text.contains(&format!("%{}.", it.name())));
    let expanded = Table::ALL.iter().copied().filter(is_expanded).collect();
    let mut loaded = parse_all(texts, &lists);
    problems.append(&mut loaded.problems);
    if loaded.documents.is_empty() && problems.is_empty() {
        return Err(Usage::new(format!("no rules in {}: name a folder with Sigma rules (.yml)", names(dirs))));
    }
    Ok((Loaded { documents: loaded.documents, problems }, expanded))
}

/// The files called `exceptions.yml` in the folders of lists of `dirs` and in `context`.
pub(crate) fn exception_files(dirs: &[PathBuf], context: Option<&Path>) -> Vec<PathBuf> {
    let folders = list_folders(dirs, context).into_iter();
    folders.flat_map(|it| EXCEPTIONS_FILES.map(|file| it.join(file))).filter(|it| it.is_file()).collect()
}

/// Reads the exceptions in [`exception_files`] and in `files`. Those that can't be read page on.
pub(crate) fn exceptions(
    dirs: &[PathBuf],
    context: Option<&Path>,
    files: &[PathBuf],
    now: EventTime,
    problems: &mut Vec<Problem>,
) -> Result<Vec<(Exception, Place)>> {
    if let Some(missing) = files.iter().find(|it| !it.is_file()) {
        return Err(Usage::new(format!("no such file of exceptions: {}", missing.display())));
    }
    let mut paths = exception_files(dirs, context);
    paths.extend_from_slice(files);
    let texts: Vec<(String, String)> =
        paths.iter().filter_map(|path| Some((path.display().to_string(), files::text(path, problems)?))).collect();
    Ok(exceptions_of(texts, now, problems))
}

/// The exceptions in files, given as (name, text).
pub(crate) fn exceptions_of(texts: Vec<(String, String)>, now: EventTime, problems: &mut Vec<Problem>) -> Vec<(Exception, Place)> {
    let mut loaded = exceptions::parse_all(texts, now);
    problems.append(&mut loaded.problems);
    if loaded.exceptions.len() > EXCEPTIONS_MAX {
        let (_, place) = &loaded.exceptions[EXCEPTIONS_MAX];
        let message = format!("more than {EXCEPTIONS_MAX} exceptions; this one and those after it don't hold");
        problems.push(Problem::error(Code::TooManyExceptions, &place.file, place.line, 1, message));
        loaded.exceptions.truncate(EXCEPTIONS_MAX);
    }
    loaded.exceptions
}

/// Warns of exceptions for rules that are not there: they cover nothing. Those from a folder above `dirs` may be for rules beside them.
pub(crate) fn check_exceptions(exceptions: &[(Exception, Place)], dirs: &[PathBuf], set: &RuleSet, problems: &mut Vec<Problem>) {
    let infos: Vec<&RuleInfo> = set
        .rules
        .iter()
        .map(|it| &*it.info)
        .chain(set.correlations.iter().map(|it| &*it.info))
        .chain(engine::pulse::RULES.iter().map(|it| &**it))
        .collect();
    check_exceptions_for(exceptions, dirs, &infos, problems);
}

/// The same, with what is known about the rules that are there.
pub(crate) fn check_exceptions_for(
    exceptions: &[(Exception, Place)],
    dirs: &[PathBuf],
    infos: &[&RuleInfo],
    problems: &mut Vec<Problem>,
) {
    let is_own = |it: &&PathBuf| !it.is_file() && it.join(CONTEXT_DIR).is_dir();
    let above: Vec<PathBuf> = dirs.iter().filter(|it| !is_own(it)).filter_map(|it| files::context_of(it)).collect();
    let is_shared = |place: &Place| above.iter().any(|it| Path::new(&*place.file).starts_with(it));
    let known: HashSet<&str> = infos.iter().flat_map(|it| [it.name.as_str(), it.id.as_str()]).collect();
    for (exception, place) in exceptions.iter().filter(|it| !is_shared(&it.1)) {
        let Some(rule) = exception.rule.as_deref().filter(|it| !known.contains(it)) else { continue };
        let message = format!("the exception `{}` is for the rule `{rule}`, which is not loaded", exception.id);
        let problem = Problem::new(Code::UnknownRuleException, &place.file, place.line, 1, message);
        let meant = nearest(rule, infos.iter().map(|it| it.name.as_str())).map(|it| format!("did you mean `{it}`?"));
        problems.push(problem.with_hint(meant.unwrap_or_else(|| "remove it with the rule".to_owned())));
    }
}

/// A number that changes when the content of a file changes that rules, lists or exceptions are read from.
pub(crate) fn fingerprint(dirs: &[PathBuf], context: Option<&Path>, exceptions: &[PathBuf]) -> u64 {
    let roots = dirs.iter().cloned().chain(list_folders(dirs, context)).chain(exceptions.iter().cloned());
    let mut hash = DefaultHasher::new();
    for root in roots {
        // What can't be read counts as what it says about that.
        match files::below(std::slice::from_ref(&root), files::is_watched, &mut Vec::new()) {
            Ok(paths) => {
                for path in paths {
                    let bytes = files::bytes(&path).map_err(|error| error.kind().to_string());
                    (path, bytes).hash(&mut hash);
                }
            }
            Err(error) => (root, error.to_string()).hash(&mut hash),
        }
    }
    hash.finish()
}

/// Paths of the rule pages below `dirs`, sorted. Folders that can't be read are passed over: [`documents`] reports them.
pub(crate) fn pages(dirs: &[PathBuf]) -> Result<Vec<PathBuf>> {
    files::below(dirs, is_page, &mut Vec::new())
}

/// The files that decide about rules and their pages: rules, pages, lists and exceptions. What can't be read counts as not there.
pub(crate) fn relevant(dirs: &[PathBuf], context: Option<&Path>) -> Vec<PathBuf> {
    let is_source = |it: &Path| is_rule(it) || is_page(it);
    let folders: Vec<PathBuf> = list_folders(dirs, context);
    let mut found = files::below(dirs, is_source, &mut Vec::new()).unwrap_or_default();
    found.append(&mut files::below(&folders, is_context, &mut Vec::new()).unwrap_or_default());
    found.append(&mut exception_files(dirs, context));
    found
}

/// Where lists are looked for, those that come later taking the place of those that come first. Folders of one pack share theirs.
fn list_folders(dirs: &[PathBuf], context: Option<&Path>) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for folder in dirs.iter().filter_map(|it| files::context_of(it)) {
        if !folders.iter().any(|it| is_same(it, &folder)) {
            folders.push(folder);
        }
    }
    folders.into_iter().chain(context.map(Path::to_owned)).collect()
}

fn is_same(left: &Path, right: &Path) -> bool {
    left == right || matches!((left.canonicalize(), right.canonicalize()), (Ok(left), Ok(right)) if left == right)
}

/// The folder of the pack that `dir`, which need not be there yet, belongs to: that of the rules that are loaded by default if it is inside
/// them, else the one with the lists, else itself.
pub(crate) fn pack_of(dir: &Path) -> PathBuf {
    let rules = Path::new(RULES_DIR);
    let absolute = |it: &Path| std::path::absolute(it).unwrap_or_else(|_| it.to_owned());
    if absolute(dir).starts_with(absolute(rules)) {
        return rules.to_owned();
    }
    let there = dir.ancestors().find(|it| it.is_dir()).unwrap_or(dir);
    let pack = files::context_of(there).and_then(|it| it.parent().map(Path::to_owned));
    pack.filter(|it| it.components().next().is_some()).unwrap_or_else(|| dir.to_owned())
}

/// The text of a file. A pipe or a device is refused.
pub(crate) fn read_text(path: &Path) -> std::io::Result<String> {
    let invalid = |error| std::io::Error::new(std::io::ErrorKind::InvalidData, error);
    String::from_utf8(files::bytes(path)?).map_err(invalid)
}

/// Paths for people.
pub(crate) fn names(paths: &[PathBuf]) -> String {
    paths.iter().map(|it| it.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// A source mapping, by the name of a built-in one or by the path of a `.toml` file.
pub(crate) fn mapping(name: &str) -> Result<SourceMapping> {
    let path = Path::new(name);
    if path.extension().is_none_or(|it| it != "toml") {
        return SourceMapping::built_in(name).map_err(Usage::because);
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the source mapping {name}"))?;
    let mapping = SourceMapping::from_toml(&text).map_err(|error| Usage::new(format!("{name}: {error}")))?;
    sigma::routing::conditions(&mapping).map_err(|reason| Usage::new(format!("{name}: {reason}")))?;
    Ok(mapping)
}

/// The mapping of that name for events of another log source, given as `product=windows,category=process_creation`, if one is given.
pub(crate) fn mapping_for(name: &str, logsource: Option<&str>) -> Result<SourceMapping> {
    let mut mapping = mapping(name)?;
    if let Some(text) = logsource {
        (mapping.logsource, mapping.logsources) = (log_source(text)?, Vec::new());
    }
    Ok(mapping)
}

/// The log source that `product=…,service=…,category=…` names.
pub(crate) fn log_source(text: &str) -> Result<LogSource> {
    const HINT: &str = "write product=…, service=… or category=…, separated by commas";
    let mut logsource = LogSource::default();
    for part in text.split(',') {
        let (key, value) = part.split_once('=').map_or((part.trim(), ""), |(key, value)| (key.trim(), value.trim()));
        let place = match key {
            "product" => &mut logsource.product,
            "service" => &mut logsource.service,
            "category" => &mut logsource.category,
            _ => return Err(Usage::new(format!("`{key}` is no part of a log source: {HINT}"))),
        };
        if value.is_empty() || place.is_some() {
            return Err(Usage::new(format!("`{text}` is no log source: {HINT}")));
        }
        *place = Some(value.to_owned());
    }
    Ok(logsource)
}

/// The mappings of all the sources that come with Nightjar, `raw` excepted: what a whole rule pack is checked against.
pub(crate) fn built_in_mappings() -> Result<Vec<SourceMapping>> {
    SourceMapping::built_in_names().filter(|it| *it != "raw").map(mapping).collect()
}

/// How many problems are shown by commands that are about something else.
const SHOWN_MAX: usize = 20;

/// Tells people what keeps documents from loading, one line each in the form that editors can jump to. Warnings, and what is too
/// much, are for `rules check`.
pub(crate) fn report(problems: &[Problem]) -> std::io::Result<()> {
    let mut err = anstream::stderr().lock();
    let errors = || problems.iter().filter(|it| it.is_error());
    errors().take(SHOWN_MAX).try_for_each(|it| writeln!(err, "{}", escaped(&it.to_string())))?;
    match errors().count().saturating_sub(SHOWN_MAX) {
        0 => Ok(()),
        more => writeln!(err, "… and {more} more errors in rules (`nightjar rules check` shows all)"),
    }
}

#[cfg(test)]
mod tests;
