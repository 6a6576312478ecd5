//! The signals that end the server.
//!
//! `SIGTERM` is what orchestrators send, `SIGINT` is Ctrl-C. The first asks for an end in good order, a second
//! one for an end at once: whoever presses Ctrl-C twice has stopped waiting.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::info;

use crate::Shutdown;

/// Both signals, caught from the moment this exists: they no longer end the process by themselves.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Starts to catch the signals.
    ///
    /// # Errors
    ///
    /// If the operating system refuses.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime with I/O.
    pub fn catch() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next signal and says which it was. Cancel safe.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// For [`Server::run_until`](crate::Server::run_until): ends in good order at the first signal, at once at
    /// the second.
    pub async fn shutdown(mut self) -> Shutdown {
        let signal = self.next().await;
        info!(signal, "ending: streams are told to reconnect, no new connections");
        Shutdown::graceful_unless(async move {
            let signal = self.next().await;
            info!(signal, "ending at once");
        })
    }
}
