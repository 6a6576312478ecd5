//! A segment from the inside: subscribers, feeds, and what is known of them. One thread's own, without locks.

use std::collections::{HashMap, VecDeque};
use std::task::Waker;
use std::time::Duration;

use slab::Slab;

use super::SegmentConfig;
use super::feed::Feed;
use super::subscriber::Subscriber;
use super::waves::Waves;
use super::wheel::{Entry, Wheel};
use crate::broadcaster::Shared;
use crate::closing::Closing;
use crate::delivery::Lag;
use crate::id::EventId;
use crate::mailbox::Mailbox;
use crate::stats::Tally;
use crate::sync::Arc;
use crate::topic::TopicName;

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
    pub(super) active: VecDeque<usize>,
    /// Subscribers to be looked at one by one.
    pub(super) due: VecDeque<usize>,
    pub(super) wheel: Option<Wheel>,
    pub(super) generation: u32,
    /// What it has been told of the broadcaster's end.
    pub(super) closing: Option<Closing>,
    pub(super) waves: Option<Waves>,
    /// Feeds that keep a run.
    pub(super) keeping: Vec<usize>,
    pub(super) tally: Tally,
    /// Marked topics that no turn has come for yet.
    pub(super) marked: Vec<usize>,
    /// Kept for its allocation.
    pub(super) expired: Vec<Entry>,
}

impl<S> State<S> {
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
            closing: None,
            waves: None,
            keeping: Vec::new(),
            tally: Tally::default(),
            marked: Vec::new(),
            expired: Vec::new(),
        }
    }

    /// Whether [`pull`](Self::pull) would have something to give, at the price of a comparison for each of the
    /// subscriber's topics.
    pub(super) fn has_news(&self, key: usize) -> bool {
        let Some(subscriber) = self.subscribers.get(key) else { return false };
        subscriber.notice.is_some()
            || subscriber.heartbeat_due
            || subscriber.released
            || self.is_behind(key)
            || self.has_ended(key)
    }

    pub(super) fn is_behind(&self, key: usize) -> bool {
        let subscriber = &self.subscribers[key];
        subscriber.members.iter().any(|member| subscriber.cursor < self.feeds[member.feed()].head)
    }

    pub(super) fn has_ended(&self, key: usize) -> bool {
        self.subscribers[key].members.iter().all(|member| self.feeds[member.feed()].ended)
    }

    /// Whether there is nothing left for a subscriber, and never will be.
    pub(crate) fn is_at_end(&self, key: usize) -> bool {
        self.subscribers[key].notice.is_none() && self.has_ended(key) && !self.is_behind(key)
    }

    /// How far a subscriber is behind.
    pub(crate) fn lag(&self, key: usize) -> Lag {
        let subscriber = &self.subscribers[key];
        let mut lag = Lag::default();
        let mut oldest: Option<Duration> = None;
        for member in &subscriber.members {
            let feed = &self.feeds[member.feed()];
            if subscriber.cursor >= feed.head {
                continue;
            }
            let topic = feed.topic.state.lock();
            lag.events += topic.log.total() - member.seen().unwrap_or_else(|| topic.log.trimmed());
            lag.lost |= feed.lost(&topic.log, member).is_some();
            let published = topic.log.published_behind(member.seen());
            drop(topic);
            oldest = oldest.into_iter().chain(published).min();
        }
        lag.age = oldest.map_or(Duration::ZERO, |oldest| self.shared.now().saturating_sub(oldest));
        lag
    }

    pub(crate) fn position(&self, key: usize) -> EventId {
        EventId { epoch: self.shared.epoch, sequence: self.subscribers[key].cursor }
    }

    /// Has a subscriber looked at in one of the next turns.
    pub(super) fn queue(&mut self, key: usize) {
        if !std::mem::replace(&mut self.subscribers[key].queued, true) {
            self.due.push_back(key);
        }
    }

    /// Has a turn made soon; the waker is to be woken when nobody borrows the segment.
    pub(crate) fn nudge(&self) -> Option<Waker> {
        self.mailbox.nudge()
    }
}
