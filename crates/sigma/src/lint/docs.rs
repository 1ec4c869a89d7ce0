//! What there is to say about each code: why it matters, with an example of what is wrong and one of what is right, which are the
//! very files that the tests check.

mod table;

use crate::problem::{Code, Severity};
use std::fmt::Write;
use table::ENTRIES;

/// The files about one code.
struct Entry {
    number: &'static str,
    about: &'static str,
    bad: &'static str,
    good: &'static str,
    has_fix: bool,
}

/// Longest example in lines.
const LINES_MAX: usize = 40;

/// Why a code matters and what to do, as Markdown of a paragraph or two; `None` for a code that nobody has written about.
pub fn about(code: Code) -> Option<&'static str> {
    entry(code).map(|it| it.about.trim())
}

/// Whether `--fix` can mend it, at least sometimes.
pub fn has_fix(code: Code) -> bool {
    entry(code).is_some_and(|it| it.has_fix)
}

fn entry(code: Code) -> Option<&'static Entry> {
    ENTRIES.iter().find(|it| it.number == code.as_str())
}

/// What is wrong and what is right, as `rules check --explain` shows it; empty for what no text of a rule shows.
pub fn example(code: Code) -> [String; 2] {
    let Some(entry) = entry(code) else { return Default::default() };
    [excerpt(entry.number, entry.bad, entry.good), excerpt(entry.number, entry.good, entry.bad)]
}

/// Everything about a code, as text for a terminal.
pub fn text(code: Code) -> String {
    let mut out =
        format!("{code} {}\n\n{}\n\nUsually: {}.{}\n", code.name(), code.summary(), told(code.severity()), fix_told(code));
    let Some(entry) = entry(code) else { return out };
    let _ = write!(out, "\n{}\n{}", entry.about.trim(), allowed(code));
    for (head, example) in examples(entry) {
        let _ = write!(out, "\n{head}:\n\n");
        example.lines().for_each(|it| {
            let _ = writeln!(out, "    {it}");
        });
    }
    out
}

/// The same as Markdown, without a heading.
pub fn markdown(code: Code) -> String {
    let mut out = format!("{}\n\nUsually: {}.{}\n", code.summary(), told(code.severity()), fix_told(code));
    let Some(entry) = entry(code) else { return out };
    let _ = write!(out, "\n{}\n{}", entry.about.trim(), allowed(code));
    for (head, example) in examples(entry) {
        // A page has fences of its own.
        let fence = if example.contains("```") { "````" } else { "```" };
        let _ = write!(out, "\n{head}:\n\n{fence}yaml\n{example}\n{fence}\n");
    }
    out
}

/// Every code, as one Markdown file.
pub fn reference() -> String {
    let mut out = String::from(
        "# Codes of `nightjar rules check`\n\n\
         Generated from what the checks themselves know (`nightjar rules check --explain all`); the examples are their test data.\n\n\
         Errors keep a document from loading. Warnings say that a rule probably does not do what its author meant. Notes say that it could be\n\
         written better. A comment `# nightjar: allow NJ0123 reason` on the line, or on the one above it, allows a warning or a note;\n\
         `--allow` and `--deny` choose for a whole run.\n\n\
         | code | name | usually | mended by `--fix` | what it is |\n|---|---|---|---|---|\n",
    );
    for code in Code::ALL {
        let fix = if has_fix(*code) { "yes" } else { "" };
        let _ = writeln!(
            out,
            "| [{code}](#{}) | {} | {} | {fix} | {} |",
            anchor(*code),
            code.name(),
            told(code.severity()),
            code.summary()
        );
    }
    for code in Code::ALL {
        let _ = write!(out, "\n## {code} {}\n\n{}", code.name(), markdown(*code));
    }
    out
}

fn anchor(code: Code) -> String {
    format!("{}-{}", code.as_str().to_lowercase(), code.name())
}

fn told(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// How to keep what is meant; an error can't be.
fn allowed(code: Code) -> String {
    if code.severity() == Severity::Error {
        return String::new();
    }
    format!("\nWhere it is meant: `# nightjar: allow {code} why` on the line or the one above it.\n")
}

fn fix_told(code: Code) -> &'static str {
    if has_fix(code) { " `--fix` mends it where that is safe." } else { "" }
}

fn examples(entry: &Entry) -> Vec<(&'static str, String)> {
    let (bad, good) = (excerpt(entry.number, entry.bad, entry.good), excerpt(entry.number, entry.good, entry.bad));
    let both = [("Wrong", bad), ("Right", good)];
    both.into_iter().filter(|(_, it)| !it.is_empty()).collect()
}

/// What an example shows: the top-level parts that the other one does not have; everything where that would be nothing; and where
/// several documents or files are compared, all of them but for what they say about themselves alike.
fn excerpt(number: &str, text: &str, other: &str) -> String {
    let (text, other) = (shown(text), shown(other));
    let others = parts(&other);
    let all = parts(&text);
    let own: Vec<&str> = all.iter().copied().filter(|it| !others.contains(it)).collect();
    let is_idle =
        |part: &&str| SELF.iter().any(|it| part.starts_with(it)) && (others.contains(part) || COMPARED.contains(&&number[..4]));
    let parts = if COMPARED.contains(&&number[..4]) {
        all.into_iter().filter(|it| !is_idle(it)).collect()
    } else if own.is_empty() {
        all
    } else {
        own
    };
    let lines: Vec<&str> = parts.iter().flat_map(|it| it.lines()).collect();
    let more = if lines.len() > LINES_MAX { "\n…" } else { "" };
    // What is not seen would be lost on paper too.
    let seen: Vec<String> = lines.iter().take(LINES_MAX).map(|it| it.replace('\t', "⇥").replace('\u{feff}', "")).collect();
    format!("{}{more}", seen.join("\n").trim_end())
}

/// Problems between documents, rules, correlations and pages: one of them alone shows nothing.
const COMPARED: [&str; 4] = ["NJ05", "NJ14", "NJ15", "NJ16"];
/// Keys of what documents say about themselves.
const SELF: [&str; 6] = ["status:", "description:", "author:", "date:", "tags:", "falsepositives:"];

/// What a case says to the tests is nobody else's business.
fn shown(text: &str) -> String {
    let text = text.split("# file: context/no_pages.txt").next().unwrap_or(text);
    let is_for_readers = |it: &&str| !it.starts_with("# also: ");
    text.split_inclusive('\n').filter(is_for_readers).map(|it| it.replace("# file: ", "# ")).collect()
}

/// A text cut before each line that begins without a space, those of comments kept with what follows.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut offset, mut is_comment) = (0, 0, true);
    for line in text.split_inclusive('\n') {
        let begins = !line.starts_with([' ', '\r', '\n', '-']);
        if begins && !is_comment && offset > start {
            parts.push(&text[start..offset]);
            start = offset;
        }
        if begins {
            is_comment = line.starts_with('#');
        }
        offset += line.len();
    }
    parts.push(&text[start..]);
    parts.retain(|it| !it.trim().is_empty());
    parts
}
