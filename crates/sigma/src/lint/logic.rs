//! Conditions as small disjunctive normal forms over predicates, and when one predicate, term or rule implies another.
//!
//! Everything here is sound and incomplete: what is said to follow follows, what is not may follow all the same. Values of fields may
//! be lists, of which any element satisfies a predicate; only what is known to be single may exclude anything.

mod expressions;

use super::fields::Facts;
use crate::ast::{Compare, Condition, Item, Pattern, Predicate, Search, Selection, TimePart, Wild};
use crate::fold::folded;
use model::FieldPath;
use std::net::IpAddr;

/// Most terms, and most literals over all terms, that a condition is spread into.
const TERMS_MAX: usize = 128;
const LITERALS_MAX: usize = 1_024;
/// Most pairs of predicates that two literals may cost.
const PAIRS_MAX: usize = 40_000;
/// Most of them when there are regular expressions among them.
const REGEX_PAIRS_MAX: usize = 64;

static PRESENT: Predicate = Predicate::Exists(true);

/// A field satisfies one of some predicates, or none of them.
#[derive(Debug, Clone)]
pub(super) struct Literal<'r> {
    /// `None`: a keyword.
    pub(super) field: Option<&'r FieldPath>,
    pub(super) any: Vec<&'r Predicate>,
    pub(super) is_positive: bool,
    /// The line it comes from.
    pub(super) line: usize,
}

pub(super) type Term<'r> = Vec<Literal<'r>>;

enum Tree<'r> {
    And(Vec<Tree<'r>>),
    Or(Vec<Tree<'r>>),
    Literal(Literal<'r>),
}

/// The terms of a condition over selections; `None` if there are too many.
pub(super) fn terms<'r>(condition: &Condition, selections: &'r [Selection]) -> Option<Vec<Term<'r>>> {
    spread(&of_condition(condition, selections, true))
}

/// The terms of one selection.
pub(super) fn terms_of(search: &Search) -> Option<Vec<Term<'_>>> {
    spread(&of_search(search, true))
}

fn of_condition<'r>(condition: &Condition, selections: &'r [Selection], is_positive: bool) -> Tree<'r> {
    let each = |parts: &[Condition]| parts.iter().map(|it| of_condition(it, selections, is_positive)).collect();
    match (condition, is_positive) {
        (Condition::And(parts), true) | (Condition::Or(parts), false) => Tree::And(each(parts)),
        (Condition::And(parts), false) | (Condition::Or(parts), true) => Tree::Or(each(parts)),
        (Condition::Not(inner), _) => of_condition(inner, selections, !is_positive),
        (Condition::Selection(at), _) => of_search(&selections[*at].search, is_positive),
    }
}

fn of_search(search: &Search, is_positive: bool) -> Tree<'_> {
    match (search, is_positive) {
        (Search::All(parts), true) | (Search::Any(parts), false) => {
            Tree::And(parts.iter().map(|it| of_search(it, is_positive)).collect())
        }
        (Search::All(parts), false) | (Search::Any(parts), true) => {
            Tree::Or(parts.iter().map(|it| of_search(it, is_positive)).collect())
        }
        (Search::Item(item), _) => of_item(item, is_positive),
    }
}

fn literal_of<'r>(item: &'r Item, any: Vec<&'r Predicate>, is_positive: bool) -> Literal<'r> {
    Literal { field: item.field.as_ref(), any, is_positive, line: item.line }
}

fn of_item(item: &Item, is_positive: bool) -> Tree<'_> {
    let literal = |any, is_positive| literal_of(item, any, is_positive);
    // `|neq`: the field is there, and the rest does not hold.
    let inner_positive = is_positive != item.negated;
    let inner = if item.all && item.predicates.len() > 1 {
        let parts = item.predicates.iter().map(|it| Tree::Literal(literal(vec![it], inner_positive))).collect();
        if inner_positive { Tree::And(parts) } else { Tree::Or(parts) }
    } else {
        Tree::Literal(literal(item.predicates.iter().collect(), inner_positive))
    };
    if !item.negated {
        return inner;
    }
    let present = Tree::Literal(literal(vec![&PRESENT], is_positive));
    if is_positive { Tree::And(vec![present, inner]) } else { Tree::Or(vec![present, inner]) }
}

