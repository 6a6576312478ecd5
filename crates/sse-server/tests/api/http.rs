//! HTTP/1 as bytes on a socket: requests are whatever a test writes, answers are read strictly.

use std::fmt;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Longer than anything here takes on the slowest machine. Only a failure waits for it.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

/// A request head: `line` without its version, and headers besides `Host`.
pub(crate) fn head(line: &str, headers: &[&str]) -> String {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    format!("{line} HTTP/1.1\r\nhost: test\r\n{headers}\r\n")
}

/// A `POST` with a body of known length.
pub(crate) fn post(target: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Vec<u8> {
    let length = format!("content-length: {}", body.as_ref().len());
    let head = head(&format!("POST {target}"), &[headers, &[&length]].concat());
    [head.as_bytes(), body.as_ref()].concat()
}

/// One chunk of a chunked body; nothing is the last chunk.
pub(crate) fn chunk(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// A client's side of a connection.
pub(crate) struct Connection {
    socket: BufReader<TcpStream>,
}

impl Connection {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self::of(TcpStream::connect(address).unwrap())
    }

    pub(crate) fn of(socket: TcpStream) -> Self {
        socket.set_read_timeout(Some(BOUND)).unwrap();
        socket.set_write_timeout(Some(BOUND)).unwrap();
        socket.set_nodelay(true).unwrap();
        Self { socket: BufReader::new(socket) }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("the server takes what it is sent");
    }

    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.socket.get_mut().write_all(bytes.as_ref())
    }

    /// Sends no more; still reads.
    pub(crate) fn close_writing(&self) {
        self.socket.get_ref().shutdown(Shutdown::Write).unwrap();
    }

    /// Whether something has come within `time`, an end included.
    pub(crate) fn is_readable_within(&mut self, time: Duration) -> bool {
        self.socket.get_ref().set_read_timeout(Some(time)).unwrap();
        let readable = self.socket.fill_buf().is_ok();
        self.socket.get_ref().set_read_timeout(Some(BOUND)).unwrap();
        readable
    }

    /// The head of the next answer.
    pub(crate) fn head(&mut self) -> Head {
        let line = self.line();
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("not a status line: {line:?}"));
        let mut headers = Vec::new();
        loop {
            let header = self.line();
            if header.is_empty() {
                return Head { line, status, headers };
            }
            let (name, value) = header.split_once(": ").expect("a header has a name and a value");
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
    }

    /// The next answer, whole. Not for an answer to `HEAD`, which has no body whatever its headers say.
    pub(crate) fn response(&mut self) -> Response {
        let head = self.head();
        let mut framing = head.framing();
        let mut body = Vec::new();
        while let Some(piece) = self.body_piece(&mut framing) {
            body.extend(piece);
        }
        Response { head, body }
    }

    /// The next piece of a body, as it was cut; none at its good end.
    pub(crate) fn body_piece(&mut self, framing: &mut Framing) -> Option<Vec<u8>> {
        match framing {
            Framing::Chunked => {
                let size = self.line();
                let size = usize::from_str_radix(&size, 16).unwrap_or_else(|_| panic!("chunk size {size:?}"));
                let piece = self.exactly(size);
                assert_eq!(self.exactly(2), b"\r\n", "behind a chunk");
                if size == 0 {
                    *framing = Framing::Length(0);
                    return None;
                }
                Some(piece)
            }
            Framing::Length(0) => None,
            Framing::Length(length) => {
                let piece = self.exactly(*length);
                *framing = Framing::Length(0);
                Some(piece)
            }
            Framing::UntilClose => {
                let piece = self.available();
                (!piece.is_empty()).then_some(piece)
            }
        }
    }

    /// Everything until the connection ends, in good order or not.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.socket.read_to_end(&mut bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("still open, after {bytes:?}"),
            Ok(_) | Err(_) => bytes,
        }
    }

    /// Asserts that the server closes, having said nothing more.
    pub(crate) fn assert_over(&mut self) {
        let rest = self.rest();
        assert!(rest.is_empty(), "before its end the server says {:?}", String::from_utf8_lossy(&rest));
    }

    fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.socket.read_until(b'\n', &mut line).unwrap_or_else(|error| panic!("{error} behind {line:?}"));
        let line = String::from_utf8(line).expect("heads are ASCII");
        line.strip_suffix("\r\n").unwrap_or_else(|| panic!("the line breaks off: {line:?}")).to_owned()
    }

    fn exactly(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.socket.read_exact(&mut bytes).unwrap_or_else(|error| panic!("{error} within {length} bytes"));
        bytes
    }

    fn available(&mut self) -> Vec<u8> {
        let bytes = self.socket.fill_buf().unwrap().to_vec();
        self.socket.consume(bytes.len());
        bytes
    }
}

/// How the end of a body is found (RFC 9112 section 6.3).
#[derive(Debug)]
pub(crate) enum Framing {
    Chunked,
    Length(usize),
    UntilClose,
}

/// The head of an answer.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) line: String,
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
}

impl Head {
    /// The value of a header that may be there once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let values = self.all(name);
        assert!(values.len() < 2, "{name} is there more than once: {values:?}");
        values.first().copied()
    }

    /// The values of a header that is a list, of all its lines, in lower case and in order.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let values = self.all(name);
        let mut values: Vec<_> = values
            .iter()
            .flat_map(|line| line.split(','))
            .map(|value| value.trim().to_ascii_lowercase())
            .collect();
        values.sort_unstable();
        values
    }

    /// Those headers that are the same for two requests for the same thing, sorted.
    pub(crate) fn lasting(&self) -> Vec<&(String, String)> {
        let mut headers: Vec<_> = self.headers.iter().filter(|(name, _)| name != "date").collect();
        headers.sort_unstable();
        headers
    }

    pub(crate) fn framing(&self) -> Framing {
        if matches!(self.status, 100..200 | 204 | 304) {
            return Framing::Length(0);
        }
        match (self.header("transfer-encoding"), self.header("content-length")) {
            (Some("chunked"), None) => Framing::Chunked,
            (None, Some(length)) => Framing::Length(length.parse().expect("a length is a number")),
            (None, None) => Framing::UntilClose,
            both => panic!("framed in two ways, or in an unknown one: {both:?}"),
        }
    }

    fn all(&self, name: &str) -> Vec<&str> {
        let same = self.headers.iter().filter(|(other, _)| other == name);
        same.map(|(_, value)| value.as_str()).collect()
    }
}

/// A whole answer.
pub(crate) struct Response {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("the body is text")
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.head.header("content-type"), Some("application/json"), "{self:?}");
        self.parse_json()
    }

    /// Asserts that this is a problem of this status and slug (RFC 9457), and answers its sentence for people.
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16, slug: &str) -> String {
        assert_eq!(self.head.status, status, "{self:?}");
        assert_eq!(self.head.header("content-type"), Some("application/problem+json"), "{self:?}");
        assert_eq!(self.head.header("cache-control"), Some("no-store"), "{self:?}");
        let body = self.parse_json();
        assert_eq!(body["type"], format!("/problems/{slug}"), "{self:?}");
        assert_eq!(body["status"], status, "{self:?}");
        assert!(body["title"].as_str().is_some_and(|title| !title.is_empty()), "{self:?}");
        body["detail"].as_str().unwrap_or_default().to_owned()
    }

    fn parse_json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} with the body {:?}", self.head, String::from_utf8_lossy(&self.body))
    }
}
