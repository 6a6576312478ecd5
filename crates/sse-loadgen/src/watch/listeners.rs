//! Who listens on a port: the kernel names the socket, and the sockets of every process tell whose it is.

use std::collections::HashSet;

use procfs::net::{self, TcpNetEntry, TcpState};
use procfs::process::{self, FDTarget, Process};

use super::WatchError;

/// All processes that have a listener on this TCP port open, at whatever address, in our network namespace.
///
/// Goes through all descriptors of all processes that may be looked into: about 3 µs for each.
///
/// # Errors
///
/// There is no listener, or no process that may be looked into has one.
pub fn listeners(port: u16) -> Result<Vec<i32>, WatchError> {
    // A kernel without IPv6 has no second table.
    let sockets = net::tcp()?.into_iter().chain(net::tcp6().unwrap_or_default());
    let listening =
        |socket: &TcpNetEntry| socket.state == TcpState::Listen && socket.local_address.port() == port;
    let sockets: Vec<_> = sockets.filter(listening).collect();
    let Some(first) = sockets.first() else { return Err(WatchError::NoListener(port)) };

    let inodes = sockets.iter().map(|socket| socket.inode).collect();
    // A process may end while it is looked at, or belong to somebody else: then it is passed over.
    let holders = process::all_processes()?.flatten().filter(|process| holds_any(process, &inodes));
    let pids: Vec<_> = holders.map(|process| process.pid()).collect();
    if pids.is_empty() { Err(WatchError::HiddenListener { port, uid: first.uid }) } else { Ok(pids) }
}

fn holds_any(process: &Process, inodes: &HashSet<u64>) -> bool {
    let Ok(descriptors) = process.fd() else { return false };
    descriptors
        .flatten()
        .any(|descriptor| matches!(descriptor.target, FDTarget::Socket(inode) if inodes.contains(&inode)))
}
