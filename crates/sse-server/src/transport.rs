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
//! | `Head` | the rest of one request head, and not a byte more | `head`: 408, and the connection closes |
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
//! A deadline for stalled writes, and handing an open stream's socket to its segment, belong in this type too.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use std::{io, mem};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};
use tracing::debug;

mod ahead;
mod connection;
mod head;
mod open;
#[cfg(test)]
mod tests;

pub(crate) use self::ahead::{Carry, LookAhead};
pub(crate) use self::connection::{Connection, Mode, StreamGuard};
use self::head::HeadEnd;
pub(crate) use self::open::{OpenConnections, OpenGuard};

/// The most bytes that actix gets before the connection's task yields.
///
/// A typical browser's request head fits in one turn. Larger turns buy upload speed with memory: what one turn
/// can hold of small requests is what actix may parse ahead of the handler.
const TURN: usize = 4 * 1024;

/// How long a client may take to begin and to send a request head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeLimits {
    /// From a head's first byte to its end; for a new connection, also from accept to the first byte.
    pub(crate) head: Duration,
    /// From the end of an answer to the first byte of the next request.
    pub(crate) keep_alive: Duration,
}

/// A socket, or TLS over one, that reads what is due and no more; see the module's table.
#[derive(Debug)]
pub(crate) struct Transport<S = TcpStream> {
    io: S,
    connection: Rc<Connection>,
    limits: TimeLimits,
    /// Runs in `Idle` and `Head`; made anew when either begins.
    deadline: Option<Pin<Box<Sleep>>>,
    head_end: HeadEnd,
    /// Bytes were handed out in this turn: the next read yields.
    turn_over: bool,
    /// The socket did not take all of the last write.
    write_blocked: bool,
    /// The client of an open stream has closed its side.
    hung_up: bool,
    log: Log,
    _open: OpenGuard,
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
    pub(crate) fn new(io: S, limits: TimeLimits, open: OpenGuard) -> Self {
        let connection = Rc::new(Connection::new(io.peer()));
        debug!(peer = connection.peer_for_log(), "connection opened");
        Self {
            io,
            connection,
            limits,
            deadline: Some(Box::pin(sleep(limits.head))),
            head_end: HeadEnd::default(),
            turn_over: false,
            write_blocked: false,
            hung_up: false,
            log: Log { opened: Instant::now(), received: 0, sent: 0 },
            _open: open,
        }
    }

    /// The state shared with this connection's handlers.
    pub(crate) fn connection(&self) -> &Rc<Connection> {
        &self.connection
    }

    fn poll_head(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.write_blocked {
            return Poll::Pending;
        }
        // Before the read: a client that always has one more byte to send must not escape.
        if self.poll_deadline(cx).is_ready() {
            return Poll::Ready(self.time_out());
        }

        // Peek first, so that what follows the head stays in the kernel. The scan only limits what is handed
        // out; that the head is complete is for actix to say, by starting the request.
        let mut ahead = buf.take(TURN);
        if ready!(self.io.poll_peek(cx, &mut ahead))? == 0 {
            return Poll::Ready(Ok(()));
        }
        let mut head_end = self.head_end;
        let due = head_end.advance(ahead.filled());
        ready!(self.poll_fill(cx, buf, due))?;
        self.head_end = head_end;

        if self.connection.mode() == Mode::Idle {
            self.connection.begin_head();
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
        Poll::Ready(Ok(read))
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
        debug!(peer = self.connection.peer_for_log(), "request head took too long: closing");
        // All earlier answers are written, or this head would not have been read. If the socket does not take
        // these few bytes, the client has to do without.
        let answer = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        let mut at_once = Context::from_waker(Waker::noop());
        let _ = Pin::new(&mut self.io).poll_write(&mut at_once, answer);
        let _ = Pin::new(&mut self.io).poll_flush(&mut at_once);
        Err(io::Error::new(io::ErrorKind::TimedOut, "request head took too long"))
    }
}

impl<S: LookAhead> AsyncRead for Transport<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
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
        let Poll::Ready(written) = Pin::new(&mut self.io).poll_write(cx, data) else {
            self.write_blocked = true;
            return Poll::Pending;
        };
        if mem::take(&mut self.write_blocked) {
            self.connection.wake_reader();
        }
        if let Ok(written) = written {
            self.log.sent += written as u64;
        }
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

impl<S> Drop for Transport<S> {
    fn drop(&mut self) {
        debug!(
            peer = self.connection.peer_for_log(),
            seconds = self.log.opened.elapsed().as_secs_f32(),
            received = self.log.received,
            sent = self.log.sent,
            "connection closed"
        );
    }
}
