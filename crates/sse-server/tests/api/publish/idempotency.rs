//! `Idempotency-Key`: a publish that is sent again is not published again.

use std::collections::HashSet;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use crate::http::Response;
use crate::server::TestServer;

fn publish(server: &TestServer, target: &str, key: &str, data: &str) -> Response {
    server.post(target, &[&format!("idempotency-key: {key}")], data)
}

#[test]
fn a_retry_gets_the_same_answer_and_is_delivered_once() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    let first = publish(&server, "/events/a?event=n", "k", "x");
    assert_eq!(first.head.status, 200);
    for _ in 0..3 {
        let again = publish(&server, "/events/a?event=n", "k", "x");
        assert_eq!((again.head.status, &again.body), (200, &first.body));
    }
    server.publish("/events/a", "next");
    assert_eq!(stream.data(2), ["x", "next"]);
}

#[test]
fn a_key_belongs_to_one_event_of_one_topic() {
    let server = TestServer::start();
    let mut stream = server.subscribe("/events?topic=a&topic=b");
    publish(&server, "/events/a", "k", "x").json();
    publish(&server, "/events/a", "k", "y").assert_problem(422, "idempotency-mismatch");
    publish(&server, "/events/a?event=n", "k", "x").assert_problem(422, "idempotency-mismatch");
    publish(&server, "/events/a", "k", "").assert_problem(422, "idempotency-mismatch");
    assert_eq!(publish(&server, "/events/b", "k", "in b").head.status, 200);
    assert_eq!(publish(&server, "/events/a", "K", "capital").head.status, 200);
    assert_eq!(stream.data(3), ["x", "in b", "capital"]);
}

#[test]
fn of_racing_duplicates_one_is_published_and_all_get_its_id() {
    const THREADS: usize = 8;
    const ROUNDS: usize = 20;
    let server = TestServer::start();
    let mut stream = server.subscribe("/events/a");
    let barrier = Barrier::new(THREADS);
    let ids: Vec<Vec<String>> = thread::scope(|scope| {
        let racers: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    (0..ROUNDS)
                        .map(|round| {
                            barrier.wait();
                            let answer =
                                publish(&server, "/events/a", &format!("k{round}"), &round.to_string());
                            answer.json()["id"].as_str().unwrap().to_owned()
                        })
                        .collect()
                })
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).collect()
    });
    let different: HashSet<&Vec<String>> = ids.iter().collect();
    assert_eq!(different.len(), 1, "{different:?}");
    let received: Vec<_> = (0..ROUNDS).map(|_| stream.event()).collect();
    assert_eq!(received.iter().map(|event| &event.id).collect::<Vec<_>>(), ids[0].iter().collect::<Vec<_>>());
    assert_eq!(server.metric("sse_events_published_total"), ROUNDS as u64);
}

#[test]
fn a_key_is_one_header_of_1_to_255_bytes() {
    let server = TestServer::start();
    assert_eq!(publish(&server, "/events/a", &"k".repeat(255), "x").head.status, 200);
    for key in [String::new(), "k".repeat(256), "k".repeat(10_000)] {
        publish(&server, "/events/a", &key, "x").assert_problem(400, "bad-request");
    }
    let two = ["idempotency-key: k", "idempotency-key: k"];
    server.post("/events/a", &two, "x").assert_problem(400, "bad-request");
    assert_eq!(server.metric("sse_events_published_total"), 1);
}

#[test]
fn a_refused_event_does_not_use_its_key_up() {
    let server = TestServer::start();
    publish(&server, "/events/a?event=sse.x", "k", "x").assert_problem(400, "invalid-event");
    assert_eq!(publish(&server, "/events/a?event=ok", "k", "x").head.status, 200);
}

#[test]
fn a_retry_of_the_event_that_ended_its_topic_gets_its_id() {
    let server = TestServer::start();
    let first = publish(&server, "/events/a?end=true", "k", "bye");
    let again = publish(&server, "/events/a?end=true", "k", "bye");
    assert_eq!((again.head.status, again.body), (200, first.body));
    publish(&server, "/events/a", "other", "x").assert_problem(409, "topic-ended");
}

#[test]
fn a_window_of_zero_turns_the_keys_off() {
    let server = TestServer::with(|config| config.hub.idempotency_window = Duration::ZERO);
    let ids: HashSet<String> = (0..3)
        .map(|n| {
            let answer = publish(&server, "/events/a", "k", &n.to_string());
            answer.json()["id"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(ids.len(), 3);
}
