//! The body of an answer out of its bytes as they come: chunked, of a length, or plain until the connection ends.

use anyhow::{Context, Result, ensure};

/// The longest size line of a chunk that is believed.
const SIZE_LINE: usize = 32;

/// Takes the framing off, piece by piece.
#[derive(Debug)]
pub struct Body {
    state: State,
}

#[derive(Debug)]
enum State {
    Plain,
    /// So many bytes of a body with a length are still to come.
    Length(usize),
    Size(Vec<u8>),
    Data(usize),
    /// So many bytes of the line end behind a chunk are still to come.
    LineEnd(usize),
    Over,
}

impl Body {
    /// The body behind this head.
    #[must_use]
    pub fn behind(head: &str) -> Self {
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let state = match length {
            _ if head.contains("\r\ntransfer-encoding: chunked\r\n") => State::Size(Vec::new()),
            Some(0) => State::Over,
            Some(length) => State::Length(length),
            None => State::Plain,
        };
        Self { state }
    }

    /// Whether the body has said of itself that it is complete.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// What these bytes hold of the body.
    ///
    /// # Errors
    /// If they are not chunks.
    pub fn take(&mut self, mut bytes: &[u8]) -> Result<Vec<u8>> {
        let mut body = Vec::with_capacity(bytes.len());
        while let Some(&first) = bytes.first() {
            match &mut self.state {
                State::Plain => {
                    body.extend_from_slice(bytes);
                    break;
                }
                State::Over => break,
                State::Length(left) => {
                    let now = bytes.len().min(*left);
                    body.extend_from_slice(&bytes[..now]);
                    bytes = &bytes[now..];
                    *left -= now;
                    if *left == 0 {
                        self.state = State::Over;
                    }
                }
                State::Size(line) => {
                    bytes = &bytes[1..];
                    line.push(first);
                    ensure!(line.len() <= SIZE_LINE, "a chunk has no size");
                    if let Some(size) = line.strip_suffix(b"\r\n") {
                        let size = usize::from_str_radix(str::from_utf8(size)?, 16).context("a size")?;
                        self.state = if size == 0 { State::Over } else { State::Data(size) };
                    }
                }
                State::Data(left) => {
                    let now = bytes.len().min(*left);
                    body.extend_from_slice(&bytes[..now]);
                    bytes = &bytes[now..];
                    *left -= now;
                    if *left == 0 {
                        self.state = State::LineEnd(2);
                    }
                }
                State::LineEnd(left) => {
                    bytes = &bytes[1..];
                    *left -= 1;
                    if *left == 0 {
                        self.state = State::Size(Vec::new());
                    }
                }
            }
        }
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_may_be_cut_anywhere() {
        let bytes = b"3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n";
        for cut in 0..bytes.len() {
            let mut body = Body::behind("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            let (one, two) = bytes.split_at(cut);
            let whole = [body.take(one).unwrap(), body.take(two).unwrap()].concat();
            assert_eq!(whole, b"abc0123456789abcdef", "cut at {cut}");
            assert!(body.is_over());
        }
    }

    #[test]
    fn a_length_is_the_end() {
        let mut body = Body::behind("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n");
        assert_eq!([body.take(b"a").unwrap(), body.take(b"bcd").unwrap()].concat(), b"abc");
        assert!(body.is_over());
    }

    #[test]
    fn without_either_it_is_as_it_comes() {
        let mut body = Body::behind("HTTP/1.1 200 OK\r\n\r\n");
        assert_eq!(body.take(b"3\r\nabc").unwrap(), b"3\r\nabc");
    }
}
