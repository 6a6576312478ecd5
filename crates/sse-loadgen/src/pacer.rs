//! When to publish: a schedule that does not wait for anybody.
//!
//! The nth event is planned for a fixed time, whether or not those before it were sent in time or answered at all. Were
//! it sent only after an answer, a slow server would be asked less often exactly while it is slow, and look faster than it
//! is (coordinated omission).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A constant rate. Pure: it has no clock.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pacer {
    per_second: f64,
}

/// Why a rate is none.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
#[error("a rate is above 0 and at most 10,000,000 per second")]
pub struct RateError;

impl Pacer {
    /// So many events per second.
    ///
    /// # Errors
    ///
    /// Not above 0, or more than ten million.
    pub fn new(per_second: f64) -> Result<Self, RateError> {
        if per_second > 0.0 && per_second <= 10_000_000.0 { Ok(Self { per_second }) } else { Err(RateError) }
    }

    /// When the nth event (from 0) is planned, since the first.
    #[must_use]
    pub fn planned(&self, n: u64) -> Duration {
        // Whole seconds apart, so that a schedule of days is as exact as one of seconds.
        let seconds = (n as f64 / self.per_second).floor();
        let rest = n as f64 - seconds * self.per_second;
        Duration::from_secs(seconds as u64) + Duration::from_secs_f64(rest.max(0.0) / self.per_second)
    }

    /// How many events are planned before a time.
    #[must_use]
    pub fn count_before(&self, end: Duration) -> u64 {
        let mut n = (end.as_secs_f64() * self.per_second).ceil() as u64;
        // The product is not exact; the schedule itself decides.
        while n > 0 && self.planned(n - 1) >= end {
            n -= 1;
        }
        while self.planned(n) < end {
            n += 1;
        }
        n
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_is_a_table() {
        for (rate, n, planned) in [
            (5.0, 0, Duration::ZERO),
            (5.0, 1, Duration::from_millis(200)),
            (5.0, 17, Duration::from_millis(3400)),
            (0.5, 3, Duration::from_secs(6)),
            (1000.0, 86_400_000, Duration::from_secs(86_400)),
        ] {
            let off = Pacer::new(rate).unwrap().planned(n).abs_diff(planned);
            assert!(off < Duration::from_nanos(10), "{rate}/s, event {n}: off by {off:?}");
        }
    }

    #[test]
    fn the_count_is_that_of_the_schedule() {
        for rate in [0.1, 1.0, 3.0, 7.7, 1000.0, 333_333.3] {
            let pacer = Pacer::new(rate).unwrap();
            for end in [0, 1, 999, 1000, 1001, 30_000].map(Duration::from_millis) {
                let count = pacer.count_before(end);
                assert!(pacer.planned(count) >= end);
                assert!(count == 0 || pacer.planned(count - 1) < end);
            }
        }
    }

    #[test]
    fn an_impossible_rate_is_refused() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
            assert_eq!(Pacer::new(rate), Err(RateError));
        }
    }
}
