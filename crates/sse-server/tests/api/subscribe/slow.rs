//! A reader that does not keep up is told exactly what it lost, and costs nobody else anything.

use crate::http::head;
use crate::operations::narrow;
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
    assert!(server.metric("sse_gaps_total{reason=\"slow\"}") >= 1);
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

/// Publishes until the reader, whose buffers hold little, has lost something.
fn overrun(server: &TestServer) -> Vec<String> {
    let data = "x".repeat(16_000);
    (0..EVENTS).map(|_| server.publish("/events/a", &data)).collect()
}

#[test]
fn where_only_the_newest_counts_one_gap_leads_to_it() {
    let server = TestServer::with(|config| {
        config.hub.slow.rules = vec!["a=latest".parse().unwrap()];
        config.hub.max_event = 16 * 1024;
        config.hub.retain_bytes = 128 * 1024;
    });
    let mut slow = Stream::open(narrow(&server), head("GET /events/a", &[]));
    slow.preamble();
    let ids = overrun(&server);
    let (mut received, mut missed) = (0, 0);
    loop {
        let event = slow.event();
        if event.name == "sse.gap" {
            missed += event.control("sse.gap")["missed"].as_u64().unwrap();
            continue;
        }
        received += 1;
        if event.id == *ids.last().unwrap() {
            break;
        }
        assert_eq!(missed, 0, "what follows the gap is the newest event");
    }
    assert_eq!(received + missed, EVENTS);
    assert!(missed > EVENTS / 4);
}

#[test]
fn where_slow_readers_are_cut_off_they_are_told_first() {
    let server = TestServer::with(|config| {
        config.hub.slow.default = sse_server::config::SlowPolicy::Disconnect;
        config.hub.max_event = 16 * 1024;
        config.hub.retain_bytes = 128 * 1024;
    });
    let mut slow = Stream::open(narrow(&server), head("GET /events/a", &[]));
    slow.preamble();
    let ids = overrun(&server);
    let events = slow.events_to_end();
    let gap = events.last().expect("it was given some");
    gap.control("sse.gap");
    assert_eq!(server.metric("sse_evictions_total{reason=\"lagging\"}"), 1);

    // It comes back from there and is told nothing twice.
    let mut again = server.subscribe_with("/events/a", &[&format!("last-event-id: {}", gap.id)]);
    assert_eq!(again.event().id, ids[sequence(&gap.id) as usize]);
}

#[test]
fn a_blocked_reader_beyond_the_lag_is_cut_off_from_outside() {
    let server = TestServer::with(|config| {
        config.hub.slow.default = sse_server::config::SlowPolicy::Disconnect;
        config.hub.max_lag = std::num::NonZeroU64::new(50);
    });
    let mut blocked = Stream::open(narrow(&server), head("GET /events/a", &[]));
    blocked.preamble();
    for _ in 0..EVENTS / 2 {
        server.publish("/events/a", "x".repeat(16_000));
    }
    // It reads nothing, so its body is not polled.
    server.await_metric("sse_subscribers", 0);
    assert_eq!(server.metric("sse_evictions_total{reason=\"lagging\"}"), 1);
}

#[test]
fn a_reader_who_takes_nothing_is_cut() {
    let server = TestServer::with(|config| {
        config.write_timeout = std::time::Duration::from_secs(1);
        config.hub.retain_bytes = 32 << 20;
    });
    let mut stalled = Stream::open(narrow(&server), head("GET /events/a", &[]));
    let mut swift = server.subscribe("/events/a");
    stalled.preamble();
    // More than all buffers on the way hold, however large the systems make them.
    let data = "x".repeat(900_000);
    for _ in 0..20 {
        let id = server.publish("/events/a", &data);
        assert_eq!(swift.event().id, id);
    }
    server.await_metric("sse_subscribers", 1);
    assert_eq!(server.metric("sse_evictions_total{reason=\"stalled\"}"), 1);
}
