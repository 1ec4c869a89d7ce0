//! Waits for files to change. By looking, not by being told: it works the same on every system, in containers and over networks, and
//! some hundred files are looked at in a millisecond.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};
use std::{fs, thread};

/// How often it looks. A change counts when nothing has changed since the last look: editors write a file in several steps.
const INTERVAL: Duration = Duration::from_millis(150);

/// How files are at a time: when each was written, and how long it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Snapshot(BTreeMap<PathBuf, (Option<SystemTime>, u64)>);

impl Snapshot {
    pub(super) fn of(files: Vec<PathBuf>) -> Self {
        let state = |it: &PathBuf| fs::metadata(it).map_or((None, 0), |it| (it.modified().ok(), it.len()));
        Self(files.into_iter().map(|it| (it.clone(), state(&it))).collect())
    }
}

/// Returns when files differ from `before` and have stayed the same for one look.
pub(super) fn wait(before: &Snapshot, look: impl Fn() -> Snapshot) {
    settle(before, || {
        thread::sleep(INTERVAL);
        look()
    });
}

fn settle(before: &Snapshot, mut look: impl FnMut() -> Snapshot) {
    let mut last = before.clone();
    loop {
        let now = look();
        if now == last && now != *before {
            return;
        }
        last = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(lengths: &[u64]) -> Snapshot {
        Snapshot(lengths.iter().enumerate().map(|(at, &it)| (PathBuf::from(at.to_string()), (None, it))).collect())
    }

    #[test]
    fn a_change_counts_when_it_has_settled() {
        let looks = [&[1, 1][..], &[1, 2], &[1, 3], &[1, 3], &[1, 4]].map(snapshot);
        let mut seen = looks.iter();
        settle(&looks[0], || seen.next().cloned().unwrap());
        assert_eq!(seen.len(), 1, "the last look was not needed");
    }

    #[test]
    fn what_came_back_is_no_change() {
        let looks = [&[1][..], &[2], &[1], &[1], &[3], &[3]].map(snapshot);
        let mut seen = looks.iter();
        settle(&looks[0], || seen.next().cloned().unwrap());
        assert_eq!(seen.len(), 0);
    }
}
