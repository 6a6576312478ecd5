//! Latencies in buckets, as Prometheus has them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds in microseconds. From what an idle loop takes to what nobody waits for, two or three to a decade: the
/// ratio of neighbours is what a quantile that is read from them may be wrong by.
const BOUNDS: [u64; 16] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 10_000_000,
];

/// What is counted in each bucket, the last of which has no bound.
#[derive(Debug, Default)]
pub(super) struct Latencies {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanoseconds: AtomicU64,
}

impl Latencies {
    /// Some nanoseconds; never blocks.
    pub(super) fn record(&self, time: Duration) {
        let microseconds = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|&bound| bound < microseconds);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub(super) fn add_to(&self, sum: &mut Latency) {
        for (total, bucket) in sum.buckets.iter_mut().zip(&self.buckets) {
            *total += bucket.load(Ordering::Relaxed);
        }
        sum.nanoseconds = sum.nanoseconds.wrapping_add(self.nanoseconds.load(Ordering::Relaxed));
    }
}

/// A reading.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latency {
    buckets: [u64; BOUNDS.len() + 1],
    nanoseconds: u64,
}

impl Latency {
    pub(crate) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    pub(crate) fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds)
    }

    /// For each bound, how many were at or below it.
    pub(crate) fn cumulative(&self) -> impl Iterator<Item = (Duration, u64)> {
        BOUNDS.iter().zip(&self.buckets).scan(0, |below, (&bound, &count)| {
            *below += count;
            Some((Duration::from_micros(bound), *below))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let latencies = Latencies::default();
        for microseconds in [0, 50, 51, 10_000_000, 10_000_001] {
            latencies.record(Duration::from_micros(microseconds));
        }
        let mut latency = Latency::default();
        latencies.add_to(&mut latency);
        let cumulative: Vec<_> = latency.cumulative().map(|(_, count)| count).collect();
        assert_eq!(cumulative[..2], [2, 3]);
        assert_eq!(*cumulative.last().unwrap(), 4, "what is beyond all bounds is in none");
        assert_eq!(latency.count(), 5);
        assert_eq!(latency.sum(), Duration::from_micros(20_000_102));
    }

    #[test]
    fn bounds_rise() {
        assert!(BOUNDS.is_sorted_by(|a, b| a < b));
    }
}
