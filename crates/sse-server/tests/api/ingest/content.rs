//! What becomes of each line, however the body is cut.

use super::{EVENT_STREAM, chunked};
use crate::http::{head, post};
use crate::server::{TestServer, sequence};

/// A body with everything in it, and the events that it stands for.
const BODY: &str = "\u{FEFF}: comment\n\
    retry: 1\n\
    id: theirs\n\
    data: plain\n\
    \n\
    event: price\r\n\
    data: two\r\n\
    data:lines\r\n\
    \r\n\
    event: lost with its block\n\
    \n\
    data\r\
    data:  é€🦀 \r\
    id\r\
    \r\
    event: message\n\
    data: {\"a\": 1}\n\
    unknown: field\n\
    Data: not data\n\
    \n\
    :\n\
    \n\
    event: twice\n\
    event: last\n\
    data:\n\
    \n\
    data: never finished\n";

const EVENTS: [(&str, &str); 5] =
    [("", "plain"), ("price", "two\nlines"), ("", "\n é€🦀 "), ("", "{\"a\": 1}"), ("last", "")];

#[test]
fn a_body_means_the_same_however_it_is_cut() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    let head = head("POST /events/a", &[EVENT_STREAM, "transfer-encoding: chunked"]);
    for size in (1..BODY.len()).rev() {
        let answer = server.request([head.as_bytes(), &chunked(BODY.as_bytes(), size)].concat()).json();
        assert_eq!(answer["count"], EVENTS.len(), "chunks of {size}");
        assert_eq!(answer["unfinished"], true, "chunks of {size}");
        let received: Vec<_> = EVENTS.map(|_| stream.event()).into();
        let content = received.iter().map(|event| (event.name.as_str(), event.data.as_str()));
        assert_eq!(content.collect::<Vec<_>>(), EVENTS, "chunks of {size}");
        assert_eq!(answer["id"], received[EVENTS.len() - 1].id, "chunks of {size}");
    }
}

#[test]
fn ids_are_the_hubs_own() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    let body = "id: 7\ndata: x\n\nid: earliest\ndata: y\n\nid:\ndata: z\n\n";
    server.post("/events/a", &[EVENT_STREAM], body).json();
    let sequences: Vec<_> = (0..3).map(|_| sequence(&stream.event().id)).collect();
    assert_eq!(sequences, [1, 2, 3]);
}

#[test]
fn what_another_hub_said_itself_is_passed_over_and_counted() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    let body = "event: sse.gap\ndata: {}\n\ndata: x\n\nevent: sse.end\ndata: {}\n\n";
    let answer = server.post("/events/a?end=true", &[EVENT_STREAM], body).json();
    assert_eq!((&answer["count"], &answer["skipped"]), (&1.into(), &2.into()));
    let events = stream.events_to_end();
    let seen: Vec<_> = events.iter().map(|event| (event.name.as_str(), event.data.as_str())).collect();
    assert_eq!(seen, [("", "x"), ("sse.end", "{}")]);
}

#[test]
fn a_body_without_an_event_ends_its_topic_all_the_same() {
    let server = TestServer::start();
    server.post("/events/a?end=true", &[EVENT_STREAM], "").json();
    assert_eq!(server.get("/events/a").head.status, 204);
}

#[test]
fn a_body_of_known_length_will_do_as_well() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    for content_type in ["text/event-stream", "Text/Event-Stream", "text/event-stream; charset=utf-8"] {
        let answer = server.post("/events/a", &[&format!("content-type: {content_type}")], "data: x\n\n");
        assert_eq!(answer.json()["count"], 1, "{content_type}");
        assert_eq!(stream.event().data, "x", "{content_type}");
    }
}

#[test]
fn a_body_without_an_event_publishes_none() {
    let server = TestServer::start();
    for body in ["", "\n\n\n", ": comment\n\n", "id: 5\n\n", "event: x\n\n", "retry: 5\n\n", "data: cut"] {
        let answer = server.request(post("/events/a", &[EVENT_STREAM], body)).json();
        assert_eq!(answer["count"], 0, "{body:?}");
        assert!(answer["id"].is_null(), "{body:?}");
        assert_eq!(
            answer["unfinished"],
            if body == "data: cut" { true.into() } else { serde_json::Value::Null }
        );
    }
    assert_eq!(server.metric("sse_topics"), 0);
}

#[test]
fn one_chunk_may_hold_a_thousand_events() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    let body: String = (0..1000).map(|n| format!("data: {n}\n\n")).collect();
    assert_eq!(server.post("/events/a", &[EVENT_STREAM], body).json()["count"], 1000);
    let expected: Vec<_> = (0..1000).map(|n| n.to_string()).collect();
    assert_eq!(stream.data(1000), expected);
}
