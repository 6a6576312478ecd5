//! Where a segment delivers by itself, without a task that polls.

use super::state::State;
use crate::delivery::{Delivery, Lag};
use crate::id::EventId;

/// Somewhere that a segment writes to: a socket that it owns, a buffer in a test.
///
/// A subscription without a sink is polled by its task, which the segment wakes. One that was
/// [handed over](crate::Subscription::hand_over) has no task: the segment calls the sink when there is something for
/// it, on the segment's thread.
pub trait Sink: Sized + 'static {
    /// Takes what `deliveries` yields until that is exhausted or the sink can take no more.
    ///
    /// Called from within the segment, whose methods must not be called from here.
    fn deliver(&mut self, deliveries: &mut Deliveries<'_, Self>) -> Progress;
}

/// How a sink left [`Sink::deliver`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It can take no more: call it again after [`Segment::unblock`](crate::Segment::unblock), and only then. What was
    /// not taken stays in the log at no cost.
    Blocked,
    /// It is closed, broken or finished: drop it, and the subscription with it.
    Gone,
    /// It could take more, but lets others have their turn: call it again soon.
    More,
    /// It took everything: call it again when there is something new.
    Ready,
}

/// What a subscriber is owed, from its position on.
#[derive(Debug)]
pub struct Deliveries<'a, S> {
    pub(super) state: &'a mut State<S>,
    pub(super) key: usize,
}

impl<S> Deliveries<'_, S> {
    /// The next delivery; none if there is nothing more for now. What was returned counts as delivered: the sink must
    /// keep the part of a run that it could not write.
    #[allow(clippy::should_implement_trait, reason = "not an iterator: it may yield again after none")]
    pub fn next(&mut self) -> Option<Delivery> {
        self.state.pull(self.key)
    }

    /// How far the subscriber is behind, see [`Subscription::lag`](crate::Subscription::lag).
    #[must_use]
    pub fn lag(&self) -> Lag {
        self.state.lag(self.key)
    }

    /// Where the subscriber stands, see [`Subscription::position`](crate::Subscription::position).
    #[must_use]
    pub fn position(&self) -> EventId {
        self.state.position(self.key)
    }

    /// Who the subscriber is.
    #[must_use]
    pub fn key(&self) -> SubscriberKey {
        self.state.sink_key(self.key)
    }
}

/// The sink of segments that own none: it can not be made.
#[derive(Clone, Copy, Debug)]
pub enum NoSink {}

impl Sink for NoSink {
    fn deliver(&mut self, _: &mut Deliveries<'_, Self>) -> Progress {
        match *self {}
    }
}

/// A subscriber of a segment, whether or not it was handed over. Outlives it harmlessly: a key of one that is gone means
/// nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriberKey {
    pub(super) key: usize,
    pub(super) generation: u32,
}

impl SubscriberKey {
    /// As one number, for whoever takes nothing else, such as the token of an event queue. There are never more than
    /// 2³² subscribers in a segment.
    #[must_use]
    pub fn to_bits(self) -> u64 {
        (u64::from(self.generation) << 32) | self.key as u64
    }

    /// The key whose [`to_bits`](Self::to_bits) these are; of any others, a key of nobody.
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        Self { key: (bits & u64::from(u32::MAX)) as usize, generation: (bits >> 32) as u32 }
    }
}
