//! Heartbeats of all subscribers of a segment: one wheel of ticks, no timer per connection.
//!
//! Data does not touch the wheel. When a subscriber's tick comes, the caller looks when it was last given something,
//! and puts it back for later if that was recent. Subscribers that are gone are found out at their tick, too.

use std::mem;
use std::time::Duration;

/// How many ticks the heartbeat period has. A heartbeat is at most one tick early or late.
pub(super) const TICKS: u64 = 64;

/// One tick more than a period, so that "a period from now" is not "now".
const SLOTS: u64 = TICKS + 1;

/// A subscriber in the wheel: its key, and the generation that tells it from a later one under the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: u32,
    pub(super) generation: u32,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Wheel {
    slots: Box<[Vec<Entry>]>,
    tick: Duration,
    now: u64,
    entries: usize,
}

impl Wheel {
    /// A wheel that goes round once in about `period`, which is at least 64 ns.
    pub(super) fn new(period: Duration) -> Self {
        let tick = (period / TICKS as u32).max(Duration::from_nanos(1));
        Self { slots: (0..SLOTS).map(|_| Vec::new()).collect(), tick, now: 0, entries: 0 }
    }

    /// The current tick.
    pub(super) fn now(&self) -> u64 {
        self.now
    }

    /// Puts a subscriber in for a tick, which is above the current one by [`TICKS`] at most.
    pub(super) fn insert(&mut self, entry: Entry, due: u64) {
        debug_assert!(due > self.now && due <= self.now + TICKS);
        self.slots[(due % SLOTS) as usize].push(entry);
        self.entries += 1;
    }

    /// Turns the wheel to a time since its beginning, and takes out whoever is due. After a long pause (the machine
    /// slept) everybody is due once, not once for every period.
    pub(super) fn advance(&mut self, elapsed: Duration, due: &mut Vec<Entry>) {
        let target = (elapsed.as_nanos() / self.tick.as_nanos()) as u64;
        let passed = target.saturating_sub(self.now).min(SLOTS);
        for tick in target - passed + 1..=target {
            // With its memory, or every slot would keep what it needed at its fullest.
            due.extend(mem::take(&mut self.slots[(tick % SLOTS) as usize]));
        }
        self.now = self.now.max(target);
        self.entries -= due.len();
    }

    /// When the next tick comes, since the wheel's beginning; none when there is nobody in it.
    pub(super) fn next(&self) -> Option<Duration> {
        (self.entries > 0)
            .then(|| Duration::from_nanos((self.tick.as_nanos() as u64).saturating_mul(self.now + 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(10);

    fn wheel() -> Wheel {
        Wheel::new(TICK * TICKS as u32)
    }

    fn entry(key: u32) -> Entry {
        Entry { key, generation: 0 }
    }

    fn advance(wheel: &mut Wheel, elapsed: Duration) -> Vec<u32> {
        let mut due = Vec::new();
        wheel.advance(elapsed, &mut due);
        due.into_iter().map(|entry| entry.key).collect()
    }

    #[test]
    fn each_is_due_at_its_tick() {
        let mut wheel = wheel();
        wheel.insert(entry(1), 1);
        wheel.insert(entry(64), 64);
        assert_eq!(wheel.next(), Some(TICK));
        assert_eq!(advance(&mut wheel, TICK - Duration::from_nanos(1)), []);
        assert_eq!(advance(&mut wheel, TICK), [1]);
        assert_eq!(advance(&mut wheel, TICK * 63), []);
        assert_eq!(advance(&mut wheel, TICK * 64), [64]);
        assert_eq!(wheel.next(), None);
    }

    #[test]
    fn after_a_long_pause_everybody_is_due_once() {
        let mut wheel = wheel();
        (1..=64).for_each(|key| wheel.insert(entry(key), key.into()));
        let mut due = advance(&mut wheel, TICK * 1_000_000);
        due.sort_unstable();
        assert_eq!(due, (1..=64).collect::<Vec<_>>());
        assert_eq!(wheel.now(), 1_000_000);
        wheel.insert(entry(7), wheel.now() + TICKS);
        assert_eq!(advance(&mut wheel, TICK * 1_000_063), []);
        assert_eq!(advance(&mut wheel, TICK * 1_000_064), [7]);
    }

    #[test]
    fn a_clock_that_stands_still_or_steps_back_changes_nothing() {
        let mut wheel = wheel();
        advance(&mut wheel, TICK * 5);
        wheel.insert(entry(1), 6);
        assert_eq!(advance(&mut wheel, TICK * 2), []);
        assert_eq!(wheel.now(), 5);
        assert_eq!(advance(&mut wheel, TICK * 6), [1]);
    }
}
