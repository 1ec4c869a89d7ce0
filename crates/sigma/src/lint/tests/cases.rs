//! The files about each code: `bad.yml` has the problem and no other, `good.yml` has none at all, `fixed.yml` is what `--fix` makes
//! of `bad.yml`.
//!
//! A line `# file: NAME` begins another file of the case (a second rule, a page, a list); a line `# also: NJ0123 …` names problems
//! that can't be had without.

use crate::lint::{Checked, Input, check};
use crate::lists::Lists;
use crate::problem::{Code, Edit};
use model::{EventTime, SourceMapping};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What is not found here: reading and compiling find it, exceptions are read elsewhere, and no part of Sigma is left out at present.
const OUTSIDE: [Code; 14] = [
    Code::BadTable,
    Code::BadContextRow,
    Code::DoubtfulContext,
    Code::BadTaxonomy,
    Code::NotUtf8,
    Code::Unreadable,
    Code::NotCompiled,
    Code::NotSupported,
    Code::BadException,
    Code::ExceptionWithoutEnd,
    Code::DuplicateException,
    Code::TooManyExceptions,
    Code::ExpiredException,
    Code::UnknownRuleException,
];
/// The day of the tests.
const NOW: &str = "2026-11-22T12:00:00Z";

fn folder(code: Code) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lint/testdata").join(code.as_str())
}

#[expect(clippy::disallowed_methods, reason = "a test reads its cases")]
fn read(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// The files of a case; the first is called `example.yml` unless it says otherwise.
fn files(text: &str) -> Vec<(String, String)> {
    let mut files = vec![("rules/example.yml".to_owned(), String::new())];
    for line in text.split_inclusive('\n') {
        if let Some(name) = line.strip_prefix("# file: ") {
            let next = (format!("rules/{}", name.trim()), String::new());
            let is_first = files.len() == 1 && files[0].1.is_empty();
            if is_first { files[0] = next } else { files.push(next) }
        } else if !line.starts_with("# also: ") {
            files.last_mut().unwrap().1.push_str(line);
        }
    }
    files
}

fn run(files: &[(String, String)]) -> Checked {
    let is = |file: &str, extension: &str| Path::new(file).extension().is_some_and(|it| it == extension);
    let of = |extension: &str| files.iter().filter(|(file, _)| is(file, extension)).cloned().collect::<Vec<_>>();
    let (rules, pages, texts) = (of("yml"), of("md"), of("txt"));
    let mut lists = Lists::default();
    lists.insert("vips", vec!["usa".to_owned(), "six".to_owned()]);
    let mut list_files = Vec::new();
    for (file, text) in &texts {
        let name = file.rsplit('/').next().unwrap().trim_end_matches(".txt").to_owned();
        lists.insert(name.clone(), Lists::parse_text(text).unwrap());
        list_files.push((name, file.clone()));
    }
    let mappings: Vec<SourceMapping> =
        SourceMapping::built_in_names().filter(|it| *it != "raw").map(|it| SourceMapping::built_in(it).unwrap()).collect();
    check(&Input {
        files: &rules,
        pages: (!pages.is_empty() || texts.iter().any(|(file, _)| file.ends_with("no_pages.txt"))).then_some(&pages),
        lists: &lists,
        list_files: &list_files,
        mappings: &mappings,
        now: EventTime::parse(NOW),
    })
}

fn told(checked: &Checked) -> String {
    checked.problems.iter().map(|it| format!("  {} {it}\n", it.code)).collect::<Vec<_>>().concat()
}

/// What is wrong with the files about a code.
fn examine(code: Code) -> Result<(), String> {
    let missing = |file: &str| format!("{code}: testdata/{code}/{file} is missing");
    let about = read(&folder(code).join("about.md")).ok_or_else(|| missing("about.md"))?;
    if about.trim().len() < 40 {
        return Err(format!("{code}: about.md says too little"));
    }
    if OUTSIDE.contains(&code) {
        return Ok(());
    }
    let bad = read(&folder(code).join("bad.yml")).ok_or_else(|| missing("bad.yml"))?;
    let good = read(&folder(code).join("good.yml")).ok_or_else(|| missing("good.yml"))?;
    let found = run(&files(&bad));
    let also: BTreeSet<&str> = bad.lines().filter_map(|it| it.strip_prefix("# also: ")).flat_map(|it| it.split(' ')).collect();
    let others = found.problems.iter().any(|it| it.code != code && !also.contains(it.code.as_str()));
    if !found.problems.iter().any(|it| it.code == code) || others {
        return Err(format!("{code}: bad.yml gives\n{}", told(&found)));
    }
    let clean = run(&files(&good));
    if !clean.problems.is_empty() {
        return Err(format!("{code}: good.yml gives\n{}", told(&clean)));
    }
    let fixed = read(&folder(code).join("fixed.yml"));
    let has_fix = found.problems.iter().any(|it| it.code == code && it.fix.is_some());
    match fixed {
        None if has_fix => Err(format!("{}; it should be\n{}", missing("fixed.yml"), mend(code, &bad, &found))),
        Some(_) if !has_fix => Err(format!("{code}: fixed.yml, but no fix")),
        Some(fixed) => mended(code, &bad, &fixed, &found),
        None => Ok(()),
    }
}

/// The first file of `bad` with every fix of the code.
fn mend(code: Code, bad: &str, found: &Checked) -> String {
    let mut edits: Vec<&Edit> =
        found.problems.iter().filter(|it| it.code == code).filter_map(|it| it.fix.as_ref()).flat_map(|it| &it.edits).collect();
    edits.sort_by_key(|it| std::cmp::Reverse(it.start));
    let mut text = files(bad).remove(0).1;
    for edit in edits {
        let offset = |(line, column): (usize, usize)| {
            let before: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
            before + text[before..].chars().take(column - 1).map(char::len_utf8).sum::<usize>()
        };
        text.replace_range(offset(edit.start)..offset(edit.end), &edit.text);
    }
    text
}

fn mended(code: Code, bad: &str, fixed: &str, found: &Checked) -> Result<(), String> {
    let text = mend(code, bad, found);
    if text != files(fixed).remove(0).1 {
        return Err(format!("{code}: fixed.yml should be\n{text}"));
    }
    let after = run(&[vec![("rules/example.yml".to_owned(), text)], files(bad)[1..].to_vec()].concat());
    if after.problems.iter().any(|it| it.code == code) {
        return Err(format!("{code}: after the fix there is\n{}", told(&after)));
    }
    Ok(())
}

#[test]
fn every_code_has_an_example_of_what_is_wrong_and_of_what_is_right() {
    let wrong: Vec<String> = Code::ALL.iter().filter_map(|it| examine(*it).err()).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), Code::ALL.len(), wrong.join("\n"));
}

