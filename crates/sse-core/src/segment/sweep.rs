//! Who is served next: those with news, in laps, and those who are due by themselves.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;
use std::time::Duration;

use super::feed::Feed;
use super::pull::heartbeat_after;
use super::sink::{Deliveries, Progress, Sink};
use super::state::State;
use super::subscriber::{Outlet, Subscriber};
use crate::sync::Arc;

/// How many marked topics a turn comes for: each is a lock, and a hundred thousand of them would hold up the thread.
const MARKS_PER_TURN: usize = 1024;

/// What it takes of a slice to serve a task, and a sink.
const TASK: usize = 4;
const SINK: usize = 1;

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
        if let Some(plan) = closing
            && closing != self.closing
            && self.marked.is_empty()
        {
            self.close(plan);
        }
    }

    /// Finds out who has been given nothing for a heartbeat period.
    pub(super) fn tick(&mut self, elapsed: Duration) {
        let Some(wheel) = &mut self.wheel else { return };
        let mut expired = std::mem::take(&mut self.expired);
        wheel.advance(elapsed, &mut expired);
        for entry in expired.drain(..) {
            let key = entry.key as usize;
            let Some(subscriber) = self.subscribers.get_mut(key) else { continue };
            if subscriber.generation != entry.generation {
                continue;
            }
            if subscriber.heartbeat_at <= wheel.now() {
                subscriber.heartbeat_due = true;
                subscriber.heartbeat_at = heartbeat_after(wheel.now(), key);
                if !std::mem::replace(&mut subscriber.queued, true) {
                    self.due.push_back(key);
                }
            }
            wheel.insert(entry, subscriber.heartbeat_at);
        }
        self.expired = expired;
    }

    /// Serves up to a slice of subscribers, half of them from among those who are due by themselves, so that neither
    /// kind can keep the other waiting; answers whether there are more.
    pub(super) fn serve_slice(&mut self, after: &mut Aftermath<S>) -> bool {
        let slice = TASK * self.config.slice.get();
        let mut spent = 0;
        // Those who line up again meanwhile have had their turn.
        for _ in 0..self.due.len() {
            if spent >= slice / 2 {
                break;
            }
            let Some(key) = self.due.pop_front() else { break };
            spent += SINK;
            let Some(subscriber) = self.subscribers.get_mut(key) else { continue };
            subscriber.queued = false;
            // A sink may be here for what it kept rather than for what is new.
            if matches!(subscriber.outlet, Outlet::Sink(_)) || self.has_news(key) {
                spent += self.serve(key, after);
            }
        }
        let mut spent = 0;
        while spent < slice {
            let Some(&key) = self.active.front() else { break };
            let Some(reader) = self.feeds.get_mut(key).and_then(Feed::next_in_lap) else {
                self.active.pop_front();
                if let Some(feed) = self.feeds.get_mut(key) {
                    feed.queued = false;
                }
                continue;
            };
            spent += SINK;
            if self.has_news(reader) {
                spent += self.serve(reader, after);
            }
        }
        if let Some(unfinished) = self.active.pop_front() {
            self.active.push_back(unfinished);
        }
        self.shared.counters.tally(&mut self.tally);
        !self.active.is_empty() || !self.due.is_empty() || !self.marked.is_empty()
    }

    /// Answers what that took of the slice beyond a look.
    fn serve(&mut self, key: usize, after: &mut Aftermath<S>) -> usize {
        let outlet = &mut self.subscribers[key].outlet;
        match outlet {
            Outlet::Task(waker) => {
                after.wakes.extend(waker.take());
                return TASK - SINK;
            }
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
        0
    }
}
