//! The ledger of a partition: up to which offset everything that the input caused is acknowledged.
//!
//! The one place that decides what may be committed. [`Ledger`] is the pure sequence; [`SharedLedger`] lets the worker
//! wait on it while the producer's thread writes acknowledgements.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Steps (batches with their records) in the order in which they were begun.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Number of the step at the front of `open`.
    first: u64,
    open: VecDeque<Step>,
    /// End offset of the last step before `open`.
    done_to: Option<i64>,
    is_failed: bool,
    is_forgotten: bool,
}

#[derive(Debug)]
struct Step {
    /// `None`: no message stands behind it.
    end_offset: Option<i64>,
    unacknowledged: usize,
}

impl Ledger {
    /// Begins a step that waits for `records` acknowledgements, and returns its number.
    pub(super) fn begin(&mut self, end_offset: Option<i64>, records: usize) -> u64 {
        let number = self.first + self.open.len() as u64;
        self.open.push_back(Step { end_offset, unacknowledged: records });
        self.close_finished();
        number
    }

    /// One record of step `number` is acknowledged.
    pub(super) fn acknowledge(&mut self, number: u64) {
        let index = number.checked_sub(self.first).and_then(|it| usize::try_from(it).ok());
        let step = index.and_then(|it| self.open.get_mut(it));
        let step = step.expect("a step stays open until its last acknowledgement");
        assert!(step.unacknowledged > 0, "a record is acknowledged once");
        step.unacknowledged -= 1;
        self.close_finished();
    }

    /// A record was lost: from its step on nothing will ever be committable.
    pub(super) fn fail(&mut self) {
        self.is_failed = true;
    }

    /// The partition is somebody else's: nobody waits for its steps, and they must not be committed.
    pub(super) fn forget(&mut self) {
        self.is_forgotten = true;
    }

    /// The offset up to which everything is acknowledged; `None` before the first step is.
    pub(super) fn committable(&self) -> Option<i64> {
        self.done_to
    }

    /// Steps that wait for acknowledgements, their own or those of a step before.
    pub(super) fn open_steps(&self) -> usize {
        self.open.len()
    }

    /// Only the front closes: a later step that is complete waits for the ones before it.
    fn close_finished(&mut self) {
        while self.open.front().is_some_and(|it| it.unacknowledged == 0) {
            self.done_to = self.open.pop_front().and_then(|it| it.end_offset).or(self.done_to);
            self.first += 1;
        }
    }
}

/// A ledger between the worker (begins), the producer's thread (acknowledges) and the dispatcher (commits).
#[derive(Debug, Default)]
pub(super) struct SharedLedger {
    ledger: Mutex<Ledger>,
    changed: Condvar,
}

impl SharedLedger {
    /// See [`Ledger::begin`].
    pub(super) fn begin(&self, end_offset: Option<i64>, records: usize) -> u64 {
        self.lock().begin(end_offset, records)
    }

    /// See [`Ledger::acknowledge`].
    pub(super) fn acknowledge(&self, number: u64) {
        self.lock().acknowledge(number);
        self.changed.notify_all();
    }

    /// See [`Ledger::fail`].
    pub(super) fn fail(&self) {
        self.lock().fail();
        self.changed.notify_all();
    }

    /// See [`Ledger::forget`].
    pub(super) fn forget(&self) {
        self.lock().forget();
        self.changed.notify_all();
    }

    /// [`SharedLedger::forget`] was called.
    pub(super) fn is_forgotten(&self) -> bool {
        self.lock().is_forgotten
    }

    /// See [`Ledger::committable`].
    pub(super) fn committable(&self) -> Option<i64> {
        self.lock().committable()
    }

    /// See [`Ledger::open_steps`].
    pub(super) fn open_steps(&self) -> usize {
        self.lock().open_steps()
    }

