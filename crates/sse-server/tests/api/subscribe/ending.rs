//! How a stream ends: with its topics, or with the server; and what whoever returns is told.

use std::time::Duration;

use sse_server::Ended;

use crate::http::head;
use crate::server::TestServer;
use crate::stream::{Said, Stream};

#[test]
fn the_end_of_a_topic_gives_the_rest_then_says_so_then_closes_the_stream() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    server.publish("/events/a", "1");
    let last = server.publish("/events/a", "2");
    assert_eq!(server.delete("/events/a").head.status, 204);
    let events = stream.events_to_end();
    let said: Vec<_> = events.iter().map(|event| (event.name.as_str(), event.data.as_str())).collect();
    assert_eq!(said, [("", "1"), ("", "2"), ("sse.end", "{}")]);
    assert_eq!(events[2].id, last);
    server.await_metric("sse_subscribers", 0);
}

#[test]
fn after_the_last_chunk_the_connection_serves_on_or_is_over_as_the_head_has_said() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    server.publish("/events/a?end=true", "x");
    stream.events_to_end();
    stream.assert_serves_on_or_is_over();
}

#[test]
fn whoever_returns_at_the_end_is_told_to_stop() {
    // 204 is the one answer that makes an EventSource stop (WHATWG HTML section 9.2.3).
    let server = TestServer::start();
    let first = server.publish("/events/a", "1");
    let last = server.publish("/events/a?end=true", "2");
    let at = |id: &str| head("GET /events/a", &[&format!("last-event-id: {id}")]);
    for request in
        [at(&last), head("GET /events/a", &[]), head(&format!("GET /events/a?last_event_id={last}"), &[])]
    {
        let answer = server.request(request);
        assert_eq!(answer.head.status, 204);
        assert_eq!(answer.head.header("cache-control"), Some("no-store"));
        assert_eq!(answer.head.header("content-length"), None);
    }
    for (position, status) in [(&last, 204), (&first, 200)] {
        let mut connection = server.connect();
        connection.send(head("HEAD /events/a", &[&format!("last-event-id: {position}")]));
        assert_eq!(connection.head().status, status);
    }
    // Who has not seen it all gets the rest first.
    let mut stream = Stream::open(server.connect(), at(&first));
    stream.preamble();
    let events = stream.events_to_end();
    assert_eq!(events.iter().map(|event| event.data.as_str()).collect::<Vec<_>>(), ["2", "{}"]);
    let again = server.request(at(&events[1].id));
    assert_eq!(again.head.status, 204, "the end's own id leads to 204");
    assert_eq!(server.metric("sse_subscribers"), 0);
}

#[test]
fn an_ended_topic_can_be_replayed() {
    let server = TestServer::start();
    server.publish("/events/a", "1");
    server.publish("/events/a?end=true", "2");
    for _ in 0..2 {
        let mut stream = server.subscribe("/events/a?last_event_id=earliest");
        let events = stream.events_to_end();
        assert_eq!(events.iter().map(|event| event.data.as_str()).collect::<Vec<_>>(), ["1", "2", "{}"]);
    }
}

#[test]
fn an_ended_topic_tells_a_stranger_of_its_gap_before_its_end() {
    let server = TestServer::start();
    server.publish("/events/a?end=true", "1");
    let mut stream = server.subscribe_with("/events/a", &["last-event-id: 00000000-7"]);
    let names: Vec<_> = stream.events_to_end().into_iter().map(|event| event.name).collect();
    assert_eq!(names, ["sse.gap", "", "sse.end"]);
}

#[test]
fn a_topic_without_events_can_be_ended_while_it_is_read() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    assert_eq!(server.delete("/events/a").head.status, 204);
    let events = stream.events_to_end();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].name, "sse.end");
}

#[test]
fn a_drain_gives_the_rest_a_delay_and_a_position_and_a_clean_end() {
    let mut server = TestServer::with(|config| {
        config.hub.retry = Duration::from_millis(500);
        config.hub.drain = Duration::from_secs(2);
    });
    let mut streams: Vec<_> = (0..10).map(|_| server.subscribe("/events/a")).collect();
    let id = server.publish("/events/a", "x");
    server.begin_shutdown();
    for stream in &mut streams {
        let mut said: Vec<_> = std::iter::from_fn(|| match stream.next() {
            Said::End => None,
            other => Some(other),
        })
        .collect();
        let drain = said.pop();
        assert!(
            matches!(&drain, Some(Said::Event(event)) if event.name == "sse.drain" && event.data == "{}" && event.id == id),
            "{drain:?}"
        );
        let delay = said.pop();
        assert!(matches!(delay, Some(Said::Retry(500..=3000))), "{delay:?}");
        assert!(matches!(said.as_slice(), [Said::Event(event)] if event.id == id), "{said:?}");
    }
    for stream in streams {
        stream.into_connection().assert_over();
    }
    assert_eq!(server.ended(), Ended::Drained);
}

#[test]
fn a_server_that_has_begun_to_end_takes_no_more_connections() {
    let mut server = TestServer::start();
    // Holds the server: a body whose last byte is missing.
    let mut held = server.connect();
    held.send(head("POST /events/a", &["content-length: 1", "expect: 100-continue"]));
    assert_eq!(held.head().status, 100);
    let mut stream = server.subscribe("/events/a");
    server.begin_shutdown();
    assert_eq!(stream.event().name, "sse.drain");
    assert_eq!(stream.next(), Said::End);

    let until = std::time::Instant::now() + crate::http::BOUND;
    while std::net::TcpStream::connect(server.address()).is_ok() {
        assert!(std::time::Instant::now() < until, "it goes on listening");
    }
    held.send("x");
    held.response().assert_problem(503, "shutting-down");
    assert_eq!(server.ended(), Ended::Drained);
}

#[test]
fn whoever_comes_during_a_drain_is_told_to_come_back() {
    // With a status other than 200, an EventSource would not.
    let server = TestServer::with(|config| config.hub.retry = Duration::from_millis(500));
    server.publish("/events/a", "x");
    let mut connection = server.connect();
    connection.send(head("GET /livez", &[]));
    connection.response();
    server.hub().drain();
    let mut stream = Stream::open(connection, head("GET /events/a?last_event_id=earliest", &[]));
    assert_eq!(stream.next(), Said::Comment("come back".to_owned()));
    assert!(matches!(stream.next(), Said::Retry(500..=1000)));
    assert_eq!(stream.next(), Said::End);
    assert_eq!(server.metric("sse_subscribers"), 0);
}
