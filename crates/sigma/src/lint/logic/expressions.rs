//! Whether a regular expression is found in a text in whatever case.

use crate::pcre;
use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look, Repetition};

/// Longest expression that is tried, in bytes, and largest program that one may become.
const EXPRESSION_BYTES_MAX: usize = 1_024;
const PROGRAM_BYTES_MAX: usize = 1 << 20;

/// Whether `source` may be found in `text`, or, unless case matters, in a text that differs from it in case alone. Yes for what can't
/// be told.
pub(super) fn may_find(source: &str, text: &str, is_cased: bool) -> bool {
    source.len() > EXPRESSION_BYTES_MAX || !text.is_ascii() || compiled(source, is_cased).is_none_or(|it| it.is_match(text))
}

fn compiled(source: &str, is_cased: bool) -> Option<Regex> {
    let exact = pcre::exact(source).ok()?;
    let expression = if is_cased { exact } else { in_any_case(&regex_syntax::parse(&exact).ok()?)?.to_string() };
    RegexBuilder::new(&expression).size_limit(PROGRAM_BYTES_MAX).build().ok()
}

/// The expression with each letter in every case. More than `(?i)`: what is not `a` may be `A`, and that is `a` to who folds it.
fn in_any_case(hir: &Hir) -> Option<Hir> {
    let all = |parts: &[Hir]| parts.iter().map(in_any_case).collect::<Option<Vec<Hir>>>();
    Some(match hir.kind() {
        HirKind::Look(Look::WordAscii | Look::WordAsciiNegate) | HirKind::Class(Class::Bytes(_)) => return None,
        HirKind::Empty | HirKind::Look(_) => hir.clone(),
        HirKind::Literal(literal) => {
            let letter = |it: char| class(ClassUnicode::new([ClassUnicodeRange::new(it, it)]));
            Hir::concat(std::str::from_utf8(&literal.0).ok()?.chars().map(letter).collect())
        }
        HirKind::Class(Class::Unicode(it)) => class(it.clone()),
        HirKind::Repetition(it) => {
            let sub = Box::new(in_any_case(&it.sub)?);
            Hir::repetition(Repetition { min: it.min, max: it.max, greedy: it.greedy, sub })
        }
        HirKind::Capture(it) => in_any_case(&it.sub)?,
        HirKind::Concat(parts) => Hir::concat(all(parts)?),
        HirKind::Alternation(parts) => Hir::alternation(all(parts)?),
    })
}

fn class(mut class: ClassUnicode) -> Hir {
    class.case_fold_simple();
    Hir::class(Class::Unicode(class))
}
