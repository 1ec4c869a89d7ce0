//! Regular expressions as PCRE means them, said in the syntax of the crate `regex`.
//!
//! Most of both languages is the same. What only looks the same is written out here, what PCRE has more and can be said otherwise is
//! said so, and what would silently mean something else is refused. Everything else is left to the crate, which refuses look-around,
//! back-references and escapes it does not know. The tables are pcre2pattern(3), in UTF and UCP mode: characters and the classes `\d`,
//! `\w`, `\s` are those of Unicode.

use std::iter::Peekable;
use std::str::CharIndices;

/// Something that PCRE knows and this engine can't do in the same way: what it is, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Unsupported {
    /// What it is.
    pub what: String,
    /// What to write instead.
    pub hint: &'static str,
}

/// The expression to compile: it is found in the same texts in which PCRE finds `text`.
///
/// # Errors
/// For what can't be said.
pub fn exact(text: &str) -> Result<String, Unsupported> {
    Translation::of(text, true)
}

/// The same but for the end of the text, which stays a plain `$`: for those who look at the structure of an expression.
///
/// # Errors
/// For what can't be said.
pub fn readable(text: &str) -> Result<String, Unsupported> {
    Translation::of(text, false)
}

/// The end of a text, or the place before a line end that is the last character.
const END: &str = r"(?:\n?\z)";
/// `\h`: white space within a line.
const HORIZONTAL: &str = r"\t\x20\x{A0}\x{1680}\x{180E}\x{2000}-\x{200A}\x{202F}\x{205F}\x{3000}";
/// `\v`: line ends.
const VERTICAL: &str = r"\n-\r\x{85}\x{2028}\x{2029}";
/// Classes in brackets within brackets.
const POSIX: [&str; 14] =
    ["alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word", "xdigit"];

/// What `(?…)` has switched on, up to the end of its group.
#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    /// `m`: `$` is the end of any line.
    multi_line: bool,
    /// `x`: white space and comments mean nothing.
    extended: bool,
}

struct Translation<'t> {
    text: &'t str,
    chars: Peekable<CharIndices<'t>>,
    out: String,
    flags: Flags,
    /// The flags around the groups that are open.
    around: Vec<Flags>,
    writes_ends: bool,
    /// Whether what was written last may be repeated, and whether it is a repetition itself.
    after_repetition: bool,
}

/// One thing that stands in brackets.
enum Member {
    /// A character, as it is to be written.
    One(String),
    /// Several.
    Class(String),
}

fn unsupported<T>(what: impl Into<String>, hint: &'static str) -> Result<T, Unsupported> {
    Err(Unsupported { what: what.into(), hint })
}

impl<'t> Translation<'t> {
    fn of(text: &'t str, writes_ends: bool) -> Result<String, Unsupported> {
        let mut this = Self {
            text,
            chars: text.char_indices().peekable(),
            out: String::with_capacity(text.len()),
            flags: Flags::default(),
            around: Vec::new(),
            writes_ends,
            after_repetition: false,
        };
        while let Some((at, next)) = this.chars.next() {
            this.one(at, next)?;
        }
        Ok(this.out)
    }

