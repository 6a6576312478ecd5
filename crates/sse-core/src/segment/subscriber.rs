//! A subscriber's place: a position in its topics, and where its deliveries go. It owns no queue.

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
    /// A loss in one of several topics was noticed when the cursor stood here, and waits for its place in the order.
    pub(super) lost_after: Option<u64>,
    /// Tells it from another that had or will have its key.
    pub(super) generation: u32,
    /// The wheel's tick when it was last given something.
    pub(super) active: u64,
    pub(super) stage: Stage,
    pub(super) heartbeat_due: bool,
}

/// A subscriber's membership of one feed.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) feed: usize,
    /// Where the feed lists it.
    pub(super) place: usize,
    /// How many frames of the topic lie at or below the cursor; none if that is not known, which it is again after the
    /// gap that follows from it.
    pub(super) seen: Option<u64>,
}

/// How far a subscriber has come in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Some of what it came for was gone when it came, and it is not yet past that.
    Returning,
    Live,
    /// It has been told that nothing follows.
    Finished,
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
