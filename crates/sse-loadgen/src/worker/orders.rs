//! What coordinator and worker say to each other: one JSON value a line.

use serde::{Deserialize, Serialize};

use crate::account::Accepted;
use crate::account::reconnect::Reconnect;
use crate::engine::kind::Engine;
use crate::host::Own;
use crate::latency::Latency;
use crate::plan::Route;
use crate::record::{Counts, Record};
use crate::schedule::Schedule;

/// All that a worker must know to open its clients. The first line that it reads.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Assignment {
    /// What opens and reads the streams.
    pub engine: Engine,
    /// This worker's number, from 0. Its clients are those with this rest modulo `workers`.
    pub worker: u32,
    /// How many there are.
    pub workers: u32,
    /// How many clients, over all workers.
    pub clients: u32,
    /// Client n is a reader of topic n modulo this.
    pub topics: u32,
    /// Client n goes by route n modulo their number.
    pub routes: Vec<Route>,
    /// What is asked for, by the route's target.
    pub requests: Vec<RequestPlan>,
    /// When and how fast clients come.
    pub coming: Coming,
    /// Attempts under way at once, at most, in this worker.
    pub in_flight: u32,
    /// Until a connection and a head must be there, in ns.
    pub connect_timeout: u64,
    /// Who comes back, and when.
    pub reconnect: Reconnect,
    /// The largest event, in bytes, that is taken.
    pub max_event: usize,
    /// A delivery that takes longer, in ns, is late.
    pub late: u64,
    /// The event by which the server says that some were missed.
    pub gap_event: String,
    /// Bytes of the receive buffer of every socket; none leaves it to the kernel.
    pub receive_buffer: Option<usize>,
    /// So many clients, of 1, ask the kernel when their data came.
    pub stamped: f64,
    /// Accept any certificate.
    pub insecure: bool,
    /// What random choices are made from.
    pub seed: u64,
}

/// A request for a stream, with its placeholders.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RequestPlan {
    /// As given.
    pub url: String,
    /// GET, if nothing else was asked for.
    pub method: String,
    /// Beside those of every request.
    pub headers: Vec<(String, String)>,
    /// Empty for none.
    pub body: String,
}

/// When clients come, and what they are there for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coming {
    /// To stay: one after the other, so many per second over all workers, from this time on.
    Ramp {
        /// When the first one comes.
        start: u64,
        /// Over all workers.
        per_second: f64,
        /// How long one stays, in ns, on average: exponentially distributed. Whoever leaves is replaced by a new one.
        /// None: for ever.
        lifetime: Option<u64>,
    },
    /// For one answer each, an open loop: the nth is planned for its time, however long those before it take.
    Requests {
        /// When the first one comes.
        start: u64,
        /// Over all workers.
        per_second: f64,
        /// When the last one has come.
        end: u64,
        /// How long an answer may take, in ns.
        timeout: u64,
    },
}

/// How fast a client reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// As fast as it can.
    Full,
    /// So many bytes per second.
    Slow(u32),
    /// Not at all; but it keeps the connection.
    Stalled,
}

/// What a worker is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// What is published and measured.
    Measure {
        /// None: somebody else publishes.
        schedule: Option<Schedule>,
        /// From here
        from: u64,
        /// until here it counts.
        to: u64,
    },
    /// Close so many streams, of 1, at once; their clients come back as if the network had done it.
    Cut {
        /// 1 is everybody; else the clients are chosen at random.
        share: f64,
    },
    /// So many clients, of 1, read at this pace from now on.
    Restrain {
        /// So many of 1, spread evenly.
        share: f64,
        /// So many others come before them, that an earlier order was for.
        skip: f64,
        /// How fast.
        pace: Pace,
    },
    /// Settle the accounts and report.
    Settle(Accepted),
    /// Close everything.
    Close,
}

/// What a worker says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// It has read its assignment.
    Ready,
    /// It knows what is published and measured: what begins at this time.
    Measuring {
        /// See [`Order::Measure`].
        from: u64,
    },
    /// How things are: a few times a second.
    Tick(Box<Tick>),
    /// All that it has seen. Streams are still open.
    Settled(Box<Settled>),
    /// Streams are closed; the last line.
    Closed,
}

/// How things are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tick {
    /// How many windows are over since the run's start, if it is more than at the tick before.
    pub ended: Option<u64>,
    /// What was counted so far.
    pub counts: Counts,
    /// Delivery in the window that is over, or in more than one, if the worker was late.
    pub delivery: Option<Latency>,
    /// What most attempts or streams have ended with, if any have.
    pub trouble: Option<String>,
}

/// All that a worker has seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settled {
    /// Of its clients.
    pub record: Record,
    /// What it needed itself while it was measured.
    pub own: Own,
    /// What its clients read meanwhile.
    pub read: Read,
    /// Anonymous memory before the first client, in bytes.
    pub memory_before: Option<u64>,
    /// Anonymous memory with all clients, before the first event, in bytes.
    pub memory: Option<u64>,
}

/// What was read in a time.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Read {
    /// Events, whatever they were.
    pub events: u64,
    /// Reads that brought something.
    pub reads: u64,
    /// Bytes.
    pub bytes: u64,
}