    /// The text from byte `at` on.
    fn rest(&self, at: usize) -> &'t str {
        &self.text[at..]
    }

    fn skip_to(&mut self, end: usize) {
        while self.chars.next_if(|(at, _)| *at < end).is_some() {}
    }

    fn one(&mut self, at: usize, next: char) -> Result<(), Unsupported> {
        let was_repetition = std::mem::take(&mut self.after_repetition);
        match next {
            '\\' => {
                self.escape(at);
                return Ok(());
            }
            '[' => return self.class(at),
            '(' => return self.group(at),
            ')' => self.flags = self.around.pop().unwrap_or_default(),
            '$' if self.writes_ends && !self.flags.multi_line => {
                self.out.push_str(END);
                return Ok(());
            }
            '*' | '+' | '?' => return self.repetition(&next.to_string(), was_repetition),
            '{' => {
                let Some(count) = count(self.rest(at)) else {
                    self.out.push_str(r"\{");
                    return Ok(());
                };
                if count.starts_with("{,") {
                    let hint = "write `{0,…}`, or `\\{` for the character";
                    return unsupported(format!("`{count}` is a text or a repetition, depending on the version of PCRE"), hint);
                }
                self.skip_to(at + count.len());
                return self.repetition(count, was_repetition);
            }
            '#' if self.flags.extended => {
                let comment = self.rest(at).split_inclusive('\n').next().unwrap_or_default();
                self.skip_to(at + comment.len());
                self.after_repetition = was_repetition;
                return Ok(());
            }
            space if self.flags.extended && space.is_whitespace() => self.after_repetition = was_repetition,
            _ => {}
        }
        self.out.push(next);
        Ok(())
    }

    /// A repetition, with a `?` behind it if it is a lazy one.
    fn repetition(&mut self, text: &str, was_repetition: bool) -> Result<(), Unsupported> {
        if was_repetition && text == "+" {
            return unsupported("a possessive repetition", "write it without the `+` behind the repetition");
        }
        if was_repetition {
            return unsupported(format!("`{text}` behind a repetition"), "leave one of the two out, or put the first into `(?:…)`");
        }
        self.out.push_str(text);
        if self.chars.next_if(|(_, it)| *it == '?').is_some() {
            self.out.push('?');
        }
        self.after_repetition = true;
        Ok(())
    }

    /// What begins with `(`.
    fn group(&mut self, at: usize) -> Result<(), Unsupported> {
        let rest = self.rest(at);
        if rest.starts_with("(?#") {
            self.skip_to(at + rest.find(')').map_or(rest.len(), |it| it + 1));
            return Ok(());
        }
        let flags = rest.strip_prefix("(?").unwrap_or_default();
        let length = flags.find(|it: char| !it.is_ascii_alphabetic() && it != '-').unwrap_or(0);
        let (flags, end) = (&flags[..length], flags[length..].chars().next());
        if length == 0 || !matches!(end, Some(')' | ':')) {
            self.around.push(self.flags);
            self.out.push('(');
            if self.chars.next_if(|(_, it)| *it == '?').is_some() {
                self.out.push('?');
            }
            return Ok(());
        }
        if flags.contains('R') {
            return unsupported("a recursion", "regular expressions here take linear time: write the nesting out");
        }
        let around = self.flags;
        let (on, off) = flags.split_once('-').unwrap_or((flags, ""));
        for (names, value) in [(on, true), (off, false)] {
            self.flags.multi_line = if names.contains('m') { value } else { self.flags.multi_line };
            self.flags.extended = if names.contains('x') { value } else { self.flags.extended };
        }
        if end == Some(':') {
            self.around.push(around);
        }
        let whole = "(?".len() + length + 1;
        self.out.push_str(&rest[..whole]);
        self.skip_to(at + whole);
        Ok(())
    }

    /// What begins with a backslash, outside brackets.
    fn escape(&mut self, at: usize) {
        let Some((_, next)) = self.chars.next() else {
            self.out.push('\\');
            return;
        };
        match next {
            'Q' => {
                let quoted = self.quoted(at);
                self.out.push_str(&regex_syntax::escape(quoted));
            }
            'E' => {}
            'Z' if self.writes_ends => self.out.push_str(END),
            'Z' => self.out.push_str(r"\z"),
            'N' if self.chars.peek().is_none_or(|(_, it)| *it != '{') => self.out.push_str(r"[^\n]"),
            // Without its promise not to divide a CRLF, which no text without look-around can ask for.
            'R' => self.out.extend([r"(?:\r\n|[", VERTICAL, "])"]),
            'x' | 'u' | 'U' | 'p' | 'P' => {
                let whole = self.long(at);
                self.out.push_str(whole);
            }
            other => match set(other) {
                Some((chars, is_negated)) => self.out.push_str(&bracketed(chars, is_negated)),
                None => self.out.push_str(&single(other, self.rest(at)).unwrap_or_else(|| format!("\\{other}"))),
            },
        }
    }

    /// The text between `\Q`, which is behind us, and `\E`.
    fn quoted(&mut self, at: usize) -> &'t str {
        let rest = &self.rest(at)[r"\Q".len()..];
        let (quoted, end) = rest.split_once(r"\E").map_or((rest, ""), |(quoted, _)| (quoted, r"\E"));
        self.skip_to(at + r"\Q".len() + quoted.len() + end.len());
        quoted
    }

    /// The whole escape at `at` that begins with `\x`, `\u`, `\U`, `\p` or `\P`.
    fn long(&mut self, at: usize) -> &'t str {
        let rest = self.rest(at);
        let length = match rest.as_bytes().get(2) {
            Some(b'{') => rest.find('}').map_or(rest.len(), |it| it + 1),
            Some(_) => {
                let digits = match rest.as_bytes()[1] {
                    b'u' => 4,
                    b'U' => 8,
                    b'x' => 2,
                    _ => 1,
                };
                rest.char_indices().nth(2 + digits).map_or(rest.len(), |(it, _)| it)
            }
            None => rest.len(),
        };
        self.skip_to(at + length);
        &rest[..length]
    }

    /// What stands in brackets, the first of which is behind us.
    fn class(&mut self, at: usize) -> Result<(), Unsupported> {
        if posix(self.rest(at)).is_some_and(|it| it.starts_with("[:")) {
            return unsupported("a POSIX class outside brackets", "write it in brackets of its own: `[[:alpha:]]`");
        }
        self.out.push('[');
        if self.chars.next_if(|(_, it)| *it == '^').is_some() {
            self.out.push('^');
        }
        let mut is_first = true;
        while let Some(&(at, next)) = self.chars.peek() {
            if next == ']' && !is_first {
                self.chars.next();
                self.out.push(']');
                return Ok(());
            }
            is_first = false;
            if self.rest(at).starts_with(r"\Q") {
                let quoted = self.quoted(at);
                quoted.chars().for_each(|it| self.out.push_str(&literal(it)));
                continue;
            }
            if self.rest(at).starts_with(r"\E") {
                self.skip_to(at + r"\E".len());
                continue;
            }
            let first = self.member()?;
            let Member::One(low) = first else {
                self.out.push_str(&first.text());
                continue;
            };
            self.out.push_str(&low);
            let mut ahead = self.chars.clone();
            // A dash stands for itself at the end and beside a class.
            if ahead.next().is_some_and(|(_, it)| it == '-') && ahead.next().is_some_and(|(_, it)| it != ']') {
                self.chars.next();
                let high = self.member()?;
                self.out.push_str(if matches!(high, Member::One(_)) { "-" } else { r"\-" });
                self.out.push_str(&high.text());
            }
        }
        // It is not closed, as the crate will say.
        Ok(())
    }

    /// The next thing in brackets.
    fn member(&mut self) -> Result<Member, Unsupported> {
        let Some((at, next)) = self.chars.next() else { return Ok(Member::Class(String::new())) };
        if next == '[' {
            if let Some(class) = posix(self.rest(at)) {
                let name = class.trim_matches(|it: char| !it.is_ascii_alphabetic());
                if class.starts_with("[:") && POSIX.contains(&name) {
                    self.skip_to(at + class.len());
                    return Ok(Member::Class(class.to_owned()));
                }
                return unsupported(format!("`{class}` in brackets is no class that PCRE knows"), "for the character write `\\[`");
            }
            return Ok(Member::One(literal('[')));
        }
        if next != '\\' {
            return Ok(Member::One(literal(next)));
        }
        let Some((_, escaped)) = self.chars.next() else { return Ok(Member::Class("\\".to_owned())) };
        Ok(match escaped {
            'b' => Member::One(r"\x08".to_owned()),
            'x' | 'u' | 'U' => Member::One(self.long(at).to_owned()),
            'p' | 'P' => Member::Class(self.long(at).to_owned()),
            'd' | 'D' | 'w' | 'W' | 's' | 'S' => Member::Class(format!("\\{escaped}")),
            other => match set(other) {
                Some((chars, false)) => Member::Class(chars.to_owned()),
                Some((chars, true)) => Member::Class(bracketed(chars, true)),
                None => Member::One(single(other, self.rest(at)).unwrap_or_else(|| format!("\\{other}"))),
            },
        })
    }
}

