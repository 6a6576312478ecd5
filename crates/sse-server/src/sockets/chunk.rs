//! The chunks of a chunked body (RFC 9112 section 7.1).

use bytes::Bytes;

use super::Parcel;

/// The longest size line: 16 digits and a line end.
const SIZE_LINE: usize = 18;

/// What is longer is not copied: who is blocked in the middle of it would keep a copy of its own.
const COPIED: usize = 16 * 1024;

/// Makes chunks, and keeps the last two: in a sweep nearly all are told the same, in one run or in two.
#[derive(Debug, Default)]
pub(super) struct Chunks([Chunk; 2]);

#[derive(Debug, Default)]
struct Chunk {
    /// What was framed. Kept as well, so that no other bytes can be in its place.
    bytes: Bytes,
    is_last: bool,
    framed: Bytes,
}

impl Chunks {
    /// The chunk of some bytes, which are not none, and the end of the body behind it if they are the last.
    pub(super) fn of(&mut self, bytes: Bytes, is_last: bool) -> Parcel {
        debug_assert!(!bytes.is_empty(), "an empty chunk would be the end");
        if bytes.len() > COPIED {
            return Parcel::wrapped(size_line(bytes.len()).into(), bytes, end(is_last));
        }
        Parcel::plain(self.framed(bytes, is_last))
    }

    fn framed(&mut self, bytes: Bytes, is_last: bool) -> Bytes {
        let known = self.0.iter().find(|chunk| {
            std::ptr::eq(&raw const *chunk.bytes, &raw const *bytes) && chunk.is_last == is_last
        });
        if let Some(known) = known {
            return known.framed.clone();
        }
        let framed = frame(&bytes, is_last);
        self.0.rotate_left(1);
        self.0[1] = Chunk { bytes, is_last, framed: framed.clone() };
        framed
    }
}

fn frame(bytes: &[u8], is_last: bool) -> Bytes {
    let mut framed = Vec::with_capacity(SIZE_LINE + bytes.len() + LAST.len());
    framed.extend_from_slice(&size_line(bytes.len()));
    framed.extend_from_slice(bytes);
    framed.extend_from_slice(end(is_last));
    framed.into()
}

fn size_line(size: usize) -> Vec<u8> {
    format!("{size:x}\r\n").into()
}

/// The end of a chunk, with the chunk of no bytes behind it that ends the body.
const LAST: &[u8] = b"\r\n0\r\n\r\n";

fn end(is_last: bool) -> &'static [u8] {
    if is_last { LAST } else { &LAST[..2] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(mut parcel: Parcel) -> Vec<u8> {
        let mut bytes = Vec::new();
        while !parcel.is_empty() {
            parcel.write_to(&mut bytes).unwrap();
        }
        bytes
    }

    #[test]
    fn golden_bytes() {
        let mut chunks = Chunks::default();
        assert_eq!(written(chunks.of("data: 1\n\n".into(), false)), b"9\r\ndata: 1\n\n\r\n");
        assert_eq!(written(chunks.of("data: 1\n\n".into(), true)), b"9\r\ndata: 1\n\n\r\n0\r\n\r\n");
    }

    #[test]
    fn what_is_long_is_framed_alike_and_not_copied() {
        for size in [COPIED, COPIED + 1, 0x1_0000] {
            let bytes = Bytes::from(vec![b'x'; size]);
            for is_last in [false, true] {
                let expected = [size_line(size), bytes.to_vec(), end(is_last).to_vec()].concat();
                assert!(written(Chunks::default().of(bytes.clone(), is_last)) == expected, "{size}");
            }
            let mut chunks = Chunks::default();
            let _parcel = chunks.of(bytes.clone(), false);
            assert_eq!(chunks.0[1].bytes.is_empty(), size > COPIED);
        }
    }

    #[test]
    fn what_is_told_to_many_is_framed_once() {
        let (mut chunks, run) = (Chunks::default(), Bytes::from(vec![b'x'; 100]));
        let first = chunks.framed(run.clone(), false);
        let second = chunks.framed(run.slice(50..), false);
        for _ in 0..3 {
            assert_eq!(chunks.framed(run.clone(), false).as_ptr(), first.as_ptr());
            assert_eq!(chunks.framed(run.slice(50..), false).as_ptr(), second.as_ptr());
        }
        assert_ne!(chunks.framed(run.clone(), true), first, "not what is the last");
        assert_ne!(chunks.framed(run.slice(..50), false), first, "nor what only begins there");
    }
}
