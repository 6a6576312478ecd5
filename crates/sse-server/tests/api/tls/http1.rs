//! HTTP/1.1 over TLS: the transport's rules hold, although it cannot look into the socket.

use std::time::Duration;

use super::{Files, Raw, await_subscribers, start, start_with};
use crate::http::{head, post};
use crate::server::TestServer;

fn connect(server: &TestServer, files: &Files) -> Raw {
    Raw::connect(server, files.client(&["http/1.1"])).unwrap()
}

#[test]
fn pipelined_requests_are_answered_in_turn() {
    let (server, files) = start();
    let mut client = connect(&server, &files);
    let mut requests = Vec::new();
    for number in 0..200 {
        requests.extend(post("/events/a", &[], format!("event {number}")));
    }
    requests.extend(head("GET /livez", &["connection: close"]).into_bytes());
    client.send(requests);
    let answers = client.rest();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 201, "{answers}");
    assert_eq!(server.hub().broadcaster().stats().published, 200);
}

#[test]
fn a_body_larger_than_what_is_looked_ahead_arrives_whole() {
    let (server, files) = start();
    let mut client = connect(&server, &files);
    let data = "@".repeat(200_000);
    client.send(post("/events/a", &[], &data));
    client.until("\"id\"");
    client.send(
        head("DELETE /events/a", &[])
            + &head("GET /events/a", &["last-event-id: earliest", "connection: close"]),
    );
    let text = client.rest();
    assert_eq!(text.matches('@').count(), data.len());
}

#[test]
fn bytes_on_an_open_stream_end_it() {
    let (server, files) = start();
    for junk in [&b"x"[..], head("GET /livez", &[]).repeat(100).as_bytes()] {
        let mut client = connect(&server, &files);
        client.send(head("GET /events/a", &[]));
        client.until(":ok\n");
        client.send(junk);
        assert!(!client.rest().contains("HTTP/1.1"), "nothing behind the stream is answered");
        await_subscribers(server.hub(), 0);
    }
}

#[test]
fn requests_sent_along_with_a_stream_end_it() {
    let (server, files) = start();
    let mut client = connect(&server, &files);
    client.send(head("GET /events/a", &[]) + &head("GET /livez", &[]).repeat(100));
    let answers = client.rest();
    assert!(answers.matches("HTTP/1.1").count() <= 1, "{answers}");
    await_subscribers(server.hub(), 0);
}

#[test]
fn a_client_that_closes_ends_its_stream() {
    let (server, files) = start();
    let mut client = connect(&server, &files);
    client.send(head("GET /events/a", &[]));
    client.until(":ok\n");
    client.0.conn.send_close_notify();
    client.send("");
    await_subscribers(server.hub(), 0);

    let mut client = connect(&server, &files);
    client.send(head("GET /events/a", &[]));
    client.until(":ok\n");
    drop(client);
    await_subscribers(server.hub(), 0);
}

#[test]
fn a_head_that_comes_too_slowly_gets_408() {
    let (server, files) = start_with(|config| config.request_head_timeout = Duration::from_millis(300));
    let mut client = connect(&server, &files);
    client.send(head("GET /livez", &[]));
    client.until("ok\n");
    client.send("GET /livez HTTP/1.1\r\nho");
    let answer = client.rest();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer:?}");
}

#[test]
fn an_idle_connection_is_closed_in_good_order() {
    let (server, files) = start_with(|config| config.keep_alive = Duration::from_millis(100));
    let mut client = connect(&server, &files);
    client.send(head("GET /livez", &[]));
    client.until("ok\n");
    assert_eq!(std::io::Read::read(&mut client.0, &mut [0]).expect("TLS says goodbye"), 0);
}

#[test]
fn a_reader_who_takes_nothing_is_cut() {
    let (server, files) = start_with(|config| {
        config.write_timeout = Duration::from_secs(1);
        config.operations = Some("127.0.0.1:0".parse().unwrap());
    });
    let mut client = connect(&server, &files);
    client.send(head("GET /events/a", &[]));
    client.until(":ok\n");
    // More than all buffers on the way hold, however large the systems make them.
    let mut publisher = connect(&server, &files);
    let data = "x".repeat(900_000);
    for _ in 0..20 {
        publisher.send(post("/events/a", &[], &data));
        publisher.until("\"id\"");
    }
    await_subscribers(server.hub(), 0);
    let mut operations = crate::http::Connection::new(server.operations());
    operations.send(head("GET /metrics", &[]));
    let page = operations.response().text();
    assert!(page.contains("\nsse_evictions_total{reason=\"stalled\"} 1\n"), "{page}");
}
