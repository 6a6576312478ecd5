//! A subscriber's place: a position in its topics, and where its deliveries go. It owns no queue.

use std::num::NonZeroU64;
use std::task::Waker;

use smallvec::SmallVec;

use crate::delivery::Lagged;

/// See the module.
#[derive(Debug)]
pub(crate) struct Subscriber<S> {
    /// Everything at or below this has been delivered or announced as missed.
    pub(super) cursor: u64,
    pub(super) members: SmallVec<[Member; 1]>,
    pub(super) outlet: Outlet<S>,
    /// A gap that was known when it subscribed and is to be announced first.
    pub(super) notice: Option<Box<Lagged>>,
    /// Tells it from another that had or will have its key.
    pub(super) generation: u32,
    /// The wheel's tick at which a heartbeat is due, if nothing is given to it before.
    pub(super) heartbeat_at: u64,
    pub(super) heartbeat_due: bool,
    /// The broadcaster is closed, and it may be told so.
    pub(super) released: bool,
    /// It has been told that nothing follows.
    pub(super) finished: bool,
    /// It is in line to be looked at by itself.
    pub(super) queued: bool,
}

/// A subscriber's membership of one feed.
#[derive(Debug)]
pub(super) struct Member {
    feed: u32,
    place: u32,
    /// One more than [`seen`](Self::seen).
    seen_and_one: Option<NonZeroU64>,
    /// How many frames the topic had ever had when it came: up to there it was never too slow.
    pub(super) came: u64,
    /// What the topic lost up to here has been announced, which for one of several topics may be ahead of the cursor.
    pub(super) announced: u64,
    /// Some of what it came for was gone when it came, which it has not yet been told.
    pub(super) returning: bool,
}

impl Member {
    /// One that comes to a feed when its topic has ever had so many frames, and that has seen so many of them.
    pub(super) fn new(feed: usize, seen: Option<u64>, came: u64, returning: bool) -> Self {
        let mut member =
            Self { feed: index(feed), place: 0, seen_and_one: None, came, announced: 0, returning };
        member.see(seen);
        member
    }

    pub(super) fn feed(&self) -> usize {
        self.feed as usize
    }

    /// Where the feed lists it.
    pub(super) fn place(&self) -> usize {
        self.place as usize
    }

    pub(super) fn put(&mut self, place: usize) {
        self.place = index(place);
    }

    /// How many frames of the topic lie at or below the cursor; none if that is not known, which it is again after the
    /// gap that follows from it.
    pub(super) fn seen(&self) -> Option<u64> {
        self.seen_and_one.map(|seen| seen.get() - 1)
    }

    pub(super) fn see(&mut self, seen: Option<u64>) {
        self.seen_and_one = seen.and_then(|seen| NonZeroU64::MIN.checked_add(seen));
    }
}

/// A place in a list, in half the room, for what there is of each subscriber.
pub(super) fn index(place: usize) -> u32 {
    u32::try_from(place).expect("a segment has fewer than 2³² of anything")
}

/// Where the deliveries go.
#[derive(Debug)]
pub(crate) enum Outlet<S> {
    /// To a task that polls. With a waker, it waits; without, it has been woken or is running.
    Task(Option<Waker>),
    /// To a sink that the segment owns.
    Sink(S),
    /// To a sink that is blocked.
    Blocked(S),
    /// To a sink that is being called right now.
    Busy,
}
