//! Tells whoever publishes when events are due, from a thread of its own.
//!
//! Not by a timer of tokio, nor by the timeout of epoll: both count in milliseconds. And not from the thread that
//! publishes: that one may be busy. What is handed over is one number, below which all events are due,
//! so that it costs the same for one and for thousands.

use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::clock;
use crate::schedule::Schedule;

/// Events closer than this are handed over together: a wake of another thread costs some 5 µs, and would leave no time
/// for the work itself. No event is late by more because of it.
const STEP: Duration = Duration::from_micros(50);

/// What the thread that paces, the one that publishes and the handle have in common.
#[derive(Debug)]
pub(super) struct Shared {
    /// Events below this are due.
    due: AtomicU64,
    /// No more become due.
    over: AtomicBool,
    stopped: AtomicBool,
    /// When to wait for answers no longer.
    deadline: AtomicU64,
}

impl Shared {
    pub(super) fn new(first: u64) -> Self {
        let (over, stopped) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { due: AtomicU64::new(first), over, stopped, deadline: AtomicU64::new(u64::MAX) }
    }

    pub(super) fn due(&self) -> u64 {
        self.due.load(Ordering::Acquire)
    }

    /// If so, what [`due`](Self::due) says afterwards is final.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    pub(super) fn deadline(&self) -> u64 {
        self.deadline.load(Ordering::Acquire)
    }

    pub(super) fn end_by(&self, deadline: u64) {
        self.deadline.store(deadline, Ordering::Release);
    }
}

/// Runs until all events are due or the publisher is stopped; unparking the thread makes it look.
pub(super) fn run(shared: &Shared, schedule: &Schedule, events: Range<u64>, wake: &dyn Fn()) {
    // By default the kernel may be 50 µs late, so as to wake several threads at once. If it insists, so be it.
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1_000));
    let mut next = events.start;
    while next < events.end && !shared.is_stopped() {
        let now = clock::now();
        let due = schedule.count_before(now.saturating_add(1)).min(events.end);
        if due > next {
            next = due;
            shared.due.store(due, Ordering::Release);
            wake();
            continue;
        }
        // An absolute time on the same clock underneath, and unlike `clock_nanosleep` it can be cut short.
        thread::park_timeout(Duration::from_nanos(schedule.planned(next).saturating_sub(now)).max(STEP));
    }
    shared.over.store(true, Ordering::Release);
    wake();
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn nothing_is_due_before_its_time_and_all_is_in_the_end() {
        let schedule = Schedule::new(1, clock::now() + 1_000_000, 1, 100_000.0).unwrap();
        let (shared, seen) = (Shared::new(3), RefCell::new(Vec::new()));
        run(&shared, &schedule, 3..5_000, &|| {
            let due = shared.due();
            assert!(due == 3 || schedule.planned(due - 1) <= clock::now(), "event {due} is early");
            seen.borrow_mut().push(due);
        });
        assert!(seen.borrow().is_sorted());
        assert!(shared.is_over());
        assert_eq!(shared.due(), 5_000);
    }

    #[test]
    fn it_can_be_stopped_long_before_the_next_event() {
        let schedule = Schedule::new(1, clock::now(), 1, 0.000_1).unwrap();
        let shared = Shared::new(0);
        thread::scope(|scope| {
            let (shared, schedule) = (&shared, &schedule);
            let pace = scope.spawn(move || run(shared, schedule, 0..u64::MAX, &|| {}));
            while shared.due() == 0 {
                thread::yield_now();
            }
            shared.stop();
            pace.thread().unpark();
        });
        assert_eq!(shared.due(), 1);
    }
}
