//! What stops a stream in its middle, and that the publisher learns how far it came.

use std::time::Duration;

use super::{EVENT_STREAM, begin};
use crate::http::{chunk, head, post};
use crate::server::TestServer;

const LIMIT: usize = 64 * 1024;

fn limited() -> TestServer {
    TestServer::with(|config| config.hub.max_event = LIMIT)
}

#[test]
fn an_event_in_mid_stream_that_is_none_is_a_problem_with_the_count_of_those_before() {
    let server = limited();
    let mut stream = server.subscribe("/events/a");
    let long = "x".repeat(LIMIT + 1);
    let many_lines = "data\n".repeat(LIMIT / 6);
    let table: [(&str, Vec<u8>, u16, &str); 8] = [
        ("too large", format!("data: {long}\n\n").into(), 413, "event-too-large"),
        ("too large with its line ends", format!("{many_lines}\n").into(), 413, "event-too-large"),
        ("too large, in lines", (format!("data: {long}\n").repeat(2) + "\n").into(), 413, "event-too-large"),
        ("data that is not UTF-8", b"data: a\xFF\n\n".into(), 400, "invalid-event"),
        ("a name that is not UTF-8", b"event: \xFF\ndata: a\n\n".into(), 400, "invalid-event"),
        ("a control character", "event: a\0b\ndata: x\n\n".into(), 400, "invalid-event"),
        ("a bidirectional override", "event: a\u{202E}b\ndata: x\n\n".into(), 400, "invalid-event"),
        ("a long name", format!("event: {}\ndata: x\n\n", "n".repeat(256)).into(), 400, "invalid-event"),
    ];
    for (name, bad, status, slug) in table {
        let mut publisher = begin(&server, "/events/a?end=true");
        publisher.send(chunk("data: 1\n\ndata: 2\n\n"));
        let last = [stream.event(), stream.event()].map(|event| event.id)[1].clone();
        publisher.send(chunk([bad.as_slice(), b"data: behind it\n\n"].concat()));
        let detail = publisher.response().assert_problem(status, slug);
        assert!(detail.contains("2 events before it were published"), "{name}: {detail}");
        assert!(detail.contains(&last), "{name}: {detail}");
    }
    server.publish("/events/a", "the topic goes on");
    assert_eq!(stream.event().data, "the topic goes on");
}

#[test]
fn the_limit_is_the_same_as_for_a_single_event() {
    let server = limited();
    let mut stream = server.subscribe("/events/a");
    let data = "x".repeat(LIMIT);
    assert_eq!(server.post("/events/a", &[EVENT_STREAM], format!("data: {data}\n\n")).json()["count"], 1);
    assert_eq!(stream.event().data.len(), LIMIT);
    server
        .post("/events/a", &[EVENT_STREAM], format!("data: {data}x\n\n"))
        .assert_problem(413, "event-too-large");
}

#[test]
fn a_line_without_an_end_is_refused_long_before_it_ends() {
    let server = limited();
    for line in ["data: ", "event: ", "id: ", ": ", "unknown"] {
        let mut publisher = begin(&server, "/events/a");
        publisher.send(chunk(line));
        let piece = chunk("x".repeat(8 * 1024));
        let mut sent = 0;
        while !publisher.is_readable_within(Duration::from_micros(1)) && publisher.try_send(&piece).is_ok() {
            sent += piece.len();
            // The limit is what the server holds; the rest is on the way, in buffers of the system.
            assert!(sent < 64 << 20, "{line:?}: {sent} bytes taken");
        }
        publisher.response().assert_problem(413, "event-too-large");
    }
}

#[test]
fn an_event_without_an_end_is_refused_long_before_it_ends() {
    let server = limited();
    let mut publisher = begin(&server, "/events/a");
    publisher.send(chunk("data: xxxxxxxxxxxxxxxx\n".repeat(LIMIT / 16 + 1024)));
    publisher.response().assert_problem(413, "event-too-large");
}

#[test]
fn what_is_for_a_single_event_is_refused_for_a_stream() {
    let server = TestServer::start();
    let body = "data: x\n\n";
    server.post("/events/a?event=n", &[EVENT_STREAM], body).assert_problem(400, "invalid-query");
    server.post("/events/a", &[EVENT_STREAM, "idempotency-key: k"], body).assert_problem(400, "bad-request");
    assert_eq!(server.metric("sse_events_published_total"), 0);
}

#[test]
fn after_a_refusal_in_mid_stream_the_connection_goes_on() {
    let server = TestServer::start();
    let mut publisher = server.connect();
    let refused = [
        head("POST /events/a", &[EVENT_STREAM, "transfer-encoding: chunked"]).into_bytes(),
        chunk("event: a\0b\ndata: x\n\n"),
        chunk("data: never read\r\n\r\n"),
        chunk(""),
    ];
    publisher.send(refused.concat());
    publisher.response().assert_problem(400, "invalid-event");
    publisher.send(post("/events/a", &[], "x"));
    assert_eq!(publisher.response().head.status, 200);
    assert_eq!(server.metric("sse_events_published_total"), 1);
}
