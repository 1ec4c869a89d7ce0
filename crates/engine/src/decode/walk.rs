//! The walk over one line by the grammar: it knows nothing of earlier lines except the keys, accepts exactly JSON objects, and is
//! the only place that rejects.

use super::keys::{Keys, NodeId, ROOT, Target};
use super::raw::{Baseline, Cursor};
use super::skip::{self, Body};
use super::table::Key;
use model::{Reject, RejectCode, Value, value::unescape};
use std::borrow::Cow;

/// Where the walk stands in the structure of a line. Together with the bytes to come it decides everything but duplicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Behind the `{` of the node's object.
    Entered(NodeId),
    /// Behind the node's value.
    After(NodeId),
    /// Behind the value of a key that is not known, in the node's object.
    AfterUnknown(NodeId),
}

/// What the next key leads to. The walk stands before its value.
pub(super) enum Step {
    /// The value of a known key.
    Value(NodeId),
    /// The value of a key that is not known, in this object.
    Unknown(NodeId),
    /// There is none: the line's object is closed.
    End,
}

/// When each tracked key was last seen: a stamp is the number of an object, and no object gets the number of another.
#[derive(Debug)]
pub(super) struct Stamps {
    keys: Box<[u64]>,
    /// In which line a key was last seen in elements of an array, and of which key's.
    inside: Box<[(u64, NodeId)]>,
    last: u64,
    /// Keys of this line that are not the only form of a field.
    forms: Vec<NodeId>,
}

impl Stamps {
    pub(super) fn new(tracked: NodeId) -> Self {
        let none = vec![0; tracked as usize].into_boxed_slice();
        Self { keys: none, inside: vec![(0, ROOT); tracked as usize].into_boxed_slice(), last: 0, forms: Vec::new() }
    }

    /// A number for an object inside an array.
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// A number for a line.
    pub(super) fn next_line(&mut self) -> u64 {
        self.forms.clear();
        self.next()
    }

    /// Notes that `object` has the key; false if it had it already. Keys that nobody reads may come as often as they like.
    #[inline(always)]
    pub(super) fn note(&mut self, node: NodeId, object: u64) -> bool {
        let Some(stamp) = self.keys.get_mut(node as usize) else { return true };
        std::mem::replace(stamp, object) != object
    }

    /// Whether the line has the key, in the elements of an array or not.
    fn has(&self, node: NodeId, line: u64) -> bool {
        self.keys[node as usize] == line || self.inside[node as usize].0 == line
    }

    /// Whether a line that has both keys has them in the same array, where several elements may say different things.
    fn are_beside(&self, left: NodeId, right: NodeId, line: u64) -> bool {
        let (left, right) = (self.inside[left as usize], self.inside[right as usize]);
        left == right && left.0 == line
    }
}

/// One line on its way from bytes to values.
pub(super) struct Walk<'w, 'b> {
    pub(super) keys: &'w mut Keys,
    pub(super) stamps: &'w mut Stamps,
    pub(super) values: &'w mut [Value<'b>],
    pub(super) depth_max: usize,
    /// The number of this line in [`Stamps`].
    pub(super) line: u64,
}

