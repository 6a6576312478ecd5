//! The servers that are measured beside each other: what they are, how they are built, and how they are started.
//!
//! All speak one contract, so that one client can drive them: `GET /events/{topic}` is a stream from now on, and
//! `POST /events/{topic}` publishes its body as the data of one event. How each is configured, and on whose advice, is
//! in `benches/peers/NAME/README.md`.

mod build;
mod nchan;
mod running;
mod versions;

use anyhow::Result;

pub(super) use self::running::Running;
use crate::invocation::Invocation;
use crate::workspace::Workspace;

#[derive(Debug)]
pub(super) struct Peer {
    name: &'static str,
    about: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    ActixLab,
    Axum,
    BetterSse,
    Floor,
    Go,
    /// This project's server, with a value of its flag `--sink`.
    Hub(&'static str),
    Nchan,
}

/// What not all of them can.
#[derive(Debug, Clone, Copy)]
pub(super) struct Can {
    /// Go on behind `Last-Event-ID`.
    pub(super) resume: bool,
    /// Publish the events of a body that stays open: `POST /events`, each with a field `topic`.
    pub(super) stream_publish: bool,
}

#[derive(Debug)]
pub(super) enum Presence {
    Ready,
    /// Why it has to be skipped.
    Missing(String),
}

const PEERS: [Peer; 8] = [
    Peer { name: "floor", about: "a bare loop in Rust, one send() per subscriber", kind: Kind::Floor },
    Peer { name: "nchan", about: "nginx with nchan, its pub/sub module, in C", kind: Kind::Nchan },
    Peer { name: "go", about: "net/http, a goroutine per connection, segmented channels", kind: Kind::Go },
    Peer { name: "axum", about: "axum's Sse over a tokio broadcast channel per topic", kind: Kind::Axum },
    Peer { name: "actix-lab", about: "actix-web-lab's sse over a channel per client", kind: Kind::ActixLab },
    Peer { name: "better-sse", about: "better-sse on Node, a channel per topic", kind: Kind::BetterSse },
    Peer {
        name: "sse-server-body",
        about: "this server, delivering through response bodies",
        kind: Kind::Hub("body"),
    },
    Peer {
        name: "sse-server-socket",
        about: "this server, writing to sockets itself",
        kind: Kind::Hub("socket"),
    },
];

impl Peer {
    /// The floor first, this server last.
    pub(super) fn all() -> Vec<Self> {
        PEERS.into()
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// What it is, in a line.
    pub(super) fn about(&self) -> &'static str {
        self.about
    }

    /// Of itself and of what it runs on, as installed.
    pub(super) fn version(&self) -> String {
        versions::of(self.kind, &Workspace::here()).unwrap_or_else(|| "unknown".to_owned())
    }

    pub(super) fn can(&self) -> Can {
        Can {
            resume: matches!(self.kind, Kind::Hub(_) | Kind::Nchan),
            stream_publish: matches!(self.kind, Kind::Floor | Kind::Hub(_)),
        }
    }

    /// Builds it, and installs what it lacks.
    ///
    /// # Errors
    ///
    /// What belongs to this repository does not build. That something else cannot be had here is a [`Presence`].
    pub(super) fn prepare(&self, workspace: &Workspace) -> Result<Presence> {
        build::prepare(self.kind, workspace)
    }

    /// Starts it on a free port of 127.0.0.1, with one worker, on this core only. It accepts connections when this
    /// returns. One of a kind at a time.
    pub(super) fn start(&self, workspace: &Workspace, core: usize) -> Result<Running> {
        if self.kind == Kind::Nchan {
            return nchan::start(workspace, core);
        }
        Running::start(workspace, self.command(workspace), core)
    }

    /// Takes `--listen`, and says where it listens.
    fn command(&self, workspace: &Workspace) -> Invocation {
        match self.kind {
            Kind::ActixLab => Invocation::path(&build::rust_peer(workspace, "actix-lab")),
            Kind::Axum => Invocation::path(&build::rust_peer(workspace, "axum")),
            Kind::BetterSse => {
                let script = build::better_sse(workspace).join("main.js");
                Invocation::new("node").args([script.to_string_lossy()]).env("NODE_ENV", "production")
            }
            Kind::Floor => Invocation::path(&workspace.target().join("release/floor")),
            // It finds out by itself that there is one core for it; said again for who reads the command.
            Kind::Go => Invocation::path(&build::go(workspace)).env("GOMAXPROCS", "1"),
            Kind::Hub(sink) => {
                let flags = ["--workers", "1", "--sink", sink, "--log", "warn"];
                Invocation::path(&workspace.target().join("release/sse-server")).args(flags)
            }
            Kind::Nchan => Invocation::new("nginx"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_says_how_it_is_configured() {
        for peer in Peer::all() {
            let folder = if let Kind::Hub(_) = peer.kind { "sse-server" } else { peer.name() };
            let readme = Workspace::here().root().join("benches/peers").join(folder).join("README.md");
            assert!(readme.is_file(), "{}", readme.display());
        }
    }
}
