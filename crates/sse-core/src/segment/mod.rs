//! One slice of the subscribers, served by the thread that they live on.
//!
//! Here is the handle. Inside, `sweep` says who is served next and `pull` what they are owed: `feed` has that for one
//! topic, by the rules of `lagging`, `merge` for several as one stream. `membership` lets subscribers come and go, `outlet` says where deliveries go,
//! `sink` what takes them without a task, `wheel` counts heartbeats, and `waves` says who is told of the end; all on the
//! `state`.

mod feed;
mod lagging;
mod membership;
mod merge;
mod outlet;
mod pull;
mod sink;
mod state;
mod subscriber;
mod subscription;
mod sweep;
mod waves;
mod wheel;

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use thiserror::Error;

pub use self::lagging::{CatchUp, LagRule, LagRules};
pub use self::sink::{Deliveries, NoSink, Progress, Sink, SubscriberKey};
use self::state::State;
pub use self::subscription::Subscription;
use self::sweep::Aftermath;
use crate::broadcaster::Broadcaster;
use crate::delivery::{Lag, Position};
use crate::mailbox::Mailbox;
use crate::sync::Arc;
use crate::topic::TopicName;
use crate::topics::TooManyTopics;
use crate::wake::wake_all;

/// How a [`Segment`] serves.
#[derive(Clone, Debug)]
pub struct SegmentConfig {
    /// After how long without a delivery a subscriber gets a heartbeat; none is never. At most a 64th of it, or for
    /// some an eighth, early.
    pub heartbeat: Option<Duration>,
    /// How many subscribers one turn serves: so many tasks, or four times as many sinks. A task that was woken has its work
    /// before it, a sink has done it.
    ///
    /// Small slices let publishes pile up into longer runs and keep the thread responsive; large ones save turns, and let
    /// a sweep come round sooner.
    pub slice: NonZeroUsize,
    /// How long a run may be, in bytes. A single frame may be longer.
    pub run: usize,
    /// How far subscribers may fall behind, and where they then go on.
    pub lag: LagRules,
}

impl Default for SegmentConfig {
    /// 15 s, because proxies give up on a silent connection after 30 to 60 s; 32 subscribers; 16 KiB; whoever falls
    /// behind gets what is retained, which is the most that can be said without knowing what the events mean.
    fn default() -> Self {
        const SLICE: NonZeroUsize = NonZeroUsize::new(32).expect("32 is not zero");
        Self {
            heartbeat: Some(Duration::from_secs(15)),
            slice: SLICE,
            run: 16 * 1024,
            lag: LagRules::default(),
        }
    }
}

/// One slice of a broadcaster's subscribers, served by the thread that they live on.
///
/// It takes everything that is new in its topics in one go, and then sweeps over their subscribers a slice at a time,
/// so that its thread can accept, publish and write in between. A sweep keeps its place: news that comes meanwhile
/// extends it and lengthens the runs, and nobody is favoured.
///
/// It tells no time and starts no task: whoever owns it calls [`turn`](Self::turn) whenever
/// [`poll_marked`](Self::poll_marked) is ready or the time has come that the last turn named.
///
/// Not `Send`: a segment and its subscriptions live on one thread. Cheap to clone; every clone is the same segment.
#[derive(Debug)]
pub struct Segment<S: Sink = NoSink> {
    state: Rc<RefCell<State<S>>>,
    mailbox: Arc<Mailbox>,
    started: Instant,
}

impl<S: Sink> Clone for Segment<S> {
    fn clone(&self) -> Self {
        Self { state: Rc::clone(&self.state), mailbox: Arc::clone(&self.mailbox), started: self.started }
    }
}

/// What a [`Segment::turn`] has left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing before [`Segment::poll_marked`] is ready, or before this time, if any.
    Idle(Option<Instant>),
    /// There are more subscribers to serve: let the thread's other tasks run, then call again.
    More,
}

impl<S: Sink> Segment<S> {
    /// A segment of a broadcaster, on this thread.
    #[must_use]
    pub fn new(broadcaster: &Broadcaster, config: SegmentConfig) -> Self {
        let shared = Arc::clone(&broadcaster.shared);
        let started = (shared.config.clock)();
        let mailbox = Arc::new(Mailbox::new());
        shared.register(&mailbox);
        let state = Rc::new(RefCell::new(State::new(shared, Arc::clone(&mailbox), config)));
        Self { state, mailbox, started }
    }

