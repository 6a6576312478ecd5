//! Bytes on their way to a socket that may take a part of them.

use std::io::{self, IoSlice, Write};

use bytes::{Buf as _, Bytes};

/// A content, and what stands around it, if anything.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    content: Bytes,
    /// Boxed: most have none.
    around: Option<Box<Around>>,
}

#[derive(Clone, Debug)]
struct Around {
    front: Bytes,
    back: &'static [u8],
}

impl Parcel {
    /// With nothing around it.
    pub(crate) fn plain(content: Bytes) -> Self {
        Self { content, around: None }
    }

    pub(super) fn wrapped(front: Bytes, content: Bytes, back: &'static [u8]) -> Self {
        Self { content, around: Some(Box::new(Around { front, back })) }
    }

    /// Bytes that are left.
    pub(crate) fn len(&self) -> usize {
        let around = self.around.as_ref().map_or(0, |around| around.front.len() + around.back.len());
        around + self.content.len()
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
        let Some(around) = &mut self.around else {
            let written = to.write(&self.content)?;
            self.content.advance(written);
            return Ok(written);
        };
        let parts = [&around.front[..], &self.content, around.back].map(IoSlice::new);
        let written = to.write_vectored(&parts)?;
        let mut left = written;
        for part in [&mut around.front, &mut self.content] {
            let of_part = left.min(part.len());
            part.advance(of_part);
            left -= of_part;
        }
        around.back = &around.back[left..];
        Ok(written)
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
                let mut whole = Vec::new();
                parcel.clone().write_to(&mut whole).unwrap();
                while !parcel.is_empty() {
                    let before = parcel.len();
                    assert_eq!(parcel.write_to(&mut to).unwrap(), before - parcel.len());
                }
                assert_eq!(to.1, whole);
            }
        }
    }
}
