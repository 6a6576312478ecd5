//! What the models share: a segment's task as a server runs it, its readers, and the account of what they saw.
//!
//! A reader polls only when it was woken, and a segment takes its turn only when it was marked: a wake-up that is
//! lost leaves a thread parked for ever, which both model checkers report as a deadlock.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "what can not be done fails the model")]

#[cfg(shuttle)]
pub(crate) mod crowd;
#[cfg(shuttle)]
pub(crate) mod life;

use std::cell::Cell;
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

#[cfg(loom)]
pub(crate) use loom::{future::block_on, thread};
#[cfg(shuttle)]
pub(crate) use shuttle::{future::block_on, thread};
use sse_core::{
    Broadcaster, Config, Delivery, Event, EventId, NoSink, Position, PublishError, Segment, SegmentConfig,
    Sink, Subscription, TopicName, Turn,
};

thread_local! {
    /// The threads of a model are coroutines of one thread of the system, so this is one clock for all of them, and
    /// not shared with the models that run beside it.
    static ELAPSED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A clock that stands still: what a model does must follow from its schedule alone.
pub(crate) fn now() -> Instant {
    *START + ELAPSED.get()
}

pub(crate) fn set_clock(elapsed: Duration) {
    ELAPSED.set(elapsed);
}

/// A broadcaster that retains so many events of each topic, for no longer than `age`.
pub(crate) fn retaining(events: usize, age: Option<Duration>) -> Broadcaster {
    set_clock(Duration::ZERO);
    let mut config = Config { forget_after: Duration::ZERO, clock: now, ..Config::default() };
    config.retention.events = events.try_into().unwrap();
    config.retention.age = age;
    Broadcaster::new(config)
}

/// A broadcaster whose logs may hold so many bytes, and that does not let go of anything else.
pub(crate) fn with_budget(bytes: u64) -> Broadcaster {
    set_clock(Duration::ZERO);
    let mut config = Config { budget: Some(bytes), clock: now, ..Config::default() };
    config.retention.age = None;
    Broadcaster::new(config)
}

/// A broadcaster that has so many topics at most.
pub(crate) fn with_topics(most: usize) -> Broadcaster {
    set_clock(Duration::ZERO);
    Broadcaster::new(Config { max_topics: Some(most), clock: now, ..Config::default() })
}

pub(crate) fn segment(broadcaster: &Broadcaster) -> Segment {
    Segment::new(broadcaster, serving(32))
}

/// So many readers a turn, and no heartbeats.
pub(crate) fn serving(slice: usize) -> SegmentConfig {
    SegmentConfig { heartbeat: None, slice: slice.try_into().unwrap(), ..SegmentConfig::default() }
}

pub(crate) fn topic(name: &str) -> TopicName {
    name.parse().unwrap()
}

pub(crate) fn publish(broadcaster: &Broadcaster, name: &str, data: &str) -> Result<EventId, PublishError> {
    broadcaster.publish(&topic(name), &Event::message(data))
}

/// Publishes what cannot be refused; answers its sequence and its data.
pub(crate) fn acked(broadcaster: &Broadcaster, name: &str, data: &str) -> (u64, String) {
    (publish(broadcaster, name, data).unwrap().sequence, data.to_owned())
}

/// What a subscriber was given, as plain values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Event { sequence: u64, data: String },
    Lagged { topic: Option<String>, after: Option<u64>, before: u64, missed: Option<u64> },
    Ended,
    Closed,
}

impl Seen {
    pub(crate) fn push_to(delivery: &Delivery, all: &mut Vec<Self>) {
        match delivery {
            Delivery::Frames(run) => {
                let text = std::str::from_utf8(run.bytes()).unwrap();
                let before = all.len();
                all.extend(text.split_terminator("\n\n").map(Self::of_frame));
                assert_eq!((all.len() - before) as u64, run.frames());
            }
            Delivery::Lagged(lagged) => all.push(Self::Lagged {
                topic: lagged.topic.as_ref().map(ToString::to_string),
                after: lagged.after.map(|id| id.sequence),
                before: lagged.before.sequence,
                missed: lagged.missed,
            }),
            Delivery::Heartbeat => panic!("no segment of a model has heartbeats"),
            Delivery::Ended => all.push(Self::Ended),
            Delivery::Closed => all.push(Self::Closed),
        }
    }

    fn of_frame(frame: &str) -> Self {
        let (data, id) = frame.strip_prefix("data: ").unwrap().split_once("\nid: ").unwrap();
        Self::Event { sequence: id.parse::<EventId>().unwrap().sequence, data: data.to_owned() }
    }
}

pub(crate) fn event(sequence: u64, data: &str) -> Seen {
    Seen::Event { sequence, data: data.to_owned() }
}

/// The sequences of the events in `seen`.
pub(crate) fn sequences(seen: &[Seen]) -> Vec<u64> {
    let of = |seen: &Seen| match seen {
        Seen::Event { sequence, .. } => Some(*sequence),
        Seen::Lagged { .. } | Seen::Ended | Seen::Closed => None,
    };
    seen.iter().filter_map(of).collect()
}

