//! What each resource has, and what it says about methods that it does not have.

use crate::http::{Connection, head};
use crate::server::{TestServer, epoch, sequence};

const TOPIC: &str = "GET, HEAD, POST, DELETE, OPTIONS";
const TOPICS: &str = "GET, HEAD, POST, OPTIONS";

#[test]
fn head_answers_what_get_would_and_leaves_the_connection_usable() {
    let server = TestServer::start();
    for target in ["/events/a", "/events?topic=a&topic=b"] {
        let get = server.subscribe(target).head;
        let mut connection = server.connect();
        for _ in 0..3 {
            connection.send(head(&format!("HEAD {target}"), &[]));
            let answer = connection.head();
            let mut headers = answer.lasting();
            headers.retain(|(name, _)| name != "last-event-id");
            let mut expected = get.lasting();
            // Framing may be left out of an answer without a body (RFC 9110 section 9.3.2), and what becomes of the
            // connection is not a matter of the target.
            expected.retain(|(name, _)| name != "transfer-encoding" && name != "connection");
            assert_eq!(answer.line, get.line);
            assert_eq!(headers, expected);
        }
        // A body, had there been one, would stand in front of this answer.
        connection.send(head("GET /livez", &[]));
        assert_eq!(connection.response().text(), "ok\n");
    }
}

#[test]
fn head_registers_no_subscriber_and_makes_no_topic() {
    let server = TestServer::start();
    let mut connections: Vec<Connection> = (0..8).map(|_| server.connect()).collect();
    for connection in &mut connections {
        connection.send(head("HEAD /events/a", &[]));
        assert_eq!(connection.head().status, 200);
    }
    // All of them are still open.
    assert_eq!(server.metric("sse_subscribers"), 0);
    assert_eq!(server.metric("sse_topics"), 0);
}

#[test]
fn head_answers_204_where_get_would() {
    let server = TestServer::start();
    let first = server.publish("/events/a", "1");
    let last = server.publish("/events/a?end=true", "2");
    for (position, status) in [("", 204), (&last, 204), (&first, 200), ("earliest", 200), ("no id", 200)] {
        let mut connection = server.connect();
        connection.send(head("HEAD /events/a", &[&format!("last-event-id: {position}")]));
        assert_eq!(connection.head().status, status, "{position}");
    }
}

#[test]
fn head_of_what_operators_ask_is_the_head_of_get() {
    let server = TestServer::start();
    for target in ["/livez", "/readyz", "/slow"] {
        let get = server.get(target);
        let mut connection = server.connect();
        connection.send(head(&format!("HEAD {target}"), &[]));
        assert_eq!(connection.head().lasting(), get.head.lasting(), "{target}");
        connection.send(head("GET /livez", &[]));
        assert_eq!(connection.response().text(), "ok\n", "no body stands in front of it");
    }
}

#[test]
fn head_tells_the_position_behind_everything_published() {
    let server = TestServer::start();
    let position = |server: &TestServer, target: &str| {
        let mut connection = server.connect();
        connection.send(head(&format!("HEAD {target}"), &[]));
        connection.head().header("last-event-id").expect("HEAD tells the position").to_owned()
    };
    assert_eq!(sequence(&position(&server, "/events/a")), 0);
    let id = server.publish("/events/b", "x");
    assert_eq!(epoch(&position(&server, "/events/a")), epoch(&id));
    assert_eq!(position(&server, "/events/a"), id, "whichever topic the event was for");
    assert_eq!(position(&server, "/events?topic=a&topic=b"), id);
}

#[test]
fn plain_options_lists_the_methods() {
    let server = TestServer::start();
    for (target, allow) in [("/events/a", TOPIC), ("/events", TOPICS), ("/events?topic=a", TOPICS)] {
        let answer = server.request(head(&format!("OPTIONS {target}"), &[]));
        assert_eq!(answer.head.status, 204, "{target}");
        assert_eq!(answer.head.header("allow"), Some(allow), "{target}");
        assert_eq!(answer.head.header("content-length"), None, "{target}");
    }
}

#[test]
fn a_method_that_a_resource_does_not_have_is_405_and_says_which_it_has() {
    let server = TestServer::start();
    for method in ["PUT", "PATCH", "TRACE", "PROPFIND", "get"] {
        assert_not_allowed(&server, method, "/events/a", TOPIC);
        assert_not_allowed(&server, method, "/events?topic=a", TOPICS);
        for target in ["/livez", "/readyz", "/metrics"] {
            assert_not_allowed(&server, method, target, "GET, HEAD");
        }
    }
    assert_not_allowed(&server, "DELETE", "/events?topic=a", TOPICS);
    for method in ["POST", "DELETE"] {
        assert_not_allowed(&server, method, "/metrics", "GET, HEAD");
    }
    assert_eq!(server.metric("sse_topics"), 0);
}

fn assert_not_allowed(server: &TestServer, method: &str, target: &str, allow: &str) {
    let request = head(&format!("{method} {target}"), &["x-secret: shibboleth"]);
    let answer = server.request(request);
    answer.assert_problem(405, "method-not-allowed");
    assert_eq!(answer.head.header("allow"), Some(allow), "{method} {target}");
    // TRACE would send the request back, and with it whatever a proxy added to it.
    assert!(!format!("{answer:?}").contains("shibboleth"), "{method} {target}");
}

#[test]
fn what_is_not_there_is_404() {
    let server = TestServer::start();
    for target in ["/", "/event", "/eventsx", "/topics/a", "/livez/", "/metrics/x", "/EVENTS/a"] {
        server.get(target).assert_problem(404, "not-found");
    }
    server.delete("/events/never").assert_problem(404, "not-found");
}
