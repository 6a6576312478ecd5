//! An address for operators alone: what is there, and is then nowhere else.

use crate::http::{Connection, head};
use crate::server::TestServer;

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
    guarded.get("/slow").assert_problem(404, "not-found");
    assert_eq!(guarded.get("/metrics").head.status, 200);
}
