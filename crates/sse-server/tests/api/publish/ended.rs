//! Publishing to what has ended: a topic, or the whole hub.

use crate::http::head;
use crate::server::TestServer;

#[test]
fn an_ended_topic_takes_no_more_events() {
    let server = TestServer::start();
    server.publish("/events/a", "x");
    assert_eq!(server.delete("/events/a").head.status, 204);
    let detail = server.post("/events/a", &[], "y").assert_problem(409, "topic-ended");
    assert!(!detail.is_empty());
    assert_eq!(server.delete("/events/a").head.status, 204, "ending it again changes nothing");
    assert_eq!(server.post("/events/b", &[], "y").head.status, 200, "others go on");
    assert_eq!(server.metric("sse_events_published_total"), 2);
}

#[test]
fn a_topic_that_was_never_there_cannot_be_ended() {
    let server = TestServer::start();
    server.delete("/events/a").assert_problem(404, "not-found");
    server.publish("/events/a", "x");
}

#[test]
fn the_last_event_may_end_the_topic() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    server.publish("/events/a?end=true&event=done", "bye");
    let last = stream.event();
    assert_eq!((last.name.as_str(), last.data.as_str()), ("done", "bye"));
    let end = stream.events_to_end();
    assert_eq!(end.len(), 1);
    assert_eq!((end[0].name.as_str(), &end[0].id), ("sse.end", &last.id));
    server.post("/events/a", &[], "y").assert_problem(409, "topic-ended");
}

#[test]
fn a_hub_that_drains_sends_publishers_elsewhere_for_a_while() {
    let server = TestServer::start();
    server.publish("/events/a", "x");
    server.hub().drain();
    for _ in 0..10 {
        let answer = server.post("/events/a", &[], "y");
        answer.assert_problem(503, "shutting-down");
        let after: u64 = answer.head.header("retry-after").expect("it says when").parse().unwrap();
        assert!((3..=6).contains(&after), "{after} s, with a base of 3 s");
    }
    let answer = server.get("/readyz");
    answer.assert_problem(503, "shutting-down");
    assert!(answer.head.header("retry-after").is_some());
    assert_eq!(server.get("/livez").text(), "ok\n", "it lives until it is gone");
    assert_eq!(server.metric("sse_events_published_total"), 1);
    assert_eq!(server.metric("sse_draining"), 1);
}

#[test]
fn a_publish_whose_body_was_still_coming_when_the_drain_began_is_refused() {
    let server = TestServer::start();
    let mut connection = server.connect();
    connection.send(head("POST /events/a", &["content-length: 2", "expect: 100-continue"]));
    // The handler has the request by now.
    assert_eq!(connection.head().status, 100);
    connection.send("x");
    server.hub().drain();
    connection.send("y");
    connection.response().assert_problem(503, "shutting-down");
}
