//! What the tests of the broadcaster share: a clock that stands still, and a subscriber's view as plain values.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

use std::cell::Cell;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use sse_core::{
    Broadcaster, Config, Decoder, Delivery, Epoch, Event, EventId, Item, Position, Retention, Segment,
    SegmentConfig, Sink, Subscription, TopicName, Turn,
};

thread_local! {
    static NOW: Cell<Instant> = Cell::new(Instant::now());
}

/// The clock of every broadcaster here. It belongs to the thread, so tests do not disturb each other.
pub(crate) fn clock() -> Instant {
    NOW.get()
}

/// Lets time pass.
pub(crate) fn advance(by: Duration) {
    NOW.set(NOW.get() + by);
}

/// More than anything here does, and few enough to get there soon.
const WITHOUT_END: usize = 1_000_000;

/// A waker that counts.
#[derive(Debug, Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Wakes {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// How often it was woken since the last time it was asked.
    pub(crate) fn take(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

pub(crate) fn counting_waker() -> (Arc<Wakes>, Waker) {
    let wakes = Arc::new(Wakes::default());
    (Arc::clone(&wakes), Waker::from(wakes))
}

pub(crate) fn topic(name: &str) -> TopicName {
    name.parse().unwrap()
}

pub(crate) fn broadcaster() -> Broadcaster {
    Broadcaster::new(Config { clock, ..Config::default() })
}

/// A broadcaster that retains so many events of each topic.
pub(crate) fn retaining(events: usize) -> Broadcaster {
    let retention = Retention { events: events.try_into().unwrap(), ..Retention::default() };
    Broadcaster::new(Config { clock, retention, ..Config::default() })
}

pub(crate) fn segment(broadcaster: &Broadcaster) -> Segment {
    Segment::new(broadcaster, SegmentConfig { heartbeat: None, ..SegmentConfig::default() })
}

/// A segment that serves so many in a turn.
pub(crate) fn in_slices_of(slice: usize, broadcaster: &Broadcaster) -> Segment {
    let slice = slice.try_into().unwrap();
    Segment::new(broadcaster, SegmentConfig { heartbeat: None, slice, ..SegmentConfig::default() })
}

pub(crate) fn subscribe<S: Sink>(
    segment: &Segment<S>,
    names: &[&str],
    position: Position,
) -> Subscription<S> {
    segment.subscribe(names.iter().map(|name| topic(name)), position).unwrap()
}

pub(crate) fn publish(broadcaster: &Broadcaster, name: &str, data: &str) -> EventId {
    broadcaster.publish(&topic(name), &Event::message(data)).unwrap()
}

/// Publishes so many events, of which nobody needs the data.
pub(crate) fn publish_many(broadcaster: &Broadcaster, name: &str, count: usize) -> Vec<EventId> {
    (0..count).map(|n| publish(broadcaster, name, &n.to_string())).collect()
}

/// Has the broadcaster look at every topic; answers how many it forgot.
pub(crate) fn expire(broadcaster: &Broadcaster) -> usize {
    (0..Broadcaster::EXPIRE_PARTS).map(|_| broadcaster.expire()).sum()
}

/// An id as some earlier life of the broadcaster might have given.
pub(crate) fn foreign(sequence: u64) -> EventId {
    EventId { epoch: "00000000".parse::<Epoch>().unwrap(), sequence }
}

/// What a subscriber saw, as plain values to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Event(u64, String),
    Lagged {
        topic: Option<String>,
        after: Option<u64>,
        before: u64,
        missed: Option<u64>,
        reason: &'static str,
    },
    Heartbeat,
    Ended,
    Closed,
}

/// A gap in a subscriber's only topic.
pub(crate) fn gap(after: u64, before: u64, missed: u64, reason: &'static str) -> Seen {
    Seen::Lagged { topic: None, after: Some(after), before, missed: Some(missed), reason }
}

/// A gap in one of several topics.
pub(crate) fn gap_in(topic: &str, after: u64, before: u64, missed: u64, reason: &'static str) -> Seen {
    Seen::Lagged { topic: Some(topic.into()), after: Some(after), before, missed: Some(missed), reason }
}

/// The events of a run, and what else there is as it is.
pub(crate) fn seen(delivery: &Delivery) -> Vec<Seen> {
    match delivery {
        Delivery::Frames(run) => {
            let events = decode(run.bytes());
            assert_eq!(events.len() as u64, run.frames());
            events
        }
        Delivery::Lagged(lagged) => vec![Seen::Lagged {
            topic: lagged.topic.as_ref().map(|topic| topic.as_str().to_owned()),
            after: lagged.after.map(|id| id.sequence),
            before: lagged.before.sequence,
            missed: lagged.missed,
            reason: lagged.reason.as_str(),
        }],
        Delivery::Heartbeat => vec![Seen::Heartbeat],
        Delivery::Ended => vec![Seen::Ended],
        Delivery::Closed => vec![Seen::Closed],
    }
}

pub(crate) fn decode(mut bytes: &[u8]) -> Vec<Seen> {
    let mut decoder = Decoder::new(1 << 24);
    let mut events = Vec::new();
    while let Some(item) = decoder.next(&mut bytes).unwrap() {
        let Item::Event(message) = item else { panic!("a run holds events only, not {item:?}") };
        let id: EventId = message.id.parse().unwrap();
        events.push(Seen::Event(id.sequence, message.data.into_owned()));
    }
    events
}

pub(crate) fn poll<S: Sink>(subscription: &mut Subscription<S>, waker: &Waker) -> Poll<Option<Delivery>> {
    subscription.poll_next(&mut Context::from_waker(waker))
}

/// The next delivery, which has to be there.
pub(crate) fn next<S: Sink>(subscription: &mut Subscription<S>) -> Delivery {
    match poll(subscription, Waker::noop()) {
        Poll::Ready(Some(delivery)) => delivery,
        other => panic!("expected a delivery, got {other:?}"),
    }
}

/// Everything that is there for a subscription now.
pub(crate) fn drain<S: Sink>(subscription: &mut Subscription<S>) -> Vec<Seen> {
    drain_with(subscription, Waker::noop())
}

/// The same, and parks the subscription with a waker.
pub(crate) fn drain_with<S: Sink>(subscription: &mut Subscription<S>, waker: &Waker) -> Vec<Seen> {
    let mut all = Vec::new();
    while let Poll::Ready(Some(delivery)) = poll(subscription, waker) {
        all.extend(seen(&delivery));
        assert!(all.len() < WITHOUT_END, "there is no end to it");
    }
    all
}

pub(crate) fn sequences(seen: &[Seen]) -> Vec<u64> {
    seen.iter()
        .map(|seen| match seen {
            Seen::Event(sequence, _) => *sequence,
            other => panic!("expected events only, got {other:?}"),
        })
        .collect()
}

/// Turns a segment until there is nothing left to do now; answers when there will be.
pub(crate) fn settle<S: Sink>(segment: &Segment<S>) -> Option<Instant> {
    let turns = std::iter::repeat_with(|| segment.turn(clock())).take(WITHOUT_END);
    let idle = |turn| if let Turn::Idle(next) = turn { Some(next) } else { None };
    turns.filter_map(idle).next().expect("a segment comes to rest")
}

/// Has a segment wake `waker` when there is something for it to do; answers whether there is already.
pub(crate) fn is_marked<S: Sink>(segment: &Segment<S>, waker: &Waker) -> bool {
    segment.poll_marked(&mut Context::from_waker(waker)).is_ready()
}

/// The output of a future that is ready.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing that is awaited here has to be waited for"),
    }
}
