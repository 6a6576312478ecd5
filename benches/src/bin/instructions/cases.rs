//! What is counted of the core: the same work each time, on one thread, without sockets.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use benches::{audience, event, settle, topic};
use sse_core::{
    Broadcaster, Config, Decoder, Delivery, Frame, Position, Segment, SegmentConfig, Subscription, Turn,
};

/// Work in rounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) work: fn(u64),
    /// Enough for what happens now and then, such as a new block of the log, to be seen at its share.
    pub(crate) rounds: u64,
    /// Publishes, deliveries or events of each round.
    pub(crate) per_round: u64,
}

pub(crate) const THOUSAND_TOPICS: &str = "publish and turn, of 1000 topics";
pub(crate) const TEN_THOUSAND_TOPICS: &str = "publish and turn, of 10000 topics";

pub(crate) const CASES: &[Case] = &[
    Case { name: "publish", work: publish, rounds: 10_000, per_round: 1 },
    Case { name: "delivery to a task", work: tasks, rounds: 20, per_round: 1000 },
    Case { name: "delivery to a sink", work: one_by_one, rounds: 20, per_round: 1000 },
    Case { name: "delivery to a sink, of 100 events", work: in_runs, rounds: 24, per_round: 1000 },
    Case { name: THOUSAND_TOPICS, work: thousand_topics, rounds: 8, per_round: TOPICS_WITH_EVENTS as u64 },
    Case {
        name: TEN_THOUSAND_TOPICS,
        work: ten_thousand_topics,
        rounds: 8,
        per_round: TOPICS_WITH_EVENTS as u64,
    },
    Case { name: "decode", work: decode, rounds: 10, per_round: FRAMES as u64 },
    Case { name: "decode, of many topics", work: decode_of_topics, rounds: 10, per_round: FRAMES as u64 },
];

/// More than a log retains: what comes behind them costs as much as all that will ever come.
const HISTORY: usize = 20_000;
const READERS: usize = 1000;
const TOPICS_WITH_EVENTS: usize = 1000;
const FRAMES: usize = 1000;
/// What one read of a socket brings, at most.
const CHUNK: usize = 16 * 1024;

/// 100 bytes, to nobody.
fn publish(rounds: u64) {
    publish_times(&full(), rounds);
}

/// One event at a time to tasks, which poll until there is nothing more: what a body does.
fn tasks(rounds: u64) {
    let broadcaster = full();
    let segment: Segment = Segment::new(&broadcaster, quiet());
    let mut readers: Vec<Subscription> = (0..READERS)
        .map(|_| segment.subscribe([topic(0)], Position::Now).expect("it names a topic"))
        .collect();
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut cx = Context::from_waker(&waker);
    readers.iter_mut().for_each(|reader| assert!(reader.poll_next(&mut cx).is_pending()));
    let now = Instant::now();
    for _ in 0..rounds {
        publish_times(&broadcaster, 1);
        while segment.turn(now) == (Turn::More {}) {}
        assert_eq!(woken.0.swap(0, Ordering::Relaxed), READERS, "each is woken once");
        for reader in &mut readers {
            let Poll::Ready(Some(Delivery::Frames(run))) = reader.poll_next(&mut cx) else {
                panic!("who is woken has something")
            };
            black_box(run);
            assert!(reader.poll_next(&mut cx).is_pending());
        }
    }
}

/// One event a sweep.
fn one_by_one(rounds: u64) {
    sweeps(rounds, 1);
}

/// A hundred events a sweep, which each reader gets as one run.
fn in_runs(rounds: u64) {
    sweeps(rounds, 100);
}

fn sweeps(rounds: u64, events: u64) {
    let (broadcaster, segment) = audience(1, READERS);
    let publish = |events| {
        publish_times(&broadcaster, events);
        settle(&segment);
    };
    publish(HISTORY as u64);
    (0..rounds).for_each(|_| publish(events));
}

fn thousand_topics(rounds: u64) {
    topics(rounds, 1000);
}

fn ten_thousand_topics(rounds: u64) {
    topics(rounds, 10_000);
}

/// So many topics of one reader each, of which a thousand have an event now and then.
fn topics(rounds: u64, topics: usize) {
    let (broadcaster, segment) = audience(topics, 1);
    let names: Vec<_> = (0..topics).step_by(topics / TOPICS_WITH_EVENTS).map(topic).collect();
    for _ in 0..rounds {
        for name in &names {
            black_box(broadcaster.publish(name, &event()).expect("it is open"));
            settle(&segment);
        }
    }
}

/// A stream as it comes to a client.
fn decode(rounds: u64) {
    let id = "k3v9x0ab-1742".parse().expect("an id");
    let bytes = Frame::encode(&event()).to_bytes(Some(&id)).repeat(FRAMES);
    decode_all(rounds, &bytes, Decoder::new(1 << 20));
}

/// A stream as it comes from a publisher who names a topic with each event.
fn decode_of_topics(rounds: u64) {
    let data = event();
    let data = data.data();
    let bytes: String = (0..FRAMES).map(|n| format!("topic: {}\ndata: {data}\n\n", topic(n % 100))).collect();
    decode_all(rounds, bytes.as_bytes(), Decoder::new(1 << 20).keeping("topic"));
}

fn decode_all(rounds: u64, bytes: &[u8], mut decoder: Decoder) {
    for _ in 0..rounds {
        let mut items = 0;
        for mut chunk in black_box(bytes).chunks(CHUNK) {
            while let Some(item) = decoder.next(&mut chunk).expect("below the limit") {
                black_box(&item);
                items += 1;
            }
        }
        assert_eq!(items, FRAMES, "an item for each event");
    }
}

/// A broadcaster whose first topic retains what it may.
fn full() -> Broadcaster {
    let broadcaster = Broadcaster::new(Config::default());
    publish_times(&broadcaster, HISTORY as u64);
    broadcaster
}

fn publish_times(broadcaster: &Broadcaster, times: u64) {
    let (topic, event) = (topic(0), event());
    for _ in 0..times {
        black_box(broadcaster.publish(&topic, black_box(&event)).expect("it is open"));
    }
}

/// Heartbeats come by time, and would be more on a slower machine.
fn quiet() -> SegmentConfig {
    SegmentConfig { heartbeat: None, ..SegmentConfig::default() }
}

/// A task that only counts how often it is woken.
#[derive(Debug, Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique() {
        let names: HashSet<_> = CASES.iter().map(|case| case.name).collect();

        assert_eq!(names.len(), CASES.len());
    }
}
