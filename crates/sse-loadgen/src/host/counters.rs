//! What the whole machine counts that tells whether a run measured the server, or a machine that was busy with
//! something else.

use std::fs;

use serde::{Deserialize, Serialize};

use super::{cgroup, number};
use crate::clock;

/// Counts since the machine was up, or, from [`HostCounters::since`], over a time. `None` is what this kernel does
/// not count. Those about TCP are of the network namespace, and hold the server's sockets as well as ours if it is
/// here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostCounters {
    /// When it was read, on [`clock`]; or how many nanoseconds it is about.
    pub at: u64,
    /// How often a receiver told its sender to stop, its buffer being full (`TCPToZeroWindowAdv`).
    pub zero_windows: Option<u64>,
    /// How often it ought to have, but for an earlier promise (`TCPWantZeroWindowAdv`).
    pub wanted_zero_windows: Option<u64>,
    /// Segments that were copied together because a receiver ran out of room (`TCPRcvCollapsed`).
    pub collapsed: Option<u64>,
    /// How often received data was thrown out for want of room (`PruneCalled`).
    pub pruned: Option<u64>,
    /// Connections that met a full accept queue (`ListenOverflows`).
    pub listen_overflows: Option<u64>,
    /// Connections that a listener dropped for whatever reason (`ListenDrops`).
    pub listen_drops: Option<u64>,
    /// Segments dropped because the socket's owner was busy with it (`TCPBacklogDrop`).
    pub backlog_drops: Option<u64>,
    /// Periods in which our control group had used up its share of CPU.
    pub throttled: Option<u64>,
    /// Nanoseconds in which at least one runnable thread of the machine waited for a core. Over a time, this by `at`
    /// is exactly the average that pressure stall information gives for a few fixed windows.
    pub cpu_pressure_ns: Option<u64>,
    /// Nanoseconds that a hypervisor gave to others, summed over all cores; to the kernel's tick, mostly 10 ms.
    pub steal_ns: Option<u64>,
}

impl HostCounters {
    /// What is counted up to now. Four small files are read, about 100 µs.
    #[must_use]
    pub fn here() -> Self {
        Self { at: clock::now(), ..Self::read(|path| fs::read_to_string(path).ok()) }
    }

    /// What was counted between an earlier reading and this one.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let grown = |now: Option<u64>, then: Option<u64>| Some(now?.saturating_sub(then?));
        Self {
            at: self.at.saturating_sub(earlier.at),
            zero_windows: grown(self.zero_windows, earlier.zero_windows),
            wanted_zero_windows: grown(self.wanted_zero_windows, earlier.wanted_zero_windows),
            collapsed: grown(self.collapsed, earlier.collapsed),
            pruned: grown(self.pruned, earlier.pruned),
            listen_overflows: grown(self.listen_overflows, earlier.listen_overflows),
            listen_drops: grown(self.listen_drops, earlier.listen_drops),
            backlog_drops: grown(self.backlog_drops, earlier.backlog_drops),
            throttled: grown(self.throttled, earlier.throttled),
            cpu_pressure_ns: grown(self.cpu_pressure_ns, earlier.cpu_pressure_ns),
            steal_ns: grown(self.steal_ns, earlier.steal_ns),
        }
    }

    fn read(read: impl Fn(&str) -> Option<String>) -> Self {
        let netstat = read("/proc/net/netstat").unwrap_or_default();
        let tcp = |name| tcp_ext(&netstat, name);
        Self {
            at: 0,
            zero_windows: tcp("TCPToZeroWindowAdv"),
            wanted_zero_windows: tcp("TCPWantZeroWindowAdv"),
            collapsed: tcp("TCPRcvCollapsed"),
            pruned: tcp("PruneCalled"),
            listen_overflows: tcp("ListenOverflows"),
            listen_drops: tcp("ListenDrops"),
            backlog_drops: tcp("TCPBacklogDrop"),
            throttled: cgroup::text(&cgroup::CPU, &read).as_deref().and_then(throttled),
            cpu_pressure_ns: read("/proc/pressure/cpu").as_deref().and_then(cpu_pressure_ns),
            steal_ns: read("/proc/stat").as_deref().and_then(steal_ns),
        }
    }
}

