//! How a body ends, and what that means for its topic.

use super::{EVENT_STREAM, begin};
use crate::http::{chunk, head};
use crate::server::TestServer;

#[test]
fn the_end_of_the_body_ends_the_topic_if_asked_to() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    let mut publisher = begin(&server, "/events/a?end=true");
    publisher.send([chunk("data: last\n\n"), chunk("")].concat());
    let answer = publisher.response().json();
    let events = stream.events_to_end();
    assert_eq!(events[0].id, answer["id"]);
    assert_eq!(events.last().expect("the end is announced").name, "sse.end");
    server.post("/events/a", &[], "x").assert_problem(409, "topic-ended");
}

#[test]
fn otherwise_the_topic_goes_on() {
    let server = TestServer::start();
    for query in ["", "?end=false"] {
        server.post(&format!("/events/a{query}"), &[EVENT_STREAM], "data: x\n\n").json();
    }
    server.publish("/events/a", "still there");
}

#[test]
fn a_body_that_breaks_off_does_not_end_the_topic() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    let half = chunk("data: before\n\ndata: lost");

    let mut dies = begin(&server, "/events/a?end=true");
    dies.send(&half);
    assert_eq!(stream.event().data, "before");
    drop(dies);

    let mut hangs_up = begin(&server, "/events/a?end=true");
    hangs_up.send(&half);
    assert_eq!(stream.event().data, "before");
    hangs_up.close_writing();
    // It may be told, if it listens; what matters is that it is not told that all went well.
    let rest = String::from_utf8(hangs_up.rest()).unwrap();
    assert!(!rest.contains("200 OK"), "{rest}");

    let mut announced = server.connect();
    announced.send(head("POST /events/a?end=true", &[EVENT_STREAM, "content-length: 1000"]));
    announced.send("data: before\n\n");
    assert_eq!(stream.event().data, "before");
    drop(announced);

    let mut garbled = begin(&server, "/events/a?end=true");
    garbled.send(&half);
    assert_eq!(stream.event().data, "before");
    garbled.send("this is no chunk\r\n");
    garbled.rest();

    // Readers have heard nothing of it, and another publisher takes over.
    server.publish("/events/a?end=true", "after");
    assert_eq!(stream.event().data, "after");
    assert_eq!(stream.event().name, "sse.end");
}

#[test]
fn a_stream_into_an_ended_topic_is_refused_with_its_first_event() {
    let server = TestServer::start();
    server.publish("/events/a?end=true", "x");
    let mut publisher = begin(&server, "/events/a");
    publisher.send(chunk("data: too late\n\n"));
    let detail = publisher.response().assert_problem(409, "topic-ended");
    assert!(detail.contains("nothing was published"), "{detail}");
}

#[test]
fn a_topic_that_ends_in_mid_stream_stops_the_publisher() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    let mut publisher = begin(&server, "/events/a");
    publisher.send(chunk("data: 1\n\ndata: 2\n\n"));
    assert_eq!(stream.data(2), ["1", "2"]);
    server.delete("/events/a");
    publisher.send(chunk("data: 3\n\n"));
    let detail = publisher.response().assert_problem(409, "topic-ended");
    assert!(detail.contains("2 events before it were published"), "{detail}");
}

#[test]
fn a_drain_does_not_wait_for_a_body_that_goes_on() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    let mut publisher = begin(&server, "/events/a?end=true");
    publisher.send(chunk("data: 1\n\n"));
    let id = stream.event().id;
    server.hub().drain();
    let answer = publisher.response();
    let detail = answer.assert_problem(503, "shutting-down");
    assert!(detail.contains(&id), "it says where to go on: {detail}");
    assert!(answer.head.header("retry-after").is_some());
    let said: Vec<_> = stream.events_to_end().into_iter().map(|event| event.name).collect();
    assert_eq!(said, ["sse.drain"], "the topic has not ended");
}
