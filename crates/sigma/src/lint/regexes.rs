//! Regular expressions that cost more than they should, or that say less or more than they seem to.

use super::entries::Entry;
use super::source::{Source, replacement};
use crate::parse::yaml::{Node, Scalar};
use crate::pcre;
use crate::problem::{Code, Problem};
use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{AssertionKind, Ast, LiteralKind, Repetition, RepetitionKind, RepetitionRange};
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind};

/// Most times that counted repetitions may multiply before the expression is huge.
const COPIES_MAX: u64 = 1_000;

pub(super) fn check(source: &Source<'_>, entry: &Entry<'_>, problems: &mut Vec<Problem>) {
    if !entry.has("re") || entry.has("expand") {
        return;
    }
    for (node, scalar) in entry.values.iter().filter_map(|it| Some((it, it.as_scalar()?))) {
        let flags: String = entry.modifiers.iter().filter(|it| matches!(**it, "i" | "m" | "s")).copied().collect();
        let Ok(text) = pcre::readable(&scalar.text) else { continue };
        let Ok(ast) = Parser::new().parse(&text) else { continue };
        let flagged = if flags.is_empty() { text.clone() } else { format!("(?{flags}){text}") };
        let Ok(hir) = regex_syntax::parse(&flagged) else { continue };
        Expression { source, entry, node, scalar, text: &text, ast: &ast, hir: &hir }.check(problems);
    }
}

struct Expression<'a> {
    source: &'a Source<'a>,
    entry: &'a Entry<'a>,
    node: &'a Node,
    scalar: &'a Scalar,
    /// The expression that `ast` is of: in the syntax of the crate `regex`.
    text: &'a str,
    ast: &'a Ast,
    hir: &'a Hir,
}

impl Expression<'_> {
    fn check(&self, problems: &mut Vec<Problem>) {
        let mut report = |code, message: String, hint: &str| {
            let problem = self.source.problem(code, self.node.at, message);
            problems.push(if hint.is_empty() { problem } else { problem.with_hint(hint) });
        };
        if self.hir.properties().minimum_len() == Some(0) && self.hir.properties().look_set().is_empty() {
            report(
                Code::RegexMatchesAll,
                "the expression matches every text, the empty one included".to_owned(),
                "`|exists: true` says so",
            );
            return;
        }
        if let Some(why) = backtracks(self.ast) {
            report(
                Code::QuadraticRegex,
                format!("the expression can take quadratic time or worse: {why}"),
                "repeat one thing once, or anchor it",
            );
        }
        let copies = copies(self.hir);
        if copies > COPIES_MAX {
            report(
                Code::HugeRegex,
                format!("counted repetitions write a part of the expression out {copies} times"),
                "use smaller counts, or `+`",
            );
        }
        if looks_like_glob(self.ast) {
            report(Code::GlobAsRegex, "`*` repeats the character before it here".to_owned(), "drop `|re`, or write `.*`");
        } else if is_host(self.ast) {
            report(
                Code::UnescapedDot,
                "a dot that matches any character in what looks like a host or an address".to_owned(),
                "write `\\.`",
            );
        } else if let Some(instead) = literal(self.hir, self.entry.has("i")) {
            report(Code::LiteralRegex, "the expression is only a text".to_owned(), &instead);
        }
        self.any_ends(problems);
        self.flags(problems);
    }

    /// `.*` at an end, which an expression that is looked for anywhere has for free.
    fn any_ends(&self, problems: &mut Vec<Problem>) {
        let Ast::Concat(concat) = self.ast else { return };
        let (first, last) = (concat.asts.first().filter(|it| is_any(it)), concat.asts.last().filter(|it| is_any(it)));
        if first.is_none() && last.is_none() || concat.asts.iter().all(is_any) {
            return;
        }
        let start = first.map_or(0, |it| it.span().end.offset);
        let end = last.map_or(self.text.len(), |it| it.span().start.offset);
        let mut problem = self.source.problem(
            Code::RegexAnyEnd,
            self.node.at,
            "`.*` at an end says nothing: an expression is looked for anywhere",
        );
        let written = self.source.written(self.node.at);
        // What was translated is not the author's own any more.
        let kept = self.text.get(start..end).filter(|_| self.scalar.text == self.text).unwrap_or_default();
        let quote = written.chars().next().filter(|it| matches!(it, '\'' | '"'));
        if let Some(quote) = quote.filter(|it| written == format!("{it}{}{it}", self.scalar.text) && !kept.is_empty()) {
            problem.fix = replacement("remove it", self.node.at, format!("{quote}{kept}{quote}"));
        }
        problems.push(problem);
    }

    fn flags(&self, problems: &mut Vec<Problem>) {
        let (Some(key), [_]) = (self.entry.key, self.entry.values) else { return };
        for flag in ["i", "m", "s"].into_iter().filter(|it| self.entry.has(it)) {
            let is_useful = match flag {
                "i" => self.scalar.text.chars().any(char::is_alphabetic),
                "m" => has_assertion(self.ast),
                _ => has_dot(self.ast),
            };
            if !is_useful && !self.scalar.text.contains("(?") {
                let message = format!("the flag `{flag}` changes nothing about this expression");
                let mut problem = self.source.problem(Code::UselessRegexFlag, key.at, message);
                problem.fix = self.source.remove_modifier(key, flag);
                problems.push(problem);
            }
        }
    }
}

