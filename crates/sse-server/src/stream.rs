//! The body of an event stream: a subscription that actix polls.

use std::convert::Infallible;
use std::future::Future as _;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use sse_core::{Delivery, Lagged, Reason, Subscription};
use tokio::time::Sleep;

use crate::access::Expiry;
use crate::config::SlowPolicy;
use crate::counters::Count;
use crate::streams::Listed;
use crate::transport::{Connection, StreamGuard};
use crate::{Hub, control};

/// The longest piece that goes to actix at once, in bytes. actix copies it into a buffer of the connection: without a
/// bound, one large event would cost its size once for every subscriber.
const PIECE: usize = 16 * 1024;

/// See the module.
#[derive(Debug)]
pub(crate) struct StreamBody {
    hub: Hub,
    subscription: Subscription,
    /// Bytes of a delivery that are still to be given to actix.
    rest: Bytes,
    finished: bool,
    /// It began at a position, and what was found there is not counted yet.
    resuming: bool,
    /// Runs out with the token that opened the stream, if there was one. Boxed, so that other streams pay for a pointer.
    expiry: Option<Pin<Box<Sleep>>>,
    stream: Listed,
    connection: Option<Rc<Connection>>,
    _guard: Option<StreamGuard>,
}

impl StreamBody {
    /// `resuming` if the subscription began behind an event that its reader had seen.
    pub(crate) fn new(
        hub: Hub,
        subscription: Subscription,
        preamble: Bytes,
        resuming: bool,
        expiry: Expiry,
        stream: Listed,
        connection: Option<Rc<Connection>>,
    ) -> Self {
        let expiry = expiry.timer().map(Box::pin);
        let guard = connection.as_ref().map(Connection::begin_stream);
        let finished = false;
        Self {
            hub,
            subscription,
            rest: preamble,
            finished,
            resuming,
            expiry,
            stream,
            connection,
            _guard: guard,
        }
    }

    fn poll_expiry(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.expiry {
            Some(timer) => timer.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }

    fn encode(&mut self, delivery: Delivery) -> Bytes {
        if std::mem::take(&mut self.resuming) {
            self.hub.counters().one(outcome(&delivery));
        }
        let told = &self.stream.told;
        match delivery {
            Delivery::Frames(run) => {
                told.events.set(told.events.get() + run.frames());
                if let Some(connection) = &self.connection {
                    connection.on_its_way(self.hub.broadcaster().started() + run.published());
                }
                run.into_bytes()
            }
            Delivery::Lagged(lagged) => {
                told.gaps.set(told.gaps.get() + 1);
                if self.policy(&lagged) == SlowPolicy::Disconnect {
                    self.finish("lagging");
                    self.hub.counters().one(Count::EvictedLagging);
                }
                control::gap(&lagged)
            }
            Delivery::Heartbeat => control::HEARTBEAT,
            Delivery::Ended => {
                self.finish("ended");
                control::end(&self.subscription.position())
            }
            Delivery::Closed => {
                self.finish("drained");
                control::drain(&self.subscription.position(), self.hub.retry())
            }
        }
    }

    /// What becomes of this reader now. Who has just come back is not slow.
    fn policy(&self, lagged: &Lagged) -> SlowPolicy {
        if lagged.reason != Reason::Slow {
            return SlowPolicy::Gap;
        }
        self.hub.config().slow.of(lagged.topic.as_ref().unwrap_or(&self.stream.topic))
    }

    fn finish(&mut self, end: &'static str) {
        self.finished = true;
        self.stream.told.end.set(end);
    }
}

/// What a reader who came back has found, by the first thing that it is given.
fn outcome(first: &Delivery) -> Count {
    match first {
        Delivery::Lagged(lagged) => match lagged.reason {
            Reason::Restart => Count::ResumedRestart,
            Reason::Unknown => Count::ResumedUnknown,
            _ => Count::ResumedExpired,
        },
        _ => Count::ResumedExact,
    }
}

impl MessageBody for StreamBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        if self.rest.is_empty() {
            if self.finished {
                return Poll::Ready(None);
            }
            // First: nothing that comes after the end is for this reader.
            self.rest = if self.poll_expiry(cx).is_ready() {
                self.finish("expired");
                control::expired(&self.subscription.position())
            } else {
                let Poll::Ready(delivery) = self.subscription.poll_next(cx) else {
                    return Poll::Pending;
                };
                let Some(delivery) = delivery else { return Poll::Ready(None) };
                self.encode(delivery)
            };
        }
        let piece = PIECE.min(self.rest.len());
        let piece = self.rest.split_to(piece);
        let told = &self.stream.told;
        told.bytes.set(told.bytes.get() + piece.len() as u64);
        told.rest.set(self.rest.len());
        Poll::Ready(Some(Ok(piece)))
    }
}
