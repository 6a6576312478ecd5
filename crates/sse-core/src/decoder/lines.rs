//! Cuts chunks into lines: line ends, a line spread over many chunks, and the byte order mark at the start of
//! the stream. Knows nothing of fields.

use memchr::memchr2;

/// UTF-8 for U+FEFF. The standard strips one from the start of a stream; any other is text.
const BOM: &[u8] = b"\xEF\xBB\xBF";

#[derive(Clone, Default)]
pub(super) struct Lines {
    /// The line so far, if it began in an earlier chunk.
    held: Vec<u8>,
    /// `held` is a whole line that was lent out, and goes with the next call.
    ended: bool,
    /// The last line ended in CR. If the next byte is LF, it belongs to that end.
    after_cr: bool,
    /// How much of `BOM` the stream began with; all of it also once the question is settled otherwise.
    bom: usize,
}

/// The line does not fit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overflow;

impl Lines {
    /// Takes the next line off `input`, without its end. `None`: all of `input` is consumed, the line is not
    /// over. Copies only if the line began in an earlier chunk, and searches only what is new.
    ///
    /// Fails on a line longer than `room`, whether it came in one chunk or in many, and before it is buffered.
    pub(super) fn take<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i [u8],
        room: usize,
    ) -> Result<Option<&'a [u8]>, Overflow> {
        if self.ended {
            self.held.clear();
            self.ended = false;
        }
        self.strip_bom(input);
        self.strip_line_feed(input);
        let end = find_end(input);
        let (part, rest) = input.split_at(end.unwrap_or(input.len()));
        if self.held.len() + part.len() > room {
            return Err(Overflow);
        }
        let Some((end, rest)) = rest.split_first() else {
            self.held.extend_from_slice(part);
            *input = rest;
            return Ok(None);
        };
        // The line is over now. To wait for a LF could mean to wait for the next event.
        self.after_cr = *end == b'\r';
        *input = rest;
        if self.held.is_empty() {
            return Ok(Some(part));
        }
        self.held.extend_from_slice(part);
        self.ended = true;
        Ok(Some(&self.held))
    }

    /// Bytes held of a line that is not over.
    pub(super) fn held(&self) -> usize {
        if self.ended { 0 } else { self.held.len() }
    }

    /// Whether the next byte begins a line, whatever it is and wherever it stands.
    pub(super) fn is_at_rest(&self) -> bool {
        self.held() == 0 && !self.after_cr && self.bom == BOM.len()
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.held.capacity()
    }

    /// Back to the start of a stream; keeps the buffer.
    pub(super) fn reset(&mut self) {
        self.held.clear();
        *self = Self { held: std::mem::take(&mut self.held), ..Self::default() };
    }

    fn strip_bom(&mut self, input: &mut &[u8]) {
        while self.bom < BOM.len() {
            let Some((first, rest)) = input.split_first() else { return };
            if *first != BOM[self.bom] {
                // It only began like one, so it is the start of the first line.
                self.held.extend_from_slice(&BOM[..self.bom]);
                self.bom = BOM.len();
                return;
            }
            self.bom += 1;
            *input = rest;
        }
    }

    fn strip_line_feed(&mut self, input: &mut &[u8]) {
        let Some(first) = input.first() else { return };
        if self.after_cr && *first == b'\n' {
            *input = &input[1..];
        }
        self.after_cr = false;
    }
}

fn find_end(new: &[u8]) -> Option<usize> {
    #[cfg(test)]
    tests::count(new.len());
    memchr2(b'\r', b'\n', new)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static SEARCHED: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn count(bytes: usize) {
        SEARCHED.set(SEARCHED.get() + bytes);
    }

    /// All lines of `input`, fed in chunks of `size` bytes.
    fn lines(input: &[u8], size: usize) -> Vec<Vec<u8>> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for mut chunk in input.chunks(size) {
            while let Some(line) = lines.take(&mut chunk, usize::MAX).unwrap() {
                found.push(line.to_vec());
            }
            assert!(chunk.is_empty());
        }
        found
    }

    #[test]
    fn every_line_end_counts_once() {
        for size in 1..=12 {
            assert_eq!(lines(b"a\r\nb\rc\n\r\n\n\r\rd", size), [&b"a"[..], b"b", b"c", b"", b"", b"", b""]);
        }
    }

    #[test]
    fn one_mark_is_stripped_from_the_start_only() {
        for size in 1..=12 {
            assert_eq!(lines(b"\xEF\xBB\xBFa\n\xEF\xBB\xBFb\n", size), [&b"a"[..], b"\xEF\xBB\xBFb"]);
            assert_eq!(lines(b"\xEF\xBB\xBF\xEF\xBB\xBFa\n", size), [b"\xEF\xBB\xBFa"]);
            assert_eq!(lines(b"\xEF\xBBa\n", size), [b"\xEF\xBBa"]);
            assert_eq!(lines(b"\xEF\xBB\n\xBF\n", size), [&b"\xEF\xBB"[..], b"\xBF"]);
            assert_eq!(lines(b"\xEF\xEF\xBB\xBFa\n", size), [b"\xEF\xEF\xBB\xBFa"]);
        }
    }

    #[test]
    fn carriage_return_ends_the_line_without_a_look_ahead() {
        let mut lines = Lines::default();
        assert_eq!(lines.take(&mut &b"a\r"[..], 9), Ok(Some(&b"a"[..])));
    }

    #[test]
    fn line_that_does_not_fit_fails_at_any_chunking() {
        for size in 1..=8 {
            let mut lines = Lines::default();
            let outcome: Result<Vec<_>, _> =
                b"12345".chunks(size).map(|mut chunk| lines.take(&mut chunk, 4).map(|_| ())).collect();
            assert_eq!(outcome, Err(Overflow), "chunks of {size}");
            assert!(lines.held() <= 4);
        }
        assert_eq!(Lines::default().take(&mut &b"1234\n"[..], 4), Ok(Some(&b"1234"[..])));
    }

    #[test]
    fn no_byte_is_searched_twice() {
        const LENGTH: usize = 200_000;
        let mut lines = Lines::default();
        SEARCHED.set(0);
        let mut moves = 0;
        let mut capacity = lines.held.capacity();
        for _ in 0..LENGTH {
            assert_eq!(lines.take(&mut &b"x"[..], usize::MAX), Ok(None));
            moves += usize::from(capacity != lines.held.capacity());
            capacity = lines.held.capacity();
        }
        assert_eq!(lines.take(&mut &b"\n"[..], usize::MAX), Ok(Some(&vec![b'x'; LENGTH][..])));
        assert_eq!(SEARCHED.get(), LENGTH + 1);
        assert!(
            moves <= LENGTH.ilog2() as usize,
            "the buffer must grow by a factor, but moved {moves} times"
        );
    }
}
