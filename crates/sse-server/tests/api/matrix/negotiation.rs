//! `Accept`, and the headers that a stream is opened with.

use crate::http::{Response, head};
use crate::server::TestServer;

const TARGETS: [&str; 2] = ["/events/a", "/events?topic=a"];

#[test]
fn whoever_accepts_an_event_stream_gets_one() {
    let server = TestServer::start();
    let table: [(&str, &[&str]); 10] = [
        ("no Accept", &[]),
        ("empty", &["accept: "]),
        ("anything", &["accept: */*"]),
        ("any text", &["accept: text/*"]),
        ("exactly", &["accept: text/event-stream"]),
        ("mixed case", &["aCCept: Text/Event-STREAM"]),
        ("smallest weight", &["accept: text/event-stream;q=0.001"]),
        ("with a charset", &["accept: text/event-stream; charset=utf-8"]),
        ("among others", &["accept: application/json, text/event-stream;q=0.5"]),
        ("in another line", &["accept: application/json", "accept: text/event-stream"]),
    ];
    for (name, accept) in table {
        for target in TARGETS {
            let mut connection = server.connect();
            connection.send(head(&format!("GET {target}"), accept));
            let answer = connection.head();
            assert_eq!(answer.status, 200, "{name}, {target}");
            assert_eq!(answer.header("content-type"), Some("text/event-stream"), "{name}, {target}");
        }
    }
}

#[test]
fn whoever_excludes_an_event_stream_is_told_so() {
    let server = TestServer::start();
    let table: [(&str, &[&str]); 5] = [
        ("another type", &["accept: application/json"]),
        ("weight zero", &["accept: text/event-stream;q=0"]),
        ("weight zero, the rest welcome", &["accept: text/event-stream;q=0, */*"]),
        ("all text excluded", &["accept: text/*;q=0.000, */*"]),
        ("two lines of others", &["accept: application/json", "accept: text/html"]),
    ];
    for (name, accept) in table {
        for target in TARGETS {
            let mut connection = server.connect();
            connection.send(head(&format!("HEAD {target}"), accept));
            assert_eq!(connection.head().status, 406, "HEAD, {name}, {target}");
            // On the same connection: an error does not cost the client a new one.
            connection.send(head(&format!("GET {target}"), accept));
            let answer: Response = connection.response();
            answer.assert_problem(406, "not-acceptable");
            assert!(answer.head.list("vary").contains(&"accept".to_owned()), "{name}, {target}");
            connection.send(head("GET /livez", &[]));
            assert_eq!(connection.response().head.status, 200);
        }
    }
    assert_eq!(server.metric("sse_topics"), 0, "a refused request leaves nothing behind");
}

#[test]
fn a_stream_is_neither_kept_nor_compressed_nor_held_up_on_the_way() {
    let server = TestServer::start();
    for target in TARGETS {
        let stream = server.subscribe_with(target, &["accept-encoding: gzip, br, zstd"]);
        let mut headers = stream.head.lasting();
        headers.retain(|(name, _)| name != "vary" && name != "connection");
        let expected = [
            ("cache-control", "no-store, no-transform"),
            ("content-type", "text/event-stream"),
            ("transfer-encoding", "chunked"),
            ("x-accel-buffering", "no"),
            ("x-content-type-options", "nosniff"),
        ];
        let found: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, expected, "{target}");
        assert_eq!(stream.head.list("vary"), ["accept"], "{target}");
        assert_eq!(stream.head.line, "HTTP/1.1 200 OK");
    }
}
