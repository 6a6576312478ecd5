//! The one thing of a segment that other threads touch: which of its topics have something new, and whom to wake.
//!
//! A publish puts a topic in and wakes the segment only when it had been emptied since the last wake; so however many
//! publishes come before the segment's thread runs, they cost it one wake (I7).

use std::task::{Context, Poll, Waker};

use crate::closing::Closing;
use crate::sync::{AtomicUsize, Mutex, Ordering};

#[derive(Debug, Default)]
struct State {
    marked: Vec<usize>,
    closing: Option<Closing>,
    nudged: bool,
    waker: Option<Waker>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Mailbox {
    state: Mutex<State>,
    /// How many subscribers the segment has; written by its own thread only, read by whoever wants numbers.
    subscribers: AtomicUsize,
}

impl Mailbox {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::new(State::default()), subscribers: AtomicUsize::new(0) }
    }

    /// Puts a topic in; the answer is whom to wake once all locks are released.
    #[must_use]
    pub(crate) fn mark(&self, feed: usize) -> Option<Waker> {
        let mut state = self.state.lock();
        state.marked.push(feed);
        state.waker.take()
    }

    /// Tells the segment that there will be nothing more, and when its subscribers are to learn it.
    #[must_use]
    pub(crate) fn close(&self, plan: Closing) -> Option<Waker> {
        let mut state = self.state.lock();
        let news = state.closing.replace(plan) != Some(plan);
        if news { state.waker.take() } else { None }
    }

    /// The segment's own thread has something for its next turn.
    #[must_use]
    pub(crate) fn nudge(&self) -> Option<Waker> {
        let mut state = self.state.lock();
        state.nudged = true;
        state.waker.take()
    }

    /// Moves the marked topics to `into`; answers whether and how the broadcaster is closing.
    pub(crate) fn take(&self, into: &mut Vec<usize>) -> Option<Closing> {
        let mut state = self.state.lock();
        into.append(&mut state.marked);
        state.nudged = false;
        state.closing
    }

    /// Ready when there is something that [`take`](Self::take) has not taken; `closing_seen` is what it last said.
    pub(crate) fn poll_marked(&self, cx: &mut Context<'_>, closing_seen: Option<Closing>) -> Poll<()> {
        // Cloning a waker and dropping one runs its owner's code: neither under the lock.
        let waker = cx.waker().clone();
        let replaced = {
            let mut state = self.state.lock();
            if !state.marked.is_empty() || state.nudged || state.closing != closing_seen {
                return Poll::Ready(());
            }
            match &state.waker {
                Some(parked) if parked.will_wake(&waker) => Some(waker),
                _ => state.waker.replace(waker),
            }
        };
        drop(replaced);
        Poll::Pending
    }

    pub(crate) fn set_subscribers(&self, count: usize) {
        self.subscribers.store(count, Ordering::Relaxed);
    }

    pub(crate) fn subscribers(&self) -> usize {
        self.subscribers.load(Ordering::Relaxed)
    }
}