impl Member {
    fn text(self) -> String {
        match self {
            Self::One(text) | Self::Class(text) => text,
        }
    }
}

/// A repetition count in braces at the beginning of `text`; anything else in braces is text.
fn count(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('{')?.split_once('}')?.0;
    let is_number = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
    let is_count = match inner.split_once(',') {
        Some((least, most)) => is_number(least) && is_number(most) && !(least.is_empty() && most.is_empty()),
        None => !inner.is_empty() && is_number(inner),
    };
    is_count.then(|| &text[..inner.len() + 2])
}

/// `[:…:]`, `[.….]` or `[=…=]` at the beginning of `text`.
fn posix(text: &str) -> Option<&str> {
    let kind = text.strip_prefix('[')?.chars().next().filter(|it| matches!(it, ':' | '.' | '='))?;
    let end = text[2..].find([']', '\\'])? + 2;
    let is_closed = end > 2 && text[end..].starts_with(']') && text[2..end].ends_with(kind);
    is_closed.then(|| &text[..=end])
}

/// The characters of a class that only PCRE has, and whether it is what they are not.
fn set(name: char) -> Option<(&'static str, bool)> {
    match name {
        'h' => Some((HORIZONTAL, false)),
        'H' => Some((HORIZONTAL, true)),
        'v' => Some((VERTICAL, false)),
        'V' => Some((VERTICAL, true)),
        _ => None,
    }
}

fn bracketed(chars: &str, is_negated: bool) -> String {
    format!("[{}{chars}]", if is_negated { "^" } else { "" })
}

/// The character that an escape other than of letters and digits stands for; `text` begins with its backslash.
fn single(escaped: char, text: &str) -> Option<String> {
    match escaped {
        'e' => Some(r"\x1B".to_owned()),
        '0' if !text[2..].starts_with(|it: char| it.is_digit(8)) => Some(r"\x00".to_owned()),
        other if other.is_ascii_alphanumeric() => None,
        other => Some(literal(other)),
    }
}

/// A character that stands for itself wherever it is.
fn literal(it: char) -> String {
    if it.is_whitespace() {
        return format!(r"\x{{{:X}}}", u32::from(it));
    }
    if regex_syntax::is_meta_character(it) { format!("\\{it}") } else { it.to_string() }
}

#[cfg(test)]
mod tests;
