//! A line of an `expect` fence.

use model::Level;
use std::fmt;

/// What a case expects: `alert <level> <actor> <rule>`, or `shadow …` of a rule that pages nobody yet. An actor with white space or quotes in it is written as a JSON string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Whether it pages nobody, because its rule is in shadow.
    pub is_shadow: bool,
    /// The level of the rule.
    pub level: Level,
    /// The actor's identifier.
    pub actor: String,
    /// The rule's name.
    pub rule: String,
    /// 1-based line of the page; 0 for one that is yet to be written.
    pub line: usize,
}

impl Expected {
    /// Reads a line; else says what is wrong with it.
    pub(super) fn parse(text: &str, line: usize) -> Result<Self, String> {
        const FORM: &str = "an expectation is `alert <level> <actor> <rule>`, or `shadow …` of a rule in shadow";
        let (word, rest) = text.split_once(char::is_whitespace).ok_or_else(|| format!("{FORM}, not `{text}`"))?;
        let is_shadow = match word {
            "alert" => false,
            "shadow" => true,
            _ => return Err(format!("{FORM}, not `{text}`")),
        };
        let (level, rest) =
            rest.trim_start().split_once(char::is_whitespace).ok_or_else(|| format!("{FORM}; the actor is missing"))?;
        let level = Level::parse(level).ok_or_else(|| format!("`{level}` is not a level"))?;
        let (actor, rule) = actor(rest.trim_start())?;
        let rule = rule.trim();
        if rule.is_empty() {
            return Err(format!("{FORM}; the rule is missing"));
        }
        Ok(Self { is_shadow, level, actor, rule: rule.to_owned(), line })
    }
}

/// The actor at the beginning of `text`, and what follows.
fn actor(text: &str) -> Result<(String, &str), String> {
    if !text.starts_with('"') {
        let (actor, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        return Ok((actor.to_owned(), rest));
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
    match values.next() {
        Some(Ok(actor)) => Ok((actor, &text[values.byte_offset()..])),
        _ => Err(format!("the quoted actor in `{text}` is not a JSON string")),
    }
}

impl fmt::Display for Expected {
    /// The line as it is written in a page.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let needs_quotes =
            self.actor.is_empty() || self.actor.contains(|it: char| it.is_whitespace() || it == '"' || it.is_control());
        write!(f, "{} {} ", if self.is_shadow { "shadow" } else { "alert" }, self.level)?;
        if needs_quotes {
            write!(f, "{}", serde_json::Value::from(self.actor.as_str()))?;
        } else {
            f.write_str(&self.actor)?;
        }
        write!(f, " {}", self.rule)
    }
}
