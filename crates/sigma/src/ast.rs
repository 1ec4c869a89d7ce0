//! What a Sigma document says, after parsing and before compiling: modifiers are resolved into predicates, placeholders into their
//! lists, quantified conditions (`1 of sel*`) into plain ones. Nothing here depends on a source or on an event.

use crate::number::Number;
use ipnet::IpNet;
use model::source::LogSource;
use model::{FieldPath, RuleInfo};
use std::sync::Arc;

/// One loaded document.
#[derive(Debug, Clone)]
pub enum Document {
    /// A detection rule.
    Rule(Rule),
    /// A correlation of rules.
    Correlation(Correlation),
    /// What is left out of the matches of some rules.
    Filter(Arc<Filter>),
}

impl Document {
    /// What it is called: its `name:`, else its file's stem.
    pub fn name(&self) -> &str {
        match self {
            Self::Rule(it) => &it.info.name,
            Self::Correlation(it) => &it.info.name,
            Self::Filter(it) => &it.name,
        }
    }

    /// Its identifier, or the one derived from its name.
    pub fn id(&self) -> &str {
        match self {
            Self::Rule(it) => &it.info.id,
            Self::Correlation(it) => &it.info.id,
            Self::Filter(it) => &it.id,
        }
    }

    /// Where it stands.
    pub fn place(&self) -> &Place {
        match self {
            Self::Rule(it) => &it.place,
            Self::Correlation(it) => &it.place,
            Self::Filter(it) => &it.place,
        }
    }
}

/// Where a document stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as it was named by the caller.
    pub file: Arc<str>,
    /// 1-based line on which the document begins.
    pub line: usize,
}

/// A Sigma detection rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What its alerts say about it.
    pub info: Arc<RuleInfo>,
    /// Where it stands.
    pub place: Place,
    /// Which sources it is for.
    pub logsource: LogSource,
    /// The named searches, in the order of the file.
    pub selections: Vec<Selection>,
    /// The condition over them. Several conditions are one [`Condition::Or`].
    pub condition: Condition,
    /// 1-based line of the condition.
    pub condition_line: usize,
    /// The filters whose conditions must hold too; see [`crate::filters::apply`].
    pub filters: Vec<Arc<Filter>>,
    /// Whether a correlation that did not load builds on it: then it does not alert by itself.
    pub is_muted: bool,
}

/// A Sigma filter (specification 2.1, "Sigma Filters"): a further condition of some rules, kept in one place.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Its identifier, or one derived from its name.
    pub id: String,
    /// `name:` of the filter, else the file stem.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// What it is about.
    pub description: String,
    /// The content hash of the filter, 16 hexadecimal digits.
    pub version: String,
    /// Where it stands.
    pub place: Place,
    /// It only applies to rules for these sources.
    pub logsource: LogSource,
    /// The rules it applies to.
    pub rules: FilterRules,
    /// The named searches, in the order of the file.
    pub selections: Vec<Selection>,
    /// What must hold besides the rule's own condition.
    pub condition: Condition,
    /// 1-based line of the condition.
    pub condition_line: usize,
}

/// Which rules a filter applies to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterRules {
    /// `any`: every rule whose log source the filter's covers.
    Any,
    /// These, by `name` or `id`.
    Named(Vec<String>),
}

/// A named search identifier under `detection`.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Its name.
    pub name: String,
    /// 1-based line.
    pub line: usize,
    /// What it searches for.
    pub search: Search,
}

/// A search: maps are `All`, lists of maps or keywords are `Any`.
#[derive(Debug, Clone)]
pub enum Search {
    /// Every part must hold.
    All(Vec<Search>),
    /// At least one part must hold.
    Any(Vec<Search>),
    /// One field against its values.
    Item(Item),
}

/// One line of a selection: a field and the predicates that its modifiers and values make.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The field; `None` is a keyword search over every string of the event.
    pub field: Option<FieldPath>,
    /// What the value must satisfy.
    pub predicates: Vec<Predicate>,
    /// Whether all predicates must hold (`|all`) or any of them.
    pub all: bool,
    /// `|neq`: the field must be present and satisfy none of the predicates (with `all`: not all of them).
    pub negated: bool,
    /// 1-based line.
    pub line: usize,
}

