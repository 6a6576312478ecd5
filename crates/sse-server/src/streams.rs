//! The open streams of a worker's thread: who reads what, and how far behind they are.
//!
//! A stream is in the list for as long as its body lives. The body says what it has given; the connection says what
//! waits; how far behind the reader is, only the segment knows.

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Instant;

use slab::Slab;
use sse_core::{Lag, Segment, SubscriberKey, TopicName};
use tracing::info;

use crate::per_address::Entered;
use crate::transport::Connection;

/// The list. Cheap to clone; every clone is the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Streams(Rc<RefCell<Slab<Rc<Stream>>>>);

/// What is known of one stream.
#[derive(Debug)]
pub(crate) struct Stream {
    /// Where the connection comes from, which may be a proxy.
    pub(crate) peer: Option<SocketAddr>,
    /// Who reads: the peer, or who a trusted proxy says it asks for.
    pub(crate) client: Option<IpAddr>,
    pub(crate) topic: TopicName,
    /// How many more topics there are.
    pub(crate) others: usize,
    pub(crate) began: Instant,
    /// Whether its reader is to be cut off when it falls behind.
    pub(crate) cut_when_lagging: bool,
    subscriber: SubscriberKey,
    /// `None` under somebody else's `HttpServer`.
    connection: Option<Rc<Connection>>,
    pub(crate) told: Told,
    _entered: Option<Entered>,
}

/// What a stream begins with.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) client: Option<IpAddr>,
    pub(crate) topics: Vec<TopicName>,
    pub(crate) cut_when_lagging: bool,
    pub(crate) subscriber: SubscriberKey,
    pub(crate) connection: Option<Rc<Connection>>,
    pub(crate) entered: Option<Entered>,
}

/// What its body has given to the connection so far.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) events: Cell<u64>,
    pub(crate) gaps: Cell<u64>,
    pub(crate) bytes: Cell<u64>,
    /// Bytes of a delivery that the connection had no room for yet.
    pub(crate) rest: Cell<usize>,
    /// Why it is over, in one word; empty if the client left.
    pub(crate) end: Cell<&'static str>,
}

impl Stream {
    /// A stream of at least one topic.
    pub(crate) fn new(opened: Opened) -> Self {
        let Opened { peer, client, topics, cut_when_lagging, subscriber, connection, entered } = opened;
        let (topic, others) = (topics[0].clone(), topics.len() - 1);
        let began = Instant::now();
        let told = Told::default();
        Self {
            peer,
            client,
            topic,
            others,
            began,
            cut_when_lagging,
            subscriber,
            connection,
            told,
            _entered: entered,
        }
    }

    /// How far behind its reader is. The segment is that of its thread.
    pub(crate) fn lag(&self, segment: &Segment) -> Lag {
        segment.lag(self.subscriber).unwrap_or_default()
    }

    /// Since when its client has not taken all that it was sent.
    pub(crate) fn blocked_since(&self) -> Option<Instant> {
        self.connection.as_ref()?.blocked_since()
    }

    /// Bytes that have left the log and not the server.
    pub(crate) fn unsent(&self) -> usize {
        self.told.rest.get() + self.connection.as_ref().map_or(0, |connection| connection.unsent())
    }

    /// Ends it from outside, with its connection. Answers whether that was news.
    pub(crate) fn evict(&self, end: &'static str) -> bool {
        let Some(connection) = self.connection.as_ref().filter(|connection| !connection.is_evicted()) else {
            return false;
        };
        self.told.end.set(end);
        connection.evict();
        true
    }
}

impl Drop for Stream {
    /// A stream's life, told in one line of the log when it is over.
    fn drop(&mut self) {
        let end = self.told.end.get();
        info!(
            peer = self.peer.map(tracing::field::display),
            client = self.client.map(tracing::field::display),
            // Debug escapes what could forge a line of the log.
            topic = ?self.topic.as_str(),
            others = self.others,
            seconds = self.began.elapsed().as_secs(),
            events = self.told.events.get(),
            gaps = self.told.gaps.get(),
            bytes = self.told.bytes.get(),
            end = if end.is_empty() { "left" } else { end },
            "stream"
        );
    }
}

impl Streams {
    /// Lists a stream until the result is dropped.
    pub(crate) fn list(&self, stream: Stream) -> Listed {
        let stream = Rc::new(stream);
        let place = self.0.borrow_mut().insert(Rc::clone(&stream));
        Listed { streams: self.clone(), place, stream }
    }

    /// Goes through the streams that are open, some at a time: what `f` is shown next may have come since it was shown
    /// the last, and what it was shown may have gone. Other tasks of the thread run in between.
    pub(crate) async fn for_each(&self, mut f: impl FnMut(&Stream)) {
        /// Some tens of microseconds, if every one of them has to be asked how far behind it is.
        const AT_A_TIME: usize = 256;

        let mut next = 0;
        loop {
            let some: Vec<_> = {
                let streams = self.0.borrow();
                let end = (next + AT_A_TIME).min(streams.capacity());
                let some = (next..end).filter_map(|place| streams.get(place).cloned()).collect();
                next = end;
                some
            };
            if some.is_empty() && next >= self.0.borrow().capacity() {
                return;
            }
            some.iter().for_each(|stream| f(stream));
            tokio::task::yield_now().await;
        }
    }
}

/// A stream that is in the list. Lives in its body.
#[derive(Debug)]
pub(crate) struct Listed {
    streams: Streams,
    place: usize,
    stream: Rc<Stream>,
}

impl std::ops::Deref for Listed {
    type Target = Stream;

    fn deref(&self) -> &Stream {
        &self.stream
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.streams.0.borrow_mut().remove(self.place);
    }
}
