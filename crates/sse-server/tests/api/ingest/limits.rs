//! What bodies may take that are streams themselves: a place among the streams, and memory while they are unfinished.

use super::begin;
use crate::http::{chunk, head};
use crate::server::TestServer;

#[test]
fn a_body_that_lasts_is_one_of_the_streams() {
    let server = TestServer::with(|config| config.hub.max_streams = Some(2));
    let mut first = begin(&server, "/events/a");
    let mut reader = server.subscribe("/events/a");
    // That a head has come is known when its first event has.
    first.send(chunk("data: 1\n\n"));
    assert_eq!(reader.event().data, "1");

    assert!(server.get("/events/a").text().starts_with(":come back\n"));
    let refused = begin(&server, "/events/b").response();
    refused.assert_problem(503, "overloaded");
    assert!(refused.head.header("retry-after").is_some());
    server.publish("/events/a", "a single event gets through");
    assert_eq!(reader.event().data, "a single event gets through");

    first.send(chunk(""));
    assert_eq!(first.response().head.status, 200);
    let mut second = begin(&server, "/events/a");
    second.send(chunk("data: 2\n\n"));
    assert_eq!(reader.event().data, "2");
}

#[test]
fn unfinished_bodies_share_the_memory_that_there_is_for_them() {
    let server = TestServer::with(|config| {
        config.hub.max_event = 10_000;
        config.hub.body_memory = 15_000;
    });
    let mut held = begin(&server, "/events/a");
    held.send(chunk(format!("data: {}", "x".repeat(9000))));
    server.await_metric("sse_body_bytes", 9000 + "data: ".len() as u64);

    let mut stream = begin(&server, "/events/b");
    stream.send(chunk(format!("data: {}", "x".repeat(9000))));
    stream.response().assert_problem(503, "overloaded");
    let large = "x".repeat(9000);
    server.post("/events/b", &[], &large).assert_problem(503, "overloaded");
    server.publish("/events/b", "small");
    assert_eq!(server.metric("sse_rejections_total{reason=\"bodies\"}"), 2);

    held.send(chunk("\n\n"));
    server.await_metric("sse_body_bytes", 0);
    server.publish("/events/b", &large);
    let _ = server.request(head("GET /livez", &[]));
}
