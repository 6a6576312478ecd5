//! The servers that are compared.

use std::net::SocketAddr;

use anyhow::{Context, Result};

use crate::invocation::Invocation;
use crate::server::Server;
use crate::workspace::Workspace;

#[derive(Debug)]
pub(super) struct Peer {
    name: &'static str,
    about: &'static str,
    can: Can,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Can {
    pub(super) resume: bool,
    pub(super) stream_publish: bool,
}

#[derive(Debug)]
pub(super) enum Presence {
    Ready,
    Missing(String),
}

impl Peer {
    pub(super) fn all() -> Vec<Self> {
        vec![
            Self {
                name: "tester",
                about: "the load tester's own server",
                can: Can { resume: true, stream_publish: false },
            },
            Self {
                name: "missing",
                about: "a server that is not there",
                can: Can { resume: false, stream_publish: false },
            },
            Self {
                name: "sse-server-socket",
                about: "this server",
                can: Can { resume: true, stream_publish: true },
            },
        ]
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn about(&self) -> &'static str {
        self.about
    }

    pub(super) fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    pub(super) fn can(&self) -> Can {
        self.can
    }

    pub(super) fn prepare(&self, workspace: &Workspace) -> Result<Presence> {
        match self.name {
            "missing" => Ok(Presence::Missing("there is none".to_owned())),
            "tester" => workspace.release_loadgen().map(|_| Presence::Ready),
            _ => workspace.release_server().map(|_| Presence::Ready),
        }
    }

    pub(super) fn start(&self, workspace: &Workspace, core: usize) -> Result<Running> {
        let release = workspace.target().join("release");
        let invocation = if self.name == "tester" {
            Invocation::path(&release.join("sse-loadgen")).args(["serve"])
        } else {
            Invocation::path(&release.join("sse-server")).args([
                "--workers",
                "1",
                "--log",
                "warn,sse_server=info,sse_server::stream=warn",
            ])
        };
        let server = Server::start_as(workspace, invocation.pinned(&core.to_string()))?;
        let address = server.url("").trim_start_matches("http://").parse().context("no address")?;
        Ok(Running { pids: [server.pid()], address, _server: server })
    }
}

#[derive(Debug)]
pub(super) struct Running {
    _server: Server,
    pids: [u32; 1],
    address: SocketAddr,
}

impl Running {
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn pids(&self) -> &[u32] {
        &self.pids
    }
}
