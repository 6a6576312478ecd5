//! Events that are hard on encoders and parsers, and publishing them.

use anyhow::Result;

use crate::seen::Received;
use crate::server::Server;

/// An event as it is published.
#[derive(Clone, Debug)]
pub struct Event {
    /// None for an event without a name, which clients call `message`.
    pub name: Option<&'static str>,
    /// Any UTF-8.
    pub data: String,
}

impl Event {
    fn unnamed(data: impl Into<String>) -> Self {
        Self { name: None, data: data.into() }
    }

    fn named(name: &'static str, data: impl Into<String>) -> Self {
        Self { name: Some(name), data: data.into() }
    }

    /// What a client sees of it: the format turns CR LF and CR into LF (WHATWG HTML, 9.2.5), and nothing else.
    fn as_received(&self, id: String) -> Received {
        Received {
            name: self.name.unwrap_or("message").to_owned(),
            data: self.data.replace("\r\n", "\n").replace('\r', "\n"),
            id,
        }
    }
}

/// Names of the events in [`mixed`] and of the hub's control events: an `EventSource` hears only the names that it asked for.
pub const NAMES: [&str; 7] = ["message", "price", "日本語", "done", "sse.gap", "sse.end", "sse.drain"];

/// Every kind of data that has been seen to break a client or a server.
#[must_use]
pub fn mixed() -> Vec<Event> {
    vec![
        Event::unnamed("plain"),
        Event::named("price", r#"{"eur": 1.5}"#),
        Event::unnamed("two\nlines"),
        Event::unnamed("CR LF\r\nand CR\rend lines too"),
        Event::unnamed("ends with LF\n"),
        Event::unnamed("blank\n\nline"),
        Event::unnamed(" one leading space"),
        Event::unnamed("\ttab"),
        Event::unnamed("field: inside\nid: 7\nevent: sse.end\n: comment"),
        Event::unnamed("emoji 🦀👩‍👩‍👧, CJK 漢字かな, combining e\u{301}, \u{200f}bidi, \u{feff}BOM"),
        // Line ends to Python's str.splitlines and to Unicode, but not to this format.
        Event::unnamed("no\u{2028}line\u{2029}end\u{85}is\u{b}here\u{c}at\u{1e}all"),
        Event::named("日本語", "a name in any script"),
        Event::unnamed("NUL \0 is data"),
        Event::unnamed(long()),
        Event::named("done", "[DONE]"),
    ]
}

/// Empty data, and data that begins with an empty line: an empty `data:` line is still data (WHATWG HTML, 9.2.6).
///
/// Apart from [`mixed`], for there are clients that lose these.
#[must_use]
pub fn empty_lines() -> Vec<Event> {
    ["", "\n", "\n\n", "\nleading LF"].map(Event::unnamed).into()
}

/// Publishes `events` one after the other and answers what every client must see of them.
///
/// # Errors
/// If the hub refuses one.
pub async fn publish_all(hub: &Server, topic: &str, events: &[Event]) -> Result<Vec<Received>> {
    let mut expected = Vec::with_capacity(events.len());
    for event in events {
        let id = hub.publish(topic, event.name, &event.data).await?;
        expected.push(event.as_received(id));
    }
    Ok(expected)
}

/// Publishes unnamed events with these numbers as data.
///
/// # Errors
/// If the hub refuses one.
pub async fn publish_numbers(
    hub: &Server,
    topic: &str,
    numbers: impl IntoIterator<Item = u32>,
) -> Result<Vec<Received>> {
    let events: Vec<Event> = numbers.into_iter().map(|n| Event::unnamed(n.to_string())).collect();
    publish_all(hub, topic, &events).await
}

/// 40 KB: below the hub's limit for one event, above every buffer on the way.
fn long() -> String {
    let line = "0123456789".repeat(100);
    vec![line; 40].join("\n")
}