/// `.*` or `.*?`, and with at least one only where that is no condition.
fn is_any(ast: &Ast) -> bool {
    matches!(ast, Ast::Repetition(it) if matches!(*it.ast, Ast::Dot(_)) && it.op.kind == RepetitionKind::ZeroOrMore)
}

fn is_unbounded(repetition: &Repetition) -> bool {
    matches!(
        repetition.op.kind,
        RepetitionKind::ZeroOrMore | RepetitionKind::OneOrMore | RepetitionKind::Range(RepetitionRange::AtLeast(_))
    )
}

/// Why an engine that backtracks could take more than linear time; `None` if none of the usual reasons is there.
fn backtracks(ast: &Ast) -> Option<&'static str> {
    match ast {
        Ast::Repetition(outer) if is_unbounded(outer) => why_repeated(&outer.ast).or_else(|| backtracks(&outer.ast)),
        Ast::Repetition(outer) => backtracks(&outer.ast),
        Ast::Group(group) => backtracks(&group.ast),
        Ast::Alternation(it) => it.asts.iter().find_map(backtracks),
        Ast::Concat(it) => {
            let overlaps = it.asts.windows(2).any(|pair| match (ungrouped(&pair[0]), ungrouped(&pair[1])) {
                (Ast::Repetition(left), Ast::Repetition(right)) if is_unbounded(left) && is_unbounded(right) => {
                    overlap(&left.ast, &right.ast)
                }
                _ => false,
            });
            // From every place of a long run the engine reads to its end, only to find no end of the text there.
            let is_end =
                |it: &Ast| matches!(it, Ast::Assertion(it) if matches!(it.kind, AssertionKind::EndLine | AssertionKind::EndText));
            let is_run = |it: &Ast| matches!(it, Ast::Repetition(it) if is_unbounded(it) && !matches!(*it.ast, Ast::Dot(_)));
            let runs_out = matches!(it.asts.as_slice(), [run, end] if is_run(run) && is_end(end));
            if overlaps {
                Some("two repetitions side by side that match the same")
            } else if runs_out {
                Some("a run that is sought from everywhere and must end the text")
            } else {
                it.asts.iter().find_map(backtracks)
            }
        }
        _ => None,
    }
}

