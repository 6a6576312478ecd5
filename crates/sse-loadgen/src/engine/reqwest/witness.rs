//! Reads what the parser under test reads, and knows what it should have made of it.

use sse_core::{Decoder, Item};

use super::lives::Life;
use crate::account::{Moment, Recorder};
use crate::clock;

pub(super) struct Witness {
    decoder: Decoder,
    /// When the last chunk came: what the parser makes of it came then, however late it is asked.
    at: u64,
    events: u64,
    parsed: u64,
    bytes: u64,
    too_long: bool,
}

impl Witness {
    pub(super) fn new(max_event: usize, last_event_id: &str) -> Self {
        let mut decoder = Decoder::new(max_event);
        decoder.resume_at(last_event_id);
        Self { decoder, at: clock::now(), events: 0, parsed: 0, bytes: 0, too_long: false }
    }

    /// A chunk is on its way to the parser. What it would not tell of is entered here.
    pub(super) fn saw(&mut self, mut chunk: &[u8], life: &Life, recorder: &mut Recorder) {
        self.at = clock::now();
        self.bytes += chunk.len() as u64;
        let at = Moment { read: self.at, arrived: None };
        loop {
            match self.decoder.next(&mut chunk) {
                Ok(Some(Item::Event(_))) => self.events += 1,
                Ok(Some(Item::Comment(_))) => recorder.comment(&mut life.account.borrow_mut(), at),
                Ok(Some(Item::Retry(delay))) => {
                    life.retry.set(Some(u32::try_from(delay.as_millis()).unwrap_or(u32::MAX)));
                }
                Ok(Some(Item::Id(_))) => {}
                Ok(None) => break,
                Err(_) => {
                    self.too_long = true;
                    break;
                }
            }
        }
        self.decoder.last_event_id().clone_into(&mut life.last_event_id.borrow_mut());
    }

    /// The parser gave an event. When it came.
    pub(super) fn parsed(&mut self) -> u64 {
        self.parsed += 1;
        self.at
    }

    /// How many events the parser has kept to itself.
    pub(super) fn unparsed(&self) -> u64 {
        self.events.saturating_sub(self.parsed)
    }

    pub(super) fn is_too_long(&self) -> bool {
        self.too_long
    }

    /// How many bytes came since this was last asked.
    pub(super) fn take_bytes(&mut self) -> u64 {
        std::mem::take(&mut self.bytes)
    }
}
