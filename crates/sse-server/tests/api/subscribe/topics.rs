//! Several topics on one stream: one order, one position.

use serde_json::json;

use crate::server::TestServer;

const ALL: &str = "/events?topic=a&topic=b&topic=c";

/// Publishes one event to each of these topics and answers the ids.
fn publish(server: &TestServer, topics: &str) -> Vec<String> {
    let events = topics.chars().enumerate();
    events.map(|(n, topic)| server.publish(&format!("/events/{topic}"), format!("{topic}{n}"))).collect()
}

#[test]
fn events_of_several_topics_come_in_the_order_of_their_publication() {
    let server = TestServer::start();
    let mut live = server.subscribe(ALL);
    let ids = publish(&server, "abcacbbbaxcca");
    let mut replayed = server.subscribe(&format!("{ALL}&last_event_id=earliest"));
    for stream in [&mut live, &mut replayed] {
        for (n, id) in ids.iter().enumerate().filter(|(n, _)| *n != 9) {
            let event = stream.event();
            assert_eq!(&event.id, id, "event {n}");
        }
    }
}

#[test]
fn a_resume_after_any_event_gives_exactly_the_rest_of_all_topics() {
    let server = TestServer::start();
    let topics = "abxcacbybbaxcca";
    let ids = publish(&server, topics);
    for (resumed, id) in ids.iter().enumerate() {
        // Also from the id of an event of a topic that this stream does not have.
        let mut stream = server.subscribe_with(ALL, &[&format!("last-event-id: {id}")]);
        let rest = topics.chars().enumerate().skip(resumed + 1).filter(|(_, topic)| "abc".contains(*topic));
        let expected: Vec<_> = rest.map(|(n, topic)| format!("{topic}{n}")).collect();
        assert_eq!(stream.data(expected.len()), expected, "after event {resumed}");
    }
}

#[test]
fn a_gap_in_one_topic_names_it_and_leaves_the_others_whole() {
    let server = TestServer::with(|config| config.hub.retain_events = 2);
    let ids = publish(&server, "abaaabca");
    let mut stream = server.subscribe_with(ALL, &[&format!("last-event-id: {}", ids[0])]);
    // Of a, the events 0, 2 and 3 are no longer retained, and the first of them was seen.
    let gap = stream.event();
    let said = gap.control("sse.gap");
    let expected = json!({"topic": "a", "after": ids[0], "before": ids[4], "missed": 2, "reason": "expired"});
    assert_eq!(said, expected);
    assert_eq!(gap.id, ids[0], "whoever resumes from here has the events of the others before it");
    assert_eq!(stream.data(5), ["b1", "a4", "b5", "c6", "a7"]);
}

#[test]
fn a_resume_between_the_events_of_a_gap_hides_none_of_it() {
    let server = TestServer::with(|config| config.hub.retain_events = 2);
    let ids = publish(&server, "aabaaa");
    // Of a, the events 1 and 3 are no longer retained, and 2, of b, lies between them. A reader may be cut off there.
    let mut stream = server.subscribe_with(ALL, &[&format!("last-event-id: {}", ids[0])]);
    assert_eq!(
        stream.event().control("sse.gap")["missed"],
        2,
        "before anything behind the first loss is given"
    );
    assert_eq!(stream.event().id, ids[2]);
    drop(stream);
    let mut again = server.subscribe_with(ALL, &[&format!("last-event-id: {}", ids[2])]);
    let said = again.event().control("sse.gap");
    assert_eq!((&said["after"], &said["missed"]), (&json!(ids[2]), &json!(1)), "the part that lies behind");
    assert_eq!(again.data(2), ["a4", "a5"]);
}

#[test]
fn naming_a_topic_twice_changes_nothing() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events?topic=a&topic=a&topic=%61");
    publish(&server, "aa");
    assert_eq!(stream.data(2), ["a0", "a1"]);
}

#[test]
fn a_subscription_has_1_to_64_topics() {
    let server = TestServer::start();
    let target = |topics: usize| {
        let names: Vec<_> = (0..topics).map(|n| format!("topic=t{n}")).collect();
        format!("/events?{}", names.join("&"))
    };
    server.get("/events").assert_problem(400, "invalid-query");
    server.get("/events?last_event_id=earliest").assert_problem(400, "invalid-query");
    let detail = server.get(&target(65)).assert_problem(400, "too-many-topics");
    assert!(detail.contains("64"), "{detail}");
    assert_eq!(server.metric("sse_topics"), 0);
    let mut stream = server.subscribe(&format!("{}&topic=t0", target(64)));
    server.publish("/events/t63", "x");
    assert_eq!(stream.event().data, "x");
}

#[test]
fn the_stream_ends_when_the_last_of_its_topics_has() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events?topic=a&topic=b");
    server.publish("/events/a?end=true", "last of a");
    let last = server.publish("/events/b?end=true", "last of b");
    let events = stream.events_to_end();
    let names: Vec<_> = events.iter().map(|event| (event.name.as_str(), event.data.as_str())).collect();
    assert_eq!(names, [("", "last of a"), ("", "last of b"), ("sse.end", "{}")]);
    assert_eq!(events[2].id, last);
}

#[test]
fn a_parameter_that_is_not_known_is_refused() {
    let server = TestServer::start();
    for target in
        ["/events/a?topic=b", "/events/a?topics=b", "/events?topic=a&x=y", "/events/a?Last_Event_ID=x"]
    {
        server.get(target).assert_problem(400, "invalid-query");
    }
    for target in ["/events/a?last_event_id=x&last_event_id=x", "/events?topic=a&prime=id&prime=id"] {
        server.get(target).assert_problem(400, "invalid-query");
    }
}
