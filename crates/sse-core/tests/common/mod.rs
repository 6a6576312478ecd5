//! What the tests of the broadcaster share: a subscriber's view of what it was given, as sequence numbers.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use sse_core::{
    Broadcaster, Config, Decoder, Delivery, Event, EventId, Item, Segment, SegmentConfig, Sink, Subscription,
    TopicName, Turn,
};

/// A waker that counts.
#[derive(Debug, Default)]
pub struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Wakes {
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

pub fn counting_waker() -> (Arc<Wakes>, Waker) {
    let wakes = Arc::new(Wakes::default());
    (Arc::clone(&wakes), Waker::from(wakes))
}

pub fn topic(name: &str) -> TopicName {
    name.parse().unwrap()
}

pub fn segment(broadcaster: &Broadcaster) -> Segment {
    Segment::new(broadcaster, SegmentConfig { heartbeat: None, ..SegmentConfig::default() })
}

/// A broadcaster that retains so many events of each topic.
pub fn retaining(events: usize) -> Broadcaster {
    let mut config = Config::default();
    config.retention.events = events.try_into().unwrap();
    Broadcaster::new(config)
}

pub fn publish(broadcaster: &Broadcaster, name: &str, data: &str) -> EventId {
    broadcaster.publish(&topic(name), &Event::message(data)).unwrap()
}

/// What a subscriber saw, as plain values to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Event(u64, String),
    Lagged { after: Option<u64>, before: u64, missed: Option<u64>, reason: &'static str },
    Heartbeat,
    Ended,
    Closed,
}

pub fn seen(delivery: &Delivery) -> Vec<Seen> {
    match delivery {
        Delivery::Frames(run) => {
            let mut decoder = Decoder::new(1 << 24);
            let mut input = run.bytes().as_ref();
            let mut events = Vec::new();
            while let Some(item) = decoder.next(&mut input).unwrap() {
                let Item::Event(message) = item else { panic!("a run holds events only") };
                let id: EventId = message.id.parse().unwrap();
                events.push(Seen::Event(id.sequence, message.data.into_owned()));
            }
            assert_eq!(events.len() as u64, run.frames());
            events
        }
        Delivery::Lagged(lagged) => vec![Seen::Lagged {
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

/// Everything that is there for a subscription now.
pub fn drain<S: Sink>(subscription: &mut Subscription<S>) -> Vec<Seen> {
    drain_with(subscription, Waker::noop())
}

pub fn drain_with<S: Sink>(subscription: &mut Subscription<S>, waker: &Waker) -> Vec<Seen> {
    let mut all = Vec::new();
    while let Poll::Ready(Some(delivery)) = subscription.poll_next(&mut Context::from_waker(waker)) {
        all.extend(seen(&delivery));
    }
    all
}

pub fn sequences(seen: &[Seen]) -> Vec<u64> {
    seen.iter()
        .map(|seen| match seen {
            Seen::Event(sequence, _) => *sequence,
            other => panic!("expected events only, got {other:?}"),
        })
        .collect()
}

/// Turns a segment until it is idle.
pub fn settle<S: Sink>(segment: &Segment<S>) {
    settle_at(segment, Instant::now());
}

pub fn settle_at<S: Sink>(segment: &Segment<S>, now: Instant) {
    while segment.turn(now) == Turn::More {}
}

pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}
