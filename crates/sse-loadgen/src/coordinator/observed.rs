//! What the workers say while a run lasts, put together: how things are now, and second by second.

use std::collections::BTreeMap;

use super::progress::Second;
use crate::latency::Latency;
use crate::record::Counts;
use crate::report::summary::Window;
use crate::worker::{TICK, orders::Tick};

/// Ticks of a window.
const WINDOW: u64 = 1_000_000_000 / TICK;

#[derive(Debug)]
pub(super) struct Observed {
    workers: Vec<Counts>,
    /// By number; those that not all workers have come to the end of.
    open: BTreeMap<u64, Open>,
    windows: Vec<Window>,
    /// Events and bytes up to the last window that is complete.
    before: (u64, u64),
    /// What counts is from here to there, in ns since the start.
    measured: Option<(u64, u64)>,
    /// Delivery before and after a time: `(time, before, after)`.
    halves: Option<(u64, Latency, Latency)>,
}

#[derive(Debug, Default)]
struct Open {
    delivery: Latency,
    /// How many workers have come to its end, and what they had counted then.
    ended: usize,
    counts: Counts,
}

impl Observed {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            workers: vec![Counts::default(); workers],
            open: BTreeMap::new(),
            windows: Vec::new(),
            before: (0, 0),
            measured: None,
            halves: None,
        }
    }

    /// From when to when it is measured, since the start, and a time in between that splits it.
    pub(super) fn measure(&mut self, from: u64, to: u64, split: u64) {
        self.measured = Some((from, to));
        self.halves = Some((split, Latency::new(), Latency::new()));
    }

    pub(super) fn ticked(&mut self, worker: usize, tick: &Tick) {
        self.workers[worker] = tick.counts;
        // A tick tells of the time before it; a late one of more than that, which counts where it ends.
        let number = tick.number.saturating_sub(1) / WINDOW;
        let workers = self.workers.len();
        let open = self.open.entry(number).or_default();
        if let Some(delivery) = &tick.delivery {
            open.delivery.add(delivery);
        }
        let ends = tick.number.is_multiple_of(WINDOW);
        if ends {
            open.ended += 1;
            open.counts.add(&tick.counts);
        }
        if ends && open.ended == workers {
            // Whoever was too late for an earlier one will not come to it any more.
            while let Some(entry) = self.open.first_entry().filter(|entry| *entry.key() <= number) {
                let (number, open) = entry.remove_entry();
                self.close(number, &open);
            }
        }
    }

    fn close(&mut self, number: u64, open: &Open) {
        let length = WINDOW * TICK;
        let end = (number + 1) * length;
        let (events, bytes) = match open.ended {
            0 => self.before,
            _ => (open.counts.events, open.counts.bytes),
        };
        let percentile = |percent| open.delivery.percentile(percent).map(|time| time.as_nanos() as u64);
        self.windows.push(Window {
            t_ns: end,
            length_ns: length,
            clients: if open.ended == 0 { self.counts().ready } else { open.counts.ready },
            events: events.saturating_sub(self.before.0),
            bytes: bytes.saturating_sub(self.before.1),
            p50: percentile(50.0),
            p99: percentile(99.0),
            max: percentile(100.0),
            // Those that are in it as a whole: a rate over a part of one would be that of the part.
            measured: self.measured.is_some_and(|(from, to)| end - length >= from && end <= to),
        });
        self.before = (events.max(self.before.0), bytes.max(self.before.1));
        if let Some((split, before, after)) = &mut self.halves {
            if end <= *split { before.add(&open.delivery) } else { after.add(&open.delivery) }
        }
    }

    /// What all workers have counted.
    pub(super) fn counts(&self) -> Counts {
        self.workers.iter().fold(Counts::default(), |mut sum, counts| {
            sum.add(counts);
            sum
        })
    }

    /// The last whole second.
    pub(super) fn second(&self) -> Second {
        self.windows.last().map_or_else(Second::default, |window| Second {
            events: window.events,
            bytes: window.bytes,
            p50: window.p50,
            p99: window.p99,
        })
    }

    /// All that was second by second, and delivery before and after the split.
    pub(super) fn finish(mut self) -> (Vec<Window>, Option<(Latency, Latency)>) {
        while let Some((number, open)) = self.open.pop_first() {
            self.close(number, &open);
        }
        (self.windows, self.halves.map(|(_, before, after)| (before, after)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(number: u64, events: u64, millis: u64) -> Tick {
        let mut delivery = Latency::new();
        delivery.record_nanos(millis * 1_000_000);
        Tick {
            number,
            counts: Counts { events, ready: 10, ..Counts::default() },
            delivery: Some(delivery),
            trouble: None,
        }
    }

    #[test]
    fn a_window_is_complete_when_all_have_come_to_its_end() {
        let mut observed = Observed::new(2);
        observed.measure(0, u64::MAX, 1_000_000_000);
        for number in 1..=5 {
            observed.ticked(0, &tick(number, number * 10, 1));
        }
        assert_eq!(observed.second().events, 0);
        for number in 1..=10 {
            observed.ticked(1, &tick(number, number * 10, 3));
        }
        assert_eq!((observed.second().events, observed.counts().events), (100, 150));
        let (windows, halves) = observed.finish();
        assert_eq!(windows.iter().map(|window| window.clients).collect::<Vec<_>>(), [20, 10]);
        let (before, after) = halves.unwrap();
        assert_eq!((before.count(), after.count()), (10, 5));
    }
}
