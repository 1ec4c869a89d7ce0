//! Values that can't do what they seem to, or that say twice what once is enough for.

use super::entries::Entry;
use super::logic;
use super::source::{Source, replacement};
use crate::ast::{Pattern, Predicate, Wild};
use crate::lists::Lists;
use crate::parse::yaml::{Node, Scalar, Typed};
use crate::parse::{number, pattern_of};
use crate::problem::{Code, Problem, Severity};
use ipnet::IpNet;

/// Longer lists are not compared value by value with each other.
const COMPARED_MAX: usize = 1_500;

pub(super) struct Values<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) lists: &'a Lists,
}

impl Values<'_> {
    /// Looks at the lines of one map of a selection.
    pub(super) fn check(&self, entries: &[Entry<'_>], problems: &mut Vec<Problem>) {
        for entry in entries {
            let scalars: Vec<(&Node, &Scalar)> = entry.values.iter().filter_map(|it| Some((it, it.as_scalar()?))).collect();
            self.wildcards(entry, &scalars, problems);
            self.modifiers(entry, &scalars, problems);
            self.padding(entry, &scalars, problems);
            self.placeholders(entry, &scalars, problems);
            self.repeated(entry, &scalars, problems);
            self.networks(entry, &scalars, problems);
            if entry.has("fieldref")
                && let Some((node, scalar)) = scalars.iter().find(|(_, it)| Some(it.text.as_str()) == entry.field)
            {
                let message = format!("`{}` is compared with itself", scalar.text);
                problems.push(self.source.problem(Code::FieldWithItself, node.at, message));
            }
        }
        self.exists(entries, problems);
    }

    fn wildcards(&self, entry: &Entry<'_>, scalars: &[(&Node, &Scalar)], problems: &mut Vec<Problem>) {
        let is_encoded = entry.modifiers.iter().any(|it| it.starts_with("base64") || matches!(*it, "re" | "fieldref" | "cidr"));
        let place = ["contains", "startswith", "endswith"].into_iter().find(|it| entry.has(it));
        if is_encoded {
            return;
        }
        for (node, scalar) in scalars {
            let Some(place) = place else { continue };
            if scalar.text.is_empty() {
                let message = format!("`{place}` with an empty text holds for every value");
                problems.push(self.source.problem(Code::EmptyText, node.at, message).with_hint("`|exists: true` says so"));
                continue;
            }
            let (starts, ends) = many_at_ends(&scalar.text);
            let (is_redundant, is_against) = match place {
                "contains" => (starts || ends, false),
                "startswith" => (ends, starts),
                _ => (starts, ends),
            };
            if is_against {
                let end = if starts && place == "startswith" { "beginning" } else { "end" };
                let message = format!("a `*` at the {end}, which `{place}` pins down");
                problems.push(
                    self.source
                        .problem(Code::WildcardAgainstModifier, node.at, message)
                        .with_hint("use `contains`, or remove the `*`"),
                );
            } else if is_redundant {
                self.redundant(place, node, scalar, problems);
            }
        }
    }

    fn redundant(&self, place: &str, node: &Node, scalar: &Scalar, problems: &mut Vec<Problem>) {
        let mut kept = scalar.text.as_str();
        if place != "startswith" {
            kept = kept.trim_start_matches('*');
        }
        if place != "endswith" {
            // The last `*` is none that is escaped: `many_at_ends` has seen to that.
            kept = kept.strip_suffix('*').unwrap_or(kept);
        }
        let mut problem = self.source.problem(Code::RedundantWildcard, node.at, format!("`{place}` has the `*` in it already"));
        let (before, after) = (scalar.text.len() > kept.len() && scalar.text.starts_with('*'), scalar.text.ends_with('*'));
        let beside = [kept.chars().next().filter(|_| before), kept.chars().next_back().filter(|_| after)];
        if kept.is_empty() {
            problem.hint = Some("`|exists: true` asks for any value, `\\*` for the character".to_owned());
        } else if beside.into_iter().flatten().any(|it| !stands_in_words(it)) {
            // Removing it would hide what is probably a mistake: the keycap `*`, the end of a regular expression.
            problem.severity = Severity::Warning;
            problem.hint = Some("if the character is meant, write `\\*`; else leave it out".to_owned());
            problems.push(problem);
            return;
        }
        let written = self.source.written(node.at);
        let quote = written.chars().next().filter(|it| matches!(it, '\'' | '"'));
        let is_verbatim = match quote {
            Some(quote) => written == format!("{quote}{}{quote}", scalar.text),
            None => false,
        };
        if let Some(quote) = quote.filter(|_| is_verbatim && !kept.is_empty()) {
            problem.fix = replacement("remove the `*`", node.at, format!("{quote}{kept}{quote}"));
        }
        problems.push(problem);
    }

    fn modifiers(&self, entry: &Entry<'_>, scalars: &[(&Node, &Scalar)], problems: &mut Vec<Problem>) {
        let Some(key) = entry.key else {
            for (node, scalar) in scalars.iter().filter(|(_, it)| it.text.chars().count() < 3) {
                let message = format!("the keyword `{}` stands in nearly every event", scalar.text);
                problems.push(self.source.problem(Code::ShortKeyword, node.at, message).with_hint("name the field it is about"));
            }
            return;
        };
        let no_value = |has: fn(char) -> bool| !scalars.is_empty() && !scalars.iter().any(|(_, it)| it.text.chars().any(has));
        if entry.has("cased")
            && !entry.has("expand")
            && !entry.modifiers.iter().any(|it| it.starts_with("base64") || *it == "fieldref")
        {
            // Titles, such as `ǅ`, are neither small nor capital.
            let has_case = |it: char| !it.to_lowercase().eq([it]) || !it.to_uppercase().eq([it]);
            if no_value(has_case) {
                let mut problem =
                    self.source.problem(Code::UselessCased, key.at, "`cased` over values without letters changes nothing");
                problem.fix = self.source.remove_modifier(key, "cased");
                problems.push(problem);
            }
        }
        let is_dash = |it: char| matches!(it, '-' | '/' | '\u{2013}' | '\u{2014}' | '\u{2015}');
        if entry.has("windash") && !entry.has("expand") && no_value(is_dash) {
            let mut problem =
                self.source.problem(Code::UselessWindash, key.at, "`windash` over values without a dash changes nothing");
            problem.fix = self.source.remove_modifier(key, "windash");
            problems.push(problem);
        }
        let is_placed = ["contains", "startswith", "endswith"].iter().any(|it| entry.has(it));
        if entry.has("base64offset") && !is_placed {
            let message = "`base64offset` stands somewhere in a longer text";
            let mut problem = self.source.problem(Code::ImpliedOffset, key.at, message).with_hint("write `base64offset|contains`");
            if self.source.written(key.at) == key.text {
                let text = key.text.replacen("base64offset", "base64offset|contains", 1);
                problem.fix = replacement("write `base64offset|contains`", key.at, text);
            }
            problems.push(problem);
        }
    }

    fn padding(&self, entry: &Entry<'_>, scalars: &[(&Node, &Scalar)], problems: &mut Vec<Problem>) {
        let is_whole = entry.modifiers.iter().all(|it| matches!(*it, "all" | "cased" | "neq"));
        for (node, scalar) in scalars {
            let text = scalar.text.as_str();
            if is_whole && entry.field.is_some() && text.trim() != text && !text.trim().is_empty() {
                let message = format!("`{text}` begins or ends with a space, and the whole value is compared");
                problems.push(self.source.problem(Code::PaddedValue, node.at, message));
            }
            if escapes_last_wildcard(text) && !entry.has("re") {
                let message = "`\\*` at the end of a path is an asterisk, not a separator before anything";
                problems.push(self.source.problem(Code::EscapedWildcard, node.at, message).with_hint("write `\\\\*`"));
            }
        }
    }

    /// The name of a list between percent signs, which only `expand` reads.
    fn placeholders(&self, entry: &Entry<'_>, scalars: &[(&Node, &Scalar)], problems: &mut Vec<Problem>) {
        if entry.has("expand") {
            return;
        }
        for (node, scalar) in scalars {
            let name = scalar.text.strip_prefix('%').and_then(|it| it.strip_suffix('%'));
            let Some(name) = name.filter(|it| self.lists.get(it).is_some()) else { continue };
            let message = format!("`%{name}%` is a text here: only `expand` puts the list `{name}` in its place");
            problems
                .push(self.source.problem(Code::ForgottenExpand, node.at, message).with_hint("write `|expand` after the field"));
        }
    }

    /// Values that others of the list cover.
    fn repeated(&self, entry: &Entry<'_>, scalars: &[(&Node, &Scalar)], problems: &mut Vec<Problem>) {
        if !entry.is_text() || scalars.len() > COMPARED_MAX {
            return;
        }
        let predicates: Vec<Predicate> = scalars.iter().map(|(_, it)| predicate(entry, it)).collect();
        for (at, (node, scalar)) in scalars.iter().enumerate() {
            let same = |other: usize| {
                logic::implies(&predicates[at], &predicates[other]) && logic::implies(&predicates[other], &predicates[at])
            };
            if (0..at).any(same) {
                let mut problem =
                    self.source.problem(Code::DuplicateValue, node.at, format!("the value `{}` stands twice", scalar.text));
                problem.fix = self.source.remove_entry("remove it", node.at);
                problems.push(problem);
                continue;
            }
            let covers = |other: usize| {
                let (narrow, wide) = if entry.has("all") { (other, at) } else { (at, other) };
                other != at && !same(other) && logic::implies(&predicates[narrow], &predicates[wide])
            };
            if let Some(other) = (0..scalars.len()).find(|&it| covers(it)) {
                let message = if entry.has("all") {
                    format!("`{}` is there whenever `{}` is", scalar.text, scalars[other].1.text)
                } else {
                    format!("whatever `{}` matches, `{}` matches too", scalar.text, scalars[other].1.text)
                };
                let mut problem = self.source.problem(Code::SubsumedValue, node.at, message);
                if many_at_ends(&scalars[other].1.text) == (false, false) {
                    problem.fix = self.source.remove_entry("remove it", node.at);
                } else {
                    problem.hint = Some("unless its `*` is meant as the character: then write `\\*` there".to_owned());
                }
                problems.push(problem);
            }
        }
    }

    fn networks(&self, entry: &Entry<'_>, scalars: &[(&Node, &Scalar)], problems: &mut Vec<Problem>) {
        if !entry.has("cidr") || scalars.len() > COMPARED_MAX {
            return;
        }
        let networks: Vec<Option<IpNet>> = scalars.iter().map(|(_, it)| it.text.parse().ok()).collect();
        for (at, (node, scalar)) in scalars.iter().enumerate() {
            let Some(network) = networks[at] else { continue };
            if network.prefix_len() == 0 {
                let kind = if network.addr().is_ipv4() { "IPv4" } else { "IPv6" };
                let message = format!("`{}` holds every {kind} address", scalar.text);
                problems.push(self.source.problem(Code::EveryAddress, node.at, message));
                continue;
            }
            let covers = |other: usize| {
                let wider = |it: IpNet| it.contains(&network) && (it != network || other < at) && it.prefix_len() > 0;
                other != at && networks[other].is_some_and(wider)
            };
            if let Some(other) = (0..networks.len()).find(|&it| covers(it)).filter(|_| !entry.has("all")) {
                let message = format!("`{}` lies inside `{}`", scalar.text, scalars[other].1.text);
                let mut problem = self.source.problem(Code::SubsumedNetwork, node.at, message);
                problem.fix = self.source.remove_entry("remove it", node.at);
                problems.push(problem);
            }
        }
    }

    /// `field|exists: true` beside a line that only a present field satisfies.
    fn exists(&self, entries: &[Entry<'_>], problems: &mut Vec<Problem>) {
        for entry in entries.iter().filter(|it| it.modifiers == ["exists"]) {
            let (Some(key), [value]) = (entry.key, entry.values) else { continue };
            let is_wanted = value.as_scalar().is_some_and(|it| it.typed == Typed::Bool(true));
            let needs = |it: &Entry<'_>| {
                let has_null = it.values.iter().any(|it| it.as_scalar().is_none());
                it.field == entry.field && !it.has("exists") && !has_null && !it.values.is_empty()
            };
            if is_wanted && entries.iter().any(needs) {
                let message = format!("`{}` is there whenever the other test of it holds", entry.field.unwrap_or_default());
                problems.push(self.source.problem(Code::UselessExists, key.at, message).with_hint("remove the line"));
            }
        }
    }
}

