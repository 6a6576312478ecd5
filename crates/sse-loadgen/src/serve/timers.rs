//! What is due later, and to whom.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::Instant;

use super::frame::Frame;

/// What is done when it is due.
#[derive(Clone, Debug)]
pub(super) enum Due {
    /// The next step of a finite stream.
    Token,
    /// An event that was delayed.
    Event { id: u64, frame: Frame },
}

#[derive(Debug)]
pub(super) struct Timer {
    at: Instant,
    number: u64,
    pub(super) key: usize,
    pub(super) serial: u64,
    pub(super) due: Due,
}

/// Ordered by time, and what is due at the same time by when it was added. Adding and taking are logarithmic.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Timer>,
    added: u64,
}

impl Timers {
    pub(super) fn add(&mut self, at: Instant, key: usize, serial: u64, due: Due) {
        self.added += 1;
        self.heap.push(Timer { at, number: self.added, key, serial, due });
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|timer| timer.at)
    }

    /// The first that is due by now.
    pub(super) fn take(&mut self, now: Instant) -> Option<Timer> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop()
    }

    /// All that is not due yet, in no order.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Timer> {
        self.heap.drain()
    }
}

/// The heap gives the greatest first, so the earliest is.
impl Ord for Timer {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Timer {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Timer {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_earliest_comes_first_and_equals_as_they_were_added() {
        let (mut timers, start) = (Timers::default(), Instant::now());
        for (key, millis) in [(0, 30), (1, 10), (2, 20), (3, 10), (4, 10)] {
            timers.add(start + Duration::from_millis(millis), key, 0, Due::Token);
        }
        let now = start + Duration::from_millis(25);
        let taken: Vec<_> = std::iter::from_fn(|| timers.take(now)).map(|timer| timer.key).collect();
        assert_eq!(taken, [1, 3, 4, 2]);
        assert_eq!(timers.next(), Some(start + Duration::from_millis(30)));
    }
}
