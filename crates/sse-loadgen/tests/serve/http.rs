//! Requests and answers.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;

use sse_loadgen::serve::{Counts, ServeConfig};

use crate::TestServer;
use crate::client::{Client, id, request};

#[test]
fn pipelined_publishes_are_answered_in_order() {
    let server = TestServer::start(ServeConfig::default());
    let (mut subscriber, mut publisher) = (server.subscribe("a"), server.connect());
    let all: Vec<u8> = (0..300).flat_map(|n| request("POST", "/events/a", &format!("event {n}"))).collect();
    publisher.send(&all);
    for n in 0..300 {
        assert_eq!(id(&publisher.answer().body), n + 1);
        assert_eq!(subscriber.event(), (n + 1, format!("event {n}")));
    }
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let server = TestServer::start(ServeConfig::default());
    let mut publisher = server.connect();
    for expected in 1..=2 {
        request("POST", "/events/a", "hello").iter().for_each(|byte| publisher.send(&[*byte]));
        assert_eq!(id(&publisher.answer().body), expected);
    }
}

#[test]
fn who_does_not_read_answers_is_not_read_from_until_then() {
    const REQUESTS: usize = 20_000;
    let server = TestServer::start(ServeConfig::default());
    let mut client = server.connect();
    let mut socket = client.socket.get_ref().try_clone().unwrap();
    let writer =
        thread::spawn(move || socket.write_all(&request("GET", "/faults", "").repeat(REQUESTS)).unwrap());
    for _ in 0..REQUESTS {
        assert_eq!(client.answer().status, 200);
    }
    writer.join().unwrap();
}

#[test]
fn answers_reach_a_client_that_has_ended_its_side() {
    let server = TestServer::start(ServeConfig::default());
    for last in ["", "Connection: close\r\n"] {
        let mut client = server.connect();
        client.send(&request("POST", "/events/a", "x").repeat(100));
        client.send(format!("GET /faults HTTP/1.1\r\n{last}\r\n").as_bytes());
        client.socket.get_ref().shutdown(Shutdown::Write).unwrap();
        (0..101).for_each(|_| assert_eq!(client.answer().status, 200));
        assert_eq!(client.socket.read(&mut [0]).unwrap(), 0);
    }
}

#[test]
fn what_is_not_there_is_refused_and_the_connection_stays() {
    let server = TestServer::start(ServeConfig::default());
    let mut client = server.connect();
    assert_eq!(client.ask("GET", "/", "").status, 404);
    let answer = client.ask("DELETE", "/events/a", "");
    assert_eq!(answer.status, 405);
    assert!(answer.head.contains("\r\nAllow: GET, POST\r\n"));
    assert_eq!(client.ask("POST", "/cut?how=softly", "").status, 400);
    assert_eq!(client.publish("a", "x"), 1);
}

#[test]
fn what_is_not_understood_is_refused_and_the_connection_ends() {
    let server = TestServer::start(ServeConfig { max_event: 1000, ..ServeConfig::default() });
    let refused = |bytes: &[u8]| {
        let mut client = server.connect();
        client.send(bytes);
        let status = client.answer().status;
        assert_eq!(client.socket.read(&mut [0]).unwrap(), 0);
        status
    };
    assert_eq!(refused(b"\x16\x03\x01 hello\r\n\r\n"), 400);
    assert_eq!(refused(b"POST /events/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), 411);
    // The answer is read although the body was under way.
    assert_eq!(refused(&request("POST", "/events/a", &"x".repeat(100_000))), 413);
    assert_eq!(refused(b"GET /faults HTTP/1.0\r\n\r\n"), 505);
    assert_eq!(server.connect().publish("a", &"x".repeat(1000)), 1);
}

#[test]
fn an_event_may_be_large() {
    let server = TestServer::start(ServeConfig::default());
    let (mut subscriber, mut publisher) = (server.subscribe("a"), server.connect());
    let data = "x".repeat(8 << 20);
    let reader = thread::spawn(move || subscriber.event());
    assert_eq!(publisher.publish("a", &data), 1);
    assert!(reader.join().unwrap() == (1, data));
}

#[test]
fn every_address_leads_to_the_same_topics() {
    let server = TestServer::start(ServeConfig::default());
    let mut subscriber = Client::connect(server.addresses[1]).subscribe("a", None);
    server.connect().publish("a", "x");
    assert_eq!(subscriber.event(), (1, "x".into()));
}

#[test]
fn counts_are_told_as_json() {
    let server = TestServer::start(ServeConfig::default());
    let (mut subscriber, mut client) = (server.subscribe("a"), server.connect());
    client.publish("a", "x");
    subscriber.event();
    let counts: serde_json::Value = serde_json::from_str(&client.ask("GET", "/faults", "").body).unwrap();
    let expected = Counts { delivered: 1, ..Counts::default() };
    assert_eq!(counts, serde_json::to_value(expected).unwrap());
}
