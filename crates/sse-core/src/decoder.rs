//! Bytes of an event stream in, events out: the reading half of the wire format.
//!
//! No I/O and no clock: the caller brings chunks as they arrive, cut anywhere, and takes the items out. The
//! rules are those of WHATWG HTML section 9.2.6, "Interpreting an event stream". `lines` cuts the bytes into
//! lines, `block` collects the fields of one event, `item` is what comes out.
//!
//! Everything is done on bytes, and text is decoded only when it is surfaced. That is the same as decoding
//! first, as the standard has it, since neither CR, LF, the colon nor a field name can occur inside a
//! multi-byte sequence; and it needs no state for a character that is cut in two.

mod block;
mod item;
mod lines;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use self::block::Block;
use self::lines::Lines;

pub use self::item::{DecodeError, Item, Message};

/// An incremental decoder of `text/event-stream`, for one stream at a time.
///
/// ```
/// use sse_core::{Decoder, Item};
///
/// let mut decoder = Decoder::default();
/// let mut seen = Vec::new();
/// for chunk in ["id: 7\nda", "ta: hello\n\nid: 8\nda"] {
///     let mut input = chunk.as_bytes();
///     while let Some(item) = decoder.next(&mut input)? {
///         if let Item::Event(message) = item {
///             seen.push(message.data.into_owned());
///         }
///     }
/// }
/// assert_eq!(seen, ["hello"]);
/// // The stream may end here: the second event was never complete, so the position is still the first.
/// assert_eq!(decoder.last_event_id(), "7");
/// # Ok::<(), sse_core::DecodeError>(())
/// ```
///
/// # End of stream
///
/// Needs no call. What has not been ended by a blank line is discarded, its id included: nothing of it was
/// surfaced, and [`last_event_id`](Self::last_event_id) asks for it again. Use [`reset`](Self::reset) before
/// feeding the next connection's bytes.
///
/// # Cost
///
/// Linear in the bytes fed, however they are cut: a byte is searched once, and copied at most twice. Nothing is
/// allocated once the buffers have grown to the size of the stream's events, except to replace invalid UTF-8
/// in what is surfaced.
///
/// # Memory
///
/// [`buffered`](Self::buffered) never exceeds the limit given to [`new`](Self::new). The buffers grow by
/// doubling and keep their capacity, one for the line that is cut by a chunk's end and one each for data, name,
/// id and comment, and what is [kept](Self::keeping): so a stream whose bulk is data takes up to four times the limit from the heap, and a
/// malicious one, that fills each buffer in turn, a small multiple more. A new decoder takes nothing.
#[derive(Clone)]
pub struct Decoder {
    lines: Lines,
    block: Block,
    /// The blank line was read: what `block` holds is lent to the caller, and goes with the next call.
    dispatched: bool,
    /// Text of the comment that was surfaced last, for the caller to borrow.
    comment: Vec<u8>,
    last_event_id: String,
    max_event: usize,
    failed: bool,
}

/// Which item is complete. It says nothing of the content, which can only be borrowed once the search is over.
enum Ready {
    Comment,
    Event,
    Id,
    Retry(Duration),
}

impl Decoder {
    /// 16 MiB: room for the largest events that the test suites of clients send (14 MB), so that no sound
    /// server is refused, yet a bound on what a broken one can take. Who decodes what strangers send, or many
    /// streams at once, sets a limit of their own.
    pub const DEFAULT_MAX_EVENT: usize = 16 * 1024 * 1024;

    /// A decoder that fails once it would have to buffer more than `max_event` bytes.
    ///
    /// What counts is what is buffered of one block at a time: its data, name and id, the field that is
    /// [kept](Self::keeping), and the current line, comment or not, up to its end. An event fits for sure if the lines of its block come to `max_event`
    /// bytes together.
    #[must_use]
    pub fn new(max_event: usize) -> Self {
        Self {
            lines: Lines::default(),
            block: Block::default(),
            dispatched: false,
            comment: Vec::new(),
            last_event_id: String::new(),
            max_event,
            failed: false,
        }
    }

    /// Makes it keep one more field, which readers of the standard ignore: [`Message::kept`] is its value.
    ///
    /// For streams between programs, which may say of an event what no reader is told. Named as one of the standard's
    /// own fields (`data`, `event`, `id`, `retry`), it is never seen.
    #[must_use]
    pub fn keeping(mut self, field: &'static str) -> Self {
        self.block.keep(field);
        self
    }

