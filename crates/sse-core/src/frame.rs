//! One event as wire bytes, encoded once for all who will get it (WHATWG HTML section 9.2.5).
//!
//! Fields come in the order `event`, `data`, `id`. The id is last because some clients adopt it the moment its line
//! is read: were it first, a stream cut before the blank line would resume *past* an event that was never delivered.
//! It also is the only part that has to be written while a log is locked.

use std::io::Write;

use bytes::Bytes;

use crate::event::Event;
use crate::id::{EventId, MAX_TEXT};

/// What the id line and the blank line take at most.
const ID_LINE_MAX: usize = "id: ".len() + MAX_TEXT + "\n\n".len();

/// An encoded event that still lacks its id line, which is written when it gets its place in a log.
#[derive(Clone, Debug)]
pub struct Frame {
    bytes: Vec<u8>,
}

impl Frame {
    /// Encodes an event. One allocation; linear in the data.
    #[must_use]
    pub fn encode(event: &Event<'_>) -> Self {
        let fixed = "event: \n".len() + event.name().len() + "data: \n".len() + ID_LINE_MAX;
        let mut bytes = Vec::with_capacity(fixed + event.size());
        if !event.name().is_empty() {
            bytes.extend_from_slice(b"event: ");
            bytes.extend_from_slice(event.name().as_bytes());
            bytes.push(b'\n');
        }
        for line in lines(event.data().as_bytes()) {
            bytes.extend_from_slice(b"data: ");
            bytes.extend_from_slice(line);
            bytes.push(b'\n');
        }
        Self { bytes }
    }

    /// The length with the longest possible id, in bytes.
    pub(crate) fn max_len(&self) -> usize {
        self.bytes.len() + ID_LINE_MAX
    }

    /// Appends the whole frame to a run of frames.
    pub(crate) fn append_to(&self, run: &mut Vec<u8>, id: &EventId) {
        run.extend_from_slice(&self.bytes);
        write_id(run, Some(id));
    }

    /// The whole frame on its own. No copy: the room for the id was allocated with the rest.
    pub(crate) fn into_bytes(mut self, id: &EventId) -> Bytes {
        write_id(&mut self.bytes, Some(id));
        self.bytes.into()
    }

    /// The whole frame, with an id or, for an event that is no position, without one.
    #[must_use]
    pub fn to_bytes(&self, id: Option<&EventId>) -> Bytes {
        let mut bytes = Vec::with_capacity(self.max_len());
        bytes.extend_from_slice(&self.bytes);
        write_id(&mut bytes, id);
        bytes.into()
    }
}

fn write_id(run: &mut Vec<u8>, id: Option<&EventId>) {
    if let Some(id) = id {
        writeln!(run, "id: {id}").expect("a Vec takes every write");
    }
    run.push(b'\n');
}

/// Splits at CRLF, CR and LF, and keeps the empty line behind a last one: all three end a line for the reader, so a
/// CR that were left in place would let a publisher write fields of its own.
fn lines(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(data);
    std::iter::from_fn(move || {
        let data = rest?;
        let Some(end) = memchr::memchr2(b'\r', b'\n', data) else {
            return rest.take();
        };
        let crlf = data[end..].starts_with(b"\r\n");
        rest = Some(&data[end + if crlf { 2 } else { 1 }..]);
        Some(&data[..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn golden(name: &str, data: &str) -> String {
        let id = "k3v9x0ab-7".parse().unwrap();
        let frame = Frame::encode(&Event::new(Some(name), data).unwrap());
        let mut appended = Vec::new();
        frame.append_to(&mut appended, &id);
        assert_eq!(appended, frame.to_bytes(Some(&id)));
        assert_eq!(appended, frame.into_bytes(&id));
        String::from_utf8(appended).unwrap()
    }

    #[test]
    fn golden_bytes() {
        assert_eq!(golden("", "hello"), "data: hello\nid: k3v9x0ab-7\n\n");
        assert_eq!(golden("price", "1"), "event: price\ndata: 1\nid: k3v9x0ab-7\n\n");
        assert_eq!(golden("", ""), "data: \nid: k3v9x0ab-7\n\n");
        assert_eq!(golden("", "\n"), "data: \ndata: \nid: k3v9x0ab-7\n\n");
        assert_eq!(golden("", "a\n"), "data: a\ndata: \nid: k3v9x0ab-7\n\n");
        assert_eq!(golden("", " a"), "data:  a\nid: k3v9x0ab-7\n\n");
        assert_eq!(golden("", "\n\na"), "data: \ndata: \ndata: a\nid: k3v9x0ab-7\n\n");
    }

    #[test]
    fn no_line_end_in_data_can_start_a_field() {
        for end in ["\r", "\n", "\r\n"] {
            assert_eq!(golden("", &format!("a{end}id: evil")), "data: a\ndata: id: evil\nid: k3v9x0ab-7\n\n");
        }
        assert_eq!(golden("", "\r\r\n\n"), "data: \ndata: \ndata: \ndata: \nid: k3v9x0ab-7\n\n");
    }

    #[test]
    fn what_only_looks_like_a_line_end_stays() {
        let data = "a\u{2028}b\u{2029}c\u{85}d\u{0B}e\u{0C}f\0g";
        assert_eq!(golden("", data), format!("data: {data}\nid: k3v9x0ab-7\n\n"));
    }

    #[test]
    fn encoding_allocates_once() {
        for data in ["", "x", "\n\r\r\n", "line\nline\r\nline"] {
            let frame = Frame::encode(&Event::new(Some("name"), data).unwrap());
            assert!(frame.bytes.capacity() >= frame.max_len(), "{data:?}");
            let before = frame.bytes.as_ptr();
            let bytes = frame.into_bytes(&EventId { epoch: crate::Epoch::random(), sequence: u64::MAX });
            assert_eq!(bytes.as_ptr(), before);
        }
    }

    #[test]
    fn an_event_without_an_id_is_a_block_all_the_same() {
        let frame = Frame::encode(&Event::reserved("sse.end", "{}").unwrap());
        assert_eq!(frame.to_bytes(None), "event: sse.end\ndata: {}\n\n");
    }
}
