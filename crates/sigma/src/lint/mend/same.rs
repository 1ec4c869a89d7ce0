//! Whether two readings of a document do the same.

use crate::ast::{Condition, Correlation, Document, Filter, Item, Pattern, Predicate, Rule, Search, Selection, Wild};
use crate::lint::logic;
use model::RuleInfo;
use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{Ast, RepetitionKind};

/// What differs, in words; positions, and what only people read, may.
pub(super) fn check(a: &Document, b: &Document) -> Result<(), &'static str> {
    match (a, b) {
        (Document::Rule(a), Document::Rule(b)) => rules(a, b),
        (Document::Correlation(a), Document::Correlation(b)) => correlations(a, b),
        (Document::Filter(a), Document::Filter(b)) => filters(a, b),
        _ => Err("the kind"),
    }
}

fn rules(a: &Rule, b: &Rule) -> Result<(), &'static str> {
    infos(&a.info, &b.info)?;
    ensure(a.logsource == b.logsource, "the log source")?;
    selections(&a.selections, &b.selections)?;
    conditions(&a.condition, &b.condition)
}

fn filters(a: &Filter, b: &Filter) -> Result<(), &'static str> {
    ensure(a.title == b.title && a.description == b.description, "a text")?;
    ensure(a.logsource == b.logsource && a.rules == b.rules, "what it is for")?;
    selections(&a.selections, &b.selections)?;
    conditions(&a.condition, &b.condition)
}

fn correlations(a: &Correlation, b: &Correlation) -> Result<(), &'static str> {
    infos(&a.info, &b.info)?;
    // All but where it stands and what it says about itself.
    let bare = |it: &Correlation| Correlation { info: a.info.clone(), place: a.place.clone(), ..it.clone() };
    ensure(format!("{:?}", bare(a)) == format!("{:?}", bare(b)), "the correlation")
}

/// What alerts say. A text that was missing because its key was misspelled may come.
fn infos(a: &RuleInfo, b: &RuleInfo) -> Result<(), &'static str> {
    ensure(a.level == b.level && a.status == b.status && a.kind == b.kind, "the level or the status")?;
    let texts = [(&a.title, &b.title), (&a.description, &b.description), (&a.author, &b.author)];
    let is_kept = texts.iter().all(|(a, b)| a.is_empty() || a == b);
    let lists = [(&a.false_positives, &b.false_positives), (&a.fields, &b.fields)];
    ensure(is_kept && lists.iter().all(|(a, b)| a.is_empty() || a == b), "a text")?;
    // Of what stands twice one may go.
    let has_all = |a: &[String], b: &[String]| a.iter().all(|it| b.contains(it));
    ensure(has_all(&a.references, &b.references), "a reference")
}

fn conditions(a: &Condition, b: &Condition) -> Result<(), &'static str> {
    ensure(a == b, "the condition")
}

fn selections(a: &[Selection], b: &[Selection]) -> Result<(), &'static str> {
    let is_same = a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.name == b.name && searches(&a.search, &b.search));
    ensure(is_same, "what a selection matches")
}

/// Recursion is bounded by the depth of documents.
fn searches(a: &Search, b: &Search) -> bool {
    match (single(a), single(b)) {
        (Search::All(a), Search::All(b)) | (Search::Any(a), Search::Any(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| searches(a, b))
        }
        (Search::Item(a), Search::Item(b)) => items(a, b),
        _ => false,
    }
}

/// All of one and any of one are the one.
fn single(search: &Search) -> &Search {
    match search {
        Search::All(parts) | Search::Any(parts) if parts.len() == 1 => single(&parts[0]),
        _ => search,
    }
}

fn items(a: &Item, b: &Item) -> bool {
    if a.field != b.field || a.negated != b.negated {
        return false;
    }
    let is_all = |it: &Item| it.all && it.predicates.len() > 1;
    let covered = |narrow: &[Predicate], wide: &[Predicate]| narrow.iter().all(|a| wide.iter().any(|b| implies(a, b)));
    let needed = |from: &[Predicate], wanted: &[Predicate]| wanted.iter().all(|b| from.iter().any(|a| implies(a, b)));
    let (one, other) = (a.predicates.as_slice(), b.predicates.as_slice());
    match (is_all(a), is_all(b)) {
        (false, false) => covered(one, other) && covered(other, one),
        (true, true) => needed(one, other) && needed(other, one),
        // A list of one is all of its values and any of them.
        (true, false) => other.len() == 1 && needed(one, other) && needed(other, one),
        (false, true) => one.len() == 1 && needed(one, other) && needed(other, one),
    }
}

fn implies(a: &Predicate, b: &Predicate) -> bool {
    match (a, b) {
        (Predicate::Regex(a), Predicate::Regex(b)) => a == b || expression(a).is_some_and(|it| Some(it) == expression(b)),
        (Predicate::Text { pattern: a, cased: one }, Predicate::Text { pattern: b, cased: other }) if one != other => {
            a == b && !has_case(a)
        }
        _ => logic::implies(a, b),
    }
}

/// An expression that is looked for anywhere, without `.*` at its ends, after its flags were worked in.
fn expression(text: &str) -> Option<regex_syntax::hir::Hir> {
    let ast = Parser::new().parse(text).ok()?;
    let Ast::Concat(concat) = &ast else { return regex_syntax::parse(text).ok() };
    let is_any =
        |it: &&Ast| matches!(it, Ast::Repetition(it) if matches!(*it.ast, Ast::Dot(_)) && it.op.kind == RepetitionKind::ZeroOrMore);
    let flags_end = concat.asts.first().filter(|it| matches!(it, Ast::Flags(_))).map_or(0, |it| it.span().end.offset);
    let parts = &concat.asts[usize::from(flags_end > 0)..];
    let start = parts.first().filter(is_any).map_or(flags_end, |it| it.span().end.offset);
    let end = parts.last().filter(is_any).map_or(text.len(), |it| it.span().start.offset);
    let bare = text.get(start..end)?;
    regex_syntax::parse(&format!("{}{bare}", &text[..flags_end])).ok()
}

fn has_case(pattern: &Pattern) -> bool {
    let has_case = |it: &str| it.chars().any(|it| !it.to_lowercase().eq([it]) || !it.to_uppercase().eq([it]));
    match pattern {
        Pattern::Equal(it) | Pattern::Prefix(it) | Pattern::Suffix(it) | Pattern::Contains(it) => has_case(it),
        Pattern::Any => false,
        Pattern::Wildcard(pieces) => pieces.iter().any(|it| matches!(it, Wild::Literal(it) if has_case(it))),
    }
}

fn ensure(is_same: bool, what: &'static str) -> Result<(), &'static str> {
    if is_same { Ok(()) } else { Err(what) }
}