fn spread<'r>(tree: &Tree<'r>) -> Option<Vec<Term<'r>>> {
    let terms = match tree {
        Tree::Literal(literal) => vec![vec![literal.clone()]],
        Tree::Or(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(spread(part)?);
                if all.len() > TERMS_MAX {
                    return None;
                }
            }
            all
        }
        Tree::And(parts) => {
            let mut product: Vec<Term<'r>> = vec![Vec::new()];
            for part in parts {
                let factor = spread(part)?;
                if product.len() * factor.len() > TERMS_MAX {
                    return None;
                }
                product =
                    product.iter().flat_map(|left| factor.iter().map(move |right| [left.as_slice(), right].concat())).collect();
            }
            product
        }
    };
    (terms.iter().map(Vec::len).sum::<usize>() <= LITERALS_MAX).then_some(terms)
}

/// Whether whatever satisfies `a` satisfies `b`.
pub(super) fn implies(a: &Predicate, b: &Predicate) -> bool {
    match (a, b) {
        (Predicate::Text { pattern: a, cased: a_cased }, Predicate::Text { pattern: b, cased: b_cased }) => {
            (*a_cased || !b_cased) && pattern_implies(a, b, *b_cased)
        }
        (Predicate::Number { compare: a, with: x }, Predicate::Number { compare: b, with: y }) => number_implies(*a, x, *b, y),
        (Predicate::TimePart { part: left, compare: a, with: x }, Predicate::TimePart { part: right, compare: b, with: y }) => {
            left == right && number_implies(*a, x, *b, y)
        }
        (Predicate::Cidr(a), Predicate::Cidr(b)) => b.contains(a),
        (Predicate::Exists(false), Predicate::Null) => true,
        (_, Predicate::Exists(true)) => is_present(a),
        _ => a == b,
    }
}

/// Whether only a present field satisfies a predicate.
fn is_present(predicate: &Predicate) -> bool {
    !matches!(predicate, Predicate::Null | Predicate::Exists(false))
}

fn number_implies<T: PartialOrd>(a: Compare, x: &T, b: Compare, y: &T) -> bool {
    match (a, b) {
        (Compare::Equal, _) => b.holds(x, y),
        (Compare::Less, Compare::Less | Compare::LessOrEqual) | (Compare::LessOrEqual, Compare::LessOrEqual) => x <= y,
        (Compare::LessOrEqual, Compare::Less) => x < y,
        (Compare::Greater, Compare::Greater | Compare::GreaterOrEqual) | (Compare::GreaterOrEqual, Compare::GreaterOrEqual) => {
            x >= y
        }
        (Compare::GreaterOrEqual, Compare::Greater) => x > y,
        _ => false,
    }
}

/// How texts are compared: with or without regard to case.
#[derive(Clone, Copy)]
struct Fold {
    cased: bool,
}

impl Fold {
    /// Applies `test` to both texts as they are compared. Most texts are ASCII, and those are folded as they are read. (Two signs
    /// outside of ASCII, Kelvin and the long s, fold into it: that a text with them implies one without is not seen.)
    fn compare(self, a: &str, b: &str, ascii: fn(&[u8], &[u8]) -> bool, test: fn(&str, &str) -> bool) -> bool {
        if self.cased {
            test(a, b)
        } else if b.is_ascii() {
            ascii(a.as_bytes(), b.as_bytes())
        } else {
            !a.is_ascii() && test(&folded(a), &folded(b))
        }
    }

    fn same(self, a: &str, b: &str) -> bool {
        self.compare(a, b, <[u8]>::eq_ignore_ascii_case, |a, b| a == b)
    }

    fn starts(self, a: &str, b: &str) -> bool {
        let ascii = |a: &[u8], b: &[u8]| a.get(..b.len()).is_some_and(|it| it.eq_ignore_ascii_case(b));
        self.compare(a, b, ascii, |a, b| a.starts_with(b))
    }

    fn ends(self, a: &str, b: &str) -> bool {
        let ascii = |a: &[u8], b: &[u8]| a.len().checked_sub(b.len()).is_some_and(|it| a[it..].eq_ignore_ascii_case(b));
        self.compare(a, b, ascii, |a, b| a.ends_with(b))
    }

    fn holds(self, a: &str, b: &str) -> bool {
        let ascii = |a: &[u8], b: &[u8]| {
            let Some(first) = b.first() else { return true };
            let starts = memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), a);
            starts.take_while(|it| it + b.len() <= a.len()).any(|it| a[it..it + b.len()].eq_ignore_ascii_case(b))
        };
        self.compare(a, b, ascii, |a, b| a.contains(b))
    }
}