    /// Waits until fewer than `steps_max` steps are open, a record or the partition was lost, or `timeout` is over. True in the first case.
    pub(super) fn wait_below(&self, steps_max: usize, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut ledger = self.lock();
        while ledger.open_steps() >= steps_max && !ledger.is_failed && !ledger.is_forgotten {
            let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|it| !it.is_zero()) else {
                return false;
            };
            ledger = self.changed.wait_timeout(ledger, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        ledger.open_steps() < steps_max
    }

    /// Waits for the next change or until `timeout` is over.
    pub(super) fn wait_for_change(&self, timeout: Duration) {
        drop(self.changed.wait_timeout(self.lock(), timeout));
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_committable_before_the_first_step_is_acknowledged() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.committable(), None);
        let step = ledger.begin(Some(10), 2);
        ledger.acknowledge(step);
        assert_eq!(ledger.committable(), None);
        ledger.acknowledge(step);
        assert_eq!(ledger.committable(), Some(10));
        assert_eq!(ledger.open_steps(), 0);
    }

    #[test]
    fn a_step_without_records_is_done_at_once_but_not_before_its_predecessor() {
        let mut ledger = Ledger::default();
        ledger.begin(Some(5), 0);
        assert_eq!(ledger.committable(), Some(5));
        let waiting = ledger.begin(Some(9), 1);
        ledger.begin(Some(12), 0);
        assert_eq!(ledger.committable(), Some(5));
        ledger.acknowledge(waiting);
        assert_eq!(ledger.committable(), Some(12));
    }

    #[test]
    fn a_step_that_no_message_stands_behind_changes_no_offset() {
        let mut ledger = Ledger::default();
        let first = ledger.begin(None, 1);
        ledger.acknowledge(first);
        assert_eq!(ledger.committable(), None);
        ledger.begin(Some(7), 0);
        let second = ledger.begin(None, 1);
        ledger.begin(Some(9), 0);
        assert_eq!(ledger.committable(), Some(7));
        ledger.acknowledge(second);
        assert_eq!(ledger.committable(), Some(9));
    }

    #[test]
    fn a_later_step_waits_for_an_earlier_one() {
        let mut ledger = Ledger::default();
        let (first, second) = (ledger.begin(Some(10), 1), ledger.begin(Some(20), 1));
        ledger.acknowledge(second);
        assert_eq!((ledger.committable(), ledger.open_steps()), (None, 2));
        ledger.acknowledge(first);
        assert_eq!((ledger.committable(), ledger.open_steps()), (Some(20), 0));
    }

    #[test]
    fn a_lost_record_keeps_its_step_and_all_later_ones_from_being_committed() {
        let mut ledger = Ledger::default();
        ledger.begin(Some(10), 0);
        ledger.begin(Some(20), 1);
        ledger.fail();
        ledger.begin(Some(30), 0);
        assert_eq!(ledger.committable(), Some(10));
    }

    #[test]
    fn waiting_ends_when_a_record_is_lost() {
        let ledger = SharedLedger::default();
        ledger.begin(Some(10), 1);
        ledger.fail();
        assert!(!ledger.wait_below(1, Duration::from_mins(1)));
    }

    /// The naive twin: keeps every step, and looks at all of them.
    fn naive(steps: &[(i64, usize)]) -> Option<i64> {
        steps.iter().take_while(|it| it.1 == 0).last().map(|it| it.0)
    }

    proptest! {
        /// Whatever the order of acknowledgements: the offset is the end of the longest fully acknowledged prefix.
        #[test]
        fn the_offset_is_never_beyond_an_unacknowledged_record(
            records in prop::collection::vec(0..4_usize, 1..20),
            order in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
        ) {
            let mut ledger = Ledger::default();
            let mut steps: Vec<(i64, usize)> = Vec::new();
            let mut order = order.into_iter();
            for (number, count) in (0_u32..).zip(records) {
                let end = i64::from(number) * 10 + 10;
                prop_assert_eq!(ledger.begin(Some(end), count), u64::from(number));
                steps.push((end, count));
                for pick in order.by_ref().take(2) {
                    let open: Vec<usize> = (0..steps.len()).filter(|it| steps[*it].1 > 0).collect();
                    if open.is_empty() {
                        continue;
                    }
                    let step = *pick.get(&open);
                    steps[step].1 -= 1;
                    ledger.acknowledge(step as u64);
                }
                prop_assert_eq!(ledger.committable(), naive(&steps));
            }
        }
    }
}
