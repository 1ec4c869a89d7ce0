//! Vectors that windows hold by the hundred thousand grow by a quarter: doubling leaves a third of the memory empty on average.

/// The least that is asked for.
const LEAST: usize = 4;

/// Makes room for `more`.
pub(super) fn make_room<T>(all: &mut Vec<T>, more: usize) {
    if all.capacity() - all.len() < more {
        all.reserve_exact(more.max(all.len() / 4).max(LEAST));
    }
}

/// Puts one more at the end.
pub(super) fn push<T>(all: &mut Vec<T>, it: T) {
    make_room(all, 1);
    all.push(it);
}
