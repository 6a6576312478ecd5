//! The chunks of a chunked body (RFC 9112 section 7.1).

use std::io::Write as _;

use bytes::Bytes;

/// The longest size line: 16 digits and a line end.
const SIZE_LINE: usize = 18;

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
    pub(super) fn of(&mut self, bytes: Bytes, is_last: bool) -> Bytes {
        debug_assert!(!bytes.is_empty(), "an empty chunk would be the end");
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
    let end: &[u8] = if is_last { b"\r\n0\r\n\r\n" } else { b"\r\n" };
    let mut framed = Vec::with_capacity(SIZE_LINE + bytes.len() + end.len());
    write!(framed, "{:x}\r\n", bytes.len()).expect("a Vec takes every write");
    framed.extend_from_slice(bytes);
    framed.extend_from_slice(end);
    framed.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let mut chunk = Chunks::default();
        assert_eq!(chunk.of("data: 1\n\n".into(), false), "9\r\ndata: 1\n\n\r\n");
        assert_eq!(chunk.of("data: 1\n\n".into(), true), "9\r\ndata: 1\n\n\r\n0\r\n\r\n");
        let long = vec![b'x'; 0x1_0000];
        assert!(chunk.of(long.into(), false).starts_with(b"10000\r\nx"));
    }

    #[test]
    fn what_is_told_to_many_is_framed_once() {
        let (mut chunk, run) = (Chunks::default(), Bytes::from(vec![b'x'; 100]));
        let first = chunk.of(run.clone(), false);
        let second = chunk.of(run.slice(50..), false);
        for _ in 0..3 {
            assert_eq!(chunk.of(run.clone(), false).as_ptr(), first.as_ptr());
            assert_eq!(chunk.of(run.slice(50..), false).as_ptr(), second.as_ptr());
        }
        assert_ne!(chunk.of(run.clone(), true), first, "not what is the last");
        assert_ne!(chunk.of(run.slice(..50), false), first, "nor what only begins there");
    }
}
