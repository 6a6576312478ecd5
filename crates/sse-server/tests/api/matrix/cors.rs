//! Pages of other origins (Fetch standard, CORS protocol). What is not allowed is not refused: the browser blocks it.

use sse_server::config::AllowedOrigins;

use crate::http::{Head, head, post};
use crate::server::TestServer;

const ALLOWED: &str = "https://app.example";
const OTHERS: [&str; 4] = ["https://evil.example", "http://app.example", "https://app.example:444", "null"];

fn allowing_one() -> TestServer {
    TestServer::with(|config| {
        let origins = ["https://other.example", ALLOWED].map(|origin| origin.parse().unwrap());
        config.hub.allow_origins = AllowedOrigins::These(origins.into());
    })
}

fn allowing_any() -> TestServer {
    TestServer::with(|config| config.hub.allow_origins = AllowedOrigins::Any)
}

/// The heads of answers of every sort: streams, errors, short ones.
fn heads(server: &TestServer, origin: &str) -> Vec<(String, Head)> {
    let origin = format!("origin: {origin}");
    let origin: &[&str] = if origin.ends_with(": ") { &[] } else { &[&origin] };
    let requests = [
        ("a stream", head("GET /events/a", origin)),
        ("a stream of several", head("GET /events?topic=a&topic=b", origin)),
        ("HEAD", head("HEAD /events/a", origin)),
        ("not acceptable", head("GET /events/a", &[origin, &["accept: a/b"]].concat())),
        ("not allowed", head("PUT /events/a", origin)),
        ("not found", head("DELETE /events/never", origin)),
        ("not a topic", head("GET /events/%00", origin)),
        ("no topic", head("GET /events", origin)),
        ("plain OPTIONS", head("OPTIONS /events/a", origin)),
    ];
    let requests = requests.map(|(name, request)| (name, request.into_bytes()));
    let posts = [
        ("published", post("/events/a", origin, "x")),
        ("not an event", post("/events/a?event=sse.x", origin, "x")),
    ];
    requests
        .into_iter()
        .chain(posts)
        .map(|(name, request)| {
            let mut connection = server.connect();
            connection.send(request);
            (name.to_owned(), connection.head())
        })
        .collect()
}

fn cors_headers(head: &Head) -> Vec<&str> {
    let names = head.headers.iter().map(|(name, _)| name.as_str());
    names.filter(|name| name.starts_with("access-control-")).collect()
}

#[test]
fn without_configured_origins_there_is_no_word_of_cors() {
    let server = TestServer::start();
    for (name, head) in heads(&server, ALLOWED) {
        assert_eq!(cors_headers(&head), [""; 0], "{name}");
        assert!(!head.list("vary").contains(&"origin".to_owned()), "{name}");
    }
    let answer = preflight(&server, "/events/a", ALLOWED);
    assert_eq!(answer.status, 204);
    assert_eq!(cors_headers(&answer), [""; 0]);
    assert_eq!(answer.header("allow"), Some("GET, HEAD, POST, DELETE, OPTIONS"));
}

#[test]
fn an_allowed_origin_may_read_every_answer_with_credentials() {
    let server = allowing_one();
    for (name, head) in heads(&server, ALLOWED) {
        assert_eq!(head.header("access-control-allow-origin"), Some(ALLOWED), "{name}");
        assert_eq!(head.header("access-control-allow-credentials"), Some("true"), "{name}");
        assert_eq!(head.list("access-control-expose-headers"), ["last-event-id", "retry-after"], "{name}");
        assert!(head.list("vary").contains(&"origin".to_owned()), "{name}: {head:?}");
    }
    let stream = server.subscribe_with("/events/a", &["origin: https://app.example"]);
    assert_eq!(stream.head.list("vary"), ["accept", "origin"]);
}

#[test]
fn another_origin_may_not_and_no_cache_mixes_them_up() {
    let server = allowing_one();
    for origin in
        OTHERS.iter().chain(&["", "HTTPS://APP.EXAMPLE", "https://app.example, https://app.example"])
    {
        for (name, head) in heads(&server, origin) {
            assert_eq!(cors_headers(&head), [""; 0], "{name} from {origin:?}");
            assert!(head.list("vary").contains(&"origin".to_owned()), "{name} from {origin:?}: {head:?}");
        }
    }
}

