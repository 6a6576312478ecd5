//! The publisher over real sockets, against servers that are slow, rude or gone. Nothing here depends on how long
//! anything takes.

#![allow(clippy::unwrap_used, reason = "tests")]

mod server;
mod streams;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::ops::Range;
use std::thread;
use std::time::Duration;

use server::{OK, Reply, Server};
use sse_loadgen::clock;
use sse_loadgen::publisher::{Publish, Published, Publisher};
use sse_loadgen::schedule::Schedule;
use sse_loadgen::stamp::Stamp;

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(60);
const BYE: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";

/// Bodies are the numbers of the event: topic, sequence, in the run.
fn publish(address: impl std::fmt::Display) -> Publish {
    let publish = Publish::to(&format!("http://{address}/{{{{topic}}}}")).unwrap();
    publish.body("{{topic}} {{sequence}} {{number}}").unwrap()
}

fn start(publish: &Publish, topics: u32, rate: f64, events: Range<u64>) -> Publisher {
    let schedule = Schedule::new(1, clock::now(), topics, rate).unwrap();
    Publisher::start(publish, schedule, events).unwrap()
}

/// The account of that many events, when all is done.
fn publish_all(publish: &Publish, topics: u32, events: u64) -> Published {
    let published = start(publish, topics, 5_000.0, 0..events).finish(LONG);
    assert_eq!(published.planned, events);
    let failed = published.rejected.count + published.unknown.count;
    assert_eq!(published.accepted + failed, events);
    assert_eq!(published.errors.values().sum::<u64>(), failed);
    published
}

fn sorted(numbers: &[u64]) -> Vec<u64> {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    numbers
}

#[test]
fn it_does_not_wait_for_answers() {
    let server = Server::start(|_| Reply::Nothing);
    let publisher = start(&publish(server.address), 3, 2_000.0, 0..300);
    server.wait_for_requests(300);
    assert!(server.counts().into_iter().eq((0..300).map(|number| (number, 1))));
    let published = publisher.finish(Duration::ZERO);
    assert_eq!((published.planned, published.sent, published.accepted), (300, 300, 0));
    assert_eq!(sorted(&published.unknown.listed), Vec::from_iter(0..300));
    assert_eq!(published.errors, BTreeMap::from([("no answer by the end".to_owned(), 300)]));
    assert_eq!((published.slip.count(), published.ack.count()), (300, 0));
}

#[test]
fn a_topic_keeps_its_order_and_its_connection() {
    let server = Server::start(|_| Reply::Answer(OK));
    let published = publish_all(&publish(server.address), 10, 1_000);
    assert_eq!((published.sent, published.accepted), (1_000, 1_000));
    assert_eq!((published.ack.count(), published.ack_from_plan.count()), (1_000, 1_000));
    let mut topics = BTreeMap::<u64, Vec<_>>::new();
    for request in server.requests() {
        let [topic, sequence, _] = request.numbers()[..] else { panic!("{request:?}") };
        assert_eq!(request.line, format!("POST /{topic} HTTP/1.1"));
        topics.entry(topic).or_default().push((sequence, request.connection));
    }
    assert_eq!(topics.len(), 10);
    for sent in topics.values() {
        assert!(sent.iter().map(|&(sequence, _)| sequence).eq(0..100));
        assert!(sent.iter().all(|&(_, connection)| connection == sent[0].1));
    }
    // All four carry some.
    assert_eq!(server.requests().iter().map(|request| request.connection).max(), Some(3));
}

