//! What the benchmarks share: broadcasters of a given shape, and subscribers that cost nothing themselves.

use std::time::Instant;

use sse_core::{
    Broadcaster, Config, Deliveries, Delivery, Event, Position, Progress, Segment, SegmentConfig, Sink,
    TopicName, Turn,
};

/// A sink that takes everything and adds up what it got, so that a sweep's own cost is what is left to measure.
#[derive(Debug, Default)]
pub struct Counter {
    /// Bytes that it was given.
    pub bytes: usize,
}

impl Sink for Counter {
    fn deliver(&mut self, deliveries: &mut Deliveries<'_, Self>) -> Progress {
        while let Some(delivery) = deliveries.next() {
            if let Delivery::Frames(run) = delivery {
                self.bytes += run.bytes().len();
            }
        }
        Progress::Ready
    }
}

/// An event as chats and prices send it: 100 bytes.
#[must_use]
pub fn event() -> Event<'static> {
    const DATA: &str = "{\"symbol\":\"ACME\",\"price\":1234.56,\"volume\":42,\"time\":\"2026-01-01T00:00:00.000Z\",\"venue\":\"XETR\"}  ";
    Event::message(DATA)
}

/// The name of the nth topic.
///
/// # Panics
///
/// Never: the names are valid.
#[must_use]
pub fn topic(n: usize) -> TopicName {
    format!("topic-{n}").parse().expect("a valid name")
}

/// A broadcaster and one segment that owns so many sinks on each of so many topics.
///
/// # Panics
///
/// Never: each subscription names a topic.
#[must_use]
pub fn audience(topics: usize, readers: usize) -> (Broadcaster, Segment<Counter>) {
    let broadcaster = Broadcaster::new(Config::default());
    let config = SegmentConfig { heartbeat: None, ..SegmentConfig::default() };
    let segment = Segment::new(&broadcaster, config);
    for n in 0..topics {
        for _ in 0..readers {
            let subscription = segment.subscribe([topic(n)], Position::Now).expect("it names a topic");
            subscription.hand_over(Counter::default());
        }
    }
    settle(&segment);
    (broadcaster, segment)
}

/// Turns a segment until nothing is left to do.
pub fn settle(segment: &Segment<Counter>) {
    let now = Instant::now();
    while segment.turn(now) == Turn::More {}
}
