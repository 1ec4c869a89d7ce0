//! The chain of modifiers after a field name (specification 2.1, appendix "Sigma Modifiers") and which of them go together.

use super::encode::{Base64, Utf16};
use super::report::Report;
use super::yaml::Key;
use crate::ast::{Compare, TimePart};
use crate::problem::Code;

/// Every modifier, in the order of the alphabet.
pub const MODIFIERS: [&str; 31] = [
    "all",
    "base64",
    "base64offset",
    "cased",
    "cidr",
    "contains",
    "day",
    "endswith",
    "exists",
    "expand",
    "fieldref",
    "gt",
    "gte",
    "hour",
    "i",
    "lt",
    "lte",
    "m",
    "minute",
    "month",
    "neq",
    "re",
    "s",
    "startswith",
    "utf16",
    "utf16be",
    "utf16le",
    "week",
    "wide",
    "windash",
    "year",
];

/// The modifiers that go together with those in `used`, alone or before an encoding; all others if those in `used` don't go together.
pub fn fitting(used: &[&str]) -> Vec<&'static str> {
    let others = MODIFIERS.into_iter().filter(|it| !used.contains(it));
    let is_sound = |words: &[&str]| {
        let mut chain = Chain::default();
        let mut words = used.iter().chain(words);
        words.all(|it| chain.add(it, &[]).is_ok()) && chain.check().is_ok()
    };
    let fitting: Vec<&str> = others.clone().filter(|it| is_sound(&[it]) || is_sound(&[it, "base64"])).collect();
    if fitting.is_empty() && !is_sound(&[]) { others.collect() } else { fitting }
}

/// Most modifiers of one field; none that make sense together are more.
const CHAIN_MAX: usize = 16;

/// What is done with the values of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Test {
    /// No modifier says otherwise: texts, numbers, booleans and null each as they are.
    #[default]
    Plain,
    /// `re`
    Regex,
    /// `cidr`
    Cidr,
    /// `exists`
    Exists,
    /// `fieldref`
    FieldRef,
    /// `lt lte gt gte`
    Compare(Compare),
    /// `minute hour day week month year`, with or without a comparison.
    TimePart(TimePart, Compare),
}

/// Where in the text a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Where {
    /// It is the whole text.
    #[default]
    Whole,
    /// `startswith`
    Start,
    /// `endswith`
    End,
    /// `contains`
    Anywhere,
}

/// A chain whose modifiers go together.
#[expect(clippy::struct_excessive_bools, reason = "each is a modifier that is there or not")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) test: Test,
    pub(super) place: Where,
    pub(super) all: bool,
    pub(super) neq: bool,
    pub(super) cased: bool,
    pub(super) expand: bool,
    pub(super) windash: bool,
    pub(super) utf16: Option<Utf16>,
    pub(super) base64: Option<Base64>,
    /// The flags of a regular expression: some of `ims`.
    pub(super) flags: String,
}

impl Chain {
    /// Whether the modifiers only make sense for texts, so that numbers and booleans are taken as they are written.
    pub(super) fn wants_text(&self) -> bool {
        self.place != Where::Whole || self.cased || self.expand || self.windash || self.utf16.is_some() || self.base64.is_some()
    }

