//! Streams without faults.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use sse_loadgen::serve::{Counts, Faults, ServeConfig, Server};

use crate::TestServer;
use crate::client::{Client, Seen, Subscriber};

#[test]
fn a_clean_server_delivers_everything_in_order() {
    let mut server = TestServer::start(ServeConfig::default());
    let mut publisher = server.connect();
    let mut subscribers: Vec<_> = (0..20).map(|_| server.subscribe("a")).collect();
    let mut other = server.subscribe("b");
    let ids: Vec<_> = (0..200).map(|n| publisher.publish("a", &n.to_string())).collect();
    assert_eq!(ids, (1..=200).collect::<Vec<_>>());
    let expected: Vec<_> = (0..200).map(|n| n.to_string()).collect();
    let counts = server.stop();
    subscribers.iter_mut().for_each(|subscriber| assert_eq!(subscriber.rest(), expected));
    assert!(other.rest().is_empty());
    assert_eq!(counts, Counts { delivered: 4000, ..Counts::default() });
}

#[test]
fn the_first_bytes_say_when_to_come_back() {
    let server =
        TestServer::start(ServeConfig { retry: Duration::from_millis(1234), ..ServeConfig::default() });
    let mut client = server.connect();
    client.send(b"GET /events/a HTTP/1.1\r\n\r\n");
    let mut stream = client.stream();
    assert_eq!([stream.next(), stream.next()], [Seen::Comment("ok".into()), Seen::Retry(1234)]);
}

#[test]
fn data_of_several_lines_stays_one_event() {
    let server = TestServer::start(ServeConfig::default());
    let (mut subscriber, mut publisher) = (server.subscribe("a"), server.connect());
    for (data, seen) in [("a\nid: 7\r\n\rb", "a\nid: 7\n\nb"), ("", ""), (" a\n", " a\n")] {
        let id = publisher.publish("a", data);
        assert_eq!(subscriber.event(), (id, seen.to_owned()));
    }
}

#[test]
fn an_idle_stream_gets_comments() {
    let server =
        TestServer::start(ServeConfig { heartbeat: Duration::from_millis(10), ..ServeConfig::default() });
    let mut subscriber = server.subscribe("a");
    (0..5).for_each(|_| assert_eq!(subscriber.next(), Seen::Comment(String::new())));
}

#[test]
fn who_returns_gets_what_it_missed() {
    let server = TestServer::start(ServeConfig::default());
    let mut publisher = server.connect();
    (1..=10).for_each(|n| _ = publisher.publish("a", &format!("{n}")));
    let following = |last: &str| {
        let mut subscriber = server.resume("a", last);
        std::iter::from_fn(|| Some(subscriber.event().0).filter(|&id| id < 10)).collect::<Vec<_>>()
    };
    assert_eq!(following("4"), [5, 6, 7, 8, 9]);
    assert_eq!(following("8"), [9]);
    assert_eq!(following("0"), (1..10).collect::<Vec<_>>());
    assert_eq!(following("earliest"), (1..10).collect::<Vec<_>>());
    let mut subscriber = server.resume("a", "10");
    publisher.publish("a", "now");
    assert_eq!(subscriber.event(), (11, "now".into()));
}

#[test]
fn who_missed_too_much_is_told_how_much() {
    let server = TestServer::start(ServeConfig { retain_events: 4, ..ServeConfig::default() });
    let mut publisher = server.connect();
    (1..=10).for_each(|n| _ = publisher.publish("a", &format!("{n}")));
    for (last, missed) in [("4", "2"), ("0", "6"), ("11", "null"), ("from-elsewhere", "null")] {
        let mut subscriber = server.resume("a", last);
        let Seen::Event { name, data, id } = subscriber.next() else { panic!("no gap") };
        assert_eq!((name.as_str(), id.as_str()), ("sse.gap", "6"));
        assert!(
            data.contains(&format!("\"missed\":{missed},")) && data.contains("\"before\":\"7\""),
            "{data}"
        );
        assert_eq!(subscriber.event(), (7, "7".into()));
    }
}

#[test]
fn a_server_that_does_not_resume_begins_with_now() {
    let server = TestServer::start(ServeConfig { resume: false, ..ServeConfig::default() });
    let mut publisher = server.connect();
    (1..=3).for_each(|_| _ = publisher.publish("a", "missed"));
    let mut subscriber = server.resume("a", "1");
    publisher.publish("a", "now");
    assert_eq!(subscriber.event(), (4, "now".into()));
}