/// Whether a character is one that paths, addresses and command lines are made of.
fn stands_in_words(it: char) -> bool {
    it.is_alphanumeric() || it.is_whitespace() || "\\/.:-_=,;\"'@%&()<>[]{}".contains(it)
}

/// `C:\Temp\*`: the author of a path means the separator and then anything, Sigma reads a star. Not so where other wildcards are
/// escaped too, which is meant.
fn escapes_last_wildcard(text: &str) -> bool {
    let Some(before) = text.strip_suffix("\\*") else { return false };
    let parts: Vec<&str> = before.split('\\').collect();
    let is_name = |it: &&str| it.starts_with(|it: char| it.is_alphanumeric());
    !before.ends_with('\\') && parts.len() > 1 && parts[1..].iter().all(|it| is_name(it) || it.is_empty())
}

/// Whether there is an unescaped `*` at the beginning and at the end.
fn many_at_ends(text: &str) -> (bool, bool) {
    match pattern_of(text) {
        Pattern::Prefix(_) => (false, true),
        Pattern::Suffix(_) => (true, false),
        Pattern::Contains(_) | Pattern::Any => (true, true),
        Pattern::Equal(_) => (false, false),
        Pattern::Wildcard(pieces) => (pieces.first() == Some(&Wild::Many), pieces.last() == Some(&Wild::Many)),
    }
}

/// What a value of a text entry tests, as the parser reads it.
fn predicate(entry: &Entry<'_>, scalar: &Scalar) -> Predicate {
    let place = ["contains", "startswith", "endswith"].into_iter().find(|it| entry.has(it));
    let is_text = place.is_some() || entry.has("cased") || entry.field.is_none();
    if let Typed::Bool(value) = scalar.typed
        && !is_text
    {
        return Predicate::Bool(value);
    }
    if let Some(with) = number(scalar).filter(|_| !is_text) {
        return Predicate::Number { compare: crate::ast::Compare::Equal, with };
    }
    let text = match place {
        Some("contains") => format!("*{}*", scalar.text),
        Some("startswith") => format!("{}*", scalar.text),
        Some("endswith") => format!("*{}", scalar.text),
        _ if entry.field.is_none() => format!("*{}*", scalar.text),
        _ => scalar.text.clone(),
    };
    // A backslash before the `*` that was added would escape it: such values are taken as their own kind.
    let escapes = scalar.text.ends_with('\\') && matches!(place, Some("contains" | "startswith"));
    let pattern = if escapes { Pattern::Equal(format!("\u{0}{text}")) } else { pattern_of(&text) };
    Predicate::Text { pattern, cased: entry.has("cased") }
}
