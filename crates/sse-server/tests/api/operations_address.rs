//! An address for operators alone: what is there, and is then nowhere else.

use std::time::Instant;

use crate::http::{BOUND, Connection, head};
use crate::operations::narrow;
use crate::server::TestServer;
use crate::stream::Stream;

const PAGES: [&str; 4] = ["/livez", "/readyz", "/metrics", "/slow"];

#[test]
fn operations_are_where_everything_is_unless_they_have_an_address() {
    let server = TestServer::start();
    for page in PAGES {
        assert_eq!(server.get(page).head.status, 200, "{page}");
    }
}

#[test]
fn operations_with_an_address_are_there_and_nowhere_else() {
    let server = TestServer::with(|config| config.operations = Some("127.0.0.1:0".parse().unwrap()));
    let mut operations = Connection::new(server.operations());
    for page in PAGES {
        server.get(page).assert_problem(404, "not-found");
        operations.send(head(&format!("GET {page}"), &[]));
        assert_eq!(operations.response().head.status, 200, "{page}");
    }

    server.publish("/events/a", "one");
    operations.send(head("GET /metrics", &[]));
    assert!(operations.response().text().contains("\nsse_events_published_total 1\n"), "of the same hub");
    operations.send(head("GET /events/a", &[]));
    operations.response().assert_problem(404, "not-found");
    operations.send(head("POST /livez", &["content-length: 0"]));
    operations.response().assert_problem(405, "method-not-allowed");
}

#[test]
fn who_is_slow_is_nobody_elses_business_where_reading_needs_a_token() {
    let guarded = crate::access::guarded();
    guarded.get("/slow").assert_problem(403, "not-granted");
    assert_eq!(guarded.get("/metrics").head.status, 200);
}

#[test]
fn operations_are_answered_by_a_server_that_has_no_connection_left() {
    let server = TestServer::with(|config| {
        config.operations = Some("127.0.0.1:0".parse().unwrap());
        (config.workers, config.max_connections) = (1, Some(2));
    });
    let _held = [server.subscribe("/events/a"), Stream::open(server.connect(), head("GET /events/a", &[]))];
    let mut operations = Connection::new(server.operations());
    operations.send(head("GET /livez", &[]));
    assert_eq!(operations.response().head.status, 200);
    operations.send(head("GET /readyz", &[]));
    operations.response().assert_problem(503, "overloaded");
}

#[test]
fn a_drain_can_be_watched() {
    let mut server = TestServer::with(|config| config.operations = Some("127.0.0.1:0".parse().unwrap()));
    let address = server.operations();
    let mut stalled = Stream::open(narrow(&server), head("GET /events/a", &[]));
    stalled.preamble();
    // More than all buffers on the way hold: the server has something left to do.
    (0..50).for_each(|_| drop(server.publish("/events/a", "x".repeat(60_000))));
    server.begin_shutdown();

    let ask = |target: &str| {
        // Not the same connection: an idle one is closed, as everywhere.
        let mut operations = Connection::new(address);
        operations.send(head(target, &[]));
        operations.response()
    };
    let until = Instant::now() + BOUND;
    while ask("GET /readyz").head.status == 200 {
        assert!(Instant::now() < until, "still ready");
    }
    ask("GET /readyz").assert_problem(503, "shutting-down");
    let page = ask("GET /metrics").text();
    assert!(page.contains("\nsse_draining 1\n") && page.contains("\nsse_subscribers 1\n"), "{page}");
    drop(stalled);
    server.ended();
}
