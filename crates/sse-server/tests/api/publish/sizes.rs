//! How large an event may be, and that the server reads no further than it must in order to know.

use std::time::Duration;

use crate::http::{chunk, head, post};
use crate::server::TestServer;

const LIMIT: usize = 1000;

fn limited() -> TestServer {
    TestServer::with(|config| config.hub.max_event = LIMIT)
}

#[test]
fn the_limit_itself_is_accepted_and_one_byte_more_is_not() {
    let server = limited();
    let mut stream = server.subscribe("/events/a");
    let table = [
        ("one line", "x".repeat(LIMIT)),
        // Each line end takes its own byte, and the six of the next `data: `.
        ("line ends", "\n".repeat(142) + "xxxxxx"),
        ("CR LF, which is two bytes and one line end", "\r\n".repeat(71) + &"x".repeat(6)),
        ("characters of several bytes", "€".repeat(333) + "x"),
    ];
    for (name, data) in table {
        for chunked in [false, true] {
            let send = |data: &str| {
                if !chunked {
                    return server.post("/events/a", &[], data);
                }
                let head = head("POST /events/a", &["transfer-encoding: chunked"]);
                server.request([head.as_bytes(), &chunk(data), &chunk("")].concat())
            };
            let answer = send(&data);
            assert_eq!(answer.head.status, 200, "{name}, chunked: {chunked}, {answer:?}");
            assert_eq!(stream.event().data, data.replace("\r\n", "\n"), "{name}");
            send(&(data.clone() + "x")).assert_problem(413, "event-too-large");
        }
    }
}

#[test]
fn an_announced_length_beyond_the_limit_is_refused_before_the_body_comes() {
    let server = limited();
    for length in ["1001", "1000000000000", "18446744073709551615"] {
        let mut connection = server.connect();
        connection.send(head("POST /events/a", &[&format!("content-length: {length}")]));
        connection.response().assert_problem(413, "event-too-large");
    }
}

#[test]
fn a_body_that_grows_beyond_the_limit_is_refused_while_it_comes() {
    let server = limited();
    let mut connection = server.connect();
    connection.send(head("POST /events/a", &["transfer-encoding: chunked"]));
    connection.send(chunk("x".repeat(600)));
    connection.send(chunk("x".repeat(600)));
    // The publisher says no more, and would wait for ever if the whole body had to be there.
    connection.response().assert_problem(413, "event-too-large");
    assert_eq!(server.metric("sse_events_published_total"), 0);
}

#[test]
fn a_publisher_that_sends_on_after_a_refusal_is_stopped() {
    let server = TestServer::with(|config| {
        config.hub.max_event = LIMIT;
        // After an answer, what is left of a body has as long to come as the next request.
        config.keep_alive = Duration::from_millis(500);
        config.request_head_timeout = Duration::from_millis(500);
    });
    let mut connection = server.connect();
    connection.send(head("POST /events/a", &["transfer-encoding: chunked"]));
    let piece = chunk("x".repeat(64 * 1024));
    // Bounded all the same, by what takes minutes to send.
    let stopped = (0..1 << 22).any(|_| connection.try_send(&piece).is_err());
    assert!(stopped);
}

#[test]
fn a_million_empty_lines_are_counted_as_they_would_be_sent() {
    let server = TestServer::start();
    // Below the limit of 1 MiB as a body, and seven times that on the wire.
    for body in ["\n".repeat(1_000_000), "\r".repeat(1_000_000), "x\n".repeat(500_000)] {
        server.post("/events/a", &[], body).assert_problem(413, "event-too-large");
    }
    assert_eq!(server.metric("sse_retained_bytes"), 0);
}

#[test]
fn an_event_of_a_mebibyte_arrives_whole() {
    let server = TestServer::start();
    let mut streams: Vec<_> = (0..4).map(|_| server.subscribe("/events/a")).collect();
    let line = "0123456789abcde";
    let lines = 1024 * 1024 / (line.len() + 7);
    let data = vec![line; lines].join("\n");
    let id = server.publish("/events/a", &data);
    for stream in &mut streams {
        let event = stream.event();
        assert_eq!(event.id, id);
        assert!(event.data == data, "{} bytes of {}", event.data.len(), data.len());
    }
}

#[test]
fn a_retry_after_413_is_a_request_of_its_own() {
    let server = limited();
    server.post("/events/a", &[], "x".repeat(LIMIT + 1)).assert_problem(413, "event-too-large");
    let answer = server.request(post("/events/a", &[], "smaller"));
    assert_eq!(answer.head.status, 200);
}
