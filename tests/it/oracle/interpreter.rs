//! The naive interpreter: whether a rule matches an event, worked out from the rule's text with nothing of `sigma` or `engine`.
//! Every step is the sentence of the specification, done the slow way.

use super::json::Tree;
use super::reading::{Quirk, Reading};
use super::texts::{self, Place, Symbol};
use super::{numbers, times};
use regex::Regex;
use serde_json::Value as Json;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

/// What a verdict depends on besides rule and event.
pub(crate) struct World<'w> {
    /// The lists behind placeholders.
    pub(crate) lists: &'w BTreeMap<String, Vec<String>>,
    /// The zone of events whose `actor.tz` names none.
    pub(crate) zone: &'w str,
    /// How the rule is to be read.
    pub(crate) reading: Reading,
}

/// Whether the `detection` of a rule holds for an event.
pub(crate) fn holds(detection: &Json, event: &Tree, world: &World<'_>) -> bool {
    let interpreter = Interpreter { detection, event, world };
    match &detection["condition"] {
        Json::Array(conditions) => conditions.iter().any(|it| interpreter.condition(it.as_str().expect("a text"))),
        condition => interpreter.condition(condition.as_str().expect("a text")),
    }
}

struct Interpreter<'i> {
    detection: &'i Json,
    event: &'i Tree,
    world: &'i World<'i>,
}

/// A value of a rule as it is compared.
enum Test {
    Null,
    Exists(bool),
    /// A regular expression, everything about it included.
    Like(String),
    /// What a text is after lower-casing, for the peer's reading.
    Lower(String, Place),
    Network(String),
    Number(String, Json),
    Bool(bool),
    Related(String, Place, bool),
    Time(String, String, i64),
}

