//! One client.

use std::io;
use std::time::Instant;

use super::frame::Frame;
use super::outgoing::Outgoing;
use super::tokens::Tokens;

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) out: Outgoing,
    /// Tells it from a later one that was given the same key.
    pub(super) serial: u64,
    /// The beginning of a request.
    pub(super) input: Vec<u8>,
    pub(super) state: State,
    /// When something was last sent.
    pub(super) wrote: Instant,
}

#[derive(Debug)]
pub(super) enum State {
    /// Sends requests, and gets their answers in order.
    Requests,
    /// Follows a topic.
    Stream(Stream),
    /// Gets a finite stream.
    Tokens(Tokens),
    /// Gets what waits for it, and is then closed.
    Closing {
        /// The client has said all it had to say.
        ended: bool,
    },
}

/// A subscriber's place.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) topic: usize,
    /// Where it stands among the topic's readers.
    pub(super) place: usize,
    /// The id of the next event that it gets.
    pub(super) next: u64,
    /// The newest event that it was sent whole. Only kept if there are faults.
    pub(super) newest: u64,
    /// An event that is to be overtaken.
    pub(super) held: Option<Frame>,
}

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    /// Its socket is closed, by either side, or broken.
    Ended,
    /// It reads too slowly: what it would get next is no longer there.
    Behind,
}

impl From<io::Error> for Gone {
    fn from(_: io::Error) -> Self {
        Self::Ended
    }
}