/// Where a subscriber stands that began at `from`, in a broadcaster with one topic: there every sequence above `from`
/// has been delivered or announced as lost, once, in order, with the exact number (I1 to I4).
pub(crate) fn accounted(from: u64, seen: &[Seen]) -> u64 {
    let mut position = from;
    for step in seen {
        match *step {
            Seen::Event { sequence, .. } => {
                assert_eq!(sequence, position + 1, "from {from}: {seen:?}");
                position = sequence;
            }
            Seen::Lagged { ref topic, after, before, missed } => {
                assert_eq!(*topic, None, "a reader of one topic knows which");
                assert_eq!(after, Some(position), "from {from}: {seen:?}");
                assert!(before > position + 1, "an empty gap, from {from}: {seen:?}");
                assert_eq!(missed, Some(before - position - 1), "from {from}: {seen:?}");
                position = before - 1;
            }
            Seen::Ended | Seen::Closed => {}
        }
    }
    position
}

/// Checks that what was delivered under a sequence is what was acknowledged under it.
pub(crate) fn assert_were_acked(seen: &[Seen], acked: &[(u64, String)]) {
    for step in seen {
        if let Seen::Event { sequence, data } = step {
            assert!(acked.iter().any(|(s, d)| s == sequence && d == data), "{step:?} is none of {acked:?}");
        }
    }
}

/// A waker that counts its wakes.
#[derive(Debug, Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Wakes {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn take(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

/// A task that reads a subscription, and remembers all it was given.
#[derive(Debug)]
pub(crate) struct Reader<S: Sink = NoSink> {
    pub(crate) subscription: Subscription<S>,
    pub(crate) seen: Vec<Seen>,
    /// Only ever touched by the thread of its segment.
    pub(crate) wakes: Arc<Wakes>,
    waker: Waker,
}

impl<S: Sink> Reader<S> {
    pub(crate) fn new(segment: &Segment<S>, topics: &[&str], position: Position) -> Self {
        let topics = topics.iter().map(|name| topic(name));
        let subscription = segment.subscribe(topics, position).unwrap();
        // A task is polled once before anything can wake it.
        let wakes = Arc::new(Wakes(AtomicUsize::new(1)));
        Self { subscription, seen: Vec::new(), waker: Waker::from(Arc::clone(&wakes)), wakes }
    }

    /// Takes all there is, if it was woken.
    pub(crate) fn run(&mut self) {
        if self.wakes.take() > 0 {
            while self.step() {}
        }
    }

    /// Takes the next delivery; answers whether there was one.
    pub(crate) fn step(&mut self) -> bool {
        let next = self.subscription.poll_next(&mut Context::from_waker(&self.waker));
        let Poll::Ready(Some(delivery)) = next else { return false };
        Seen::push_to(&delivery, &mut self.seen);
        true
    }

    /// Whether it was told that nothing follows; checks that nothing did.
    pub(crate) fn is_finished(&mut self) -> bool {
        let finished = matches!(self.seen.last(), Some(Seen::Ended | Seen::Closed));
        if finished {
            let next = self.subscription.poll_next(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(next, Poll::Ready(None)), "{next:?} after the end");
        }
        finished
    }
}

/// Runs a segment with its readers, as a thread of a server would, until `done`.
pub(crate) fn serve<S: Sink>(
    segment: &Segment<S>,
    readers: &mut [Reader<S>],
    mut done: impl FnMut(&mut [Reader<S>]) -> bool,
) {
    let mut more = false;
    block_on(poll_fn(|cx| {
        loop {
            readers.iter_mut().for_each(Reader::run);
            if done(readers) {
                return Poll::Ready(());
            }
            if !more && segment.poll_marked(cx).is_pending() {
                return Poll::Pending;
            }
            more = segment.turn(now()) == Turn::More;
        }
    }));
}

/// [`serve`] for one reader that began at `from` in a broadcaster with one topic, until it stands at `to`.
pub(crate) fn serve_to(segment: &Segment, reader: &mut Reader, from: u64, to: u64) {
    serve(segment, std::slice::from_mut(reader), |readers| accounted(from, &readers[0].seen) == to);
}

/// Explores every interleaving of a model with at most so many preemptions as `LOOM_MAX_PREEMPTIONS` says, or two.
///
/// loom's authors found two or three to be enough for almost every bug; each one more multiplies the time.
#[cfg(loom)]
pub(crate) fn explore(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(2);
    check(builder, model);
}

/// Explores every interleaving there is. For the smallest models only.
#[cfg(loom)]
pub(crate) fn explore_all(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = None;
    check(builder, model);
}

#[cfg(loom)]
fn check(mut builder: loom::model::Builder, model: impl Fn() + Send + Sync + 'static) {
    builder.max_branches = 10_000;
    let explored = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&explored);
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        model();
    });
    println!("{} interleavings", explored.load(Ordering::Relaxed));
}