/// Texts are compared folded unless case matters to `b`, which only a cased `a` can imply.
fn pattern_implies(a: &Pattern, b: &Pattern, cased: bool) -> bool {
    let fold = Fold { cased };
    match (a, b) {
        (_, Pattern::Any) => true,
        (Pattern::Equal(a), _) => matches(a, b, fold),
        (Pattern::Prefix(a), Pattern::Prefix(b)) => fold.starts(a, b),
        (Pattern::Suffix(a), Pattern::Suffix(b)) => fold.ends(a, b),
        (Pattern::Prefix(a) | Pattern::Suffix(a) | Pattern::Contains(a), Pattern::Contains(b)) => fold.holds(a, b),
        (Pattern::Wildcard(pieces), Pattern::Contains(b)) => {
            pieces.iter().any(|it| matches!(it, Wild::Literal(text) if fold.holds(text, b)))
        }
        (Pattern::Wildcard(pieces), Pattern::Prefix(b)) => {
            matches!(pieces.first(), Some(Wild::Literal(text)) if fold.starts(text, b))
        }
        (Pattern::Wildcard(pieces), Pattern::Suffix(b)) => matches!(pieces.last(), Some(Wild::Literal(text)) if fold.ends(text, b)),
        (Pattern::Wildcard(a), Pattern::Wildcard(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|(a, b)| match (a, b) {
                    (Wild::Literal(a), Wild::Literal(b)) => fold.same(a, b),
                    _ => a == b,
                })
        }
        _ => false,
    }
}

/// Whether a text matches a pattern.
fn matches(text: &str, pattern: &Pattern, fold: Fold) -> bool {
    match pattern {
        Pattern::Equal(it) => fold.same(text, it),
        Pattern::Prefix(it) => fold.starts(text, it),
        Pattern::Suffix(it) => fold.ends(text, it),
        Pattern::Contains(it) => fold.holds(text, it),
        Pattern::Any => true,
        Pattern::Wildcard(pieces) if fold.cased => wild(text, pieces),
        Pattern::Wildcard(pieces) => {
            let lower = |it: &Wild| if let Wild::Literal(it) = it { Wild::Literal(folded(it)) } else { it.clone() };
            wild(&folded(text), &pieces.iter().map(lower).collect::<Vec<_>>())
        }
    }
}

/// The greedy match of a wildcard pattern, piece by piece, going back to the latest `*`.
fn wild(text: &str, pieces: &[Wild]) -> bool {
    let (mut rest, mut at) = (text, 0);
    let mut back: Option<(&str, usize)> = None;
    loop {
        let step = match pieces.get(at) {
            None if rest.is_empty() => return true,
            None => None,
            Some(Wild::Many) => {
                back = Some((rest, at));
                at += 1;
                continue;
            }
            Some(Wild::One) => rest.chars().next().map(|it| &rest[it.len_utf8()..]),
            Some(Wild::Literal(literal)) => rest.strip_prefix(literal.as_str()),
        };
        if let Some(after) = step {
            (rest, at) = (after, at + 1);
            continue;
        }
        let Some((from, many)) = back else { return false };
        let Some(skipped) = from.chars().next() else { return false };
        let from = &from[skipped.len_utf8()..];
        back = Some((from, many));
        (rest, at) = (from, many + 1);
    }
}

/// Whether no value can satisfy both; `is_single` tells that the field never holds a list.
pub(super) fn exclude(a: &Predicate, b: &Predicate, is_single: bool) -> bool {
    match (a, b) {
        (Predicate::Exists(false), other) | (other, Predicate::Exists(false)) => is_present(other),
        _ if !is_single => false,
        (Predicate::Number { compare: a, with: x }, Predicate::Number { compare: b, with: y }) => numbers_exclude(*a, x, *b, y),
        (Predicate::TimePart { part: left, compare: a, with: x }, Predicate::TimePart { part: right, compare: b, with: y }) => {
            let ((a, x), (b, y)) = (inclusive(*a, *x), inclusive(*b, *y));
            left == right && numbers_exclude(a, &x, b, &y)
        }
        // An address is in both only if one of them is in the other.
        (Predicate::Cidr(a), Predicate::Cidr(b)) => !a.contains(b) && !b.contains(a),
        (Predicate::Cidr(net), Predicate::Text { pattern: Pattern::Equal(text), .. })
        | (Predicate::Text { pattern: Pattern::Equal(text), .. }, Predicate::Cidr(net)) => {
            text.is_ascii() && !text.parse::<IpAddr>().is_ok_and(|it| net.contains(&it.to_canonical()))
        }
        (Predicate::Regex(regex), Predicate::Text { pattern: Pattern::Equal(text), cased })
        | (Predicate::Text { pattern: Pattern::Equal(text), cased }, Predicate::Regex(regex)) => {
            !expressions::may_find(regex, text, *cased)
        }
        (Predicate::Bool(a), Predicate::Bool(b)) => a != b,
        // Folded texts that exclude each other do so in whatever case.
        (Predicate::Text { pattern: a, .. }, Predicate::Text { pattern: b, .. }) => patterns_exclude(a, b),
        (Predicate::Null, other) | (other, Predicate::Null) => matches!(
            other,
            Predicate::Text { .. } | Predicate::Number { .. } | Predicate::Bool(_) | Predicate::Cidr(_) | Predicate::Regex(_)
        ),
        _ => false,
    }
}

