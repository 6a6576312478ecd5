//! The servers of a run: as many as the limit of open files asks for, each on a port of its own.

use std::path::Path;

use anyhow::Result;

use super::profile::{Against, Run};
use crate::cores::Cores;
use crate::invocation::Invocation;
use crate::open_files::open_files;
use crate::server::Server;
use crate::workspace::Workspace;

/// Descriptors of a server that are no reader's: listeners, publishers, what the runtime opens.
const RESERVED: u64 = 500;

/// They end with their owner.
#[derive(Debug)]
pub(super) struct Servers {
    running: Vec<Server>,
    /// What is read, and published to.
    pub(super) urls: Vec<String>,
}

impl Servers {
    /// Starts what a run needs, from the hub's or the tester's binary.
    pub(super) fn start(
        workspace: &Workspace,
        run: &Run,
        cores: &Cores,
        [hub, tester]: [&Path; 2],
    ) -> Result<Self> {
        let (server, path) = match run.against {
            Against::Hub(flags) => {
                // A line for each stream that ends would be all that one sees.
                let hub = Invocation::path(hub).args(["--log", "info,sse_server::stream=warn"]);
                (hub.args(flags.split_whitespace()), "/events/stress-{{topic}}")
            }
            Against::Tokens => {
                (Invocation::path(tester).args(["serve"]), "/tokens?n=20&interval=10ms&first=20ms")
            }
        };
        let count = servers_for(run.clients, open_files()?);
        let start = |_| Server::start_as(workspace, cores.server(server.clone()));
        let running = (0..count).map(start).collect::<Result<Vec<_>>>()?;
        let urls = running.iter().map(|server| server.url(path)).collect();
        Ok(Self { running, urls })
    }

    pub(super) fn pids(&self) -> Vec<u32> {
        self.running.iter().map(Server::pid).collect()
    }
}

fn servers_for(clients: u32, open_files: u64) -> u64 {
    u64::from(clients).div_ceil(open_files.saturating_sub(RESERVED).max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_servers_as_descriptors_ask_for() {
        assert_eq!(servers_for(2_000, 1 << 20), 1);
        assert_eq!(servers_for(15_000, 20_000), 1);
        assert_eq!(servers_for(60_000, 20_000), 4);
        assert_eq!(servers_for(10, 100), 10);
    }
}
