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

    pub(super) fn remove_sink(&mut self, sink: SubscriberKey) -> Option<Subscriber<S>> {
        self.sink_owner(sink)?;
        self.remove(sink.key)
    }

    fn sink_owner(&mut self, sink: SubscriberKey) -> Option<&mut Subscriber<S>> {
        self.subscribers.get_mut(sink.key).filter(|subscriber| subscriber.generation == sink.generation)
    }
}
