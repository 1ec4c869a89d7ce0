//! Searches and conditions as short texts, so that a test is one line.

use crate::ast::{Compare, Condition, Item, Pattern, Predicate, Search, Wild};

pub(super) fn search(search: &Search) -> String {
    let join = |parts: &[Search], word: &str| format!("({})", parts.iter().map(self::search).collect::<Vec<_>>().join(word));
    match search {
        Search::All(parts) => join(parts, " & "),
        Search::Any(parts) => join(parts, " | "),
        Search::Item(it) => item(it),
    }
}

fn item(item: &Item) -> String {
    let field = item.field.as_ref().map_or("<any>", |it| it.as_str());
    let not = if item.negated { "not " } else { "" };
    let all = if item.all { "all " } else { "" };
    let predicates: Vec<String> = item.predicates.iter().map(predicate).collect();
    match predicates.as_slice() {
        [one] => format!("{field} {not}{all}{one}"),
        several => format!("{field} {not}{all}[{}]", several.join(", ")),
    }
}

fn predicate(predicate: &Predicate) -> String {
    match predicate {
        Predicate::Text { pattern, cased } => format!("{}{}", pattern_text(pattern), if *cased { " cased" } else { "" }),
        Predicate::Regex(text) => format!("/{text}/"),
        Predicate::Cidr(network) => format!("in {network}"),
        Predicate::Number { compare, with } => format!("{} {with}", sign(*compare)),
        Predicate::Bool(value) => format!("is {value}"),
        Predicate::Exists(wanted) => format!("exists {wanted}"),
        Predicate::Null => "is null".to_owned(),
        Predicate::FieldRef { other, relation, cased } => format!("{relation:?} ${other}{}", if *cased { " cased" } else { "" }),
        Predicate::TimePart { part, compare, with } => format!("{part:?} {} {with}", sign(*compare)),
    }
}

fn pattern_text(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Equal(text) => format!("'{text}'"),
        Pattern::Prefix(text) => format!("'{text}'…"),
        Pattern::Suffix(text) => format!("…'{text}'"),
        Pattern::Contains(text) => format!("…'{text}'…"),
        Pattern::Any => "…".to_owned(),
        Pattern::Wildcard(pieces) => {
            let piece = |it: &Wild| match it {
                Wild::Literal(text) => format!("'{text}'"),
                Wild::One => "?".to_owned(),
                Wild::Many => "*".to_owned(),
            };
            format!("wild {}", pieces.iter().map(piece).collect::<String>())
        }
    }
}

fn sign(compare: Compare) -> &'static str {
    match compare {
        Compare::Equal => "=",
        Compare::Less => "<",
        Compare::LessOrEqual => "<=",
        Compare::Greater => ">",
        Compare::GreaterOrEqual => ">=",
        Compare::NotEqual => "!=",
    }
}

pub(super) fn condition(condition: &Condition) -> String {
    let join = |parts: &[Condition], word: &str| format!("({})", parts.iter().map(self::condition).collect::<Vec<_>>().join(word));
    match condition {
        Condition::And(parts) => join(parts, " & "),
        Condition::Or(parts) => join(parts, " | "),
        Condition::Not(inner) => format!("!{}", self::condition(inner)),
        Condition::Selection(index) => index.to_string(),
    }
}
