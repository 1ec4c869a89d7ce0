//! Makes foreign text harmless for a terminal.

/// `text` with every character that could steer a terminal, or turn the direction of reading, written as `\u{…}`.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if is_harmless(character) {
            safe.push(character);
        } else {
            safe.extend(character.escape_unicode());
        }
    }
    safe
}

/// Not a control character (C0, DEL, C1), not invisible, not one of those that reorder or break lines (Unicode Technical Report 36).
fn is_harmless(character: char) -> bool {
    let is_invisible = matches!(
        character,
        '\u{AD}' | '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}'
    );
    !character.is_control() && !is_invisible
}
