//! What processes have used: CPU time, from the kernel's books.

use std::fs;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Of the kernel's clock that `/proc` counts by: 100 a second, wherever Linux runs.
const TICK: Duration = Duration::from_millis(10);
/// Often enough to find a plateau of a second, rare enough to take no time from anybody.
const EVERY: Duration = Duration::from_millis(100);

/// CPU time, user and system, that these processes and their threads have used so far.
pub(super) fn cpu(pids: &[u32]) -> Result<Duration> {
    let used = pids.iter().map(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("the server has ended")?;
        ticks(&stat).context("no times in /proc/PID/stat")
    });
    Ok(TICK * used.sum::<Result<u32>>()?)
}

/// `PID (NAME) STATE …`: the 14th field is the user's, the 15th the system's. The name may hold anything.
fn ticks(stat: &str) -> Option<u32> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    let mut fields = behind_name.split_whitespace().skip(11);
    let (user, system): (u32, u32) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

/// CPU time over time, for as long as `meanwhile` takes.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// Since the beginning, and used since then.
    samples: Vec<(Duration, Duration)>,
}

impl Course {
    pub(super) fn during<T>(pids: &[u32], meanwhile: impl FnOnce() -> T) -> (T, Self) {
        let (over, ended) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let watching = scope.spawn(move || Self::until(pids, &ended));
            let done = meanwhile();
            drop(over);
            (done, watching.join().unwrap_or_default())
        })
    }

    fn until(pids: &[u32], ended: &mpsc::Receiver<()>) -> Self {
        let (started, mut course) = (Instant::now(), Self::default());
        let Ok(before) = cpu(pids) else { return course };
        // Ends when the other end is dropped, or the server is gone.
        while let Ok(now) = cpu(pids) {
            course.samples.push((started.elapsed(), now.saturating_sub(before)));
            if ended.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
                break;
            }
        }
        course
    }

    /// What had been used at this time.
    pub(super) fn at(&self, time: Duration) -> Option<Duration> {
        self.samples.iter().find(|(at, _)| *at >= time).map(|(_, used)| *used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let stat = "7 (a ) b 1 2) S 1 7 7 0 -1 4194560 1 2 3 4 120 30 5 6 20 0";
        assert_eq!(ticks(stat), Some(150));
        assert_eq!(ticks("7 (x) S 1"), None);
    }

    #[test]
    fn who_has_gone_is_noticed() {
        assert!(cpu(&[std::process::id()]).is_ok());
        assert!(cpu(&[u32::MAX]).is_err());
    }

    #[test]
    fn the_course_has_what_was_used_at_a_time() {
        let millis = Duration::from_millis;
        let course = Course { samples: vec![(millis(0), millis(0)), (millis(100), millis(40))] };

        assert_eq!(course.at(millis(50)), Some(millis(40)));
        assert_eq!(course.at(millis(101)), None);
    }

    #[test]
    fn watching_ends_with_what_is_watched() {
        let (done, course) = Course::during(&[std::process::id()], || 7);
        assert_eq!((done, course.at(Duration::ZERO).is_some()), (7, true));
    }
}
