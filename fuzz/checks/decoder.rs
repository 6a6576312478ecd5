//! Any bytes in any chunks: no panic, the limit holds, chunks do not matter, and the standard taken literally
//! gives the same; and so with a field more.
//!
//! Input: one byte for the limit, three for the lengths of chunks, then the stream.

use crate::chunks::chunks;
use sse_core::Decoder;

use crate::decoded::{decode, decode_with};
use crate::reference;

pub(crate) fn check(input: &[u8]) {
    let Some(([limit, lengths @ ..], stream)) = input.split_first_chunk::<4>() else { return };
    let limit = 1 << (limit % 21);
    let whole = decode([stream], limit);
    assert_eq!(decode(chunks(stream, *lengths), limit), whole);
    if whole.error.is_none() {
        assert_eq!(whole, reference::decode(stream));
    }
    let keeping = || Decoder::new(limit).keeping("topic");
    let kept = decode_with(keeping(), [stream], limit);
    assert_eq!(decode_with(keeping(), chunks(stream, *lengths), limit), kept);
    if kept.error.is_none() {
        assert_eq!(kept, reference::decode_keeping(stream, Some("topic")));
    }
}
