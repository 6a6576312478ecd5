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
    pub(super) feed: usize,
    /// Where the feed lists it.
    pub(super) place: usize,
    /// How many frames of the topic lie at or below the cursor; none if that is not known, which it is again after the
    /// gap that follows from it.
    pub(super) seen: Option<u64>,
    /// How many frames the topic had ever had when it came: up to there it was never too slow.
    pub(super) came: u64,
    /// What the topic lost up to here has been announced, which for one of several topics may be ahead of the cursor.
    pub(super) announced: u64,
    /// Some of what it came for was gone when it came, which it has not yet been told.
    pub(super) returning: bool,
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
