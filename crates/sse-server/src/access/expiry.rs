//! When that which a token has opened ends.
//!
//! Told by the clock on the wall once, when the token is judged, and from then on by one that only goes forward:
//! setting the clock neither cuts every stream nor keeps one open.

use std::time::{Duration, SystemTime};

use tokio::time::{Instant, Sleep, sleep_until};

/// Longer than a stream lives, and short enough for every clock to add it.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The part of the time left by which a stream may end early.
const JITTER: f64 = 0.05;

/// A time to end, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expiry(Option<Instant>);

impl Expiry {
    /// No end.
    pub(crate) fn never() -> Self {
        Self(None)
    }

    pub(super) fn at(time: SystemTime) -> Self {
        let left = time.duration_since(SystemTime::now()).unwrap_or_default();
        Self(Some(Instant::now() + left.min(FOREVER)))
    }

    /// Up to a twentieth of the time left earlier, at random: streams that were opened with one token, or with tokens
    /// that were made together, would otherwise all come back in the same moment. Never later: that is what it is for.
    pub(super) fn jittered(self) -> Self {
        let Some(end) = self.0 else { return self };
        let left = end.saturating_duration_since(Instant::now());
        Self(Some(end - left.mul_f64(JITTER * fastrand::f64())))
    }

    /// Ready when the time has come; `None` if it never does.
    pub(crate) fn timer(self) -> Option<Sleep> {
        self.0.map(sleep_until)
    }

    /// How long it is until then; `None` if it never comes.
    pub(crate) fn left(self) -> Option<Duration> {
        self.0.map(|end| end.saturating_duration_since(Instant::now()))
    }

    /// Waits for the time. Cancel safe.
    pub(crate) async fn passed(self) {
        match self.timer() {
            Some(timer) => timer.await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_an_hour() -> SystemTime {
        SystemTime::now() + Duration::from_secs(3600)
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_within_the_last_twentieth_of_its_time() {
        let began = Instant::now();
        let ends: Vec<_> =
            (0..1000).map(|_| Expiry::at(in_an_hour()).jittered().0.unwrap() - began).collect();
        let (first, last) = (ends.iter().min().unwrap(), ends.iter().max().unwrap());
        assert!(
            *first >= Duration::from_secs(3419) && *last <= Duration::from_secs(3600),
            "{first:?} {last:?}"
        );
        assert!(*last - *first > Duration::from_secs(90), "they are spread: {first:?} {last:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_comes_when_it_is_told() {
        let began = Instant::now();
        Expiry::at(in_an_hour()).passed().await;
        let took = began.elapsed();
        assert!((3599..=3601).contains(&took.as_secs()), "{took:?}");
        Expiry::at(SystemTime::UNIX_EPOCH).passed().await;
        assert_eq!(began.elapsed(), took, "what is past needs no waiting");
        let never = tokio::time::timeout(10 * FOREVER, Expiry::never().passed()).await;
        assert!(never.is_err());
    }

    #[test]
    fn a_time_that_no_clock_reaches_is_no_mistake() {
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(i64::MAX as u64);
        assert!(Expiry::at(end).jittered().0.is_some());
    }
}
