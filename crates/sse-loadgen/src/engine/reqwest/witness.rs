//! Reads what the parser under test reads, and knows what it should have made of it.

use sse_core::{Decoder, Item};

use super::lives::Life;
use crate::account::{Moment, Recorder};

/// One stream's.
pub(super) struct Witness {
    decoder: Decoder,
    /// How many events came, and the parser has not given yet.
    unparsed: u64,
    /// Bytes that came since the parser last gave an event, or owed none.
    kept: usize,
}

/// An event is larger than allowed.
pub(super) struct TooLong;

impl Witness {
    pub(super) fn new(max_event: usize, last_event_id: &str) -> Self {
        let mut decoder = Decoder::new(max_event);
        decoder.resume_at(last_event_id);
        Self { decoder, unparsed: 0, kept: 0 }
    }

    /// A chunk is on its way to the parser. What that would not tell of is entered here.
    ///
    /// # Errors
    ///
    /// An event is too long. Those before it count.
    pub(super) fn saw(
        &mut self,
        mut chunk: &[u8],
        life: &Life,
        recorder: &mut Recorder,
        at: Moment,
    ) -> Result<(), TooLong> {
        self.kept = if self.unparsed == 0 { chunk.len() } else { self.kept + chunk.len() };
        let outcome = loop {
            match self.decoder.next(&mut chunk) {
                Ok(Some(Item::Event(_))) => self.unparsed += 1,
                Ok(Some(Item::Comment(_))) => recorder.comment(&mut life.account.borrow_mut(), at),
                Ok(Some(Item::Retry(delay))) => {
                    life.retry.set(Some(u32::try_from(delay.as_millis()).unwrap_or(u32::MAX)));
                }
                Ok(Some(Item::Id(_))) => {}
                Ok(None) => break Ok(()),
                Err(_) => break Err(TooLong),
            }
        };
        let mut last_event_id = life.last_event_id.borrow_mut();
        if *last_event_id != self.decoder.last_event_id() {
            self.decoder.last_event_id().clone_into(&mut last_event_id);
        }
        outcome
    }

    /// The parser gave an event.
    pub(super) fn parsed(&mut self) {
        self.unparsed = self.unparsed.saturating_sub(1);
        self.kept = 0;
    }

    /// Whether the parser holds so much that it will not give it any more.
    pub(super) fn stands_still(&self, max_event: usize) -> bool {
        self.unparsed > 0 && self.kept > max_event
    }

    /// How many events the parser has kept to itself since this was last asked.
    pub(super) fn take_unparsed(&mut self) -> u64 {
        std::mem::take(&mut self.unparsed)
    }
}
