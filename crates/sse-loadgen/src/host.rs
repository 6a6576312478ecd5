//! What this machine allows, and how it is doing: limits, counters, and what a worker uses of it.
//!
//! All is read from `/proc` and `/sys`, and nothing is changed but the own limit of open files. What a kernel does
//! not tell is `None`, never an error: a report with a hole is better than none.

mod address;
mod cgroup;
mod counters;
mod kernel;
mod limits;
mod own;

pub use address::{is_here, listening};
pub use counters::HostCounters;
pub use kernel::KernelMemory;
pub use limits::{Conntrack, Limits, OpenFiles, Ports, raise_open_files};
pub use own::Own;

/// What kernel files begin with: a number, which a line feed follows.
fn number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}
