//! A segment from the inside: subscribers, feeds, and who is to be served next. One thread's own, without locks.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;
use std::time::Duration;

use slab::Slab;

use super::feed::{Feed, Lost, Read};
use super::sink::{Deliveries, Progress, Sink, SinkKey};
use super::subscriber::{Outlet, Subscriber};
use super::wheel::{Entry, TICKS, Wheel};
use super::{SegmentConfig, merge};
use crate::broadcaster::Shared;
use crate::delivery::{Delivery, Lagged, Reason};
use crate::id::EventId;
use crate::mailbox::Mailbox;
use crate::stats::Tally;
use crate::sync::Arc;
use crate::topic::TopicName;

/// How many marked topics a turn comes for: each is a lock, and a hundred thousand of them would hold up the thread.
const MARKS_PER_TURN: usize = 1024;

/// See the module.
#[derive(Debug)]
pub(crate) struct State<S> {
    pub(super) shared: Arc<Shared>,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) config: SegmentConfig,
    pub(super) subscribers: Slab<Subscriber<S>>,
    pub(super) feeds: Slab<Feed>,
    pub(super) feed_of: HashMap<TopicName, usize>,
    /// Feeds with a lap to go on with.
    active: VecDeque<usize>,
    /// Subscribers to be looked at one by one.
    due: VecDeque<usize>,
    pub(super) wheel: Option<Wheel>,
    pub(super) generation: u32,
    pub(super) closing: bool,
    /// Feeds that keep a run.
    keeping: Vec<usize>,
    tally: Tally,
    /// Marked topics that no turn has come for yet.
    marked: Vec<usize>,
    /// Kept for its allocation.
    expired: Vec<Entry>,
}

/// What may run code of others and therefore has to wait until nobody borrows the segment.
#[derive(Debug)]
pub(super) struct Aftermath<S> {
    pub(super) wakes: Vec<Waker>,
    pub(super) gone: Vec<(Subscriber<S>, S)>,
    /// What a sink panicked with: it is gone, and nobody else is to suffer for it (I12).
    pub(super) panicked: Option<Box<dyn Any + Send>>,
}

impl<S> Default for Aftermath<S> {
    fn default() -> Self {
        Self { wakes: Vec::new(), gone: Vec::new(), panicked: None }
    }
}

impl<S: Sink> State<S> {
    pub(super) fn new(shared: Arc<Shared>, mailbox: Arc<Mailbox>, config: SegmentConfig) -> Self {
        Self {
            shared,
            mailbox,
            wheel: config.heartbeat.map(Wheel::new),
            config,
            subscribers: Slab::new(),
            feeds: Slab::new(),
            feed_of: HashMap::new(),
            active: VecDeque::new(),
            due: VecDeque::new(),
            generation: 0,
            closing: false,
            keeping: Vec::new(),
            tally: Tally::default(),
            marked: Vec::new(),
            expired: Vec::new(),
        }
    }

    /// Lets go of runs that were kept for others who stood at the same position, unless a sweep is on.
    pub(super) fn forget_runs(&mut self) {
        if !self.active.is_empty() {
            return;
        }
        for key in self.keeping.drain(..) {
            if let Some(feed) = self.feeds.get_mut(key) {
                feed.forget_run();
            }
        }
    }

    /// Comes for what is new in the topics that were marked, or in those that were first.
    pub(super) fn take_marks(&mut self) {
        let closing = self.mailbox.take(&mut self.marked);
        let mut marked = std::mem::take(&mut self.marked);
        let most = marked.len().min(MARKS_PER_TURN);
        for key in marked.drain(..most) {
            // A mark may outlive its feed; the key then names nobody, or a feed that is looked at in vain.
            let Some(feed) = self.feeds.get_mut(key) else { continue };
            let topic = Arc::clone(&feed.topic);
            let mut state = topic.state.lock();
            state.unmark(&self.mailbox);
            feed.refresh(&state);
            drop(state);
            feed.start_lap();
            if !std::mem::replace(&mut feed.queued, true) {
                self.active.push_back(key);
            }
        }
        self.marked = marked;
        // What was published before the close is marked; it has to be known before the end is.
        if closing && !self.closing && self.marked.is_empty() {
            self.closing = true;
            let all: Vec<usize> = self.subscribers.iter().map(|(key, _)| key).collect();
            all.into_iter().for_each(|key| self.queue(key));
        }
    }

    /// Finds out who has been given nothing for a heartbeat period.
    pub(super) fn tick(&mut self, elapsed: Duration) {
        let Some(wheel) = &mut self.wheel else { return };
        let mut expired = std::mem::take(&mut self.expired);
        wheel.advance(elapsed, &mut expired);
        for entry in expired.drain(..) {
            let Some(subscriber) = self.subscribers.get_mut(entry.key) else { continue };
            if subscriber.generation != entry.generation {
                continue;
            }
            if subscriber.heartbeat_at <= wheel.now() {
                subscriber.heartbeat_due = true;
                subscriber.heartbeat_at = heartbeat_after(wheel.now(), entry.key);
                if !std::mem::replace(&mut subscriber.queued, true) {
                    self.due.push_back(entry.key);
                }
            }
            wheel.insert(entry, subscriber.heartbeat_at);
        }
        self.expired = expired;
    }

