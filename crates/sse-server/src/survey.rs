//! How the readers of all workers get on: asked of each worker by a message, answered on its own thread.
//!
//! Nothing is counted for this while streams run. A reader that is up to date costs a comparison when it is asked for,
//! so ten thousand of them are a millisecond of each worker's time, shared out among its other tasks.

use std::cmp::Reverse;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use sse_core::Lag;
use tokio::sync::{mpsc, oneshot};

use crate::Hub;
use crate::streams::{Sight, Streams};

/// How long a worker may take to answer, before what the others say has to do.
const PATIENCE: Duration = Duration::from_secs(2);

/// A question to a worker.
#[derive(Debug)]
pub(crate) struct Question {
    top: usize,
    answer: oneshot::Sender<Found>,
}

/// What was found, of one worker or of all.
#[derive(Debug)]
pub(crate) struct Found {
    /// Events that each reader is behind.
    pub(crate) events: Histogram<u64>,
    /// For how long the oldest of them has been waiting, in milliseconds.
    pub(crate) milliseconds: Histogram<u64>,
    /// Readers whose clients do not take what they are sent.
    pub(crate) blocked: usize,
    /// The slowest, worst first.
    pub(crate) slowest: Vec<Slow>,
}

/// A reader who is behind, or whose client does not take what it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Slow {
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) client: Option<IpAddr>,
    pub(crate) topic: String,
    pub(crate) others: usize,
    pub(crate) open: Duration,
    pub(crate) events: u64,
    pub(crate) lag: Lag,
    pub(crate) blocked: Option<Duration>,
    pub(crate) unsent: usize,
}

/// What all workers said.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) found: Found,
    pub(crate) workers: usize,
    /// Workers that said something.
    pub(crate) answered: usize,
}

/// Asks every worker of a hub, and waits for those that answer in time. Cancel safe.
pub(crate) async fn survey(hub: &Hub, top: usize) -> Survey {
    let workers = hub.workers();
    let mut survey = Survey { found: Found::nothing(), workers: workers.len(), answered: 0 };
    // All are asked before any is waited for.
    let answers: Vec<_> = workers
        .iter()
        .map(|worker| {
            let (answer, found) = oneshot::channel();
            // Of one that has gone, the answer never comes.
            let _ = worker.send(Question { top, answer });
            found
        })
        .collect();
    let until = tokio::time::Instant::now() + PATIENCE;
    for answer in answers {
        if let Ok(Ok(found)) = tokio::time::timeout_at(until, answer).await {
            survey.answered += 1;
            survey.found.add(found, top);
        }
    }
    survey
}

/// Answers for one worker, for as long as the hub lives.
pub(crate) async fn answer(mut questions: mpsc::UnboundedReceiver<Question>, streams: Streams) {
    while let Some(Question { top, answer }) = questions.recv().await {
        let mut found = Found::nothing();
        let now = Instant::now();
        streams.for_each(|sight| found.look_at(&sight, now, top)).await;
        found.keep(top);
        // Who has not waited for it does not want it.
        let _ = answer.send(found);
    }
}

impl Found {
    fn nothing() -> Self {
        // Two digits: nobody acts differently at 1,230 than at 1,234.
        let histogram = || Histogram::new(2).expect("two digits are allowed");
        Self { events: histogram(), milliseconds: histogram(), blocked: 0, slowest: Vec::new() }
    }

    fn look_at(&mut self, sight: &Sight<'_>, now: Instant, top: usize) {
        let Sight { stream, lag, blocked_since, unsent } = *sight;
        let blocked = blocked_since.map(|since| now.saturating_duration_since(since));
        self.events.saturating_record(lag.events);
        self.milliseconds.saturating_record(u64::try_from(lag.age.as_millis()).unwrap_or(u64::MAX));
        self.blocked += usize::from(blocked.is_some());
        if top == 0 || (lag.events == 0 && blocked.is_none()) {
            return;
        }
        self.slowest.push(Slow {
            peer: stream.peer(),
            client: stream.client(),
            topic: stream.topic().as_str().to_owned(),
            others: stream.others(),
            open: stream.age(now),
            events: stream.events(),
            lag,
            blocked,
            unsent,
        });
        // Not at every one, and not only at the end, when it might be all streams there are.
        if self.slowest.len() >= top.saturating_mul(2) + 64 {
            self.keep(top);
        }
    }

    /// Keeps the slowest so many.
    fn keep(&mut self, top: usize) {
        self.slowest.sort_by_key(|slow| Reverse((slow.lag.age, slow.lag.events, slow.blocked, slow.unsent)));
        self.slowest.truncate(top);
    }

    fn add(&mut self, other: Self, top: usize) {
        self.events.add(other.events).expect("both grow as they need");
        self.milliseconds.add(other.milliseconds).expect("both grow as they need");
        self.blocked += other.blocked;
        self.slowest.extend(other.slowest);
        self.keep(top);
    }
}
