//! Looking ahead: what the windows of the next hits will need is asked for before the first of them is put in.
//!
//! A hit follows its group's number to the group, and the group to the ends of its window: each waits for the one before, and more often
//! than not for memory. Of many hits at once, step by step, nobody waits. Nothing is changed, so that what is looked at and when makes no
//! difference but to time.

use super::{Hit, Window, Windows};

/// How many hits are looked at together: enough to hide the wait, few enough to stay in the nearest cache.
const HITS: usize = 32;

impl Windows {
    /// Has brought near what [`Windows::hit`] will need for some hits.
    pub fn look_ahead<'h>(&self, hits: impl Iterator<Item = &'h Hit>) {
        let mut hits = hits.peekable();
        while hits.peek().is_some() {
            let mut groups = [None; HITS];
            let mut count = 0;
            for (group, hit) in groups.iter_mut().zip(hits.by_ref()) {
                let window = &self.all[hit.correlation.0 as usize];
                let number = match window {
                    Window::Counted(window) => window.fetch(hit),
                    Window::Chain(window) => window.fetch(hit),
                    Window::Measured(_) | Window::Pattern(_) => None,
                };
                *group = number.map(|it| (window, it));
                count += 1;
            }
            for (window, number) in groups[..count].iter().flatten() {
                match window {
                    Window::Counted(window) => window.fetch_window(*number),
                    Window::Chain(window) => window.fetch_window(*number),
                    Window::Measured(_) | Window::Pattern(_) => {}
                }
            }
            for (window, number) in groups[..count].iter().flatten() {
                match window {
                    Window::Counted(window) => window.fetch_next(*number),
                    Window::Chain(window) => window.fetch_next(*number),
                    Window::Measured(_) | Window::Pattern(_) => {}
                }
            }
        }
    }
}
