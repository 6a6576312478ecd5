//! What the server of a flood costs, seen from outside: CPU time, in its own code and in the kernel's, and memory.

use procfs::process::Process;
use serde::Serialize;

use crate::watch::{Watch, WatchError, WatchTarget};

/// See the module.
#[derive(Debug)]
pub(super) struct Server {
    processes: Vec<Process>,
}

/// What all its processes have used together, since they were started. Zero for one that is gone.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Used {
    /// In seconds, to 10 ms: so the kernel counts them.
    user_s: f64,
    system_s: f64,
    /// In bytes.
    pub(super) rss: u64,
    /// The most it ever was, in bytes.
    rss_peak: u64,
}

/// As it is reported.
#[derive(Debug, Serialize)]
pub(super) struct Cost {
    /// Over the measured part, to 10 ms.
    pub(super) cpu_user_s: f64,
    pub(super) cpu_system_s: f64,
    /// Before the first client, in bytes.
    pub(super) rss_before: u64,
    /// When all were connected.
    pub(super) rss_connected: u64,
    /// The most it was, since the server was started.
    pub(super) rss_peak: u64,
    /// None without deliveries.
    pub(super) cpu_us_per_delivery: Option<f64>,
}

impl Server {
    /// None if nothing is to be watched.
    pub(super) fn of(targets: &[WatchTarget]) -> Result<Option<Self>, WatchError> {
        if targets.is_empty() {
            return Ok(None);
        }
        let pids = Watch::new(targets)?.pids();
        let processes = pids.into_iter().map(|pid| Process::new(pid).map_err(|_| WatchError::NoProcess(pid)));
        Ok(Some(Self { processes: processes.collect::<Result<_, _>>()? }))
    }

    pub(super) fn used(&self) -> Used {
        let ticks = procfs::ticks_per_second().max(1) as f64;
        let mut used = Used::default();
        for process in &self.processes {
            if let Ok(stat) = process.stat() {
                used.user_s += stat.utime as f64 / ticks;
                used.system_s += stat.stime as f64 / ticks;
            }
            if let Ok(status) = process.status() {
                used.rss += status.vmrss.unwrap_or_default() * 1024;
                used.rss_peak += status.vmhwm.unwrap_or_default() * 1024;
            }
        }
        used
    }
}

impl Cost {
    /// From what was used before the first client, when all were connected, and from when to when it was measured.
    pub(super) fn of([before, connected, start, end]: [Used; 4], deliveries: u64) -> Self {
        let (cpu_user_s, cpu_system_s) = (end.user_s - start.user_s, end.system_s - start.system_s);
        let each = |seconds: f64| seconds * 1e6 / deliveries as f64;
        Self {
            cpu_user_s,
            cpu_system_s,
            rss_before: before.rss,
            rss_connected: connected.rss,
            rss_peak: end.rss_peak,
            cpu_us_per_delivery: (deliveries > 0).then(|| each(cpu_user_s + cpu_system_s)),
        }
    }
}
