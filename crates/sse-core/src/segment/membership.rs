//! Coming and going: how a subscriber gets its place in a segment, and gives it back.

use smallvec::SmallVec;

use super::feed::Feed;
use super::lagging::LagRule;
use super::state::State;
use super::subscriber::{Member, Outlet, Subscriber, index};
use super::wheel::{Entry, TICKS, Wheel};
use crate::delivery::{Lagged, Position, Reason};
use crate::id::EventId;
use crate::sync::Arc;
use crate::topic::TopicName;
use crate::topics::TooManyTopics;

impl<S> State<S> {
    /// Adds a subscriber to one or more different topics. Linear in their number, and in the logarithm of what they
    /// retain.
    pub(super) fn subscribe(
        &mut self,
        topics: &[TopicName],
        position: Position,
    ) -> Result<usize, TooManyTopics> {
        // Attach first, then read the head: what comes after the head is marked, what comes before is in the logs.
        let feeds = self.attach_all(topics)?;
        let head = self.shared.head();
        let epoch = self.shared.epoch;
        let (cursor, lost) = match position {
            Position::After(id) if id.epoch != epoch => (None, Some((Some(id), Reason::Restart))),
            Position::After(id) if id.sequence > head => (None, Some((None, Reason::Unknown))),
            Position::After(id) => (Some(id.sequence), None),
            Position::Earliest => (None, None),
            Position::Now => (Some(head), None),
            Position::Unknown => (None, Some((None, Reason::Unknown))),
        };
        let cursor = cursor.unwrap_or_else(|| self.earliest(&feeds, head));
        let mut members: SmallVec<[Member; 1]> = feeds
            .into_iter()
            .map(|key| {
                let topic = Arc::clone(&self.feeds[key].topic);
                let state = topic.state.lock();
                self.feeds[key].refresh(&state);
                let seen = match position {
                    Position::Earliest => Some(state.log.trimmed()),
                    _ => state.log.count_through(cursor),
                };
                let returning = state.log.is_gone(seen);
                Member::new(key, seen, state.log.total(), returning)
            })
            .collect();
        let notice = lost.map(|(after, reason)| {
            let before = EventId { epoch, sequence: cursor + 1 };
            Box::new(Lagged { topic: None, after, before, missed: None, reason })
        });

        // The first heartbeat comes somewhere in the second half of a period, so that those who come together, after a
        // restart say, do not stay together.
        let heartbeat_at = self.wheel.as_ref().map_or(0, Wheel::now) + TICKS / 2 + fastrand::u64(..TICKS / 2);
        let entry = self.subscribers.vacant_entry();
        let key = entry.key();
        for member in &mut members {
            member.put(self.feeds[member.feed()].add(key));
        }
        self.generation = self.generation.wrapping_add(1);
        entry.insert(Subscriber {
            cursor,
            members,
            outlet: Outlet::Task(None),
            notice,
            generation: self.generation,
            heartbeat_at,
            heartbeat_due: false,
            released: self.closing.is_some(),
            finished: false,
            queued: false,
        });
        if let Some(wheel) = &mut self.wheel {
            wheel.insert(Entry { key: index(key), generation: self.generation }, heartbeat_at);
        }
        self.mailbox.set_subscribers(self.subscribers.len());
        Ok(key)
    }

    /// The position before the oldest event that any of the topics retains; if none retains any, `head`.
    fn earliest(&self, feeds: &[usize], head: u64) -> u64 {
        let floors = feeds.iter().filter_map(|&key| {
            let state = self.feeds[key].topic.state.lock();
            (!state.log.is_empty()).then(|| state.log.floor())
        });
        floors.min().map_or(head, |floor| floor.min(head))
    }

    /// Removes a subscriber. Linear in the number of its topics.
    ///
    /// The result is to be dropped when nobody borrows the segment: dropping a waker may drop a task, and with it
    /// another subscription of this segment.
    #[must_use]
    pub(crate) fn remove(&mut self, key: usize) -> Option<Subscriber<S>> {
        let subscriber = self.subscribers.try_remove(key)?;
        for member in &subscriber.members {
            let feed = &mut self.feeds[member.feed()];
            if let Some(moved) = feed.remove(member.place()) {
                let in_lap = feed.in_lap();
                for other in &mut self.subscribers[moved].members {
                    if other.feed() == member.feed() {
                        other.put(member.place());
                    }
                }
                if in_lap {
                    // It may have moved from before the lap's hand to behind it.
                    self.queue(moved);
                }
            } else if feed.is_empty() {
                self.detach(member.feed());
            }
        }
        self.mailbox.set_subscribers(self.subscribers.len());
        Some(subscriber)
    }

    /// The feeds of some topics, all or none.
    fn attach_all(&mut self, topics: &[TopicName]) -> Result<Vec<usize>, TooManyTopics> {
        // First: this is code of others, and may panic.
        let rule = |name| {
            if self.feed_of.contains_key(name) { LagRule::default() } else { self.config.lag.of(name) }
        };
        let rules: SmallVec<[LagRule; 1]> = topics.iter().map(rule).collect();
        let mut feeds = Vec::with_capacity(topics.len());
        let mut created = SmallVec::<[&TopicName; 1]>::new();
        for (name, rule) in topics.iter().zip(rules) {
            match self.attach(name, rule) {
                Ok((key, is_new)) => {
                    feeds.push(key);
                    created.extend(is_new.then_some(name));
                }
                Err(error) => {
                    let unread =
                        feeds.into_iter().filter(|key| self.feeds[*key].is_empty()).collect::<Vec<_>>();
                    unread.into_iter().for_each(|key| self.detach(key));
                    created.into_iter().for_each(|name| self.shared.forget_blank(name));
                    return Err(error);
                }
            }
        }
        Ok(feeds)
    }

    /// The feed of a topic, and whether the topic came into being for it.
    fn attach(&mut self, name: &TopicName, rule: LagRule) -> Result<(usize, bool), TooManyTopics> {
        if let Some(&key) = self.feed_of.get(name) {
            return Ok((key, false));
        }
        let entry = self.feeds.vacant_entry();
        let key = entry.key();
        let (feed, is_new) = self.shared.with_topic(name, |found, state| {
            state.attach(&self.mailbox, key);
            let mut feed = Feed::new(Arc::clone(found.topic), rule);
            feed.refresh(state);
            (feed, found.is_new)
        })?;
        entry.insert(feed);
        self.feed_of.insert(name.clone(), key);
        Ok((key, is_new))
    }

    fn detach(&mut self, key: usize) {
        let feed = self.feeds.remove(key);
        self.feed_of.remove(&feed.topic.name);
        feed.topic.state.lock().detach(&self.mailbox, self.shared.now());
    }
}

impl<S> Drop for State<S> {
    /// Sinks that the segment still owns leave their topics.
    fn drop(&mut self) {
        let now = self.shared.now();
        for (_, feed) in &self.feeds {
            feed.topic.state.lock().detach(&self.mailbox, now);
        }
        self.shared.unregister(&self.mailbox);
    }
}
