//! The limits of this machine that many connections run into.

use std::fs;
use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Serialize;

use super::{cgroup, number};

/// What the machine allows. `None` is what it does not tell, or does not limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// The kernel's version.
    pub kernel: Option<String>,
    /// How many threads run at the same time; at least 1, but 0 by default.
    pub cores: u32,
    /// Descriptors of one process.
    pub open_files: OpenFiles,
    /// Open files of the whole machine (`fs.file-max`).
    pub files_max: Option<u64>,
    /// The ports that a connection's own end may get.
    pub ports: Option<Ports>,
    /// The longest queue of connections that a server has yet to accept (`net.core.somaxconn`).
    pub accept_queue: Option<u64>,
    /// How many handshakes may be unfinished (`net.ipv4.tcp_max_syn_backlog`).
    pub syn_backlog: Option<u64>,
    /// Bytes that all TCP buffers may take together (the highest of `net.ipv4.tcp_mem`).
    pub tcp_buffers: Option<u64>,
    /// The table of connections that a firewall keeps.
    pub conntrack: Option<Conntrack>,
    /// Threads of the control group.
    pub pids: Option<u64>,
    /// Bytes of memory of the control group.
    pub memory: Option<u64>,
    /// Bytes of memory of the machine that could be had without swapping.
    pub memory_available: Option<u64>,
}

/// How many descriptors a process may have; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OpenFiles {
    /// In force.
    pub soft: Option<u64>,
    /// What the process may raise it to.
    pub hard: Option<u64>,
}

/// A range of ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Ports {
    /// The lowest.
    pub first: u16,
    /// The highest, which is one of them.
    pub last: u16,
    /// How many in between are not given out (`net.ipv4.ip_local_reserved_ports`).
    pub reserved: u32,
}

/// A table of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Conntrack {
    /// How many it holds; beyond, packets of new connections are dropped.
    pub max: u64,
    /// How many it has now. A machine that tracks no connections has 0.
    pub count: u64,
}

impl Limits {
    /// Those of this machine. Some twenty small files are read.
    #[must_use]
    pub fn here() -> Self {
        let Rlimit { current: soft, maximum: hard } = getrlimit(Resource::Nofile);
        Self {
            cores: std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32),
            open_files: OpenFiles { soft, hard },
            ..Self::read(|path| fs::read_to_string(path).ok())
        }
    }

    /// Those that files tell. Pure: `read` gives the text of a path, if there is one.
    fn read(read: impl Fn(&str) -> Option<String>) -> Self {
        let setting = |name: &str| number(&read(&format!("/proc/sys/{name}"))?);
        Self {
            kernel: read("/proc/sys/kernel/osrelease").map(|text| text.trim().to_owned()),
            files_max: setting("fs/file-max"),
            ports: read("/proc/sys/net/ipv4/ip_local_port_range").and_then(|range| {
                let reserved = read("/proc/sys/net/ipv4/ip_local_reserved_ports");
                Ports::parse(&range, &reserved.unwrap_or_default())
            }),
            accept_queue: setting("net/core/somaxconn"),
            syn_backlog: setting("net/ipv4/tcp_max_syn_backlog"),
            tcp_buffers: read("/proc/sys/net/ipv4/tcp_mem").as_deref().and_then(tcp_buffers),
            conntrack: setting("net/netfilter/nf_conntrack_max").map(|max| Conntrack {
                max,
                count: setting("net/netfilter/nf_conntrack_count").unwrap_or_default(),
            }),
            pids: cgroup::limit(&cgroup::PIDS, &read),
            memory: cgroup::limit(&cgroup::MEMORY, &read),
            memory_available: read("/proc/meminfo").as_deref().and_then(memory_available),
            ..Self::default()
        }
    }
}

impl Ports {
    /// How many there are to be given out.
    #[must_use]
    pub fn count(self) -> u32 {
        (u32::from(self.last) + 1).saturating_sub(u32::from(self.first)).saturating_sub(self.reserved)
    }

