//! The open streams of a worker's thread: who reads what, and how far behind they are.
//!
//! Streams that actix polls are listed here for as long as their bodies live; those that have sockets of their own are
//! listed by the segment, which has them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Instant;

use slab::Slab;
use sse_core::{Lag, SubscriberKey};

use crate::stream::{End, Segment, Stream};
use crate::transport::Connection;

/// How many streams are looked at before other tasks of the thread have their turn: some tens of microseconds, if every
/// one of them has to be asked how far behind it is.
const AT_A_TIME: usize = 256;

/// The list. Cheap to clone; every clone is the same.
#[derive(Clone, Debug)]
pub(crate) struct Streams {
    polled: Rc<RefCell<Slab<Rc<Polled>>>>,
    segment: Segment,
}

/// A stream that actix polls.
#[derive(Debug)]
pub(crate) struct Polled {
    stream: Stream,
    subscriber: SubscriberKey,
    /// `None` under somebody else's `HttpServer`.
    connection: Option<Rc<Connection>>,
    /// Bytes of a delivery that the connection had no room for yet.
    rest: Cell<usize>,
}

/// A stream, as somebody sees it who looks on.
#[derive(Debug)]
pub(crate) struct Sight<'a> {
    pub(crate) stream: &'a Stream,
    pub(crate) lag: Lag,
    /// Since when its client has not taken all that it was sent.
    pub(crate) blocked_since: Option<Instant>,
    /// Bytes that have left the log and not the server.
    pub(crate) unsent: usize,
}

impl Streams {
    pub(crate) fn new(segment: Segment) -> Self {
        Self { polled: Rc::default(), segment }
    }

    /// Lists a stream that actix polls until the result is dropped.
    pub(crate) fn list(
        &self,
        stream: Stream,
        subscriber: SubscriberKey,
        connection: Option<Rc<Connection>>,
    ) -> Listed {
        let polled = Rc::new(Polled { stream, subscriber, connection, rest: Cell::new(0) });
        let place = self.polled.borrow_mut().insert(Rc::clone(&polled));
        Listed { entry: Entry { streams: Rc::clone(&self.polled), place }, polled }
    }

    /// Goes through the streams that are open, some at a time: what `f` is shown next may have come since it was shown
    /// the last, and what it was shown may have gone. Other tasks of the thread run in between.
    pub(crate) async fn for_each(&self, mut f: impl FnMut(Sight<'_>)) {
        self.cut(|sight| {
            f(sight);
            None
        })
        .await;
    }

    /// Goes through the streams as [`for_each`](Self::for_each) does, and ends those for which `why` has a reason, with
    /// their connections and without another byte.
    pub(crate) async fn cut(&self, mut why: impl FnMut(Sight<'_>) -> Option<End>) {
        let mut next = 0;
        while let Some(some) = self.polled_from(&mut next) {
            for polled in some {
                let lag = self.segment.lag(polled.subscriber).unwrap_or_default();
                if let Some(end) = why(polled.sight(lag)) {
                    polled.evict(end);
                }
            }
            tokio::task::yield_now().await;
        }
        let mut next = Some(0);
        let mut some = Vec::new();
        while let Some(from) = next {
            next = self.segment.sinks(from, AT_A_TIME, &mut some);
            for sink in some.drain(..) {
                let lag = self.segment.lag(sink).unwrap_or_default();
                let is_cut = self.segment.with_sink(sink, |sink| {
                    let end = why(sink.sight(lag));
                    end.inspect(|end| sink.stream().will_end(*end)).is_some()
                });
                if is_cut == Some(true) {
                    self.segment.remove(sink);
                }
            }
            tokio::task::yield_now().await;
        }
    }

    fn polled_from(&self, next: &mut usize) -> Option<Vec<Rc<Polled>>> {
        let streams = self.polled.borrow();
        let end = (*next + AT_A_TIME).min(streams.capacity());
        let places = (*next..end).filter_map(|place| streams.get(place));
        let some: Vec<_> = places.filter(|polled| !polled.is_evicted()).cloned().collect();
        let is_over = *next >= streams.capacity();
        *next = end;
        (!is_over).then_some(some)
    }
}

impl Polled {
    fn sight(&self, lag: Lag) -> Sight<'_> {
        let blocked_since = self.connection.as_ref().and_then(|connection| connection.blocked_since());
        let unsent = self.rest.get() + self.connection.as_ref().map_or(0, |connection| connection.unsent());
        Sight { stream: &self.stream, lag, blocked_since, unsent }
    }

    fn is_evicted(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| connection.is_evicted())
    }

    fn evict(&self, end: End) {
        if let Some(connection) = &self.connection {
            self.stream.will_end(end);
            connection.evict();
        }
    }
}

/// A stream that is in the list. Lives in its body.
#[derive(Debug)]
pub(crate) struct Listed {
    entry: Entry,
    polled: Rc<Polled>,
}

#[derive(Debug)]
struct Entry {
    streams: Rc<RefCell<Slab<Rc<Polled>>>>,
    place: usize,
}

impl Listed {
    pub(crate) fn stream(&self) -> &Stream {
        &self.polled.stream
    }

    pub(crate) fn connection(&self) -> Option<&Rc<Connection>> {
        self.polled.connection.as_ref()
    }

    /// Takes it from the list: actix polls it no more.
    pub(crate) fn unlist(self) -> Stream {
        let Self { entry, polled } = self;
        drop(entry);
        Rc::into_inner(polled).expect("who looks on does so within a turn").stream
    }

    /// So many bytes wait for room in the connection.
    pub(crate) fn rests(&self, bytes: usize) {
        self.polled.rest.set(bytes);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.streams.borrow_mut().remove(self.place);
    }
}
