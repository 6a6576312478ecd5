//! What a broadcaster has done so far, in numbers.

use crate::delivery::Reason;
use crate::log::Weight;
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
    /// Memory that all topics hold, in bytes: what [`Config::budget`](crate::Config::budget) bounds.
    pub held_bytes: u64,
    /// Events that were let go of since the start before their time, to stay within that.
    pub shed: u64,
    /// Frames delivered since the start: one event to a hundred subscribers is a hundred.
    pub delivered: u64,
    /// Runs in which they were delivered; `delivered / runs` is how many frames went out in one piece.
    pub runs: u64,
    /// Gaps announced since the start, for whatever reason.
    pub lagged: u64,
    /// The same by reason.
    pub gaps: Gaps,
}

/// How many gaps were announced for which [`Reason`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gaps {
    /// For [`Reason::Expired`].
    pub expired: u64,
    /// For [`Reason::Restart`].
    pub restart: u64,
    /// For [`Reason::Slow`].
    pub slow: u64,
    /// For [`Reason::Unknown`].
    pub unknown: u64,
}

impl Gaps {
    /// For whichever reason.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.expired + self.restart + self.slow + self.unknown
    }

    pub(crate) fn count(&mut self, reason: Reason) {
        let counter = match reason {
            Reason::Expired => &mut self.expired,
            Reason::Restart => &mut self.restart,
            Reason::Slow => &mut self.slow,
            Reason::Unknown => &mut self.unknown,
        };
        *counter += 1;
    }
}

/// The counters behind it. None orders anything: all but one are only ever read for show, and that one is compared with
/// a bound that the publishers of a moment may exceed by what each of them adds.
#[derive(Debug)]
pub(crate) struct Counters {
    retained_bytes: AtomicU64,
    held_bytes: AtomicU64,
    shed: AtomicU64,
    delivered: AtomicU64,
    runs: AtomicU64,
    expired: AtomicU64,
    restart: AtomicU64,
    slow: AtomicU64,
    unknown: AtomicU64,
}

/// What a segment has done since it last told.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) delivered: u64,
    pub(crate) runs: u64,
    pub(crate) gaps: Gaps,
}

impl Counters {
    pub(crate) fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            retained_bytes: zero(),
            held_bytes: zero(),
            shed: zero(),
            delivered: zero(),
            runs: zero(),
            expired: zero(),
            restart: zero(),
            slow: zero(),
            unknown: zero(),
        }
    }

    /// A topic has gone from one weight to another.
    pub(crate) fn weighed(&self, before: Weight, after: Weight) {
        // Memory is taken in blocks: of most publishes, only the first is news.
        for (counter, before, after) in
            [(&self.retained_bytes, before.bytes, after.bytes), (&self.held_bytes, before.held, after.held)]
        {
            if before != after {
                counter.fetch_add(after.wrapping_sub(before), Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn held(&self) -> u64 {
        self.held_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn shed(&self, events: u64) {
        if events > 0 {
            self.shed.fetch_add(events, Ordering::Relaxed);
        }
    }

    /// Takes over what a segment counted by itself, so that it need not share a cache line for every delivery.
    pub(crate) fn tally(&self, tally: &mut Tally) {
        let Tally { delivered, runs, gaps } = std::mem::take(tally);
        for (counter, count) in [
            (&self.delivered, delivered),
            (&self.runs, runs),
            (&self.expired, gaps.expired),
            (&self.restart, gaps.restart),
            (&self.slow, gaps.slow),
            (&self.unknown, gaps.unknown),
        ] {
            if count > 0 {
                counter.fetch_add(count, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn stats(&self, topics: usize, subscribers: usize, published: u64) -> Stats {
        let gaps = Gaps {
            expired: self.expired.load(Ordering::Relaxed),
            restart: self.restart.load(Ordering::Relaxed),
            slow: self.slow.load(Ordering::Relaxed),
            unknown: self.unknown.load(Ordering::Relaxed),
        };
        Stats {
            topics,
            subscribers,
            published,
            retained_bytes: self.retained_bytes.load(Ordering::Relaxed),
            held_bytes: self.held(),
            shed: self.shed.load(Ordering::Relaxed),
            delivered: self.delivered.load(Ordering::Relaxed),
            runs: self.runs.load(Ordering::Relaxed),
            lagged: gaps.total(),
            gaps,
        }
    }
}
