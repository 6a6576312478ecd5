//! The first bytes of a stream: they come at once, so that a client knows that it is open and a proxy lets it through.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::http::{BOUND, head};
use crate::server::TestServer;
use crate::stream::{Said, Stream};

#[test]
fn the_preamble_comes_with_the_headers_before_any_event() {
    let server = TestServer::start();
    let mut stream = Stream::open(server.connect(), head("GET /events/a", &[]));
    assert_eq!(stream.next(), Said::Comment("ok".to_owned()));
    assert!(matches!(stream.next(), Said::Retry(_)));
    // The next thing is the event itself: the preamble has no blank line of its own.
    let id = server.publish("/events/a", "x");
    assert!(matches!(stream.next(), Said::Event(event) if event.id == id && event.data == "x"));
}

#[test]
fn the_headers_and_the_preamble_leave_together() {
    // In two pieces, a proxy may hold the second back until there is more of it.
    let server = TestServer::start();
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.set_read_timeout(Some(BOUND)).unwrap();
    socket.write_all(head("GET /events/a", &[]).as_bytes()).unwrap();
    let mut piece = [0; 4096];
    let length = socket.read(&mut piece).unwrap();
    let piece = String::from_utf8_lossy(&piece[..length]);
    assert!(piece.starts_with("HTTP/1.1 200 OK\r\n") && piece.contains("\nretry: "), "{piece:?}");
}

#[test]
fn the_subscription_is_there_by_the_time_of_the_headers() {
    let server = TestServer::start();
    for n in 0..50 {
        let mut stream = Stream::open(server.connect(), head("GET /events/a", &[]));
        let id = server.publish("/events/a", n.to_string());
        assert_eq!(stream.event().id, id);
    }
}

#[test]
fn every_stream_is_told_its_own_delay_between_once_and_twice_the_configured() {
    let server = TestServer::with(|config| config.hub.retry = Duration::from_millis(1000));
    let mut delays = HashSet::new();
    for _ in 0..30 {
        let mut stream = Stream::open(server.connect(), head("GET /events/a", &[]));
        let delay = stream.preamble();
        assert!((1000..=2000).contains(&delay), "{delay} ms");
        delays.insert(delay);
    }
    // That thirty of a thousand delays are three or fewer has odds of one to 10 to the 70.
    assert!(delays.len() > 3, "{delays:?}");
}

#[test]
fn whoever_leaves_is_no_longer_counted() {
    let server = TestServer::start();
    let streams: Vec<_> = (0..20).map(|_| server.subscribe("/events/a")).collect();
    assert_eq!(server.metric("sse_subscribers"), 20);
    assert_eq!(server.metric("sse_topics"), 1);
    drop(streams);
    server.await_metric("sse_subscribers", 0);

    // A client that closes only its side has gone, too: EventSource never does that.
    let half_closed = server.subscribe("/events/a").into_connection();
    half_closed.close_writing();
    server.await_metric("sse_subscribers", 0);
}

#[test]
fn strange_topics_cost_nothing_once_their_readers_have_gone_for_good() {
    let server = TestServer::with(|config| {
        config.hub.retain_age = Duration::from_secs(1);
        config.hub.forget_after = Duration::from_secs(1);
    });
    for n in 0..100 {
        server.subscribe(&format!("/events/random-{n}"));
    }
    server.await_metric("sse_subscribers", 0);
    let until = Instant::now() + BOUND;
    while server.metric("sse_topics") > 0 {
        // What the workers do anyway, in their own time.
        server.hub().broadcaster().expire();
        assert!(Instant::now() < until, "they are still there");
    }
}
