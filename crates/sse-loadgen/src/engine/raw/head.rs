//! The head of an answer: is it a stream of events, and how will its end be known?

use super::client::Body;
use crate::account::reconnect::Ending;
use crate::chunked::Chunked;

/// A head is no longer than that, in bytes.
pub(super) const MAX: usize = 32 * 1024;
const MAX_HEADERS: usize = 96;

/// Reads a head. Complete: its length, and how the body goes on. None: there is more to come.
pub(crate) fn read(input: &[u8]) -> Result<Option<(usize, Body)>, Ending> {
    let mut interim = 0;
    loop {
        match read_one(&input[interim..])? {
            One::Partial if input.len() < MAX => return Ok(None),
            One::Partial => return Err(Ending::Malformed("head too long")),
            // Interim answers (RFC 9110 section 15.2) come before the one that counts.
            One::Interim(length) => interim += length,
            One::Final(length, body) => return Ok(Some((interim + length, body))),
        }
    }
}

enum One {
    Partial,
    Interim(usize),
    Final(usize, Body),
}

fn read_one(input: &[u8]) -> Result<One, Ending> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(input) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(One::Partial),
        Err(_) => return Err(Ending::Malformed("not HTTP")),
    };
    match response.code.unwrap_or_default() {
        100 | 102..=199 => return Ok(One::Interim(length)),
        200 => {}
        204 => return Err(Ending::NoContent),
        status => return Err(Ending::Status(status)),
    }
    let value = |name: &str| {
        let header = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        Some(String::from_utf8_lossy(header.value).trim().to_ascii_lowercase())
    };
    let content_type = value("content-type").unwrap_or_else(|| "missing".to_owned());
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence != "text/event-stream" {
        return Err(Ending::ContentType(essence.to_owned()));
    }
    if value("content-encoding").is_some_and(|encoding| encoding != "identity") {
        return Err(Ending::Malformed("compressed, though nobody asked for it"));
    }
    let body = match value("transfer-encoding") {
        Some(coding) if coding == "chunked" => Body::Chunked(Chunked::new()),
        Some(_) => return Err(Ending::Malformed("an unknown transfer coding")),
        None => match value("content-length") {
            None => Body::UntilClose,
            Some(length) => {
                Body::Length(length.parse().map_err(|_| Ending::Malformed("a broken content-length"))?)
            }
        },
    };
    Ok(One::Final(length, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n";

    #[test]
    fn a_stream_is_recognised_however_it_is_framed() {
        for (header, framed) in [
            ("Transfer-Encoding: Chunked\r\n", "Chunked"),
            ("Content-Length: 12\r\n", "Length(12)"),
            ("", "UntilClose"),
        ] {
            let head = format!("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n{GOOD}{header}\r\n");
            let (length, body) = read(format!("{head}data").as_bytes()).unwrap().unwrap();
            assert_eq!(length, head.len());
            assert!(format!("{body:?}").starts_with(framed), "{body:?}");
            for cut in 0..head.len() {
                assert!(read(&head.as_bytes()[..cut]).unwrap().is_none(), "{cut}");
            }
        }
    }

    #[test]
    fn what_is_no_stream_is_named() {
        for (head, name) in [
            ("HTTP/1.1 404 Not Found\r\n\r\n", "status 404"),
            ("HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", "status 302"),
            ("HTTP/1.1 101 Switching Protocols\r\n\r\n", "status 101"),
            ("HTTP/1.1 204 No Content\r\n\r\n", "status 204"),
            ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", "content type text/html"),
            ("HTTP/1.1 200 OK\r\n\r\n", "content type missing"),
            ("SSH-2.0-OpenSSH\r\n\r\n", "not HTTP"),
            (&format!("{GOOD}Content-Encoding: gzip\r\n\r\n"), "compressed, though nobody asked for it"),
            (&format!("{GOOD}Transfer-Encoding: gzip, chunked\r\n\r\n"), "an unknown transfer coding"),
            (&format!("{GOOD}X: {}", "x".repeat(MAX)), "head too long"),
        ] {
            assert_eq!(read(head.as_bytes()).unwrap_err().name(), name, "{head}");
        }
    }
}
