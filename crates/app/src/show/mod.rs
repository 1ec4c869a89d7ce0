//! An alert for a person on a terminal: when, how bad, which rule, who, to whom, why. Two lines.
//!
//! What comes from events is text that somebody else has chosen. Nothing of it reaches the terminal as a control character.

mod escape;
#[cfg(test)]
mod tests;

use model::{EventTime, Level};
use owo_colors::{OwoColorize, Style};
use serde_json::Value as Json;
use unicode_width::UnicodeWidthChar;

pub(crate) use escape::escaped;

/// Narrower than this, lines are not cut but wrapped by the terminal.
const WIDTH_MIN: usize = 40;
const INDENT: &str = "    ";

/// Two lines about an OCSF Detection Finding, with colours (print them through `anstream`, which knows who wants them) and
/// cut to `width` columns, if there is a width.
pub(crate) fn alert(finding: &Json, width: Option<usize>) -> String {
    let card = Card::of(finding);
    let width = width.filter(|it| *it >= WIDTH_MIN).unwrap_or(usize::MAX);
    let level = format!("{:^13}", card.level.as_str().to_uppercase());
    let taken = card.time.len() + 1 + level.len() + 1;
    let title = cut(&card.title, width.saturating_sub(taken));
    let rule = cut(&card.rule, width.saturating_sub(taken + columns(&title) + 2));
    let who = cut(&format!("{}:", card.who), width.saturating_sub(INDENT.len()));
    let why = cut(&card.why, width.saturating_sub(INDENT.len() + columns(&who) + 1));
    let before = |gap: &str, text: &str| if text.is_empty() { String::new() } else { format!("{gap}{text}") };
    format!(
        "{} {} {}{}\n{INDENT}{}{}",
        card.time.dimmed(),
        level.style(colour(card.level)),
        title.bold(),
        before("  ", &rule).dimmed(),
        who.bold(),
        before(" ", &why),
    )
}

/// The columns of standard output, if it is a terminal.
pub(crate) fn width() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}

/// `1 page`, `2 pages`.
pub(crate) fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// How a level looks.
pub(crate) fn colour(level: Level) -> Style {
    match level {
        Level::Critical => Style::new().white().on_red().bold(),
        Level::High => Style::new().red().bold(),
        Level::Medium => Style::new().yellow(),
        Level::Low => Style::new().cyan(),
        Level::Informational => Style::new().dimmed(),
    }
}

/// The texts of an alert, escaped.
struct Card {
    time: String,
    level: Level,
    title: String,
    rule: String,
    who: String,
    why: String,
}

impl Card {
    fn of(finding: &Json) -> Self {
        let text = |pointer: &str| finding.pointer(pointer).and_then(Json::as_str).unwrap_or_default();
        let title = text("/finding_info/title");
        let message = text("/message");
        // The message begins with the title, which stands in the first line already.
        let why = message.strip_prefix(title).and_then(|it| it.strip_prefix(": ")).unwrap_or(message);
        Self {
            time: time_of(finding),
            level: level_of(finding),
            title: escaped(title),
            rule: escaped(text("/finding_info/analytic/name")),
            who: who(finding),
            why: escaped(why),
        }
    }
}

/// The level that an OCSF severity stands for.
pub(crate) fn level_of(finding: &Json) -> Level {
    let id = finding.get("severity_id").and_then(Json::as_u64).unwrap_or(0);
    Level::ALL.into_iter().find(|it| u64::from(it.severity_id()) == id).unwrap_or_default()
}

/// `2020-07-15 13:51:12`, in UTC.
fn time_of(finding: &Json) -> String {
    let time = EventTime::from_ms(finding.get("time").and_then(Json::as_i64).unwrap_or_default()).to_string();
    match (time.get(..10), time.get(11..19)) {
        (Some(date), Some(clock)) => format!("{date} {clock}"),
        _ => time,
    }
}

/// `u1103 (support_t2, support-t2-sfo-a)`; of several actors, how many more there are.
fn who(finding: &Json) -> String {
    let text = |pointer: &str| finding.pointer(pointer).and_then(Json::as_str).filter(|it| !it.is_empty());
    let id = text("/actor/user/uid").or_else(|| text("/actor/user/email_addr")).unwrap_or("somebody");
    let job = [text("/actor/user/ldap_person/job_title"), text("/actor/user/groups/0/name")];
    let job: Vec<&str> = job.into_iter().flatten().collect();
    let others = finding.pointer("/unmapped/actors").and_then(Json::as_array).map_or(0, |it| it.len().saturating_sub(1));
    let job = if job.is_empty() { String::new() } else { format!(" ({})", escaped(&job.join(", "))) };
    let others = if others == 0 { String::new() } else { format!(" and {others} more") };
    format!("{}{job}{others}", escaped(id))
}

pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(|it| it.width().unwrap_or(0)).sum()
}

/// At most `width` columns of `text`; what is cut ends with an ellipsis.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut taken = 1;
    for character in text.chars() {
        taken += character.width().unwrap_or(0);
        if taken > width {
            break;
        }
        kept.push(character);
    }
    if width > 0 {
        kept.push('…');
    }
    kept
}
