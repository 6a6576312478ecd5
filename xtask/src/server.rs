//! The release binary, started on a free port as a user would start it, and ended with its owner.

use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Result;

use crate::background::{Background, Transcript};
use crate::invocation::Invocation;
use crate::workspace::Workspace;

/// Far beyond what a start takes, so that a loaded machine does not fail the check.
const START: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Server {
    running: Background,
    address: String,
}

impl Server {
    /// Starts the binary and awaits the line on stdout that tells where it listens.
    pub(crate) fn start(workspace: &Workspace, binary: &Path) -> Result<Self> {
        Self::start_as(workspace, Invocation::path(binary))
    }

    /// Starts a command that takes `--listen` and tells in the same way where it listens.
    pub(crate) fn start_as(workspace: &Workspace, invocation: Invocation) -> Result<Self> {
        let mut command = invocation.args(["--listen", "127.0.0.1:0"]).command(workspace);
        let out = Transcript::default();
        let running = Background::record(&mut command, "server", &out, &Transcript::default())?;
        let address = out.wait_for("`listening on http://ADDRESS`", START, listening_on)?;
        Ok(Self { running, address })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Where it listens: `IP:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.running.pid()
    }

    pub(crate) fn terminate(&self) -> Result<()> {
        self.running.terminate()
    }

    /// Awaits the end of the server: `None` when it is still running after `limit`.
    pub(crate) fn exit(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        self.running.exit(limit)
    }
}

/// The address in `… listening on http://ADDRESS …`.
fn listening_on(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("listening on http://")?;
    // The end of the line may not be there yet, and with it half of the address.
    let (line, _) = rest.split_once('\n')?;
    line.split_whitespace().next().map(|address| address.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_address_once_its_line_is_whole() {
        assert_eq!(listening_on("starting\nlistening on http://127.0.0.1:80"), None);
        assert_eq!(
            listening_on("starting\nINFO listening on http://127.0.0.1:8080 (2 workers)\n").as_deref(),
            Some("127.0.0.1:8080")
        );
        assert_eq!(listening_on("listening on http://[::1]:8080/\n").as_deref(), Some("[::1]:8080"));
    }
}
