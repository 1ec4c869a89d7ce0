//! The walk over one line along what earlier lines taught; where they taught nothing, by a look-up of the next key; and where that
//! is not plain, by the grammar.

use super::keys::{Keep, NodeId, ROOT};
use super::learned::{Edge, Learned, Passed, To};
use super::raw::{Cursor, Guess, Isa, Task};
use super::table::Key;
use super::walk::{State, Step, Walk};
use model::{Reject, Value};

/// One line to walk over.
pub(super) struct Fast<'f, 'w, 'b> {
    pub(super) walk: &'f mut Walk<'w, 'b>,
    pub(super) learned: &'f mut Learned,
    pub(super) cursor: &'f mut Cursor<'b>,
}

/// How a line ended.
pub(super) enum Outcome<'b> {
    /// With the text of its object.
    Text(&'b str),
    /// With a tracked key that stands twice, where only the grammar can say which.
    Twice,
}

impl<'b> Task for Fast<'_, '_, 'b> {
    type Output = Result<Outcome<'b>, Reject>;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Self::Output {
        let Self { walk, learned, cursor } = self;
        let start = *cursor;
        walk.open(cursor)?;
        // A copy that stays in registers: nobody but the quick ways sees it, the others are lent one (`lend`).
        let mut here = *cursor;
        // Whose simple value was the last, if it was.
        let mut before: Option<&Edge> = None;
        let mut state = State::Entered(ROOT);
        loop {
            let Some(edge) = learned.follow(&mut here, state, before, isa) else {
                before = None;
                state = if learned.miss(state, walk.line) {
                    let Some(next) = lend(&mut here, |it| step_and_learn(walk, learned, it, state))? else { break };
                    next
                } else if let Some(node) = probe(walk, &mut here, state, isa) {
                    if !walk.stamps.note(node, walk.line) {
                        return Ok(Outcome::Twice);
                    }
                    value(walk, &mut here, node, isa)?
                } else {
                    let Some(next) = lend(&mut here, |it| step(walk, it, state))? else { break };
                    next
                };
                continue;
            };
            for &key in edge.passed() {
                if !walk.stamps.note(key, walk.line) {
                    return Ok(Outcome::Twice);
                }
            }
            before = Some(edge);
            state = match edge.to {
                To::End => break,
                To::Text(node) => {
                    if let Some(text) = here.eat_text(isa, &edge.guess) {
                        keep(walk, edge.keep, node, Value::Text(text));
                        State::After(node)
                    } else {
                        lend(&mut here, |it| walk.text(it, node))?
                    }
                }
                To::Value(node) => {
                    if let Some(number) = here.eat_short_number() {
                        keep(walk, edge.keep, node, Value::Number(number));
                        State::After(node)
                    } else if let Some(word) = here.eat_word() {
                        keep(walk, edge.keep, node, word);
                        State::After(node)
                    } else {
                        before = None;
                        here.skip_space();
                        lend(&mut here, |it| walk.value(it, node))?
                    }
                }
            };
        }
        *cursor = here;
        let text = cursor.since(start);
        walk.end(cursor, text)?;
        Ok(Outcome::Text(text))
    }
}

/// Goes on with a copy of `here`, so that its own address is never needed and it can be kept in registers.
#[inline(always)]
fn lend<'b, T>(here: &mut Cursor<'b>, pass: impl FnOnce(&mut Cursor<'b>) -> T) -> T {
    let mut lent = *here;
    let passed = pass(&mut lent);
    *here = lent;
    passed
}

#[inline(always)]
fn keep<'b>(walk: &mut Walk<'_, 'b>, keep: Keep, node: NodeId, value: Value<'b>) {
    match keep {
        Keep::Nowhere => {}
        Keep::In(slot) => walk.values[slot.index()] = value,
        Keep::ByTargets => walk.store(node, value),
    }
}

/// Goes on to the next value, if it has a known key, without escapes and space, and if the line's object is not at its end.
/// Otherwise nothing has happened.
#[inline(always)]
fn probe<'b, I: Isa>(walk: &Walk<'_, 'b>, cursor: &mut Cursor<'b>, state: State, isa: I) -> Option<NodeId> {
    let mut there = *cursor;
    let object = match state {
        State::Entered(node) => node,
        State::After(_) | State::AfterUnknown(_) => {
            let mut object = walk.object_around(state);
            while there.eat::<b'}'>() {
                if object == ROOT {
                    return None;
                }
                object = walk.keys.node(object).parent;
            }
            if !there.eat::<b','>() {
                return None;
            }
            object
        }
    };
    if !there.eat::<b'"'>() {
        return None;
    }
    let window = there.window();
    let text = there.eat_text(isa, &Guess::default())?;
    if !there.eat::<b':'>() || there.is_at_space() {
        return None;
    }
    let node = walk.keys.find(object, Key::at(window, text))?;
    *cursor = there;
    Some(node)
}

/// Passes the value of `node`.
#[inline(always)]
fn value<'b, I: Isa>(walk: &mut Walk<'_, 'b>, cursor: &mut Cursor<'b>, node: NodeId, isa: I) -> Result<State, Reject> {
    if cursor.peek() == b'"' {
        let mut there = *cursor;
        there.eat::<b'"'>();
        if let Some(text) = there.eat_text(isa, &Guess::default()) {
            *cursor = there;
            keep(walk, walk.keys.node(node).keep, node, Value::Text(text));
            return Ok(State::After(node));
        }
    }
    lend(cursor, |it| walk.value(it, node))
}

/// Goes on to the next value by the grammar, and passes it. `None` at the end of the object.
#[inline(never)]
fn step<'b>(walk: &mut Walk<'_, 'b>, cursor: &mut Cursor<'b>, from: State) -> Result<Option<State>, Reject> {
    match walk.step(cursor, from)? {
        Step::Value(node) => walk.value(cursor, node).map(Some),
        Step::Unknown(object) => walk.unknown(cursor, object).map(Some),
        Step::End => Ok(None),
    }
}

/// The same, learning the way to the next value that is kept or passed as a whole.
#[inline(never)]
fn step_and_learn<'b>(
    walk: &mut Walk<'_, 'b>,
    learned: &mut Learned,
    cursor: &mut Cursor<'b>,
    from: State,
) -> Result<Option<State>, Reject> {
    let start = *cursor;
    let mut passed = Passed::default();
    let mut state = from;
    loop {
        let node = match walk.step(cursor, state)? {
            Step::Value(node) => node,
            Step::Unknown(object) => return walk.unknown(cursor, object).map(Some),
            Step::End => {
                learned.learn(from, cursor.since(start), To::End, &passed, walk.keys);
                return Ok(None);
            }
        };
        if node < walk.keys.tracked() {
            passed.push(node);
        }
        if cursor.peek() == b'{' && walk.keys.node(node).targets.is_empty() {
            state = walk.value(cursor, node)?;
            continue;
        }
        let mut there = *cursor;
        let to = if there.eat::<b'"'>() { To::Text(node) } else { To::Value(node) };
        learned.learn(from, there.since(start), to, &passed, walk.keys);
        return walk.value(cursor, node).map(Some);
    }
}
