//! The memory for all events together: who has to go when it is used up, and who has to wait.

use crate::server::{TestServer, sequence, text};

const MIB: usize = 1 << 20;

fn with_memory(mebibytes: usize) -> TestServer {
    TestServer::with(|config| {
        config.hub.retain_bytes = MIB;
        config.hub.memory = Some(mebibytes * MIB);
    })
}

#[test]
fn the_oldest_of_all_topics_goes_first_and_whoever_returns_for_it_is_told() {
    let server = with_memory(2);
    let data = "x".repeat(8000);
    let old: Vec<_> = (0..100).map(|_| server.publish("/events/old", &data)).collect();
    let new: Vec<_> = (0..120).map(|_| server.publish("/events/new", &data)).collect();
    assert_eq!(server.metric("sse_events_shed_total"), 0);
    (0..50).for_each(|_| drop(server.publish("/events/newer", &data)));

    let shed = server.metric("sse_events_shed_total");
    assert!(shed > 0);
    assert!(server.metric("sse_memory_bytes") <= 2 * MIB as u64);
    let mut returning = server.subscribe_with("/events/old", &[&format!("last-event-id: {}", old[0])]);
    let gap = returning.event().control("sse.gap");
    assert_eq!(text(&gap, "reason"), "expired");
    assert_eq!(gap["missed"], shed - 1, "the first it had seen, and none but the oldest went");
    assert_eq!(returning.event().id, old[shed as usize]);
    let mut other = server.subscribe_with("/events/new", &[&format!("last-event-id: {}", new[0])]);
    assert_eq!(sequence(&other.event().id), sequence(&new[1]), "of the others, nothing");
}

#[test]
fn when_only_the_newest_are_left_publishers_wait_and_readers_go_on() {
    let server = with_memory(1);
    let mut reader = server.subscribe("/events/1");
    let data = "x".repeat(100_000);
    let refused = (1..20).find_map(|n| {
        let answer = server.post(&format!("/events/{n}"), &[], &data);
        (answer.head.status != 200).then_some(answer)
    });
    let refused = refused.expect("the memory is used up");
    refused.assert_problem(503, "overloaded");
    assert!(refused.head.header("retry-after").is_some());
    assert_eq!(server.metric("sse_rejections_total{reason=\"memory\"}"), 1);
    server.get("/readyz").assert_problem(503, "overloaded");
    assert_eq!(reader.event().data.len(), data.len());

    // What a topic lets go of makes room for its next.
    let id = server.publish("/events/1", "small");
    assert_eq!(reader.event().id, id);
}
