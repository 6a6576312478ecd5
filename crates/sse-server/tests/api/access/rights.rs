//! What a good token is good for, and what needs none.

use super::*;

const CHALLENGE: Option<&str> = Some(r#"Bearer realm="sse", error="insufficient_scope""#);

#[test]
fn publishing_and_ending_need_the_topic() {
    let server = guarded();
    let headers = [&*bearer(&token(&claims(&["a", "x/y"], &["*"])))];
    server.post("/events/a", &headers, "x").json();
    server.post("/events/x/y", &headers, "x").json();
    server.post("/events/x%2Fy", &headers, "x").json();
    for topic in ["b", "A", "a/", "x", "x/yz", "%2A"] {
        let target = format!("/events/{topic}");
        let ingest = [headers[0], "content-type: text/event-stream"];
        for answer in [
            server.post(&target, &headers, "x"),
            server.post(&format!("{target}?end=true"), &ingest, "data: x\n\n"),
            server.request(head(&format!("DELETE {target}"), &headers)),
        ] {
            answer.assert_problem(403, "not-granted");
            assert_eq!(answer.head.header("www-authenticate"), CHALLENGE, "{topic}");
        }
    }
    assert_eq!(server.metric("sse_events_published_total"), 3);
    assert_eq!(server.request(head("DELETE /events/a", &headers)).head.status, 204);
}

#[test]
fn reading_needs_every_topic_of_the_subscription() {
    let server = guarded();
    let headers = [&*bearer(&token(&claims(&["*"], &["a", "b"])))];
    for target in ["/events/a", "/events/b", "/events?topic=a&topic=b"] {
        server.subscribe_with(target, &headers);
    }
    for target in ["/events/c", "/events?topic=a&topic=c", "/events?topic=c&topic=b", "/events/a?topic=c"] {
        let answer = server.request(head(&format!("GET {target}"), &headers));
        if target.contains("a?") {
            answer.assert_problem(400, "invalid-query");
            continue;
        }
        answer.assert_problem(403, "not-granted");
        assert_eq!(answer.head.header("www-authenticate"), CHALLENGE, "{target}");
        let mut connection = server.connect();
        connection.send(head(&format!("HEAD {target}"), &headers));
        let answer = connection.head();
        assert_eq!((answer.status, answer.header("last-event-id")), (403, None), "{target}");
    }
}

#[test]
fn what_is_forbidden_is_so_whether_it_exists_or_not() {
    let server = guarded();
    let root = bearer(&root());
    server.post("/events/secret", &[&root], "x").json();
    server.post("/events/over?end=true", &[&root], "x").json();
    let other = bearer(&token(&claims(&["a"], &["a"])));
    for method in ["GET", "DELETE"] {
        let of = |topic| server.request(head(&format!("{method} /events/{topic}"), &[&other]));
        let never = of("never");
        never.assert_problem(403, "not-granted");
        for topic in ["secret", "over"] {
            let answer = of(topic);
            assert_eq!(answer.text(), never.text(), "{method} {topic}");
            assert_eq!(answer.head.lasting(), never.head.lasting(), "{method} {topic}");
        }
    }
}

#[test]
fn a_star_is_every_topic_and_the_two_lists_are_apart() {
    let server = guarded();
    let publisher = bearer(&token(&claims(&["*"], &[])));
    let reader = bearer(&token(&claims(&[], &["*"])));
    let mut stream = server.subscribe_with("/events?topic=a&topic=b/c", &[&reader]);
    let id = server.post("/events/b/c", &[&publisher], "x").json()["id"].clone();
    assert_eq!(stream.event().id, id);
    server.post("/events/a", &[&reader], "x").assert_problem(403, "not-granted");
    server.request(head("GET /events/a", &[&publisher])).assert_problem(403, "not-granted");
    let nothing = bearer(&token(&json!({"exp": now() + 600})));
    for (_, answer) in answers(&server, &[&nothing]) {
        answer.assert_problem(403, "not-granted");
    }
}

#[test]
fn operations_and_preflights_need_no_token() {
    let server = guarded();
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(server.get(path).head.status, 200, "{path}");
    }
    assert_eq!(server.request(head("OPTIONS /events/a", &[])).head.status, 204);
    assert_eq!(server.request(head("PUT /events/a", &[])).head.status, 405);
}

#[test]
fn reading_may_be_left_to_everybody() {
    let server = guarded_with(|config| config.access.anonymous_subscribe = true);
    let publisher = bearer(&token(&claims(&["a"], &[])));
    let expired = bearer(&token(&json!({"exp": 1})));
    let mut streams = [
        server.subscribe("/events/a"),
        server.subscribe_with("/events/a", &[&expired]),
        server.subscribe_with("/events/a", &["authorization: Bearer garbage"]),
    ];
    server.post("/events/a", &[], "x").assert_problem(401, "token-missing");
    server.post("/events/b", &[&publisher], "x").assert_problem(403, "not-granted");
    server.post("/events/a", &[&publisher], "x").json();
    for stream in &mut streams {
        assert_eq!(stream.event().data, "x");
    }
}

#[test]
fn without_a_key_nobody_is_asked() {
    let server = TestServer::start();
    for headers in [&[][..], &["authorization: Bearer garbage"], &["cookie: mercureAuthorization=garbage"]] {
        server.subscribe_with("/events/a", headers);
        server.post("/events/a", headers, "x").json();
    }
}
