//! Where a subscriber's deliveries go: to a task that is parked, or to a sink that was handed over.

use std::task::Waker;

use super::sink::SubscriberKey;
use super::state::State;
use super::subscriber::{Outlet, Subscriber};

impl<S> State<S> {
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

    pub(crate) fn sink_key(&self, key: usize) -> SubscriberKey {
        SubscriberKey { key, generation: self.subscribers[key].generation }
    }

    /// Replaces a task by a sink. The result is to be dropped when nobody borrows the segment.
    pub(crate) fn hand_over(&mut self, key: usize, sink: S) -> (SubscriberKey, Outlet<S>) {
        let subscriber = &mut self.subscribers[key];
        let task = std::mem::replace(&mut subscriber.outlet, Outlet::Sink(sink));
        let generation = subscriber.generation;
        self.queue(key);
        (SubscriberKey { key, generation }, task)
    }

    /// A sink can take more; answers whether it was waiting for that.
    pub(super) fn unblock(&mut self, sink: SubscriberKey) -> bool {
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

    /// Lines a sink up, blocked or not; answers whether it is one.
    pub(super) fn call(&mut self, sink: SubscriberKey) -> bool {
        if self.unblock(sink) {
            return true;
        }
        let is_sink = self.sink(sink).is_some();
        if is_sink {
            self.queue(sink.key);
        }
        is_sink
    }

    pub(super) fn sink(&mut self, sink: SubscriberKey) -> Option<&mut S> {
        match &mut self.sink_owner(sink)?.outlet {
            Outlet::Sink(sink) | Outlet::Blocked(sink) => Some(sink),
            Outlet::Task(_) | Outlet::Busy => None,
        }
    }

    /// See [`Segment::sinks`](super::Segment::sinks).
    pub(super) fn sinks(&self, from: usize, places: usize, into: &mut Vec<SubscriberKey>) -> Option<usize> {
        let end = from.saturating_add(places).min(self.subscribers.capacity());
        into.extend((from..end).filter_map(|key| {
            let subscriber = self.subscribers.get(key)?;
            let is_sink = matches!(subscriber.outlet, Outlet::Sink(_) | Outlet::Blocked(_));
            is_sink.then_some(SubscriberKey { key, generation: subscriber.generation })
        }));
        (end < self.subscribers.capacity()).then_some(end)
    }

    pub(super) fn remove_sink(&mut self, sink: SubscriberKey) -> Option<Subscriber<S>> {
        self.sink_owner(sink)?;
        self.remove(sink.key)
    }

    fn sink_owner(&mut self, sink: SubscriberKey) -> Option<&mut Subscriber<S>> {
        self.subscribers.get_mut(sink.key).filter(|subscriber| subscriber.generation == sink.generation)
    }
}
