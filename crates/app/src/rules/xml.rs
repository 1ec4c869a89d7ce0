//! Text as XML wants it, for pictures and for reports of tests.

/// `text` inside an element or a quoted attribute. Characters that XML 1.0 does not allow at all become U+FFFD.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' | '\n' | '\r' => escaped.push(character),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    #[test]
    fn markup_and_forbidden_characters_do_not_get_through() {
        assert_eq!(super::escaped("<a b=\"c\">&'\u{1b}\n"), "&lt;a b=&quot;c&quot;&gt;&amp;&apos;\u{fffd}\n");
    }
}
