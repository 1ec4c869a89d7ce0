//! The same work by several threads at once.

/// Runs `work` once for each of `workers`, each in a thread of its own; the first in this one, so that one worker means no thread at
/// all. Returns when all are done, with what they returned in the order of the workers.
pub(super) fn each<W: Send, T: Send>(workers: &mut [W], work: impl Fn(&mut W) -> T + Sync) -> Vec<T> {
    let Some((first, others)) = workers.split_first_mut() else { return Vec::new() };
    let inner = &work;
    let work = &|w: &mut W| {
        let t = std::time::Instant::now();
        let r = inner(w);
        BUSY.fetch_add(t.elapsed().as_micros() as u64, std::sync::atomic::Ordering::Relaxed);
        r
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = others.iter_mut().map(|it| scope.spawn(move || work(it))).collect();
        let mut results = vec![work(first)];
        for thread in threads {
            // A panic of ours goes on in the thread that can be seen.
            results.push(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        results
    })
}
pub(super) static BUSY: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
