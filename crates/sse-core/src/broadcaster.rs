//! The handle that publishes: it gives every event its place in one sequence, and tells the segments.
//!
//! A publish encodes outside any lock, then holds one topic's lock while it takes a sequence, appends and marks, and
//! wakes at most one task per marked segment when the lock is free again. What it costs does not depend on the number
//! of subscribers, nor on that of other topics.

use std::time::{Duration, Instant};

use thiserror::Error;

use crate::closing::Closing;
use crate::delivery::Position;
use crate::event::Event;
use crate::frame::Frame;
use crate::id::{Epoch, EventId};
use crate::log::{Retention, Weight};
use crate::mailbox::Mailbox;
use crate::shed::{Budget, TOPIC};
use crate::stats::{Counters, Stats};
use crate::sync::{Arc, AtomicBool, AtomicU64, Mutex, Ordering};
use crate::topic::{Phase, Topic, TopicName, TopicState, Wakes};
use crate::topics::{TooManyTopics, Topics};
use crate::wake::wake_all;

/// How long a topic without events is remembered.
const FORGET_BLANK: Duration = Duration::from_secs(60);

/// How often a publisher looks for room.
const ATTEMPTS: u32 = 8;

/// What a [`Broadcaster`] keeps, and for how long.
#[derive(Clone, Debug)]
pub struct Config {
    /// How much of its past each topic keeps.
    pub retention: Retention,
    /// How long a topic that nobody reads is remembered after its last use, when it has ended or has nothing left:
    /// as long, a reader who returns learns that it has ended, or is resumed without a needless gap. One that nobody
    /// ever published to is remembered for a minute at most, and goes as soon as its place or its memory is needed:
    /// anybody can make those by asking for them.
    pub forget_after: Duration,
    /// How much memory all topics may hold together, in bytes: that of their logs as it is allocated, plus 640 bytes for
    /// each topic; none is no bound but [`retention`](Self::retention). What the process takes for them is a tenth more
    /// where topics are few, and up to twice as much where they are many and have some kilobytes each, for the
    /// allocator's sake.
    ///
    /// An event that finds no room makes it: the oldest events of all topics go, about an eighth of the budget at once,
    /// but never the newest of any. Their readers are told, as of any other loss. If that is not enough, the event is
    /// refused. Publishers that are at it at the same moment may exceed the budget by 32 KiB each, or by their event if that
    /// is longer; topics that are only read count, and are not refused here.
    pub budget: Option<u64>,
    /// How many topics there may be, ended and remembered ones included; none is any number. Whoever names another,
    /// to publish or to read, is refused. One that was only ever read and that nobody reads counts for a minute at most,
    /// see [`forget_after`](Self::forget_after).
    pub max_topics: Option<usize>,
    /// What tells the time. Only differences count, so the clock of the wall has no say in anything.
    pub clock: fn() -> Instant,
}

impl Default for Config {
    /// Default retention, ten minutes, no bound for all topics together, the system's monotonic clock.
    fn default() -> Self {
        Self {
            retention: Retention::default(),
            forget_after: Duration::from_secs(600),
            budget: None,
            max_topics: None,
            clock: Instant::now,
        }
    }
}

/// Publishes events to topics. Cheap to clone; every clone is the same broadcaster.
///
/// A topic costs some 600 bytes besides what it retains, so a hundred thousand of them are a normal load.
///
/// Publishing never waits for a subscriber. Subscribers are served by a [`Segment`](crate::Segment) of their thread.
#[derive(Clone, Debug)]
pub struct Broadcaster {
    pub(crate) shared: Arc<Shared>,
}

/// A topic that was looked up by its name.
pub(crate) struct Found<'a> {
    pub(crate) topic: &'a Arc<Topic>,
    /// It came into being by that.
    pub(crate) is_new: bool,
}

/// What the broadcaster and its segments share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) epoch: Epoch,
    pub(crate) config: Config,
    pub(crate) topics: Topics,
    pub(crate) counters: Counters,
    budget: Option<Budget>,
    /// The last sequence given out. Taken under a topic's lock, released to all (see [`Topic`]).
    head: AtomicU64,
    /// No topic that was forgotten had an event above this.
    forgotten: AtomicU64,
    closed: AtomicBool,
    started: Instant,
    segments: Mutex<Segments>,
    /// Nobody looks for blank topics before, because there were none.
    pub(crate) no_blanks_until: Mutex<Duration>,
}