/// Why a text of what is repeated can be divided in several ways.
fn why_repeated(ast: &Ast) -> Option<&'static str> {
    match ast {
        Ast::Group(group) => why_repeated(&group.ast),
        Ast::Repetition(inner) => is_unbounded(inner).then_some("a repetition of a repetition"),
        Ast::Alternation(it) => {
            let clash = (0..it.asts.len()).any(|at| (0..at).any(|other| overlap(&it.asts[at], &it.asts[other])));
            clash.then_some("a repetition of alternatives that match the same").or_else(|| it.asts.iter().find_map(why_repeated))
        }
        // What stands beside the inner repetition may be missing, or be one of the characters that it repeats.
        Ast::Concat(it) => {
            let is_vague = |at: usize| {
                let Ast::Repetition(inner) = ungrouped(&it.asts[at]) else { return false };
                let mut beside = it.asts.iter().enumerate().filter(|(other, _)| *other != at).map(|it| it.1);
                is_unbounded(inner) && beside.all(|it| is_optional(it) || overlap(&inner.ast, it))
            };
            (0..it.asts.len()).any(is_vague).then_some("a repetition of a repetition")
        }
        _ => None,
    }
}

fn is_optional(ast: &Ast) -> bool {
    let hir = regex_syntax::parse(&ast.to_string());
    hir.is_ok_and(|it| it.properties().minimum_len() == Some(0) && it.properties().look_set().is_empty())
}

/// What stands in the parentheses, if it is all in parentheses.
fn ungrouped(ast: &Ast) -> &Ast {
    match ast {
        Ast::Group(group) => ungrouped(&group.ast),
        _ => ast,
    }
}

/// Whether there is a character that both match, and that is all they match: what is longer is told apart by what follows.
fn overlap(left: &Ast, right: &Ast) -> bool {
    let (Some(left), Some(mut right)) = (characters(left), characters(right)) else { return false };
    right.intersect(&left);
    !right.ranges().is_empty()
}

/// The characters that an expression of one character matches, repeated or not.
fn characters(ast: &Ast) -> Option<ClassUnicode> {
    let ast = match ungrouped(ast) {
        Ast::Repetition(it) => ungrouped(&it.ast),
        other => other,
    };
    match regex_syntax::parse(&ast.to_string()).ok()?.into_kind() {
        HirKind::Class(Class::Unicode(class)) => Some(class),
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            let mut chars = text.chars();
            let (Some(only), None) = (chars.next(), chars.next()) else { return None };
            Some(ClassUnicode::new([ClassUnicodeRange::new(only, only)]))
        }
        _ => None,
    }
}