#[test]
fn every_code_is_documented() {
    for code in Code::ALL {
        assert!(crate::lint::docs::about(*code).is_some(), "{code} is not in docs/table.rs");
        assert_eq!(crate::lint::docs::has_fix(*code), folder(*code).join("fixed.yml").exists(), "{code}");
        // No part of Sigma is left out at present.
        let shows = crate::lint::docs::example(*code).iter().all(|it| !it.is_empty());
        assert!(shows || *code == Code::NotSupported, "{code} has no example of what is wrong, or of what is right");
    }
}

#[test]
fn an_example_of_several_documents_shows_what_they_have_in_common() {
    use crate::lint::docs::example;
    let wrong = |code: Code| example(code)[0].clone();
    assert_eq!(wrong(Code::DuplicateId).matches("\nid: 6f1f2d4e").count(), 2);
    assert_eq!(wrong(Code::DuplicateTitle).matches("title: Customer records exported").count(), 2);
    assert!(
        wrong(Code::SubsumedRule).contains("action: customer.export")
            && wrong(Code::SubsumedRule).contains("startswith: customer.")
    );
    assert!(wrong(Code::MissingPage).starts_with("title: ") && !wrong(Code::MissingPage).contains("no_pages"));
    assert!(wrong(Code::NoFiringCase).contains("```expect\n```"));
    assert!(wrong(Code::MissingLevel).contains("title: "));
}

#[test]
fn there_are_at_least_sixty_lints_besides_what_keeps_documents_from_loading() {
    let lints = Code::ALL.iter().filter(|it| it.severity() != crate::problem::Severity::Error).count();
    assert!(lints >= 60, "{lints}");
}
