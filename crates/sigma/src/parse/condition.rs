//! Conditions (specification 2.1, "Condition"): a small recursive-descent parser over the names of selections.

use super::report::Report;
use super::yaml::Position;
use crate::ast::Condition;
use crate::problem::Code;

/// Deepest nesting of parentheses and `not`.
const DEPTH_MAX: usize = 64;
/// Most selections that one condition may stand for, patterns written out.
const SELECTIONS_MAX: usize = 100_000;
/// Longest condition in bytes.
const BYTES_MAX: usize = 65_536;

/// Parses the condition `text` over the selections `names`. `None` if a problem was reported.
pub(super) fn parse(text: &str, at: Position, names: &[&str], report: &mut Report) -> Option<Condition> {
    parse_over(text, at, names, "selection", report)
}

/// The same over names of something else, called `noun` in problems.
pub(super) fn parse_over(text: &str, at: Position, names: &[&str], noun: &str, report: &mut Report) -> Option<Condition> {
    if text.len() > BYTES_MAX {
        report.error(Code::TooLarge, at, format!("a condition of more than {BYTES_MAX} bytes"));
        return None;
    }
    if let Some((message, hint)) = deprecated(text) {
        report.error_with_hint(Code::Aggregation, at, message, hint);
        return None;
    }
    let mut parser = Parser { tokens: tokens(text), next: 0, names, depth: 0, selections: 0 };
    let parsed = match parser.or() {
        Ok(condition) => parser.end().map(|()| condition),
        Err(wrong) => Err(wrong),
    };
    match parsed {
        Ok(condition) => return Some(condition),
        Err(Wrong::Unknown(name)) => {
            report.error_with_nearest(
                Code::UnknownSelection,
                at,
                format!("the condition names `{name}`, which is no {noun}"),
                &name,
                names.iter().copied(),
            );
        }
        Err(Wrong::Said(code, message, None)) => report.error(code, at, message),
        Err(Wrong::Said(code, message, Some(hint))) => report.error_with_hint(code, at, message, hint),
    }
    None
}

/// Marks every selection that `condition` uses.
pub(super) fn mark_used(condition: &Condition, used: &mut [bool]) {
    match condition {
        Condition::And(parts) | Condition::Or(parts) => parts.iter().for_each(|it| mark_used(it, used)),
        Condition::Not(inner) => mark_used(inner, used),
        Condition::Selection(index) => used[*index] = true,
    }
}

/// What Sigma had before correlations.
fn deprecated(text: &str) -> Option<(String, &'static str)> {
    const HINT: &str = "use a correlation (`type: event_count`, `value_count`, `temporal`) over this rule";
    if let Some((_, aggregation)) = text.split_once('|') {
        return Some((format!("aggregations in conditions are no longer part of Sigma: `| {}`", aggregation.trim()), HINT));
    }
    let has_near = text.split_whitespace().any(|it| it.eq_ignore_ascii_case("near"));
    has_near.then(|| ("`near` in conditions is no longer part of Sigma".to_owned(), HINT))
}

fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    for word in text.split_whitespace() {
        let mut rest = word;
        while let Some(at) = rest.find(['(', ')']) {
            if at > 0 {
                tokens.push(&rest[..at]);
            }
            tokens.push(&rest[at..=at]);
            rest = &rest[at + 1..];
        }
        if !rest.is_empty() {
            tokens.push(rest);
        }
    }
    tokens
}

enum Wrong {
    /// A name that is no selection.
    Unknown(String),
    /// Anything else, with a hint.
    Said(Code, String, Option<String>),
}

impl Wrong {
    fn said(message: impl Into<String>) -> Self {
        Self::Said(Code::ConditionSyntax, message.into(), None)
    }

    fn with_hint(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Said(Code::ConditionSyntax, message.into(), Some(hint.into()))
    }
}

