//! Every error that a handler answers is `application/problem+json`: each kind is brought about here, once.

use std::collections::HashSet;
use std::time::Duration;

use sse_server::ProblemKind;

use crate::access::{bearer, claims, guarded, token};
use crate::http::{head, post};
use crate::server::TestServer;

#[test]
fn every_kind_of_problem_is_a_problem_on_the_wire() {
    let server = TestServer::with(|config| {
        config.hub.body_timeout = Duration::from_millis(100);
        config.hub.max_event = 10;
        config.hub.max_topics_per_subscription = 1;
    });
    let guarded = guarded();
    let full = TestServer::with(|config| config.hub.max_streams = Some(0));
    server.publish("/events/ended?end=true", "x");
    let key = "idempotency-key: k";
    server.post("/events/a", &[key], "x").json();

    use ProblemKind as Kind;
    let table = [
        (Kind::BadRequest, post("/events/a", &["idempotency-key: "], "x")),
        (Kind::BodyTimeout, head("POST /events/a", &["content-length: 5"]).into()),
        (Kind::EventTooLarge, post("/events/a", &[], "12345678901")),
        (Kind::IdempotencyMismatch, post("/events/a", &[key], "y")),
        (Kind::InvalidEvent, post("/events/a?event=sse.x", &[], "x")),
        (Kind::InvalidQuery, post("/events/a?x=y", &[], "x")),
        (Kind::InvalidTopic, post("/events/%00", &[], "x")),
        (Kind::MethodNotAllowed, head("PUT /events/a", &[]).into()),
        (Kind::NotAcceptable, head("GET /events/a", &["accept: text/html"]).into()),
        (Kind::NotFound, head("GET /", &[]).into()),
        (Kind::NotGranted, post("/events/a", &[&bearer(&token(&claims(&["b"], &["a"])))], "x")),
        (Kind::Overloaded, head("GET /readyz", &[]).into()),
        (Kind::OriginForbidden, post("/events/a", &["origin: https://elsewhere.example"], "x")),
        (Kind::TokenExpired, post("/events/a", &[&bearer(&token(&serde_json::json!({"exp": 1})))], "x")),
        (Kind::TokenInvalid, post("/events/a", &[&bearer("garbage")], "x")),
        (Kind::TokenMissing, post("/events/a", &[], "x")),
        (Kind::TooManyTopics, head("GET /events?topic=a&topic=b", &[]).into()),
        (Kind::TopicEnded, post("/events/ended", &[], "x")),
        (Kind::UnsupportedMediaType, post("/events/a", &["content-encoding: gzip"], "x")),
        // The last, for it cannot be undone.
        (Kind::ShuttingDown, post("/events/a", &[], "x")),
    ];
    let kinds: HashSet<_> = table.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, HashSet::from(ProblemKind::ALL));

    for (kind, request) in table {
        if kind == Kind::ShuttingDown {
            server.hub().drain();
        }
        let needs_token = kind == Kind::NotGranted || kind.status() == 401;
        let asked = match kind {
            Kind::Overloaded => &full,
            _ if needs_token => &guarded,
            _ => &server,
        };
        let answer = asked.request(request);
        answer.assert_problem(kind.status().as_u16(), kind.slug());
        assert_eq!(answer.head.header("allow").is_some(), kind == Kind::MethodNotAllowed, "{kind:?}");
        assert_eq!(answer.head.header("www-authenticate").is_some(), needs_token, "{kind:?}");
        assert_eq!(answer.head.header("retry-after").is_some(), kind.status() == 503, "{kind:?}");
    }
}

#[test]
fn a_reader_never_sees_a_status_that_stands_for_passing_trouble() {
    // An EventSource gives up for good on 429 and 503, so whatever passes is said with 200.
    let server = TestServer::start();
    server.hub().drain();
    for target in ["/events/a", "/events?topic=a&topic=b", "/events/a?last_event_id=earliest"] {
        let answer = server.get(target);
        assert_eq!(answer.head.status, 200, "{target}");
        assert_eq!(answer.head.header("content-type"), Some("text/event-stream"), "{target}");
    }
}
