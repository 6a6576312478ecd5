//! The byte stream under HTTP/1.1: a TCP socket, or TLS over one, that hands a client's bytes on only when they are due.
//!
//! actix-http reads whatever arrives, whenever it arrives. On a server of long streams that costs memory and
//! time: a burst of requests sent behind an open stream is parsed and kept (measured: 24 MiB for 105 KiB), and
//! a full read buffer makes the dispatcher wake itself for ever. [`Transport`] wraps the socket, and is where
//! both end. It also keeps the time limits that actix has for a connection's first request only.
//!
//! The rule is the [`Mode`] of the connection, shared with the request in progress through [`Connection`]:
//!
//! | mode | what the client may send | time limit |
//! | --- | --- | --- |
//! | `Idle` | the first byte of a request | `keep_alive`, `head` on a new connection: it closes |
//! | `Head` | the rest of one request head, of so many bytes, and not one more | `head`: 408, and the connection closes |
//! | `Handling` | the body of this request, if it has one | none: the handler's |
//! | `Streaming` | nothing: one byte is an error | none: heartbeats and TCP's |
//!
//! What is not due stays in the kernel, where it is bounded and slows the client down (over TLS, at most [`TURN`] bytes
//! of it are here: see [`LookAhead`]). So a second request
//! sent early waits for its turn; and whoever takes the socket out of actix finds no stray bytes in a buffer.
//!
//! Three more promises. At most [`TURN`] bytes go to actix at a time, then the connection's task yields.
//! No new request is read while answers to earlier ones cannot be written, or a client that never reads could
//! make the server keep its answers without bound. And once the client of an open stream has closed its side,
//! writes fail, because actix would otherwise wait, without a limit, for a stalled reader to take the rest.
//!
//! Writes that the client does not take have a time limit here too, for whatever answer it is: a body that cannot be
//! written is not polled, so it could not end itself. From outside, [`Connection::evict`] ends a connection at once.
//!
//! And a socket can leave: once all is written that was said before [`Connection::depart`], it goes to its new owner, and
//! actix is told that the connection has ended.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use std::{io, mem};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};
use tracing::{debug, info};

mod ahead;
mod connection;
mod departure;
mod head;
mod open;
mod plain;
mod stall;
#[cfg(test)]
mod tests;
mod unacknowledged;
mod wire;

pub(crate) use self::ahead::{Carry, LookAhead};
pub(crate) use self::connection::{Connection, Mode, StreamGuard};
pub(crate) use self::departure::{Departed, Departures, Left, TakeOver};
use self::head::HeadEnd;
pub(crate) use self::open::{OpenConnections, OpenGuard};
pub(crate) use self::plain::Plain;
pub(crate) use self::stall::{Patience, Stall};
pub(crate) use self::unacknowledged::taken;
pub(crate) use self::wire::Wire;
use crate::counters::{Count, Counters};

/// The most bytes that actix gets before the connection's task yields.
///
/// A typical browser's request head fits in one turn. Larger turns buy upload speed with memory: what one turn
/// can hold of small requests is what actix may parse ahead of the handler.
const TURN: usize = 4 * 1024;

/// What a client may take: time, and room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// From a head's first byte to its end; for a new connection, also from accept to the first byte.
    pub(crate) head: Duration,
    /// From the end of an answer to the first byte of the next request.
    pub(crate) keep_alive: Duration,
    /// To take a few kilobytes of what is waiting for it; see [`Stall`].
    pub(crate) write: Duration,
    /// Bytes of a request head. actix has a limit of its own, which cannot be set: 128 KiB.
    pub(crate) head_bytes: usize,
}

/// A socket, or TLS over one, that reads what is due and no more; see the module's table.
#[derive(Debug)]
pub(crate) struct Transport<S = Plain> {
    io: S,
    connection: Rc<Connection>,
    limits: Limits,
    /// Runs in `Idle` and `Head`; made anew when either begins.
    deadline: Option<Pin<Box<Sleep>>>,
    head_end: HeadEnd,
    /// Bytes of the current head so far.
    head_bytes: usize,
    /// Bytes were handed out in this turn: the next read yields.
    turn_over: bool,
    /// Runs while the socket does not take all that there is to write.
    stall: Option<Stall>,
    /// The client of an open stream has closed its side.
    hung_up: bool,
    counters: Arc<Counters>,
    log: Log,
    /// Where sockets go that leave, if they may.
    departures: Option<Departures>,
    /// `None` when the socket has left.
    open: Option<OpenGuard>,
}

