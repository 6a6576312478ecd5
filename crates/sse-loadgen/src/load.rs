//! What a run is to do: everything that was typed, read and checked.

use std::net::IpAddr;
use std::time::Duration;

use crate::account::reconnect::Reconnect;
use crate::engine::Engine;
use crate::publisher::Publish;
use crate::report::gate::Condition;
use crate::scenario::Scenario;
use crate::watch::WatchTarget;
use crate::worker::orders::RequestPlan;

/// See the module.
#[derive(Debug)]
pub struct Load {
    /// What happens while it is measured.
    pub scenario: Scenario,
    /// What is asked for; clients take turns. At least one.
    pub requests: Vec<RequestPlan>,
    /// Streams to hold; for requests, the most that are under way at once.
    pub clients: u32,
    /// Topics that the clients are spread over.
    pub topics: u32,
    /// Processes; none leaves it to the plan.
    pub workers: Option<u32>,
    /// Addresses to connect from.
    pub sources: Vec<IpAddr>,
    /// What opens the streams.
    pub engine: Engine,
    /// Clients that come per second.
    pub ramp: f64,
    /// Attempts under way at once, over all workers.
    pub in_flight: u32,
    /// Until a connection and a head must be there.
    pub connect_timeout: Duration,
    /// Quiet time between the last client's coming and the first event.
    pub settle: Duration,
    /// Published, but not measured.
    pub warmup: Duration,
    /// Measured.
    pub duration: Duration,
    /// How long, at most, is waited for what is on its way in the end.
    pub drain: Duration,
    /// Who publishes, and at what rate over all topics. None: somebody else does.
    pub publish: Option<(Publish, f64)>,
    /// Bytes of an event's data, if we publish.
    pub payload: usize,
    /// Who comes back, and when.
    pub reconnect: Reconnect,
    /// A delivery that takes longer is late.
    pub late: Duration,
    /// The event by which the server says that some were missed.
    pub gap_event: String,
    /// The largest event, in bytes.
    pub max_event: usize,
    /// Of every socket; none leaves it to the kernel.
    pub receive_buffer: Option<usize>,
    /// Of how many clients one asks the kernel when its data came.
    pub stamped_every: u32,
    /// Accept any certificate.
    pub insecure: bool,
    /// Many clients against public addresses are meant.
    pub own_target: bool,
    /// Processes of the server whose cost is of interest.
    pub watch: Vec<WatchTarget>,
    /// When the run has failed.
    pub conditions: Vec<Condition>,
    /// What random choices are made from.
    pub seed: u64,
    /// The command line, for the report.
    pub argv: Vec<String>,
}
