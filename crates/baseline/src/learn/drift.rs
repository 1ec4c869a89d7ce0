//! The drift budget: how fast a habit may rise.

use crate::counts::{Habit, narrow};
use serde::{Deserialize, Serialize};

/// A slow rate may rise by this a week, unless the peers' did as much.
pub const RISE_MAX: f64 = 0.05;
/// And by as much at least, so that a habit of nothing can begin.
const RISE_MIN: f64 = 0.1;
/// A rate based on fewer windows is still being found, not drifting.
const WINDOWS_MIN: f64 = 10.0;

/// Where the rate stood when the week began. 8 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[repr(C)]
pub struct Drift {
    anchor: f32,
    /// Weeks since the epoch; 0 before the first.
    week: u16,
    reserved: u16,
}

const _: () = assert!(size_of::<Drift>() == 8);

impl Drift {
    /// After `habit` has learnt a window in `week`: holds its rate at the week's anchor plus 5 %, or plus what the peers' median rose since
    /// the week began (1.3 for 30 %: launches, incidents and holidays move everybody). Says whether it had to.
    pub fn hold(&mut self, habit: &mut Habit, week: u16, peers_rise: f64) -> bool {
        if self.week == 0 || habit.windows() < WINDOWS_MIN {
            (self.week, self.anchor) = (week, narrow(habit.rate()));
            return false;
        }
        let anchor = f64::from(self.anchor);
        let allowed = (anchor * (1.0 + RISE_MAX).max(peers_rise)).max(anchor + RISE_MIN);
        let is_held = habit.rate() > allowed;
        habit.hold_at(allowed);
        if week > self.week {
            (self.week, self.anchor) = (week, narrow(habit.rate()));
        }
        is_held
    }

    /// Another role or a promotion from quarantine: where the rate stands now is where it begins.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}
