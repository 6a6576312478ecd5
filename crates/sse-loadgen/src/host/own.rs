//! What a worker uses: the CPU time of its thread, how long that waited for a core, and the memory of its process.

use std::fs;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::clock;

/// Use since the thread was started, or, from [`Own::since`], over a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Own {
    /// When it was read, on [`clock`]; or how many nanoseconds it is about.
    pub at: u64,
    /// Nanoseconds that the calling thread ran.
    pub cpu_ns: u64,
    /// Nanoseconds that it could have run, but had no core. `None` from a kernel without schedule statistics.
    pub run_queue_ns: Option<u64>,
    /// Bytes of the process that are in memory, with the pages that it shares. Always those at the (later) reading.
    pub rss_bytes: Option<u64>,
    /// Those of them that are its own: heap and stacks, not code.
    pub anon_bytes: Option<u64>,
}

impl Own {
    /// The calling thread's, and its process's. Two small files are read, about 10 µs.
    #[must_use]
    pub fn here() -> Self {
        let (rss_bytes, anon_bytes) = read("/proc/self/statm").as_deref().and_then(memory).unzip();
        Self {
            at: clock::now(),
            // Not from the statistics: those lag by up to a tick of the scheduler while the thread runs.
            cpu_ns: thread_cpu_ns(),
            run_queue_ns: read("/proc/thread-self/schedstat").as_deref().and_then(run_queue_ns),
            rss_bytes,
            anon_bytes,
        }
    }

    /// What the same thread used between an earlier reading and this one.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let waited = |now: u64| Some(now.saturating_sub(earlier.run_queue_ns?));
        Self {
            at: self.at.saturating_sub(earlier.at),
            cpu_ns: self.cpu_ns.saturating_sub(earlier.cpu_ns),
            run_queue_ns: self.run_queue_ns.and_then(waited),
            ..*self
        }
    }
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

fn thread_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

/// Three numbers: time on a core, time waiting for one, and turns. A thread without a turn was never counted.
fn run_queue_ns(schedstat: &str) -> Option<u64> {
    let mut numbers = schedstat.split_whitespace().map(|number| number.parse::<u64>().ok());
    let (waited, turns) = (numbers.nth(1)??, numbers.next()??);
    (turns > 0).then_some(waited)
}

/// All, and what is not shared, from `size resident shared ...` in pages.
fn memory(statm: &str) -> Option<(u64, u64)> {
    let mut pages = statm.split_whitespace().map(|pages| pages.parse::<u64>().ok());
    let (resident, shared) = (pages.nth(1)??, pages.next()??);
    let page = procfs::page_size();
    Some((resident * page, resident.saturating_sub(shared) * page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_kernel_are_read() {
        assert_eq!(run_queue_ns("845316 47279 12\n"), Some(47_279));
        assert_eq!(run_queue_ns("0 0 0\n"), None);
        assert_eq!(run_queue_ns(""), None);
        let page = procfs::page_size();
        assert_eq!(memory("1000 300 100 1 0 200 0\n"), Some((300 * page, 200 * page)));
        assert_eq!(memory("1000"), None);
    }

    #[test]
    fn work_is_seen_as_cpu_time() {
        let before = Own::here();
        while thread_cpu_ns() < before.cpu_ns + 3_000_000 {
            std::hint::spin_loop();
        }
        let after = Own::here();
        let used = after.since(&before);
        assert!(used.cpu_ns >= 3_000_000);
        assert!(used.at >= used.cpu_ns, "{used:?}");
        assert_eq!(used.rss_bytes, after.rss_bytes);
        assert!(after.rss_bytes >= after.anon_bytes && after.anon_bytes > Some(0));
    }
}
