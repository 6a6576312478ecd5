//! What a decoder made of some bytes, as values that can be kept and compared.

use std::time::Duration;

use sse_core::{DecodeError, Decoder, Item};

/// An [`Item`] that owns its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decoded {
    Comment(String),
    Event { name: String, data: String, id: String, kept: Option<String> },
    Id(String),
    Retry(Duration),
}

impl From<Item<'_>> for Decoded {
    fn from(item: Item<'_>) -> Self {
        match item {
            Item::Comment(text) => Self::Comment(text.into_owned()),
            Item::Event(message) => Self::Event {
                name: message.name.into_owned(),
                data: message.data.into_owned(),
                id: message.id.to_owned(),
                kept: message.kept.map(|kept| kept.into_owned()),
            },
            Item::Id(id) => Self::Id(id.to_owned()),
            Item::Retry(delay) => Self::Retry(delay),
        }
    }
}

/// All that came out of one stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) items: Vec<Decoded>,
    pub(crate) last_event_id: String,
    pub(crate) error: Option<DecodeError>,
}

/// Decodes a stream that arrives in these chunks, until its end or the first error.
pub(crate) fn decode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, max_event: usize) -> Outcome {
    decode_with(Decoder::new(max_event), chunks, max_event)
}

/// The same with a decoder of that limit, which may be asked for more.
pub(crate) fn decode_with<'a>(
    mut decoder: Decoder,
    chunks: impl IntoIterator<Item = &'a [u8]>,
    max_event: usize,
) -> Outcome {
    let mut outcome = Outcome::default();
    for mut chunk in chunks {
        while outcome.error.is_none() {
            match decoder.next(&mut chunk) {
                Ok(Some(item)) => outcome.items.push(item.into()),
                Ok(None) => break,
                Err(error) => outcome.error = Some(error),
            }
            assert!(decoder.buffered() <= max_event);
        }
        assert!(chunk.is_empty() || outcome.error.is_some(), "left {chunk:?}");
    }
    decoder.last_event_id().clone_into(&mut outcome.last_event_id);
    outcome
}
