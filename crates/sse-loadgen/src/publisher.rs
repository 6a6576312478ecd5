//! The open-loop publisher: sends the nth event at its planned time, whatever became of those before.
//!
//! It never waits for an answer before the next send. A publisher that did would ask a slow server less often exactly
//! while it is slow (coordinated omission). When it cannot keep up after all, because a connection is down or too
//! much is under way, events are sent late and their slip, which counts from the plan, says how late.
//!
//! ```text
//! pace ── events below n are due ──▶ raw (http://): lane ─ pipeline or stream ─ socket, for each share of the topics
//!                                 └▶ client (https://): reqwest
//! ```
//!
//! All events of a topic go over one connection, topic k over connection k mod n. With several, a server could take a
//! topic's events in another order than they were sent, and would be blamed for a reordering of ours. What
//! `https://` can promise less is said in `client`. Servers that know nothing of each other share the topics in the same
//! way: topic k goes to the URL k mod n.
//!
//! Instead of a request for each event, a connection may carry one that lasts, with the events in its body (`stream`): then
//! no event is answered by itself, and the one answer in the end is for all.
//!
//! Nothing is ever sent twice: after a connection breaks, what had begun to leave is reported as unknown, and only what
//! had not is sent over the next one. A server that closes after every answer gets one request at a time.

mod account;
pub(crate) mod answers;
mod args;
mod client;
mod lane;
mod pace;
mod pipeline;
mod publish;
mod raw;
mod request;
mod share;
mod stream;
mod target;
mod traffic;

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use thiserror::Error;

use self::account::{Account, Counters};
pub use self::account::{Numbers, Progress, Published};
pub use self::args::PublishArgs;
use self::pace::Shared;
pub use self::publish::{Publish, PublishError};
pub use self::target::{Target, TargetError};
use crate::clock;
use crate::schedule::Schedule;

/// Why a publisher did not start.
#[derive(Debug, Error)]
#[error("cannot publish to {authority}: {reason}")]
pub struct StartError {
    authority: String,
    reason: io::Error,
}

/// A publisher at work, on threads of its own. Dropped, it stops by itself, without an account.
pub struct Publisher {
    shared: Arc<Shared>,
    counters: Arc<Counters>,
    first: u64,
    wake: Arc<dyn Fn() + Send + Sync>,
    pace: JoinHandle<()>,
    engine: Option<JoinHandle<Published>>,
}

impl Publisher {
    /// Starts to publish these of a schedule's events, and returns at once, though it looks the host's name up before.
    ///
    /// Connections are opened now, not when the first event is due: let the schedule start a little later. For a time
    /// as the end, give the [count before](Schedule::count_before) it; for none, `u64::MAX`, and [stop](Self::stop).
    ///
    /// # Errors
    ///
    /// The host has no address, or the system refuses a thread or a descriptor. That the server does not answer is none:
    /// it may yet, and the account says whether it did.
    pub fn start(publish: &Publish, schedule: Schedule, events: Range<u64>) -> Result<Self, StartError> {
        Self::try_start(publish, schedule, events)
            .map_err(|reason| StartError { authority: authorities(publish), reason })
    }

    fn try_start(publish: &Publish, schedule: Schedule, events: Range<u64>) -> io::Result<Self> {
        let first = events.start;
        let (shared, counters) = (Arc::new(Shared::new(first)), Arc::new(Counters::default()));
        let account = Account::new(Arc::clone(&counters));
        let engine = thread::Builder::new().name("publish".to_owned());
        let (engine, wake): (_, Arc<dyn Fn() + Send + Sync>) = if publish.targets[0].https {
            let (client, notify) =
                client::Client::new(publish, schedule, first, Arc::clone(&shared), account)?;
            (engine.spawn(|| client.run())?, Arc::new(move || notify.notify_one()))
        } else {
            let (raw, waker) = raw::Raw::new(publish, schedule, first, Arc::clone(&shared), account)?;
            // It fails only if the kernel is out of memory.
            (engine.spawn(|| raw.run())?, Arc::new(move || drop(waker.wake())))
        };
        let pace = {
            let (shared, wake) = (Arc::clone(&shared), Arc::clone(&wake));
            let run = move || pace::run(&shared, &schedule, events, &*wake);
            thread::Builder::new().name("publish-pace".to_owned()).spawn(run)
        };
        let pace = pace.inspect_err(|_| abandon(&shared, &*wake))?;
        Ok(Self { shared, counters, first, wake, pace, engine: Some(engine) })
    }

    /// How far it is. A few loads: as cheap as it looks.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress {
            planned: self.shared.due() - self.first,
            sent: self.counters.sent.load(Ordering::Relaxed),
            accepted: self.counters.accepted.load(Ordering::Relaxed),
            failed: self.counters.failed.load(Ordering::Relaxed),
        }
    }

    /// Plans and sends nothing more, but for requests that are already in a buffer. Answers are still taken.
    pub fn stop(&self) {
        self.shared.stop();
        self.pace.thread().unpark();
        (self.wake)();
    }

    /// Waits until every event was sent and answered, or given up, and at most so long; then the account is closed.
    ///
    /// What is not due by then was never planned. [Stopped](Self::stop) before, it waits for answers alone.
    #[must_use]
    pub fn finish(mut self, timeout: Duration) -> Published {
        let timeout = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        self.shared.end_by(clock::now().saturating_add(timeout));
        (self.wake)();
        let engine = self.engine.take().expect("only this takes it");
        // A panic there is a defect of ours, to be seen as one.
        engine.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        abandon(&self.shared, &*self.wake);
        self.pace.thread().unpark();
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("progress", &self.progress()).finish_non_exhaustive()
    }
}

fn authorities(publish: &Publish) -> String {
    publish.targets.iter().map(|target| &*target.authority).collect::<Vec<_>>().join(", ")
}

fn abandon(shared: &Shared, wake: &dyn Fn()) {
    shared.stop();
    shared.end_by(0);
    wake();
}
