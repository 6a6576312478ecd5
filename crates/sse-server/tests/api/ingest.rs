//! `POST` with a body of `text/event-stream`: SSE in, SSE out, event by event, to one topic or to several.

use crate::http::{Connection, chunk, head};
use crate::server::TestServer;

mod content;
mod ends;
mod limits;
mod live;
mod refused;
mod several;

const EVENT_STREAM: &str = "content-type: text/event-stream";

/// Begins a body that goes on: what follows is sent as chunks.
fn begin(server: &TestServer, target: &str) -> Connection {
    let mut publisher = server.connect();
    publisher.send(head(&format!("POST {target}"), &[EVENT_STREAM, "transfer-encoding: chunked"]));
    publisher
}

/// A body of chunks of this size, to its end.
fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    body.chunks(size).chain([&[][..]]).flat_map(chunk).collect()
}