    /// Reads `field|modifier|…`: the field (`None` before a leading `|`) and the chain, or `None` with the problems reported.
    pub(super) fn read<'a>(key: &'a Key, report: &mut Report) -> Option<(Option<&'a str>, Self)> {
        let mut words = key.text.split('|');
        let field = words.next().map(str::trim).filter(|it| !it.is_empty());
        let errors = report.errors();
        if key.text.split('|').count() > CHAIN_MAX + 1 {
            report.error(Code::TooLarge, key.at, format!("more than {CHAIN_MAX} modifiers"));
            return None;
        }
        let mut chain = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        for word in words {
            if seen.contains(&word) {
                report.error(Code::ModifierConflict, key.at, format!("the modifier `{word}` is there twice"));
            } else if let Err((message, hint)) = chain.add(word, &seen) {
                let is_unknown = matches!(word, "not" | "");
                match hint {
                    Some(hint) if is_unknown => report.error_with_hint(Code::UnknownModifier, key.at, message, hint),
                    Some(hint) => report.error_with_hint(Code::ModifierConflict, key.at, message, hint),
                    None => report.error_with_nearest(Code::UnknownModifier, key.at, message, word, MODIFIERS),
                }
            }
            seen.push(word);
        }
        if report.errors() == errors
            && let Err((message, hint)) = chain.check()
        {
            report.error_with_hint(Code::ModifierConflict, key.at, message, hint);
        }
        (report.errors() == errors).then_some((field, chain))
    }

    /// Adds one modifier after those in `seen`. An error without a hint is an unknown word.
    fn add(&mut self, word: &str, seen: &[&str]) -> Result<(), (String, Option<String>)> {
        match word {
            "all" => self.all = true,
            "neq" => self.neq = true,
            "cased" => self.cased = true,
            "expand" => return self.before_base64(word, |it| it.expand = true),
            "windash" => return self.before_base64(word, |it| it.windash = true),
            "startswith" => return self.stand(word, Where::Start),
            "endswith" => return self.stand(word, Where::End),
            "contains" => return self.stand(word, Where::Anywhere),
            "utf16" => return self.encode_utf16(word, Utf16::Marked),
            "utf16le" | "wide" => return self.encode_utf16(word, Utf16::Little),
            "utf16be" => return self.encode_utf16(word, Utf16::Big),
            "base64" => return self.encode_base64(word, Base64::Whole),
            "base64offset" => return self.encode_base64(word, Base64::Offset),
            "re" => return self.is_a(word, Test::Regex),
            "cidr" => return self.is_a(word, Test::Cidr),
            "exists" => return self.is_a(word, Test::Exists),
            "fieldref" => return self.is_a(word, Test::FieldRef),
            "lt" => return self.compare(word, Compare::Less),
            "lte" => return self.compare(word, Compare::LessOrEqual),
            "gt" => return self.compare(word, Compare::Greater),
            "gte" => return self.compare(word, Compare::GreaterOrEqual),
            "minute" => return self.is_a(word, Test::TimePart(TimePart::Minute, Compare::Equal)),
            "hour" => return self.is_a(word, Test::TimePart(TimePart::Hour, Compare::Equal)),
            "day" => return self.is_a(word, Test::TimePart(TimePart::Day, Compare::Equal)),
            "week" => return self.is_a(word, Test::TimePart(TimePart::Week, Compare::Equal)),
            "month" => return self.is_a(word, Test::TimePart(TimePart::Month, Compare::Equal)),
            "year" => return self.is_a(word, Test::TimePart(TimePart::Year, Compare::Equal)),
            "i" | "m" | "s" => {
                if self.test != Test::Regex {
                    let message = format!("the modifier `{word}` only changes a regular expression");
                    return Err((message, Some(format!("write `|re|{word}`"))));
                }
                self.flags.push_str(word);
            }
            "not" => return Err(("unknown modifier `not`".to_owned(), Some("use `neq`, or `not` in the condition".to_owned()))),
            "" => return Err(("an empty modifier".to_owned(), Some("there is a `|` too many".to_owned()))),
            _ => {
                let known = seen.last().map_or_else(String::new, |it| format!(" after `{it}`"));
                return Err((format!("unknown modifier `{word}`{known}"), None));
            }
        }
        Ok(())
    }

    fn is_a(&mut self, word: &str, test: Test) -> Result<(), (String, Option<String>)> {
        if self.test != Test::Plain {
            return Err((
                format!("`{word}` after a modifier that already says what the value is"),
                Some("keep one of the two".to_owned()),
            ));
        }
        self.test = test;
        Ok(())
    }

    fn compare(&mut self, word: &str, compare: Compare) -> Result<(), (String, Option<String>)> {
        match self.test {
            Test::TimePart(part, Compare::Equal) => {
                self.test = Test::TimePart(part, compare);
                Ok(())
            }
            _ => self.is_a(word, Test::Compare(compare)),
        }
    }

    fn stand(&mut self, word: &str, place: Where) -> Result<(), (String, Option<String>)> {
        if self.place != Where::Whole {
            let message = format!("`{word}` after a modifier that already says where the value stands");
            return Err((message, Some("keep one of `startswith`, `endswith` and `contains`".to_owned())));
        }
        self.place = place;
        Ok(())
    }

    fn before_base64(&mut self, word: &str, set: impl FnOnce(&mut Self)) -> Result<(), (String, Option<String>)> {
        if let Some(form) = self.base64 {
            let name = base64_name(form);
            return Err((
                format!("`{word}` after `{name}` would change the encoded text"),
                Some(format!("write `|{word}|{name}`")),
            ));
        }
        set(self);
        Ok(())
    }

    fn encode_utf16(&mut self, word: &str, form: Utf16) -> Result<(), (String, Option<String>)> {
        if self.utf16.is_some() {
            return Err((format!("`{word}` after another UTF-16 modifier"), Some("keep one of them".to_owned())));
        }
        self.before_base64(word, |it| it.utf16 = Some(form))
    }

    fn encode_base64(&mut self, word: &str, form: Base64) -> Result<(), (String, Option<String>)> {
        if self.base64.is_some() {
            return Err((format!("`{word}` after another Base64 modifier"), Some("keep one of them".to_owned())));
        }
        if self.place != Where::Whole {
            let message = format!("`{word}` after the modifier that says where the value stands");
            return Err((message, Some(format!("encode first: `|{word}|contains`"))));
        }
        self.base64 = Some(form);
        Ok(())
    }

    /// Whether the modifiers go together; if not, why, and what to do.
    fn check(&self) -> Result<(), (String, String)> {
        let refuse = |message: &str, hint: &str| Err((message.to_owned(), hint.to_owned()));
        if self.utf16 == Some(Utf16::Marked) && self.base64.is_none() {
            return refuse(
                "`utf16` without Base64 after it: its byte order mark can't stand in a text",
                "write `|utf16|base64`, or `wide` for the text alone",
            );
        }
        let (is_placed, is_encoded) = (self.place != Where::Whole, self.base64.is_some() || self.utf16.is_some());
        match self.test {
            Test::FieldRef if self.expand || self.windash || is_encoded => refuse(
                "`fieldref` names a field, which can't be changed by other modifiers",
                "only `startswith`, `endswith`, `contains`, `cased`, `neq` and `all` go with it",
            ),
            Test::Regex if is_placed => refuse(
                "`re` together with a modifier that says where the value stands",
                "a regular expression matches anywhere; use `^` and `$`",
            ),
            Test::Regex if self.cased => {
                refuse("`re` together with `cased`", "a regular expression is case-sensitive without `|i`")
            }
            Test::Regex if self.windash || is_encoded => {
                refuse("`re` together with a modifier that changes the text", "write the variants into the expression")
            }
            Test::Cidr if is_placed || self.cased || self.windash || is_encoded => {
                refuse("`cidr` together with a modifier for texts", "a network is compared as a whole")
            }
            Test::Exists if self.wants_text() || self.all || self.neq => {
                refuse("`exists` together with another modifier", "it only takes `true` or `false`")
            }
            Test::Compare(_) | Test::TimePart(..) if self.wants_text() => {
                refuse("a modifier for numbers together with one for texts", "numbers are compared as numbers")
            }
            Test::Compare(_) if self.neq => refuse("a comparison together with `neq`", "use the opposite comparison"),
            Test::TimePart(_, compare) if self.neq && compare != Compare::Equal => {
                refuse("a comparison together with `neq`", "use the opposite comparison")
            }
            Test::Plain | Test::FieldRef | Test::Regex | Test::Cidr | Test::Exists | Test::Compare(_) | Test::TimePart(..) => {
                Ok(())
            }
        }
    }
}

fn base64_name(form: Base64) -> &'static str {
    match form {
        Base64::Whole => "base64",
        Base64::Offset => "base64offset",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(used: &[&str], fitting_ones: &[&str]) {
        assert_eq!(fitting(used), fitting_ones, "{used:?}");
    }

    #[test]
    fn what_fits_is_what_would_be_accepted() {
        check(&["exists"], &[]);
        check(&["gt"], &["all"]);
        check(&["hour"], &["all", "gt", "gte", "lt", "lte", "neq"]);
        check(&["re"], &["all", "expand", "i", "m", "neq", "s"]);
        check(&["contains"], &["all", "cased", "expand", "fieldref", "neq", "utf16be", "utf16le", "wide", "windash"]);
        assert!(
            fitting(&[]).contains(&"utf16") && !fitting(&[]).contains(&"i"),
            "one needs `base64` behind it, the other `re` before it"
        );
        assert_eq!(fitting(&["re", "cidr"]).len(), MODIFIERS.len() - 2, "of a broken chain nothing is known");
    }
}