#[test]
fn who_leaves_is_forgotten_and_the_others_stay() {
    let server = TestServer::start(ServeConfig::default());
    let mut publisher = server.connect();
    let mut subscribers: Vec<_> = (0..5).map(|_| server.subscribe("a")).collect();
    drop(subscribers.remove(2));
    drop(subscribers.remove(0));
    for expected in 1.. {
        let before = server.until(|counts| counts.delivered >= 3 * (expected - 1)).delivered;
        publisher.publish("a", "x");
        subscribers.iter_mut().for_each(|subscriber| assert_eq!(subscriber.event().0, expected));
        // The request for the counts is read after the event was written.
        let counts = publisher.ask("GET", "/faults", "").body;
        let counts: serde_json::Value = serde_json::from_str(&counts).unwrap();
        if counts["delivered"].as_u64().unwrap() == before + 3 {
            break;
        }
        assert!(expected < 1000, "the others are still there");
    }
}

/// One that takes little before it blocks the server.
fn narrow(server: &TestServer) -> Client {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&server.addresses[0].into()).unwrap();
    Client::over(TcpStream::from(socket))
}

fn in_order(subscriber: &mut Subscriber, ids: std::ops::RangeInclusive<u64>) {
    ids.for_each(|id| assert_eq!(subscriber.event().0, id));
}

#[test]
fn who_reads_late_gets_everything() {
    const EVENTS: u64 = 600;
    let server = TestServer::start(ServeConfig::default());
    let (mut late, mut publisher) = (narrow(&server).subscribe("a", None), server.connect());
    let mut healthy = server.subscribe("a");
    let data = "x".repeat(20_000);
    for id in 1..=EVENTS {
        publisher.publish("a", &data);
        in_order(&mut healthy, id..=id);
    }
    let counts = server.handle.counts();
    assert!(counts.delivered < 2 * EVENTS, "the sockets took everything, so nothing was tested");
    in_order(&mut late, 1..=EVENTS);
    publisher.publish("a", "last");
    in_order(&mut late, EVENTS + 1..=EVENTS + 1);
    assert_eq!(server.until(|counts| counts.delivered == 2 * EVENTS + 2).evicted, 0);
}

#[test]
fn who_falls_behind_what_is_retained_is_disconnected() {
    let server = TestServer::start(ServeConfig { retain_events: 50, ..ServeConfig::default() });
    let (mut stalled, mut publisher) = (narrow(&server).subscribe("a", None), server.connect());
    let mut healthy = server.subscribe("a");
    let data = "x".repeat(64 << 10);
    let mut published = 0;
    while server.handle.counts().evicted == 0 {
        published += 1;
        assert!(published < 2000, "it is still there");
        publisher.publish("a", &data);
        in_order(&mut healthy, published..=published);
    }
    let seen: Vec<u64> = std::iter::from_fn(|| match stalled.next() {
        Seen::Event { id, .. } => Some(id.parse().unwrap()),
        Seen::Cut | Seen::Reset => None,
        other => panic!("{other:?}"),
    })
    .collect();
    assert_eq!(seen, (1..=seen.len() as u64).collect::<Vec<_>>());
    assert!((seen.len() as u64) < published - 40);
}

#[test]
fn streams_are_cut_as_asked() {
    let server = TestServer::start(ServeConfig::default());
    let mut control = server.connect();
    for (how, expected) in
        [("", Seen::Cut), ("?how=fin", Seen::Cut), ("?how=rst", Seen::Reset), ("?how=end", Seen::End)]
    {
        let mut subscribers: Vec<_> = (0..10).map(|_| server.subscribe("a")).collect();
        assert_eq!(control.ask("POST", &format!("/cut{how}"), "").body, "{\"cut\":10}");
        subscribers.iter_mut().for_each(|subscriber| assert_eq!(subscriber.next(), expected, "{how}"));
    }
    control.publish("a", "to nobody");
    assert_eq!(server.handle.counts(), Counts::default());
}

#[test]
fn what_cannot_be_is_refused_before_anything_starts() {
    let faults = Faults { drop: 0.7, delay: 0.7, ..Faults::default() };
    let config = ServeConfig { faults, ..ServeConfig::default() };
    assert_eq!(Server::bind(config).unwrap_err().kind(), ErrorKind::InvalidInput);
    let server = TestServer::start(ServeConfig::default());
    let taken = ServeConfig { listen: server.addresses.clone(), ..ServeConfig::default() };
    assert_eq!(Server::bind(taken).unwrap_err().kind(), ErrorKind::AddrInUse);
}