/// A line of names, and below it one of their values.
fn tcp_ext(netstat: &str, name: &str) -> Option<u64> {
    let mut lines = netstat.lines().filter_map(|line| line.strip_prefix("TcpExt:"));
    let (names, values) = (lines.next()?, lines.next()?);
    let column = names.split_whitespace().position(|column| column == name)?;
    values.split_whitespace().nth(column)?.parse().ok()
}

fn throttled(cpu_stat: &str) -> Option<u64> {
    number(cpu_stat.lines().find_map(|line| line.strip_prefix("nr_throttled "))?)
}

fn cpu_pressure_ns(pressure: &str) -> Option<u64> {
    let some = pressure.lines().find(|line| line.starts_with("some "))?;
    let micros = number(some.split_once("total=")?.1)?;
    micros.checked_mul(1000)
}

fn steal_ns(stat: &str) -> Option<u64> {
    // cpu user nice system idle iowait irq softirq steal ...
    let ticks: u64 =
        stat.lines().find(|line| line.starts_with("cpu "))?.split_whitespace().nth(8)?.parse().ok()?;
    ticks.checked_mul(1_000_000_000 / procfs::ticks_per_second().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> Option<String> {
        let text = match path {
            "/proc/net/netstat" => {
                "TcpExt: SyncookiesSent PruneCalled ListenOverflows ListenDrops TCPBacklogDrop TCPRcvCollapsed \
                 TCPToZeroWindowAdv TCPWantZeroWindowAdv\nTcpExt: 0 1 2 3 4 5 6 7\nIpExt: InNoRoutes\nIpExt: 9\n"
            }
            "/proc/self/cgroup" => "0::/\n",
            "/sys/fs/cgroup/cpu.stat" => "usage_usec 17\nnr_periods 99\nnr_throttled 8\nthrottled_usec 5\n",
            "/proc/pressure/cpu" => {
                "some avg10=1.83 avg60=0.83 avg300=1.06 total=42\nfull avg10=0.00 total=41\n"
            }
            "/proc/stat" => "cpu  1 2 3 4 5 6 7 300 9 10\ncpu0 1 2 3 4 5 6 7 150 9 10\n",
            _ => return None,
        };
        Some(text.to_owned())
    }

    #[test]
    fn every_counter_is_found_by_its_name() {
        let counted = HostCounters {
            at: 0,
            zero_windows: Some(6),
            wanted_zero_windows: Some(7),
            collapsed: Some(5),
            pruned: Some(1),
            listen_overflows: Some(2),
            listen_drops: Some(3),
            backlog_drops: Some(4),
            throttled: Some(8),
            cpu_pressure_ns: Some(42_000),
            steal_ns: Some(300 * 1_000_000_000 / procfs::ticks_per_second()),
        };
        assert_eq!(HostCounters::read(file), counted);
        assert_eq!(HostCounters::read(|_| None), HostCounters::default());
    }

    #[test]
    fn the_difference_is_about_the_time_between() {
        let earlier =
            HostCounters { at: 100, pruned: Some(3), throttled: Some(1), ..HostCounters::default() };
        let later = HostCounters { at: 350, pruned: Some(8), collapsed: Some(9), ..HostCounters::default() };
        let between = HostCounters { at: 250, pruned: Some(5), ..HostCounters::default() };
        assert_eq!(later.since(&earlier), between);
    }

    #[test]
    fn the_machine_itself_is_read() {
        let counters = HostCounters::here();
        assert!(counters.at > 0);
        assert!(counters.steal_ns.is_some(), "/proc/stat has steal since Linux 2.6.11");
    }
}
