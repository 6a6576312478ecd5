//! `POST /events`: every event of the body names its topic.

use super::{EVENT_STREAM, begin, chunked};
use crate::access::{bearer, claims, guarded, token};
use crate::http::{chunk, head};
use crate::server::TestServer;

#[test]
fn each_event_goes_to_the_topic_that_it_names_as_it_arrives() {
    let server = TestServer::start();
    let (mut a, mut b) = (server.subscribe("/events/a"), server.subscribe("/events/b%20%2F%20c"));
    let mut publisher = begin(&server, "/events");
    publisher.send(chunk("topic: a\nevent: price\ndata: 1\n\n"));
    let first = a.event();
    assert_eq!((first.name.as_str(), first.data.as_str()), ("price", "1"));
    publisher
        .send(chunk("data: 2\ntopic: lost\ntopic:b / c\nid: theirs\n\ntopic: a\r\rtopic: a\rdata: 3\r\r"));
    assert_eq!(b.event().data, "2");
    let last = a.event();
    assert_eq!((last.name.as_str(), last.data.as_str()), ("", "3"));
    publisher.send(chunk(""));
    let answer = publisher.response().json();
    assert_eq!((&answer["count"], &answer["id"]), (&3.into(), &last.id.into()));
    assert_eq!(server.metric("sse_topics"), 2, "what is not an event names no topic either");
}

#[test]
fn readers_do_not_see_the_line() {
    let server = TestServer::start();
    let body = "topic: a\nevent: e\ndata: x\n\ndata: y\ntopic: a\n\n";
    server.post("/events", &[EVENT_STREAM], body).json();
    // To one topic it says nothing, and does no harm.
    server.post("/events/a?end=true", &[EVENT_STREAM], "topic: b\ndata: z\n\n").json();
    let stream = server.get("/events/a?last_event_id=earliest").text();
    assert_eq!(stream.matches("data: ").count(), 4, "{stream}");
    assert!(!stream.contains("topic"), "{stream}");
    assert_eq!(server.metric("sse_topics"), 1);
}

#[test]
fn many_topics_each_keep_their_order() {
    const TOPICS: usize = 500;
    const EACH: usize = 20;

    let server = TestServer::start();
    let mut streams: Vec<_> = (0..5).map(|n| server.subscribe(&format!("/events/t{}", n * 100))).collect();
    let events = (0..TOPICS * EACH).map(|n| format!("topic: t{}\ndata: {}\n\n", n % TOPICS, n / TOPICS));
    let body = events.collect::<String>();
    let head = head("POST /events", &[EVENT_STREAM, "transfer-encoding: chunked"]);
    let answer = server.request([head.as_bytes(), &chunked(body.as_bytes(), 1000)].concat()).json();
    assert_eq!(answer["count"], TOPICS * EACH);
    let expected: Vec<_> = (0..EACH).map(|n| n.to_string()).collect();
    for stream in &mut streams {
        assert_eq!(stream.data(EACH), expected);
    }
    assert_eq!(server.metric("sse_topics"), TOPICS as u64);
}

#[test]
fn the_first_event_that_cannot_be_published_is_named_by_its_number() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    server.publish("/events/over?end=true", "x");
    let long = format!("topic: {}\ndata: x\n\n", "n".repeat(257));
    let table: [(&[u8], u16, &str, &str); 7] = [
        (b"data: x\n\n", 400, "invalid-topic", "topic: NAME"),
        (b"topic\ndata: x\n\n", 400, "invalid-topic", "empty"),
        (b"topic: a\tb\ndata: x\n\n", 400, "invalid-topic", "control character"),
        (b"topic: \xFF\ndata: x\n\n", 400, "invalid-topic", "UTF-8"),
        (long.as_bytes(), 400, "invalid-topic", "257"),
        (b"topic: a\nevent: e\0\ndata: x\n\n", 400, "invalid-event", "U+0000"),
        (b"topic: over\ndata: x\n\n", 409, "topic-ended", "another topic"),
    ];
    for (bad, status, slug, why) in table {
        let mut publisher = begin(&server, "/events");
        // What another hub said itself has no topic, is passed over, and counts as an event of the body.
        publisher.send(chunk("topic: a\ndata: 1\n\nevent: sse.gap\ndata: {}\n\ntopic: a\ndata: 2\n\n"));
        let last = [stream.event(), stream.event()].map(|event| event.id)[1].clone();
        publisher.send(chunk([bad, b"topic: a\ndata: behind it\n\n"].concat()));
        let detail = publisher.response().assert_problem(status, slug);
        assert!(detail.starts_with("event 4: ") && detail.contains(why), "{detail}");
        assert!(
            detail.contains(&format!("(2 events before it were published, the last is {last})")),
            "{detail}"
        );
    }
    let first = server.post("/events", &[EVENT_STREAM], "data: x\n\n").assert_problem(400, "invalid-topic");
    assert!(first.starts_with("event 1: ") && first.ends_with("(nothing was published)"), "{first}");
    server.publish("/events/a", "the topic goes on");
    assert_eq!(stream.event().data, "the topic goes on");
}