    /// Serves up to a slice of subscribers, half of them from among those who are due by themselves, so that neither
    /// kind can keep the other waiting; answers whether there are more.
    pub(super) fn serve_slice(&mut self, after: &mut Aftermath<S>) -> bool {
        let slice = self.config.slice.get();
        for _ in 0..slice.div_ceil(2) {
            let Some(key) = self.due.pop_front() else { break };
            let Some(subscriber) = self.subscribers.get_mut(key) else { continue };
            subscriber.queued = false;
            // A sink may be here for what it kept rather than for what is new.
            if matches!(subscriber.outlet, Outlet::Sink(_)) || self.has_news(key) {
                self.serve(key, after);
            }
        }
        let mut budget = slice;
        while budget > 0 {
            let Some(&key) = self.active.front() else { break };
            let Some(reader) = self.feeds.get_mut(key).and_then(Feed::next_in_lap) else {
                self.active.pop_front();
                if let Some(feed) = self.feeds.get_mut(key) {
                    feed.queued = false;
                }
                continue;
            };
            if self.has_news(reader) {
                self.serve(reader, after);
            }
            budget -= 1;
        }
        if let Some(unfinished) = self.active.pop_front() {
            self.active.push_back(unfinished);
        }
        self.shared.counters.tally(&mut self.tally);
        !self.active.is_empty() || !self.due.is_empty() || !self.marked.is_empty()
    }

    /// A sink can take more; answers whether it was waiting for that.
    pub(super) fn unblock(&mut self, sink: SinkKey) -> bool {
        let Some(subscriber) = self.sink_owner(sink) else { return false };
        match std::mem::replace(&mut subscriber.outlet, Outlet::Busy) {
            Outlet::Blocked(unblocked) => {
                subscriber.outlet = Outlet::Sink(unblocked);
                self.queue(sink.key);
                true
            }
            other => {
                subscriber.outlet = other;
                false
            }
        }
    }

    pub(super) fn remove_sink(&mut self, sink: SinkKey) -> Option<Subscriber<S>> {
        self.sink_owner(sink)?;
        self.remove(sink.key)
    }

    fn sink_owner(&mut self, sink: SinkKey) -> Option<&mut Subscriber<S>> {
        self.subscribers.get_mut(sink.key).filter(|subscriber| subscriber.generation == sink.generation)
    }

    /// Has a turn made soon; the waker is to be woken when nobody borrows the segment.
    pub(crate) fn nudge(&self) -> Option<Waker> {
        self.mailbox.nudge()
    }

    /// Has a subscriber looked at in one of the next turns.
    pub(super) fn queue(&mut self, key: usize) {
        if !std::mem::replace(&mut self.subscribers[key].queued, true) {
            self.due.push_back(key);
        }
    }

    fn serve(&mut self, key: usize, after: &mut Aftermath<S>) {
        let outlet = &mut self.subscribers[key].outlet;
        match outlet {
            Outlet::Task(waker) => after.wakes.extend(waker.take()),
            Outlet::Blocked(_) | Outlet::Busy => {}
            Outlet::Sink(_) => {
                let Outlet::Sink(mut sink) = std::mem::replace(outlet, Outlet::Busy) else {
                    unreachable!("matched just above");
                };
                let deliver = AssertUnwindSafe(|| sink.deliver(&mut Deliveries { state: self, key }));
                let progress = catch_unwind(deliver).unwrap_or_else(|panic| {
                    after.panicked.get_or_insert(panic);
                    Progress::Gone
                });
                let outlet = &mut self.subscribers[key].outlet;
                match progress {
                    Progress::Blocked => *outlet = Outlet::Blocked(sink),
                    Progress::Gone => {
                        after.gone.extend(self.remove(key).map(|subscriber| (subscriber, sink)));
                    }
                    Progress::More => {
                        *outlet = Outlet::Sink(sink);
                        self.queue(key);
                    }
                    Progress::Ready => *outlet = Outlet::Sink(sink),
                }
            }
        }
    }

    /// Whether [`pull`](Self::pull) would have something to give, at the price of a comparison for each of the
    /// subscriber's topics.
    fn has_news(&self, key: usize) -> bool {
        let Some(subscriber) = self.subscribers.get(key) else { return false };
        subscriber.notice.is_some()
            || subscriber.heartbeat_due
            || self.closing
            || self.is_behind(key)
            || self.has_ended(key)
    }

    fn is_behind(&self, key: usize) -> bool {
        let subscriber = &self.subscribers[key];
        subscriber.members.iter().any(|member| subscriber.cursor < self.feeds[member.feed].head)
    }

    fn has_ended(&self, key: usize) -> bool {
        self.subscribers[key].members.iter().all(|member| self.feeds[member.feed].ended)
    }

