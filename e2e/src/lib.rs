//! End-to-end tests of the release `sse-server` binary with the clients that people use.
//!
//! The crate is the stage, `tests/` is the play. Each file here starts or stands for one party:
//!
//! ```text
//!  Server ── the binary under test          Site ── serves the test page, from an origin of its own
//!    │                                        │
//!  Proxy ── cuts connections, keeps the       │
//!    │      request heads that passed         │
//!  Front ── nginx, HAProxy                   │
//!    │                                        │
//!    ├── Chrome ── Chromium by WebDriver ─────┘
//!    ├── Program ── a client in Python or Node, one JSON line per thing it saw
//!    ├── Curl ── the command line, byte for byte
//!    └── Reader ── a reader of our own that sees heartbeats and raw bytes
//! ```
//!
//! Whatever a client sees arrives here as [`Seen`], so that [`scenario`] can put the same claims to every client.
//!
//! The binary is the one that `SSE_SERVER_BIN` names, else `target/release/sse-server`. Python and Node packages are
//! those that `cargo xtask setup` installs. A missing tool fails the test with the line that installs it.
//!
//! Errors are `anyhow` throughout: nobody matches on them, each becomes the message of a failed test.

pub mod chrome;
mod chromedriver;
pub mod curl;
pub mod deadline;
pub mod events;
pub mod front;
pub mod program;
pub mod proxy;
pub mod reader;
pub mod scenario;
pub mod seen;
pub mod server;
pub mod site;
pub mod stage;
pub mod tools;

pub use chrome::{Chrome, Page};
pub use curl::Curl;
pub use front::Front;
pub use program::Program;
pub use proxy::Proxy;
pub use reader::{Next, Reader};
pub use seen::{Client, Received, Seen};
pub use server::Server;
pub use site::Site;
pub use stage::Stage;
