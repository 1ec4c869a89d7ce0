//! The taxonomy: which family an action belongs to, how sensitive it is, and whether it needs a ticket (`taxonomy.yml` beside the rules).

use super::nearest::nearest;
use super::report::Report;
use super::timespan::timespan_ms;
use super::yaml::{self, Node};
use crate::computed::{FAMILIES, SENSITIVITIES, STEPS};
use crate::problem::{Code, Problem};
use hashbrown::HashMap;

/// What comes with Nightjar, for rules without a taxonomy of their own.
const BUILT_IN: &str = include_str!("../../../../rules/taxonomy.yml");
/// Most patterns of one list.
const PATTERNS_MAX: usize = 10_000;
/// Longest grace around a ticket.
const GRACE_MS_MAX: i64 = 30 * 86_400_000;
/// Most targets that are counted for one ticket; a limit above could never be exceeded.
const REUSE_MAX: i64 = 60;

/// What an action is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionClass {
    /// Index in [`FAMILIES`].
    family: u8,
    /// Index in [`SENSITIVITIES`].
    sensitivity: u8,
    /// Whether it needs a ticket.
    pub needs_ticket: bool,
    /// Which of [`STEPS`] it is, by its place.
    pub step: Option<u8>,
}

impl ActionClass {
    /// Its family, one of [`FAMILIES`].
    pub fn family(self) -> &'static str {
        FAMILIES[self.family_index()]
    }

    /// The place of its family among [`FAMILIES`].
    pub fn family_index(self) -> usize {
        usize::from(self.family)
    }

    /// How sensitive it is, one of [`SENSITIVITIES`].
    pub fn sensitivity(self) -> &'static str {
        SENSITIVITIES[usize::from(self.sensitivity)]
    }

    /// Whether such actions can do harm, if only in numbers or without a reason.
    pub fn may_harm(self) -> bool {
        self.sensitivity > 0
    }

    /// Whether one such action can do harm.
    pub fn is_sensitive(self) -> bool {
        usize::from(self.sensitivity) + 1 == SENSITIVITIES.len()
    }
}

/// How tickets are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TicketRules {
    /// How long before its ticket an event may come: clocks differ.
    pub opened_grace_ms: i64,
    /// How long after its ticket was closed an event may come: work is finished off.
    pub closed_grace_ms: i64,
    /// A ticket that names no target serves for so many of them.
    pub targets_max: u8,
}

impl Default for TicketRules {
    /// Two minutes, a day, three targets.
    fn default() -> Self {
        Self { opened_grace_ms: 120_000, closed_grace_ms: 86_400_000, targets_max: 3 }
    }
}

/// Action patterns and what each means. An exact name wins over a pattern, a longer pattern over a shorter one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Patterns {
    exact: HashMap<Box<str>, u8>,
    /// The text before the `*`; longest first.
    prefixes: Vec<(Box<str>, u8)>,
}

impl Patterns {
    fn get(&self, action: &str) -> Option<u8> {
        let by_prefix = || self.prefixes.iter().find(|(it, _)| action.starts_with(&**it)).map(|(_, meaning)| *meaning);
        self.exact.get(action).copied().or_else(by_prefix)
    }

    /// Adds a pattern. `Err` is what the same pattern means already.
    fn add(&mut self, pattern: &str, meaning: u8) -> Result<(), u8> {
        if let Some(prefix) = pattern.strip_suffix('*') {
            if let Some((_, known)) = self.prefixes.iter().find(|(it, _)| **it == *prefix) {
                return Err(*known);
            }
            let at = self.prefixes.partition_point(|(it, _)| it.len() >= prefix.len());
            self.prefixes.insert(at, (prefix.into(), meaning));
            return Ok(());
        }
        match self.exact.insert(pattern.into(), meaning) {
            Some(known) => Err(known),
            None => Ok(()),
        }
    }

    fn len(&self) -> usize {
        self.exact.len() + self.prefixes.len()
    }
}

/// Which family an action belongs to, how sensitive it is, and whether it needs a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taxonomy {
    families: Patterns,
    sensitivities: Patterns,
    tickets: Patterns,
    steps: Patterns,
    /// How tickets are judged.
    pub ticket_rules: TicketRules,
}

impl Default for Taxonomy {
    /// The one that comes with Nightjar.
    fn default() -> Self {
        let (taxonomy, problems) = parse("taxonomy.yml", BUILT_IN);
        debug_assert!(problems.is_empty(), "{problems:?}");
        taxonomy
    }
}

