//! A peer that runs: where it listens, which processes it is, and its end.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::background::Background;
use crate::invocation::Invocation;
use crate::open_files::open_files;
use crate::server::Server;
use crate::workspace::Workspace;

/// For twice the subscribers of the largest run. nginx sets memory aside for each, so it is not all that may be had.
const OPEN_FILES: u64 = 20_000;
/// To close as many connections.
const END: Duration = Duration::from_secs(10);

/// Ends with its owner.
#[derive(Debug)]
pub(in crate::bench) struct Running {
    address: SocketAddr,
    pids: Vec<u32>,
    processes: Processes,
}

#[derive(Debug)]
enum Processes {
    One(#[expect(dead_code, reason = "held for its end")] Server),
    /// One that was started and others that it started, and ends when it is asked to.
    Family(Background),
}

impl Running {
    /// Starts a command that takes `--listen` and says where it listens.
    pub(super) fn start(workspace: &Workspace, command: Invocation, core: usize) -> Result<Self> {
        let server = Server::start_as(workspace, confined(command, core)?)?;
        let address = server.address().parse().context("it listens on no address")?;
        Ok(Self { address, pids: vec![server.pid()], processes: Processes::One(server) })
    }

    pub(super) fn family(address: SocketAddr, parent: Background, children: Vec<u32>) -> Self {
        Self { address, pids: children, processes: Processes::Family(parent) }
    }

    pub(in crate::bench) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Those that do the work: their CPU time and memory are the peer's.
    pub(in crate::bench) fn pids(&self) -> &[u32] {
        &self.pids
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Processes::Family(parent) = &mut self.processes {
            // Killed, it would leave its children behind. If it does not end, it is killed all the same.
            let _ = parent.terminate();
            let _ = parent.exit(END);
        }
    }
}

/// The command on this core only, and with descriptors for all clients.
pub(super) fn confined(command: Invocation, core: usize) -> Result<Invocation> {
    Ok(command.pinned(&core.to_string()).with_open_files(descriptors()?))
}

/// That a peer may have.
pub(super) fn descriptors() -> Result<u64> {
    Ok(open_files()?.min(OPEN_FILES))
}
