//! One process under watch, and what was last seen of it.

use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;
use procfs::ProcError;
use procfs::process::Process;

use super::{Ended, WatchError};

#[derive(Debug)]
pub(super) struct Watched {
    /// Holds its directory open: a later process with the same number is not mistaken for it.
    process: Process,
    cpu_ns: u64,
    ended: Option<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Usage {
    pub(super) cpu_ns: u64,
    pub(super) rss_bytes: u64,
    pub(super) anon_bytes: u64,
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
            Ok(_) => Ok(Self { process, cpu_ns: 0, ended: None }),
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
                    self.cpu_ns = usage.cpu_ns;
                    return usage;
                }
                None => self.ended = Some(now),
            }
        }
        Usage { cpu_ns: self.cpu_ns, ..Usage::default() }
    }

    /// None if it has ended, which a process may do between any two of these lines.
    fn usage(&self) -> Option<Usage> {
        let cpu_ns = self.cpu_ns()?;
        let status = self.process.status().ok()?;
        let descriptors = self.process.fd_count().ok()?;
        // Asked last: a zombie still answers all of the above. It has no memory, and so no such line.
        let rss_bytes = status.vmrss? * 1024;
        let anon_bytes = status.rssanon.map_or(rss_bytes, |kib| kib * 1024);
        Some(Usage {
            cpu_ns,
            rss_bytes,
            anon_bytes,
            descriptors: descriptors as u64,
            threads: status.threads,
        })
    }

    /// CPU time of all threads, those that have ended too.
    ///
    /// The process's own CPU clock keeps the time of threads that ended, which a sum over `task/*/schedstat` loses, and
    /// is not cut to ticks of 10 ms as `utime` and `stime` are. One system call does it. As with either of these, what a
    /// thread has run since the scheduler last looked at it is not in it yet: a few milliseconds for each that runs.
    fn cpu_ns(&self) -> Option<u64> {
        let clock = ClockId::pid_cpu_clock_id(Pid::from_raw(self.pid())).and_then(clock_gettime);
        if let Ok(time) = clock {
            return Some(time.tv_sec().cast_unsigned() * 1_000_000_000 + time.tv_nsec().cast_unsigned());
        }
        // Some sandboxes do not have that clock.
        let stat = self.process.stat().ok()?;
        Some((stat.utime + stat.stime) * (1_000_000_000 / procfs::ticks_per_second().max(1)))
    }
}