#[test]
fn a_refused_event_is_known_by_its_number() {
    let server = Server::start(|request| match request.numbers()[2] % 5 {
        0 => Reply::Answer("HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n"),
        1 => Reply::Answer("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
        _ => Reply::Answer(OK),
    });
    let published = publish_all(&publish(server.address), 4, 100);
    assert_eq!((published.sent, published.accepted, published.unknown.count), (100, 60, 0));
    assert_eq!(sorted(&published.rejected.listed), Vec::from_iter((0..100).filter(|number| number % 5 < 2)));
    let errors = [("status 302".to_owned(), 20), ("status 503".to_owned(), 20)];
    assert_eq!(published.errors, BTreeMap::from(errors));
}

#[test]
fn a_server_that_closes_after_every_answer_gets_nothing_twice() {
    let server = Server::start(|_| Reply::AnswerAndClose(BYE));
    let published = publish_all(&publish(server.address), 1, 50);
    assert!(published.accepted >= 1);
    assert_eq!(published.rejected.count, 0);
    assert!(published.unknown.count == 0 || published.errors["connection closed"] == published.unknown.count);
    assert!(server.counts().values().all(|&count| count == 1));

    let one_at_a_time = publish(server.address).max_in_flight(1).unwrap();
    assert_eq!(publish_all(&one_at_a_time, 1, 50).accepted, 50);
}

#[test]
fn what_was_cut_off_is_unknown_and_what_waited_is_sent_late() {
    let server = Server::start(|request| match request.numbers()[2] {
        0..3 => Reply::AnswerAndClose("HTTP/1.1 20"),
        _ => Reply::Answer(OK),
    });
    let published = publish_all(&publish(server.address).max_in_flight(1).unwrap(), 1, 20);
    assert_eq!(published.unknown.listed, [0, 1, 2]);
    assert_eq!(published.errors, BTreeMap::from([("connection closed".to_owned(), 3)]));
    assert_eq!((published.sent, published.accepted), (20, 17));
    assert!(server.counts().into_iter().eq((0..20).map(|number| (number, 1))));
    // It waits 50, 100 and 200 ms before it comes back.
    assert!(published.slip.max() >= Some(Duration::from_millis(300)), "{:?}", published.slip.max());
}

#[test]
fn without_a_server_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let published = publish_all(&publish(address).timeout(Duration::from_millis(100)), 3, 30);
    assert_eq!((published.sent, published.rejected.count), (0, 30));
    assert_eq!(published.errors, BTreeMap::from([("connect".to_owned(), 30)]));
    assert_eq!(published.slip.count(), 0);
}

#[test]
fn an_answer_that_does_not_come_is_unknown() {
    let server = Server::start(|_| Reply::Nothing);
    let published = publish_all(&publish(server.address).timeout(Duration::from_millis(100)), 2, 20);
    assert_eq!((published.sent, published.unknown.count), (20, 20));
    assert!(published.errors.keys().all(|cause| cause.ends_with("timeout")), "{:?}", published.errors);
    assert!(server.counts().into_iter().eq((0..20).map(|number| (number, 1))));
}

#[test]
fn what_is_no_http_is_unknown() {
    let server = Server::start(|_| Reply::Answer("220 smtp.example ESMTP\r\n"));
    let published = publish_all(&publish(server.address).max_in_flight(1).unwrap(), 1, 3);
    assert_eq!(published.errors, BTreeMap::from([("no HTTP answer".to_owned(), 3)]));
    assert_eq!(published.unknown.count, 3);
}

#[test]
fn long_events_arrive_whole() {
    let server = Server::start(|_| Reply::Answer(OK));
    let publish = Publish::to(&format!("http://{}/", server.address)).unwrap().payload(300_000).unwrap();
    let published = publish_all(&publish, 2, 60);
    assert_eq!(published.accepted, 60);
    for request in server.requests() {
        assert_eq!(request.body.len(), 300_000);
        assert!(matches!(Stamp::find(&request.body), Ok(Some(_))));
    }
}

#[test]
fn stopped_it_sends_nothing_more_and_takes_the_answers() {
    let server = Server::start(|_| Reply::Answer(OK));
    let publisher = start(&publish(server.address), 1, 0.000_1, 0..u64::MAX);
    while publisher.progress().accepted == 0 {
        thread::yield_now();
    }
    assert_eq!((publisher.progress().planned, publisher.progress().failed), (1, 0));
    publisher.stop();
    let published = publisher.finish(LONG);
    assert_eq!((published.planned, published.sent, published.accepted), (1, 1, 1));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn finished_early_it_accounts_for_what_was_due_alone() {
    let server = Server::start(|_| Reply::Nothing);
    let publisher = start(&publish(server.address).max_in_flight(2).unwrap(), 1, 1_000.0, 10..u64::MAX);
    while publisher.progress().planned < 5 {
        thread::yield_now();
    }
    server.wait_for_requests(2);
    let published = publisher.finish(Duration::ZERO);
    assert!(published.planned >= 5);
    assert_eq!((published.sent, sorted(&published.unknown.listed)), (2, vec![10, 11]));
    assert_eq!(published.rejected.listed, Vec::from_iter(12..10 + published.planned));
    assert_eq!(published.errors["not sent by the end"], published.planned - 2);
}

#[test]
fn it_connects_before_the_first_event_and_leaves_when_dropped() {
    let server = Server::start(|_| Reply::Nothing);
    let schedule = Schedule::new(1, u64::MAX / 2, 2, 1.0).unwrap();
    let publisher = Publisher::start(&publish(server.address), schedule, 0..u64::MAX).unwrap();
    server.wait_for_connections(2);
    assert_eq!(publisher.progress(), Default::default());
    drop(publisher);
    server.wait_until_left_alone();
    assert!(server.requests().is_empty());
}
