//! The endpoint for machines: `/metrics`, `/healthz`, `/readyz`.

mod health;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::sync::oneshot;

use crate::metrics::Metrics;
pub(crate) use health::Health;

/// A partition that has messages and does nothing for so long is taken for stuck: longer than anything takes that passes by itself.
const STUCK_AFTER: Duration = Duration::from_mins(5);

/// Starts to listen on `address`; port 0 takes any free one. The server has a thread of its own.
pub(crate) fn start(address: SocketAddr, metrics: Arc<Metrics>, health: Arc<Health>) -> io::Result<HttpHandle> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::Builder::new().name("http".to_owned()).spawn(move || {
        if let Err(error) = runtime.block_on(serve(listener, metrics, health, stopped)) {
            tracing::error!(%error, "the http endpoint has stopped");
        }
    })?;
    Ok(HttpHandle { address, stop: Some(stop), thread: Some(thread) })
}

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct HttpHandle {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl HttpHandle {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for HttpHandle {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

#[derive(Debug, Clone)]
struct Shared {
    metrics: Arc<Metrics>,
    health: Arc<Health>,
}

async fn serve(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let routes = Router::new()
        .route("/metrics", get(metrics_page))
        .route("/healthz", get(health_page))
        .route("/readyz", get(ready_page))
        .with_state(Shared { metrics, health });
    // Not a graceful shutdown: a scraper that keeps its connection open must not keep the process.
    tokio::select! {
        served = axum::serve(listener, routes) => served,
        _ = stopped => Ok(()),
    }
}

async fn metrics_page(State(shared): State<Shared>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], shared.metrics.to_text())
}

async fn health_page(State(shared): State<Shared>) -> impl IntoResponse {
    page(shared.health.alive().and_then(|()| moving(&shared.metrics)))
}

async fn ready_page(State(shared): State<Shared>) -> impl IntoResponse {
    page(shared.health.ready())
}

/// Every partition that has something to do gets on.
fn moving(metrics: &Metrics) -> Result<(), String> {
    let Some((id, time)) = metrics.member.stuck(STUCK_AFTER) else { return Ok(()) };
    Err(format!("{id} has messages, and nothing was done for {} s", time.as_secs()))
}

fn page(state: Result<(), String>) -> (StatusCode, String) {
    match state {
        Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}
