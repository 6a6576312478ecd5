//! What the workers say while a run lasts, put together: how things are now, and second by second.

use std::collections::BTreeMap;

use super::progress::Second;
use crate::latency::Latency;
use crate::record::Counts;
use crate::report::summary::Window;
use crate::worker::{WINDOW, orders::Tick};

#[derive(Debug)]
pub(super) struct Observed {
    workers: Vec<Counts>,
    /// How many windows are over for each worker, and what it had counted then.
    ended: Vec<(u64, Counts)>,
    /// Delivery in windows that are not over for all workers, by their number from 1.
    open: BTreeMap<u64, Latency>,
    windows: Vec<Window>,
    /// Events and bytes up to the last window that is over for all.
    before: (u64, u64),
    /// What counts is from here to there, in ns since the start.
    measured: Option<(u64, u64)>,
    /// Delivery before and after a time: `(time, before, after)`.
    halves: Option<(u64, Latency, Latency)>,
}

impl Observed {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            workers: vec![Counts::default(); workers],
            ended: vec![(0, Counts::default()); workers],
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
        let Some(ended) = tick.ended else { return };
        if let Some(delivery) = &tick.delivery {
            self.open.entry(ended).or_default().add(delivery);
        }
        self.ended[worker] = (ended, tick.counts);
        self.close();
    }

    /// Nothing more is heard of a worker.
    pub(super) fn lost(&mut self, worker: usize) {
        self.ended[worker].0 = u64::MAX;
        self.close();
    }

    /// Closes the windows that are over for all workers.
    fn close(&mut self) {
        let all = self.ended.iter().map(|ended| ended.0).min().filter(|&ended| ended < u64::MAX);
        while let Some(number) =
            all.filter(|&all| (self.windows.len() as u64) < all).map(|_| self.windows.len() as u64 + 1)
        {
            self.close_one(number);
        }
    }

    fn close_one(&mut self, number: u64) {
        let delivery = self.open.remove(&number).unwrap_or_default();
        let end = number * WINDOW;
        let counts = sum(self.ended.iter().map(|ended| &ended.1));
        let percentile = |percent| delivery.percentile(percent).map(|time| time.as_nanos() as u64);
        self.windows.push(Window {
            t_ns: end,
            length_ns: WINDOW,
            clients: counts.ready,
            events: counts.events.saturating_sub(self.before.0),
            bytes: counts.bytes.saturating_sub(self.before.1),
            p50: percentile(50.0),
            p99: percentile(99.0),
            max: percentile(100.0),
            // Those that are in it as a whole: a rate over a part of one would be that of the part.
            measured: self.measured.is_some_and(|(from, to)| end - WINDOW >= from && end <= to),
        });
        self.before = (counts.events, counts.bytes);
        if let Some((split, before, after)) = &mut self.halves {
            if end <= *split { before.add(&delivery) } else { after.add(&delivery) }
        }
    }

    /// What all workers have counted.
    pub(super) fn counts(&self) -> Counts {
        sum(self.workers.iter())
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
        while let Some(&number) = self.open.keys().next() {
            // Of what was late, nobody knows the window: it is in the next.
            let number = number.max(self.windows.len() as u64 + 1);
            let late = self.open.pop_first().map(|(_, late)| late).unwrap_or_default();
            self.open.entry(number).or_default().add(&late);
            self.close_one(number);
        }
        (self.windows, self.halves.map(|(_, before, after)| (before, after)))
    }
}

fn sum<'a>(counts: impl Iterator<Item = &'a Counts>) -> Counts {
    counts.fold(Counts::default(), |mut sum, counts| {
        sum.add(counts);
        sum
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(ended: Option<u64>, events: u64) -> Tick {
        let mut delivery = Latency::new();
        delivery.record_nanos(1_000_000);
        let counts = Counts { events, ready: 10, ..Counts::default() };
        Tick { ended, counts, delivery: ended.map(|_| delivery), trouble: None }
    }

    #[test]
    fn a_window_is_over_when_it_is_for_all() {
        let mut observed = Observed::new(2);
        observed.measure(0, u64::MAX, WINDOW);
        observed.ticked(0, &tick(Some(1), 50));
        assert_eq!(observed.second().events, 0);
        observed.ticked(1, &tick(None, 20));
        observed.ticked(1, &tick(Some(1), 50));
        assert_eq!((observed.second().events, observed.counts().events), (100, 100));
        // It was so busy that it passed over the end of a window.
        observed.ticked(1, &tick(Some(3), 90));
        observed.ticked(0, &tick(Some(2), 60));
        observed.ticked(0, &tick(Some(3), 70));
        let (windows, halves) = observed.finish();
        assert_eq!(windows.iter().map(|window| window.events).sum::<u64>(), 160);
        assert_eq!((windows.len(), windows[2].clients), (3, 20));
        let (before, after) = halves.unwrap();
        assert_eq!((before.count(), after.count()), (2, 3));
    }

    #[test]
    fn a_worker_that_is_lost_holds_up_nobody() {
        let mut observed = Observed::new(2);
        observed.lost(0);
        observed.ticked(1, &tick(Some(1), 50));
        assert_eq!(observed.second().events, 50);
    }
}
