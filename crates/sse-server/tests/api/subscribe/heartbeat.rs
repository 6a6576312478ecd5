//! Heartbeats: a comment, and nothing else, between blocks, and only when there is nothing else to say.

use std::time::Duration;

use crate::server::TestServer;
use crate::stream::Said;

/// The shortest that can be configured.
const SHORT: Duration = Duration::from_millis(100);

#[test]
fn an_idle_stream_gets_comments_without_a_blank_line() {
    // A blank line would be an event to some clients. The reader of these tests refuses one outside a block.
    let server = TestServer::with(|config| config.hub.heartbeat = SHORT);
    let mut stream = server.subscribe("/events/a");
    for _ in 0..3 {
        assert_eq!(stream.next(), Said::Comment(String::new()));
    }
    let id = server.publish("/events/a", "x");
    assert_eq!(stream.event().id, id);
    assert_eq!(stream.next(), Said::Comment(String::new()));
}

#[test]
fn a_heartbeat_never_comes_within_a_block() {
    let server = TestServer::with(|config| config.hub.heartbeat = SHORT);
    let mut stalled = server.subscribe("/events/a");
    let mut idle = server.subscribe("/events/b");
    // More than all buffers on the way hold, so that the stream is in the middle of it while heartbeats come.
    let data = vec!["0123456789"; 60_000].join("\n");
    server.publish("/events/a", &data);
    server.publish("/events/a", "behind it");
    for _ in 0..5 {
        assert_eq!(idle.next(), Said::Comment(String::new()));
    }
    let event = stalled.event();
    assert!(event.data == data, "{} bytes", event.data.len());
    assert_eq!(stalled.event().data, "behind it");
}

#[test]
fn a_stream_with_events_needs_no_heartbeats() {
    // The heartbeat is far away, so one that came would not be due to time.
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    for n in 0..100 {
        server.publish("/events/a", n.to_string());
        assert!(matches!(stream.next(), Said::Event(event) if event.data == n.to_string()));
    }
}
