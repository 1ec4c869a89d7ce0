//! Minutes that are not over yet: how many events each stream has had in them so far.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most counts of a stream and minute that wait for the watermark; those furthest ahead give way, and are counted.
pub const OPEN_MAX: usize = 16_384;

/// See the module. Keys are minutes since the epoch and the numbers of streams.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Minutes {
    open: BTreeMap<(i64, u16), u64>,
}

impl Minutes {
    /// Counts events; gives how many had to give way.
    pub(super) fn add(&mut self, minute: i64, stream: u16, count: u64) -> u64 {
        *self.open.entry((minute, stream)).or_insert(0) += count;
        if self.open.len() <= OPEN_MAX {
            return 0;
        }
        self.open.pop_last().map_or(0, |it| it.1)
    }

    /// The first minute with an event.
    pub(super) fn first(&self) -> Option<i64> {
        self.open.first_key_value().map(|it| it.0.0)
    }

    /// Takes the counts of `minute`, if it is the first.
    pub(super) fn take(&mut self, minute: i64) -> impl Iterator<Item = (u16, u64)> {
        std::iter::from_fn(move || {
            let entry = self.open.first_entry().filter(|it| it.key().0 == minute)?;
            let ((_, stream), count) = entry.remove_entry();
            Some((stream, count))
        })
    }

    /// Forgets a stream, whose number goes to another; gives how many of its events are forgotten with it.
    pub(super) fn forget(&mut self, stream: u16) -> u64 {
        let mut forgotten = 0;
        self.open.retain(|(_, of), count| {
            forgotten += if *of == stream { *count } else { 0 };
            *of != stream
        });
        forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_furthest_ahead_gives_way_and_is_counted() {
        let mut minutes = Minutes::default();
        let most = i64::try_from(OPEN_MAX).unwrap();
        assert_eq!((0..most).map(|it| minutes.add(it, 0, 1)).sum::<u64>(), 0);
        assert_eq!(minutes.add(most + 5, 0, 7), 7);
        assert_eq!(minutes.add(-3, 0, 2), 1);
        assert_eq!(minutes.first(), Some(-3));
        assert_eq!(minutes.take(-3).collect::<Vec<_>>(), [(0, 2)]);
        assert_eq!(minutes.take(5).count(), 0, "others are first");
    }
}