#[test]
fn the_topics_are_those_that_the_token_grants() {
    let server = guarded();
    let publish = |topics: &[&str], body: &str| {
        let headers = [EVENT_STREAM, &*bearer(&token(&claims(topics, &[])))];
        server.post("/events", &headers, body)
    };
    let to =
        |topics: &[&str]| -> String { topics.iter().map(|t| format!("topic: {t}\ndata: x\n\n")).collect() };
    assert_eq!(publish(&["a", "b"], &to(&["a", "b", "a"])).json()["count"], 3);
    assert_eq!(publish(&["*"], &to(&["a", "c"])).json()["count"], 2);
    for other in ["c", "A", "a/", "*"] {
        let answer = publish(&["a", "b"], &to(&["a", other, "b"]));
        let detail = answer.assert_problem(403, "not-granted");
        assert!(detail.starts_with("event 2: ") && detail.contains("(1 events before"), "{other}: {detail}");
        assert!(answer.head.header("www-authenticate").is_some());
    }
    // Who may publish to nothing learns it at once.
    let mut nothing = server.connect();
    let headers = [EVENT_STREAM, &*bearer(&token(&claims(&[], &["*"]))), "transfer-encoding: chunked"];
    nothing.send(head("POST /events", &headers));
    nothing.response().assert_problem(403, "not-granted");
    assert_eq!(server.metric("sse_events_published_total"), 9);
}

#[test]
fn what_is_no_stream_of_events_is_told_where_to_go() {
    let server = TestServer::start();
    for headers in [&[][..], &["content-type: text/plain"], &["content-type: application/json"]] {
        let detail = server.post("/events", headers, "x").assert_problem(415, "unsupported-media-type");
        assert!(detail.contains("text/event-stream") && detail.contains("/events/{topic}"), "{detail}");
    }
    let body = "topic: a\ndata: x\n\n";
    for query in ["end=true", "event=e", "topic=a"] {
        let answer = server.post(&format!("/events?{query}"), &[EVENT_STREAM], body);
        answer.assert_problem(400, "invalid-query");
    }
    server.post("/events", &[EVENT_STREAM, "idempotency-key: k"], body).assert_problem(400, "bad-request");
    let encoded = server.post("/events", &[EVENT_STREAM, "content-encoding: gzip"], body);
    encoded.assert_problem(415, "unsupported-media-type");
    assert_eq!(server.metric("sse_topics"), 0);
}

#[test]
fn a_topic_that_ends_in_mid_stream_stops_the_publisher_at_its_next_event() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events?topic=a&topic=b");
    let mut publisher = begin(&server, "/events");
    publisher.send(chunk("topic: a\ndata: 1\n\ntopic: b\ndata: 2\n\n"));
    assert_eq!(stream.data(2), ["1", "2"]);
    server.delete("/events/a");
    publisher.send(chunk("topic: b\ndata: 3\n\n"));
    assert_eq!(stream.data(1), ["3"]);
    publisher.send(chunk("topic: b\ndata: 4\n\ntopic: a\ndata: too late\n\n"));
    let detail = publisher.response().assert_problem(409, "topic-ended");
    assert!(detail.starts_with("event 5: ") && detail.contains("4 events before it"), "{detail}");
    assert_eq!(stream.data(1), ["4"]);
}

#[test]
fn a_drain_does_not_wait_for_it_and_it_is_one_of_the_streams() {
    let server = TestServer::with(|config| config.hub.max_streams = Some(2));
    let mut stream = server.subscribe("/events/a");
    let mut publisher = begin(&server, "/events");
    publisher.send(chunk("topic: a\ndata: 1\n\n"));
    let id = stream.event().id;
    begin(&server, "/events").response().assert_problem(503, "overloaded");
    server.hub().drain();
    let detail = publisher.response().assert_problem(503, "shutting-down");
    assert!(detail.contains(&id), "it says where to go on: {detail}");
}
