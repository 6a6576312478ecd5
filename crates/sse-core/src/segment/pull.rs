//! What a subscriber is owed, from its cursor on.

use super::feed::{Lost, Read};
use super::merge::{self, Merged};
use super::state::State;
use super::wheel::{TICKS, Wheel};
use crate::delivery::{Delivery, Lagged, Reason};
use crate::id::EventId;

impl<S> State<S> {
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
            Delivery::Lagged(lagged) => self.tally.gaps.count(lagged.reason),
            Delivery::Ended | Delivery::Closed => subscriber.finished = true,
            Delivery::Heartbeat => {}
        }
        Some(delivery)
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
        let subscriber = &self.subscribers[key];
        if subscriber.released {
            return Some(Delivery::Closed);
        }
        subscriber.heartbeat_due.then_some(Delivery::Heartbeat)
    }

    fn read(&mut self, key: usize) -> Option<Delivery> {
        let subscriber = &mut self.subscribers[key];
        let [member] = subscriber.members.as_mut_slice() else {
            return match merge::read(self, key) {
                Merged::Nothing => None,
                Merged::Run(run) => Some(Delivery::Frames(run)),
                Merged::Lost(nth, lost) => Some(self.announce(key, nth, &lost)),
            };
        };
        let feed = &mut self.feeds[member.feed()];
        let kept = feed.keeps_run();
        let read = feed.read(subscriber.cursor, member, self.config.run);
        if !kept && feed.keeps_run() {
            self.keeping.push(member.feed());
        }
        match read {
            Read::Nothing => None,
            Read::Run(run) => {
                subscriber.cursor = run.last;
                member.see(member.seen().map(|seen| seen + run.frames));
                member.returning = false;
                Some(Delivery::Frames(run))
            }
            Read::Lost(lost) => Some(self.announce(key, 0, &lost)),
        }
    }

    /// The gap that a subscriber has in its nth topic. It then stands behind it, or, of several topics, before it.
    fn announce(&mut self, key: usize, nth: usize, lost: &Lost) -> Delivery {
        let subscriber = &mut self.subscribers[key];
        let epoch = self.shared.epoch;
        let several = subscriber.members.len() > 1;
        let member = &mut subscriber.members[nth];
        let lagged = Lagged {
            topic: several.then(|| self.feeds[member.feed()].topic.name.clone()),
            after: Some(EventId { epoch, sequence: subscriber.cursor }),
            before: EventId { epoch, sequence: lost.floor + 1 },
            missed: lost.missed,
            reason: if member.returning { Reason::Expired } else { Reason::Slow },
        };
        member.see(Some(lost.number));
        member.announced = lost.floor;
        member.returning = false;
        if !several {
            subscriber.cursor = subscriber.cursor.max(lost.floor);
        }
        Delivery::Lagged(lagged)
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
}

/// The tick of a subscriber's next heartbeat. Those who were given the same event are due at different ticks of the
/// last eighth of the period.
pub(super) fn heartbeat_after(now: u64, key: usize) -> u64 {
    now + TICKS - key as u64 % (TICKS / 8)
}