/// A comparison of whole numbers with its bound among them.
fn inclusive(compare: Compare, with: i64) -> (Compare, i64) {
    match compare {
        Compare::Less => (Compare::LessOrEqual, with.saturating_sub(1)),
        Compare::Greater => (Compare::GreaterOrEqual, with.saturating_add(1)),
        other => (other, with),
    }
}

/// Whether no time has it.
fn is_outside(part: TimePart, compare: Compare, with: i64) -> bool {
    let (least, most) = part.range();
    match inclusive(compare, with) {
        (Compare::LessOrEqual, with) => with < least,
        (Compare::GreaterOrEqual, with) => with > most,
        (Compare::Equal, with) => with < least || with > most,
        _ => false,
    }
}

fn numbers_exclude<T: PartialOrd>(a: Compare, x: &T, b: Compare, y: &T) -> bool {
    let is_low = |it: Compare| matches!(it, Compare::Less | Compare::LessOrEqual);
    let is_high = |it: Compare| matches!(it, Compare::Greater | Compare::GreaterOrEqual);
    match (a, b) {
        (Compare::Equal, _) => !b.holds(x, y),
        (_, Compare::Equal) => !a.holds(y, x),
        _ if is_low(a) && is_high(b) => x < y || (x <= y && (a == Compare::Less || b == Compare::Greater)),
        _ if is_high(a) && is_low(b) => y < x || (y <= x && (a == Compare::Greater || b == Compare::Less)),
        _ => false,
    }
}

fn patterns_exclude(a: &Pattern, b: &Pattern) -> bool {
    let fold = Fold { cased: false };
    let is_ascii = |it: &Pattern| match it {
        Pattern::Equal(it) | Pattern::Prefix(it) | Pattern::Suffix(it) | Pattern::Contains(it) => it.is_ascii(),
        Pattern::Any => true,
        Pattern::Wildcard(pieces) => pieces.iter().all(|it| !matches!(it, Wild::Literal(it) if !it.is_ascii())),
    };
    match (a, b) {
        _ if is_ascii(a) != is_ascii(b) => false,
        (Pattern::Equal(text), pattern) | (pattern, Pattern::Equal(text)) => !matches(text, pattern, fold),
        (Pattern::Prefix(a), Pattern::Prefix(b)) => !fold.starts(a, b) && !fold.starts(b, a),
        (Pattern::Suffix(a), Pattern::Suffix(b)) => !fold.ends(a, b) && !fold.ends(b, a),
        _ => false,
    }
}

