//! Who may open a stream now, and what the others are told.

use std::net::IpAddr;
use std::time::Duration;

use crate::config::OverLimit;
use crate::counters::Count;
use crate::per_address::Entered;
use crate::{Hub, Problem, ProblemKind};

/// A subscriber that can not be served now.
#[derive(Debug)]
pub(super) struct TurnedAway {
    why: Count,
    /// When to come back.
    pub(super) retry: Duration,
}

/// Lets a subscriber in, who then counts for its address as long as the result lives.
pub(super) fn admit(hub: &Hub, client: Option<IpAddr>) -> Result<Option<Entered>, TurnedAway> {
    if hub.is_draining() {
        return Err(TurnedAway { why: Count::RejectedDraining, retry: hub.retry() });
    }
    if hub.is_full() {
        return Err(TurnedAway { why: Count::RejectedStreams, retry: hub.full_retry() });
    }
    hub.per_address()
        .enter(client)
        .map_err(|_| TurnedAway { why: Count::RejectedAddress, retry: hub.full_retry() })
}

impl TurnedAway {
    /// There are as many topics as there may be, and it named another.
    pub(super) fn too_many_topics(hub: &Hub) -> Self {
        Self { why: Count::RejectedTopics, retry: hub.full_retry() }
    }

    /// Counts it. `Ok` if it is to be answered softly: a browser gives up for good on an error.
    pub(super) fn tell(self, hub: &Hub) -> Result<Self, Problem> {
        hub.counters().one(self.why);
        // Who drains does not say so: it will be gone, and whoever comes back finds another.
        let soft = hub.config().over_limit == OverLimit::Soft || self.why == Count::RejectedDraining;
        if soft { Ok(self) } else { Err(Problem::new(ProblemKind::Overloaded).with_retry_after(self.retry)) }
    }
}
