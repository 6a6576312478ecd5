//! Heads that are too long or broken. What is not HTTP gets a bare status from actix, and the connection ends.

use crate::http::{Connection, head};
use crate::server::TestServer;

#[test]
fn a_head_beyond_all_measure_is_refused_and_ends_the_connection() {
    let server = TestServer::start();
    let long = format!("x: {}", "y".repeat(140 * 1024));
    let many: Vec<String> = (0..200).map(|n| format!("x-{n}: y")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let table: [(&str, String); 3] = [
        ("a header of 140 KiB", head("GET /events/a", &[&long])),
        ("200 headers", head("GET /events/a", &many)),
        ("140 KiB without an end", format!("GET /events/a HTTP/1.1\r\n{long}")),
    ];
    for (name, request) in table {
        let mut connection = server.connect();
        // It may close before it has all of it.
        let _ = connection.try_send(request);
        assert_refused(&mut connection, &[400, 431], name);
    }
    assert_eq!(server.metric("sse_subscribers"), 0);
}

#[test]
fn a_head_within_measure_is_read() {
    let server = TestServer::start();
    let many: Vec<String> = (0..90).map(|n| format!("x-{n}: y")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    server.subscribe_with("/events/a", &many);
    let long = format!("x: {}", "y".repeat(60 * 1024));
    server.subscribe_with("/events/a", &[&long]);
}

#[test]
fn a_url_beyond_all_measure_is_refused() {
    let server = TestServer::start();
    for target in [format!("/events/{}", "a".repeat(70_000)), format!("/events?topic={}", "a".repeat(70_000))]
    {
        let mut connection = server.connect();
        let _ = connection.try_send(head(&format!("GET {target}"), &[]));
        assert_refused(&mut connection, &[400, 414, 431], "70,000 bytes");
    }
    // Long, and a URL all the same: then it is for the handler to say what is wrong.
    let target = format!("/events/{}", "a".repeat(60_000));
    server.get(&target).assert_problem(400, "invalid-topic");
}

#[test]
fn what_is_not_http_is_refused() {
    let server = TestServer::start();
    let table: [(&str, &[u8]); 7] = [
        ("no version", b"GET /events/a\r\nhost: test\r\n\r\n"),
        ("HTTP/2 unasked", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("a NUL in the target", b"GET /events/a\0b HTTP/1.1\r\nhost: test\r\n\r\n"),
        ("a space in the target", b"GET /events/a b HTTP/1.1\r\nhost: test\r\n\r\n"),
        ("a NUL in a header", b"GET /events/a HTTP/1.1\r\nhost: test\r\nx: a\0b\r\n\r\n"),
        ("a folded header", b"GET /events/a HTTP/1.1\r\nhost: test\r\nx: a\r\n b\r\n\r\n"),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    ];
    for (name, request) in table {
        let mut connection = server.connect();
        connection.send(request);
        assert_refused(&mut connection, &[400], name);
    }
}

fn assert_refused(connection: &mut Connection, statuses: &[u16], name: &str) {
    let answer = connection.response();
    assert!(statuses.contains(&answer.head.status), "{name}: {answer:?}");
    connection.assert_over();
}