/// What the closing line in the log says.
#[derive(Debug)]
struct Log {
    opened: Instant,
    received: u64,
    sent: u64,
}

impl<S: LookAhead> Transport<S> {
    /// Wraps an accepted socket. The time for the first request starts now.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime with timers.
    pub(crate) fn new(
        io: S,
        limits: Limits,
        open: OpenGuard,
        departures: Option<Departures>,
        counters: Arc<Counters>,
    ) -> Self {
        let departures = departures.filter(|_| S::CAN_LEAVE);
        let connection = Rc::new(Connection::new(io.peer(), departures.is_some()));
        debug!(peer = connection.peer_for_log(), "connection opened");
        Self {
            io,
            connection,
            limits,
            deadline: Some(Box::pin(sleep(limits.head))),
            head_end: HeadEnd::default(),
            head_bytes: 0,
            turn_over: false,
            stall: None,
            hung_up: false,
            counters,
            log: Log { opened: Instant::now(), received: 0, sent: 0 },
            departures,
            open: Some(open),
        }
    }

    /// The state shared with this connection's handlers.
    pub(crate) fn connection(&self) -> &Rc<Connection> {
        &self.connection
    }

    fn poll_head(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.stall.is_some() {
            return Poll::Pending;
        }
        // Before the read: a client that always has one more byte to send must not escape.
        if self.poll_deadline(cx).is_ready() {
            return Poll::Ready(self.time_out());
        }
        // What is left of a body that was not waited for is no head: actix reads on, so that the answer arrives.
        let rest = self.connection.rest_of_body(TURN.min(buf.remaining()));
        if rest > 0 {
            let read = ready!(self.poll_fill(cx, buf, rest))?;
            self.connection.body_read(read);
            return Poll::Ready(Ok(()));
        }

        // Peek first, so that what follows the head stays in the kernel. The scan only limits what is handed
        // out; that the head is complete is for actix to say, by starting the request.
        let mut ahead = buf.take(TURN);
        if ready!(self.io.poll_peek(cx, &mut ahead))? == 0 {
            return Poll::Ready(Ok(()));
        }
        let mut head_end = self.head_end;
        let due = head_end.advance(ahead.filled());
        let read = ready!(self.poll_fill(cx, buf, due))?;
        self.head_end = head_end;

        if self.connection.mode() == Mode::Idle {
            self.connection.begin_head();
            self.head_bytes = 0;
        }
        self.head_bytes += read;
        if self.head_bytes > self.limits.head_bytes {
            return Poll::Ready(
                self.refuse_head("431 Request Header Fields Too Large", "request head is too large"),
            );
        }
        Poll::Ready(Ok(()))
    }

    fn poll_body(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.deadline = None;
        let due = self.connection.body_due(TURN.min(buf.remaining()));
        if due == 0 {
            // Not even for the end of the stream: a client that closes its side after a short request still
            // gets the answer.
            return Poll::Pending;
        }
        let read = ready!(self.poll_fill(cx, buf, due))?;
        self.connection.body_read(read);
        Poll::Ready(Ok(()))
    }

