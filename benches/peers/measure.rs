//! CPU seconds of contestants that take turns, and medians of ratios within a round.

use rustix::time::{ClockId, clock_gettime};

/// CPU seconds that `work` takes in this thread, and what it returns. The neighbours on the machine don't count, but what they do to
/// caches and clock rates does; so contestants are compared within a round only.
#[expect(clippy::cast_precision_loss, reason = "seconds")]
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
    };
    let start = now();
    let result = work();
    (now() - start, result)
}

/// The median, the lower of the two in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) / 2]
}

/// `median (least-most)`.
pub(crate) fn spread(values: &[f64]) -> String {
    let (least, most) = values.iter().fold((f64::MAX, f64::MIN), |(least, most), &it| (least.min(it), most.max(it)));
    format!("{:.2} ({least:.2}-{most:.2})", median(values.to_vec()))
}
