//! The words of the rule language with their meaning in one line: what editors complete and explain.

pub(crate) mod attack;
mod fields;

pub(crate) use fields::{documented, of_source};

/// A word and what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) name: &'static str,
    pub(crate) meaning: &'static str,
}

const fn word(name: &'static str, meaning: &'static str) -> Word {
    Word { name, meaning }
}

/// The word called `name`.
pub(crate) fn find(words: &'static [Word], name: &str) -> Option<Word> {
    words.iter().copied().find(|it| it.name == name)
}

/// The modifiers (specification 2.1, appendix "Sigma Modifiers").
pub(crate) const MODIFIERS: [Word; 31] = [
    word("all", "all values must be found, not just one of them"),
    word("base64", "the value is found encoded as Base64, at the start of the encoded text"),
    word("base64offset", "the value is found inside a text encoded as Base64, at any of the three offsets; add `contains`"),
    word("cased", "case matters"),
    word("cidr", "the address is in one of these networks, IPv4 or IPv6"),
    word("contains", "the value is found anywhere in the text"),
    word("day", "the day of the month of a time, 1 to 31"),
    word("endswith", "the text ends with the value"),
    word("exists", "`true`: the field is there; `false`: it is missing"),
    word("expand", "`%name%` stands for every line of `context/name.txt`"),
    word("fieldref", "the value is the name of another field, whose value is compared"),
    word("gt", "greater than this number"),
    word("gte", "greater than or equal to this number"),
    word("hour", "the hour of a time, 0 to 23, on the actor's clock"),
    word("i", "of a regular expression: case does not matter"),
    word("lt", "less than this number"),
    word("lte", "less than or equal to this number"),
    word("m", "of a regular expression: `^` and `$` match at line ends"),
    word("minute", "the minute of a time, 0 to 59"),
    word("month", "the month of a time, 1 to 12"),
    word("neq", "the field is there and has none of these values"),
    word("re", "a regular expression is found in the text; anchor it with `^` and `$`"),
    word("s", "of a regular expression: `.` matches line ends too"),
    word("startswith", "the text starts with the value"),
    word("utf16", "the value is encoded as UTF-16 with a byte order mark, before Base64"),
    word("utf16be", "the value is encoded as UTF-16, big end first, before Base64"),
    word("utf16le", "the value is encoded as UTF-16, little end first, before Base64"),
    word("week", "the ISO week of a time, 1 to 53"),
    word("wide", "another name of `utf16le`"),
    word("windash", "`-` in the value stands for `/` and other dashes too"),
    word("year", "the year of a time"),
];

/// Keys at the top of a document.
pub(crate) const TOP_KEYS: [Word; 23] = [
    word("title", "What it detects, in one line of at most 256 characters."),
    word("id", "A random UUID. It never changes; alerts and exceptions refer to it."),
    word("name", "The name that correlations and pages use. Without one, the rule is called like its file."),
    word("related", "Identifiers of rules that this one comes from, replaces or resembles."),
    word("taxonomy", "The taxonomy of the field names."),
    word("status", "How far it is: experimental, test, stable, deprecated or unsupported."),
    word("description", "What happens when it fires, and why it matters."),
    word("license", "The licence of the rule, as an SPDX identifier."),
    word("author", "Who wrote it."),
    word("references", "Documents to read."),
    word("date", "The day on which it was written, YYYY-MM-DD."),
    word("modified", "The day on which it was last changed, YYYY-MM-DD."),
    word("logsource", "The sources whose events it sees."),
    word("detection", "Selections, and the condition over them."),
    word("correlation", "What is counted over the matches of other rules."),
    word("filter", "What is excluded from the rules that it names."),
    word("fields", "Fields that an analyst wants to see."),
    word("falsepositives", "Known innocent causes."),
    word("level", "How bad a match is: informational, low, medium, high or critical."),
    word("tags", "ATT&CK tactics and techniques and others, such as `attack.t1098`."),
    word("scope", "Which people or systems the rule is meant for."),
    word("generate", "Of a correlation: whether the rules that it is over alert by themselves too."),
    word("action", "Of a document in a collection: `global`, `reset` or `repeat`."),
];

/// Keys under `logsource`.
pub(crate) const LOGSOURCE_KEYS: [Word; 4] = [
    word("category", "The kind of log, whatever writes it."),
    word("product", "What writes it: `nightjar` (native events), `aws`, `okta`, `github`, …"),
    word("service", "Which of the product's logs: `audit`, `cloudtrail`, …"),
    word("definition", "For people: what has to be switched on for these events to exist."),
];

/// Keys under `correlation`.
pub(crate) const CORRELATION_KEYS: [Word; 7] = [
    word("type", "What is counted."),
    word("rules", "The rules whose matches count, by name or id; in order for `temporal_ordered`."),
    word("group-by", "Fields that the events must have in common."),
    word("timespan", "The sliding window: a whole number and s, m, h, d, w, M (30 days) or y (365 days)."),
    word("condition", "What the count or value must be: `gte: 10`; of rules, which must match and which must not: `a and not b`."),
    word("aliases", "Names for `group-by` that stand for another field in each rule."),
    word("generate", "Whether the rules that it is over alert by themselves too."),
];

/// Values of `type` under `correlation`.
pub(crate) const CORRELATION_TYPES: [Word; 8] = [
    word("event_count", "How many events match."),
    word("value_count", "How many different values of `field` there are."),
    word("temporal", "All the rules match, in any order, or those that the condition names."),
    word("temporal_ordered", "All the rules match, in the order of `rules`, or those that the condition names."),
    word("value_sum", "The sum of the numbers in `field`."),
    word("value_avg", "The mean of the numbers in `field`."),
    word("value_percentile", "The number in `field` that `percentile` percent of them do not exceed."),
    word("value_median", "The median of the numbers in `field`."),
];

/// Keys under `nightjar` of a correlation.
pub(crate) const EXTENSION_KEYS: [Word; 1] =
    [word("session_gap", "Events of a group further apart than this are of different sessions: `15m`.")];

/// Keys under `condition` of a correlation.
pub(crate) const COMPARISONS: [Word; 8] = [
    word("gt", "More than this."),
    word("gte", "This or more."),
    word("lt", "Less than this."),
    word("lte", "This or less."),
    word("eq", "Exactly this."),
    word("neq", "Anything but this."),
    word("field", "Whose values are counted or measured."),
    word("percentile", "Which percentile, from 0 to 100, of a `value_percentile`."),
];

/// Values of `status`.
pub(crate) const STATUSES: [Word; 5] = [
    word("stable", "Fit for production: its alerts page. What a rule without a status counts as."),
    word("test", "Nearly there: runs in shadow, so that it is counted and shown, but pages nobody."),
    word("experimental", "New, may well be noisy: runs in shadow, so that it is counted and shown, but pages nobody."),
    word("deprecated", "Replaced by another rule: still pages, with a warning."),
    word("unsupported", "Cannot be used as it is: does not run."),
];

/// Values of `level`.
pub(crate) const LEVELS: [Word; 5] = [
    word("informational", "Worth knowing; nobody is paged."),
    word("low", "Noteworthy, rarely an incident by itself."),
    word("medium", "Relevant, to be looked at."),
    word("high", "Should be looked at promptly."),
    word("critical", "An incident until shown otherwise."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_modifier_of_the_language_is_explained_and_no_other() {
        assert_eq!(MODIFIERS.map(|it| it.name), sigma::parse::MODIFIERS);
    }
}
