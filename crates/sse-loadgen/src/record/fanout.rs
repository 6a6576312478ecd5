//! Events followed through all clients: when the first had it, when the last, and all in between.
//!
//! Every event is followed while there are few. Of many it is every second, every fourth, and so on, by the event's key;
//! so that all workers follow the same ones without a word, and memory stays bounded however long a run is.

use std::collections::HashMap;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use self::coded::Coded;

mod coded;

/// Followed at once, at most. A histogram takes a few KiB.
const MOST: usize = 1_000;

/// The events that are followed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fanout {
    /// Followed is what has a key that this divides. A power of two.
    stride: u64,
    events: Vec<Followed>,
    #[serde(skip)]
    by_key: HashMap<u64, usize>,
    /// Deliveries of one event come together.
    #[serde(skip)]
    latest: Option<(u64, usize)>,
}

/// An event on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Followed {
    /// Which: its number in the run, or a hash of its id.
    pub key: u64,
    /// When the first client had it.
    pub first: u64,
    /// When the last client had it.
    pub last: u64,
    /// How many clients ought to have it. None is known without a publisher.
    pub expected: u64,
    /// How long it took for each, in microseconds, to two digits; empty if nobody knows when it was published.
    times: Coded,
}

impl Fanout {
    /// Whether the event with this key is followed.
    #[must_use]
    pub fn follows(&self, key: u64) -> bool {
        key & (self.stride - 1) == 0
    }

    /// A client had it. `since_planned` in nanoseconds, if it is known when it was planned.
    pub fn delivered(&mut self, key: u64, at: u64, since_planned: Option<u64>) {
        if !self.follows(key) {
            return;
        }
        let event = match self.latest {
            Some((latest, index)) if latest == key => &mut self.events[index],
            _ => self.find(key, at),
        };
        event.first = event.first.min(at);
        event.last = event.last.max(at);
        if let Some(nanos) = since_planned {
            event.times.record(nanos / 1_000);
        }
    }

    /// So many clients more ought to have it.
    pub fn expected(&mut self, key: u64, clients: u64) {
        if self.follows(key) {
            self.find(key, u64::MAX).expected += clients;
        }
    }

    /// Which keys up to and without `end` are followed.
    pub fn keys(&self, start: u64, end: u64) -> impl Iterator<Item = u64> + use<> {
        (start.next_multiple_of(self.stride)..end).step_by(usize::try_from(self.stride).unwrap_or(usize::MAX))
    }

    /// Adds what another worker has seen.
    pub fn add(&mut self, other: Self) {
        // What has travelled has no index.
        self.index();
        while self.stride < other.stride {
            self.thin_out();
        }
        for theirs in other.events {
            if !self.follows(theirs.key) {
                continue;
            }
            let ours = self.find(theirs.key, theirs.first);
            ours.first = ours.first.min(theirs.first);
            ours.last = ours.last.max(theirs.last);
            ours.expected += theirs.expected;
            ours.times.add(&theirs.times);
        }
    }

    /// Those that were followed, and somebody had.
    pub fn events(&self) -> impl Iterator<Item = &Followed> {
        self.events.iter()
    }

    fn find(&mut self, key: u64, at: u64) -> &mut Followed {
        if let Some(&index) = self.by_key.get(&key) {
            self.latest = Some((key, index));
            return &mut self.events[index];
        }
        if self.events.len() == MOST {
            self.thin_out();
        }
        // It may be thinned out itself: then it is followed to no end, until the next time.
        let index = self.events.len();
        self.events.push(Followed { key, first: at, last: 0, expected: 0, times: Coded::default() });
        self.by_key.insert(key, index);
        self.latest = Some((key, index));
        &mut self.events[index]
    }

    fn thin_out(&mut self) {
        self.stride *= 2;
        let mask = self.stride - 1;
        self.events.retain(|event| event.key & mask == 0);
        self.index();
    }

    fn index(&mut self) {
        self.by_key = self.events.iter().enumerate().map(|(index, event)| (event.key, index)).collect();
        self.latest = None;
    }
}

impl Followed {
    /// How many clients had it, as far as it is known when it was planned.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.times.histogram().len()
    }

    /// From the first client to the last, in nanoseconds; none if nobody had it.
    #[must_use]
    pub fn spread(&self) -> Option<u64> {
        self.last.checked_sub(self.first)
    }

    /// Until a share (0 to 1) of the expected had it, in nanoseconds; none if so many never had.
    #[must_use]
    pub fn completed(&self, share: f64) -> Option<u64> {
        let received = self.received();
        let expected = self.expected.max(received);
        let rank = (share * expected as f64).ceil().max(1.0);
        if rank > received as f64 {
            return None;
        }
        let times: &Histogram<u32> = self.times.histogram();
        Some(times.value_at_quantile(rank / received as f64) * 1_000)
    }
}

impl Default for Fanout {
    fn default() -> Self {
        Self { stride: 1, events: Vec::new(), by_key: HashMap::new(), latest: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn completion_is_over_those_who_ought_to_have_it() {
        let mut fanout = Fanout::default();
        for client in 1..=99 {
            fanout.delivered(4, 1000 * MS + client * MS, Some(client * MS));
        }
        fanout.expected(4, 100);
        let event = fanout.events().next().unwrap();
        assert_eq!(event.spread(), Some(98 * MS));
        let half = event.completed(0.5).unwrap();
        assert!(half.abs_diff(50 * MS) <= MS, "{half}");
        assert!(event.completed(0.99).is_some());
        assert_eq!(event.completed(1.0), None);
    }

    #[test]
    fn workers_add_up_though_they_follow_more_or_less() {
        let (mut few, mut many) = (Fanout::default(), Fanout::default());
        (0..900).for_each(|key| few.delivered(key, key, Some(MS)));
        (0..5000).for_each(|key| many.delivered(key, key + 1, Some(MS)));
        assert!(many.events().count() <= MOST);
        let travelled = serde_json::to_string(&many).unwrap();
        few.add(serde_json::from_str(&travelled).unwrap());
        assert!(few.events().all(|event| event.key % 8 == 0));
        let both = few.events().filter(|event| event.received() == 2).count();
        assert_eq!(both, 900_usize.div_ceil(8));
    }

    #[test]
    fn the_spread_needs_no_publisher() {
        let mut fanout = Fanout::default();
        [50, 20, 90].into_iter().for_each(|at| fanout.delivered(0, at, None));
        assert_eq!(fanout.events().next().unwrap().spread(), Some(70));
    }
}
