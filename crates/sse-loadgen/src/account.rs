//! What one client is owed and was given: the meaning of what an engine reads, whatever the engine.
//!
//! | part | what it is |
//! | --- | --- |
//! | [`Account`] | one client's: about 200 bytes |
//! | [`Recorder`] | a worker's: it enters into the accounts and adds up |
//! | `settle` | the end: what was expected and never came |
//! | [`reconnect`] | who comes back after what, and when |

pub mod reconnect;
mod recorder;
mod settle;
#[cfg(test)]
mod tests;

use crate::ledger::Ledger;

pub use self::recorder::{Measuring, Moment, Recorder, Rules};
pub use self::settle::Accepted;

/// One client's account. A client's *life* is from its first stream until it leaves for good; streams that break and
/// are resumed in between are of the same life, and what was missed meanwhile is missing.
#[derive(Clone, Debug)]
pub struct Account {
    /// The client's number among all, by the order of connecting.
    pub client: u32,
    /// The topic that it subscribes to.
    pub topic: u32,
    /// What it was given of the topic; none until the first event.
    ledger: Option<Ledger>,
    /// The first sequence that was planned when it was there.
    owed: u64,
    /// When the life's first attempt was planned.
    due: u64,
    /// When the latest attempt began.
    attempt: u64,
    /// When the life's first stream was opened.
    since: Option<u64>,
    /// When the stream was opened.
    opened: u64,
    /// When anything was last read.
    heard: u64,
    /// When an event was last read.
    event: u64,
    /// When its stream was cut on purpose.
    cut: Option<u64>,
    /// It has caught up when it has all sequences below this.
    behind: Option<u64>,
    /// It reads slowly or not at all: what it suffers is its own doing, and is counted apart.
    pub restrained: bool,
    /// `Last-Event-ID` was sent, and no event has told yet what came of it.
    resumed: bool,
    /// Since the last event that is known, the server said that some were missed.
    told: bool,
    /// It did not say how many: whatever is missing, until the next event.
    excused: bool,
    /// Since the last event that is known, so many came of which nobody knows which they were.
    unknown: u32,
    /// How many deliveries it has timed.
    timed: u32,
    first_event_is_due: bool,
    duplicated: u32,
    reordered: u32,
    corrupted: u32,
    unparsed: u32,
}

impl Account {
    /// A client that has not begun.
    #[must_use]
    pub fn new(client: u32, topic: u32) -> Self {
        Self {
            client,
            topic,
            ledger: None,
            owed: 0,
            due: 0,
            attempt: 0,
            since: None,
            opened: 0,
            heard: 0,
            event: 0,
            cut: None,
            behind: None,
            restrained: false,
            resumed: false,
            told: false,
            excused: false,
            unknown: 0,
            timed: 0,
            first_event_is_due: false,
            duplicated: 0,
            reordered: 0,
            corrupted: 0,
            unparsed: 0,
        }
    }

    /// Whether it is one of a share of the clients, of 1, after so many others.
    #[must_use]
    pub fn is_within(&self, share: f64, skip: f64) -> bool {
        // Multiples of the golden ratio are spread evenly, whatever routes and topics take turns.
        let place = (f64::from(self.client) * 0.618_033_988_749_895).fract();
        (skip..skip + share).contains(&place)
    }

    /// Looks at it here and there, so that it is in the cache when its turn comes.
    #[must_use]
    pub(crate) fn warm(&self) -> u64 {
        let ledger = self.ledger.as_ref().map_or(0, Ledger::next);
        ledger ^ self.event ^ self.opened ^ self.owed ^ u64::from(self.timed) ^ u64::from(self.client)
    }

    /// When its first attempt was planned.
    #[must_use]
    pub fn due(&self) -> u64 {
        self.due
    }

    /// Whether it has had a stream in this life.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.since.is_some()
    }
}
