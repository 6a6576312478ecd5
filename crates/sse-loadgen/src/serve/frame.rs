//! What goes out on a stream, as wire bytes: blocks of an event stream (WHATWG HTML section 9.2.5), each in an HTTP chunk
//! of its own (RFC 9112 section 7.1).

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use sse_core::Event;

/// Without a blank line behind it: some clients dispatch an empty event on every blank line.
pub(super) const HEARTBEAT: &[u8] = b"2\r\n:\n\r\n";

/// The chunk that ends a body.
pub(super) const END: &[u8] = b"0\r\n\r\n";

/// An event as all its subscribers get it. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    bytes: Arc<[u8]>,
    /// Where in it the lines of data are, without the last line end.
    data: Range<usize>,
}

impl Frame {
    pub(super) fn encode(data: &str, id: u64) -> Self {
        let block = sse_core::Frame::encode(&Event::message(data)).to_bytes(None);
        let lines = &block[..block.len() - 1];
        let bytes = chunk(&[lines, format!("id: {id}\n\n").as_bytes()]);
        let start = bytes.iter().position(|&byte| byte == b'\n').expect("a chunk begins with a line") + 1;
        Self { bytes: bytes.into(), data: start..start + lines.len() - 1 }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn data(&self) -> Range<usize> {
        self.data.clone()
    }
}

/// The first bytes of a stream, which go out with the head, so that the client knows that it is open.
pub(super) fn preamble(retry: Duration) -> Vec<u8> {
    chunk(&[format!(":ok\nretry: {}\n", retry.as_millis()).as_bytes()])
}

/// What a subscriber is told who returns for events that are not there: `before` is the id of the first that it will get.
/// The block's own id is where a reader goes on that has been told.
pub(super) fn gap(missed: Option<u64>, before: u64) -> Vec<u8> {
    let (missed, reason) =
        missed.map_or_else(|| ("null".to_owned(), "unknown"), |missed| (missed.to_string(), "expired"));
    let after = before - 1;
    let data = format!(r#"{{"before":"{before}","missed":{missed},"reason":"{reason}"}}"#);
    chunk(&[format!("event: sse.gap\ndata: {data}\nid: {after}\n\n").as_bytes()])
}

/// One token of a finite stream. No id: such a stream cannot be resumed.
pub(super) fn token(index: u64) -> Vec<u8> {
    chunk(&[format!("data: {{\"token\":\" word{index}\"}}\n\n").as_bytes()])
}

/// What ends a finite stream, for clients that look for it, as in the APIs of language models.
pub(super) fn done() -> Vec<u8> {
    chunk(&[b"data: [DONE]\n\n"])
}

fn chunk(parts: &[&[u8]]) -> Vec<u8> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let size = format!("{len:x}\r\n");
    [size.as_bytes(), &parts.concat(), b"\r\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> &str {
        str::from_utf8(bytes).unwrap()
    }

    #[test]
    fn golden_bytes() {
        for (data, expected, lines) in [
            ("hello", "13\r\ndata: hello\nid: 7\n\n\r\n", "data: hello"),
            ("", "e\r\ndata: \nid: 7\n\n\r\n", "data: "),
            ("a\r\nb\rc", "1f\r\ndata: a\ndata: b\ndata: c\nid: 7\n\n\r\n", "data: a\ndata: b\ndata: c"),
        ] {
            let frame = Frame::encode(data, 7);
            assert_eq!(text(frame.bytes()), expected);
            assert_eq!(text(&frame.bytes()[frame.data()]), lines);
        }
        assert_eq!(text(&preamble(Duration::from_millis(1500))), "10\r\n:ok\nretry: 1500\n\r\n");
        let known = "event: sse.gap\ndata: {\"before\":\"9\",\"missed\":3,\"reason\":\"expired\"}\nid: 8\n\n";
        assert_eq!(text(&gap(Some(3), 9)), format!("{:x}\r\n{known}\r\n", known.len()));
        assert!(text(&gap(None, 1)).contains(r#""missed":null,"reason":"unknown""#));
        assert_eq!(text(&token(3)), "1a\r\ndata: {\"token\":\" word3\"}\n\n\r\n");
        assert_eq!(text(&done()), "e\r\ndata: [DONE]\n\n\r\n");
    }
}
