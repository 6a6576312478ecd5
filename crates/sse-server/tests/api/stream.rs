//! An open event stream, read more strictly than any browser does.
//!
//! Written from WHATWG HTML section 9.2.6 and from what the server promises on top of it: a block is never
//! interrupted, has its fields in the order event, data, id, and a blank line ends a block and nothing else.

use std::collections::VecDeque;

use serde_json::Value;
use sse_server::SinkKind;

use crate::http::{Connection, Framing, Head, head};
use crate::server::sink;

/// One thing that was said on a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Comment(String),
    /// The body came to its good end.
    End,
    Event(Event),
    /// A block with nothing but an id.
    Id(String),
    Retry(u64),
}

/// An event, with an id of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// Empty if it has none.
    pub(crate) name: String,
    pub(crate) data: String,
    pub(crate) id: String,
}

impl Event {
    /// The data of a control event.
    #[track_caller]
    pub(crate) fn control(&self, name: &str) -> Value {
        assert_eq!(self.name, name, "{self:?}");
        serde_json::from_str(&self.data).expect("control events carry JSON")
    }
}

/// See the module.
pub(crate) struct Stream {
    pub(crate) head: Head,
    connection: Connection,
    framing: Framing,
    lines: Lines,
    said: VecDeque<Said>,
}

impl Stream {
    /// Sends a request that is answered with a stream.
    #[track_caller]
    pub(crate) fn open(mut connection: Connection, request: impl AsRef<[u8]>) -> Self {
        connection.send(request);
        let head = connection.head();
        assert_eq!(head.status, 200, "{head:?}");
        assert_eq!(head.header("content-type"), Some("text/event-stream"));
        let framing = head.framing();
        Self { head, connection, framing, lines: Lines::default(), said: VecDeque::new() }
    }

    /// Reads the comment and the `retry:` that open a stream, and answers the delay in milliseconds.
    #[track_caller]
    pub(crate) fn preamble(&mut self) -> u64 {
        assert_eq!(self.next(), Said::Comment("ok".to_owned()));
        let Said::Retry(delay) = self.next() else { panic!("a preamble names the delay") };
        delay
    }

    /// What comes next.
    pub(crate) fn next(&mut self) -> Said {
        loop {
            if let Some(said) = self.said.pop_front() {
                return said;
            }
            match self.connection.body_piece(&mut self.framing) {
                Some(piece) => piece.iter().for_each(|&byte| self.said.extend(self.lines.push(byte))),
                None => {
                    self.lines.assert_at_boundary();
                    return Said::End;
                }
            }
        }
    }

    /// The next event; comments and `retry:` on the way are passed over.
    #[track_caller]
    pub(crate) fn event(&mut self) -> Event {
        loop {
            match self.next() {
                Said::Event(event) => return event,
                Said::Comment(_) | Said::Retry(_) => {}
                other => panic!("{other:?} instead of an event"),
            }
        }
    }

    /// The data of the next events, which are none of the hub's own.
    #[track_caller]
    pub(crate) fn data(&mut self, events: usize) -> Vec<String> {
        let events = (0..events).map(|_| self.event());
        events
            .map(|event| {
                assert!(!event.name.starts_with("sse."), "{event:?}");
                event.data
            })
            .collect()
    }

    /// The events until the stream ends.
    pub(crate) fn events_to_end(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            match self.next() {
                Said::End => return events,
                Said::Event(event) => events.push(event),
                _ => {}
            }
        }
    }

    /// Of a stream that has come to its end.
    #[track_caller]
    pub(crate) fn assert_serves_on_or_is_over(self) {
        let closes = self.head.list("connection") == ["close"];
        assert_eq!(
            closes,
            sink() != SinkKind::Body,
            "a socket that has left the HTTP library does not come back"
        );
        let mut connection = self.connection;
        if closes {
            return connection.assert_over();
        }
        connection.send(head("GET /livez", &[]));
        assert_eq!(connection.response().text(), "ok\n");
    }

    /// The connection, for a test that goes on below the stream.
    pub(crate) fn into_connection(self) -> Connection {
        self.connection
    }
}

/// Bytes in, things said out.
#[derive(Default)]
struct Lines {
    line: Vec<u8>,
    name: Option<String>,
    data: Option<String>,
    id: Option<String>,
}

impl Lines {
    fn push(&mut self, byte: u8) -> Option<Said> {
        if byte != b'\n' {
            self.line.push(byte);
            return None;
        }
        let line = String::from_utf8(std::mem::take(&mut self.line)).expect("a stream is UTF-8");
        assert!(!line.contains('\r'), "lines end in LF alone: {line:?}");
        if line.is_empty() {
            return Some(self.end_block());
        }
        let (field, value) = line.split_once(':').expect("every line has a colon");
        // Comments have no space of their own.
        let value = if field.is_empty() { value } else { value.strip_prefix(' ').expect("one space") };
        match field {
            "" => {
                assert!(!self.in_block(), "a comment within a block");
                return Some(Said::Comment(value.to_owned()));
            }
            "retry" => {
                assert!(!self.in_block(), "a delay within a block");
                return Some(Said::Retry(value.parse().expect("a delay is a number")));
            }
            "event" => {
                assert!(!self.in_block(), "the name comes first");
                self.name = Some(value.to_owned());
            }
            "data" => {
                assert!(self.id.is_none(), "data comes before the id");
                match &mut self.data {
                    Some(data) => *data += &format!("\n{value}"),
                    data => *data = Some(value.to_owned()),
                }
            }
            "id" => assert!(self.id.replace(value.to_owned()).is_none(), "two ids in a block"),
            _ => panic!("no such field: {field:?}"),
        }
        None
    }

    fn end_block(&mut self) -> Said {
        let id = self.id.take().expect("every block has an id, last");
        let name = self.name.take();
        match self.data.take() {
            Some(data) => Said::Event(Event { name: name.unwrap_or_default(), data, id }),
            None => {
                assert_eq!(name, None, "a name without data");
                Said::Id(id)
            }
        }
    }

    fn in_block(&self) -> bool {
        self.name.is_some() || self.data.is_some() || self.id.is_some()
    }

    fn assert_at_boundary(&self) {
        assert!(self.line.is_empty() && !self.in_block(), "the stream ends within a block");
    }
}
