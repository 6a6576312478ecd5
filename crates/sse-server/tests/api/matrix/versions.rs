//! HTTP/1.0 clients, nginx among them, and what HTTP/1.1 asks of a request.

use crate::http::head;
use crate::server::TestServer;
use crate::stream::{Said, Stream};

#[test]
fn http_1_0_gets_a_stream_without_chunks_which_ends_with_the_connection() {
    let server = TestServer::start();
    let table = [
        ("plain", "GET /events/a HTTP/1.0\r\n\r\n"),
        ("with a host", "GET /events/a HTTP/1.0\r\nhost: test\r\n\r\n"),
        ("who would keep it alive", "GET /events/a HTTP/1.0\r\nconnection: keep-alive\r\n\r\n"),
        ("several topics", "GET /events?topic=a&topic=b HTTP/1.0\r\n\r\n"),
    ];
    let mut streams: Vec<_> =
        table.map(|(name, request)| (name, Stream::open(server.connect(), request))).into();
    for (_, stream) in &mut streams {
        stream.preamble();
    }
    let id = server.publish("/events/a", "two\nlines");
    server.delete("/events/a");
    server.publish("/events/b?end=true", "");

    for (name, mut stream) in streams {
        assert_eq!(stream.head.line, "HTTP/1.0 200 OK", "{name}");
        assert_eq!(stream.head.header("transfer-encoding"), None, "{name}");
        assert_eq!(stream.head.header("content-length"), None, "{name}");
        let connection = stream.head.header("connection");
        assert!(connection.is_none_or(|value| value == "close"), "{name}: {connection:?}");
        let first = stream.event();
        assert_eq!((first.data.as_str(), &first.id), ("two\nlines", &id), "{name}");
        let last = stream.events_to_end().pop().expect("the end is announced");
        assert_eq!(last.name, "sse.end", "{name}");
        stream.into_connection().assert_over();
    }
}

#[test]
fn http_1_0_publishes_and_asks_too() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    let posted = server.request("POST /events/a HTTP/1.0\r\ncontent-length: 3\r\n\r\nold");
    assert_eq!(posted.head.status, 200);
    assert_eq!(stream.event().data, "old");

    let mut connection = server.connect();
    connection.send("HEAD /events/a HTTP/1.0\r\n\r\n");
    let answer = connection.head();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("transfer-encoding"), None);
    connection.assert_over();
}

#[test]
fn http_1_0_is_told_to_come_back_by_a_hub_that_drains() {
    let server = TestServer::start();
    server.hub().drain();
    let mut stream = Stream::open(server.connect(), "GET /events/a HTTP/1.0\r\n\r\n");
    assert_eq!(stream.next(), Said::Comment("come back".to_owned()));
    assert!(matches!(stream.next(), Said::Retry(_)));
    assert_eq!(stream.next(), Said::End);
    stream.into_connection().assert_over();
}

#[test]
fn http_1_1_names_its_host() {
    let server = TestServer::start();
    let mut connection = server.connect();
    connection.send("GET /events/a HTTP/1.1\r\n\r\n");
    assert_eq!(connection.response().head.status, 400);
    connection.assert_over();
}

#[test]
fn a_target_may_be_a_whole_url() {
    // RFC 9112 section 3.2.2: a server must accept it, for that is how it comes through some proxies.
    let server = TestServer::start();
    let mut stream = server.subscribe("http://test/events/a");
    server.publish("/events/a", "x");
    assert_eq!(stream.event().data, "x");
}

#[test]
fn a_request_may_be_sent_byte_by_byte() {
    let server = TestServer::start();
    let mut connection = server.connect();
    for byte in head("GET /events/a", &["accept: text/event-stream"]).bytes() {
        connection.send([byte]);
    }
    assert_eq!(connection.head().status, 200);
}
