//! What is to happen when: a heap, of whatever is not due at once.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// Connect again.
    Return,
    /// The head must be there by now, or the answer complete.
    Deadline,
    /// The end of the client's lifetime.
    Leave,
    /// A slow reader may read again.
    Read,
}

/// One thing that is due for one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timer {
    pub(super) due: u64,
    pub(super) client: u32,
    /// Void if the client has begun another attempt since.
    pub(super) attempt: u32,
    pub(super) what: What,
}

#[derive(Debug, Default)]
pub(super) struct Timers(BinaryHeap<Reverse<Timer>>);

impl Timers {
    pub(super) fn add(&mut self, timer: Timer) {
        self.0.push(Reverse(timer));
    }

    pub(super) fn next_due(&self) -> Option<u64> {
        self.0.peek().map(|timer| timer.0.due)
    }

    pub(super) fn take_due(&mut self, now: u64) -> Option<Timer> {
        self.next_due().filter(|&due| due <= now)?;
        self.0.pop().map(|timer| timer.0)
    }
}
