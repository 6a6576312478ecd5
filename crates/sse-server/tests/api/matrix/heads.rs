//! Requests around a body: one that should not be there, one that is announced, one with two lengths.

use crate::http::{chunk, head, post};
use crate::server::TestServer;

#[test]
fn a_request_for_a_stream_has_no_body() {
    let server = TestServer::start();
    let table: [(&str, &[&str], Vec<u8>); 4] = [
        ("of a known length", &["content-length: 3"], b"abc".to_vec()),
        ("that never comes", &["content-length: 1000000000000"], Vec::new()),
        ("in chunks", &["transfer-encoding: chunked"], [chunk("abc"), chunk("")].concat()),
        ("in chunks without an end", &["transfer-encoding: chunked"], chunk("abc")),
    ];
    for (name, headers, body) in table {
        for target in ["/events/a", "/events?topic=a"] {
            let request = [head(&format!("GET {target}"), headers).as_bytes(), &body].concat();
            let detail = server.request(request).assert_problem(400, "bad-request");
            assert!(detail.contains("no body"), "{name}: {detail}");
        }
    }
    assert_eq!(server.metric("sse_subscribers"), 0);
    assert_eq!(server.subscribe_with("/events/a", &["content-length: 0"]).head.status, 200);
}

#[test]
fn whoever_waits_for_100_continue_gets_it() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    let mut connection = server.connect();
    for body in ["first", "second"] {
        let length = format!("content-length: {}", body.len());
        connection.send(head("POST /events/a", &["expect: 100-continue", &length]));
        assert_eq!(connection.head().status, 100);
        connection.send(body);
        assert_eq!(connection.response().head.status, 200);
        assert_eq!(stream.event().data, body);
    }
}

#[test]
fn a_body_with_two_lengths_is_refused_and_ends_the_connection() {
    // What one reads as a body, another would read as the next request (RFC 9112 section 11.2).
    let server = TestServer::start();
    let smuggled = head("DELETE /events/a", &[]);
    let table: [(&str, &[&str]); 5] = [
        ("chunks and a length", &["transfer-encoding: chunked", "content-length: 5"]),
        ("a length and chunks", &["content-length: 5", "transfer-encoding: chunked"]),
        ("two lengths", &["content-length: 0", "content-length: 5"]),
        ("a signed length", &["content-length: +5"]),
        ("chunks that are not last", &["transfer-encoding: chunked, identity"]),
    ];
    let id = server.publish("/events/a", "x");
    for (name, headers) in table {
        let request =
            [head("POST /events/a", headers).as_bytes(), b"0\r\n\r\n", smuggled.as_bytes()].concat();
        let mut connection = server.connect();
        connection.send(request);
        assert_eq!(connection.response().head.status, 400, "{name}");
        connection.assert_over();
    }
    let mut position = server.connect();
    position.send(head("HEAD /events/a", &[]));
    assert_eq!(position.head().header("last-event-id"), Some(id.as_str()), "nothing was published");
    assert_eq!(server.post("/events/a", &[], "").head.status, 200, "the topic has not ended");
}

#[test]
fn publishers_may_keep_their_connection_and_send_ahead() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    let mut connection = server.connect();
    let burst: Vec<u8> = (0..20).flat_map(|n| post("/events/a", &[], n.to_string())).collect();
    connection.send(burst);
    for n in 0..20 {
        assert_eq!(connection.response().head.status, 200, "answer {n}");
    }
    let expected: Vec<_> = (0..20).map(|n| n.to_string()).collect();
    assert_eq!(stream.data(20), expected);
}

#[test]
fn whatever_is_sent_on_an_open_stream_closes_it() {
    let server = TestServer::start();
    let get = head("GET /events/a", &[]);
    let table: [(&str, Vec<u8>); 4] = [
        ("a byte", b"x".to_vec()),
        ("an empty line", b"\r\n".to_vec()),
        ("another request", get.clone().into_bytes()),
        ("a flood", vec![b'x'; 1 << 20]),
    ];
    for (name, junk) in table {
        let mut connection = server.subscribe("/events/a").into_connection();
        // The server may close before it has all of it.
        let _ = connection.try_send(&junk);
        assert!(connection.rest().is_empty(), "{name}");
        server.await_metric("sse_subscribers", 0);

        let mut together = server.connect();
        let _ = together.try_send([get.as_bytes(), &junk].concat());
        together.rest();
        server.await_metric("sse_subscribers", 0);
    }
}
