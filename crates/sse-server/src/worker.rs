//! A worker's segment, and the task that drives it.
//!
//! actix runs one event loop per worker thread, and makes the application anew on each. The segment belongs to the
//! thread: its subscribers are the streams of the thread's connections, and nothing of them is touched by another.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};

use sse_core::{LagRule, LagRules, SegmentConfig, Turn};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_local, yield_now};
use tokio::time::{sleep, timeout_at};
use tracing::{error, warn};

use crate::counters::Count;
use crate::sockets::Sockets;
use crate::stream::{End, Segment};
use crate::streams::{Sight, Streams};
use crate::{Hub, survey};

thread_local! {
    /// The workers of this thread: one per hub, however many addresses and scopes its routes are mounted on.
    ///
    /// Weak, because whoever keeps a hub keeps all its logs, and a thread may outlive its last worker by far.
    static WORKERS: RefCell<Vec<Weak<Worker>>> = const { RefCell::new(Vec::new()) };
}

/// How often some part of the topics is looked through for what has become too old.
const EXPIRE_EVERY: Duration = Duration::from_millis(250);

/// How often readers who do not take what they are sent are looked for: as exact as a limit of seconds has to be.
const EVICT_EVERY: Duration = Duration::from_secs(1);

/// How long a segment rests after a panic. One that comes again with every turn must neither occupy the thread nor
/// flood the log; once, it delays events by less than a reader notices.
const REST: Duration = Duration::from_millis(100);

