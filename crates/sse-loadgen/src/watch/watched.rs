//! One process under watch, and what was last seen of it.

use std::io::Read;

use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;
use procfs::ProcError;
use procfs::process::Process;

use super::{Ended, WatchError};

#[derive(Debug)]
pub(super) struct Watched {
    /// Holds its directory open: a later process with the same number is not mistaken for it.
    process: Process,
    /// What it had used when it was last seen.
    last: Usage,
    ended: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    pub(super) cpu_ns: u64,
    pub(super) user_ns: u64,
    pub(super) system_ns: u64,
    pub(super) rss_bytes: u64,
    pub(super) anon_bytes: u64,
    pub(super) peak_rss_bytes: u64,
    pub(super) descriptors: u64,
    pub(super) threads: u64,
}

impl Watched {
    pub(super) fn new(pid: i32) -> Result<Self, WatchError> {
        let process = Process::new(pid).map_err(|_| WatchError::NoProcess(pid))?;
        if !process.is_alive() {
            return Err(WatchError::NoProcess(pid));
        }
        match process.fd_count() {
            Ok(_) => Ok(Self { process, last: Usage::default(), ended: None }),
            Err(ProcError::PermissionDenied(_)) => Err(WatchError::Foreign { pid, uid: process.uid()? }),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn pid(&self) -> i32 {
        self.process.pid()
    }

    pub(super) fn ended(&self) -> Option<Ended> {
        self.ended.map(|at| Ended { pid: self.pid(), at })
    }

    /// What it uses now; once it has ended, only what it had used.
    pub(super) fn look(&mut self, now: u64) -> Usage {
        if self.ended.is_none() {
            match self.usage() {
                Some(usage) => {
                    self.last = usage;
                    return usage;
                }
                None => self.ended = Some(now),
            }
        }
        let Usage { cpu_ns, user_ns, system_ns, peak_rss_bytes, .. } = self.last;
        Usage { cpu_ns, user_ns, system_ns, peak_rss_bytes, ..Usage::default() }
    }

    /// None if it has ended, which a process may do between any two of these lines.
    fn usage(&self) -> Option<Usage> {
        let stat = self.process.stat().ok()?;
        let [user_ns, system_ns] = [stat.utime, stat.stime].map(of_ticks);
        let cpu_ns = self.cpu_ns().unwrap_or(user_ns + system_ns);
        let status = self.process.status().ok()?;
        let descriptors = self.process.fd_count().ok()?;
        // Asked last: a zombie still answers all of the above. It has no memory, and so no such line.
        let about = status.vmrss? * 1024;
        let (rss_bytes, anon_bytes) =
            self.memory().unwrap_or_else(|| (about, status.rssanon.map_or(about, |kib| kib * 1024)));
        // Where the kernel does not tell the most, the most that was seen.
        let peak_rss_bytes =
            status.vmhwm.map_or(0, |kib| kib * 1024).max(rss_bytes).max(self.last.peak_rss_bytes);
        Some(Usage {
            cpu_ns,
            user_ns,
            system_ns,
            rss_bytes,
            anon_bytes,
            peak_rss_bytes,
            descriptors: descriptors as u64,
            threads: status.threads,
        })
    }

    /// All memory and heap and stacks, in bytes, counted page by page. What `status` says is only about right: since Linux
    /// 6.2 each core keeps a count of its own, up to some hundred KiB, before it enters it. That is a tenth of what
    /// thousands of idle connections take.
    fn memory(&self) -> Option<(u64, u64)> {
        let mut rollup = String::new();
        self.process.open_relative("smaps_rollup").ok()?.read_to_string(&mut rollup).ok()?;
        memory(&rollup)
    }

    /// CPU time of all threads, those that have ended too; none in some sandboxes, which do not have that clock.
    ///
    /// The process's own CPU clock keeps the time of threads that ended, which a sum over `task/*/schedstat` loses, and
    /// is not cut to ticks of 10 ms as `utime` and `stime` are. One system call does it. As with either of these, what a
    /// thread has run since the scheduler last looked at it is not in it yet: a few milliseconds for each that runs.
    fn cpu_ns(&self) -> Option<u64> {
        let time = ClockId::pid_cpu_clock_id(Pid::from_raw(self.pid())).and_then(clock_gettime).ok()?;
        Some(time.tv_sec().cast_unsigned() * 1_000_000_000 + time.tv_nsec().cast_unsigned())
    }
}

fn of_ticks(ticks: u64) -> u64 {
    ticks * (1_000_000_000 / procfs::ticks_per_second().max(1))
}

/// `Rss:` and `Anonymous:` of a file whose lines are in KiB.
fn memory(rollup: &str) -> Option<(u64, u64)> {
    let bytes = |name| {
        let rest: &str = rollup.lines().find_map(|line| line.strip_prefix(name))?;
        rest.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
    };
    Some((bytes("Rss:")?, bytes("Anonymous:")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_by_the_names_of_its_lines() {
        let rollup = "55-7f ---p 0 00:00 0 [rollup]\nRss:   1760 kB\nPss_Anon: 1 kB\nAnonymous:  116 kB\n";
        assert_eq!(memory(rollup), Some((1760 << 10, 116 << 10)));
        assert_eq!(memory("Rss: 1 kB\n"), None);
    }

    #[test]
    fn what_is_counted_is_near_what_the_kernel_keeps() {
        let watched = Watched::new(std::process::id().cast_signed()).unwrap();
        let (rss, anon) = watched.memory().expect("a process may read its own");
        assert!(rss >= anon && anon > 0);
        let kept = watched.process.status().unwrap().vmrss.unwrap() * 1024;
        assert!(rss.abs_diff(kept) < 16 << 20, "{rss} {kept}");
    }
}
