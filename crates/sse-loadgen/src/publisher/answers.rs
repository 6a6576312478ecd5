//! Reads the answers on a connection with several requests under way: HTTP/1.1 responses one after the other (RFC 9112).
//! No input or output of its own.
//!
//! Only a head says anything here: its status, and whether it is the last. Bodies are passed over, wherever they end.

use thiserror::Error;

use crate::chunked::{Chunked, Piece};

/// The longest head, in bytes: what servers themselves commonly allow, eight times over.
const MAX_HEAD: usize = 64 << 10;
const MAX_HEADERS: usize = 100;

/// The head of an answer. Interim ones (1xx) are not told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// No other comes on this connection.
    pub(crate) last: bool,
}

/// What came is no answer.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the answer is no HTTP/1.1")]
pub(crate) struct Malformed;

/// Where in the answers a connection is.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// The beginning of a head that has not come whole; else empty.
    head: Vec<u8>,
    body: Body,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Body {
    #[default]
    Over,
    Length(u64),
    Chunked(Chunked),
    UntilClose,
}

impl Answers {
    /// The next head in the input, which is advanced past it; none if all of the input is used up.
    ///
    /// # Errors
    ///
    /// The input is no HTTP/1.1 response. Nothing more can be read from this connection.
    pub(crate) fn next(&mut self, input: &mut &[u8]) -> Result<Option<Answer>, Malformed> {
        loop {
            self.pass_over_body(input)?;
            if input.is_empty() {
                return Ok(None);
            }
            let Some((answer, body)) = self.head(input)? else { return Ok(None) };
            if answer.status == 101 {
                return Err(Malformed);
            }
            if answer.status >= 200 {
                self.body = body;
                return Ok(Some(answer));
            }
        }
    }

    fn pass_over_body(&mut self, input: &mut &[u8]) -> Result<(), Malformed> {
        let over = match &mut self.body {
            Body::Over => true,
            Body::UntilClose => {
                *input = &[];
                false
            }
            Body::Length(left) => {
                let passed = input.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *input = &input[passed..];
                *left -= passed as u64;
                *left == 0
            }
            Body::Chunked(chunked) => passed_over(chunked, input)?,
        };
        if over {
            self.body = Body::Over;
        }
        Ok(())
    }

    fn head(&mut self, input: &mut &[u8]) -> Result<Option<(Answer, Body)>, Malformed> {
        // Nearly always it is there in one piece, and is read where it lies.
        let before = self.head.len();
        if before == 0
            && let Some((used, answer, body)) = parse(input)?
        {
            *input = &input[used..];
            return Ok(Some((answer, body)));
        }
        self.head.extend_from_slice(input);
        if let Some((used, answer, body)) = parse(&self.head)? {
            *input = &input[used - before..];
            self.head.clear();
            return Ok(Some((answer, body)));
        }
        *input = &[];
        if self.head.len() > MAX_HEAD { Err(Malformed) } else { Ok(None) }
    }
}

/// Takes off the input what is of the body; whether it ends there.
fn passed_over(chunked: &mut Chunked, input: &mut &[u8]) -> Result<bool, Malformed> {
    loop {
        match chunked.next(input).map_err(|_| Malformed)? {
            Piece::Data(_) => {}
            Piece::End => return Ok(true),
            Piece::More => return Ok(false),
        }
    }
}

/// A whole head and its length in bytes, if it is there.
fn parse(input: &[u8]) -> Result<Option<(usize, Answer, Body)>, Malformed> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(used) = response.parse(input).map_err(|_| Malformed)? else {
        return Ok(None);
    };
    let (Some(status), Some(version)) = (response.code, response.version) else { return Err(Malformed) };
    let (mut length, mut chunked, mut coded) = (None, false, false);
    let (mut close, mut keep) = (false, false);
    for header in response.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            let this = decimal(header.value)?;
            if length.replace(this).is_some_and(|other| other != this) {
                return Err(Malformed);
            }
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            coded = true;
            chunked = tokens(header.value).last().is_some_and(|last| last.eq_ignore_ascii_case(b"chunked"));
        } else if header.name.eq_ignore_ascii_case("connection") {
            close |= tokens(header.value).any(|token| token.eq_ignore_ascii_case(b"close"));
            keep |= tokens(header.value).any(|token| token.eq_ignore_ascii_case(b"keep-alive"));
        }
    }
    // RFC 9112, section 6.3: how long a body is.
    let body = match length {
        _ if status < 200 || status == 204 || status == 304 => Body::Over,
        _ if chunked => Body::Chunked(Chunked::new()),
        Some(length) if !coded => Body::Length(length),
        _ => Body::UntilClose,
    };
    let last = close || body == Body::UntilClose || (version == 0 && !keep);
    Ok(Some((used, Answer { status, last }, body)))
}

fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}

fn decimal(digits: &[u8]) -> Result<u64, Malformed> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Malformed);
    }
    std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).ok_or(Malformed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(answers: &mut Answers, mut input: &[u8]) -> Result<Vec<(u16, bool)>, Malformed> {
        let mut found = Vec::new();
        while let Some(Answer { status, last }) = answers.next(&mut input)? {
            found.push((status, last));
        }
        assert!(input.is_empty());
        Ok(found)
    }

    const MANY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/\
        HTTP/1.1 100 Continue\r\n\r\n\
        HTTP/1.1 503 Busy\r\nTransfer-Encoding: gzip, chunked\r\n\r\n\
        3;why=\"x\"\r\n\r\n\n\r\n0a\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n\
        HTTP/1.1 204 No Content\r\n\r\n\
        HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n\
        HTTP/1.1 201 Created\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nok";
    const FOUND: [(u16, bool); 5] = [(200, false), (503, false), (204, false), (200, false), (201, true)];

    #[test]
    fn one_comes_after_the_other() {
        assert_eq!(all(&mut Answers::default(), MANY.as_bytes()).unwrap(), FOUND);
    }

    #[test]
    fn a_body_without_a_length_is_the_last() {
        let input = b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
        assert_eq!(all(&mut Answers::default(), input).unwrap(), [(200, true)]);
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for input in [
            "SSH-2.0-OpenSSH\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n",
        ] {
            assert_eq!(all(&mut Answers::default(), input.as_bytes()), Err(Malformed), "{input}");
        }
        let endless = [b"HTTP/1.1 200 OK\r\nX: ".as_slice(), &[b'x'; MAX_HEAD]].concat();
        assert_eq!(all(&mut Answers::default(), &endless), Err(Malformed));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_pieces_end(mut cuts in prop::collection::vec(0..MANY.len(), 0..20)) {
            cuts.extend([0, MANY.len()]);
            cuts.sort_unstable();
            let (mut answers, mut found) = (Answers::default(), Vec::new());
            for piece in cuts.windows(2) {
                found.extend(all(&mut answers, &MANY.as_bytes()[piece[0]..piece[1]]).unwrap());
            }
            prop_assert_eq!(found, FOUND);
        }

        #[test]
        fn nothing_makes_it_panic(pieces in prop::collection::vec(any::<Vec<u8>>(), 0..5)) {
            let mut answers = Answers::default();
            let start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
            let _ = [start].iter().chain(&pieces).try_for_each(|piece| all(&mut answers, piece).map(drop));
        }
    }
}
