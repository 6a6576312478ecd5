//! Bytes on their way to a socket that may take a part of them.

use std::io::{self, IoSlice, Write};

use bytes::{Buf as _, Bytes};

/// A content, and what stands around it. Dropping what is written keeps nothing else.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parcel {
    front: Bytes,
    content: Bytes,
    back: &'static [u8],
}

impl Parcel {
    /// With nothing around it.
    pub(crate) fn plain(content: Bytes) -> Self {
        Self { content, ..Self::default() }
    }

    pub(super) fn wrapped(front: Bytes, content: Bytes, back: &'static [u8]) -> Self {
        Self { front, content, back }
    }

    /// Bytes that are left.
    pub(crate) fn len(&self) -> usize {
        self.front.len() + self.content.len() + self.back.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes once; answers how much was taken, and keeps the rest.
    ///
    /// # Errors
    ///
    /// Those of the writer. Nothing was taken then.
    pub(crate) fn write_to(&mut self, to: &mut impl Write) -> io::Result<usize> {
        let written = if self.front.is_empty() && self.back.is_empty() {
            to.write(&self.content)?
        } else {
            let parts = [&self.front[..], &self.content, self.back].map(IoSlice::new);
            to.write_vectored(&parts)?
        };
        self.advance(written);
        Ok(written)
    }

    fn advance(&mut self, written: usize) {
        let mut left = written;
        for part in [&mut self.front, &mut self.content] {
            let of_part = left.min(part.len());
            part.advance(of_part);
            left -= of_part;
        }
        self.back = &self.back[left..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes at a time.
    struct Narrow(usize, Vec<u8>);

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.0);
            self.1.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
            let all: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
            self.write(&all)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn goes_on_at_the_byte() {
        for width in 1..=20 {
            for parcel in [
                Parcel::plain("content".into()),
                Parcel::wrapped("7\r\n".into(), "content".into(), b"\r\n0\r\n\r\n"),
            ] {
                let (mut parcel, mut to) = (parcel.clone(), Narrow(width, Vec::new()));
                let whole = [&parcel.front[..], &parcel.content, parcel.back].concat();
                while !parcel.is_empty() {
                    let before = parcel.len();
                    assert_eq!(parcel.write_to(&mut to).unwrap(), before - parcel.len());
                }
                assert_eq!(to.1, whole);
            }
        }
    }
}
