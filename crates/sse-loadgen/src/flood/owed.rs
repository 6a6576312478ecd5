//! What one reader is owed and was given: what a decoded event means to it, and one that was the same as the track's.

use serde::Deserialize;
use sse_core::Message;

use super::book::Book;
use super::track::Laid;
use crate::ledger::{Arrival, Ledger};
use crate::stamp::Stamp;

/// See the module.
#[derive(Debug)]
pub(super) struct Owed {
    pub(super) ledger: Ledger,
    /// Events that came, and nobody knows which they were.
    pub(super) damaged: u64,
    /// The server has said that events are missing, and not how many: the next hole is announced.
    excused: bool,
}

#[derive(Deserialize)]
struct Gap {
    missed: Option<u64>,
}

impl Owed {
    /// Everything, from event 0 on.
    pub(super) fn all() -> Self {
        Self { ledger: Ledger::from(0), damaged: 0, excused: false }
    }

    /// Whether nothing of what was published is still to come, so many of which nobody is owed.
    pub(super) fn has(&self, published: u64, uncertain: u64) -> bool {
        self.ledger.missing(published) <= self.ledger.was_announced() + self.damaged + uncertain
    }

    /// How many of those were lost: they did not come in any state, and nobody said so. The numbers of those that nobody is
    /// owed are in order.
    pub(super) fn lost(&self, published: u64, uncertain: &[u64]) -> u64 {
        let below = |sequence| uncertain.partition_point(|&other| other < sequence) as u64;
        let excused = self.ledger.missing_ranges().map(|hole| {
            let end = hole.end.min(published);
            below(end).saturating_sub(below(hole.start))
        });
        self.ledger.lost(published).saturating_sub(self.damaged).saturating_sub(excused.sum())
    }

    /// Enters an event that was the same as the track's, which is the next to be expected, or one behind it.
    pub(super) fn passed(&mut self, laid: &Laid) {
        let arrival = self.ledger.arrived(laid.sequence);
        self.follows(arrival);
    }

    /// Enters an event that was decoded. Answers with its stamp if it is the newest that this reader has.
    pub(super) fn decoded(&mut self, message: &Message<'_>, now: u64, book: &mut Book) -> Option<Stamp> {
        if message.name == book.gap_event {
            self.gap(&message.data);
            return None;
        }
        if message.name.starts_with("sse.") {
            return None;
        }
        let stamp = match Stamp::find(message.data.as_bytes()) {
            Ok(Some(stamp)) if stamp.run == book.run => stamp,
            Ok(_) => {
                book.counts.foreign += 1;
                return None;
            }
            Err(_) => {
                book.counts.damaged += 1;
                self.damaged += 1;
                return None;
            }
        };
        let arrival = self.ledger.arrived(stamp.sequence);
        if arrival == Arrival::Duplicate {
            book.counts.duplicated += 1;
            return None;
        }
        book.decoded(stamp.sequence, stamp.planned, now);
        if arrival == Arrival::Late {
            book.counts.reordered += 1;
            return None;
        }
        self.follows(arrival);
        Some(stamp)
    }

    /// The server says that events were missed: `{"missed":3}`, or null if it does not know how many.
    fn gap(&mut self, data: &str) {
        match serde_json::from_str(data) {
            Ok(Gap { missed: Some(missed) }) => self.ledger.announced(missed),
            _ => self.excused = true,
        }
    }

    /// The newest event says whether the hole that was announced is one.
    fn follows(&mut self, arrival: Arrival) {
        if !std::mem::take(&mut self.excused) {
            return;
        }
        if let Arrival::Ahead { missing } = arrival {
            self.ledger.announced(missing);
        }
    }
}