/// A test of one value. On an array, a predicate holds when it holds for any element.
#[derive(Debug, Clone, PartialEq)]
pub enum Predicate {
    /// The text of the value against a pattern.
    Text {
        /// The pattern, wildcards resolved.
        pattern: Pattern,
        /// Whether case matters (`|cased`).
        cased: bool,
    },
    /// A regular expression found somewhere in the text (`|re`). Flags are already written into it as `(?ims)`. Case matters without `i`.
    /// It is as its author wrote it; [`crate::pcre::exact`] makes of it what is compiled.
    Regex(String),
    /// An address in a network (`|cidr`).
    Cidr(IpNet),
    /// The value as a number: a YAML number as plain value (`Equal`), or `|lt |lte |gt |gte`. A text that reads as a number counts.
    Number {
        /// How to compare.
        compare: Compare,
        /// With what.
        with: Number,
    },
    /// `true` or `false` as plain value; the texts `true` and `false` count too.
    Bool(bool),
    /// Whether the field is present (`|exists`), `null` included.
    Exists(bool),
    /// A plain `null`: the field is `null` or missing.
    Null,
    /// The text compared with the text of another field of the same event (`|fieldref`); whether two numbers are equal, by their value.
    FieldRef {
        /// The other field.
        other: FieldPath,
        /// How to compare.
        relation: Relation,
        /// Whether case matters.
        cased: bool,
    },
    /// A part of a time (`|hour` and its kin) compared with a number. Plain values compare as `Equal`.
    TimePart {
        /// Which part, on the clock of the event's actor or of the source.
        part: TimePart,
        /// How to compare.
        compare: Compare,
        /// With what.
        with: i64,
    },
}

/// A text pattern. Literals are as written in the rule; the compiler folds case where it does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// The whole text.
    Equal(String),
    /// `x*` or `|startswith`.
    Prefix(String),
    /// `*x` or `|endswith`.
    Suffix(String),
    /// `*x*` or `|contains`.
    Contains(String),
    /// `*` alone: any text at all that is present, the empty one included.
    Any,
    /// Everything else with wildcards, anchored at both ends.
    Wildcard(Vec<Wild>),
}

/// A piece of a wildcard pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Wild {
    /// Text to be found as it is.
    Literal(String),
    /// `?`: exactly one character.
    One,
    /// `*`: any number of characters.
    Many,
}

/// How two numbers are compared: the value on the left, the rule's number on the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compare {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `≤`
    LessOrEqual,
    /// `>`
    Greater,
    /// `≥`
    GreaterOrEqual,
    /// `≠` (only in correlation conditions, `neq`)
    NotEqual,
}

impl Compare {
    /// As people write it.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Less => "<",
            Self::LessOrEqual => "≤",
            Self::Greater => ">",
            Self::GreaterOrEqual => "≥",
            Self::NotEqual => "≠",
        }
    }
}

/// How the texts of two fields are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// The same text.
    Equal,
    /// The field starts with the other.
    StartsWith,
    /// The field ends with the other.
    EndsWith,
    /// The field contains the other.
    Contains,
}

/// A part of a date and time (specification 2.1, time modifiers).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimePart {
    /// 0-59
    Minute,
    /// 0-23
    Hour,
    /// Day of the month, 1-31 (modifiers appendix).
    Day,
    /// ISO week of the year, 1-53.
    Week,
    /// 1-12
    Month,
    /// The year.
    Year,
}

impl TimePart {
    /// The smallest and the largest number that a time can have there.
    pub fn range(self) -> (i64, i64) {
        match self {
            Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::Day => (1, 31),
            Self::Week => (1, 53),
            Self::Month => (1, 12),
            Self::Year => (0, 9999),
        }
    }
}

/// A condition over selections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Every part.
    And(Vec<Condition>),
    /// At least one part.
    Or(Vec<Condition>),
    /// Not that.
    Not(Box<Condition>),
    /// The selection of that index in [`Rule::selections`].
    Selection(usize),
}

