//! The grammar of JSON values (RFC 8259) on one line: each function passes one thing or says why it is none.

use super::raw::{Baseline, Cursor, Isa};
use model::{Reject, RejectCode, Value};

/// What stands between the quotes of a string.
#[derive(Debug, Clone, Copy)]
pub(super) struct Body<'b> {
    pub(super) raw: &'b str,
    pub(super) has_escapes: bool,
}

/// Passes a string, the cursor being behind its opening quote.
#[inline(always)]
pub(super) fn string_body<'b, I: Isa>(cursor: &mut Cursor<'b>, isa: I) -> Result<Body<'b>, Reject> {
    let start = *cursor;
    let raw = cursor.plain(isa);
    if cursor.eat::<b'"'>() {
        return Ok(Body { raw, has_escapes: false });
    }
    escaped_string_body(cursor, start)
}

#[cold]
fn escaped_string_body<'b>(cursor: &mut Cursor<'b>, start: Cursor<'b>) -> Result<Body<'b>, Reject> {
    loop {
        cursor.plain(Baseline);
        let raw = cursor.since(start);
        if cursor.eat::<b'"'>() {
            return Ok(Body { raw, has_escapes: true });
        }
        if !cursor.eat::<b'\\'>() {
            let wanted = if cursor.peek() == b'\n' {
                "the closing quote of a string"
            } else {
                "control characters in strings to be escaped"
            };
            return Err(unexpected(*cursor, wanted));
        }
        escape(cursor)?;
    }
}

/// Passes what stands behind a backslash.
fn escape(cursor: &mut Cursor<'_>) -> Result<(), Reject> {
    let is_short = cursor.eat::<b'"'>()
        || cursor.eat::<b'\\'>()
        || cursor.eat::<b'n'>()
        || cursor.eat::<b'/'>()
        || cursor.eat::<b't'>()
        || cursor.eat::<b'r'>()
        || cursor.eat::<b'b'>()
        || cursor.eat::<b'f'>();
    if is_short {
        return Ok(());
    }
    if !cursor.eat::<b'u'>() {
        return Err(unexpected(*cursor, "one of `\"\\/bfnrtu` after a backslash"));
    }
    // Half a surrogate pair is let through: whoever chooses a name must not choose whether the event is read.
    four_hex_digits(cursor)
}

fn four_hex_digits(cursor: &mut Cursor<'_>) -> Result<(), Reject> {
    for _ in 0..4 {
        if !cursor.eat_hex_digit() {
            return Err(unexpected(*cursor, "four hexadecimal digits after `\\u`"));
        }
    }
    Ok(())
}

/// Passes a number.
pub(super) fn number<'b>(cursor: &mut Cursor<'b>) -> Result<&'b str, Reject> {
    let start = *cursor;
    cursor.eat::<b'-'>();
    if !cursor.eat::<b'0'>() {
        digits(cursor)?;
    } else if cursor.peek().is_ascii_digit() {
        return Err(not_json(*cursor, "a number begins with a needless 0"));
    }
    if cursor.eat::<b'.'>() {
        digits(cursor)?;
    }
    if cursor.eat::<b'e'>() || cursor.eat::<b'E'>() {
        let _has_sign = cursor.eat::<b'+'>() || cursor.eat::<b'-'>();
        digits(cursor)?;
    }
    Ok(cursor.since(start))
}

/// Passes at least one digit.
fn digits(cursor: &mut Cursor<'_>) -> Result<(), Reject> {
    if !cursor.eat_digit() {
        return Err(unexpected(*cursor, "a digit"));
    }
    while cursor.eat_digit() {}
    Ok(())
}

