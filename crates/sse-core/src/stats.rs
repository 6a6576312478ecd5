//! What a broadcaster has done so far, in numbers.

use crate::sync::{AtomicU64, Ordering};

/// A reading of a broadcaster's counters. Not a snapshot: other threads go on while it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Topics that exist, with readers, retained events, or still remembered.
    pub topics: usize,
    /// Subscriptions that exist.
    pub subscribers: usize,
    /// Events published since the start.
    pub published: u64,
    /// Bytes of frames that are retained, in all topics together.
    pub retained_bytes: u64,
    /// Frames delivered since the start: one event to a hundred subscribers is a hundred.
    pub delivered: u64,
    /// Runs in which they were delivered; `delivered / runs` is how many frames went out in one piece.
    pub runs: u64,
    /// Gaps announced since the start.
    pub lagged: u64,
}

/// The counters behind it. Each is only ever read for show, so none orders anything.
#[derive(Debug)]
pub(crate) struct Counters {
    retained_bytes: AtomicU64,
    delivered: AtomicU64,
    runs: AtomicU64,
    lagged: AtomicU64,
}

/// What a segment has done since it last told.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) delivered: u64,
    pub(crate) runs: u64,
    pub(crate) lagged: u64,
}

impl Counters {
    pub(crate) fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self { retained_bytes: zero(), delivered: zero(), runs: zero(), lagged: zero() }
    }

    /// A topic's log has gone from so many bytes to so many.
    pub(crate) fn retained(&self, before: u64, after: u64) {
        if before != after {
            self.retained_bytes.fetch_add(after.wrapping_sub(before), Ordering::Relaxed);
        }
    }

    /// Takes over what a segment counted by itself, so that it need not share a cache line for every delivery.
    pub(crate) fn tally(&self, tally: &mut Tally) {
        let Tally { delivered, runs, lagged } = std::mem::take(tally);
        for (counter, count) in [(&self.delivered, delivered), (&self.runs, runs), (&self.lagged, lagged)] {
            if count > 0 {
                counter.fetch_add(count, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn stats(&self, topics: usize, subscribers: usize, published: u64) -> Stats {
        Stats {
            topics,
            subscribers,
            published,
            retained_bytes: self.retained_bytes.load(Ordering::Relaxed),
            delivered: self.delivered.load(Ordering::Relaxed),
            runs: self.runs.load(Ordering::Relaxed),
            lagged: self.lagged.load(Ordering::Relaxed),
        }
    }
}
