//! Finite streams.

use std::time::{Duration, Instant};

use sse_loadgen::serve::{Counts, ServeConfig};

use crate::TestServer;
use crate::client::{Seen, Subscriber, request};

fn ask(server: &TestServer, method: &str, query: &str) -> Subscriber {
    let mut client = server.connect();
    client.send(&request(method, &format!("/tokens?{query}"), "{\"prompt\":\"hello\"}"));
    client.stream()
}

#[test]
fn an_answer_comes_token_by_token_and_ends() {
    let server = TestServer::start(ServeConfig::default());
    for method in ["GET", "POST"] {
        let start = Instant::now();
        let mut tokens = ask(&server, method, "n=5&first=20ms&interval=5ms").rest();
        assert!(start.elapsed() >= Duration::from_millis(20 + 4 * 5));
        assert_eq!(tokens.pop().as_deref(), Some("[DONE]"));
        assert_eq!(tokens, (1..=5).map(|n| format!("{{\"token\":\" word{n}\"}}")).collect::<Vec<_>>());
    }
    assert_eq!(server.handle.counts(), Counts::default(), "these are no deliveries");
}

#[test]
fn a_truncated_answer_has_no_end() {
    let server = TestServer::start(ServeConfig::default());
    let mut stream = ask(&server, "GET", "n=9&truncate=2&first=0s&interval=1ms");
    assert!(matches!(stream.next(), Seen::Event { .. }));
    assert!(matches!(stream.next(), Seen::Event { .. }));
    assert_eq!(stream.next(), Seen::Cut);
}

#[test]
fn many_answers_are_given_at_once() {
    let server = TestServer::start(ServeConfig::default());
    let mut streams: Vec<_> =
        (0..50).map(|_| ask(&server, "GET", "n=100&first=1ms&interval=100us")).collect();
    streams.iter_mut().for_each(|stream| assert_eq!(stream.rest().len(), 101));
}

#[test]
fn an_answer_waits_for_a_client_that_does_not_read() {
    const TOKENS: usize = 200_000;
    let server = TestServer::start(ServeConfig::default());
    let mut stream = ask(&server, "GET", &format!("n={TOKENS}&first=0s&interval=0s"));
    // Others are served meanwhile.
    assert_eq!(ask(&server, "GET", "n=1&first=0s").rest().len(), 2);
    assert_eq!(stream.rest().len(), TOKENS + 1);
}

#[test]
fn a_query_that_is_wrong_is_refused() {
    let server = TestServer::start(ServeConfig::default());
    let answer = server.connect().ask("GET", "/tokens?n=many", "");
    assert_eq!((answer.status, answer.body.as_str()), (400, "n and truncate are numbers, up to 1000000"));
}