/// Who is to be told of the end, and what of it is known.
#[derive(Debug, Default)]
struct Segments {
    mailboxes: Vec<Arc<Mailbox>>,
    closing: Option<Closing>,
}

impl Broadcaster {
    /// A broadcaster without topics, in a new epoch.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let started = (config.clock)();
        Self {
            shared: Arc::new(Shared {
                epoch: Epoch::random(),
                budget: config.budget.map(Budget::new),
                topics: Topics::new(config.max_topics),
                config,
                counters: Counters::new(),
                head: AtomicU64::new(0),
                forgotten: AtomicU64::new(0),
                closed: AtomicBool::new(false),
                started,
                segments: Mutex::new(Segments::default()),
                no_blanks_until: Mutex::new(Duration::ZERO),
            }),
        }
    }

    /// Appends an event to a topic, which it creates if need be, and tells the topic's subscribers.
    ///
    /// When it returns, the event is in the log: whoever is subscribed will get it or be told that it was missed, and
    /// whoever resumes from before it, too.
    ///
    /// # Errors
    ///
    /// The topic has ended, the broadcaster is closed, or there is no room for the event or its topic. Nothing was
    /// published then.
    pub fn publish(&self, topic: &TopicName, event: &Event<'_>) -> Result<EventId, PublishError> {
        let mut frame = Frame::encode(event);
        // Others may take the room that was made for this one; whom that happens to again and again, there is none for.
        for _ in 0..ATTEMPTS {
            match self.try_publish(topic, frame) {
                Ok(id) => return Ok(id),
                // Who only asks for topics must not take the place of those who have something to say.
                Err(Refused::For(PublishError::TooManyTopics)) if self.shared.forget_blanks() => {
                    frame = Frame::encode(event);
                }
                Err(Refused::For(error)) => return Err(error),
                Err(Refused::Crowded { frame: back, budget, need }) => {
                    self.shared.make_room(budget, need)?;
                    frame = back;
                }
            }
        }
        Err(PublishError::Full)
    }

    fn try_publish(&self, topic: &TopicName, frame: Frame) -> Result<EventId, Refused<'_>> {
        let now = self.shared.now();
        let mut wakes = Wakes::new();
        let id = self.shared.with_topic(topic, |_, state| {
            if self.shared.is_closed() {
                return Err(Refused::For(PublishError::Closed));
            }
            if state.phase == Phase::Ended {
                return Err(Refused::For(PublishError::Ended));
            }
            if let Some(budget) = &self.shared.budget {
                let need = state.log.growth(&frame);
                if !budget.has_room(self.shared.counters.held(), need) {
                    return Err(Refused::Crowded { frame, budget, need });
                }
            }
            let weight = state.log.weight();
            // Release, so that a reader who loads the head before it locks this topic finds the frame there; Acquire,
            // so that this holds for whoever gets a later sequence as well.
            let sequence = self.shared.head.fetch_add(1, Ordering::AcqRel) + 1;
            let id = EventId { epoch: self.shared.epoch, sequence };
            state.log.append(frame, &id, now);
            state.log.trim(&self.shared.config.retention, now);
            state.used = now;
            self.shared.counters.weighed(weight, state.log.weight());
            state.mark(&mut wakes);
            Ok(id)
        });
        let id = id.map_err(|TooManyTopics| Refused::For(PublishError::TooManyTopics))??;
        wake_all(wakes);
        Ok(id)
    }

    /// Ends a topic: its readers get what is left and then [`Delivery::Ended`](crate::Delivery::Ended), publishing to
    /// it is refused, and it is remembered as ended for [`Config::forget_after`]. Answers whether it was live.
    ///
    /// # Errors
    ///
    /// There is no such topic: nothing was published to it yet, or it has been forgotten, and nobody reads it.
    pub fn end(&self, topic: &TopicName) -> Result<bool, UnknownTopic> {
        let mut wakes = Wakes::new();
        let ended = self.shared.with_known_topic(topic, |state| self.shared.end(state, &mut wakes))?;
        wake_all(wakes);
        Ok(ended)
    }

    /// Ends a topic, as [`end`](Self::end), but whether or not there is such a topic. Answers whether it was live.
    ///
    /// # Errors
    ///
    /// There is no such topic, and there may be no more.
    pub fn end_or_create(&self, topic: &TopicName) -> Result<bool, TooManyTopics> {
        let mut wakes = Wakes::new();
        let ended = self.shared.with_topic(topic, |_, state| self.shared.end(state, &mut wakes))?;
        wake_all(wakes);
        Ok(ended)
    }

    /// Whether a subscription to these topics from this position would be
    /// [at its end](crate::Subscription::is_at_end): all have ended, and nothing is left behind the position.
    #[must_use]
    pub fn is_at_end(&self, topics: &[TopicName], position: Position) -> bool {
        let head = self.shared.head();
        topics.iter().all(|topic| {
            let at_end = self.shared.with_known_topic(topic, |state| {
                state.phase == Phase::Ended
                    && match position {
                        Position::After(id) => {
                            id.epoch == self.shared.epoch && (state.log.head()..=head).contains(&id.sequence)
                        }
                        Position::Earliest => state.log.is_empty(),
                        Position::Now => true,
                        Position::Unknown => false,
                    }
            });
            at_end.unwrap_or(false)
        })
    }

    /// The position behind everything published so far, in any topic: what a subscriber who subscribes now starts
    /// from.
    #[must_use]
    pub fn position(&self) -> EventId {
        EventId { epoch: self.shared.epoch, sequence: self.shared.head() }
    }

    /// The epoch of this broadcaster's ids.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.shared.epoch
    }

    /// When it was made, by its clock: [`Run::published`](crate::Run::published) counts from there.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.shared.started
    }

    /// Closes for good: publishing is refused from now on, and every subscriber gets what was published before and
    /// then [`Delivery::Closed`](crate::Delivery::Closed).
    ///
    /// Linear in the number of topics.
    pub fn close(&self) {
        self.close_over(Duration::ZERO);
    }

    /// Closes as [`close`](Self::close) does, but in waves: publishing is refused from now on and all that was
    /// published still goes to everybody at once, while [`Delivery::Closed`](crate::Delivery::Closed) comes to the
    /// subscribers of each segment evenly over `window`, by the broadcaster's clock, so that they do not all come back
    /// at the same moment. Until then they have their heartbeats as ever. Whoever subscribes after its segment has
    /// learned of it gets what there is and is told at once.
    ///
    /// May be called again: an end that is sooner than the one named before replaces it, for those who still wait; one
    /// that is later changes nothing. Segments keep within a 256th of the window, and a number for each subscriber.
    ///
    /// Linear in the number of topics.
    pub fn close_over(&self, window: Duration) {
        self.shared.closed.store(true, Ordering::Release);
        // A publish that had looked at the flag before holds its topic's lock until it has marked. With every lock
        // taken once, each event that was accepted is marked before the segments hear of the end.
        self.shared.topics.for_each(|topic| drop(topic.state.lock()));
        let mut segments = self.shared.segments.lock();
        let plan = Closing::over(window, (self.shared.config.clock)());
        let plan = segments.closing.map_or(plan, |known| known.sooner(plan));
        segments.closing = Some(plan);
        let wakes: Wakes = segments.mailboxes.iter().filter_map(|mailbox| mailbox.close(plan)).collect();
        drop(segments);
        wake_all(wakes);
    }

    /// Whether [`close`](Self::close) or [`close_over`](Self::close_over) was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }

    /// Lets go of frames that have become too old, and of topics that nobody has used for
    /// [`Config::forget_after`], in one of the parts into which the topics are divided; answers how many topics it
    /// forgot.
    ///
    /// Call it every now and then: [`Broadcaster::EXPIRE_PARTS`] calls go round once. Each holds up publishing to
    /// *new* topics of the part for the time it takes to look at all of the part.
    pub fn expire(&self) -> usize {
        let now = self.shared.now();
        let Config { retention, forget_after, .. } = &self.shared.config;
        self.shared.topics.retain_next(|topic| {
            let mut state = topic.state.lock();
            let weight = state.log.weight();
            state.log.trim(retention, now);
            self.shared.counters.weighed(weight, state.log.weight());
            // A topic that only ever had readers is remembered for as long as one of them may take to come back.
            let blank = state.phase == Phase::Live && state.log.is_new();
            let remember = if blank { FORGET_BLANK.min(*forget_after) } else { *forget_after };
            let unused = !state.has_readers() && now.saturating_sub(state.used) >= remember;
            let over = state.phase == Phase::Ended || state.log.is_empty();
            if !unused || !over {
                return true;
            }
            self.shared.forget(&mut state);
            false
        })
    }

    /// In how many calls [`expire`](Self::expire) goes round.
    pub const EXPIRE_PARTS: usize = Topics::PARTS;

    /// Numbers to look at. Linear in the number of segments, and a lock for each part of the topics.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.counters.stats(self.shared.topics.len(), self.subscribers(), self.shared.head())
    }

    /// How many subscriptions there are. Linear in the number of segments.
    #[must_use]
    pub fn subscribers(&self) -> usize {
        self.shared.segments.lock().mailboxes.iter().map(|mailbox| mailbox.subscribers()).sum()
    }
}