    /// Takes bytes off the front of `input` until one item is complete. `None`: all of `input` is consumed,
    /// and more of the stream is needed.
    ///
    /// Call it until it says `None`, then feed the next chunk. The items do not depend on where the stream is
    /// cut into chunks, and none is held back: CR ends a line at once, without a look at the byte after it.
    ///
    /// # Errors
    ///
    /// [`DecodeError::TooLong`] beyond the limit given to [`new`](Self::new). There is no way to find the next
    /// event safely, so it is final: every further call fails in the same way, until [`reset`](Self::reset).
    /// `input` is then left anywhere. Invalid UTF-8 is no error; nor is an unknown field, which is ignored.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Item<'_>>, DecodeError> {
        let Some(ready) = self.advance(input)? else { return Ok(None) };
        Ok(Some(match ready {
            Ready::Comment => Item::Comment(block::text(&self.comment)),
            Ready::Event => Item::Event(Message {
                name: self.block.name(),
                data: self.block.data(),
                id: &self.last_event_id,
                kept: self.block.kept(),
            }),
            Ready::Id => Item::Id(&self.last_event_id),
            Ready::Retry(delay) => Item::Retry(delay),
        }))
    }

    /// The position in the stream: the last id that was followed by a blank line. Empty if there was none, or
    /// if the server reset it. This is what a client sends as `Last-Event-ID` when it reconnects.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// Bytes held right now; never more than the limit given to [`new`](Self::new).
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.lines.held() + self.block.len() + self.comment.len()
    }

    /// Whether the position is all that is kept of the stream: the bytes so far end behind an event or a line that
    /// stands for itself, and whatever comes next means the same to any decoder that is at rest.
    ///
    /// Who reads tens of thousands of streams needs a decoder only for those that are in the middle of something: one
    /// at rest can go on with another stream, once [`resume_at`](Self::resume_at) has told it that stream's position.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        !self.failed && self.lines.is_at_rest() && (self.dispatched || self.block.is_empty())
    }

    /// Sets the position, as if this id had been the last one. For a stream that goes on where another decoder was, or
    /// an earlier run of the program. Takes no memory if there was an id as long before.
    pub fn resume_at(&mut self, last_event_id: &str) {
        self.last_event_id.clear();
        self.last_event_id.push_str(last_event_id);
    }

    /// Makes ready for the bytes of a new connection: forgets what is unfinished, and an error.
    ///
    /// [`last_event_id`](Self::last_event_id) is kept, and events without an id go on reporting it. The
    /// standard would have the first of them set it back to empty, so that the next reconnect loses its place.
    pub fn reset(&mut self) {
        self.lines.reset();
        self.block.clear();
        self.dispatched = false;
        self.comment.clear();
        self.failed = false;
    }

    fn advance(&mut self, input: &mut &[u8]) -> Result<Option<Ready>, DecodeError> {
        if self.failed {
            return Err(DecodeError::TooLong { limit: self.max_event });
        }
        self.comment.clear();
        loop {
            if self.dispatched {
                self.block.clear();
                self.dispatched = false;
            }
            // What a line adds to the block is shorter than the line, so no other check is needed.
            let room = self.max_event - self.block.len();
            let Ok(line) = self.lines.take(input, room) else { return Err(self.fail()) };
            let Some(line) = line else { return Ok(None) };
            let ready = match line {
                [] => self.dispatch(),
                [b':', text @ ..] => {
                    self.comment.extend_from_slice(text);
                    Some(Ready::Comment)
                }
                field => self.block.add(field).map(Ready::Retry),
            };
            if ready.is_some() {
                return Ok(ready);
            }
        }
    }

    /// The blank line. The id counts from here on, and even if there is no data: then the position moves and no
    /// event is seen.
    fn dispatch(&mut self) -> Option<Ready> {
        self.dispatched = true;
        let moved = self.block.id_into(&mut self.last_event_id);
        if self.block.has_data() {
            return Some(Ready::Event);
        }
        moved.then_some(Ready::Id)
    }

    /// Gives the memory back at once: a stream that failed may be kept around, but not read.
    fn fail(&mut self) -> DecodeError {
        self.lines = Lines::default();
        self.block = self.block.emptied();
        self.comment = Vec::new();
        self.failed = true;
        DecodeError::TooLong { limit: self.max_event }
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new(Self::DEFAULT_MAX_EVENT)
    }
}

/// By hand, since the buffers may hold megabytes of other people's data.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("last_event_id", &self.last_event_id)
            .field("buffered", &self.buffered())
            .field("max_event", &self.max_event)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}
