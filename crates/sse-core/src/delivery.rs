//! What a subscriber is given: runs of frames, and everything it has to be told that is no event.

use std::time::Duration;

use crate::id::EventId;
use crate::log::Run;
use crate::topic::TopicName;

/// One step in a subscription's life.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// Frames, in order, directly behind what was delivered before.
    Frames(Run),
    /// Frames that were published will not be delivered; the next ones follow.
    Lagged(Lagged),
    /// Nothing was delivered for the segment's heartbeat period.
    Heartbeat,
    /// Every topic of the subscription has ended, and all that was left has been delivered. Nothing follows.
    Ended,
    /// The broadcaster is closed, and all that was published before has been delivered. Nothing follows.
    Closed,
}

/// A gap in what a subscription was given: some of the events above `after` and below `before` were lost to it.
///
/// A subscription is told exactly once of each loss, before it is given anything later, of this topic or another. Who
/// resumes from within a gap is told again of that part of it which lies behind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lagged {
    /// The topic, if the loss is confined to one of several; none if it is the subscription's only one, or all.
    pub topic: Option<TopicName>,
    /// The last position before the gap; none if the subscriber could not tell.
    pub after: Option<EventId>,
    /// The gap ends before this id.
    pub before: EventId,
    /// How many events were lost, exactly; none if that can no longer be known.
    pub missed: Option<u64>,
    /// Why.
    pub reason: Reason,
}

impl Lagged {
    /// The position from which a subscriber goes on that has been told of this gap: behind it, or, if it is confined
    /// to one of several topics, before it, since the others may have more in there.
    #[must_use]
    pub fn resume(&self) -> EventId {
        if let (Some(_), Some(after)) = (&self.topic, self.after) {
            return after;
        }
        EventId { sequence: self.before.sequence.saturating_sub(1), ..self.before }
    }
}

/// Why events were lost to a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It resumed from a position behind which events are no longer retained.
    Expired,
    /// It resumed from a position of another epoch: the sequence has started over since.
    Restart,
    /// It was subscribed all the time, but took longer to come for the events than they are retained.
    Slow,
    /// It resumed from a position that is none.
    Unknown,
}

impl Reason {
    /// The reason in one word of lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Restart => "restart",
            Self::Slow => "slow",
            Self::Unknown => "unknown",
        }
    }
}

/// How far a subscription is behind: what was published in its topics, and neither delivered nor announced as lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lag {
    /// How many events that are, exactly, whether or not they are retained. Those of a loss that can not be counted
    /// (see [`Lagged::missed`]) are left out.
    pub events: u64,
    /// Whether some of them are lost to it, because they are no longer retained or because it may not be that far behind:
    /// it is told so next.
    pub lost: bool,
    /// How long ago the oldest of them that is retained was published. Zero if there is none, and where the clock
    /// says so.
    pub age: Duration,
}

/// Where a subscription begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Behind an event that was delivered before. If that event is of another epoch or in the future, the
    /// subscription is told of a gap and begins at [`Earliest`](Self::Earliest).
    After(EventId),
    /// At the oldest event that is retained.
    Earliest,
    /// Behind everything published so far.
    Now,
    /// The subscriber named a position that is none: it is told of a gap, and begins at
    /// [`Earliest`](Self::Earliest).
    Unknown,
}
