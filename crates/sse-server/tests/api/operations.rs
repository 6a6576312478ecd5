//! What operators see: the metrics, who is slow, whether the server wants more work.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::http::{BOUND, Connection, head};
use crate::server::TestServer;
use crate::stream::Stream;

/// A connection whose system takes in only a few KiB ahead.
pub(crate) fn narrow(server: &TestServer) -> Connection {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&server.address().into()).unwrap();
    Connection::of(socket.into())
}

#[test]
fn a_reader_who_takes_nothing_is_shown_with_what_waits_for_it() {
    let server = TestServer::with(|config| {
        config.hub.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    });
    let request = head("GET /events/a", &["x-forwarded-for: 192.0.2.7"]);
    let mut stalled = Stream::open(narrow(&server), request);
    stalled.preamble();
    let _swift = server.subscribe("/events/b");
    let slow = |target: &str| server.get(target).json();
    assert_eq!(slow("/slow")["streams"], serde_json::json!([]), "who is up to date is not slow");

    // More than all buffers on the way hold.
    for _ in 0..50 {
        server.publish("/events/a", "x".repeat(60_000));
    }
    server.await_metric("sse_blocked_subscribers", 1);
    let page = slow("/slow?top=5");
    assert_eq!(page["blocked"], 1);
    assert_eq!(page["answered"], page["workers"]);
    let [row] = page["streams"].as_array().unwrap().as_slice() else { panic!("{page}") };
    assert_eq!((row["topic"].as_str(), row["more_topics"].as_u64()), (Some("a"), Some(0)));
    assert!(row["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{row}");
    assert_eq!(row["client"], "192.0.2.7", "the proxy is not who is slow");
    let number = |name: &str| row[name].as_f64().unwrap_or_else(|| panic!("{name} in {row}"));
    assert!(number("lag_events") >= 1.0 && number("lag_events") < 50.0, "{row}");
    assert!(number("lag_seconds") >= 0.0 && number("blocked_seconds") >= 0.0, "{row}");
    assert!(number("unsent_bytes") > 10_000.0, "{row}");
    assert!(server.metric("sse_lag_events{quantile=\"1\"}") >= 1);
    assert_eq!(server.metric("sse_lag_events{quantile=\"0.5\"}"), 0);
}

/// Whether a new connection gets an answer.
fn is_served(server: &TestServer) -> bool {
    let mut connection = TcpStream::connect(server.address()).unwrap();
    connection.set_read_timeout(Some(BOUND)).unwrap();
    let sent = connection.write_all(head("GET /livez", &[]).as_bytes());
    sent.is_ok() && connection.read(&mut [0]).is_ok_and(|read| read == 1)
}

#[test]
fn what_is_no_number_of_readers_is_refused() {
    let server = TestServer::start();
    for target in ["/slow?top=0", "/slow?top=1001", "/slow?top=x", "/slow?most=3"] {
        server.get(target).assert_problem(400, "invalid-query");
    }
}

#[test]
fn latency_is_measured_for_each_write_of_events() {
    let server = TestServer::start();
    let mut readers = [server.subscribe("/events/a"), server.subscribe("/events/a")];
    for n in 0..3 {
        let id = server.publish("/events/a", n.to_string());
        readers.iter_mut().for_each(|reader| assert_eq!(reader.event().id, id));
    }
    server.await_metric("sse_publish_to_socket_seconds_count", 6);
    assert_eq!(server.metric("sse_publish_to_socket_seconds_bucket{le=\"+Inf\"}"), 6);
}

#[test]
fn what_returning_readers_find_is_counted() {
    let server = TestServer::start();
    let id = server.publish("/events/a", "1");
    for (position, outcome) in [(id.as_str(), "exact"), ("k3v9x0ab-1", "restart"), ("nonsense", "unknown")] {
        let name = format!("sse_resumes_total{{outcome=\"{outcome}\"}}");
        assert_eq!(server.metric(&name), 0);
        let mut reader = server.subscribe_with("/events/a", &[&format!("last-event-id: {position}")]);
        server.publish("/events/a", "2");
        reader.event();
        server.await_metric(&name, 1);
    }
}

#[test]
fn bytes_and_connections_are_counted() {
    let server = TestServer::start();
    let accepted = server.metric("sse_connections_accepted_total");
    let sent = server.metric("sse_bytes_sent_total");
    let received = server.metric("sse_bytes_received_total");
    server.publish("/events/a", "x".repeat(5000));
    // Its own connection, and one for each reading.
    assert!(server.metric("sse_connections_accepted_total") >= accepted + 2);
    assert!(server.metric("sse_bytes_received_total") >= received + 5000);
    assert!(server.metric("sse_bytes_sent_total") > sent);
    let _reader = server.subscribe("/events/a");
    assert!(server.metric("sse_connections") >= 1);
}

#[test]
fn a_full_server_is_not_ready_and_says_so() {
    let server = TestServer::with(|config| config.hub.max_streams = Some(1));
    assert_eq!(server.get("/readyz").head.status, 200);
    let _reader = server.subscribe("/events/a");
    server.get("/readyz").assert_problem(503, "overloaded");
    assert_eq!(server.get("/livez").head.status, 200);
}

#[test]
fn an_address_has_so_many_streams_and_is_told_when_to_come_back() {
    let server = TestServer::with(|config| config.hub.max_streams_per_address = NonZeroUsize::new(2));
    let first = server.subscribe("/events/a");
    let _second = server.subscribe("/events/a");
    let turned_away = server.get("/events/a");
    assert_eq!(turned_away.head.status, 200);
    assert!(turned_away.text().starts_with(":come back\nretry: "), "{turned_away:?}");
    assert_eq!(server.metric("sse_rejections_total{reason=\"address\"}"), 1);
    assert_eq!(server.metric("sse_subscribers"), 2);

    drop(first);
    server.await_metric("sse_subscribers", 1);
    let _third = server.subscribe("/events/a");
}

#[test]
fn behind_a_trusted_proxy_each_client_has_its_own_limit() {
    let server = TestServer::with(|config| {
        config.hub.max_streams_per_address = NonZeroUsize::new(1);
        config.hub.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    });
    let _one = server.subscribe_with("/events/a", &["x-forwarded-for: 192.0.2.1"]);
    let _other = server.subscribe_with("/events/a", &["x-forwarded-for: 192.0.2.2"]);
    let request = head("GET /events/a", &["x-forwarded-for: 203.0.113.9, 192.0.2.1"]);
    assert!(server.request(request).text().starts_with(":come back\n"));
}

#[test]
fn who_wants_a_hard_answer_gets_one() {
    let server = TestServer::with(|config| {
        config.hub.max_streams = Some(1);
        config.hub.over_limit = sse_server::config::OverLimit::Hard;
    });
    let _reader = server.subscribe("/events/a");
    let answer = server.get("/events/a");
    answer.assert_problem(503, "overloaded");
    assert!(answer.head.header("retry-after").is_some());
}

#[test]
fn an_address_has_so_many_connections_and_further_ones_are_closed() {
    let server = TestServer::with(|config| config.max_connections_per_address = NonZeroUsize::new(3));
    let held: Vec<_> = (0..3).map(|_| server.subscribe("/events/a")).collect();
    server.connect().assert_over();
    drop(held);
    let until = Instant::now() + BOUND;
    // The server learns of it in its own time.
    while !is_served(&server) {
        assert!(Instant::now() < until, "still refused");
        std::thread::yield_now();
    }
    assert!(server.metric("sse_rejections_total{reason=\"connection\"}") >= 1);
}

#[test]
fn who_comes_when_all_connections_are_taken_waits() {
    let server = TestServer::with(|config| {
        (config.workers, config.max_connections) = (1, Some(3));
        config.operations = Some("127.0.0.1:0".parse().unwrap());
    });
    let streams = [server.subscribe("/events/a"), server.subscribe("/events/a")];
    let mut idle = server.connect();
    idle.send(head("HEAD /events/a", &[]));
    assert_eq!(idle.head().status, 200);

    let mut late = server.connect();
    late.send(head("HEAD /events/a", &[]));
    // A wait in vain: whether the answer would have come a little later is not seen here, but in other runs.
    assert!(!late.is_readable_within(Duration::from_millis(100)), "one too many is served");
    drop(streams);
    assert_eq!(late.head().status, 200);
}

#[test]
fn beyond_as_many_topics_as_there_may_be_new_ones_are_refused() {
    let server = TestServer::with(|config| config.hub.max_topics = Some(2));
    server.publish("/events/a", "1");
    let _reader = server.subscribe("/events/b");

    let refused = server.post("/events/c", &[], "1");
    refused.assert_problem(503, "overloaded");
    assert!(refused.head.header("retry-after").is_some());
    assert!(server.get("/events?topic=a&topic=c").text().starts_with(":come back\n"));
    assert_eq!(server.metric("sse_rejections_total{reason=\"topics\"}"), 2);
    assert_eq!(server.metric("sse_topics"), 2);

    server.publish("/events/b", "to one that exists");
    let _both = server.subscribe("/events?topic=a&topic=b");
}