/// A Sigma correlation (specification 2.1, "Sigma Correlations").
#[derive(Debug, Clone)]
pub struct Correlation {
    /// What its alerts say about it.
    pub info: Arc<RuleInfo>,
    /// Where it stands.
    pub place: Place,
    /// What it looks for.
    pub kind: CorrelationKind,
    /// The rules and correlations it is over, by `name` or `id`, in order.
    pub rules: Vec<String>,
    /// The fields (or aliases) that events must have in common.
    pub group_by: Vec<FieldPath>,
    /// The sliding window in milliseconds.
    pub timespan_ms: i64,
    /// The comparisons that the count, sum, … must satisfy, all of them. Counts are whole numbers. Empty for temporal kinds without
    /// a condition (every rule, once) and for those with an [`Self::expression`].
    pub condition: Vec<(Compare, f64)>,
    /// For temporal kinds, a condition over the rules by their index in [`Self::rules`] (approved for specification 2.2). `None` where
    /// it would say what there is without one: every rule.
    pub expression: Option<Condition>,
    /// An extension: events of a group further apart than this, in milliseconds, belong to different sessions, and a window reaches
    /// back no further than its session (`session_gap` under the top-level key `nightjar`).
    pub session_gap_ms: Option<i64>,
    /// Group-by names that stand for another field in each rule: alias → (rule name or id → field).
    pub aliases: Vec<(String, Vec<(String, FieldPath)>)>,
    /// Whether the rules it is over alert by themselves too.
    pub generate: bool,
    /// Whether a correlation that did not load builds on it: then it does not alert by itself.
    pub is_muted: bool,
}

/// What a correlation counts or measures.
#[derive(Debug, Clone, PartialEq)]
pub enum CorrelationKind {
    /// Events.
    EventCount,
    /// Distinct values of these fields (several fields: distinct combinations). Of an array every element is a value.
    ValueCount(Vec<FieldPath>),
    /// The sum of the numbers in a field.
    ValueSum(FieldPath),
    /// Their arithmetic mean.
    ValueAvg(FieldPath),
    /// A percentile of them by nearest rank: the smallest number in the window that at least so many percent of them do not exceed.
    ValuePercentile {
        /// The field.
        field: FieldPath,
        /// Which percentile: `0.0..=100.0`. The 0th is the smallest number, the 100th the largest.
        percentile: f64,
    },
    /// The median of them: the middle one, or the mean of the two in the middle.
    ValueMedian(FieldPath),
    /// Different rules, in any order.
    Temporal,
    /// Different rules, in the order of [`Correlation::rules`].
    TemporalOrdered,
}

impl CorrelationKind {
    /// The field whose numbers are measured.
    pub fn measured(&self) -> Option<&FieldPath> {
        match self {
            Self::ValueSum(field) | Self::ValueAvg(field) | Self::ValuePercentile { field, .. } | Self::ValueMedian(field) => {
                Some(field)
            }
            Self::EventCount | Self::ValueCount(_) | Self::Temporal | Self::TemporalOrdered => None,
        }
    }

    /// The fields whose values are counted or measured.
    pub fn fields(&self) -> &[FieldPath] {
        match self {
            Self::ValueCount(fields) => fields,
            other => other.measured().map_or(&[], std::slice::from_ref),
        }
    }

    /// Whether it is about different rules and not about counts or values.
    pub fn is_temporal(&self) -> bool {
        matches!(self, Self::Temporal | Self::TemporalOrdered)
    }
}

/// Most steps of an ordered correlation.
pub const ORDERED_STEPS_MAX: usize = 8;
/// Most rules of a correlation with a condition over their names.
pub const EXPRESSION_RULES_MAX: usize = 64;
/// Most alternatives that a condition over rule names may come to when its `or`s are multiplied out.
pub const ALTERNATIVES_MAX: usize = 16;
/// Most levels of correlations of correlations; one over rules alone is of the first.
pub const LEVELS_MAX: usize = 8;

/// One way in which a condition over rule names holds: some rules matched and some others did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// Indexes into [`Correlation::rules`] of those that must match, ascending; at least one.
    pub present: Vec<u16>,
    /// Indexes of those that must not, ascending.
    pub absent: Vec<u16>,
}