/// What the routes of one thread hold. The segment stops when the last of them is gone.
#[derive(Debug)]
pub(crate) struct Worker {
    hub: Hub,
    segment: Segment,
    streams: Streams,
    /// `None` where the system has no event queue to spare.
    sockets: Option<Rc<Sockets>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Worker {
    /// This thread's worker for a hub.
    ///
    /// # Panics
    ///
    /// Outside of a [`LocalSet`](tokio::task::LocalSet), on which every actix application runs.
    pub(crate) fn of(hub: &Hub) -> Rc<Self> {
        WORKERS.with_borrow_mut(|workers| {
            workers.retain(|worker| worker.strong_count() > 0);
            if let Some(known) = workers.iter().filter_map(Weak::upgrade).find(|it| it.hub.is_same(hub)) {
                return known;
            }
            let worker = Rc::new(Self::new(hub));
            workers.push(Rc::downgrade(&worker));
            worker
        })
    }

    fn new(hub: &Hub) -> Self {
        let heartbeat = Some(hub.config().heartbeat);
        let lag = LagRules::each({
            let (slow, max_lag) = (hub.config().slow.clone(), hub.config().max_lag);
            move |topic| LagRule { max_lag, catch_up: slow.of(topic).catch_up() }
        });
        let segment =
            Segment::new(hub.broadcaster(), SegmentConfig { heartbeat, lag, ..SegmentConfig::default() });
        let streams = Streams::new(segment.clone());
        let (questions, asked) = mpsc::unbounded_channel();
        hub.add_worker(questions);
        let mut tasks = vec![
            spawn_local(expire(hub.clone())),
            spawn_local(survey::answer(asked, streams.clone())),
            spawn_local(evict(hub.clone(), streams.clone())),
        ];
        let sockets = match Sockets::new() {
            Ok((sockets, poll)) => {
                tasks.push(spawn_local(Sockets::watch(poll, segment.clone())));
                tasks.push(spawn_local(Rc::clone(&sockets).ring(segment.clone())));
                Some(sockets)
            }
            Err(error) => {
                warn!(%error, "streams stay in their bodies: there can be no event queue for sockets");
                None
            }
        };
        tasks.push(spawn_local(drive(segment.clone(), sockets.clone())));
        Self { hub: hub.clone(), segment, streams, sockets, tasks }
    }

    /// The open streams of the thread.
    pub(crate) fn streams(&self) -> &Streams {
        &self.streams
    }

    pub(crate) fn segment(&self) -> &Segment {
        &self.segment
    }

    /// What takes over sockets that leave actix, for the segment.
    pub(crate) fn sockets(&self) -> Option<&Rc<Sockets>> {
        self.sockets.as_ref()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Serves whatever is new, a slice at a time. Between slices the thread's other tasks run: those that the slice has
/// woken, accepts, publishes.
///
/// Goes on after a panic: the runtime would end this task without a word, and with it every stream of the thread, open
/// but mute.
async fn drive(segment: Segment, sockets: Option<Rc<Sockets>>) {
    loop {
        // A turn that panics leaves the segment fit for the next; what was unserved still is.
        let turn = catch_unwind(AssertUnwindSafe(|| segment.turn(Instant::now())));
        let next = match turn {
            Ok(Turn::Idle(next)) => next,
            Ok(Turn::More) => {
                yield_now().await;
                continue;
            }
            Err(_) => {
                // What it said, and where, the panic hook has told.
                error!("serving streams has panicked: going on");
                sleep(REST).await;
                continue;
            }
        };
        if let Some(sockets) = &sockets {
            sockets.forget();
        }
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

/// Cuts off readers who have lost events and do not take what they are sent, where that is the policy: their streams'
/// bodies, which are not polled, cannot end themselves.
async fn evict(hub: Hub, streams: Streams) {
    if !hub.config().slow.disconnects() {
        return;
    }
    loop {
        sleep(EVICT_EVERY).await;
        let why = |sight: Sight<'_>| {
            let open = !sight.stream.is_finished();
            let blocked = open && sight.stream.cut_when_lagging() && sight.blocked_since.is_some();
            (blocked && sight.lag.lost).then(|| {
                hub.counters().one(Count::EvictedLagging);
                End::Lagging
            })
        };
        streams.cut(why).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{Context, Wake, Waker};

    use bytes::Bytes;
    use sse_core::{Delivery, Event, Position, TopicName};
    use tokio::time::timeout;

    use super::*;
    use crate::HubConfig;
    use crate::stream::Subscription;

    /// Longer than anything here takes on the slowest machine.
    const BOUND: Duration = Duration::from_secs(20);

    fn hub() -> Hub {
        Hub::new(HubConfig::default()).unwrap()
    }

    fn topic() -> TopicName {
        "a".parse().unwrap()
    }

    fn subscribe(worker: &Worker) -> Subscription {
        worker.segment().subscribe([topic()], Position::Now).unwrap()
    }

    fn publish(hub: &Hub, data: &str) {
        hub.broadcaster().publish(&topic(), &Event::new(None, data).unwrap()).unwrap();
    }

    async fn frames(subscription: &mut Subscription) -> Bytes {
        let next = timeout(BOUND, subscription.next()).await.expect("the segment is driven");
        let Some(Delivery::Frames(run)) = next else { panic!("{next:?} instead of frames") };
        run.into_bytes()
    }

    /// Publishes when the reader already waits, so that only the segment can bring it the news.
    async fn frames_of(hub: &Hub, data: &str, reader: &mut Subscription) -> Bytes {
        tokio::join!(biased; frames(reader), async { publish(hub, data) }).0
    }

    #[actix_web::test]
    async fn a_hub_has_one_worker_on_a_thread() {
        let (one, other) = (hub(), hub());
        let worker = Worker::of(&one);
        assert!(Rc::ptr_eq(&worker, &Worker::of(&one.clone())));
        assert!(!Rc::ptr_eq(&worker, &Worker::of(&other)));
    }

    #[actix_web::test]
    async fn nothing_of_a_hub_outlives_it() {
        let hub = hub();
        let worker = Worker::of(&hub);
        let mut reader = subscribe(&worker);
        // So large that what is delivered is the log's own memory, and shows whether the log is still there.
        let memory = frames_of(&hub, &"x".repeat(100_000), &mut reader).await;
        assert!(!memory.is_unique(), "the log has it too");

        drop((reader, worker, hub));
        // The tasks end when the runtime comes round to them.
        let freed = async {
            while !memory.is_unique() {
                yield_now().await;
            }
        };
        timeout(BOUND, freed).await.expect("the log is let go of");
    }

    struct Panics(AtomicBool);

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
            panic!("a waker that panics, as part of a test");
        }
    }

    #[actix_web::test]
    async fn a_panic_does_not_silence_the_streams_of_a_thread() {
        let hub = hub();
        let worker = Worker::of(&hub);
        let (mut reader, mut faulty) = (subscribe(&worker), subscribe(&worker));
        let panics = Arc::new(Panics(AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&panics));
        assert!(faulty.poll_next(&mut Context::from_waker(&waker)).is_pending());

        assert!(frames_of(&hub, "one", &mut reader).await.starts_with(b"data: one\n"));
        assert!(panics.0.load(Ordering::Relaxed), "in the same turn");
        assert!(frames_of(&hub, "two", &mut reader).await.starts_with(b"data: two\n"));
    }
}
