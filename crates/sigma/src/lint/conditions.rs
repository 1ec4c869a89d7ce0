//! Conditions that hold always or never, parts that can't change them, and how they are written.

use super::fields::Facts;
use super::logic::{self, Contradiction, Literal, Term};
use super::source::{Doc, Source, replacement};
use crate::ast::{Condition, Filter, Pattern, Predicate, Rule};
use crate::parse::yaml::{Key, Position};
use crate::problem::{Code, Problem};
use model::SourceMapping;

/// Most letters of a line that a message repeats.
const QUOTED_CHARS_MAX: usize = 60;

pub(super) struct Conditions<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) document: &'a Doc<'a>,
    pub(super) rule: &'a Rule,
    pub(super) terms: Option<&'a [Term<'a>]>,
    /// The sources whose events the rule sees.
    pub(super) mappings: &'a [&'a SourceMapping],
}

impl Conditions<'_> {
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        self.written(problems);
        self.alike(problems);
        if let Some(terms) = self.terms {
            self.whole(terms, problems);
        }
    }

    fn keys(&self) -> Vec<&Key> {
        let pairs = self.document.node.get("detection").and_then(|it| it.as_map()).unwrap_or_default();
        pairs.iter().map(|(key, _)| key).collect()
    }

    fn key_of(&self, selection: usize) -> Position {
        let name = &self.rule.selections[selection].name;
        self.keys().into_iter().find(|it| it.text == *name).map_or(Position::new(self.rule.place.line, 1), |it| it.at)
    }

    fn condition_at(&self) -> Position {
        self.document
            .node
            .get("detection")
            .and_then(|it| it.get("condition"))
            .map_or(Position::new(self.rule.place.line, 1), |it| it.at)
    }

    fn facts(&self) -> Facts<'_> {
        Facts { mappings: self.mappings }
    }

    /// A line as a message names it.
    fn told(&self, line: usize) -> String {
        let text = self.source.line(line).trim();
        let text = text.strip_prefix("- ").unwrap_or(text);
        let shown: String = text.chars().take(QUOTED_CHARS_MAX).collect();
        format!("line {line} (`{shown}{}`)", if shown.len() < text.len() { "…" } else { "" })
    }

    /// What the terms say about the rule as a whole.
    fn whole(&self, terms: &[Term<'_>], problems: &mut Vec<Problem>) {
        let empty: Vec<Option<Contradiction>> = terms.iter().map(|it| logic::contradiction(it, self.facts())).collect();
        let at = self.condition_at();
        if empty.iter().all(Option::is_some) {
            let why = match empty.first().copied().flatten() {
                None => "it asks for nothing".to_owned(),
                Some(Contradiction::Alone(line, why)) => format!("{} never does, since {why}", self.told(line)),
                Some(Contradiction::Between(one, other)) if one == other => format!("{} excludes itself", self.told(one)),
                Some(Contradiction::Between(one, other)) => {
                    format!("{} and {} exclude each other", self.told(one), self.told(other))
                }
            };
            let message = format!("the condition can't hold for any event: {why}");
            problems.push(self.source.problem(Code::NeverTrue, at, message));
            return;
        }
        if logic::is_always(terms) {
            problems.push(self.source.problem(Code::AlwaysTrue, at, "the condition holds for every event"));
            return;
        }
        if terms.iter().all(|it| it.iter().all(is_negative)) {
            let message = "the rule only says what must not be there: it matches nearly everything";
            problems
                .push(self.source.problem(Code::OnlyNegative, at, message).with_hint("add a selection that says what to look for"));
            return;
        }
        if self.mappings.iter().any(|it| it.name == "native") && terms.iter().any(|it| it.iter().all(is_common)) {
            let message = "the rule asks for nothing but what most events have";
            problems.push(self.source.problem(Code::CommonValue, at, message).with_hint("name an action, say"));
        }
        self.unreachable(terms, &empty, problems);
        self.useless_filters(terms, problems);
    }

    /// Lines of which every term that contains them is empty.
    fn unreachable(&self, terms: &[Term<'_>], empty: &[Option<Contradiction>], problems: &mut Vec<Problem>) {
        let mut lines: Vec<usize> = terms.iter().flatten().filter(|it| it.is_positive).map(|it| it.line).collect();
        lines.sort_unstable();
        lines.dedup();
        let is_dead = |line: usize| {
            let is_of = |term: &Term<'_>| term.iter().any(|it| it.line == line && it.is_positive);
            terms.iter().zip(empty).all(|(term, why)| why.is_some() || !is_of(term))
        };
        let mut is_reported_at = 0;
        for line in lines.into_iter().filter(|&it| is_dead(it)) {
            // The lines of one dead map are one finding.
            if is_reported_at + 1 == line {
                is_reported_at = line;
                continue;
            }
            is_reported_at = line;
            let mut of_line = terms.iter().zip(empty).filter(|(term, _)| term.iter().any(|it| it.line == line && it.is_positive));
            let message = match of_line.find_map(|it| *it.1) {
                Some(Contradiction::Alone(at, why)) if at == line => format!("this can never hold, since {why}"),
                Some(Contradiction::Between(one, other)) if one != other && (one == line || other == line) => {
                    format!("this can never hold together with {}", self.told(if one == line { other } else { one }))
                }
                _ => "this can never hold together with the rest of the condition".to_owned(),
            };
            problems.push(self.source.problem(Code::Unreachable, self.source.whole_line(line), message));
        }
    }

    /// Excluded values that the rest of each term excludes already.
    fn useless_filters(&self, terms: &[Term<'_>], problems: &mut Vec<Problem>) {
        let is_single = |field: &str| self.facts().is_single(field);
        let mut lines: Vec<usize> = terms.iter().flatten().filter(|it| !it.is_positive).map(|it| it.line).collect();
        lines.sort_unstable();
        lines.dedup();
        for line in lines {
            let with_it = || terms.iter().filter(|term| term.iter().any(|it| it.line == line && !it.is_positive));
            let is_idle = |term: &Term<'_>| {
                let mut own = term.iter().filter(|it| it.line == line && !it.is_positive);
                own.all(|no| {
                    let yes = Literal { is_positive: true, ..no.clone() };
                    term.iter().any(|it| it.is_positive && it.excludes(&yes, &is_single))
                })
            };
            if with_it().next().is_some() && with_it().all(is_idle) {
                let message = "the filter excludes nothing: what it names never matches the rest";
                problems.push(self.source.problem(Code::UselessFilter, self.source.whole_line(line), message));
            }
        }
    }

    /// Selections that are alike, and alternatives that cover each other.
    fn alike(&self, problems: &mut Vec<Problem>) {
        let terms: Vec<_> = self.rule.selections.iter().map(|it| logic::terms_of(&it.search)).collect();
        let implies = |a: usize, b: usize| matches!((&terms[a], &terms[b]), (Some(a), Some(b)) if logic::all_imply(a, b));
        let count = self.rule.selections.len();
        for later in 0..count {
            if let Some(first) = (0..later).find(|&it| implies(it, later) && implies(later, it)) {
                let name = |at: usize| &self.rule.selections[at].name;
                let message = format!("`{}` looks for the same as `{}`", name(later), name(first));
                problems.push(self.source.problem(Code::DuplicateSelection, self.key_of(later), message));
            }
        }
        let mut covered = Vec::new();
        alternatives(&self.rule.condition, &mut |parts| {
            for &narrow in parts {
                let wide = parts.iter().find(|&&wide| wide != narrow && implies(narrow, wide) && !implies(wide, narrow));
                covered.extend(wide.map(|&wide| (narrow, wide)));
            }
        });
        covered.sort_unstable();
        covered.dedup_by_key(|it| it.0);
        for (narrow, wide) in covered {
            let name = |at: usize| &self.rule.selections[at].name;
            let message = format!("whatever `{}` matches, its alternative `{}` matches too", name(narrow), name(wide));
            problems.push(self.source.problem(Code::SubsumedSelection, self.key_of(narrow), message));
        }
    }

    /// How the text of the condition is written.
    fn written(&self, problems: &mut Vec<Problem>) {
        let Some(node) = self.document.node.get("detection").and_then(|it| it.get("condition")) else { return };
        for node in node.as_list() {
            let Some(scalar) = node.as_scalar() else { continue };
            let tokens: Vec<String> = tokens(&scalar.text);
            let word = |at: usize| tokens.get(at).map_or("", String::as_str);
            if (0..tokens.len()).any(|at| word(at).eq_ignore_ascii_case("not") && word(at + 1).eq_ignore_ascii_case("not")) {
                problems.push(self.source.problem(Code::DoubleNegation, node.at, "`not not` says nothing"));
            }
            if (0..tokens.len()).any(|at| word(at).eq_ignore_ascii_case("of") && word(at + 1).eq_ignore_ascii_case("them"))
                && let [only] = self.rule.selections.as_slice()
            {
                let message = format!("`of them` where there is only `{}`", only.name);
                let mut problem = self.source.problem(Code::OneOfThem, node.at, message);
                if tokens.len() == 3 && self.source.written(node.at) == scalar.text {
                    problem.fix = replacement(format!("write `{}`", only.name), node.at, only.name.as_str());
                }
                problems.push(problem);
            }
            if is_mixed(&tokens) {
                let message = "`and` and `or` side by side without parentheses";
                problems.push(
                    self.source
                        .problem(Code::MixedOperators, node.at, message)
                        .with_hint("`and` binds tighter; parentheses say so"),
                );
            }
        }
        let mut repeated = Vec::new();
        repeats(&self.rule.condition, &mut repeated);
        repeated.sort_unstable();
        repeated.dedup();
        for selection in repeated {
            let message = format!("`{}` stands twice among the parts of one `and` or `or`", self.rule.selections[selection].name);
            problems.push(self.source.problem(Code::RepeatedSelection, self.condition_at(), message));
        }
    }
}

/// What the condition of a filter says: it must hold besides those of its rules.
pub(super) fn check_filter(source: &Source<'_>, document: &Doc<'_>, filter: &Filter, problems: &mut Vec<Problem>) {
    let Some(terms) = logic::terms(&filter.condition, &filter.selections) else { return };
    let at = document.node.get("filter").and_then(|it| it.get("condition")).map_or(Position::new(filter.place.line, 1), |it| it.at);
    if terms.iter().all(|it| logic::is_empty(it, Facts { mappings: &[] })) {
        problems.push(source.problem(Code::NeverTrue, at, "the filter lets nothing through: its rules never match"));
    } else if logic::is_always(&terms) {
        problems.push(source.problem(Code::AlwaysTrue, at, "the filter lets everything through: it changes nothing"));
    }
}

fn is_negative(literal: &Literal<'_>) -> bool {
    let is_absence = |it: &&Predicate| matches!(it, Predicate::Null | Predicate::Exists(false));
    !literal.is_positive || literal.any.iter().any(is_absence)
}

/// What nearly every native event satisfies.
fn is_common(literal: &Literal<'_>) -> bool {
    let Some(field) = literal.field.map(model::FieldPath::as_str) else { return false };
    let is_success = |it: &&Predicate| matches!(it, Predicate::Text { pattern: Pattern::Equal(text), .. } if text.eq_ignore_ascii_case("success"));
    let is_any = |it: &&Predicate| matches!(it, Predicate::Exists(true) | Predicate::Text { pattern: Pattern::Any, .. });
    match field {
        _ if !literal.is_positive => false,
        "outcome" => literal.any.iter().any(is_success),
        "time" | "actor.id" | "action" | "id" => literal.any.iter().any(is_any),
        _ => false,
    }
}

/// Calls `visit` with the selections that are alternatives of each other.
fn alternatives(condition: &Condition, visit: &mut impl FnMut(&[usize])) {
    match condition {
        Condition::Or(parts) => {
            let selections: Vec<usize> =
                parts.iter().filter_map(|it| if let Condition::Selection(at) = it { Some(*at) } else { None }).collect();
            visit(&selections);
            parts.iter().for_each(|it| alternatives(it, visit));
        }
        Condition::And(parts) => parts.iter().for_each(|it| alternatives(it, visit)),
        Condition::Not(inner) => alternatives(inner, visit),
        Condition::Selection(_) => {}
    }
}

fn repeats(condition: &Condition, into: &mut Vec<usize>) {
    match condition {
        Condition::And(parts) | Condition::Or(parts) => {
            for (at, part) in parts.iter().enumerate() {
                if let Condition::Selection(selection) = part
                    && parts[..at].contains(part)
                {
                    into.push(*selection);
                }
                repeats(part, into);
            }
        }
        Condition::Not(inner) => repeats(inner, into),
        Condition::Selection(_) => {}
    }
}

fn tokens(text: &str) -> Vec<String> {
    text.replace('(', " ( ").replace(')', " ) ").split_whitespace().map(str::to_owned).collect()
}

/// Whether some level of parentheses has both operators.
fn is_mixed(tokens: &[String]) -> bool {
    let mut levels = vec![(false, false)];
    for token in tokens {
        let is = |word: &str| token.eq_ignore_ascii_case(word);
        match token.as_str() {
            "(" => levels.push((false, false)),
            ")" => {
                levels.pop();
            }
            _ => {}
        }
        let Some((has_and, has_or)) = levels.last_mut() else { return false };
        *has_and |= is("and");
        *has_or |= is("or");
        if *has_and && *has_or {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use crate::lint::{Input, check};
    use crate::lists::Lists;
    use crate::problem::Code;
    use model::SourceMapping;

    /// What is said about a native rule with these lines of its detection, which begins on line 3.
    #[track_caller]
    fn expect(code: Code, detection: &str, expected: &str) {
        let text = format!("title: T\nlogsource: {{product: nightjar}}\ndetection:\n{detection}");
        let checked = check(&Input {
            files: &[("rules/r.yml".to_owned(), text)],
            pages: None,
            lists: &Lists::default(),
            list_files: &[],
            mappings: &[SourceMapping::built_in("native").unwrap()],
            now: None,
        });
        let told: Vec<&str> = checked.problems.iter().filter(|it| it.code == code).map(|it| it.message.as_str()).collect();
        assert_eq!(told, [expected], "{detection}");
    }

    #[test]
    fn a_condition_that_never_holds_comes_with_the_lines_that_contradict_each_other() {
        let never = |detection: &str, why: &str| {
            expect(Code::NeverTrue, detection, &format!("the condition can't hold for any event: {why}"));
        };
        never(
            "  a:\n    tool: crm\n    action: x\n  b:\n    action: y\n  condition: a and b\n",
            "line 6 (`action: x`) and line 8 (`action: y`) exclude each other",
        );
        never(
            "  a:\n    action|re: '^x'\n    action: y\n  condition: a\n",
            "line 5 (`action|re: '^x'`) and line 6 (`action: y`) exclude each other",
        );
        never(
            "  a:\n    - source.ip|cidr: 10.0.0.0/8\n  b:\n    source.ip|cidr:\n      - 192.168.0.0/16\n  condition: a and b\n",
            "line 5 (`source.ip|cidr: 10.0.0.0/8`) and line 7 (`source.ip|cidr:`) exclude each other",
        );
        never("  a:\n    time|hour|gt: 23\n  condition: a\n", "line 5 (`time|hour|gt: 23`) never does, since no time has it");
        never(
            "  a:\n    actor.id: null\n  condition: a\n",
            "line 5 (`actor.id: null`) never does, since every event has the field",
        );
        never(
            "  a: {action: x, action|startswith: y}\n  condition: a\n",
            "line 4 (`a: {action: x, action|startswith: y}`) excludes itself",
        );
    }

    #[test]
    fn a_dead_line_comes_with_the_one_that_it_contradicts() {
        let dead = |detection: &str, expected: &str| expect(Code::Unreachable, detection, expected);
        dead(
            "  a:\n    action: x\n  b:\n    action: y\n  no:\n    action: x\n  condition: (a or b) and not no\n",
            "this can never hold together with line 9 (`action: x`)",
        );
        dead("  a:\n    - action: x\n    - time|month|gt: 12\n  condition: a\n", "this can never hold, since no time has it");
    }
}
