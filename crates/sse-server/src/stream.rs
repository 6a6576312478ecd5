//! The body of an event stream: a subscription that actix polls.

use std::convert::Infallible;
use std::future::Future as _;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use sse_core::{Delivery, Subscription, TopicName};
use tokio::time::Sleep;
use tracing::info;

use crate::access::Expiry;
use crate::transport::StreamGuard;
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
    /// Runs out with the token that opened the stream, if there was one. Boxed, so that other streams pay for a pointer.
    expiry: Option<Pin<Box<Sleep>>>,
    life: Life,
    _guard: Option<StreamGuard>,
}

impl StreamBody {
    pub(crate) fn new(
        hub: Hub,
        subscription: Subscription,
        preamble: Bytes,
        expiry: Expiry,
        life: Life,
        guard: Option<StreamGuard>,
    ) -> Self {
        let expiry = expiry.timer().map(Box::pin);
        Self { hub, subscription, rest: preamble, finished: false, expiry, life, _guard: guard }
    }

    fn poll_expiry(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.expiry {
            Some(timer) => timer.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }

    fn encode(&mut self, delivery: Delivery) -> Bytes {
        match delivery {
            Delivery::Frames(run) => {
                self.life.events += run.frames();
                run.into_bytes()
            }
            Delivery::Lagged(lagged) => {
                self.life.gaps += 1;
                control::gap(&lagged)
            }
            Delivery::Heartbeat => control::HEARTBEAT,
            Delivery::Ended => {
                self.finished = true;
                self.life.end = "ended";
                control::end(&self.subscription.position())
            }
            Delivery::Closed => {
                self.finished = true;
                self.life.end = "drained";
                control::drain(&self.subscription.position(), self.hub.drain_retry())
            }
        }
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
                self.finished = true;
                self.life.end = "expired";
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
        self.life.bytes += piece.len() as u64;
        Poll::Ready(Some(Ok(piece)))
    }
}

/// A stream's life, told in one line of the log when it is over.
#[derive(Debug)]
pub(crate) struct Life {
    peer: Option<SocketAddr>,
    topic: TopicName,
    /// How many more topics there are.
    others: usize,
    began: Instant,
    events: u64,
    gaps: u64,
    bytes: u64,
    end: &'static str,
}

impl Life {
    /// The life of a stream of at least one topic.
    pub(crate) fn new(peer: Option<SocketAddr>, topics: &[TopicName]) -> Self {
        let (topic, others) = (topics[0].clone(), topics.len() - 1);
        Self { peer, topic, others, began: Instant::now(), events: 0, gaps: 0, bytes: 0, end: "left" }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        info!(
            peer = self.peer.map(tracing::field::display),
            // Debug escapes what could forge a line of the log.
            topic = ?self.topic.as_str(),
            others = self.others,
            seconds = self.began.elapsed().as_secs(),
            events = self.events,
            gaps = self.gaps,
            bytes = self.bytes,
            end = self.end,
            "stream"
        );
    }
}