impl<'b> Walk<'_, 'b> {
    /// Walks the line. Returns the text of its object.
    pub(super) fn line(&mut self, cursor: &mut Cursor<'b>) -> Result<&'b str, Reject> {
        let start = *cursor;
        self.open(cursor)?;
        let mut state = State::Entered(ROOT);
        loop {
            state = match self.step(cursor, state)? {
                Step::Value(node) => self.value(cursor, node)?,
                Step::Unknown(object) => self.unknown(cursor, object)?,
                Step::End => break,
            };
        }
        let text = cursor.since(start);
        self.end(cursor, text)?;
        Ok(text)
    }

    /// Passes the rest of a line behind its object, which is `text`.
    #[inline(always)]
    pub(super) fn end(&self, cursor: &mut Cursor<'b>, text: &str) -> Result<(), Reject> {
        end(cursor)?;
        if self.stamps.forms.is_empty() { Ok(()) } else { self.check_forms(text) }
    }

    /// Rejects the line if it has a field in two forms: two readers could see two different values.
    #[inline(never)]
    fn check_forms(&self, text: &str) -> Result<(), Reject> {
        for &node in &self.stamps.forms {
            let known = self.keys.node(node);
            let is_second = |it: &NodeId| self.stamps.has(*it, self.line) && !self.stamps.are_beside(*it, node, self.line);
            if known.targets.iter().any(|it| it.rivals.iter().any(is_second)) {
                let at = text.find(&format!("\"{}\"", known.key())).unwrap_or(0);
                let reason = format!("a field that is read stands in two forms, one of them under the key `{}`", known.key());
                return Err(Reject::new(RejectCode::DuplicateKey, at, reason));
            }
        }
        Ok(())
    }

    /// Passes the `{` of the line's object.
    pub(super) fn open(&self, cursor: &mut Cursor<'b>) -> Result<(), Reject> {
        let start = *cursor;
        if cursor.peek() != b'{' {
            skip::value(cursor, 0, self.depth_max)?;
            end(cursor)?;
            return Err(Reject::new(RejectCode::NotObject, start.offset(), "expected an object"));
        }
        skip::check_depth(start, 0, self.depth_max)?;
        cursor.eat::<b'{'>();
        Ok(())
    }

    /// Goes on to the next value, closing objects.
    pub(super) fn step(&mut self, cursor: &mut Cursor<'b>, state: State) -> Result<Step, Reject> {
        let mut object = self.object_around(state);
        let mut is_first = matches!(state, State::Entered(_));
        loop {
            cursor.skip_space();
            if cursor.eat::<b'}'>() {
                if object == ROOT {
                    return Ok(Step::End);
                }
                object = self.keys.node(object).parent;
                is_first = false;
                continue;
            }
            if !is_first {
                if !cursor.eat::<b','>() {
                    return Err(skip::unexpected(*cursor, skip::AFTER_MEMBER));
                }
                cursor.skip_space();
            }
            return self.key(cursor, object, is_first);
        }
    }

    /// The object that the walk is in.
    #[inline(always)]
    pub(super) fn object_around(&self, state: State) -> NodeId {
        match state {
            State::Entered(node) | State::AfterUnknown(node) => node,
            State::After(node) => self.keys.node(node).parent,
        }
    }

    fn key(&mut self, cursor: &mut Cursor<'b>, object: NodeId, is_first: bool) -> Result<Step, Reject> {
        let start = *cursor;
        let body = if is_first { skip::first_key(cursor)? } else { skip::next_key(cursor)? };
        let unescaped = unescaped(body);
        let mut inside = start;
        inside.eat::<b'"'>();
        let key = if body.has_escapes { Key::new(&unescaped) } else { Key::at(inside.window(), body.raw) };
        let node = self.keys.find(object, key).or_else(|| self.keys.learn(object, key));
        let Some(node) = node else {
            skip::colon(cursor)?;
            return Ok(Step::Unknown(object));
        };
        if !self.stamps.note(node, self.line) {
            return Err(duplicate(start, key.text()));
        }
        skip::colon(cursor)?;
        Ok(Step::Value(node))
    }

    /// Passes the value of a key that is not known.
    pub(super) fn unknown(&mut self, cursor: &mut Cursor<'b>, object: NodeId) -> Result<State, Reject> {
        skip::value(cursor, self.keys.node(object).depth + 1, self.depth_max)?;
        Ok(State::AfterUnknown(object))
    }

    /// Passes the value of `node` and keeps it if it is projected; of an object that may have projected fields in it, only the `{`.
    pub(super) fn value(&mut self, cursor: &mut Cursor<'b>, node: NodeId) -> Result<State, Reject> {
        let value = match cursor.peek() {
            b'"' => {
                cursor.eat::<b'"'>();
                return self.text(cursor, node);
            }
            b'-' | b'0'..=b'9' => Value::Number(skip::number(cursor)?),
            b'{' => return self.object(cursor, node),
            b'[' => return self.array(cursor, node),
            _ => skip::literal(cursor)?,
        };
        self.store(node, value);
        Ok(State::After(node))
    }

    /// Passes a string that is the value of `node`, behind its opening quote.
    pub(super) fn text(&mut self, cursor: &mut Cursor<'b>, node: NodeId) -> Result<State, Reject> {
        let body = skip::string_body(cursor, Baseline)?;
        self.store(node, if body.has_escapes { Value::Escaped(body.raw) } else { Value::Text(body.raw) });
        Ok(State::After(node))
    }

    fn object(&mut self, cursor: &mut Cursor<'b>, node: NodeId) -> Result<State, Reject> {
        let start = *cursor;
        if !self.keys.node(node).targets.is_empty() {
            let text = self.container(cursor, node)?;
            self.store(node, Value::Object(text));
            if !self.keys.has_tracked_children(node) {
                return Ok(State::After(node));
            }
            *cursor = start; // Once more, now for the fields in it.
        }
        skip::check_depth(start, self.keys.node(node).depth, self.depth_max)?;
        cursor.eat::<b'{'>();
        Ok(State::Entered(node))
    }

    fn array(&mut self, cursor: &mut Cursor<'b>, node: NodeId) -> Result<State, Reject> {
        let start = *cursor;
        let array = self.container(cursor, node)?;
        self.store(node, Value::Array(array));
        if self.keys.has_tracked_children(node) {
            self.look_inside(&mut start.clone(), node, node)?;
            for within in &self.keys.node(node).within {
                let inside = (self.line, node);
                let is_there = within.places.iter().any(|it| self.stamps.inside[*it as usize] == inside);
                if is_there && !within.better.iter().any(|it| self.stamps.has(*it, self.line)) {
                    self.values[within.slot.index()] = Value::Within { array, depth: within.depth };
                }
            }
        }
        Ok(State::After(node))
    }

    /// Passes and validates a whole container.
    fn container(&mut self, cursor: &mut Cursor<'b>, node: NodeId) -> Result<&'b str, Reject> {
        let start = *cursor;
        skip::value(cursor, self.keys.node(node).depth, self.depth_max)?;
        Ok(cursor.since(start))
    }

    /// Looks for tracked keys in a value of `node` that is in elements of `array` and is valid: what fields there are, and whether one
    /// of the keys stands twice in an object. Recursion is bounded by the depth that was checked before.
    fn look_inside(&mut self, cursor: &mut Cursor<'b>, node: NodeId, array: NodeId) -> Result<(), Reject> {
        if cursor.eat::<b'['>() {
            cursor.skip_space();
            while !cursor.eat::<b']'>() {
                self.look_inside(cursor, node, array)?;
                pass_comma(cursor);
            }
            return Ok(());
        }
        if !self.keys.has_tracked_children(node) || !cursor.eat::<b'{'>() {
            return skip::value(cursor, 0, skip::DEPTH_CEILING);
        }
        let object = self.stamps.next();
        cursor.skip_space();
        while !cursor.eat::<b'}'>() {
            let start = *cursor;
            let unescaped = unescaped(skip::first_key(cursor)?);
            skip::colon(cursor)?;
            let child = self.keys.find(node, Key::new(&unescaped)).filter(|&it| it < self.keys.tracked());
            match child {
                Some(child) if !self.stamps.note(child, object) => return Err(duplicate(start, &unescaped)),
                Some(child) => {
                    self.note_inside(child, array);
                    self.look_inside(cursor, child, array)?;
                }
                None => skip::value(cursor, 0, skip::DEPTH_CEILING)?,
            }
            pass_comma(cursor);
        }
        Ok(())
    }

    fn note_inside(&mut self, node: NodeId, array: NodeId) {
        let Stamps { inside, forms, .. } = &mut *self.stamps;
        if inside[node as usize] != (self.line, array) {
            inside[node as usize] = (self.line, array);
            let has_rivals = self.keys.node(node).targets.iter().any(|it| !it.rivals.is_empty());
            forms.extend(has_rivals.then_some(node));
        }
    }

    /// Writes the value of `node` to the fields that want it.
    #[inline(always)]
    pub(super) fn store(&mut self, node: NodeId, value: Value<'b>) {
        for target in &self.keys.node(node).targets {
            if !target.rivals.is_empty() {
                self.stamps.forms.push(node);
            }
            store(self.stamps, self.values, self.line, target, value);
        }
    }
}

#[inline(always)]
fn store<'b>(stamps: &Stamps, values: &mut [Value<'b>], line: u64, target: &Target, value: Value<'b>) {
    if !target.better.iter().any(|&it| stamps.has(it, line)) {
        values[target.slot.index()] = value;
    }
}

/// Passes a comma and the space around it, where the text is known to be valid.
fn pass_comma(cursor: &mut Cursor<'_>) {
    cursor.skip_space();
    cursor.eat::<b','>();
    cursor.skip_space();
}

/// Passes the rest of a line, behind its value.
pub(super) fn end(cursor: &mut Cursor<'_>) -> Result<(), Reject> {
    cursor.skip_space();
    if cursor.peek() == b'\n' { Ok(()) } else { Err(skip::unexpected(*cursor, "the end of the line after the value")) }
}

fn unescaped(key: Body<'_>) -> Cow<'_, str> {
    if key.has_escapes { Cow::Owned(unescape(key.raw)) } else { Cow::Borrowed(key.raw) }
}

#[cold]
fn duplicate(key_at: Cursor<'_>, key: &str) -> Reject {
    let reason = format!("the key `{key}`, which is read, stands twice in one object");
    Reject::new(RejectCode::DuplicateKey, key_at.offset(), reason)
}
