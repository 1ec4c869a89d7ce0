//! The same work by several threads at once.

use anyhow::{Context, Result};

/// Runs `all` so that [`each`] inside it has `threads` threads, this one included. They stay awake between one use and the next: a
/// thread that has to be started or woken up comes a tenth of a millisecond late, and a file has some hundred rounds.
pub(super) fn with_threads<T: Send>(threads: usize, all: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    if threads == 1 {
        return all();
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("cannot start threads")?;
    pool.install(all)
}

/// Runs `work` once for each of `workers`, at the same time; one worker means no other thread at all. Returns when all are done.
pub(super) fn each<W: Send>(workers: &mut [W], work: impl Fn(&mut W) + Sync) {
    let Some((first, others)) = workers.split_first_mut() else { return };
    if others.is_empty() {
        return work(first);
    }
    let work = &work;
    rayon::scope(|scope| {
        others.iter_mut().for_each(|it| scope.spawn(move |_| work(it)));
        work(first);
    });
}