impl Interpreter<'_> {
    fn has(&self, quirk: Quirk) -> bool {
        self.world.reading.has(quirk)
    }

    // Conditions: `not` binds closest, then `and`, then `or`.
    fn condition(&self, text: &str) -> bool {
        let spaced = text.replace('(', " ( ").replace(')', " ) ");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        let mut rest = words.as_slice();
        let verdict = self.or(&mut rest);
        assert!(rest.is_empty(), "{text}");
        verdict
    }

    fn or(&self, words: &mut &[&str]) -> bool {
        let mut verdict = self.and(words);
        while words.first() == Some(&"or") {
            *words = &words[1..];
            verdict |= self.and(words);
        }
        verdict
    }

    fn and(&self, words: &mut &[&str]) -> bool {
        let mut verdict = self.not(words);
        while words.first() == Some(&"and") {
            *words = &words[1..];
            verdict &= self.not(words);
        }
        verdict
    }

    fn not(&self, words: &mut &[&str]) -> bool {
        let (first, rest) = words.split_first().expect("a condition goes on");
        *words = rest;
        match *first {
            "not" => !self.not(words),
            "(" => {
                let verdict = self.or(words);
                assert_eq!(words.first(), Some(&")"));
                *words = &words[1..];
                verdict
            }
            quantifier @ ("1" | "any" | "all") if words.first() == Some(&"of") => {
                let pattern = words[1];
                *words = &words[2..];
                self.quantified(quantifier == "all", pattern)
            }
            name => self.selection(&self.detection[name]),
        }
    }

    /// `them` are all selections but those whose names begin with an underscore.
    fn quantified(&self, is_all: bool, pattern: &str) -> bool {
        let names = self.detection.as_object().expect("a map").keys().filter(|it| *it != "condition");
        let is_meant = |name: &&String| {
            let hidden = name.starts_with('_') && !pattern.starts_with('_');
            let pattern = if pattern == "them" { "*" } else { pattern };
            let expression = format!("^{}$", regex::escape(pattern).replace("\\*", ".*"));
            !hidden && is_match(&expression, name)
        };
        let mut meant = names.filter(is_meant).map(|it| self.selection(&self.detection[it]));
        if is_all { meant.all(|it| it) } else { meant.any(|it| it) }
    }

    /// A map needs every line, a list any element; a value without a field is a keyword.
    fn selection(&self, selection: &Json) -> bool {
        match selection {
            Json::Object(lines) => lines.iter().all(|(key, values)| self.line(key, values)),
            Json::Array(elements) => elements.iter().any(|it| self.selection(it)),
            keyword => self.line("", keyword),
        }
    }

    /// `field|modifier|…: value or values`
    fn line(&self, key: &str, values: &Json) -> bool {
        let mut words = key.split('|');
        let field = words.next().map(str::trim).filter(|it| !it.is_empty());
        let modifiers: Vec<&str> = words.collect();
        let has = |word: &str| modifiers.contains(&word);
        let single = std::slice::from_ref(values);
        let values = values.as_array().map_or(single, Vec::as_slice);
        let found = field.map_or_else(|| self.everywhere(), |it| self.values(it));
        let of_value = |value: &Json| {
            let tests = self.tests(field.is_none(), &modifiers, value);
            tests.iter().any(|it| self.test(it, &found))
        };
        if has("all") && self.has(Quirk::AllIsForOneElement) && found.iter().any(|it| matches!(it, Tree::Array(_))) {
            let mut elements = Vec::new();
            found.iter().for_each(|it| flatten(it, &mut elements));
            let all = |element: &Tree| {
                values.iter().all(|value| self.tests(field.is_none(), &modifiers, value).iter().any(|it| self.test(it, &[element])))
            };
            return elements.into_iter().any(all) != has("neq");
        }
        let verdict = if has("all") { values.iter().all(of_value) } else { values.iter().any(of_value) };
        if has("neq") { !found.is_empty() && !verdict } else { verdict }
    }

    /// Where keywords are looked for.
    fn everywhere(&self) -> Vec<&Tree> {
        let all = everywhere(self.event);
        let is_seen = |it: &&Tree| !self.has(Quirk::KeywordsAreForTexts) || matches!(it, Tree::Text(_));
        all.into_iter().filter(is_seen).collect()
    }

    /// The values at a dotted path. A dot goes into an object or is part of a key; arrays on the way are walked through. None when the
    /// field is missing.
    fn values(&self, path: &str) -> Vec<&Tree> {
        let at_the_top = self.has(Quirk::DottedKeysAreAtTheTop);
        if let Some(found) = self.event.get(path).filter(|_| at_the_top) {
            return vec![found];
        }
        let mut found = Vec::new();
        through(self.event, &path.split('.').collect::<Vec<_>>(), !at_the_top, &mut found);
        found
    }

    /// What a value of a rule asks for; any of it will do.
    fn tests(&self, is_keyword: bool, modifiers: &[&str], value: &Json) -> Vec<Test> {
        let has = |word: &str| modifiers.contains(&word);
        let written = || value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let place = Place::of(modifiers);
        if has("exists") {
            return vec![Test::Exists(value.as_bool().expect("exists takes a boolean"))];
        }
        if has("fieldref") {
            return vec![Test::Related(written(), place, has("cased"))];
        }
        if let Some(part) = times::PARTS.into_iter().find(|it| has(it)) {
            let compare = numbers::COMPARISONS.into_iter().find(|it| has(it)).unwrap_or("=");
            return vec![Test::Time(part.to_owned(), compare.to_owned(), value.as_i64().expect("a whole number"))];
        }
        if let Some(compare) = numbers::COMPARISONS.into_iter().find(|it| has(it)) {
            return vec![Test::Number(compare.to_owned(), value.clone())];
        }
        let lists = if has("expand") { Some(self.world.lists) } else { None };
        if has("re") {
            let flags: String = ["i", "m", "s"].into_iter().filter(|it| has(it)).collect();
            let flags = if flags.is_empty() { flags } else { format!("(?{flags})") };
            let escaped = |entry: &str| regex::escape(entry);
            // What PCRE means by it is held by the table of that module, not by this interpreter.
            let like = |it: String| Test::Like(sigma::pcre::exact(&format!("{flags}{it}")).expect("nothing that is refused"));
            return texts::expanded(&written(), lists, escaped).into_iter().map(like).collect();
        }
        if has("cidr") {
            return texts::expanded(&written(), lists, str::to_owned).into_iter().map(Test::Network).collect();
        }
        let wants_text = ["contains", "startswith", "endswith", "cased", "expand", "windash", "base64", "base64offset"];
        if !is_keyword && !modifiers.iter().any(|it| wants_text.contains(it)) {
            match value {
                Json::Null => return vec![Test::Null],
                Json::Bool(wanted) => return vec![Test::Bool(*wanted)],
                Json::Number(_) => return vec![Test::Number("=".to_owned(), value.clone())],
                _ => {}
            }
        }
        let is_whole = !is_keyword || place != Place::Whole || self.keyword_is_whole(modifiers, &written());
        self.texts(&texts::expanded(&written(), lists, texts::escaped), modifiers, if is_whole { place } else { Place::Anywhere })
    }

    fn keyword_is_whole(&self, modifiers: &[&str], written: &str) -> bool {
        let has_wildcard = texts::symbols(written).iter().any(|it| !matches!(it, Symbol::Char(_)));
        (self.has(Quirk::KeywordWithModifierIsWhole) && !modifiers.is_empty())
            || (self.has(Quirk::KeywordWithWildcardIsWhole) && has_wildcard)
    }

    fn texts(&self, written: &[String], modifiers: &[&str], place: Place) -> Vec<Test> {
        let has = |word: &str| modifiers.contains(&word);
        let mut tests = Vec::new();
        for symbols in written.iter().map(|it| texts::symbols(it)) {
            let variants =
                if has("windash") { texts::dashed(&symbols, self.has(Quirk::WindashIsForHyphens)) } else { vec![symbols] };
            for symbols in variants {
                let Some((symbols, place)) = texts::encoded(symbols.clone(), modifiers, place, self.has(Quirk::Base64KeepsTail))
                else {
                    tests.push(self.like(&symbols, place, has("cased")));
                    continue;
                };
                tests.extend(symbols.iter().map(|it| self.like(it, place, true)));
            }
        }
        tests
    }

    fn like(&self, symbols: &[Symbol], place: Place, cased: bool) -> Test {
        let literal: Option<String> = symbols.iter().map(|it| if let Symbol::Char(it) = it { Some(*it) } else { None }).collect();
        let is_literal = literal.is_some();
        if let Some(literal) = literal.filter(|_| !cased && self.has(Quirk::CaseByLowercase)) {
            return Test::Lower(literal.to_lowercase(), place);
        }
        let flags = match (cased, self.has(Quirk::WildcardsStopAtLineEnds)) {
            (true, true) => "",
            (true, false) => "(?s)",
            (false, true) => "(?i)",
            (false, false) => "(?is)",
        };
        let place = match place {
            Place::Start if !is_literal && self.has(Quirk::PlacesOfWildcardsAreSwapped) => Place::End,
            Place::End if !is_literal && self.has(Quirk::PlacesOfWildcardsAreSwapped) => Place::Start,
            place => place,
        };
        // The peer's reading is about wildcards of the rule alone; where a value stands is not one.
        let any = |is_wanted: bool| if is_wanted { "(?s:.*)" } else { "" };
        let before = any(matches!(place, Place::End | Place::Anywhere));
        let after = any(matches!(place, Place::Start | Place::Anywhere));
        Test::Like(format!("{flags}\\A{before}{}{after}\\z", texts::expression(symbols)))
    }

    fn test(&self, test: &Test, found: &[&Tree]) -> bool {
        let mut elements = Vec::new();
        found.iter().for_each(|it| flatten(it, &mut elements));
        let any = |holds: &dyn Fn(&str) -> bool| elements.iter().filter_map(|it| it.text()).any(holds);
        match test {
            Test::Exists(wanted) if self.has(Quirk::NullIsMissing) => *wanted != (found.is_empty() || found == [&Tree::Null]),
            Test::Exists(wanted) => *wanted != found.is_empty(),
            Test::Null if self.has(Quirk::NullIsNoElement) => found.is_empty() || found == [&Tree::Null],
            Test::Null => found.is_empty() || elements.contains(&&Tree::Null),
            Test::Like(expression) => any(&|text| is_match(expression, text)),
            Test::Lower(lower, place) => any(&|text| place.holds(&text.to_lowercase(), lower)),
            Test::Network(network) => any(&|text| numbers::is_in_network(text, network)),
            Test::Number(compare, with) => any(&|text| numbers::holds(text, compare, with)),
            Test::Bool(wanted) => any(&|text| is_match(if *wanted { "(?i)^true$" } else { "(?i)^false$" }, text)),
            Test::Related(other, place, cased) => {
                let mut right = Vec::new();
                self.values(other).into_iter().for_each(|it| flatten(it, &mut right));
                let equals = |left: &Tree, right: &Tree| match (left, right) {
                    (Tree::Number(left), Tree::Number(right)) => numbers::are_equal(left, right),
                    _ => false,
                };
                if *place == Place::Whole && elements.iter().any(|left| right.iter().any(|right| equals(left, right))) {
                    return true;
                }
                let right: Vec<&str> = right.into_iter().filter_map(Tree::text).collect();
                let like = |part: &&str| self.like(&part.chars().map(Symbol::Char).collect::<Vec<_>>(), *place, *cased);
                let related = |text: &str| right.iter().map(like).any(|it| self.test(&it, &[&Tree::Text(text.to_owned())]));
                any(&related)
            }
            Test::Time(part, compare, with) => {
                let zone = self.values("actor.tz").first().and_then(|it| it.text()).unwrap_or(self.world.zone);
                any(&|text| {
                    let found = times::part(text, part, zone, self.world.zone);
                    found.is_some_and(|it| numbers::holds(&it.to_string(), compare, &Json::from(*with)))
                })
            }
        }
    }
}