/// Passes `true`, `false` or `null`.
pub(super) fn literal(cursor: &mut Cursor<'_>) -> Result<Value<'static>, Reject> {
    match cursor.peek() {
        b't' | b'f' | b'n' => cursor.eat_word().ok_or_else(|| not_json(*cursor, "expected `true`, `false` or `null`")),
        _ => Err(unexpected(*cursor, "a value")),
    }
}

/// Passes a value of any kind that stands inside `depth` containers, of which there may be `depth_max` (at most [`DEPTH_CEILING`]).
pub(super) fn value(cursor: &mut Cursor<'_>, depth: usize, depth_max: usize) -> Result<(), Reject> {
    let mut open = Open { is_object: 0, depth: 0 };
    loop {
        match cursor.peek() {
            b'"' => {
                cursor.eat::<b'"'>();
                string_body(cursor, Baseline)?;
            }
            b'-' | b'0'..=b'9' => {
                number(cursor)?;
            }
            b'{' | b'[' => {
                check_depth(*cursor, depth + open.depth, depth_max)?;
                if open.enter(cursor)? {
                    continue;
                }
            }
            _ => {
                literal(cursor)?;
            }
        }
        if !open.next_value(cursor)? {
            return Ok(());
        }
    }
}

/// Most containers that may ever be open at once; a bit is kept for each. `serde_json` has the same limit.
pub(super) const DEPTH_CEILING: usize = 127;

/// The containers that are open, the innermost in the lowest bit.
struct Open {
    is_object: u128,
    depth: usize,
}

impl Open {
    /// Goes from the start of a container to its first value; false if it is empty, and passed.
    fn enter(&mut self, cursor: &mut Cursor<'_>) -> Result<bool, Reject> {
        let is_object = cursor.eat::<b'{'>() || !cursor.eat::<b'['>();
        cursor.skip_space();
        if if is_object { cursor.eat::<b'}'>() } else { cursor.eat::<b']'>() } {
            return Ok(false);
        }
        self.is_object = self.is_object << 1 | u128::from(is_object);
        self.depth += 1;
        if is_object {
            first_key(cursor)?;
            colon(cursor)?;
        }
        Ok(true)
    }

    fn pop(&mut self) {
        self.is_object >>= 1;
        self.depth -= 1;
    }

    fn top(&self) -> bool {
        self.is_object & 1 == 1
    }

    /// Goes from the end of a value to the start of the next one, closing containers; false if that was the last.
    fn next_value(&mut self, cursor: &mut Cursor<'_>) -> Result<bool, Reject> {
        while self.depth > 0 {
            cursor.skip_space();
            let is_object = self.top();
            if cursor.eat::<b','>() {
                cursor.skip_space();
                if is_object {
                    next_key(cursor)?;
                    colon(cursor)?;
                }
                return Ok(true);
            }
            if !(if is_object { cursor.eat::<b'}'>() } else { cursor.eat::<b']'>() }) {
                return Err(unexpected(*cursor, if is_object { AFTER_MEMBER } else { "`,` or `]` after an element" }));
            }
            self.pop();
        }
        Ok(false)
    }
}

/// What may follow a member of an object.
pub(super) const AFTER_MEMBER: &str = "`,` or `}` after a value";

/// Passes the first key of an object.
pub(super) fn first_key<'b>(cursor: &mut Cursor<'b>) -> Result<Body<'b>, Reject> {
    key(cursor, "a key or `}` after `{`")
}

/// Passes a key behind a comma.
pub(super) fn next_key<'b>(cursor: &mut Cursor<'b>) -> Result<Body<'b>, Reject> {
    key(cursor, "a key after `,`")
}

#[inline(always)]
fn key<'b>(cursor: &mut Cursor<'b>, wanted: &str) -> Result<Body<'b>, Reject> {
    if !cursor.eat::<b'"'>() {
        return Err(unexpected(*cursor, wanted));
    }
    string_body(cursor, Baseline)
}

/// Passes the colon behind a key and the space around it.
#[inline(always)]
pub(super) fn colon(cursor: &mut Cursor<'_>) -> Result<(), Reject> {
    cursor.skip_space();
    if !cursor.eat::<b':'>() {
        return Err(unexpected(*cursor, "`:` after a key"));
    }
    cursor.skip_space();
    Ok(())
}

/// Refuses a container that begins here, inside `depth` others, if that is one too many.
pub(super) fn check_depth(cursor: Cursor<'_>, depth: usize, depth_max: usize) -> Result<(), Reject> {
    if depth < depth_max {
        return Ok(());
    }
    Err(Reject::new(RejectCode::TooDeep, cursor.offset(), format!("more than {depth_max} containers are nested")))
}

#[cold]
pub(super) fn not_json(cursor: Cursor<'_>, reason: &str) -> Reject {
    Reject::new(RejectCode::NotJson, cursor.offset(), reason)
}

/// The rejection for something other than what is `wanted`.
#[cold]
pub(super) fn unexpected(cursor: Cursor<'_>, wanted: &str) -> Reject {
    let found = match cursor.peek() {
        b'\n' => "the end of the line".to_owned(),
        byte @ b'!'..=b'~' => format!("`{}`", char::from(byte)),
        byte if byte < 0x80 => format!("the byte 0x{byte:02x}"),
        _ => "a character beyond ASCII".to_owned(),
    };
    Reject::new(RejectCode::NotJson, cursor.offset(), format!("expected {wanted}, found {found}"))
}