impl Literal<'_> {
    /// Whether whatever satisfies this satisfies the other.
    pub(super) fn implies(&self, other: &Self) -> bool {
        if self.field != other.field || self.any.len().saturating_mul(other.any.len()) > PAIRS_MAX {
            return false;
        }
        match (self.is_positive, other.is_positive) {
            (true, true) => self.any.iter().all(|a| other.any.iter().any(|b| implies(a, b))),
            (false, false) => other.any.iter().all(|b| self.any.iter().any(|a| implies(b, a))),
            (false, true) => {
                let is_absent = self.any.iter().any(|it| **it == PRESENT);
                let is_there = self.any.iter().any(|it| matches!(it, Predicate::Null | Predicate::Exists(false)));
                other.any.iter().any(|it| match it {
                    Predicate::Null | Predicate::Exists(false) => is_absent,
                    Predicate::Exists(true) => is_there,
                    _ => false,
                })
            }
            (true, false) => false,
        }
    }

    /// Whether nothing satisfies both.
    pub(super) fn excludes(&self, other: &Self, is_single: &impl Fn(&str) -> bool) -> bool {
        let pairs = self.any.len().saturating_mul(other.any.len());
        let has_regex = || [self, other].iter().any(|it| it.any.iter().any(|it| matches!(it, Predicate::Regex(_))));
        if self.field != other.field || pairs > PAIRS_MAX || (pairs > REGEX_PAIRS_MAX && has_regex()) {
            return false;
        }
        match (self.is_positive, other.is_positive) {
            (true, true) => {
                let is_single = self.field.is_some_and(|it| is_single(it.as_str()));
                self.any.iter().all(|a| other.any.iter().all(|b| exclude(a, b, is_single)))
            }
            (true, false) => self.any.iter().all(|a| other.any.iter().any(|b| implies(a, b))),
            (false, true) => other.any.iter().all(|a| self.any.iter().any(|b| implies(a, b))),
            // Nothing is neither present nor absent.
            (false, false) => {
                let has = |it: &Self, wanted: &Predicate| it.any.contains(&wanted);
                has(self, &PRESENT) && has(other, &Predicate::Exists(false))
                    || has(self, &Predicate::Exists(false)) && has(other, &PRESENT)
            }
        }
    }
}

impl Literal<'_> {
    /// Why no event satisfies this, whatever else is asked for.
    fn is_never(&self, facts: Facts<'_>) -> Option<&'static str> {
        let is_required = self.field.is_some_and(|it| facts.is_required(it.as_str()));
        if !self.is_positive {
            return (is_required && self.any.contains(&&PRESENT)).then_some(REQUIRED);
        }
        let is_outside =
            |it: &&Predicate| matches!(it, Predicate::TimePart { part, compare, with } if is_outside(*part, *compare, *with));
        let is_absent = |it: &&Predicate| matches!(it, Predicate::Null | Predicate::Exists(false));
        match self.any.as_slice() {
            [] => None,
            any if any.iter().all(is_outside) => Some("no time has it"),
            any if is_required && any.iter().all(is_absent) => Some(REQUIRED),
            _ => None,
        }
    }
}

/// Why an event can't be without a field.
const REQUIRED: &str = "every event has the field";

/// Why nothing satisfies a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contradiction {
    /// Nothing satisfies what stands on a line, for that reason.
    Alone(usize, &'static str),
    /// What stands on two lines excludes each other; the earlier line first.
    Between(usize, usize),
}

/// Why nothing satisfies a term, as far as its literals tell two by two.
pub(super) fn contradiction(term: &Term<'_>, facts: Facts<'_>) -> Option<Contradiction> {
    if let Some(alone) = term.iter().find_map(|it| Some(Contradiction::Alone(it.line, it.is_never(facts)?))) {
        return Some(alone);
    }
    let is_single = |field: &str| facts.is_single(field);
    term.iter().enumerate().find_map(|(at, a)| {
        let other = term[..at].iter().find(|b| a.excludes(b, &is_single))?;
        Some(Contradiction::Between(a.line.min(other.line), a.line.max(other.line)))
    })
}

/// Whether nothing satisfies a term.
pub(super) fn is_empty(term: &Term<'_>, facts: Facts<'_>) -> bool {
    contradiction(term, facts).is_some()
}

/// Whether whatever satisfies `a` satisfies `b`.
pub(super) fn term_implies(a: &Term<'_>, b: &Term<'_>) -> bool {
    b.iter().all(|wanted| a.iter().any(|it| it.implies(wanted)))
}

/// Whether whatever satisfies one of `a` satisfies one of `b`.
pub(super) fn all_imply(a: &[Term<'_>], b: &[Term<'_>]) -> bool {
    a.iter().all(|a| b.iter().any(|b| term_implies(a, b)))
}

/// Whether every event satisfies one of the terms, as far as single literals tell.
pub(super) fn is_always(terms: &[Term<'_>]) -> bool {
    if terms.iter().any(Vec::is_empty) {
        return true;
    }
    let single: Vec<&Literal<'_>> = terms.iter().filter(|it| it.len() == 1).map(|it| &it[0]).collect();
    // `not a or b` holds always when `a` implies `b`.
    single.iter().filter(|it| !it.is_positive).any(|no| {
        let opposite = Literal { is_positive: true, ..(*no).clone() };
        single.iter().any(|it| opposite.implies(it))
    })
}

#[cfg(test)]
mod tests;
