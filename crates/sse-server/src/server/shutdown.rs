//! How a server is told to end, and how it ended.

use std::fmt;
use std::future::{Future, pending, ready};
use std::pin::Pin;

/// The wish to end, which [`Server::run_until`](super::Server::run_until) waits for.
pub struct Shutdown {
    at_once: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Shutdown {
    /// Ends streams in good order, within the configured drain time.
    pub fn graceful() -> Self {
        Self::graceful_unless(pending())
    }

    /// Like [`graceful`](Self::graceful), but does not wait any longer once `at_once` completes.
    pub fn graceful_unless(at_once: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { at_once: Box::pin(at_once) }
    }

    /// Cuts every connection where it is.
    pub fn immediate() -> Self {
        Self::graceful_unless(ready(()))
    }

    pub(super) fn at_once(self) -> impl Future<Output = ()> + Send {
        self.at_once
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown").finish_non_exhaustive()
    }
}

/// How the end went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every connection had closed.
    Drained,
    /// Time was up, or nobody wanted to wait.
    Cut {
        /// Connections that were still open.
        connections: usize,
    },
}
