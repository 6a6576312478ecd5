//! A socket that the segment owns: no task, no buffer, one entry in the segment for the stream and all that belongs to it.
//!
//! What there is to say is written at once. What the socket does not take is kept, as a reference to bytes that it
//! shares with all who are told the same, and goes first as soon as the socket is writable; until then nobody asks.

use std::io::{self, Read as _};
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Instant;

use mio::net::TcpStream;
use sse_core::{Deliveries, Lag, Progress, Sink, SubscriberKey};
use tokio_util::time::delay_queue;
use tracing::{debug, info};

use super::{End, Stream, Told};
use crate::counters::Count;
use crate::sockets::{Alarm, Parcel, Sockets};
use crate::streams::Sight;
use crate::transport::{Departed, Patience, taken};

/// How much one call writes before others have their turn, in bytes: as much as a socket takes at once, for the most
/// part. It is for those who catch up; who is up to date has less.
const TURN: u64 = 64 * 1024;

/// How a stream lies in the bytes of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// RFC 9112 section 7.1.
    Chunked,
    /// As it is, up to the end of the connection: for HTTP/1.0.
    Plain,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct SocketSink {
    io: TcpStream,
    framing: Framing,
    /// The token has run out that opened the stream, and the reader was not told yet.
    expired: bool,
    /// Boxed, so that streams without an end in time pay for a pointer.
    expiry: Option<Box<delay_queue::Key>>,
    /// What the socket has not taken.
    rest: Option<Box<Rest>>,
    /// Bytes that the socket has taken.
    written: u64,
    stream: Stream,
    sockets: Rc<Sockets>,
    departed: Departed,
}

/// A socket that has left actix.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) io: TcpStream,
    pub(crate) framing: Framing,
    /// Bytes that it has taken.
    pub(crate) written: u64,
    pub(crate) departed: Departed,
}

/// Something to say, as it goes to the socket.
#[derive(Debug)]
struct Message {
    parcel: Parcel,
    /// When the oldest event in it was published.
    published: Option<Instant>,
}

#[derive(Debug)]
struct Rest {
    /// `None` while it is being written.
    message: Option<Message>,
    since: Instant,
    patience: Patience,
    alarm: Option<delay_queue::Key>,
}

impl SocketSink {
    pub(crate) fn new(
        socket: Socket,
        stream: Stream,
        expiry: Option<delay_queue::Key>,
        sockets: Rc<Sockets>,
    ) -> Self {
        let Socket { io, framing, written, departed } = socket;
        let expiry = expiry.map(Box::new);
        Self { io, framing, expired: false, expiry, rest: None, written, stream, sockets, departed }
    }

    pub(crate) fn stream(&self) -> &Stream {
        &self.stream
    }

