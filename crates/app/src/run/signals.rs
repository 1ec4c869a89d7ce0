//! SIGINT and SIGTERM: the first one stops cleanly, the second one at once. SIGHUP, if somebody wants it, any number of times.

use std::io;
use std::thread::JoinHandle;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// As a shell reports a process that SIGINT has ended.
const INTERRUPTED: i32 = 130;

/// Calls `stop` with the name of the first signal. From now on signals do not end the process by themselves.
pub(crate) fn start(stop: impl FnOnce(&'static str) + Send + 'static) -> io::Result<Signals> {
    listen(stop, None::<fn()>)
}

/// The same, and calls `hang_up` with every SIGHUP, which must return soon.
pub(crate) fn start_with(
    stop: impl FnOnce(&'static str) + Send + 'static,
    hang_up: impl Fn() + Send + 'static,
) -> io::Result<Signals> {
    listen(stop, Some(hang_up))
}

fn listen(stop: impl FnOnce(&'static str) + Send + 'static, hang_up: Option<impl Fn() + Send + 'static>) -> io::Result<Signals> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate, mut lost) = {
        let _entered = runtime.enter();
        // Whoever does not want it keeps what the system does: the process ends with its terminal.
        let lost = hang_up.is_some().then(|| signal(SignalKind::hangup())).transpose()?;
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, lost)
    };
    let (end, mut ended) = oneshot::channel::<()>();
    let thread = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            loop {
                tokio::select! {
                    name = next(&mut interrupt, &mut terminate) => break stop(name),
                    () = next_hang_up(&mut lost) => hang_up.iter().for_each(|it| it()),
                    _ = &mut ended => return,
                }
            }
            tokio::select! {
                _ = next(&mut interrupt, &mut terminate) => std::process::exit(INTERRUPTED),
                _ = &mut ended => {}
            }
        });
    })?;
    Ok(Signals { end: Some(end), thread: Some(thread) })
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) -> &'static str {
    tokio::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
    }
}

async fn next_hang_up(hung_up: &mut Option<Signal>) {
    match hung_up {
        Some(it) => _ = it.recv().await,
        None => std::future::pending().await,
    }
}

/// While it lives, somebody listens for signals.
#[derive(Debug)]
pub(crate) struct Signals {
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