/// What is at the end of `keys`.
fn through<'t>(tree: &'t Tree, keys: &[&str], takes_dots: bool, found: &mut Vec<&'t Tree>) {
    match (tree, keys) {
        (Tree::Array(elements), [_, ..]) => elements.iter().for_each(|it| through(it, keys, takes_dots, found)),
        (_, []) => found.push(tree),
        (Tree::Object(_), _) => {
            for taken in 1..=if takes_dots { keys.len() } else { 1 } {
                if let Some(inner) = tree.get(&keys[..taken].join(".")) {
                    through(inner, &keys[taken..], takes_dots, found);
                }
            }
        }
        _ => {}
    }
}

/// An array is its elements.
fn flatten<'t>(tree: &'t Tree, into: &mut Vec<&'t Tree>) {
    match tree {
        Tree::Array(elements) => elements.iter().for_each(|it| flatten(it, into)),
        other => into.push(other),
    }
}

/// Every value of the event, whatever its field.
fn everywhere(tree: &Tree) -> Vec<&Tree> {
    match tree {
        Tree::Array(elements) => elements.iter().flat_map(everywhere).collect(),
        Tree::Object(members) => members.iter().flat_map(|(_, it)| everywhere(it)).collect(),
        scalar => vec![scalar],
    }
}

/// Whether an expression is found in `text`. Expressions are kept: compiling one takes longer than anything else here.
fn is_match(expression: &str, text: &str) -> bool {
    thread_local! {
        static COMPILED: RefCell<HashMap<String, Regex>> = RefCell::default();
    }
    COMPILED.with_borrow_mut(|it| {
        let compiled = it.entry(expression.to_owned()).or_insert_with(|| Regex::new(expression).expect("a sound expression"));
        compiled.is_match(text)
    })
}
