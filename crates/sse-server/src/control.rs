//! What the hub itself says on a stream: its first bytes, heartbeats, and the events whose names begin with `sse.`.
//!
//! A browser shows a page neither headers nor any status but 200 and 204, so whatever a reader must know is said here.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use sse_core::{Event, EventId, Frame, Lagged};

/// A comment without a blank line behind it: some clients dispatch an empty event on every blank line.
pub(crate) const HEARTBEAT: Bytes = Bytes::from_static(b":\n");

/// The first bytes of a stream, which go out with the headers so that the client knows that it is open.
///
/// `prime` gives a client that has seen no event a position all the same, by a block with nothing but an id: without
/// one it would lose what is published while it reconnects.
pub(crate) fn preamble(retry: Duration, prime: Option<EventId>) -> Bytes {
    let retry = retry.as_millis();
    match prime {
        Some(id) => format!(":ok\nretry: {retry}\nid: {id}\n\n").into(),
        None => format!(":ok\nretry: {retry}\n").into(),
    }
}

/// The whole body for a subscriber that cannot be served now: come back later. An error status would make a browser
/// give up for good.
pub(crate) fn come_back(retry: Duration) -> Bytes {
    format!(":come back\nretry: {}\n", retry.as_millis()).into()
}

/// Events were lost to this subscriber. Its id is where a reader goes on that has been told of it.
pub(crate) fn gap(lagged: &Lagged) -> Bytes {
    #[derive(Serialize)]
    struct Gap<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        topic: Option<&'a str>,
        after: Option<String>,
        before: String,
        missed: Option<u64>,
        reason: &'static str,
    }
    let gap = Gap {
        topic: lagged.topic.as_ref().map(sse_core::TopicName::as_str),
        after: lagged.after.map(|id| id.to_string()),
        before: lagged.before.to_string(),
        missed: lagged.missed,
        reason: lagged.reason.as_str(),
    };
    let data = serde_json::to_string(&gap).expect("strings and numbers are always valid JSON");
    event("sse.gap", &data, &lagged.resume())
}

/// The topics have ended; the stream does, too.
pub(crate) fn end(position: &EventId) -> Bytes {
    event("sse.end", "{}", position)
}

/// The token that opened the stream expires, and so does the stream. Who returns needs a new one.
pub(crate) fn expired(position: &EventId) -> Bytes {
    event("sse.expired", "{}", position)
}

/// The server ends the stream, and another, or itself, will go on with it in a while.
pub(crate) fn drain(position: &EventId, retry: Duration) -> Bytes {
    let retry = format!("retry: {}\n", retry.as_millis());
    [retry.as_bytes(), &event("sse.drain", "{}", position)].concat().into()
}

/// Every event has an id, so that a client that does not carry ids over keeps its position.
fn event(name: &str, data: &str, id: &EventId) -> Bytes {
    let event = Event::reserved(name, data).expect("our own names are valid");
    Frame::encode(&event).to_bytes(Some(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> EventId {
        "k3v9x0ab-7".parse().unwrap()
    }

    #[test]
    fn golden_bytes() {
        let retry = Duration::from_millis(3456);
        assert_eq!(preamble(retry, None), ":ok\nretry: 3456\n");
        assert_eq!(preamble(retry, Some(id())), ":ok\nretry: 3456\nid: k3v9x0ab-7\n\n");
        assert_eq!(come_back(retry), ":come back\nretry: 3456\n");
        assert_eq!(end(&id()), "event: sse.end\ndata: {}\nid: k3v9x0ab-7\n\n");
        assert_eq!(expired(&id()), "event: sse.expired\ndata: {}\nid: k3v9x0ab-7\n\n");
        assert_eq!(drain(&id(), retry), "retry: 3456\nevent: sse.drain\ndata: {}\nid: k3v9x0ab-7\n\n");
    }
}
