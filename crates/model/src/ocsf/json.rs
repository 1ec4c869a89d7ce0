//! A writer of JSON objects that leaves out what is empty. Keys stand in the order in which they are written.

use serde::Serialize;

/// Appends one JSON object to `out`.
pub(super) fn write(out: &mut Vec<u8>, fields: impl FnOnce(&mut Object<'_>)) {
    out.push(b'{');
    fields(&mut Object { out, is_empty: true });
    out.push(b'}');
}

/// An object being written.
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl Object<'_> {
    /// A text, unless it is empty.
    pub(super) fn text(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.value(key, text);
        }
    }

    /// A text that has to be there, even if it is empty.
    pub(super) fn required_text(&mut self, key: &str, text: &str) {
        self.value(key, text);
    }

    /// A text, if there is one.
    pub(super) fn optional(&mut self, key: &str, text: Option<&str>) {
        self.text(key, text.unwrap_or_default());
    }

    /// A whole number.
    pub(super) fn number(&mut self, key: &str, number: i64) {
        self.value(key, &number);
    }

    /// A count; what no OCSF integer holds is cut to the largest one.
    pub(super) fn count(&mut self, key: &str, count: u64) {
        self.number(key, i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// True or false.
    pub(super) fn flag(&mut self, key: &str, is_true: bool) {
        self.value(key, &is_true);
    }

    /// An array of texts, unless it is empty.
    pub(super) fn texts(&mut self, key: &str, texts: impl IntoIterator<Item = impl AsRef<str>>) {
        let mut texts = texts.into_iter().peekable();
        if texts.peek().is_none() {
            return;
        }
        self.key(key);
        self.out.push(b'[');
        for (at, text) in texts.enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            append(self.out, text.as_ref());
        }
        self.out.push(b']');
    }

    /// A nested object, unless nothing is written into it.
    pub(super) fn object(&mut self, key: &str, fields: impl FnOnce(&mut Object<'_>)) {
        let (before, was_empty) = (self.out.len(), self.is_empty);
        self.key(key);
        self.out.push(b'{');
        let mut inner = Object { out: &mut *self.out, is_empty: true };
        fields(&mut inner);
        if inner.is_empty {
            self.out.truncate(before);
            self.is_empty = was_empty;
        } else {
            self.out.push(b'}');
        }
    }

    /// An array with one object for each item, unless there are none.
    pub(super) fn objects<T>(&mut self, key: &str, items: impl IntoIterator<Item = T>, mut fields: impl FnMut(&mut Object<'_>, T)) {
        let mut items = items.into_iter().peekable();
        if items.peek().is_none() {
            return;
        }
        self.key(key);
        self.out.push(b'[');
        for (at, item) in items.enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            write(self.out, |it| fields(it, item));
        }
        self.out.push(b']');
    }

    /// Any value.
    pub(super) fn value<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        self.key(key);
        append(self.out, value);
    }

    fn key(&mut self, key: &str) {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
        append(self.out, key);
        self.out.push(b':');
    }
}

fn append<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value).expect("texts, numbers and JSON values can be written, and memory takes any bytes");
}
