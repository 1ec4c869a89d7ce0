//! SIGINT and SIGTERM: the first one stops cleanly, the second one at once.

use std::io;
use std::thread::JoinHandle;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// As a shell reports a process that SIGINT has ended.
const INTERRUPTED: i32 = 130;

/// Calls `stop` with the name of the first signal. From now on signals do not end the process by themselves.
pub(crate) fn start(stop: impl FnOnce(&'static str) + Send + 'static) -> io::Result<Signals> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate) = {
        let _entered = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    let (end, mut ended) = oneshot::channel::<()>();
    let thread = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                name = next(&mut interrupt, &mut terminate) => stop(name),
                _ = &mut ended => return,
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