    pub(crate) fn sight(&self, lag: Lag) -> Sight<'_> {
        let blocked_since = self.rest.as_ref().map(|rest| rest.since);
        let unsent = self.rest.as_ref().map_or(0, |rest| rest.len());
        Sight { stream: &self.stream, lag, blocked_since, unsent }
    }

    /// The token has run out.
    pub(crate) fn expire(&mut self) {
        self.expiry = None;
        self.expired = true;
    }

    /// Whether the client is still there, and has sent nothing: it must not, on an open stream.
    pub(crate) fn is_quiet(&mut self) -> bool {
        match self.io.read(&mut [0]) {
            Ok(0) => false,
            Ok(_) => {
                debug!(peer = ?self.stream.peer(), "client sends on an open stream: closing");
                false
            }
            Err(error) => matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted),
        }
    }

    /// The time has come to see what the client has taken of what waits for it. Answers whether that is enough.
    pub(crate) fn is_taking(&mut self, key: SubscriberKey) -> bool {
        let Some(rest) = &mut self.rest else { return true };
        let Some(more) = rest.patience.ask(taken(&self.io, self.written)) else {
            info!(peer = ?self.stream.peer(), unsent = rest.len(), "client takes too little: closing");
            self.stream.hub().counters().one(Count::EvictedStalled);
            self.stream.will_end(End::Stalled);
            rest.alarm = None;
            return false;
        };
        rest.alarm = Some(self.sockets.set_alarm(Alarm::Stalled(key), more));
        true
    }

    /// What there is to say next.
    fn next(&mut self, deliveries: &mut Deliveries<'_, Self>) -> Option<Told> {
        // First: nothing that comes after the end is for this reader.
        if std::mem::take(&mut self.expired) {
            return Some(self.stream.expire(&deliveries.position()));
        }
        let delivery = deliveries.next()?;
        Some(self.stream.tell(delivery, || deliveries.position()))
    }

    fn wrap(&self, told: Told) -> Message {
        let parcel = match self.framing {
            Framing::Plain => Parcel::plain(told.bytes),
            Framing::Chunked => self.sockets.chunk(told.bytes, self.stream.is_finished()),
        };
        Message { parcel, published: told.published }
    }

    /// Says as much as the socket takes, and a turn allows.
    fn push(&mut self, deliveries: &mut Deliveries<'_, Self>) -> io::Result<Progress> {
        let key = deliveries.key();
        if let Some(message) = self.rest.as_mut().and_then(|rest| rest.message.take()) {
            if !self.write(message, key)? {
                return Ok(Progress::Blocked);
            }
            self.forget_rest();
        }
        let before = self.written;
        while self.written - before < TURN {
            if self.stream.is_finished() {
                // What was written still arrives: closing a socket that has nothing to read does not reset it.
                self.io.shutdown(Shutdown::Write)?;
                return Ok(Progress::Gone);
            }
            let Some(told) = self.next(deliveries) else { return Ok(Progress::Ready) };
            let message = self.wrap(told);
            if !self.write(message, key)? {
                return Ok(Progress::Blocked);
            }
        }
        Ok(Progress::More)
    }

    /// Writes; answers whether that was all of it. What the socket does not take is kept.
    fn write(&mut self, mut message: Message, key: SubscriberKey) -> io::Result<bool> {
        while !message.parcel.is_empty() {
            match message.parcel.write_to(&mut self.io) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.written += written as u64;
                    self.stream.hub().counters().add(Count::Sent, written as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.keep(message, key);
                    return Ok(false);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if let Some(published) = message.published {
            self.stream.hub().counters().written_after(published.elapsed());
        }
        Ok(true)
    }

    /// Keeps what the socket has not taken, from now on or still.
    fn keep(&mut self, message: Message, key: SubscriberKey) {
        if let Some(rest) = &mut self.rest {
            rest.message = Some(message);
            return;
        }
        let patience = Patience::new(self.departed.write_limit());
        let alarm = Some(self.sockets.set_alarm(Alarm::Stalled(key), patience.first()));
        self.rest = Some(Box::new(Rest { message: Some(message), since: Instant::now(), patience, alarm }));
    }

    fn forget_rest(&mut self) {
        if let Some(alarm) = self.rest.take().and_then(|rest| rest.alarm) {
            self.sockets.unset_alarm(&alarm);
        }
    }
}

impl Rest {
    fn len(&self) -> usize {
        self.message.as_ref().map_or(0, |message| message.parcel.len())
    }
}

impl Sink for SocketSink {
    fn deliver(&mut self, deliveries: &mut Deliveries<'_, Self>) -> Progress {
        self.push(deliveries).unwrap_or_else(|error| {
            debug!(peer = ?self.stream.peer(), %error, "client cannot be written to: closing");
            Progress::Gone
        })
    }
}

impl Drop for SocketSink {
    fn drop(&mut self) {
        self.forget_rest();
        if let Some(expiry) = self.expiry.take() {
            self.sockets.unset_alarm(&expiry);
        }
    }
}
