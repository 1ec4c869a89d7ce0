//! A JSON reader of the plainest kind, which keeps numbers as they are written. What it is given is sound JSON.

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    Null,
    Bool(bool),
    /// As written.
    Number(String),
    Text(String),
    Array(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

impl Tree {
    /// The value that `text` is.
    ///
    /// # Panics
    /// If it is none.
    pub(crate) fn read(text: &str) -> Self {
        let mut reader = Reader { rest: text };
        let tree = reader.value();
        reader.space();
        assert!(reader.rest.is_empty(), "after the value: {}", reader.rest);
        tree
    }

    /// The value of a key of an object.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|(it, _)| it == key).map(|(_, it)| it)
    }

    /// The text of a text, number or boolean.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text),
            Self::Bool(is_true) => Some(if *is_true { "true" } else { "false" }),
            Self::Null | Self::Array(_) | Self::Object(_) => None,
        }
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    fn eat(&mut self, token: &str) -> bool {
        self.space();
        let Some(rest) = self.rest.strip_prefix(token) else { return false };
        self.rest = rest;
        true
    }

    fn expect(&mut self, token: &str) {
        assert!(self.eat(token), "{token} is expected before {}", self.rest);
    }

    fn value(&mut self) -> Tree {
        if self.eat("null") {
            return Tree::Null;
        }
        if self.eat("true") {
            return Tree::Bool(true);
        }
        if self.eat("false") {
            return Tree::Bool(false);
        }
        if self.rest.starts_with('"') {
            return Tree::Text(self.text());
        }
        if self.eat("[") {
            let mut elements = Vec::new();
            while !self.eat("]") {
                elements.push(self.value());
                let _ = self.eat(",");
            }
            return Tree::Array(elements);
        }
        if self.eat("{") {
            let mut members = Vec::new();
            while !self.eat("}") {
                self.space();
                let key = self.text();
                self.expect(":");
                members.push((key, self.value()));
                let _ = self.eat(",");
            }
            return Tree::Object(members);
        }
        let end = self.rest.find(|it: char| !matches!(it, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')).unwrap_or(self.rest.len());
        assert!(end > 0, "a value is expected before {}", self.rest);
        let (number, rest) = self.rest.split_at(end);
        self.rest = rest;
        Tree::Number(number.to_owned())
    }

    fn text(&mut self) -> String {
        self.expect("\"");
        let mut units: Vec<u16> = Vec::new();
        loop {
            let next = self.next();
            match next {
                '"' => return String::from_utf16_lossy(&units),
                '\\' => {
                    let escaped = match self.next() {
                        'b' => '\u{8}',
                        'f' => '\u{c}',
                        'n' => '\n',
                        'r' => '\r',
                        't' => '\t',
                        'u' => {
                            let (digits, rest) = self.rest.split_at(4);
                            self.rest = rest;
                            units.push(u16::from_str_radix(digits, 16).expect("four digits follow"));
                            continue;
                        }
                        other => other,
                    };
                    units.extend_from_slice(escaped.encode_utf16(&mut [0; 2]));
                }
                other => units.extend_from_slice(other.encode_utf16(&mut [0; 2])),
            }
        }
    }

    fn next(&mut self) -> char {
        let next = self.rest.chars().next().expect("a text ends");
        self.rest = &self.rest[next.len_utf8()..];
        next
    }
}