impl Taxonomy {
    /// What `action` is. One that nothing covers belongs to `other`, is of low sensitivity and needs no ticket.
    pub fn class(&self, action: &str) -> ActionClass {
        let other = u8::try_from(FAMILIES.len() - 1).expect("there are few families");
        ActionClass {
            family: self.families.get(action).unwrap_or(other),
            sensitivity: self.sensitivities.get(action).unwrap_or(0),
            needs_ticket: self.tickets.get(action).is_some(),
            step: self.steps.get(action),
        }
    }

    fn empty() -> Self {
        let none = Patterns::default;
        Self { families: none(), sensitivities: none(), tickets: none(), steps: none(), ticket_rules: TicketRules::default() }
    }
}

/// Reads the taxonomy `text`, named `file` in problems: what can be used of it, and everything that is wrong.
pub fn parse(file: &str, text: &str) -> (Taxonomy, Vec<Problem>) {
    let mut report = Report::new(file);
    let mut taxonomy = Taxonomy::empty();
    for document in yaml::documents(text, &mut report) {
        let Some(pairs) = document.as_map() else {
            report.error(Code::NotAMap, document.at, format!("a taxonomy is {}; it has to be a map", document.describe()));
            continue;
        };
        for (key, value) in pairs {
            match key.text.as_str() {
                "families" => groups(value, &FAMILIES, "a family", &mut taxonomy.families, &mut report),
                "sensitivity" => groups(value, &SENSITIVITIES, "a sensitivity", &mut taxonomy.sensitivities, &mut report),
                "takeover" => groups(value, &STEPS, "a step of a takeover", &mut taxonomy.steps, &mut report),
                "tickets" => tickets(value, &mut taxonomy, &mut report),
                other => {
                    let message = format!("a taxonomy has no `{other}`");
                    let known = ["families", "sensitivity", "takeover", "tickets"];
                    report.error_with_nearest(Code::BadTaxonomy, key.at, message, other, known);
                }
            }
        }
    }
    (taxonomy, report.finish())
}

/// Reads `word: [patterns]` for words that are known.
fn groups(node: &Node, words: &[&str], what: &str, into: &mut Patterns, report: &mut Report) {
    let Some(pairs) = node.as_map() else {
        report.error(Code::BadTaxonomy, node.at, format!("{} stands where a map is expected", node.describe()));
        return;
    };
    for (key, value) in pairs {
        let meaning = words.iter().position(|it| *it == key.text).and_then(|it| u8::try_from(it).ok());
        let Some(meaning) = meaning else {
            let hint = nearest(&key.text, words.iter().copied());
            let hint = hint.map_or_else(|| format!("there are {}", words.join(", ")), |it| format!("did you mean `{it}`?"));
            report.error_with_hint(Code::BadTaxonomy, key.at, format!("`{}` is not {what}", key.text), hint);
            continue;
        };
        patterns(value, meaning, words, into, report);
    }
}

fn patterns(node: &Node, meaning: u8, words: &[&str], into: &mut Patterns, report: &mut Report) {
    for item in node.as_list() {
        let Some(scalar) = item.as_scalar() else {
            report.error(Code::BadTaxonomy, item.at, format!("an action is {}; it has to be a text", item.describe()));
            continue;
        };
        let pattern = scalar.text.trim();
        if pattern.is_empty() || pattern.trim_end_matches('*').contains('*') || pattern.ends_with("**") {
            let message = format!("`{pattern}` is no action pattern");
            report.error_with_hint(Code::BadTaxonomy, item.at, message, "write a whole name, or its beginning and one `*`");
            continue;
        }
        if into.len() >= PATTERNS_MAX {
            return report.error(Code::TooLarge, item.at, format!("a taxonomy has at most {PATTERNS_MAX} patterns in each part"));
        }
        if let Err(known) = into.add(pattern, meaning) {
            let known = words.get(usize::from(known)).unwrap_or(&"it");
            report.error(Code::BadTaxonomy, item.at, format!("`{pattern}` is there already, under `{known}`"));
        }
    }
}

