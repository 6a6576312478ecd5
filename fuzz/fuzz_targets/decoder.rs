//! Any bytes in any chunks: no panic, the limit holds, chunks do not matter, and the standard taken literally
//! gives the same.
//!
//! Input: one byte for the limit, three for the lengths of chunks, then the stream.

#![no_main]

#[path = "../../crates/sse-core/tests/decoded/mod.rs"]
mod decoded;
#[path = "../../crates/sse-core/tests/reference/mod.rs"]
mod reference;

use libfuzzer_sys::fuzz_target;

use crate::decoded::decode;

fuzz_target!(|input: &[u8]| {
    let Some(([limit, lengths @ ..], stream)) = input.split_first_chunk::<4>() else { return };
    let limit = 1 << (limit % 21);
    let whole = decode([stream], limit);
    assert_eq!(decode(chunks(stream, *lengths), limit), whole);
    if whole.error.is_none() {
        assert_eq!(whole, reference::decode(stream));
    }
});

/// Chunks of these lengths plus one, over and over.
fn chunks(mut stream: &[u8], lengths: [u8; 3]) -> impl Iterator<Item = &[u8]> {
    let mut lengths = lengths.into_iter().cycle();
    std::iter::from_fn(move || {
        let length = usize::from(lengths.next()?) + 1;
        let (chunk, rest) = stream.split_at(length.min(stream.len()));
        stream = rest;
        (!chunk.is_empty()).then_some(chunk)
    })
}
