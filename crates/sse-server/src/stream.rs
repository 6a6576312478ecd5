//! An open stream: who reads it, and what they are told.
//!
//! What is told is decided here, the same for every reader. How it leaves is the sinks' business: [`body`] is polled
//! by actix; [`socket`] belongs to the segment, which writes to it. Every stream begins as a body. Over TLS, over HTTP/2
//! and in other servers' applications it remains one; otherwise its socket soon leaves actix for the segment.

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;
use sse_core::{Delivery, EventId, Lagged, Reason, TopicName};
use tracing::info;

pub(crate) mod body;
pub(crate) mod socket;

use self::socket::SocketSink;
use crate::config::SlowPolicy;
use crate::counters::Count;
use crate::per_address::Entered;
use crate::{Hub, control};

pub(crate) type Segment = sse_core::Segment<SocketSink>;
pub(crate) type Subscription = sse_core::Subscription<SocketSink>;

/// See the module. As small as it can be, for there is one for each reader.
#[derive(Debug)]
pub(crate) struct Stream {
    hub: Hub,
    peer: Option<Peer>,
    /// Of few, so that the others pay for a pointer.
    guest: Option<Box<Guest>>,
    topic: TopicName,
    /// How many more topics there are.
    others: u16,
    /// Whether its reader is to be cut off when it falls behind.
    cut_when_lagging: bool,
    /// It began at a position, and what was found there is not counted yet.
    resuming: Cell<bool>,
    finished: Cell<bool>,
    end: Cell<End>,
    gaps: Cell<u32>,
    /// In milliseconds since the hub began.
    began: u64,
    events: Cell<u64>,
    bytes: Cell<u64>,
}

/// A reader who is behind a proxy, or counted.
#[derive(Debug)]
struct Guest {
    client: Option<IpAddr>,
    _entered: Option<Entered>,
}

/// What a stream begins with.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) hub: Hub,
    /// Where the connection comes from, which may be a proxy.
    pub(crate) peer: Option<SocketAddr>,
    /// Who reads: the peer, or who a trusted proxy says it asks for.
    pub(crate) client: Option<IpAddr>,
    /// At least one, and no more than a configuration may allow.
    pub(crate) topics: Vec<TopicName>,
    /// The subscription began behind an event that its reader had seen.
    pub(crate) resuming: bool,
    pub(crate) entered: Option<Entered>,
}

/// Why a stream is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Drained,
    Ended,
    Expired,
    Lagging,
    Left,
    Stalled,
}

/// Bytes for the reader.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) bytes: Bytes,
    /// When the oldest event in it was published.
    pub(crate) published: Option<Instant>,
}

impl Stream {
    pub(crate) fn new(opened: Opened) -> Self {
        let Opened { hub, peer, client, topics, resuming, entered } = opened;
        let policies = &hub.config().slow;
        let cut_when_lagging = topics.iter().any(|topic| policies.of(topic) == SlowPolicy::Disconnect);
        let client = client.filter(|client| peer.is_none_or(|peer| peer.ip() != *client));
        let is_guest = client.is_some() || entered.is_some();
        Self {
            peer: peer.map(Peer::new),
            guest: is_guest.then(|| Box::new(Guest { client, _entered: entered })),
            topic: topics[0].clone(),
            others: u16::try_from(topics.len() - 1).unwrap_or(u16::MAX),
            cut_when_lagging,
            resuming: Cell::new(resuming),
            finished: Cell::new(false),
            end: Cell::new(End::Left),
            gaps: Cell::new(0),
            began: milliseconds(hub.broadcaster().started().elapsed()),
            events: Cell::new(0),
            bytes: Cell::new(0),
            hub,
        }
    }

