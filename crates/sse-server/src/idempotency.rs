//! `Idempotency-Key`: a publish that is sent again because its answer was lost is not published again.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use sse_core::{Event, EventId, TopicName};

use crate::{Problem, ProblemKind};

/// The longest key, in bytes.
pub(crate) const MAX_KEY: usize = 255;

/// How many keys are remembered at most. At up to a kilobyte each, 128 MiB; with keys of 36 bytes, a quarter of that.
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
        Self::with_capacity(window, CAPACITY)
    }

    fn with_capacity(window: Duration, capacity: u64) -> Self {
        // The newest keys are those that are retried. The usual policy would keep what was asked for most often, and
        // turn a newcomer away from a full cache.
        let lru = EvictionPolicy::lru();
        let published =
            Cache::builder().max_capacity(capacity).time_to_live(window).eviction_policy(lru).build();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_keys_are_remembered_however_many_came_before() {
        let idempotency = Idempotency::with_capacity(Duration::from_secs(60), 1000);
        let topic = "t".parse().unwrap();
        let mut published = 0;
        let mut publish = |n: u32| {
            let answer = idempotency.publish_once(&topic, &n.to_be_bytes(), &Event::message("x"), || {
                published += 1;
                Ok(EventId { epoch: "k3v9x0ab".parse().unwrap(), sequence: published })
            });
            answer.unwrap().sequence
        };
        let first: Vec<_> = (0..10_000).map(&mut publish).collect();
        idempotency.published.run_pending_tasks();
        let again: Vec<_> = (9_900..10_000).map(&mut publish).collect();
        assert_eq!(again, first[9_900..]);
    }
}
