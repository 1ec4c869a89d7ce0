use std::io::{Read, Write};
use std::net::TcpStream;

use super::*;

/// Status and body of `path`.
fn get_page(server: &HttpHandle, path: &str) -> (u16, String) {
    page_at(server.address(), path).unwrap()
}

/// The same of whoever listens at an address, if anybody does.
fn page_at(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

#[test]
fn metrics_and_health_are_served_until_the_handle_is_dropped() {
    let (metrics, health) = (Arc::new(Metrics::new()), Arc::new(Health::default()));
    metrics.exchange.idle(4_711);
    let server = start(SocketAddr::from(([127, 0, 0, 1], 0)), metrics, Arc::clone(&health)).unwrap();
    let (status, body) = get_page(&server, "/metrics");
    assert_eq!(status, 200);
    assert!(body.contains("nightjar_build_info") && body.contains("nightjar_partitions_idle 4711"), "{body}");
    assert_eq!(get_page(&server, "/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(get_page(&server, "/readyz").0, 503);
    health.loaded();
    health.joined();
    assert_eq!(get_page(&server, "/readyz"), (200, "ok\n".to_owned()));
    assert_eq!(get_page(&server, "/elsewhere").0, 404);
    let address = server.address();
    drop(server);
    // Somebody else may have the port by now.
    assert!(page_at(address, "/metrics").is_none_or(|(_, body)| !body.contains("nightjar_partitions_idle 4711")));
}

#[test]
fn an_address_that_is_taken_is_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    assert!(start(taken.local_addr().unwrap(), Arc::new(Metrics::new()), Arc::new(Health::default())).is_err());
}
