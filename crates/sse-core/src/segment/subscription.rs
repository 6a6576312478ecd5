//! A subscriber's handle, for a task that polls.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::sink::{NoSink, Sink, SubscriberKey};
use super::state::State;
use crate::delivery::{Delivery, Lag};
use crate::id::EventId;

/// A place in one or several topics of a broadcaster. Dropping it gives the place back, at the cost of a lock when it
/// was the segment's last for a topic.
///
/// # Lagging
///
/// It has no queue: what has not been taken stays in the topics' logs. If it is taken later than the logs retain it,
/// [`Delivery::Lagged`] comes in its place, with the exact number, and what is retained follows.
///
/// # Ending
///
/// After [`Delivery::Ended`] or [`Delivery::Closed`] there is nothing more.
///
/// # Cancel safety
///
/// What was not returned from [`poll_next`](Self::poll_next) or [`next`](Self::next) was not delivered; both may be
/// abandoned at any time.
pub struct Subscription<S: Sink = NoSink> {
    state: Rc<RefCell<State<S>>>,
    key: usize,
    /// The segment now owns the place.
    handed_over: bool,
}

impl<S: Sink> Subscription<S> {
    pub(crate) fn new(state: Rc<RefCell<State<S>>>, key: usize) -> Self {
        Self { state, key, handed_over: false }
    }

    /// The next delivery, with all that has been published since the last one as far as a run goes; none after the
    /// end. When pending, the task is woken once, however many events come; of several wakers, the last.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let mut state = self.state.borrow_mut();
        if let Some(delivery) = state.pull(self.key) {
            return Poll::Ready(Some(delivery));
        }
        let Ok(replaced) = state.park(self.key, cx.waker()) else {
            return Poll::Ready(None);
        };
        drop(state);
        drop(replaced);
        Poll::Pending
    }

    /// The next delivery, see [`poll_next`](Self::poll_next).
    pub async fn next(&mut self) -> Option<Delivery> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Where it stands: everything at or below has been delivered, or announced as missed, or was published before it
    /// began. Whoever resumes from here gets what it would have got next, but for the gap that a subscription begins
    /// with whose position was none of this epoch: as long as that has not been taken, nobody should resume from here.
    #[must_use]
    pub fn position(&self) -> EventId {
        self.state.borrow().position(self.key)
    }

    /// How far it is behind, as far as its segment knows: events that were published since its last turn may not count
    /// yet.
    ///
    /// Costs a comparison for each of its topics, and for each in which it is behind a lock, for constant time.
    #[must_use]
    pub fn lag(&self) -> Lag {
        self.state.borrow().lag(self.key)
    }

    /// What to ask its [`Segment`](super::Segment) by, from elsewhere. Outlives it harmlessly.
    #[must_use]
    pub fn key(&self) -> SubscriberKey {
        self.state.borrow().sink_key(self.key)
    }

    /// Whether all its topics have ended and nothing is left of them for it: the next delivery would be
    /// [`Delivery::Ended`].
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.state.borrow().is_at_end(self.key)
    }

    /// Gives the subscription to the segment, which from now on delivers to `sink` by itself, beginning with what is
    /// owed already.
    pub fn hand_over(mut self, sink: S) -> SubscriberKey {
        self.handed_over = true;
        let mut state = self.state.borrow_mut();
        let (sink, task) = state.hand_over(self.key, sink);
        let waker = state.nudge();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        // Last: should its destructor panic, the turn is asked for all the same.
        drop(task);
        sink
    }
}

impl<S: Sink> Drop for Subscription<S> {
    fn drop(&mut self) {
        if !self.handed_over {
            let removed = self.state.borrow_mut().remove(self.key);
            drop(removed);
        }
    }
}

impl<S: Sink> fmt::Debug for Subscription<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("key", &self.key).finish_non_exhaustive()
    }
}
