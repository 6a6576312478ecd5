//! What happens when there are as many streams as there may be.

use crate::server::TestServer;

#[test]
fn one_stream_too_many_is_told_to_come_back_and_all_else_goes_on() {
    let server = TestServer::with(|config| config.hub.max_streams = Some(2));
    let mut streams = [server.subscribe("/events/a"), server.subscribe("/events/b")];

    let refused = server.get("/events/a");
    assert_eq!(refused.head.status, 200);
    assert_eq!(refused.head.header("content-type"), Some("text/event-stream"));
    assert!(refused.text().contains("retry: "), "{refused:?}");

    assert_eq!(server.get("/livez").head.status, 200);
    server.publish("/events/ended?end=true", "x");
    assert_eq!(server.get("/events/ended").head.status, 204, "who need not come back is not asked to");
    server.publish("/events/b", "x");
    assert_eq!(streams[1].event().data, "x");

    drop(streams);
    server.await_metric("sse_subscribers", 0);
    server.subscribe("/events/a");
}
