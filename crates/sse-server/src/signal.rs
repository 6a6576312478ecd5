//! The signals that end the server, and the one that has its certificate read anew.
//!
//! `SIGTERM` is what orchestrators send, `SIGINT` is Ctrl-C. The first asks for an end in good order, a second
//! one for an end at once: whoever presses Ctrl-C twice has stopped waiting.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use crate::{Shutdown, TlsReloader};

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

/// `SIGHUP`, caught from the moment this exists: it no longer ends the process.
#[derive(Debug)]
pub struct Hangups(Signal);

impl Hangups {
    /// Starts to catch the signal.
    ///
    /// # Errors
    ///
    /// If the operating system refuses.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime with I/O.
    pub fn catch() -> io::Result<Self> {
        Ok(Self(signal(SignalKind::hangup())?))
    }

    /// Has the certificate read anew at each signal, and says how that went in one line of the log. Never returns.
    ///
    /// Without TLS there is nothing to do. That is said too, and the server goes on: who closes a terminal, or sends what
    /// reloads other servers, does not want this one gone.
    pub async fn reload(mut self, tls: Option<TlsReloader>) {
        while self.0.recv().await.is_some() {
            match tls.as_ref().map(TlsReloader::reload) {
                Some(Ok(())) => info!("SIGHUP: new connections get the certificate as it is now"),
                Some(Err(error)) => warn!(%error, "SIGHUP: the certificate stays as it was"),
                None => info!("SIGHUP: nothing to read anew, as there is no certificate"),
            }
        }
    }
}
