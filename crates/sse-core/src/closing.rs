//! When a broadcaster that closes lets go of its subscribers: all at once, or evenly over a window of time.

use std::time::{Duration, Instant};

/// Into how many waves a window is divided. Few enough that a segment with nothing else to do is seldom called, many
/// enough that each wave is small beside the whole.
pub(crate) const WAVES: u64 = 256;

/// From when to when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closing {
    from: Instant,
    until: Instant,
}

impl Closing {
    /// A window that begins now. One too long for the clock to count is cut to a day, longer than anybody waits.
    pub(crate) fn over(window: Duration, now: Instant) -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self { from: now, until: now.checked_add(window).unwrap_or(now + DAY) }
    }

    /// Whichever of the two ends first: an end that was named can only be brought forward.
    pub(crate) fn sooner(self, other: Self) -> Self {
        if other.until < self.until { other } else { self }
    }

    /// How many waves have come.
    pub(crate) fn waves(&self, now: Instant) -> u64 {
        if now >= self.until {
            return WAVES;
        }
        let (passed, window) = (now.saturating_duration_since(self.from), self.until - self.from);
        (passed.as_nanos() * u128::from(WAVES) / window.as_nanos()) as u64
    }

    /// When so many of them have come.
    pub(crate) fn at(&self, waves: u64) -> Instant {
        let window = (self.until - self.from).as_nanos();
        // Rounded up: what is to be reached by then must not be missing a nanosecond.
        let passed = (window * u128::from(waves.min(WAVES))).div_ceil(u128::from(WAVES));
        self.from + Duration::from_nanos(passed as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wave_comes_at_its_time_and_not_before() {
        let now = Instant::now();
        for window in [1, 255, 256, 257, 10_000_000_000, 86_400_000_000_007].map(Duration::from_nanos) {
            let closing = Closing::over(window, now);
            for wave in 1..=WAVES {
                let at = closing.at(wave);
                assert!(closing.waves(at) >= wave, "{window:?}");
                assert!(closing.waves(at - Duration::from_nanos(1)) < wave, "{window:?}");
            }
            assert_eq!(closing.at(WAVES), now + window);
        }
    }

    #[test]
    fn without_a_window_all_come_at_once() {
        let now = Instant::now();
        assert_eq!(Closing::over(Duration::ZERO, now).waves(now), WAVES);
        assert_eq!(Closing::over(Duration::MAX, now).waves(now), 0);
    }

    #[test]
    fn an_end_can_only_be_brought_forward() {
        let now = Instant::now();
        let [short, long] = [1, 2].map(|seconds| Closing::over(Duration::from_secs(seconds), now));
        assert_eq!((short.sooner(long), long.sooner(short)), (short, short));
    }
}
