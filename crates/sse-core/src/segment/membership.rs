//! Coming and going: how a subscriber gets its place in a segment, and gives it back.

use super::feed::Feed;
use super::state::State;
use super::subscriber::{Member, Outlet, Subscriber};
use super::wheel::{Entry, TICKS, Wheel};
use crate::delivery::{Lagged, Position, Reason};
use crate::id::EventId;
use crate::sync::Arc;
use crate::topic::TopicName;

impl<S> State<S> {
    /// Adds a subscriber to one or more different topics. Linear in their number, and in the logarithm of what they
    /// retain.
    pub(super) fn subscribe(&mut self, topics: &[TopicName], position: Position) -> usize {
        // Attach first, then read the head: what comes after the head is marked, what comes before is in the logs.
        let feeds: Vec<usize> = topics.iter().map(|name| self.attach(name)).collect();
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
        let mut members: smallvec::SmallVec<[Member; 1]> = feeds
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
                Member { feed: key, place: 0, seen, came: state.log.total(), announced: 0, returning }
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
            member.place = self.feeds[member.feed].add(key);
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
            wheel.insert(Entry { key, generation: self.generation }, heartbeat_at);
        }
        self.mailbox.set_subscribers(self.subscribers.len());
        key
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
            let feed = &mut self.feeds[member.feed];
            if let Some(moved) = feed.remove(member.place) {
                let in_lap = feed.in_lap();
                for other in &mut self.subscribers[moved].members {
                    if other.feed == member.feed {
                        other.place = member.place;
                    }
                }
                if in_lap {
                    // It may have moved from before the lap's hand to behind it.
                    self.queue(moved);
                }
            } else if feed.is_empty() {
                self.detach(member.feed);
            }
        }
        self.mailbox.set_subscribers(self.subscribers.len());
        Some(subscriber)
    }

    fn attach(&mut self, name: &TopicName) -> usize {
        if let Some(&key) = self.feed_of.get(name) {
            return key;
        }
        // First: it is code of others, and may panic.
        let rule = self.config.lag.of(name);
        let entry = self.feeds.vacant_entry();
        let key = entry.key();
        let feed = self.shared.with_topic(name, |topic, state| {
            state.attach(&self.mailbox, key);
            let mut feed = Feed::new(Arc::clone(topic), rule);
            feed.refresh(state);
            feed
        });
        entry.insert(feed);
        self.feed_of.insert(name.clone(), key);
        key
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
