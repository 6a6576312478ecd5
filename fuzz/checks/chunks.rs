//! Bytes, cut as they could arrive.

/// Chunks of these lengths plus one, over and over.
pub(crate) fn chunks(mut stream: &[u8], lengths: [u8; 3]) -> impl Iterator<Item = &[u8]> {
    let mut lengths = lengths.into_iter().cycle();
    std::iter::from_fn(move || {
        let length = usize::from(lengths.next()?) + 1;
        let (chunk, rest) = stream.split_at(length.min(stream.len()));
        stream = rest;
        (!chunk.is_empty()).then_some(chunk)
    })
}
