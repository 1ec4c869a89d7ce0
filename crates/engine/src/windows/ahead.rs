//! Looking ahead: what the windows of the next hits will need is asked for before the first of them is put in.
//!
//! A hit follows its group's number to the group, and the group to the ends of its window: each waits for the one before, and more often
//! than not for memory. Of many hits at once, step by step, nobody waits. Nothing is changed, so that what is looked at and when makes no
//! difference but to time.

use super::{Hit, Window, Windows};

/// How many hits are looked at together: enough to hide the wait, few enough to stay in the nearest cache.
const HITS: usize = 32;

impl Windows {
    /// Has brought near what tells where the group of a hit is: the first of four steps, each of which needs what the one before has
    /// asked for.
    pub(crate) fn expect_group(&self, hit: &Hit) {
        match &self.all[hit.correlation.0 as usize] {
            Window::Counted(window) => window.expect(hit),
            Window::Chain(window) => window.expect(hit),
            Window::Measured(_) | Window::Pattern(_) => {}
        }
    }

    /// Has brought near the group of a hit, and tells its number.
    pub(crate) fn fetch_group(&self, hit: &Hit) -> Option<u32> {
        match &self.all[hit.correlation.0 as usize] {
            Window::Counted(window) => window.fetch(hit),
            Window::Chain(window) => window.fetch(hit),
            Window::Measured(_) | Window::Pattern(_) => None,
        }
    }

    /// Has brought near where the window of a group begins and ends.
    pub(crate) fn fetch_window(&self, hit: &Hit, group: u32) {
        match &self.all[hit.correlation.0 as usize] {
            Window::Counted(window) => window.fetch_window(group),
            Window::Chain(window) => window.fetch_window(group),
            Window::Measured(_) | Window::Pattern(_) => {}
        }
    }

    /// Has brought near what the window goes on with.
    pub(crate) fn fetch_next(&self, hit: &Hit, group: u32) {
        match &self.all[hit.correlation.0 as usize] {
            Window::Counted(window) => window.fetch_next(group),
            Window::Chain(window) => window.fetch_next(group),
            Window::Measured(_) | Window::Pattern(_) => {}
        }
    }

    /// Has brought near what [`Windows::hit`] will need for some hits.
    pub fn look_ahead<'h>(&self, hits: impl Iterator<Item = &'h Hit>) {
        let mut hits = hits.peekable();
        while hits.peek().is_some() {
            let mut groups = [None; HITS];
            let mut count = 0;
            for (group, hit) in groups.iter_mut().zip(hits.by_ref()) {
                *group = self.fetch_group(hit).map(|it| (hit, it));
                count += 1;
            }
            groups[..count].iter().flatten().for_each(|(hit, it)| self.fetch_window(hit, *it));
            groups[..count].iter().flatten().for_each(|(hit, it)| self.fetch_next(hit, *it));
        }
    }
}