    pub(crate) fn hub(&self) -> &Hub {
        &self.hub
    }

    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.peer.as_ref().map(Peer::address)
    }

    pub(crate) fn client(&self) -> Option<IpAddr> {
        let said = self.guest.as_ref().and_then(|guest| guest.client);
        said.or_else(|| self.peer().map(|peer| peer.ip()))
    }

    pub(crate) fn topic(&self) -> &TopicName {
        &self.topic
    }

    pub(crate) fn others(&self) -> usize {
        self.others.into()
    }

    pub(crate) fn cut_when_lagging(&self) -> bool {
        self.cut_when_lagging
    }

    pub(crate) fn age(&self, now: Instant) -> Duration {
        let now = now.saturating_duration_since(self.hub.broadcaster().started());
        now.saturating_sub(Duration::from_millis(self.began))
    }

    /// Events that it was told.
    pub(crate) fn events(&self) -> u64 {
        self.events.get()
    }

    /// Whether all is told: nothing comes after that.
    pub(crate) fn is_finished(&self) -> bool {
        self.finished.get()
    }

    /// Why it will be over. The first reason stands.
    pub(crate) fn will_end(&self, end: End) {
        if self.end.get() == End::Left {
            self.end.set(end);
        }
    }

    /// What the reader is told of a delivery. `position` is where it then stands.
    pub(crate) fn tell(&self, delivery: Delivery, position: impl FnOnce() -> EventId) -> Told {
        if self.resuming.take() {
            self.hub.counters().one(outcome(&delivery));
        }
        let mut published = None;
        let bytes = match delivery {
            Delivery::Frames(run) => {
                self.events.set(self.events.get() + run.frames());
                published = Some(self.hub.broadcaster().started() + run.published());
                run.into_bytes()
            }
            Delivery::Lagged(lagged) => {
                self.gaps.set(self.gaps.get().saturating_add(1));
                if self.policy(&lagged) == SlowPolicy::Disconnect {
                    self.finish(End::Lagging);
                    self.hub.counters().one(Count::EvictedLagging);
                }
                control::gap(&lagged)
            }
            Delivery::Heartbeat => control::HEARTBEAT,
            Delivery::Ended => {
                self.finish(End::Ended);
                control::end(&position())
            }
            Delivery::Closed => {
                self.finish(End::Drained);
                control::drain(&position(), self.hub.retry())
            }
        };
        self.count(&bytes);
        Told { bytes, published }
    }

    /// What the reader is told when the token has run out that opened the stream.
    pub(crate) fn expire(&self, position: &EventId) -> Told {
        self.finish(End::Expired);
        let bytes = control::expired(position);
        self.count(&bytes);
        Told { bytes, published: None }
    }

    /// Counts what it was told otherwise.
    pub(crate) fn count(&self, bytes: &Bytes) {
        self.bytes.set(self.bytes.get() + bytes.len() as u64);
    }

    /// What becomes of this reader now. Who has just come back is not slow.
    fn policy(&self, lagged: &Lagged) -> SlowPolicy {
        if lagged.reason != Reason::Slow {
            return SlowPolicy::Gap;
        }
        self.hub.config().slow.of(lagged.topic.as_ref().unwrap_or(&self.topic))
    }

    fn finish(&self, end: End) {
        self.finished.set(true);
        self.will_end(end);
    }
}

impl Drop for Stream {
    /// A stream's life, told in one line of the log when it is over.
    fn drop(&mut self) {
        info!(
            peer = self.peer().map(tracing::field::display),
            client = self.client().map(tracing::field::display),
            // Debug escapes what could forge a line of the log.
            topic = ?self.topic.as_str(),
            others = self.others,
            seconds = self.age(Instant::now()).as_secs(),
            events = self.events.get(),
            gaps = self.gaps.get(),
            bytes = self.bytes.get(),
            end = self.end.get().as_str(),
            "stream"
        );
    }
}

impl End {
    fn as_str(self) -> &'static str {
        match self {
            Self::Drained => "drained",
            Self::Ended => "ended",
            Self::Expired => "expired",
            Self::Lagging => "lagging",
            Self::Left => "left",
            Self::Stalled => "stalled",
        }
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
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

/// A socket's address, in half the room that the standard library's takes.
#[derive(Debug)]
enum Peer {
    V4(std::net::SocketAddrV4),
    V6(Box<std::net::SocketAddrV6>),
}

impl Peer {
    fn new(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V4(four) => Self::V4(four),
            SocketAddr::V6(six) => Self::V6(Box::new(six)),
        }
    }

    fn address(&self) -> SocketAddr {
        match self {
            Self::V4(four) => SocketAddr::V4(*four),
            Self::V6(six) => SocketAddr::V6(**six),
        }
    }
}
