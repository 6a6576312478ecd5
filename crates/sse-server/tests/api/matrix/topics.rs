//! Names of topics, in paths and in queries: the same name means the same topic however it is written.

use crate::http::{Response, head, post};
use crate::server::TestServer;

/// Every way to name a topic in a request.
fn answers(server: &TestServer, encoded: &str) -> [(&'static str, Response); 4] {
    let get = |target: String| server.request(head(&format!("GET {target}"), &[]));
    [
        ("GET, path", get(format!("/events/{encoded}"))),
        ("GET, query", get(format!("/events?topic={encoded}"))),
        ("POST", server.request(post(&format!("/events/{encoded}"), &[], "x"))),
        ("DELETE", server.request(head(&format!("DELETE /events/{encoded}"), &[]))),
    ]
}

#[test]
fn a_topic_has_1_to_256_bytes_and_no_control_characters() {
    let server = TestServer::start();
    let long = "x".repeat(257);
    let long_in_bytes = "%C3%A9".repeat(129);
    for encoded in
        ["", "a%00b", "a%0Db", "a%0Ab", "%0D%0A", "a%09b", "a%7Fb", "a%C2%85b", &long, &long_in_bytes]
    {
        for (how, answer) in answers(&server, encoded) {
            let detail = answer.assert_problem(400, "invalid-topic");
            assert!(!detail.is_empty(), "{how} {encoded}");
        }
    }
    assert_eq!(server.metric("sse_topics"), 0);
    assert_eq!(server.metric("sse_events_published_total"), 0);
}

#[test]
fn head_refuses_what_get_refuses() {
    let server = TestServer::start();
    for target in ["/events/a%00b", "/events/", "/events?topic=", "/events", "/events?topics=a"] {
        let mut connection = server.connect();
        connection.send(head(&format!("HEAD {target}"), &[]));
        assert_eq!(connection.head().status, 400, "{target}");
    }
}

#[test]
fn percent_encoding_that_is_not_utf8_or_not_percent_encoding_is_refused() {
    let server = TestServer::start();
    for encoded in ["%FF", "a%C3", "%ED%A0%80", "%zz", "a%", "a%4"] {
        for (how, answer) in answers(&server, encoded) {
            assert_eq!(answer.head.status, 400, "{how} {encoded}: {answer:?}");
        }
    }
    assert_eq!(server.metric("sse_topics"), 0);
}

#[test]
fn a_name_means_the_same_topic_in_a_path_and_in_a_query() {
    let server = TestServer::start();
    let longest = "x".repeat(256);
    let longest_in_bytes = "%C3%A9".repeat(128);
    let names = [
        "a",
        "sse.gap",
        "a/b",
        "a%2Fb/",
        "a//b",
        "/",
        "..%2F..",
        "a%20b",
        "caf%C3%A9",
        "%E6%97%A5%E6%9C%AC",
        "100%25",
        "a%2525b",
        "a%252Fb",
        "a%2Bb",
        "a%3Fb%23c%26d%3De",
        "%F0%9F%A6%80",
        "*:@!$'(),;~",
        &longest,
        &longest_in_bytes,
    ];
    for name in names {
        let mut by_path = server.subscribe(&format!("/events/{name}"));
        let mut by_query = server.subscribe(&format!("/events?topic={name}"));
        let id = server.publish(&format!("/events/{name}"), name);
        assert_eq!(by_path.event().id, id, "{name}");
        assert_eq!(by_query.event().id, id, "{name}");
    }
}

#[test]
fn different_names_are_different_topics() {
    let server = TestServer::start();
    let names = ["a", "A", "a/", "/a", "a%20", "a%2520", "a//", "e%CC%81", "%C3%A9", "a+b", "a%20b", "a%2Fb"];
    let mut streams = names.map(|name| server.subscribe(&format!("/events/{name}")));
    for name in names {
        server.publish(&format!("/events/{name}"), name);
    }
    for (stream, name) in streams.iter_mut().zip(names) {
        assert_eq!(stream.event().data, name);
    }
}

#[test]
fn a_slash_in_a_name_may_be_encoded_or_not() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a/b/c");
    server.publish("/events/a%2Fb%2fc", "x");
    assert_eq!(stream.event().data, "x");
}
