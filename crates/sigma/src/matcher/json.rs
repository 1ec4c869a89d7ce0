//! Walks JSON containers that the decoder has found well-formed, without building anything. On other text it ends early.

use model::Value;

/// The members of one array or object, in order.
#[derive(Debug, Clone)]
pub(super) struct Members<'j> {
    text: &'j str,
    at: usize,
    is_object: bool,
}

impl<'j> Members<'j> {
    /// The members of `container`; none if it is neither array nor object.
    pub(super) fn of(container: &'j str) -> Self {
        let at = container.bytes().position(|it| !it.is_ascii_whitespace()).unwrap_or(container.len());
        let is_object = container.as_bytes().get(at) == Some(&b'{');
        let is_container = is_object || container.as_bytes().get(at) == Some(&b'[');
        Self { text: container, at: if is_container { at + 1 } else { container.len() }, is_object }
    }

    /// Moves on to what is neither white space nor one of `separators`.
    fn skip(&mut self, separator: u8) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        let next = rest.iter().position(|&it| !it.is_ascii_whitespace() && it != separator)?;
        self.at += next;
        Some(rest[next])
    }

    /// The next value, which begins with `first`.
    fn value(&mut self, first: u8) -> Option<Value<'j>> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        self.at = match first {
            b'"' => string_end(bytes, start)?,
            b'[' | b'{' => container_end(bytes, start)?,
            _ => bytes[start..].iter().position(|it| it.is_ascii_whitespace() || b",]}".contains(it))? + start,
        };
        let span = self.text.get(start..self.at)?;
        Some(match first {
            b'"' => {
                let text = &span[1..span.len() - 1];
                if text.contains('\\') { Value::Escaped(text) } else { Value::Text(text) }
            }
            b'[' => Value::Array(span),
            b'{' => Value::Object(span),
            b't' | b'f' => Value::Bool(first == b't'),
            b'n' => Value::Null,
            _ => Value::Number(span),
        })
    }
}

impl<'j> Iterator for Members<'j> {
    /// The key as it stands between its quotes, empty in arrays, and the value.
    type Item = (&'j str, Value<'j>);

    fn next(&mut self) -> Option<Self::Item> {
        let mut first = self.skip(b',')?;
        if matches!(first, b']' | b'}') {
            return None;
        }
        let mut key = "";
        if self.is_object {
            let end = string_end(self.text.as_bytes(), self.at)?;
            key = self.text.get(self.at + 1..end - 1)?;
            self.at = end;
            first = self.skip(b':')?;
        }
        Some((key, self.value(first)?))
    }
}

/// The member of that name; of several the last, as everywhere.
pub(super) fn member<'j>(object: &'j str, name: &str) -> Option<Value<'j>> {
    let is_named = |key: &str| key == name || (key.contains('\\') && model::value::unescape(key) == name);
    Members::of(object).filter(|(key, _)| is_named(key)).last().map(|it| it.1)
}

/// Calls `visit` with every text, number, boolean and null below `container`, wherever it is.
pub(super) fn scalars<'j>(container: &'j str, visit: &mut impl FnMut(Value<'j>)) {
    for (_, value) in Members::of(container) {
        match value {
            Value::Array(inner) | Value::Object(inner) => scalars(inner, visit),
            scalar => visit(scalar),
        }
    }
}

/// The place after the string that begins at `start`.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The place after the container that begins at `start`.
fn container_end(bytes: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut depth) = (start, 0_usize);
    loop {
        match bytes.get(at)? {
            b'"' => {
                at = string_end(bytes, at)?;
                continue;
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(container: &str) -> Vec<String> {
        Members::of(container).map(|(key, value)| format!("{key}={value:?}")).collect()
    }

    #[test]
    fn members_come_in_order_with_their_kinds() {
        let object = r#" { "a" : "x\"y" , "b":[1, {"c":"]"}],"d":-1.5e3,"e":true, "f":null, "g":{} } "#;
        let expected = [
            r#"a=Escaped("x\\\"y")"#,
            r#"b=Array("[1, {\"c\":\"]\"}]")"#,
            r#"d=Number("-1.5e3")"#,
            "e=Bool(true)",
            "f=Null",
            r#"g=Object("{}")"#,
        ];
        assert_eq!(shown(object), expected);
        assert_eq!(shown("[]"), [""; 0]);
        assert_eq!(shown(r#"["ä", false]"#), [r#"=Text("ä")"#, "=Bool(false)"]);
    }

    #[test]
    fn of_two_members_of_one_name_the_last_counts_whatever_its_escapes() {
        assert_eq!(member(r#"{"a":1,"\u0061":2}"#, "a"), Some(Value::Number("2")));
        assert_eq!(member(r#"{"a":1}"#, "b"), None);
    }

    #[test]
    fn scalars_are_found_at_any_depth_and_keys_are_none() {
        let mut found = Vec::new();
        scalars(r#"{"k":["a",{"l":"b"},[2]],"m":null}"#, &mut |it| found.push(format!("{it:?}")));
        assert_eq!(found, [r#"Text("a")"#, r#"Text("b")"#, r#"Number("2")"#, "Null"]);
    }

    #[test]
    fn text_that_is_no_container_ends_early_and_panics_never() {
        for text in ["", " ", "1", "[", "{", "[1", "{\"a", "{\"a\"", "{\"a\":", "[\"\\", "{1:2}", "[}", "[[]", "ä", "]", "[1,]"] {
            assert!(Members::of(text).count() <= 1, "{text}");
        }
    }
}
