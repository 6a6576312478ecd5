//! Whatever is accepted as an event comes back as the same event, with LF for every line end in its data, and
//! nothing else comes with it.
//!
//! Input: text, up to what is none. What is before the first NUL is the name, what is behind it the data; without NUL,
//! all is data.

use sse_core::{Event, EventId, Frame};

use crate::decoded::{Decoded, decode};

pub(crate) fn check(input: &[u8]) {
    let text = input.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let (name, data) = text.split_once('\0').map_or((None, text), |(name, data)| (Some(name), data));
    let Ok(event) = Event::new(name, data) else { return };
    let frame = Frame::encode(&event);
    // Twice, to see that the first leaves nothing behind.
    let ids = ["k3v9x0ab-1", "k3v9x0ab-18446744073709551615"].map(|id| id.parse::<EventId>().unwrap());
    let stream = ids.map(|id| frame.to_bytes(Some(&id))).concat();
    let expected = ids.map(|id| Decoded::Event {
        name: name.filter(|name| !name.is_empty()).unwrap_or("message").to_owned(),
        data: data.replace("\r\n", "\n").replace('\r', "\n"),
        id: id.to_string(),
        kept: None,
    });
    for size in [stream.len(), 1] {
        let outcome = decode(stream.chunks(size), stream.len());
        assert_eq!((&outcome.items[..], outcome.error), (&expected[..], None));
    }
}