struct Parser<'a> {
    tokens: Vec<&'a str>,
    next: usize,
    names: &'a [&'a str],
    depth: usize,
    selections: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.next).copied()
    }

    /// Takes the next token if it is `word`.
    fn accept(&mut self, word: &str) -> bool {
        let is_next = self.peek().is_some_and(|it| it.eq_ignore_ascii_case(word));
        self.next += usize::from(is_next);
        is_next
    }

    fn end(&self) -> Result<(), Wrong> {
        match self.peek() {
            None => Ok(()),
            Some(")") => Err(Wrong::said("a `)` without a `(` in the condition")),
            Some(word) => {
                Err(Wrong::with_hint(format!("`{word}` stands where the condition should end"), "is an `and` or an `or` missing?"))
            }
        }
    }

    fn or(&mut self) -> Result<Condition, Wrong> {
        let mut parts = vec![self.and()?];
        while self.accept("or") {
            parts.push(self.and()?);
        }
        Ok(several(parts, Condition::Or))
    }

    fn and(&mut self) -> Result<Condition, Wrong> {
        let mut parts = vec![self.not()?];
        while self.accept("and") {
            parts.push(self.not()?);
        }
        Ok(several(parts, Condition::And))
    }

    fn not(&mut self) -> Result<Condition, Wrong> {
        if !self.accept("not") {
            return self.primary();
        }
        self.deeper()?;
        let inner = self.not()?;
        self.depth -= 1;
        Ok(Condition::Not(Box::new(inner)))
    }

    fn deeper(&mut self) -> Result<(), Wrong> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Wrong::Said(Code::TooLarge, format!("a condition nested deeper than {DEPTH_MAX} levels"), None));
        }
        Ok(())
    }

    fn primary(&mut self) -> Result<Condition, Wrong> {
        let Some(word) = self.peek() else {
            return Err(Wrong::with_hint("the condition ends where a selection should be", "name a selection"));
        };
        self.next += 1;
        if word == "(" {
            self.deeper()?;
            let inner = self.or()?;
            self.depth -= 1;
            return if self.accept(")") { Ok(inner) } else { Err(Wrong::said("a `)` is missing in the condition")) };
        }
        if self.peek().is_some_and(|it| it.eq_ignore_ascii_case("of")) {
            self.next += 1;
            return self.quantified(word);
        }
        if let Some(index) = self.names.iter().position(|it| *it == word) {
            return Ok(Condition::Selection(index));
        }
        if word == ")" || ["and", "or", "of"].iter().any(|it| word.eq_ignore_ascii_case(it)) {
            return Err(Wrong::said(format!("`{word}` stands where a selection should be")));
        }
        if word.contains('*') || word.eq_ignore_ascii_case("them") {
            let hint = format!("write `1 of {word}` or `all of {word}`");
            return Err(Wrong::with_hint(format!("`{word}` in the condition without `1 of` or `all of`"), hint));
        }
        Err(Wrong::Unknown(word.to_owned()))
    }

    /// `1 of`, `any of`, `all of`, after the `of`.
    fn quantified(&mut self, quantifier: &str) -> Result<Condition, Wrong> {
        let is_all = quantifier.eq_ignore_ascii_case("all");
        if !is_all && quantifier != "1" && !quantifier.eq_ignore_ascii_case("any") {
            return Err(Wrong::with_hint(
                format!("`{quantifier} of` in the condition"),
                "only `1 of`, `any of` and `all of` are part of Sigma",
            ));
        }
        let Some(pattern) = self.peek().filter(|it| !matches!(*it, "(" | ")")) else {
            return Err(Wrong::with_hint(
                format!("nothing after `{quantifier} of`"),
                "name selections as `selection_*`, or say `them`",
            ));
        };
        self.next += 1;
        let is_them = pattern.eq_ignore_ascii_case("them");
        let admits = |name: &str| {
            // Names that begin with an underscore only count where they are asked for.
            if is_them {
                !name.starts_with('_')
            } else {
                (pattern.starts_with('_') || !name.starts_with('_')) && matches(pattern, name)
            }
        };
        let parts: Vec<_> = (0..self.names.len()).filter(|&it| admits(self.names[it])).map(Condition::Selection).collect();
        self.selections += parts.len();
        if self.selections > SELECTIONS_MAX {
            let message = format!("a condition that stands for more than {SELECTIONS_MAX} selections");
            return Err(Wrong::Said(Code::TooLarge, message, None));
        }
        if parts.is_empty() {
            let message = format!("`{quantifier} of {pattern}` in the condition, but no selection is called so");
            let hint = format!("there are {}", self.names.join(", "));
            return Err(Wrong::Said(Code::PatternMatchesNone, message, Some(hint)));
        }
        Ok(several(parts, if is_all { Condition::And } else { Condition::Or }))
    }
}

fn several(mut parts: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    if parts.len() == 1 { parts.remove(0) } else { join(parts) }
}