    pub(crate) fn position(&self, key: usize) -> EventId {
        EventId { epoch: self.shared.epoch, sequence: self.subscribers[key].cursor }
    }

    /// Whether there is nothing left for a subscriber, and never will be.
    pub(crate) fn is_at_end(&self, key: usize) -> bool {
        self.subscribers[key].notice.is_none() && self.has_ended(key) && !self.is_behind(key)
    }

    /// The next thing that a subscriber is owed, which then counts as delivered.
    pub(crate) fn pull(&mut self, key: usize) -> Option<Delivery> {
        let delivery = self.next_delivery(key)?;
        let now = self.wheel.as_ref().map_or(0, Wheel::now);
        let subscriber = &mut self.subscribers[key];
        subscriber.heartbeat_due = false;
        subscriber.heartbeat_at = heartbeat_after(now, key);
        match &delivery {
            Delivery::Frames(run) => {
                self.tally.delivered += run.frames();
                self.tally.runs += 1;
            }
            Delivery::Lagged(_) => self.tally.lagged += 1,
            Delivery::Ended | Delivery::Closed => subscriber.finished = true,
            Delivery::Heartbeat => {}
        }
        Some(delivery)
    }

    /// Has a task woken when there is something to pull; the waker that it had before is to be dropped when nobody
    /// borrows the segment. `Err` if there never will be.
    pub(crate) fn park(&mut self, key: usize, waker: &Waker) -> Result<Option<Waker>, ()> {
        let subscriber = &mut self.subscribers[key];
        match &mut subscriber.outlet {
            _ if subscriber.finished => Err(()),
            Outlet::Task(Some(parked)) if parked.will_wake(waker) => Ok(None),
            Outlet::Task(parked) => Ok(parked.replace(waker.clone())),
            Outlet::Blocked(_) | Outlet::Busy | Outlet::Sink(_) => Err(()),
        }
    }

    /// Replaces a task by a sink. The result is to be dropped when nobody borrows the segment.
    pub(crate) fn hand_over(&mut self, key: usize, sink: S) -> (SinkKey, Outlet<S>) {
        let subscriber = &mut self.subscribers[key];
        let task = std::mem::replace(&mut subscriber.outlet, Outlet::Sink(sink));
        let generation = subscriber.generation;
        self.queue(key);
        (SinkKey { key, generation }, task)
    }

    fn next_delivery(&mut self, key: usize) -> Option<Delivery> {
        let subscriber = &mut self.subscribers[key];
        if subscriber.finished {
            return None;
        }
        if let Some(notice) = subscriber.notice.take() {
            return Some(Delivery::Lagged(*notice));
        }
        let behind = self.is_behind(key);
        if behind && let Some(delivery) = self.read(key) {
            return Some(delivery);
        }
        if self.has_ended(key) {
            return Some(Delivery::Ended);
        }
        if self.closing {
            return Some(Delivery::Closed);
        }
        self.subscribers[key].heartbeat_due.then_some(Delivery::Heartbeat)
    }

    fn read(&mut self, key: usize) -> Option<Delivery> {
        let subscriber = &mut self.subscribers[key];
        let [member] = subscriber.members.as_mut_slice() else {
            return merge::read(self, key);
        };
        let feed = &mut self.feeds[member.feed];
        let kept = feed.keeps_run();
        let read = feed.read(subscriber.cursor, member.seen, self.config.run);
        if !kept && feed.keeps_run() {
            self.keeping.push(member.feed);
        }
        match read {
            Read::Nothing => None,
            Read::Run(run) => {
                subscriber.cursor = run.last;
                member.seen = member.seen.map(|seen| seen + run.frames);
                member.returning = false;
                Some(Delivery::Frames(run))
            }
            Read::Lost(lost) => Some(self.announce(key, 0, &lost)),
        }
    }

    /// The gap that a subscriber has in its nth topic. It then stands behind it, or, of several topics, before it.
    pub(super) fn announce(&mut self, key: usize, nth: usize, lost: &Lost) -> Delivery {
        let subscriber = &mut self.subscribers[key];
        let epoch = self.shared.epoch;
        let several = subscriber.members.len() > 1;
        let member = &mut subscriber.members[nth];
        let lagged = Lagged {
            topic: several.then(|| self.feeds[member.feed].topic.name.clone()),
            after: Some(EventId { epoch, sequence: subscriber.cursor }),
            before: EventId { epoch, sequence: lost.floor + 1 },
            missed: lost.missed,
            reason: if member.returning { Reason::Expired } else { Reason::Slow },
        };
        member.seen = Some(lost.trimmed);
        member.announced = lost.floor;
        member.returning = false;
        if !several {
            subscriber.cursor = subscriber.cursor.max(lost.floor);
        }
        Delivery::Lagged(lagged)
    }
}

/// The tick of a subscriber's next heartbeat. Those who were given the same event are due at different ticks of the
/// last eighth of the period.
fn heartbeat_after(now: u64, key: usize) -> u64 {
    now + TICKS - key as u64 % (TICKS / 8)
}
