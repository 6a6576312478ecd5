//! A worker's segment, and the task that drives it.
//!
//! actix runs one event loop per worker thread, and makes the application anew on each. The segment belongs to the
//! thread: its subscribers are the streams of the thread's connections, and nothing of them is touched by another.

use std::cell::RefCell;
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};

use sse_core::{Segment, SegmentConfig, Turn};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{sleep, timeout_at};

use crate::Hub;

thread_local! {
    /// The workers of this thread: one per hub, however many addresses and scopes its routes are mounted on.
    static WORKERS: RefCell<Vec<(Hub, Weak<Worker>)>> = const { RefCell::new(Vec::new()) };
}

/// How often some part of the topics is looked through for what has become too old.
const EXPIRE_EVERY: Duration = Duration::from_millis(250);

/// What the routes of one thread hold. The segment stops when the last of them is gone.
#[derive(Debug)]
pub(crate) struct Worker {
    segment: Segment,
    tasks: [JoinHandle<()>; 2],
}

impl Worker {
    /// This thread's worker for a hub.
    ///
    /// # Panics
    ///
    /// Outside of a [`LocalSet`](tokio::task::LocalSet), on which every actix application runs.
    pub(crate) fn of(hub: &Hub) -> Rc<Self> {
        WORKERS.with_borrow_mut(|workers| {
            workers.retain(|(_, worker)| worker.strong_count() > 0);
            let known = workers.iter().find(|(other, _)| other.is_same(hub));
            if let Some(worker) = known.and_then(|(_, worker)| worker.upgrade()) {
                return worker;
            }
            let worker = Rc::new(Self::new(hub));
            workers.push((hub.clone(), Rc::downgrade(&worker)));
            worker
        })
    }

    fn new(hub: &Hub) -> Self {
        let heartbeat = Some(hub.config().heartbeat);
        let segment =
            Segment::new(hub.broadcaster(), SegmentConfig { heartbeat, ..SegmentConfig::default() });
        let tasks =
            [tokio::task::spawn_local(drive(segment.clone())), tokio::task::spawn_local(expire(hub.clone()))];
        Self { segment, tasks }
    }

    pub(crate) fn segment(&self) -> &Segment {
        &self.segment
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Serves whatever is new, a slice at a time. Between slices the thread's other tasks run: those that the slice has
/// woken, accepts, publishes.
async fn drive(segment: Segment) {
    loop {
        let next = match segment.turn(Instant::now()) {
            Turn::More => {
                yield_now().await;
                continue;
            }
            Turn::Idle(next) => next,
        };
        let marked = std::future::poll_fn(|cx| segment.poll_marked(cx));
        match next {
            // That time has come is as good a reason for a turn as a mark.
            Some(next) => drop(timeout_at(next.into(), marked).await),
            None => marked.await,
        }
    }
}

/// Lets old events and unused topics go. Each worker does it at its own pace; together they only go round sooner.
async fn expire(hub: Hub) {
    loop {
        sleep(EXPIRE_EVERY).await;
        hub.broadcaster().expire();
    }
}
