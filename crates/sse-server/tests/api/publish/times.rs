//! How long a body may take.

use std::time::Duration;

use crate::http::{chunk, head};
use crate::server::TestServer;

fn impatient() -> TestServer {
    TestServer::with(|config| {
        config.hub.body_timeout = Duration::from_millis(100);
        // After an answer, what is left of a body has as long to begin as the next request.
        config.keep_alive = Duration::from_millis(100);
    })
}

#[test]
fn a_body_that_does_not_come_is_408_and_ends_the_connection() {
    let server = impatient();
    for part in ["", "1234"] {
        let mut connection = server.connect();
        connection.send([&head("POST /events/a", &["content-length: 5"]), part].concat());
        let answer = connection.response();
        answer.assert_problem(408, "body-timeout");
        assert_eq!(answer.head.header("connection"), Some("close"));
        connection.assert_over();
    }
    assert_eq!(server.metric("sse_events_published_total"), 0);
}

#[test]
fn chunks_that_do_not_come_are_408() {
    let server = impatient();
    for part in [Vec::new(), chunk("1234"), b"5\r\n12".to_vec()] {
        let mut connection = server.connect();
        connection.send([head("POST /events/a", &["transfer-encoding: chunked"]).as_bytes(), &part].concat());
        connection.response().assert_problem(408, "body-timeout");
    }
    assert_eq!(server.metric("sse_events_published_total"), 0);
}

#[test]
fn chunks_that_do_not_come_end_the_connection() {
    let server = impatient();
    let mut connection = server.connect();
    connection
        .send([head("POST /events/a", &["transfer-encoding: chunked"]).as_bytes(), &chunk("1234")].concat());
    connection.response().assert_problem(408, "body-timeout");
    connection.assert_over();
}

#[test]
fn a_body_that_dribbles_gets_no_more_time() {
    let server = impatient();
    let mut connection = server.connect();
    connection.send(head("POST /events/a", &["content-length: 1000000"]));
    // Each byte comes well within the time that the whole body has.
    while !connection.is_readable_within(Duration::from_millis(10)) {
        connection.send("x");
    }
    connection.response().assert_problem(408, "body-timeout");
}

#[test]
fn a_body_that_is_a_stream_may_be_silent() {
    let server = impatient();
    let mut stream = server.subscribe("/events/a");
    let mut ingest = server.connect();
    ingest.send(head("POST /events/a", &["content-type: text/event-stream", "transfer-encoding: chunked"]));
    ingest.send(chunk("data: before\n\n"));
    assert_eq!(stream.event().data, "before");

    // Whoever began later has run out of time.
    let mut other = server.connect();
    other.send(head("POST /events/a", &["content-length: 5"]));
    other.response().assert_problem(408, "body-timeout");

    ingest.send(chunk("data: after\n\n"));
    assert_eq!(stream.event().data, "after");
}