impl Shared {
    pub(crate) fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Time since the broadcaster was made.
    pub(crate) fn now(&self) -> Duration {
        (self.config.clock)().saturating_duration_since(self.started)
    }

    pub(crate) fn register(&self, mailbox: &Arc<Mailbox>) {
        let mut segments = self.segments.lock();
        segments.mailboxes.push(Arc::clone(mailbox));
        // Whoever closes names the end and goes through the list under the same lock: one of the two sees the other.
        let parked = segments.closing.and_then(|plan| mailbox.close(plan));
        drop(segments);
        wake_all(parked);
    }

    pub(crate) fn unregister(&self, mailbox: &Arc<Mailbox>) {
        self.segments.lock().mailboxes.retain(|other| !Arc::ptr_eq(other, mailbox));
    }

    /// Runs `f` on the topic under its lock; creates it if need be and there may be another.
    pub(crate) fn with_topic<R>(
        &self,
        name: &TopicName,
        f: impl FnOnce(Found<'_>, &mut TopicState) -> R,
    ) -> Result<R, TooManyTopics> {
        loop {
            let (topic, is_new) = self.topics.find_or_create(name, || {
                self.counters.weighed(Weight::default(), Weight { bytes: 0, held: TOPIC });
                Topic::new(name.clone(), self.forgotten.load(Ordering::Acquire), self.now())
            })?;
            let mut state = topic.state.lock();
            // It may have been forgotten between finding and locking it; its name then leads elsewhere.
            if state.phase != Phase::Forgotten {
                return Ok(f(Found { topic: &topic, is_new }, &mut state));
            }
        }
    }

    /// Forgets a topic that nobody ever published to and nobody reads.
    pub(crate) fn forget_blank(&self, name: &TopicName) {
        self.topics.retain_one(name, |topic| self.keep_unless_blank(topic));
    }

    /// For whoever goes through the topics to forget those that nobody ever published to and nobody reads.
    pub(crate) fn keep_unless_blank(&self, topic: &Topic) -> bool {
        let mut state = topic.state.lock();
        if state.phase != Phase::Live || state.has_readers() || !state.log.is_new() {
            return true;
        }
        self.forget(&mut state);
        false
    }

    /// To be called under the lock of the topic's part, before its name is free again.
    fn forget(&self, state: &mut TopicState) {
        let Weight { bytes, held } = state.log.weight();
        self.counters.weighed(Weight { bytes, held: held + TOPIC }, Weight::default());
        // A topic that is created under the name afterwards must know of this past.
        self.forgotten.fetch_max(state.log.head(), Ordering::AcqRel);
        state.phase = Phase::Forgotten;
    }

    fn end(&self, state: &mut TopicState, wakes: &mut Wakes) -> bool {
        if state.phase == Phase::Ended {
            return false;
        }
        state.phase = Phase::Ended;
        state.used = self.now();
        state.mark(wakes);
        true
    }

    fn with_known_topic<R>(
        &self,
        name: &TopicName,
        f: impl FnOnce(&mut TopicState) -> R,
    ) -> Result<R, UnknownTopic> {
        let topic = self.topics.find(name).ok_or(UnknownTopic)?;
        let mut state = topic.state.lock();
        if state.phase == Phase::Forgotten {
            return Err(UnknownTopic);
        }
        Ok(f(&mut state))
    }
}

/// Why an event was not published.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublishError {
    /// The broadcaster is closed.
    #[error("the broadcaster is closed")]
    Closed,
    /// The topic has ended.
    #[error("the topic has ended")]
    Ended,
    /// All of [`Config::budget`] is taken by events that are the newest of their topics, or the event is larger than what
    /// can be made free.
    #[error("there is no memory left for the event")]
    Full,
    /// There is no such topic, and there are as many as [`Config::max_topics`] allows.
    #[error("there are as many topics as there may be")]
    TooManyTopics,
}

/// Why an attempt to publish came to nothing.
enum Refused<'a> {
    For(PublishError),
    /// There would have to be so much more room for the frame.
    Crowded {
        frame: Frame,
        budget: &'a Budget,
        need: u64,
    },
}

/// There is no topic of that name.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("there is no such topic")]
pub struct UnknownTopic;
