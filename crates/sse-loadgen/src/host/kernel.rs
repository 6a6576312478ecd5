//! What the kernel itself takes for sockets, of which no process's own memory says anything.
//!
//! It counts for the whole machine, or for all containers on it: both ends of a connection if both are here, and whatever
//! else comes and goes meanwhile.

use std::fs;

use serde::Serialize;

/// The kernel's memory at one time, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct KernelMemory {
    /// Its own objects (`Slab`): sockets, descriptors, what epoll keeps of them, small packets.
    pub slab_bytes: u64,
    /// What lies in the buffers of TCP sockets (`mem` of `sockstat`, in pages). Small pieces of it are slab, too.
    pub sockets_bytes: u64,
}

impl KernelMemory {
    /// As it is now; none if the kernel does not tell. Two small files are read, about 50 µs.
    #[must_use]
    pub fn here() -> Option<Self> {
        Self::read(|path| fs::read_to_string(path).ok())
    }

    fn read(read: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let slab = slab_bytes(&read("/proc/meminfo")?)?;
        let pages = tcp_pages(&read("/proc/net/sockstat")?)?;
        Some(Self { slab_bytes: slab, sockets_bytes: pages * procfs::page_size() })
    }
}

fn slab_bytes(meminfo: &str) -> Option<u64> {
    Some(super::number(meminfo.lines().find_map(|line| line.strip_prefix("Slab:"))?)? * 1024)
}

/// `TCP: inuse 2 orphan 0 tw 0 alloc 2 mem 161`
fn tcp_pages(sockstat: &str) -> Option<u64> {
    let mut words = sockstat.lines().find_map(|line| line.strip_prefix("TCP:"))?.split_whitespace();
    words.find(|word| *word == "mem")?;
    words.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> Option<String> {
        let text = match path {
            "/proc/meminfo" => "MemTotal: 9 kB\nSlab:             805568 kB\nSReclaimable: 3 kB\n",
            "/proc/net/sockstat" => {
                "sockets: used 27\nTCP: inuse 2 orphan 0 tw 14509 alloc 2 mem 161\nUDP: inuse 0 mem 7\n"
            }
            _ => return None,
        };
        Some(text.to_owned())
    }

    #[test]
    fn objects_and_buffers_are_read_apart() {
        let memory = KernelMemory { slab_bytes: 805_568 << 10, sockets_bytes: 161 * procfs::page_size() };
        assert_eq!(KernelMemory::read(file), Some(memory));
        assert_eq!(KernelMemory::read(|_| None), None);
        assert_eq!(KernelMemory::read(|_| Some(String::new())), None);
    }
}
