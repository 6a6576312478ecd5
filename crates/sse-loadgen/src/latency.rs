//! How long something took, as a distribution: an HDR histogram with the bounds and the unit of this project.
//!
//! Distributions of several workers, processes or seconds are added, never averaged: a mean of percentiles is no
//! percentile of anything.

use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use serde::{Deserialize, Serialize, de, ser};

/// Below this everything counts as this: clocks are not better.
const LOWEST: u64 = 1_000;
/// Above this everything counts as this, and is counted as saturated: two minutes, in nanoseconds.
const HIGHEST: u64 = 120_000_000_000;

/// Times in nanoseconds, from 1 µs to two minutes, to three digits. About 150 KiB.
#[derive(Clone, Debug)]
pub struct Latency {
    histogram: Histogram<u64>,
    saturated: u64,
}

impl Latency {
    /// Nothing recorded.
    #[must_use]
    pub fn new() -> Self {
        let histogram = Histogram::new_with_bounds(LOWEST, HIGHEST, 3).expect("the bounds are valid");
        Self { histogram, saturated: 0 }
    }

    /// Records a time. Constant, without allocation.
    pub fn record(&mut self, time: Duration) {
        self.record_nanos(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Records a time in nanoseconds.
    pub fn record_nanos(&mut self, nanos: u64) {
        self.record_nanos_n(nanos, 1);
    }

    /// Records a time in nanoseconds that so many took. As cheap as one.
    pub fn record_nanos_n(&mut self, nanos: u64, count: u64) {
        self.saturated += if nanos > HIGHEST { count } else { 0 };
        self.histogram.saturating_record_n(nanos, count);
    }

    /// Adds what another has recorded.
    pub fn add(&mut self, other: &Self) {
        self.histogram.add(&other.histogram).expect("all have the same bounds");
        self.saturated += other.saturated;
    }

    /// How many times were recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// How many of them were above the highest that is told apart.
    #[must_use]
    pub fn saturated(&self) -> u64 {
        self.saturated
    }

    /// The time that so many percent of all recorded were not above; none if nothing was recorded.
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Option<Duration> {
        (self.count() > 0).then(|| Duration::from_nanos(self.histogram.value_at_percentile(percent)))
    }

    /// The time that so many percent of all *expected* did not exceed, those that never came being later than any: none
    /// says that one of these percent never came. Without this, loss would make a server look fast.
    #[must_use]
    pub fn percentile_of(&self, percent: f64, expected: u64) -> Option<Duration> {
        let expected = expected.max(self.count());
        let rank = (percent / 100.0 * expected as f64).ceil().max(1.0);
        if rank > self.count() as f64 {
            return None;
        }
        self.percentile(rank / self.count() as f64 * 100.0)
    }

    /// The longest.
    #[must_use]
    pub fn max(&self) -> Option<Duration> {
        (self.count() > 0).then(|| Duration::from_nanos(self.histogram.max()))
    }

    /// The histogram itself, in nanoseconds.
    #[must_use]
    pub fn histogram(&self) -> &Histogram<u64> {
        &self.histogram
    }
}

/// As text: how many were too long, and the histogram in the V2 format, deflated, in base64, which other tools read too.
impl Serialize for Latency {
    fn serialize<S: ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&self.histogram, &mut bytes).map_err(ser::Error::custom)?;
        (self.saturated, BASE64_STANDARD.encode(bytes)).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Latency {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (saturated, text) = <(u64, String)>::deserialize(deserializer)?;
        let bytes = BASE64_STANDARD.decode(text).map_err(de::Error::custom)?;
        let read: Histogram<u64> =
            Deserializer::new().deserialize(&mut bytes.as_slice()).map_err(de::Error::custom)?;
        // Adding brings it to our bounds, whatever the sender's were.
        let mut latency = Self::new();
        latency.histogram.add(&read).map_err(de::Error::custom)?;
        latency.saturated = saturated;
        Ok(latency)
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(millis: impl IntoIterator<Item = u64>) -> Latency {
        let mut latency = Latency::new();
        millis.into_iter().for_each(|millis| latency.record(Duration::from_millis(millis)));
        latency
    }

    fn close(value: Option<Duration>, millis: u64) {
        let value = value.expect("something was recorded");
        let expected = Duration::from_millis(millis);
        assert!(value.abs_diff(expected) <= expected / 500, "{value:?} is not {expected:?}");
    }

    #[test]
    fn percentiles_are_those_of_all_added() {
        let mut all = of(1..=500);
        all.add(&of(501..=1000));
        close(all.percentile(50.0), 500);
        close(all.percentile(99.0), 990);
        close(all.max(), 1000);
        assert_eq!(all.count(), 1000);
        assert_eq!(Latency::new().percentile(50.0), None);
    }

    #[test]
    fn what_never_came_is_later_than_any() {
        let latency = of(1..=90);
        close(latency.percentile_of(50.0, 100), 50);
        close(latency.percentile_of(90.0, 100), 90);
        assert_eq!(latency.percentile_of(90.1, 100), None);
        assert_eq!(latency.percentile_of(99.0, 100), None);
    }

    #[test]
    fn it_travels_without_loss() {
        let all = of(1..=500);
        let copy: Latency = serde_json::from_str(&serde_json::to_string(&all).unwrap()).unwrap();
        assert_eq!(copy.histogram(), all.histogram());
        assert!(serde_json::from_str::<Latency>("[0,\"AAAA\"]").is_err());
    }

    #[test]
    fn what_is_too_long_is_counted() {
        let latency = of([200_000]);
        assert_eq!(latency.saturated(), 1);
        assert!(latency.max().unwrap() >= Duration::from_secs(119));
    }
}
