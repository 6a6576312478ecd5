//! Which events a run publishes, and when: known to everybody in advance, from a few numbers.
//!
//! The events of a run are numbered from 0, topics take turns, and each is planned for a fixed time. So whoever reads
//! needs nothing but this to know which events a client ought to have: those of its topic that were planned while it
//! was there.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::pacer::{Pacer, RateError};

/// The plan of a run's events. Times are those of [`clock`](crate::clock).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// What tells this run's events from those of another that the server may still have.
    pub run: u32,
    /// When the first event is planned.
    pub start: u64,
    /// How many topics take turns; at least 1.
    pub topics: u32,
    pacer: Pacer,
}

impl Schedule {
    /// So many events per second, over all topics.
    ///
    /// # Errors
    ///
    /// The rate is none.
    pub fn new(run: u32, start: u64, topics: u32, per_second: f64) -> Result<Self, RateError> {
        Ok(Self { run, start, topics: topics.max(1), pacer: Pacer::new(per_second)? })
    }

    /// When the nth event of the run is planned.
    #[must_use]
    pub fn planned(&self, n: u64) -> u64 {
        self.start + nanos(self.pacer.planned(n))
    }

    /// How many events of the run are planned before a time.
    #[must_use]
    pub fn count_before(&self, time: u64) -> u64 {
        self.pacer.count_before(Duration::from_nanos(time.saturating_sub(self.start)))
    }

    /// The topic of the nth event, and its number there.
    #[must_use]
    pub fn place(&self, n: u64) -> (u32, u64) {
        let topics = u64::from(self.topics);
        ((n % topics) as u32, n / topics)
    }

    /// Which event of the run has this place.
    #[must_use]
    pub fn number(&self, topic: u32, sequence: u64) -> u64 {
        sequence * u64::from(self.topics) + u64::from(topic)
    }

    /// How many events of a topic are planned before a time: the sequence of the first that is not.
    #[must_use]
    pub fn sequence_at(&self, topic: u32, time: u64) -> u64 {
        self.of_topic(topic, self.count_before(time))
    }

    /// How many of the run's first `count` events are of this topic.
    #[must_use]
    pub fn of_topic(&self, topic: u32, count: u64) -> u64 {
        let topics = u64::from(self.topics);
        count / topics + u64::from(count % topics > u64::from(topic))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn topics_take_turns() {
        let schedule = Schedule::new(1, 100 * SECOND, 3, 2.0).unwrap();
        assert_eq!(schedule.planned(4), 102 * SECOND);
        for n in 0..20 {
            let (topic, sequence) = schedule.place(n);
            assert_eq!(schedule.number(topic, sequence), n);
            assert_eq!(schedule.sequence_at(topic, schedule.planned(n)), sequence);
            assert_eq!(schedule.sequence_at(topic, schedule.planned(n) + 1), sequence + 1);
        }
        assert_eq!(schedule.sequence_at(0, 0), 0);
    }

    #[test]
    fn every_event_is_of_one_topic() {
        let schedule = Schedule::new(1, 0, 7, 5.0).unwrap();
        for count in 0..40 {
            assert_eq!((0..7).map(|topic| schedule.of_topic(topic, count)).sum::<u64>(), count);
        }
    }
}