    /// Subscribes to one or several topics; naming one twice changes nothing. Topics that do not exist come into being.
    ///
    /// # Errors
    ///
    /// No topic was named, or one that does not exist and may not come into being. Nothing has changed then.
    pub fn subscribe(
        &self,
        topics: impl IntoIterator<Item = TopicName>,
        position: Position,
    ) -> Result<Subscription<S>, SubscribeError> {
        let mut topics: Vec<TopicName> = topics.into_iter().collect();
        if topics.is_empty() {
            return Err(SubscribeError::NoTopic);
        }
        topics.sort_unstable();
        topics.dedup();
        let mut state = self.state.borrow_mut();
        let first = state.subscribers.is_empty();
        if first {
            // Nobody turned the wheel while it had nobody.
            let now = (state.shared.config.clock)();
            state.tick(now.saturating_duration_since(self.started));
        }
        let key = state.subscribe(&topics, position)?;
        // With nobody to serve, the last turn named no time for the next.
        let waker = first.then(|| state.nudge()).flatten();
        drop(state);
        // Before the wake: should that panic, the place is given back.
        let subscription = Subscription::new(Rc::clone(&self.state), key);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(subscription)
    }

    /// Ready when a publish, an end or a close has come that no turn has seen. Wakes the last waker it was given; a
    /// wake may be for nothing.
    pub fn poll_marked(&self, cx: &mut Context<'_>) -> Poll<()> {
        let closing = self.state.borrow().closing;
        self.mailbox.poll_marked(cx, closing)
    }

    /// Takes what is new and serves a slice of the subscribers it is for.
    ///
    /// Costs as much as the slice, and a lock for each topic with news. Wakers are woken at the end, when the segment
    /// may be used again.
    ///
    /// # Panics
    ///
    /// With what a waker or a sink panicked, after everybody else was woken. Such a sink is gone.
    pub fn turn(&self, now: Instant) -> Turn {
        let mut state = self.state.borrow_mut();
        state.forget_runs();
        state.take_marks();
        state.release(now);
        state.tick(now.saturating_duration_since(self.started));
        let mut aftermath = Aftermath::default();
        let more = state.serve_slice(&mut aftermath);
        let beat = state.wheel.as_ref().and_then(wheel::Wheel::next).map(|next| self.started + next);
        let next = [beat, state.next_wave()].into_iter().flatten().min();
        drop(state);
        wake_all(aftermath.wakes);
        drop(aftermath.gone);
        if let Some(panic) = aftermath.panicked {
            resume_unwind(panic);
        }
        if more { Turn::More } else { Turn::Idle(next) }
    }

    /// A blocked sink can take more.
    pub fn unblock(&self, sink: SubscriberKey) {
        self.line_up(|state| state.unblock(sink));
    }

    /// Has a sink called in one of the next turns, whether or not there is anything new for it, or it is blocked: it has
    /// something to say of its own.
    pub fn call(&self, sink: SubscriberKey) {
        self.line_up(|state| state.call(sink));
    }

    /// Asks for a turn if `f` has lined somebody up.
    fn line_up(&self, f: impl FnOnce(&mut State<S>) -> bool) {
        let mut state = self.state.borrow_mut();
        let waker = f(&mut state).then(|| state.nudge()).flatten();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Shows a sink, between its calls; none if it is gone, or was never handed over.
    ///
    /// `f` must not call the segment.
    pub fn with_sink<R>(&self, sink: SubscriberKey, f: impl FnOnce(&mut S) -> R) -> Option<R> {
        self.state.borrow_mut().sink(sink).map(f)
    }

    /// Keys of the sinks in the next `places` places from `from` on, which is 0 or what the last call answered; `None`
    /// when these were the last. A sink that is there all the time is in one of the answers, whoever comes and goes in
    /// between. Linear in `places`.
    pub fn sinks(&self, from: usize, places: usize, into: &mut Vec<SubscriberKey>) -> Option<usize> {
        self.state.borrow().sinks(from, places, into)
    }

    /// Drops a sink and its subscription; answers whether it was there.
    pub fn remove(&self, sink: SubscriberKey) -> bool {
        let removed = self.state.borrow_mut().remove_sink(sink);
        removed.is_some()
    }

    /// How far a subscriber is behind, see [`Subscription::lag`]; none if it is gone.
    #[must_use]
    pub fn lag(&self, subscriber: SubscriberKey) -> Option<Lag> {
        let state = self.state.borrow();
        let there = state.subscribers.get(subscriber.key)?;
        (there.generation == subscriber.generation).then(|| state.lag(subscriber.key))
    }

    /// How many subscribers it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state.borrow().subscribers.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Why there is no subscription.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscribeError {
    /// No topic was named.
    #[error("a subscription needs at least one topic")]
    NoTopic,
    /// One of the topics does not exist, and there are as many as [`Config::max_topics`](crate::Config::max_topics)
    /// allows.
    #[error(transparent)]
    TooManyTopics(#[from] TooManyTopics),
}
