//! Decoders for streams that are in the middle of something, and one for all that are not.

use sse_core::Decoder;

/// How many that are not in use are kept.
const SPARE: usize = 64;

#[derive(Debug)]
#[allow(clippy::vec_box, reason = "a client has room for a pointer, not for a decoder")]
pub(crate) struct Decoders {
    spare: Vec<Box<Decoder>>,
    max_event: usize,
}

impl Decoders {
    pub(crate) fn new(max_event: usize) -> Self {
        Self { spare: Vec::new(), max_event }
    }

    /// One at rest, to go on with the stream that is at this position.
    pub(crate) fn take(&mut self, last_event_id: &str) -> Box<Decoder> {
        let mut decoder = self.spare.pop().unwrap_or_else(|| self.make());
        decoder.resume_at(last_event_id);
        decoder
    }

    /// For another stream. Only one at rest.
    pub(crate) fn give(&mut self, decoder: Box<Decoder>) {
        debug_assert!(decoder.is_at_rest(), "it would go on with the middle of another stream");
        if self.spare.len() < SPARE {
            self.spare.push(decoder);
        }
    }

    /// A new one expects the start of a stream, where there may be a byte order mark.
    fn make(&self) -> Box<Decoder> {
        let mut decoder = Box::new(Decoder::new(self.max_event));
        let nothing = decoder.next(&mut &b"\n"[..]);
        debug_assert!(matches!(nothing, Ok(None)), "a blank line is no event");
        decoder
    }
}
