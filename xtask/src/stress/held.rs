//! What servers hold when nobody is there, and whether it grows.

use std::fmt;
use std::fs;

use anyhow::{Context, Result};

/// Rounds that it takes to see anything: caches and logs fill in the first one.
pub(super) const ROUNDS: usize = 3;
/// What an allocator may keep or give back, from one round to the next, without anything being wrong: a fifth, and so
/// many bytes.
const SLACK: u64 = 8 << 20;
/// Connections that were closed a moment ago, and the like.
const FEW: u64 = 8;

/// Memory and descriptors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// Anonymous memory, in bytes.
    memory: u64,
    descriptors: u64,
}

impl Held {
    /// By all these processes together.
    pub(super) fn by(pids: &[u32]) -> Result<Self> {
        let mut held = Self::default();
        for pid in pids {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).context("a server has ended")?;
            held.memory += anonymous(&status).context("no RssAnon")?;
            held.descriptors += fs::read_dir(format!("/proc/{pid}/fd"))?.count() as u64;
        }
        Ok(held)
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes = self.memory as f64 / f64::from(1 << 20);
        write!(f, "{mebibytes:.1} MiB and {} descriptors", self.descriptors)
    }
}

/// What has grown from the second round to the last.
pub(super) fn growth(rounds: &[Held]) -> Vec<String> {
    let [_, first, .., last] = rounds else { return Vec::new() };
    let mut grown = Vec::new();
    if last.memory > first.memory + first.memory / 5 + SLACK {
        grown.push(format!("the server's memory has grown: {first}, in the end {last}"));
    }
    if last.descriptors > first.descriptors + FEW {
        grown.push(format!("the server keeps descriptors: {first}, in the end {last}"));
    }
    grown
}

fn anonymous(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(mebibytes: u64, descriptors: u64) -> Held {
        Held { memory: mebibytes << 20, descriptors }
    }

    #[test]
    fn the_first_round_may_take_what_it_needs() {
        assert_eq!(growth(&[held(1, 10), held(90, 20), held(95, 21)]), [""; 0]);
        assert_eq!(growth(&[held(1, 10)]), [""; 0]);
    }

    #[test]
    fn what_grows_is_told() {
        assert_eq!(growth(&[held(90, 20), held(90, 20), held(130, 20)]).len(), 1);
        assert_eq!(growth(&[held(90, 20), held(90, 20), held(90, 2_020)]).len(), 1);
    }

    #[test]
    fn memory_is_read_from_the_status() {
        assert_eq!(anonymous("VmRSS:\t  99 kB\nRssAnon:\t    12 kB\n"), Some(12 * 1024));
        assert!(Held::by(&[std::process::id()]).is_ok_and(|held| held.memory > 0 && held.descriptors > 0));
    }
}
