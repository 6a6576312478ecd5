//! How many connections the process can hold: each is an open file.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Open files kept for everything that is not a connection of a client: standard streams, listeners, logs, name lookups,
/// operations.
const RESERVE: u64 = 64 + OPERATIONS as u64;

/// Connections for operations, if they have an address of their own: a balancer, a collector of metrics, and people.
pub(crate) const OPERATIONS: usize = 32;

/// And for each worker: its event loop, wakers and timers.
const RESERVE_PER_WORKER: u64 = 8;

/// Raises the limit of open files as far as the process may, and returns it; `None` is no limit.
///
/// The usual soft limit of 1,024 is there for programs that use `select`, which this one does not. Affects the
/// whole process and its children, so it is for a binary to call.
pub fn raise_open_files() -> Option<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        // If the system refuses, the old limit holds: that is what is returned.
        let _ = setrlimit(Resource::Nofile, limit);
    }
    open_files()
}

/// The limit of open files; `None` is no limit.
pub fn open_files() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// Connections that fit in `open_files` when there are this many workers: at least one for each worker, or
/// `None` if that is too much.
pub(crate) fn connections_within(open_files: Option<u64>, workers: usize) -> Option<usize> {
    let Some(open_files) = open_files else { return Some(usize::MAX) };
    let reserve = RESERVE + RESERVE_PER_WORKER * workers as u64;
    let connections = usize::try_from(open_files.saturating_sub(reserve)).unwrap_or(usize::MAX);
    (connections >= workers).then_some(connections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_a_reserve() {
        assert_eq!(connections_within(Some(1024), 2), Some(1024 - 96 - 16));
        assert_eq!(connections_within(None, 2), Some(usize::MAX));
    }

    #[test]
    fn each_worker_needs_a_connection() {
        assert_eq!(connections_within(Some(96 + 16 + 2), 2), Some(2));
        assert_eq!(connections_within(Some(96 + 16 + 1), 2), None);
        assert_eq!(connections_within(Some(3), 2), None);
    }

    #[test]
    fn the_limit_is_raised_to_what_is_allowed() {
        assert_eq!(raise_open_files(), getrlimit(Resource::Nofile).maximum);
        assert_eq!(open_files(), getrlimit(Resource::Nofile).maximum);
    }
}
