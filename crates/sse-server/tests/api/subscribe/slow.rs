//! A reader that does not keep up is told exactly what it lost, and costs nobody else anything.

use socket2::{Domain, Socket, Type};

use crate::http::{Connection, head};
use crate::server::{TestServer, epoch, sequence, text};
use crate::stream::Stream;

const EVENTS: u64 = 400;

/// What the topic retains: far less than is published, and the reader's buffers hold little of it.
fn forgetful() -> TestServer {
    TestServer::with(|config| {
        config.hub.max_event = 16 * 1024;
        config.hub.retain_bytes = 128 * 1024;
    })
}

/// A connection whose system takes in only a few KiB ahead.
fn narrow(server: &TestServer) -> Connection {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&server.address().into()).unwrap();
    Connection::of(socket.into())
}

/// Asserts that `stream` accounts for every event up to the last of `ids`: each is received, or within a gap.
fn assert_accounted_for(stream: &mut Stream, ids: &[String]) -> u64 {
    let (mut position, mut lost) = (0, 0);
    while position < EVENTS {
        let event = stream.event();
        if event.name != "sse.gap" {
            position += 1;
            assert_eq!(event.id, ids[position as usize - 1]);
            continue;
        }
        let gap = event.control("sse.gap");
        assert_eq!(gap["reason"], "slow");
        assert_eq!(gap.get("topic"), None, "there is only one");
        assert_eq!(sequence(text(&gap, "after")), position);
        let before = sequence(text(&gap, "before"));
        assert_eq!(gap["missed"], before - 1 - position, "{gap}");
        assert_eq!(event.id, format!("{}-{}", epoch(&ids[0]), before - 1));
        lost += before - 1 - position;
        position = before - 1;
    }
    lost
}

#[test]
fn a_reader_that_stalls_is_told_its_gap_and_goes_on() {
    let server = forgetful();
    let mut slow = Stream::open(narrow(&server), head("GET /events/a", &[]));
    slow.preamble();
    let mut swift = server.subscribe("/events/a");
    let data = "x".repeat(16_000);
    let ids: Vec<_> = (0..EVENTS)
        .map(|_| {
            let id = server.publish("/events/a", &data);
            // Who keeps up loses nothing, and does not wait for who does not.
            assert_eq!(swift.event().id, id);
            id
        })
        .collect();
    let lost = assert_accounted_for(&mut slow, &ids);
    assert!(lost > EVENTS / 4, "only {lost} lost: the reader was not slow enough for this test");

    let id = server.publish("/events/a", "live again");
    assert_eq!(slow.event().id, id);
    assert!(server.metric("sse_gaps_total") >= 1);
}

#[test]
fn a_reader_that_stalled_and_left_resumes_with_the_same_account() {
    let server = forgetful();
    let mut slow = Stream::open(narrow(&server), head("GET /events/a", &[]));
    slow.preamble();
    let data = "x".repeat(16_000);
    let ids: Vec<_> = (0..EVENTS).map(|_| server.publish("/events/a", &data)).collect();
    let seen = slow.event().id;
    assert_eq!(seen, ids[0]);
    drop(slow);

    let mut again = server.subscribe_with("/events/a", &[&format!("last-event-id: {seen}")]);
    let event = again.event();
    let gap = event.control("sse.gap");
    assert_eq!((text(&gap, "after"), text(&gap, "reason")), (seen.as_str(), "expired"));
    let before = sequence(text(&gap, "before"));
    assert_eq!(gap["missed"], before - 2);
    for id in &ids[before as usize - 1..] {
        assert_eq!(&again.event().id, id);
    }
}
