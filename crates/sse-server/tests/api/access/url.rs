//! `?access_token=`, which is off unless it is switched on.

use super::*;

#[test]
fn a_token_in_the_url_is_a_mistake_unless_it_was_switched_on() {
    for server in [guarded(), TestServer::start()] {
        let query = format!("?access_token={}", root());
        let headers = [&*bearer(&root())];
        server.request(head(&format!("GET /events/a{query}"), &headers)).assert_problem(400, "invalid-query");
        let answer = server.post(&format!("/events/a{query}"), &headers, "x");
        let detail = answer.assert_problem(400, "invalid-query");
        assert!(!detail.contains("access_token"), "{detail}");
        assert_eq!(server.metric("sse_events_published_total"), 0);
    }
    // Without any other token that is what is wrong in the first place.
    let answer = guarded().get(&format!("/events/a?access_token={}", root()));
    assert!([400, 401].contains(&answer.head.status), "{answer:?}");
}

#[test]
fn switched_on_it_is_as_good_as_any() {
    let server = guarded_with(|config| config.access.token_in_url = true);
    let query = format!("access_token={}", root());
    let mut one = server.subscribe(&format!("/events/a?{query}"));
    let mut several = server.subscribe(&format!("/events?topic=a&{query}&topic=b"));
    server.publish(&format!("/events/a?event=e&{query}"), "x");
    assert_eq!((one.event().name, several.event().name), ("e".to_owned(), "e".to_owned()));
    for target in [
        "/events/a?access_token=garbage".to_owned(),
        format!("/events/a?access_token={}", token(&json!({"exp": 1}))),
    ] {
        assert_eq!(server.get(&target).head.status, 401, "{target}");
    }
    for (target, headers) in [
        (format!("/events/a?{query}&{query}"), vec![]),
        (format!("/events/a?{query}"), vec![bearer(&root())]),
        (format!("/events/a?{query}"), vec![cookie(&root())]),
    ] {
        let headers: Vec<_> = headers.iter().map(String::as_str).collect();
        server.request(head(&format!("GET {target}"), &headers)).assert_problem(400, "bad-request");
    }
    server.get(&format!("/events/a?{query}&x=y")).assert_problem(400, "invalid-query");
}
