//! Who may open a stream now, and what the others are told.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;

use crate::config::OverLimit;
use crate::counters::Count;
use crate::per_address::{Entered, TooMany};
use crate::{Hub, Problem, ProblemKind, client};

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

/// Lets a body in that is itself a stream of events, for as long as the result lives. It counts as one of the streams: it
/// may be silent for hours, and others have to get through to a server that has many of them.
pub(super) fn admit_ingest(hub: &Hub, request: &HttpRequest) -> Result<(Arc<()>, Option<Entered>), Problem> {
    let refuse = |why| {
        hub.counters().one(why);
        Problem::new(ProblemKind::Overloaded)
            .with_detail("there are as many streams as there may be")
            .with_retry_after(hub.full_retry())
    };
    if hub.is_full() {
        return Err(refuse(Count::RejectedStreams));
    }
    let client = client::address(request, &hub.config().trusted_proxies);
    let entered = hub.per_address().enter(client).map_err(|TooMany| refuse(Count::RejectedAddress))?;
    Ok((hub.begin_ingest(), entered))
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
