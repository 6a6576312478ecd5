//! The body of an event stream that actix polls: to its end, or until its socket can leave.
//!
//! A stream whose socket can leave is a body only for as long as it has much to say right away: its first bytes, and what
//! its reader has missed, go out with the head. Then the transport lets the socket go as soon as all of that is written,
//! and the [segment](super::socket) goes on. From the outside nothing happens.

use std::convert::Infallible;
use std::future::Future as _;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use tokio::time::Sleep;

use super::socket::Framing;
use super::{Subscription, Told};
use crate::access::Expiry;
use crate::sockets::Sockets;
use crate::streams::Listed;
use crate::transport::{Connection, StreamGuard, TakeOver};

/// The longest piece that goes to actix at once, in bytes. actix copies it into a buffer of the connection: without a
/// bound, one large event would cost its size once for every subscriber.
const PIECE: usize = 16 * 1024;

/// See the module.
#[derive(Debug)]
pub(crate) struct StreamBody {
    /// `None` when the socket leaves.
    polled: Option<Polled>,
    exit: Option<Exit>,
    /// Bytes that are still to be given to actix.
    rest: Bytes,
    given: usize,
    _guard: Option<StreamGuard>,
}

#[derive(Debug)]
struct Polled {
    subscription: Subscription,
    listed: Listed,
    expiry: Expiry,
    /// Boxed, so that streams without an end in time pay for a pointer.
    timer: Option<Pin<Box<Sleep>>>,
}

/// Where a socket goes that leaves.
#[derive(Debug)]
pub(crate) struct Exit {
    pub(crate) sockets: Rc<Sockets>,
    pub(crate) framing: Framing,
}

/// What its new owner needs to go on with the stream.
#[derive(Debug)]
pub(crate) struct Passenger {
    pub(crate) subscription: Subscription,
    /// Still in the list, for as long as actix has something to write.
    pub(crate) listed: Listed,
    pub(crate) expiry: Expiry,
    pub(crate) framing: Framing,
}

impl StreamBody {
    /// `expiry` is that of the token that opened the stream.
    pub(crate) fn new(
        subscription: Subscription,
        preamble: Bytes,
        expiry: Expiry,
        listed: Listed,
        exit: Option<Exit>,
    ) -> Self {
        let guard = listed.connection().map(Connection::begin_stream);
        listed.stream().count(&preamble);
        let timer = expiry.timer().map(Box::pin);
        let polled = Some(Polled { subscription, listed, expiry, timer });
        Self { polled, exit, rest: preamble, given: 0, _guard: guard }
    }

    /// Has the socket leave, if it can, when what was given is written.
    fn depart(&mut self) {
        let connection = self.polled.as_ref().and_then(|polled| polled.listed.connection().cloned());
        if let Some(connection) = connection
            && let Some(Exit { sockets, framing }) = self.exit.take()
            && let Some(Polled { subscription, listed, expiry, .. }) = self.polled.take()
        {
            let passenger = Passenger { subscription, listed, expiry, framing };
            connection.depart(TakeOver::new(move |left| sockets.take_over(left, passenger)));
        }
    }
}

impl Polled {
    fn poll_told(&mut self, cx: &mut Context<'_>) -> Poll<Option<Told>> {
        let Self { subscription, listed, timer, .. } = self;
        // First: nothing that comes after the end is for this reader.
        if timer.as_mut().is_some_and(|timer| timer.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(Some(listed.stream().expire(&subscription.position())));
        }
        let delivery = ready!(subscription.poll_next(cx));
        Poll::Ready(delivery.map(|delivery| listed.stream().tell(delivery, || subscription.position())))
    }
}

impl MessageBody for StreamBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let this = self.get_mut();
        // Nobody has to wake a body that departs: the transport is asked to flush right now, and again when the
        // socket takes more.
        let Some(polled) = &mut this.polled else { return Poll::Pending };
        if this.rest.is_empty() {
            if polled.listed.stream().is_finished() {
                return Poll::Ready(None);
            }
            if this.exit.is_some() && this.given >= PIECE {
                this.depart();
                return Poll::Pending;
            }
            let Poll::Ready(told) = polled.poll_told(cx) else {
                this.depart();
                return Poll::Pending;
            };
            let Some(told) = told else { return Poll::Ready(None) };
            if let (Some(published), Some(connection)) = (told.published, polled.listed.connection()) {
                connection.on_its_way(published);
            }
            this.rest = told.bytes;
        }
        let piece = PIECE.min(this.rest.len());
        let piece = this.rest.split_to(piece);
        this.given = this.given.saturating_add(piece.len());
        polled.listed.rests(this.rest.len());
        Poll::Ready(Some(Ok(piece)))
    }
}
