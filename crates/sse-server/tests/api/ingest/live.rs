//! Events come out while the body is still open.

use super::{EVENT_STREAM, begin};
use crate::http::{chunk, head};
use crate::server::TestServer;

#[test]
fn an_event_is_delivered_before_the_next_is_sent() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    let mut publisher = begin(&server, "/events/a");
    for n in 0..50 {
        publisher.send(chunk(format!("data: {n}\n\n")));
        assert_eq!(stream.event().data, n.to_string());
    }
    publisher.send(chunk(""));
    let answer = publisher.response().json();
    assert_eq!(answer["count"], 50);
    server.publish("/events/a", "the topic goes on");
    assert_eq!(stream.event().data, "the topic goes on");
}

#[test]
fn an_event_is_not_delivered_before_its_blank_line() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    let mut publisher = begin(&server, "/events/a");
    publisher.send(chunk("data: unfinished\n"));
    publisher.send(chunk("data: business\n"));
    server.publish("/events/a", "in between");
    assert_eq!(stream.event().data, "in between");
    publisher.send(chunk("\n"));
    assert_eq!(stream.event().data, "unfinished\nbusiness");
}

#[test]
fn several_publishers_at_a_topic_do_not_mix_their_events() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    let (mut one, mut two) = (begin(&server, "/events/a"), begin(&server, "/events/a"));
    one.send(chunk("event: one\ndata: 1"));
    two.send(chunk("event: two\ndata: 2\n\n"));
    assert_eq!(stream.event().data, "2");
    one.send(chunk("1\n\n"));
    let event = stream.event();
    assert_eq!((event.name.as_str(), event.data.as_str()), ("one", "11"));
}

#[test]
fn a_reader_joins_and_resumes_while_the_body_goes_on() {
    let server = TestServer::start();
    let mut publisher = begin(&server, "/events/a");
    publisher.send(chunk("data: 0\n\ndata: 1\n\n"));
    let mut first = server.subscribe("/events/a?last_event_id=earliest");
    assert_eq!(first.event().data, "0");
    let position = first.event().id;
    drop(first);
    publisher.send(chunk("data: 2\n\n"));
    let mut again = server.subscribe_with("/events/a", &[&format!("last-event-id: {position}")]);
    publisher.send(chunk("data: 3\n\n"));
    assert_eq!(again.data(2), ["2", "3"]);
}

#[test]
fn whoever_waits_for_100_continue_gets_it_for_a_stream_too() {
    // curl does, when it is given a body of unknown length.
    let server = TestServer::start();
    let mut publisher = server.connect();
    let headers = [EVENT_STREAM, "transfer-encoding: chunked", "expect: 100-continue"];
    publisher.send(head("POST /events/a", &headers));
    assert_eq!(publisher.head().status, 100);
    publisher.send([chunk("data: x\n\n"), chunk("")].concat());
    assert_eq!(publisher.response().json()["count"], 1);
}
