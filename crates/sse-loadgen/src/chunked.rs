//! The chunked transfer coding, taken apart as it comes (RFC 9112 section 7.1).
//!
//! Nothing is copied: a piece of a chunk is a piece of what was read from the socket.

use thiserror::Error;

/// No server needs more digits for a chunk's length, and 16 of them fit in 64 bits.
const MAX_DIGITS: u8 = 16;
/// How many bytes of one chunk's extensions, or of the trailers, are passed over before it is given up.
const MAX_SKIPPED: u32 = 16 * 1024;

/// Where the decoder is between two reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the length, after so many digits.
    Length {
        length: u64,
        digits: u8,
    },
    /// Behind the length, before its line ends.
    Extension {
        length: u64,
    },
    /// In a chunk, of which so much is left.
    Data {
        left: u64,
    },
    /// Behind a chunk, before its line ends.
    DataEnd,
    /// In the trailer section; a line that is empty ends it.
    Trailer {
        line_is_empty: bool,
    },
    Ended,
}

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunked {
    state: State,
    skipped: u32,
}

/// What comes next in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'i> {
    Data(&'i [u8]),
    /// The body is complete. What is left of the input is not of it.
    End,
    /// All input is consumed.
    More,
}

/// This is not the chunked transfer coding.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the chunked transfer coding of the body is broken")]
pub(crate) struct BadChunk;

impl Chunked {
    pub(crate) fn new() -> Self {
        Self { state: State::Length { length: 0, digits: 0 }, skipped: 0 }
    }

    /// Takes the next piece of the body off the input.
    pub(crate) fn next<'i>(&mut self, input: &mut &'i [u8]) -> Result<Piece<'i>, BadChunk> {
        loop {
            if let State::Data { left } = self.state {
                if input.is_empty() {
                    return Ok(Piece::More);
                }
                let (piece, rest) =
                    input.split_at(input.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
                *input = rest;
                let left = left - piece.len() as u64;
                self.state = if left == 0 { State::DataEnd } else { State::Data { left } };
                return Ok(Piece::Data(piece));
            }
            if self.state == State::Ended {
                return Ok(Piece::End);
            }
            let Some((&byte, rest)) = input.split_first() else { return Ok(Piece::More) };
            *input = rest;
            self.state = self.step(byte)?;
        }
    }

    /// One byte of what is not data.
    fn step(&mut self, byte: u8) -> Result<State, BadChunk> {
        match self.state {
            State::Length { length, digits } => {
                if let Some(digit) = (byte as char).to_digit(16) {
                    if digits == MAX_DIGITS {
                        return Err(BadChunk);
                    }
                    return Ok(State::Length { length: length << 4 | u64::from(digit), digits: digits + 1 });
                }
                match byte {
                    _ if digits == 0 => Err(BadChunk),
                    b'\n' => Ok(self.chunk(length)),
                    b'\r' | b';' | b' ' | b'\t' => Ok(State::Extension { length }),
                    _ => Err(BadChunk),
                }
            }
            State::Extension { length } if byte == b'\n' => Ok(self.chunk(length)),
            State::DataEnd if byte == b'\n' => Ok(State::Length { length: 0, digits: 0 }),
            State::DataEnd if byte != b'\r' => Err(BadChunk),
            State::Trailer { line_is_empty: true } if byte == b'\n' => Ok(State::Ended),
            State::Trailer { .. } if byte == b'\n' => self.skip(State::Trailer { line_is_empty: true }),
            State::Trailer { line_is_empty } => {
                self.skip(State::Trailer { line_is_empty: line_is_empty && byte == b'\r' })
            }
            same => self.skip(same),
        }
    }

    fn chunk(&mut self, length: u64) -> State {
        self.skipped = 0;
        if length == 0 { State::Trailer { line_is_empty: true } } else { State::Data { left: length } }
    }

    fn skip(&mut self, next: State) -> Result<State, BadChunk> {
        self.skipped += 1;
        if self.skipped > MAX_SKIPPED { Err(BadChunk) } else { Ok(next) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The body, and whether it is complete, out of input in pieces of the given size.
    fn decode(input: &[u8], size: usize) -> Result<(Vec<u8>, bool), BadChunk> {
        let (mut chunked, mut body) = (Chunked::new(), Vec::new());
        for mut piece in input.chunks(size) {
            loop {
                match chunked.next(&mut piece)? {
                    Piece::Data(data) => body.extend_from_slice(data),
                    Piece::End => return Ok((body, true)),
                    Piece::More => break,
                }
            }
        }
        Ok((body, false))
    }

    #[test]
    fn bodies_come_out_whole() {
        for (input, body, complete) in [
            ("5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n", "hello world", true),
            ("00a \r\n0123456789\r\n0\r\nX: y\r\nZ:\r\n\r\n", "0123456789", true),
            ("3\nabc\n0\n\n", "abc", true),
            ("5\r\nhel", "hel", false),
            ("5\r\nhello\r\n0\r\n", "hello", false),
            ("0\r\n\r\nnext", "", true),
        ] {
            for size in 1..=input.len() {
                assert_eq!(
                    decode(input.as_bytes(), size),
                    Ok((body.into(), complete)),
                    "{input:?} by {size}"
                );
            }
        }
    }

    #[test]
    fn a_stream_may_have_any_number_of_chunks() {
        let input = "1;e\r\nx\r\n".repeat(2 * MAX_SKIPPED as usize);
        assert_eq!(decode(input.as_bytes(), 4096).unwrap().0.len(), 2 * MAX_SKIPPED as usize);
    }

    #[test]
    fn what_is_not_chunked_is_an_error() {
        for input in ["data: x\n\n", "\r\n", "-5\r\n", "5\r\nhelloX", "11112222333344445\r\n", "g\r\n"] {
            assert_eq!(decode(input.as_bytes(), 100), Err(BadChunk), "{input:?}");
        }
        let endless = format!("5;{}", "x".repeat(MAX_SKIPPED as usize + 1));
        assert_eq!(decode(endless.as_bytes(), 100), Err(BadChunk));
    }

    proptest! {
        #[test]
        fn chunks_of_any_size_in_reads_of_any_size(body: Vec<u8>, chunk in 1_usize..50, size in 1_usize..50) {
            let mut input = Vec::new();
            for data in body.chunks(chunk) {
                input.extend_from_slice(format!("{:X}\r\n", data.len()).as_bytes());
                input.extend_from_slice(data);
                input.extend_from_slice(b"\r\n");
            }
            input.extend_from_slice(b"0\r\n\r\n");
            prop_assert_eq!(decode(&input, size), Ok((body, true)));
        }
    }
}
