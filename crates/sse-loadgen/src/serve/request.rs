//! Bytes in, a request out: HTTP/1.1 with a body of known length, which is all that publishers need.

use httparse::{EMPTY_HEADER, Header, Status};

use super::answer::Refusal;

/// Bytes of a head, at most: room for the headers of any browser.
const MAX_HEAD: usize = 16 << 10;

#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) last_event_id: Option<&'a [u8]>,
    /// Whether another request may follow on the connection.
    pub(super) keep_alive: bool,
    pub(super) body: &'a [u8],
    /// How many bytes it took.
    pub(super) len: usize,
}

impl<'a> Request<'a> {
    /// The request that the bytes begin with; none as long as it is not complete. The next one begins behind it.
    pub(super) fn parse(bytes: &'a [u8], max_body: usize) -> Result<Option<Self>, Refusal> {
        let mut headers = [EMPTY_HEADER; 64];
        let mut head = httparse::Request::new(&mut headers);
        let head_len = match head.parse(bytes) {
            Ok(Status::Complete(len)) if len <= MAX_HEAD => len,
            Ok(Status::Partial) if bytes.len() <= MAX_HEAD => return Ok(None),
            Ok(_) | Err(httparse::Error::TooManyHeaders) => return Err(Refusal::HEAD_TOO_LARGE),
            Err(_) => return Err(Refusal::MALFORMED),
        };
        let (Some(method), Some(target), Some(1)) = (head.method, head.path, head.version) else {
            return Err(Refusal::VERSION);
        };
        let body_len = body_len(head.headers)?;
        if body_len > max_body {
            return Err(Refusal::BODY_TOO_LARGE);
        }
        let Some(body) = bytes.get(head_len..head_len + body_len) else { return Ok(None) };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let connection = values(head.headers, "connection");
        Ok(Some(Self {
            method,
            path,
            query,
            last_event_id: values(head.headers, "last-event-id").last(),
            keep_alive: !connection.into_iter().any(says_close),
            body,
            len: head_len + body_len,
        }))
    }
}

fn values<'a>(headers: &[Header<'a>], name: &str) -> impl Iterator<Item = &'a [u8]> {
    headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
}

/// A body that is not announced is none (RFC 9112 section 6.3).
fn body_len(headers: &[Header<'_>]) -> Result<usize, Refusal> {
    if values(headers, "transfer-encoding").next().is_some() {
        return Err(Refusal::LENGTH_REQUIRED);
    }
    let mut lengths = values(headers, "content-length");
    let Some(length) = lengths.next() else { return Ok(0) };
    // Lengths that differ are how requests are smuggled.
    if lengths.any(|other| other != length) || !length.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::MALFORMED);
    }
    let length = str::from_utf8(length).ok().filter(|length| !length.is_empty()).ok_or(Refusal::MALFORMED)?;
    length.parse().map_err(|_| Refusal::BODY_TOO_LARGE)
}

fn says_close(connection: &[u8]) -> bool {
    connection.split(|&byte| byte == b',').any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 100;

    fn refused(bytes: &[u8]) -> &'static str {
        Request::parse(bytes, MAX).unwrap_err().status
    }

    #[test]
    fn requests_follow_each_other_however_they_are_cut() {
        let first = b"POST /events/a?x=y HTTP/1.1\r\nHost: h\r\nContent-LENGTH: 5\r\n\r\nhello";
        let both = [first.as_slice(), b"GET / HTTP/1.1\r\nLast-Event-ID: 7\r\nConnection: TE, Close\r\n\r\n"]
            .concat();
        for len in 0..first.len() {
            assert!(Request::parse(&both[..len], MAX).unwrap().is_none(), "{len}");
        }
        let request = Request::parse(&both, MAX).unwrap().unwrap();
        assert_eq!((request.method, request.path, request.query), ("POST", "/events/a", "x=y"));
        assert_eq!((request.body, request.keep_alive, request.len), (b"hello".as_slice(), true, first.len()));
        let request = Request::parse(&both[request.len..], MAX).unwrap().unwrap();
        assert_eq!((request.path, request.query, request.body), ("/", "", b"".as_slice()));
        assert_eq!((request.last_event_id, request.keep_alive), (Some(b"7".as_slice()), false));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert_eq!(refused(b"what\r\n\r\n"), "400 Bad Request");
        assert_eq!(refused(b"GET / HTTP/1.0\r\n\r\n"), "505 HTTP Version Not Supported");
        assert_eq!(refused(b"POST / HTTP/1.1\r\nContent-Length: 101\r\n\r\n"), "413 Content Too Large");
        let huge = b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n";
        assert_eq!(refused(huge), "413 Content Too Large");
        assert_eq!(refused(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), "411 Length Required");
        for length in ["", "+5", "5, 5", "x", "5\r\nContent-Length: 6"] {
            let request = format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n");
            assert_eq!(refused(request.as_bytes()), "400 Bad Request", "{length}");
        }
        let endless = [b"GET / HTTP/1.1\r\nX: ".as_slice(), &[b'x'; MAX_HEAD]].concat();
        assert_eq!(refused(&endless), "431 Request Header Fields Too Large");
        let many = [b"GET / HTTP/1.1\r\n".as_slice(), &b"X: y\r\n".repeat(65)].concat();
        assert_eq!(refused(&many), "431 Request Header Fields Too Large");
    }
}
