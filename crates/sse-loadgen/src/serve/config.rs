//! What a test server is to be like.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::faults::Faults;

/// Settings of a [`Server`](super::Server).
#[derive(Clone, Debug)]
pub struct ServeConfig {
    /// Addresses to listen on; port 0 takes a free port. Several let clients use a port range for each.
    pub listen: Vec<SocketAddr>,
    /// After how long clients are told to reconnect.
    pub retry: Duration,
    /// After how long without anything sent a stream gets a comment; up to a sixteenth more.
    pub heartbeat: Duration,
    /// Whether `Last-Event-ID` is honoured: a server that ignores it loses what was published in between.
    pub resume: bool,
    /// Events that a topic retains. A subscriber that falls behind them is disconnected.
    pub retain_events: usize,
    /// Bytes that a topic retains, as sent; the newest event stays in any case.
    pub retain_bytes: usize,
    /// Bytes of the body of one publish, at most.
    pub max_event: usize,
    /// What goes wrong.
    pub faults: Faults,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 8090))],
            // Short: tests wait for it. Browsers' own is 2 to 5 s.
            retry: Duration::from_secs(1),
            // Below the idle limits of common proxies, 30 and 60 s.
            heartbeat: Duration::from_secs(15),
            resume: true,
            // Hours at the rates of most runs, so that a reader who returns finds all that it missed.
            retain_events: 100_000,
            // Beyond what a burst of large events takes, and little beside the sockets of the subscribers.
            retain_bytes: 64 << 20,
            max_event: 16 << 20,
            faults: Faults::default(),
        }
    }
}