fn tickets(node: &Node, taxonomy: &mut Taxonomy, report: &mut Report) {
    const KEYS: [&str; 4] = ["needed", "opened_grace", "closed_grace", "targets_max"];
    let Some(pairs) = node.as_map() else {
        report.error(Code::BadTaxonomy, node.at, format!("`tickets` is {}; it has to be a map", node.describe()));
        return;
    };
    for (key, value) in pairs {
        let rules = &mut taxonomy.ticket_rules;
        match key.text.as_str() {
            "needed" => patterns(value, 0, &["needed"], &mut taxonomy.tickets, report),
            "opened_grace" => grace(value, &mut rules.opened_grace_ms, report),
            "closed_grace" => grace(value, &mut rules.closed_grace_ms, report),
            "targets_max" => {
                match value.as_scalar().and_then(|it| it.text.parse().ok()).filter(|it| (1..=REUSE_MAX).contains(it)) {
                    Some(most) => rules.targets_max = u8::try_from(most).expect("it was just looked at"),
                    None => report.error(Code::BadTaxonomy, value.at, format!("`targets_max` is a number from 1 to {REUSE_MAX}")),
                }
            }
            other => report.error_with_nearest(Code::BadTaxonomy, key.at, format!("`tickets` has no `{other}`"), other, KEYS),
        }
    }
}

fn grace(node: &Node, into: &mut i64, report: &mut Report) {
    match node.as_scalar().and_then(|it| timespan_ms(it.text.trim())).filter(|it| (0..=GRACE_MS_MAX).contains(it)) {
        Some(ms) => *into = ms,
        None => report.error_with_hint(
            Code::BadTaxonomy,
            node.at,
            "this is no timespan of at most 30 days",
            "write a number and a unit: `2m`, `24h`",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "families:\n  view: [a.look, a.*]\n  edit: a.ed*\nsensitivity:\n  high: a.edit\ntickets:\n  needed: [a.*]\n  closed_grace: 2h\n  targets_max: 5\n";

    #[track_caller]
    fn check(action: &str, expected: (&str, &str, bool)) {
        let (taxonomy, problems) = parse("taxonomy.yml", SMALL);
        assert!(problems.is_empty(), "{problems:?}");
        let class = taxonomy.class(action);
        assert_eq!((class.family(), class.sensitivity(), class.needs_ticket), expected, "{action}");
    }

    #[track_caller]
    fn check_wrong(text: &str, expected: &str) {
        let (_, problems) = parse("taxonomy.yml", text);
        assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn an_exact_name_wins_over_a_pattern_and_a_longer_pattern_over_a_shorter() {
        check("a.look", ("view", "low", true));
        check("a.edit", ("edit", "high", true));
        check("a.other", ("view", "low", true));
        check("b", ("other", "low", false));
    }

    #[test]
    fn how_tickets_are_judged_can_be_set() {
        let rules = parse("taxonomy.yml", SMALL).0.ticket_rules;
        assert_eq!(rules, TicketRules { opened_grace_ms: 120_000, closed_grace_ms: 7_200_000, targets_max: 5 });
    }

    #[test]
    fn what_comes_with_nightjar_is_sound_and_says_what_needs_a_ticket() {
        let (taxonomy, problems) = parse("taxonomy.yml", BUILT_IN);
        assert!(problems.is_empty(), "{problems:?}");
        assert!(taxonomy.class("password.reset").needs_ticket && taxonomy.class("password.reset").is_sensitive());
        assert!(!taxonomy.class("login").needs_ticket);
        let step = |action| taxonomy.class(action).step.map(|it| STEPS[usize::from(it)]);
        assert_eq!((step("account.mfa_disable"), step("account.lookup")), (Some("factor_off"), None));
    }

    #[test]
    fn what_is_wrong_comes_with_its_place_and_what_to_do() {
        check_wrong("famillies: {}\n", "taxonomy.yml:1:1: error: a taxonomy has no `famillies` (hint: did you mean `families`?)");
        check_wrong("families:\n  views: [a]\n", "taxonomy.yml:2:3: error: `views` is not a family (hint: did you mean `view`?)");
        check_wrong(
            "families:\n  view: [a*b]\n",
            "taxonomy.yml:2:10: error: `a*b` is no action pattern (hint: write a whole name, or its beginning and one `*`)",
        );
        check_wrong("families:\n  view: [a]\n  edit: [a]\n", "taxonomy.yml:3:10: error: `a` is there already, under `view`");
        check_wrong(
            "tickets:\n  closed_grace: 90d\n",
            "taxonomy.yml:2:17: error: this is no timespan of at most 30 days (hint: write a number and a unit: `2m`, `24h`)",
        );
        check_wrong("tickets:\n  targets_max: 0\n", "taxonomy.yml:2:16: error: `targets_max` is a number from 1 to 60");
    }
}