/// How often counted repetitions write the most repeated part out.
fn copies(hir: &Hir) -> u64 {
    match hir.kind() {
        HirKind::Repetition(it) => u64::from(it.max.unwrap_or(it.min).max(1)).saturating_mul(copies(&it.sub)),
        HirKind::Capture(it) => copies(&it.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().map(copies).max().unwrap_or(1),
        _ => 1,
    }
}

/// Letters and digits with a `*` after them at the end, and nothing else of a regular expression: `powershell*`.
fn looks_like_glob(ast: &Ast) -> bool {
    let Ast::Concat(it) = ast else { return false };
    let Some((Ast::Repetition(last), before)) = it.asts.split_last() else { return false };
    let is_word = |it: &Ast| matches!(it, Ast::Literal(it) if it.kind == LiteralKind::Verbatim && it.c.is_ascii_alphanumeric());
    last.op.kind == RepetitionKind::ZeroOrMore && is_word(&last.ast) && before.len() >= 3 && before.iter().all(is_word)
}

/// Labels with unescaped dots between them that read as a domain name or an IPv4 address, perhaps anchored.
fn is_host(ast: &Ast) -> bool {
    let Ast::Concat(it) = ast else { return false };
    let mut text = String::new();
    for part in &it.asts {
        match part {
            Ast::Literal(it) if it.kind == LiteralKind::Verbatim => text.push(it.c),
            Ast::Dot(_) => text.push('.'),
            Ast::Assertion(it) if matches!(it.kind, AssertionKind::StartLine | AssertionKind::EndLine) => {}
            _ => return false,
        }
    }
    let labels: Vec<&str> = text.split('.').collect();
    let is_label = |it: &&str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
    let is_address = labels.len() == 4 && labels.iter().all(|it| it.parse::<u8>().is_ok());
    let tops = ["com", "org", "net", "io", "gov", "edu", "example", "local", "internal", "dev", "app", "ru", "cn", "de", "uk"];
    is_address || (labels.len() >= 2 && labels.iter().all(is_label) && labels.last().is_some_and(|it| tops.contains(it)))
}

/// What to write instead of an expression that is a text, perhaps anchored.
fn literal(hir: &Hir, ignores_case: bool) -> Option<String> {
    use regex_syntax::hir::Look;
    if ignores_case {
        return None;
    }
    let parts = match hir.kind() {
        HirKind::Concat(parts) => parts.as_slice(),
        HirKind::Literal(_) => std::slice::from_ref(hir),
        _ => return None,
    };
    let is = |at: Option<&Hir>, look: Look| matches!(at.map(Hir::kind), Some(HirKind::Look(it)) if *it == look);
    let (starts, ends) = (is(parts.first(), Look::Start), is(parts.last(), Look::End));
    let inner = &parts[usize::from(starts)..parts.len() - usize::from(ends)];
    matches!(inner, [one] if matches!(one.kind(), HirKind::Literal(_))).then(|| {
        let modifier = match (starts, ends) {
            (true, true) => "",
            (true, false) => "|startswith",
            (false, true) => "|endswith",
            (false, false) => "|contains",
        };
        format!("write `{modifier}|cased`")
    })
}

fn any(ast: &Ast, is: &impl Fn(&Ast) -> bool) -> bool {
    is(ast)
        || match ast {
            Ast::Repetition(it) => any(&it.ast, is),
            Ast::Group(it) => any(&it.ast, is),
            Ast::Alternation(it) => it.asts.iter().any(|it| any(it, is)),
            Ast::Concat(it) => it.asts.iter().any(|it| any(it, is)),
            _ => false,
        }
}

fn has_assertion(ast: &Ast) -> bool {
    any(ast, &|it| matches!(it, Ast::Assertion(it) if matches!(it.kind, AssertionKind::StartLine | AssertionKind::EndLine)))
}

fn has_dot(ast: &Ast) -> bool {
    any(ast, &|it| matches!(it, Ast::Dot(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ast(text: &str) -> Ast {
        Parser::new().parse(text).unwrap()
    }

    #[test]
    fn repetitions_of_repetitions_are_found() {
        for text in [
            "(a+)+$",
            "(?:x*)*y",
            r"\w+\d+!",
            ".*.*=",
            "a+a+b",
            "((ab)+|c)*d",
            "(.*)(.*)=",
            r"^(\w+\s?)*$",
            "(a|a)*b",
            "^(([a-z])+.)+[A-Z]([a-z])+$",
            r"^\s+|\s+$",
            "[a-z]+[a-z0-9]+$",
            "([a-z]+)*[0-9]",
            "(a|[ab])+c",
        ] {
            assert!(backtracks(&ast(text)).is_some(), "{text}");
        }
    }

    #[test]
    fn ordinary_expressions_are_left_alone() {
        for text in [
            "a.*b.*c",
            r"\d+\.\d+",
            "(ab+)+",
            "[a-z]+[0-9]+",
            "(a|b)*",
            r"\s*=\s*",
            "x{3}y{2}",
            "(a+)-(a+)",
            "(a+)(b+)",
            r"(\d+\.)+",
            "(foo|bar)+",
            r"(\w+ )*x",
            "foo.*$",
        ] {
            assert_eq!(backtracks(&ast(text)), None, "{text}");
        }
    }

    #[test]
    fn hosts_are_told_from_other_texts_with_dots() {
        for text in ["evil.example.com", "^10.0.0.1$", "cdn-1.tracker.io"] {
            assert!(is_host(&ast(text)), "{text}");
        }
        for text in [r"evil\.example\.com", "file.txt", "a.b", ".com", "foo.*com"] {
            assert!(!is_host(&ast(text)), "{text}");
        }
    }
}
