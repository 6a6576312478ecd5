//! Finds where a request head ends.
//!
//! Only so that the transport does not read past it. actix parses the head and has the last word: if the two
//! disagree, a read is cut too early or too late, and nothing worse happens.

/// Remembers, from read to read, how far into a head the bytes so far have come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HeadEnd {
    /// Something other than a line end has been seen: empty lines before a request are skipped
    /// (RFC 9112 section 2.2).
    started: bool,
    /// The current line is not empty.
    in_line: bool,
}

impl HeadEnd {
    /// Takes the next bytes and says how many of them belong to the current head: all of them, if it does not
    /// end here. Starts over once it has ended.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> usize {
        for (index, byte) in bytes.iter().enumerate() {
            match byte {
                b'\r' => {}
                b'\n' if self.started && !self.in_line => {
                    *self = Self::default();
                    return index + 1;
                }
                b'\n' => self.in_line = false,
                _ => {
                    self.started = true;
                    self.in_line = true;
                }
            }
        }
        bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    #[test]
    fn ends_after_the_empty_line() {
        for head in [HEAD, b"GET / HTTP/1.0\n\n", b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", b"X\n\r\n"] {
            let with_more = [head, b"GET / HTTP/1.1\r\n"].concat();
            assert_eq!(HeadEnd::default().advance(&with_more), head.len());
        }
    }

    #[test]
    fn finds_the_end_wherever_the_reads_are_cut() {
        let two = [HEAD, HEAD].concat();
        for cut in 0..HEAD.len() {
            let mut end = HeadEnd::default();
            assert_eq!(end.advance(&two[..cut]), cut);
            assert_eq!(end.advance(&two[cut..]), HEAD.len() - cut);
            assert_eq!(end.advance(&two[HEAD.len()..]), HEAD.len(), "starts over for the next head");
        }
    }

    #[test]
    fn takes_everything_of_a_head_without_an_end() {
        assert_eq!(HeadEnd::default().advance(b"GET / HTTP/1.1\r\nHost: a\r\n"), 25);
        assert_eq!(HeadEnd::default().advance(b"\r\n\r\n\r\n"), 6);
    }
}
