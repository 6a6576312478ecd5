//! Our own server where a work asks for other flags than a comparison: more workers, a longer time away.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::invocation::Invocation;
use crate::server::Server;
use crate::workspace::Workspace;

const PREFIX: &str = "sse-server-";

/// The sink that a peer of ours is named for; none if it is somebody else's.
pub(super) fn sink(peer: &str) -> Option<&str> {
    peer.strip_prefix(PREFIX)
}

/// What it is told beyond what every peer is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flags<'a> {
    pub(super) sink: &'a str,
    /// As `taskset` writes them.
    pub(super) cores: &'a str,
    pub(super) workers: usize,
    /// The shortest time after which its clients come back; none for its own choice.
    pub(super) away: Option<Duration>,
}

pub(super) fn start(workspace: &Workspace, binary: &Path, flags: Flags<'_>) -> Result<Server> {
    let mut server = Invocation::path(binary)
        // As it is started for every other work: none of the others writes a line for each stream.
        .args(["--log", "warn", "--sink", flags.sink])
        .args(["--workers".to_owned(), flags.workers.to_string()]);
    if let Some(away) = flags.away {
        server = server.args(["--retry".to_owned(), format!("{}ms", away.as_millis())]);
    }
    Server::start_as(workspace, server.pinned(flags.cores))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_are_known_by_their_names() {
        assert_eq!(sink("sse-server-body"), Some("body"));
        assert_eq!(sink("nchan"), None);
    }
}
