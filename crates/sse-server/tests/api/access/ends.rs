//! What a token has opened ends with it. These wait for real time to pass, as long as a token lasts.

use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::http::{BOUND, chunk};

/// A token that lasts long enough to be used on the slowest machine.
fn brief() -> String {
    let mut claims = claims(&["*"], &["*"]);
    claims["exp"] = json!(now() + 4);
    bearer(&token(&claims))
}

#[test]
fn a_stream_ends_with_its_token_and_says_so() {
    let server = guarded();
    let (brief, lasting) = (brief(), bearer(&root()));
    let mut others = server.subscribe_with("/events/a", &[&lasting]);
    let mut stream = server.subscribe_with("/events/a", &[&brief]);
    let id = server.post("/events/a", &[&lasting], "before").json()["id"].clone();
    await_refusal(&server, &brief);
    server.post("/events/a", &[&lasting], "after").json();

    assert_eq!(stream.event().data, "before");
    let said = stream.events_to_end();
    assert_eq!(said.len(), 1, "what came later is not for this reader: {said:?}");
    assert_eq!(said[0].control("sse.expired"), json!({}));
    assert_eq!(said[0].id, id, "the position to go on from with a new token");

    // A reader with another token goes on.
    stream.assert_serves_on_or_is_over();
    assert_eq!(others.data(2), ["before", "after"]);
    let last = format!("last-event-id: {}", said[0].id);
    let mut resumed = server.subscribe_with("/events/a", &[&lasting, &last]);
    assert_eq!(resumed.event().data, "after");
}

/// Asks again and again, until the token is no longer good for anything.
fn await_refusal(server: &TestServer, token: &str) {
    let until = Instant::now() + BOUND;
    let mut connection = server.connect();
    loop {
        connection.send(head("HEAD /events/a", &[token]));
        match connection.head().status {
            200 => assert!(Instant::now() < until, "the token does not expire"),
            status => return assert_eq!(status, 401),
        }
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_body_that_outlasts_its_token_is_stopped_and_told_how_far_it_came() {
    let server = guarded();
    let mut stream = server.subscribe_with("/events/a", &[&bearer(&root())]);
    let mut publisher = server.connect();
    let headers = [&*brief(), "content-type: text/event-stream", "transfer-encoding: chunked"];
    publisher.send(head("POST /events/a?end=true", &headers));
    publisher.send(chunk("data: 1\n\ndata: 2\n\n"));
    assert_eq!(stream.event().data, "1");
    let id = stream.event().id;

    let answer = publisher.response();
    let detail = answer.assert_problem(401, "token-expired");
    assert!(detail.contains("2 events") && detail.contains(&id), "{detail}");
    assert!(answer.head.header("www-authenticate").is_some());
    // The topic has not ended.
    server.post("/events/a", &[&bearer(&root())], "3").json();
    assert_eq!(stream.event().data, "3");
}
