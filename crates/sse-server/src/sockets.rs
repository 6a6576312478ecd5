//! The sockets of a worker's segment: what the system says of them, and what time it is for them.
//!
//! All of a thread's sockets are in one event queue of their own, which the thread's runtime watches as if it were one
//! socket. So a socket that nothing happens to costs no task and no timer, and one that can be written to again, or has
//! hung up, is known at once.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::task::{Poll, ready};
use std::time::Duration;

use futures_util::future::poll_fn;
use mio::event::Event;
use mio::{Events, Interest, Registry, Token};
use sse_core::SubscriberKey;
use tokio::io::unix::AsyncFd;
use tokio::task::yield_now;
use tokio_util::time::{DelayQueue, delay_queue};
use tracing::warn;

mod chunk;
mod parcel;

use self::chunk::Chunks;
pub(crate) use self::parcel::Parcel;
use crate::stream::Segment;
use crate::stream::body::Passenger;
use crate::stream::socket::{Socket, SocketSink};
use crate::transport::Left;
use bytes::Bytes;

/// Events that are looked at before other tasks of the thread have their turn.
const EVENTS: usize = 256;

/// See the module.
#[derive(Debug)]
pub(crate) struct Sockets {
    registry: Registry,
    alarms: RefCell<DelayQueue<Alarm>>,
    chunks: RefCell<Chunks>,
}

/// Something that a socket has to do at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alarm {
    /// Its token runs out.
    Expired(SubscriberKey),
    /// What the client has taken of what waits for it is to be looked at.
    Stalled(SubscriberKey),
}

impl Sockets {
    /// No sockets, and where to wait for what happens to them.
    ///
    /// # Errors
    ///
    /// What the operating system says: no file is left, for the most part.
    pub(crate) fn new() -> io::Result<(Rc<Self>, AsyncFd<mio::Poll>)> {
        let poll = mio::Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let sockets = Self { registry, alarms: RefCell::default(), chunks: RefCell::default() };
        #[expect(
            deprecated,
            reason = "what takes its place is unsafe, for types whose descriptor changes: not this one's"
        )]
        let poll = AsyncFd::with_interest(poll, tokio::io::Interest::READABLE)?;
        Ok((Rc::new(sockets), poll))
    }

    /// Makes the segment the owner of a socket that has left actix.
    pub(crate) fn take_over(self: &Rc<Self>, left: Left, passenger: Passenger) {
        let Passenger { subscription, listed, expiry, framing } = passenger;
        let key = subscription.key();
        let io = left.io.into_std().map(mio::net::TcpStream::from_std);
        let registered = io.and_then(|mut io| {
            const { assert!(usize::BITS >= u64::BITS, "an event has to name the generation, too") };
            let token = Token(key.to_bits() as usize);
            self.registry.register(&mut io, token, Interest::READABLE | Interest::WRITABLE)?;
            Ok(io)
        });
        let io = match registered {
            Ok(io) => io,
            Err(error) => {
                warn!(%error, "a stream is cut: its socket cannot be watched");
                return;
            }
        };
        let expiry = expiry.left().map(|left| self.set_alarm(Alarm::Expired(key), left));
        let socket = Socket { io, framing, written: left.written, departed: left.departed };
        subscription.hand_over(SocketSink::new(socket, listed.unlist(), expiry, Rc::clone(self)));
    }

    /// Has an alarm given after a time, once.
    pub(crate) fn set_alarm(&self, alarm: Alarm, after: Duration) -> delay_queue::Key {
        self.alarms.borrow_mut().insert(alarm, after)
    }

    /// Takes back an alarm that was not given.
    pub(crate) fn unset_alarm(&self, key: &delay_queue::Key) {
        self.alarms.borrow_mut().try_remove(key);
    }

    /// The bytes as one chunk of a body, or as its last. Made once for all who are told the same one after another.
    pub(crate) fn chunk(&self, bytes: Bytes, is_last: bool) -> Parcel {
        self.chunks.borrow_mut().of(bytes, is_last)
    }

    /// Lets go of what was kept for the next who is told the same.
    pub(crate) fn forget(&self) {
        self.chunks.take();
    }

    /// Tells the segment what happens to its sockets.
    pub(crate) async fn watch(mut poll: AsyncFd<mio::Poll>, segment: Segment) {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            let Ok(mut guard) = poll.readable_mut().await else { return };
            let found = guard.get_inner_mut().poll(&mut events, Some(Duration::ZERO));
            if found.is_ok() && events.iter().count() < EVENTS {
                guard.clear_ready();
            }
            events.iter().for_each(|event| happened(event, &segment));
            yield_now().await;
        }
    }

    /// Gives the alarms.
    pub(crate) async fn ring(self: Rc<Self>, segment: Segment) {
        loop {
            match self.next_alarm().await {
                Alarm::Expired(key) => {
                    if segment.with_sink(key, SocketSink::expire).is_some() {
                        segment.call(key);
                    }
                }
                Alarm::Stalled(key) => {
                    if segment.with_sink(key, |sink| sink.is_taking(key)) == Some(false) {
                        segment.remove(key);
                    }
                }
            }
        }
    }

    async fn next_alarm(&self) -> Alarm {
        poll_fn(|cx| {
            let mut alarms = self.alarms.borrow_mut();
            match ready!(alarms.poll_expired(cx)) {
                Some(alarm) => Poll::Ready(alarm.into_inner()),
                // Nobody has one. Whoever sets the first wakes this task.
                None => Poll::Pending,
            }
        })
        .await
    }
}

fn happened(event: &Event, segment: &Segment) {
    let key = SubscriberKey::from_bits(event.token().0 as u64);
    if event.is_readable() || event.is_read_closed() || event.is_error() {
        // Dropped here, and not while the segment shows it.
        if segment.with_sink(key, SocketSink::is_quiet) == Some(false) {
            segment.remove(key);
            return;
        }
    }
    if event.is_writable() {
        segment.unblock(key);
    }
}
