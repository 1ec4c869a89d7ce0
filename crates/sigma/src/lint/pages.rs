//! Pages: each rule that alerts has one, each has a case that fires and one that stays quiet.

use super::source::Source;
use super::{Input, Known};
use crate::ast::Document;
use crate::page;
use crate::parse::nearest::nearest;
use crate::problem::{Code, Problem};
use std::collections::BTreeSet;

pub(super) fn check(sources: &[Source<'_>], known: &Known<'_>, input: &Input<'_>, problems: &mut Vec<Problem>) {
    let Some(pages) = input.pages else { return };
    let files: BTreeSet<&str> = pages.iter().map(|(file, _)| stem(file)).collect();
    for source in sources.iter().filter(|it| !files.contains(stem(it.file))) {
        let alerting = source.documents.iter().find(|document| match (document.rule(), document.correlation()) {
            (Some(rule), _) => known.alerts(rule),
            (None, it) => it.is_some(),
        });
        if let Some(document) = alerting {
            let at = document.pair("title").map_or(document.node.at, |(_, it)| it.at);
            let message = format!("no page `{}.md`", stem(source.file).rsplit(['/', '\\']).next().unwrap_or_default());
            problems.push(
                source
                    .problem(Code::MissingPage, at, message)
                    .with_hint("a page says what to do about an alert, and has cases that test the rule"),
            );
        }
    }
    for (file, text) in pages {
        let Some(source) = sources.iter().find(|it| stem(it.file) == stem(file)) else {
            let message = "no rule file of the same name stands beside the page";
            problems.push(Problem::new(Code::OrphanPage, file, 1, 1, message));
            continue;
        };
        match page::parse(file, text) {
            Ok(page) => check_page(file, text, &page, source, known, problems),
            Err(found) => problems.extend(found),
        }
    }
}

/// A file name without its extension.
fn stem(file: &str) -> &str {
    let base = file.rfind(['/', '\\']).map_or(0, |it| it + 1);
    file[base..].rfind('.').map_or(file, |it| &file[..base + it])
}

fn check_page(file: &str, text: &str, page: &page::Page, source: &Source<'_>, known: &Known<'_>, problems: &mut Vec<Problem>) {
    let own: Vec<&str> = source.documents.iter().filter_map(|it| it.loaded).map(Document::name).collect();
    if own.is_empty() {
        return;
    }
    let fires = |case: &&page::Case| case.expect.iter().any(|it| own.contains(&it.rule.as_str()));
    let mut report = |code, line: usize, message: String, hint: &str| {
        let problem = Problem::new(code, file, line, 1, message);
        problems.push(if hint.is_empty() { problem } else { problem.with_hint(hint) });
    };
    let is_mute = page
        .cases
        .iter()
        .all(|it| it.expect.iter().all(|it| own.contains(&it.rule.as_str()) || known.names.contains(it.rule.as_str())));
    if !page.cases.iter().any(|it| fires(&it)) && is_mute {
        report(
            Code::NoFiringCase,
            1,
            "no case in which the rule fires".to_owned(),
            "add a `## ` heading with `events` and `expect`",
        );
    }
    if page.cases.iter().all(|it| fires(&it)) {
        report(
            Code::NoQuietCase,
            1,
            "no case in which the rule stays quiet".to_owned(),
            "add the ordinary event that looks most like it",
        );
    }
    for (at, case) in page.cases.iter().enumerate() {
        if let Some(first) = page.cases[..at].iter().find(|it| it.heading == case.heading) {
            let message = format!("the case `{}` is already on line {}", case.heading, first.line);
            report(Code::DuplicateCase, case.line, message, "");
        }
        for expected in case.expect.iter().filter(|it| !known.names.contains(it.rule.as_str())) {
            let hint = nearest(&expected.rule, known.names.iter().copied()).map(|it| format!("did you mean `{it}`?"));
            let message = format!("there is no rule `{}`", expected.rule);
            report(Code::UnknownExpectedRule, expected.line, message, hint.as_deref().unwrap_or_default());
        }
    }
    let is_prose = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    if !text.lines().take_while(|it| !it.starts_with("## ")).any(|it| is_prose(&it)) {
        report(
            Code::ShortPage,
            1,
            "the page says nothing before its first case".to_owned(),
            "say what happened, what else it may be, what to ask first",
        );
    }
}
