//! Chunked bodies (RFC 9112, section 7.1), as they come, in pieces of any size. No trailers.

use super::request::find;

/// Longer lines hold no size.
const MAX_LINE: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Chunked {
    /// Bytes that are still to come of a chunk, with the line end behind it.
    left: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// So many bytes were used; the rest is needed again, with more behind it.
    More(usize),
    /// So many bytes were used, and with them the body is whole.
    End(usize),
    Malformed,
}

impl Chunked {
    /// Appends to `out` what `input` has of the body.
    pub(super) fn decode(&mut self, input: &[u8], out: &mut Vec<u8>) -> Progress {
        let mut used = 0;
        loop {
            let rest = &input[used..];
            if self.left > 0 {
                let taken = self.left.min(rest.len());
                let data = self.left.saturating_sub(2).min(taken);
                out.extend_from_slice(&rest[..data]);
                self.left -= taken;
                used += taken;
                if self.left > 0 {
                    return Progress::More(used);
                }
                continue;
            }
            let Some(line) = find(&rest[..rest.len().min(MAX_LINE)], b"\r\n") else {
                return if rest.len() < MAX_LINE { Progress::More(used) } else { Progress::Malformed };
            };
            match size(&rest[..line]) {
                Some(0) if rest.len() < line + 4 => return Progress::More(used),
                Some(0) => return Progress::End(used + line + 4),
                Some(size) => self.left = size + 2,
                None => return Progress::Malformed,
            }
            used += line + 2;
        }
    }
}

fn size(line: &[u8]) -> Option<usize> {
    let digits = line.split(|&byte| byte == b';').next()?;
    // Far from what would overflow.
    let size = u32::from_str_radix(std::str::from_utf8(digits).ok()?.trim(), 16).ok()?;
    usize::try_from(size).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_the_same_in_whatever_pieces_it_comes() {
        let body = b"5\r\nhello\r\nC;x=y\r\n, my friends\r\n0\r\n\r\nGET";
        for piece in 1..body.len() {
            let (mut chunked, mut held, mut out) = (Chunked::default(), Vec::new(), Vec::new());
            let mut ended = false;
            for piece in body.chunks(piece) {
                held.extend_from_slice(piece);
                match chunked.decode(&held, &mut out) {
                    Progress::More(used) => drop(held.drain(..used)),
                    Progress::End(used) => {
                        held.drain(..used);
                        ended = true;
                        break;
                    }
                    Progress::Malformed => panic!("{held:?}"),
                }
            }
            assert!(ended && b"GET".starts_with(&held), "{piece}");
            assert_eq!(out, b"hello, my friends", "{piece}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for input in [b"xyz\r\n".as_slice(), b"fffffffff\r\n", &[b'1'; 100]] {
            assert_eq!(Chunked::default().decode(input, &mut Vec::new()), Progress::Malformed);
        }
    }
}