    fn parse(range: &str, reserved: &str) -> Option<Self> {
        let mut ends = range.split_whitespace().map(|port| port.parse().ok());
        let (first, last) = (ends.next()??, ends.next()??);
        Some(Self { first, last, reserved: reserved_within(reserved, first, last) })
    }
}

/// How many ports of a list such as `8080,9148-9150` are in a range.
fn reserved_within(list: &str, first: u16, last: u16) -> u32 {
    let ranges = list.trim().split(',').filter_map(|range| {
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        Some((from.parse::<u16>().ok()?.max(first), to.parse::<u16>().ok()?.min(last)))
    });
    ranges.map(|(from, to)| (u32::from(to) + 1).saturating_sub(u32::from(from))).sum()
}

/// The kernel counts in pages: from the third number on it refuses.
fn tcp_buffers(tcp_mem: &str) -> Option<u64> {
    tcp_mem.split_whitespace().nth(2)?.parse::<u64>().ok()?.checked_mul(procfs::page_size())
}

fn memory_available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    // Always in kB, whatever the machine.
    Some(number(line)? * 1024)
}

/// Raises this process's limit of open files as far as it may, and answers the limit that holds from then on (`None`
/// is no limit). Processes started later inherit it.
///
/// # Errors
///
/// The kernel refuses, which it does to no process that only wants its own hard limit, unless it is sandboxed.
pub fn raise_open_files() -> io::Result<Option<u64>> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    }
    Ok(maximum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_files_tell_is_read() {
        let limits = Limits::read(|path| {
            let text = match path {
                "/proc/sys/kernel/osrelease" => "6.8.0-45-generic\n",
                "/proc/sys/fs/file-max" => "9223372036854775807\n",
                "/proc/sys/net/ipv4/ip_local_port_range" => "32768\t60999\n",
                "/proc/sys/net/ipv4/ip_local_reserved_ports" => "8080,40000-40009,60999-61005\n",
                "/proc/sys/net/core/somaxconn" => "4096\n",
                "/proc/sys/net/ipv4/tcp_max_syn_backlog" => "2048\n",
                "/proc/sys/net/ipv4/tcp_mem" => "287901\t383868\t575802\n",
                "/proc/sys/net/netfilter/nf_conntrack_max" => "262144\n",
                "/proc/sys/net/netfilter/nf_conntrack_count" => "17\n",
                "/proc/self/cgroup" => "0::/\n",
                "/sys/fs/cgroup/pids.max" => "max\n",
                "/sys/fs/cgroup/memory.max" => "4294967296\n",
                "/proc/meminfo" => "MemTotal:  24000000 kB\nMemFree:  1000 kB\nMemAvailable:   20000000 kB\n",
                _ => return None,
            };
            Some(text.to_owned())
        });

        let expected = Limits {
            kernel: Some("6.8.0-45-generic".to_owned()),
            files_max: Some(i64::MAX as u64),
            ports: Some(Ports { first: 32768, last: 60999, reserved: 11 }),
            accept_queue: Some(4096),
            syn_backlog: Some(2048),
            tcp_buffers: Some(575_802 * procfs::page_size()),
            conntrack: Some(Conntrack { max: 262_144, count: 17 }),
            memory: Some(4 << 30),
            memory_available: Some(20_000_000 * 1024),
            ..Limits::default()
        };
        assert_eq!(limits, expected);
        assert_eq!(limits.ports.map(Ports::count), Some(28_221));
    }

    #[test]
    fn what_is_missing_or_strange_is_none() {
        assert_eq!(Limits::read(|_| None), Limits::default());
        let strange = Limits::read(|path| (!path.contains("osrelease")).then(|| "so; what?".to_owned()));
        assert_eq!(strange, Limits::default());
        assert_eq!(Ports { first: 9, last: 3, reserved: 0 }.count(), 0);
    }

    #[test]
    fn the_own_limit_is_raised_to_the_highest() {
        let raised = raise_open_files().unwrap();
        let limits = Limits::here();
        assert_eq!((limits.open_files.soft, limits.open_files.hard), (raised, raised));
        assert!(limits.cores >= 1);
    }
}
