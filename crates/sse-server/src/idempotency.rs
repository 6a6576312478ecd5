//! `Idempotency-Key`: a publish that is sent again because its answer was lost is not published again.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use sse_core::{Event, EventId, TopicName};

use crate::{Problem, ProblemKind};

/// The longest key, in bytes.
pub(crate) const MAX_KEY: usize = 255;

/// How many keys are remembered at most: at some 200 bytes each, 25 MiB.
const CAPACITY: u64 = 128 * 1024;

type Key = (TopicName, Box<[u8]>);

/// What was published under a key.
#[derive(Clone, Copy, Debug)]
struct Published {
    fingerprint: u64,
    id: EventId,
}

/// The keys of the last while, on all workers.
#[derive(Debug)]
pub(crate) struct Idempotency {
    published: Cache<Key, Published>,
    hasher: RandomState,
}

impl Idempotency {
    pub(crate) fn new(window: Duration) -> Self {
        let published = Cache::builder().max_capacity(CAPACITY).time_to_live(window).build();
        Self { published, hasher: RandomState::new() }
    }

    /// Publishes unless that was done under this key already, then answers the id that it got. Of several at the same
    /// time one publishes, and the others wait for it.
    pub(crate) fn publish_once(
        &self,
        topic: &TopicName,
        key: &[u8],
        event: &Event<'_>,
        publish: impl FnOnce() -> Result<EventId, Problem>,
    ) -> Result<EventId, Problem> {
        let fingerprint = self.hasher.hash_one((event.name(), event.data()));
        let known = self
            .published
            .try_get_with((topic.clone(), key.into()), || publish().map(|id| Published { fingerprint, id }))
            .map_err(|problem: Arc<Problem>| Problem::clone(&problem))?;
        if known.fingerprint != fingerprint {
            return Err(Problem::new(ProblemKind::IdempotencyMismatch)
                .with_detail("an Idempotency-Key belongs to one event; a new event needs a new key"));
        }
        Ok(known.id)
    }
}
