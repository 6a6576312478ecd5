//! Answers to requests, as bytes.

use serde::Serialize;

/// Of a stream. It is never stored: what is retained is asked for by id.
pub(super) const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
    Cache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Of a finite stream, with which its connection ends.
pub(super) const FINITE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
    Cache-Control: no-store\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Of a publish.
pub(super) fn published(id: u64) -> Vec<u8> {
    body("200 OK", "application/json", "", &format!("{{\"id\":\"{id}\"}}"))
}

pub(super) fn json(value: &impl Serialize) -> Vec<u8> {
    let json = serde_json::to_string(value).expect("names and numbers are always valid JSON");
    body("200 OK", "application/json", "", &json)
}

/// Why a request is not answered with what it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: &'static str,
    text: &'static str,
    allow: &'static str,
}

impl Refusal {
    pub(super) const MALFORMED: Self = Self::new("400 Bad Request", "this is no HTTP/1.1 request");
    pub(super) const NOT_UTF8: Self = Self::new("400 Bad Request", "the data of an event is UTF-8");
    pub(super) const HOW: Self = Self::new("400 Bad Request", "how is fin, rst or end");
    pub(super) const NOT_FOUND: Self =
        Self::new("404 Not Found", "there are /events/{topic}, /tokens, /faults and /cut");
    pub(super) const LENGTH_REQUIRED: Self =
        Self::new("411 Length Required", "bodies are taken with a Content-Length only");
    pub(super) const BODY_TOO_LARGE: Self = Self::new("413 Content Too Large", "the event is too large");
    pub(super) const HEAD_TOO_LARGE: Self =
        Self::new("431 Request Header Fields Too Large", "a request head has up to 64 headers in 16 KiB");
    pub(super) const VERSION: Self =
        Self::new("505 HTTP Version Not Supported", "this is an HTTP/1.1 server");

    const fn new(status: &'static str, text: &'static str) -> Self {
        Self { status, text, allow: "" }
    }

    pub(super) const fn bad(text: &'static str) -> Self {
        Self::new("400 Bad Request", text)
    }

    /// The path is there, for other methods.
    pub(super) const fn method(allow: &'static str) -> Self {
        Self { status: "405 Method Not Allowed", text: "this path does not know the method", allow }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let allow = if self.allow.is_empty() { String::new() } else { format!("Allow: {}\r\n", self.allow) };
        body(self.status, "text/plain", &allow, self.text)
    }
}

fn body(status: &str, kind: &str, header: &str, body: &str) -> Vec<u8> {
    let len = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{header}Content-Length: {len}\r\n\r\n{body}").into()
}