    /// Ready when the client is gone, or has sent what it must not.
    fn poll_stream(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.deadline = None;
        if !self.connection.was_pipelined() {
            let mut byte = [0];
            let mut byte = ReadBuf::new(&mut byte);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut byte))?;
            if byte.filled().is_empty() {
                self.hung_up = true;
                return Poll::Ready(Ok(()));
            }
        }
        debug!(peer = self.connection.peer_for_log(), "client sends on an open stream: closing");
        Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "client sends on an open stream")))
    }

    /// Reads up to `due` bytes, more than 0, into `buf`. Nothing read is the end of the stream.
    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
        due: usize,
    ) -> Poll<io::Result<usize>> {
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(due));
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut part))?;
        let read = part.filled().len();
        buf.advance(read);
        self.turn_over = read > 0;
        self.log.received += read as u64;
        if !S::IS_OVER_WIRE {
            self.counters.add(Count::Received, read as u64);
        }
        Poll::Ready(Ok(read))
    }

    /// Waits with so many bytes for the client to take some; ready if it took too few for too long.
    fn poll_stall(&mut self, cx: &mut Context<'_>, unsent: usize) -> Poll<io::Error> {
        self.connection.blocked(unsent);
        let stall = self.stall.get_or_insert_with(|| Stall::begin(self.limits.write));
        ready!(stall.poll(cx, || self.io.taken(self.log.sent)));
        info!(peer = self.connection.peer_for_log(), unsent, "client takes too little: closing");
        self.counters.one(Count::EvictedStalled);
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "client takes too little"))
    }

    /// Gives the socket away; what actix is told then.
    fn depart(&mut self, take_over: TakeOver) -> io::Error {
        let departed = self.departures.as_ref().zip(self.open.take());
        if let (Some((departures, open)), Some(io)) = (departed, self.io.take_away()) {
            let (written, departed) = (self.log.sent, departures.leave(open));
            take_over.call(Left { io, written, departed });
        }
        io::Error::new(io::ErrorKind::NotConnected, "the socket has left")
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.connection.take_mode_change() {
            self.deadline = None;
        }
        let limit = match self.connection.mode() {
            Mode::Idle => self.limits.keep_alive,
            _ => self.limits.head,
        };
        self.deadline.get_or_insert_with(|| Box::pin(sleep(limit))).as_mut().poll(cx)
    }

    fn time_out(&mut self) -> io::Result<()> {
        if self.connection.mode() == Mode::Idle {
            // Nothing was asked: an end of stream, which actix answers by closing in good order.
            return Ok(());
        }
        self.refuse_head("408 Request Timeout", "request head took too long")
    }

    /// Ends the connection because of a head that actix has not seen whole.
    fn refuse_head(&mut self, status: &str, why: &'static str) -> io::Result<()> {
        debug!(peer = self.connection.peer_for_log(), why, "closing");
        let answer = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        // All earlier answers are written, or this head would not have been read. If the socket does not take
        // these few bytes, the client has to do without.
        let mut at_once = Context::from_waker(Waker::noop());
        let _ = Pin::new(&mut self.io).poll_write(&mut at_once, answer.as_bytes());
        let _ = Pin::new(&mut self.io).poll_flush(&mut at_once);
        Err(io::Error::other(why))
    }
}

impl<S: LookAhead> AsyncRead for Transport<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.connection.is_evicted() {
            return Poll::Ready(Err(evicted()));
        }
        if mem::take(&mut self.turn_over) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let read = match self.connection.mode() {
            Mode::Idle | Mode::Head => self.poll_head(cx, buf),
            Mode::Handling => self.poll_body(cx, buf),
            Mode::Streaming => self.poll_stream(cx),
        };
        if read.is_pending() {
            // In another mode the answer may be another: other bytes are due, or a time limit begins. actix does
            // not ask again by itself when a handler or a stream has finished.
            self.connection.park_reader(cx);
        }
        read
    }
}

impl<S: LookAhead> AsyncWrite for Transport<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        if self.hung_up {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if self.connection.is_evicted() {
            return Poll::Ready(Err(evicted()));
        }
        match Pin::new(&mut self.io).poll_write(cx, data) {
            Poll::Ready(Ok(written)) => {
                self.log.sent += written as u64;
                if !S::IS_OVER_WIRE {
                    self.counters.add(Count::Sent, written as u64);
                }
                Poll::Ready(Ok(written))
            }
            Poll::Pending => self.poll_stall(cx, data.len()).map(Err),
            failed @ Poll::Ready(Err(_)) => failed,
        }
    }

    /// Everything has been written, or is held by TLS: that is when actix flushes.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.connection.is_evicted() {
            return Poll::Ready(Err(evicted()));
        }
        if Pin::new(&mut self.io).poll_flush(cx)?.is_pending() {
            return self.poll_stall(cx, 0).map(Err);
        }
        if let Some(published) = self.connection.take_published() {
            self.counters.written_after(published.elapsed());
        }
        if self.stall.take().is_some() {
            self.connection.unblocked();
            self.connection.wake_reader();
        }
        if let Some(take_over) = self.connection.take_departure() {
            return Poll::Ready(Err(self.depart(take_over)));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// Why it was, who evicted it has said.
fn evicted() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "evicted")
}

impl<S> Drop for Transport<S> {
    fn drop(&mut self) {
        // It may know the connection.
        drop(self.connection.take_departure());
        debug!(
            peer = self.connection.peer_for_log(),
            seconds = self.log.opened.elapsed().as_secs_f32(),
            received = self.log.received,
            sent = self.log.sent,
            left = self.open.is_none(),
            "connection closed"
        );
    }
}
