use std::io::{Read, Write};
use std::net::TcpStream;

use super::*;

/// Status and body of `path`.
fn get_page(server: &HttpHandle, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[test]
fn metrics_and_health_are_served_until_the_handle_is_dropped() {
    let (metrics, health) = (Arc::new(Metrics::new()), Arc::new(Health::default()));
    let server = start(SocketAddr::from(([127, 0, 0, 1], 0)), metrics, Arc::clone(&health)).unwrap();
    let (status, body) = get_page(&server, "/metrics");
    assert_eq!(status, 200);
    assert!(body.contains("nightjar_build_info"), "{body}");
    assert_eq!(get_page(&server, "/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(get_page(&server, "/readyz").0, 503);
    health.loaded();
    health.joined();
    assert_eq!(get_page(&server, "/readyz"), (200, "ok\n".to_owned()));
    assert_eq!(get_page(&server, "/elsewhere").0, 404);
    let address = server.address();
    drop(server);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn an_address_that_is_taken_is_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    assert!(start(taken.local_addr().unwrap(), Arc::new(Metrics::new()), Arc::new(Health::default())).is_err());
}