/// Whether `name` is matched by `pattern`, in which `*` stands for any characters.
fn matches(pattern: &str, name: &str) -> bool {
    let mut literals = pattern.split('*');
    let Some(mut rest) = literals.next().and_then(|it| name.strip_prefix(it)) else { return false };
    let mut literals = literals.peekable();
    while let Some(literal) = literals.next() {
        if literals.peek().is_none() {
            return rest.ends_with(literal);
        }
        let Some(at) = rest.find(literal) else { return false };
        rest = &rest[at + literal.len()..];
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 6] = ["sel_a", "sel_b", "filter", "_hidden", "_hidden_too", "keywords"];

    fn show(condition: &Condition) -> String {
        let join = |parts: &[Condition], word: &str| format!("({})", parts.iter().map(show).collect::<Vec<_>>().join(word));
        match condition {
            Condition::And(parts) => join(parts, " & "),
            Condition::Or(parts) => join(parts, " | "),
            Condition::Not(inner) => format!("!{}", show(inner)),
            Condition::Selection(index) => NAMES[*index].to_owned(),
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut report = Report::new("t.yml");
        let parsed = parse(text, Position::new(1, 1), &NAMES, &mut report);
        let shown = parsed.map_or_else(|| report.finish().iter().map(ToString::to_string).collect(), |it| show(&it));
        assert_eq!(shown, expected);
    }

    #[track_caller]
    fn check_wrong(text: &str, expected: &str) {
        check(text, &format!("t.yml:1:1: error: {expected}"));
    }

    #[test]
    fn not_binds_tighter_than_and_and_and_tighter_than_or() {
        check("sel_a or sel_b and not filter", "(sel_a | (sel_b & !filter))");
        check("(sel_a or sel_b) and not filter", "((sel_a | sel_b) & !filter)");
        check("not not sel_a", "!!sel_a");
    }

    #[test]
    fn words_may_be_capitals() {
        check("sel_a AND NOT filter Or keywords", "((sel_a & !filter) | keywords)");
    }

    #[test]
    fn quantifiers_stand_for_the_selections_that_are_called_so() {
        check("1 of sel_*", "(sel_a | sel_b)");
        check("any of sel_*", "(sel_a | sel_b)");
        check("all of sel_*", "(sel_a & sel_b)");
        check("1 of *e*", "(sel_a | sel_b | filter | keywords)");
        check("1 of *_b", "sel_b");
        check("all of filter", "filter");
        check("1 of sel_* and not 1 of filter*", "((sel_a | sel_b) & !filter)");
        check("not(1 of sel_*)", "!(sel_a | sel_b)");
    }

    #[test]
    fn them_leaves_out_names_that_begin_with_an_underscore() {
        check("1 of them", "(sel_a | sel_b | filter | keywords)");
        check("all of them", "(sel_a & sel_b & filter & keywords)");
        check("1 of _*", "(_hidden | _hidden_too)");
        check("_hidden", "_hidden");
    }

    #[test]
    fn a_wrong_name_comes_with_the_nearest_one() {
        check_wrong("sel_a and filtre", "the condition names `filtre`, which is no selection (hint: did you mean `filter`?)");
        check_wrong("selection", "the condition names `selection`, which is no selection");
    }

    #[test]
    fn deprecated_aggregations_are_pointed_to_correlations() {
        let hint = "(hint: use a correlation (`type: event_count`, `value_count`, `temporal`) over this rule)";
        check_wrong(
            "sel_a | count() by x > 5",
            &format!("aggregations in conditions are no longer part of Sigma: `| count() by x > 5` {hint}"),
        );
        check_wrong("sel_a near sel_b", &format!("`near` in conditions is no longer part of Sigma {hint}"));
    }

    #[test]
    fn broken_conditions_say_what_is_missing() {
        check_wrong("", "the condition ends where a selection should be (hint: name a selection)");
        check_wrong("sel_a and", "the condition ends where a selection should be (hint: name a selection)");
        check_wrong("(sel_a", "a `)` is missing in the condition");
        check_wrong("sel_a)", "a `)` without a `(` in the condition");
        check_wrong("sel_a sel_b", "`sel_b` stands where the condition should end (hint: is an `and` or an `or` missing?)");
        check_wrong("and sel_a", "`and` stands where a selection should be");
        check_wrong("2 of sel_*", "`2 of` in the condition (hint: only `1 of`, `any of` and `all of` are part of Sigma)");
        check_wrong("1 of", "nothing after `1 of` (hint: name selections as `selection_*`, or say `them`)");
        check_wrong("sel_*", "`sel_*` in the condition without `1 of` or `all of` (hint: write `1 of sel_*` or `all of sel_*`)");
        let names = "(hint: there are sel_a, sel_b, filter, _hidden, _hidden_too, keywords)";
        check_wrong("1 of other*", &format!("`1 of other*` in the condition, but no selection is called so {names}"));
    }

    #[test]
    fn nesting_is_bounded() {
        check(&format!("{}sel_a{}", "(".repeat(60), ")".repeat(60)), "sel_a");
        check_wrong(&"(".repeat(100_000 / 2), "a condition nested deeper than 64 levels");
        check_wrong(&format!("{}sel_a", "not ".repeat(1000)), "a condition nested deeper than 64 levels");
    }
}