#[test]
fn any_origin_may_read_but_never_with_credentials() {
    let server = allowing_any();
    for origin in OTHERS {
        for (name, head) in heads(&server, origin) {
            assert_eq!(head.header("access-control-allow-origin"), Some("*"), "{name} from {origin}");
            assert_eq!(head.header("access-control-allow-credentials"), None, "{name} from {origin}");
            assert!(
                !head.list("vary").contains(&"origin".to_owned()),
                "{name}: the answer is the same for all"
            );
        }
    }
}

fn preflight(server: &TestServer, target: &str, origin: &str) -> Head {
    let origin = format!("origin: {origin}");
    let headers = [
        origin.as_str(),
        "access-control-request-method: POST",
        "access-control-request-headers: last-event-id",
    ];
    let answer = server.request(head(&format!("OPTIONS {target}"), &headers));
    assert!(answer.body.is_empty());
    answer.head
}

#[test]
fn a_preflight_allows_all_that_there_is() {
    let table = [(allowing_one(), ALLOWED, Some("true")), (allowing_any(), "*", None)];
    for (server, expected, credentials) in table {
        for target in ["/events/a", "/events/a/b", "/events", "/events?topic=a"] {
            let answer = preflight(&server, target, ALLOWED);
            assert_eq!(answer.status, 204, "{target}");
            assert_eq!(answer.header("access-control-allow-origin"), Some(expected), "{target}");
            assert_eq!(answer.header("access-control-allow-credentials"), credentials, "{target}");
            let methods = answer.list("access-control-allow-methods");
            assert_eq!(methods, ["delete", "get", "head", "options", "post"], "{target}");
            let headers = answer.list("access-control-allow-headers");
            let known =
                ["authorization", "cache-control", "content-type", "idempotency-key", "last-event-id"];
            assert_eq!(headers, known, "{target}");
            let age: u32 = answer.header("access-control-max-age").expect("it may be kept").parse().unwrap();
            assert!(age >= 600, "{age} s");
            let vary = answer.list("vary");
            for name in ["access-control-request-headers", "access-control-request-method"] {
                assert!(vary.contains(&name.to_owned()), "{target}: {vary:?}");
            }
            assert_eq!(vary.contains(&"origin".to_owned()), expected != "*", "{target}: {vary:?}");
        }
    }
}

#[test]
fn a_preflight_of_another_origin_allows_nothing() {
    let server = allowing_one();
    for origin in OTHERS {
        let answer = preflight(&server, "/events/a", origin);
        assert_eq!(answer.status, 204, "{origin}");
        assert_eq!(cors_headers(&answer), [""; 0], "{origin}");
        let vary = ["access-control-request-headers", "access-control-request-method", "origin"];
        assert_eq!(answer.list("vary"), vary, "{origin}");
    }
}

#[test]
fn a_page_from_elsewhere_can_not_publish_without_a_preflight() {
    let server = allowing_one();
    let from = |origin: &str| [format!("origin: {origin}"), "content-type: text/plain".to_owned()];
    for origin in ["https://elsewhere.example", "null", "http://test:1", "http://test.example"] {
        let origin = from(origin);
        let headers = [origin[0].as_str(), origin[1].as_str()];
        server.post("/events/a", &headers, "x").assert_problem(403, "origin-forbidden");
        server.request(head("DELETE /events/a", &[&origin[0]])).assert_problem(403, "origin-forbidden");
    }
    assert_eq!(server.metric("sse_events_published_total"), 0);

    // `test` is what all requests here call the server.
    for origin in [ALLOWED, "http://test", "https://test"] {
        let origin = from(origin);
        server.post("/events/a", &[&origin[0], &origin[1]], "x").json();
    }
}

#[test]
fn without_configured_origins_pages_from_elsewhere_can_not_publish_either() {
    let server = TestServer::start();
    let answer = server.post("/events/a", &["origin: https://elsewhere.example"], "x");
    answer.assert_problem(403, "origin-forbidden");
    assert_eq!(server.metric("sse_events_published_total"), 0);
}

#[test]
fn a_request_that_does_not_say_what_the_server_is_called_has_no_origin_of_its_own() {
    let server = TestServer::start();
    for origin in ["null", "https://elsewhere.example", "http://"] {
        let request = format!("POST /events/a HTTP/1.0\r\norigin: {origin}\r\ncontent-length: 1\r\n\r\nx");
        server.request(request).assert_problem(403, "origin-forbidden");
    }
}
