//! What is no event: everything is checked before anything is done.

use crate::http::{Connection, chunk, head, post};
use crate::server::TestServer;

#[test]
fn a_refused_publish_is_a_problem_and_publishes_nothing() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    let names: Vec<String> = ('\0'..='\u{1F}')
        .chain('\u{7F}'..='\u{9F}')
        .chain('\u{202A}'..='\u{202E}')
        .chain('\u{2066}'..='\u{2069}')
        .map(|c| format!("?event=a{}b", encoded(c)))
        .chain(["?event=sse.gap", "?event=sse.", "?event=%73se.x"].map(str::to_owned))
        .chain([format!("?event={}", "n".repeat(256))])
        .collect();
    for query in &names {
        server.post(&format!("/events/a{query}"), &[], "x").assert_problem(400, "invalid-event");
    }
    let queries = [
        "?event=a&event=b",
        "?event=a&event=a",
        "?event=%FF",
        "?event=%zz",
        "?Event=a",
        "?name=a",
        "?id=5",
        "?end=yes",
        "?end=",
        "?end=true&end=true",
        "?last_event_id=earliest",
        "?x",
    ];
    for query in queries {
        server.post(&format!("/events/a{query}"), &[], "x").assert_problem(400, "invalid-query");
    }
    let bodies: [&[u8]; 6] =
        [b"\xFF", b"a\xC3", b"\xED\xA0\x80", b"\xC0\xAF", b"\xF4\x90\x80\x80", b"ab\x80cd"];
    for body in bodies {
        let detail = server.post("/events/a", &[], body).assert_problem(400, "invalid-event");
        assert!(detail.contains("UTF-8"), "{detail}");
    }
    let types: [&[&str]; 8] = [
        &["content-encoding: gzip"],
        &["content-encoding: identity", "content-encoding: br"],
        &["content-type: text/plain; charset=iso-8859-1"],
        &["content-type: application/json;charset=utf-16"],
        &["content-type: text/event-stream; charset=latin1"],
        &["content-type: nonsense"],
        &["content-type: "],
        &["content-type: text/plain\u{e9}"],
    ];
    for headers in types {
        server.post("/events/a", headers, "x").assert_problem(415, "unsupported-media-type");
    }
    assert_eq!(server.metric("sse_events_published_total"), 0);
    let id = server.publish("/events/a", "the first");
    assert_eq!(stream.event().id, id, "nothing came before it");
}

#[test]
fn a_refusal_says_where_the_data_stops_being_text() {
    let server = TestServer::start();
    let detail = server.post("/events/a", &[], b"abc\xFF").assert_problem(400, "invalid-event");
    assert!(detail.contains("byte 3"), "{detail}");
}

#[test]
fn a_refusal_does_not_repeat_what_was_sent() {
    let server = TestServer::start();
    let table = [
        ("/events/a?event=%3Cscript%3E%0A", &[][..], "x"),
        ("/events/a?%3Cscript%3E=x", &[], "x"),
        ("/events/%3Cscript%3E%00", &[], "x"),
        ("/events/a", &["content-type: <script>"], "x"),
        ("/events/a", &["content-encoding: <script>"], "x"),
    ];
    for (target, headers, body) in table {
        let answer = server.post(target, headers, body);
        assert!(answer.head.status >= 400, "{target}");
        assert!(!answer.text().contains("script"), "{answer:?}");
    }
}

#[test]
fn after_a_refusal_the_connection_goes_on() {
    let server = TestServer::start();
    let mut connection = server.connect();
    connection.send(post("/events/a?event=sse.x", &[], "refused"));
    assert_eq!(connection.response().head.status, 400);
    assert_published(&mut connection);
    connection.send(post("/events/a", &[], b"\xFF"));
    assert_eq!(connection.response().head.status, 400);
    assert_published(&mut connection);
    // The handler did not read this body, which has what looks like the end of a head in it.
    connection.send(head("POST /events/a?event=sse.x", &["transfer-encoding: chunked"]));
    connection.send([chunk("refused\r\n\r\n"), chunk("x"), chunk("")].concat());
    assert_eq!(connection.response().head.status, 400);
    assert_published(&mut connection);
}

#[test]
fn an_empty_topic_is_refused_before_its_body_is_read() {
    let server = TestServer::start();
    let mut connection = server.connect();
    // The body never comes.
    connection.send(head("POST /events/", &["content-length: 10"]));
    connection.response().assert_problem(400, "invalid-topic");
}

fn assert_published(connection: &mut Connection) {
    connection.send(post("/events/a", &[], "x"));
    assert_eq!(connection.response().head.status, 200);
}

fn encoded(c: char) -> String {
    c.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect()
}
