//! What a [`Decoder`](super::Decoder) yields. All text borrows from the decoder, and is gone with its next call.

use std::borrow::Cow;
use std::time::Duration;

use thiserror::Error;

/// One thing that a stream says. Complete: the format has no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A line that starts with a colon: the text after it, as it is. A space after the colon belongs to it; only
    /// the values of fields lose one.
    Comment(Cow<'a, str>),
    /// A blank line after at least one `data` line.
    Event(Message<'a>),
    /// A blank line after an `id` line, without data: no event, but the position moved. The id may be empty,
    /// which takes the position back.
    Id(&'a str),
    /// How long to wait before a reconnect. Surfaced when the line ends, even inside a block; it outlives the
    /// connection. Milliseconds on the wire, and up to `u64::MAX` of them: clamp it before adding it to a clock.
    Retry(Duration),
}

/// An event as its readers see it. Text that was not valid UTF-8 has U+FFFD for each maximal invalid run (the
/// Encoding standard's UTF-8 decode), and is only then a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message<'a> {
    /// `message` unless the block named the event otherwise.
    pub name: Cow<'a, str>,
    /// The values of the `data` lines, with LF between them and none at the end. May be empty.
    pub data: Cow<'a, str>,
    /// [`last_event_id`](super::Decoder::last_event_id) at this event: its own id or, if it has none, that of
    /// the last one that had.
    pub id: &'a str,
    /// The value of the field that [`Decoder::keeping`](super::Decoder::keeping) names, if the block has it: of
    /// several the last, as for the name.
    pub kept: Option<Cow<'a, str>>,
}

/// Why a stream cannot be decoded any further.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The sender's doing, or a limit set too low. The connection is of no more use.
    #[error("the stream has an event of more than {limit} bytes")]
    TooLong {
        /// Bytes; see [`Decoder::new`](super::Decoder::new) for what counts.
        limit: usize,
    },
}
