//! One client: about 300 bytes, and what its socket takes in the kernel.

use mio::net::TcpStream;
use sse_core::Decoder;

use crate::account::Account;
use crate::chunked::Chunked;
use crate::worker::orders::Pace;

/// See the module.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) account: Account,
    pub(super) socket: Option<TcpStream>,
    pub(super) phase: Phase,
    pub(super) body: Body,
    /// The other side has closed: the kernel says so once, and there may be more to read before it.
    pub(super) ended: bool,
    /// The stream is in the middle of something. Otherwise a decoder that all share is good enough.
    pub(super) decoder: Option<Box<Decoder>>,
    /// What of the request is not sent, or of the head not complete.
    pub(super) rest: Vec<u8>,
    pub(super) last_event_id: String,
    /// Milliseconds, as the server wishes.
    pub(super) retry: Option<u32>,
    /// Which attempt this is: timers of an earlier one are void.
    pub(super) attempt: u32,
    pub(super) pace: Pace,
    /// `Last-Event-ID` was sent.
    pub(super) resumed: bool,
    /// Its data carry the kernel's time.
    pub(super) stamped: bool,
}

/// How far an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Waiting to begin, or to begin again.
    Away,
    /// For the connection.
    Connecting,
    /// The request is not all sent.
    Asking,
    /// For the head of the answer.
    Head,
    /// The stream is open. `fresh`: nothing of it was decoded yet.
    Open { fresh: bool },
    /// For good.
    Gone,
}

/// How the end of a body is known.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body {
    UntilClose,
    Length(u64),
    Chunked(Chunked),
}

impl Client {
    pub(super) fn new(account: Account) -> Self {
        Self {
            account,
            socket: None,
            phase: Phase::Away,
            body: Body::UntilClose,
            ended: false,
            decoder: None,
            rest: Vec::new(),
            last_event_id: String::new(),
            retry: None,
            attempt: 0,
            pace: Pace::Full,
            resumed: false,
            stamped: false,
        }
    }

    /// Looks at it here and there, for nothing but to have it in the cache when its turn comes: with tens of thousands of
    /// clients each is somewhere in memory, and to wait for one piece after the other takes as long as all the rest.
    pub(super) fn warm(&self) -> u64 {
        u64::from(self.attempt)
            ^ u64::from(self.last_event_id.as_bytes().first().copied().unwrap_or_default())
            ^ u64::from(self.ended)
            ^ self.rest.len() as u64
            ^ self.account.warm()
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open { .. })
    }

    /// Whether there is a connection, or one is being made.
    pub(super) fn is_active(&self) -> bool {
        !matches!(self.phase, Phase::Away | Phase::Gone)
    }
}
