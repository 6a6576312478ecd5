//! The result of a run: one value, and the schema of the JSON report.
//!
//! Times are whole nanoseconds, shares are from 0 to 1, sizes are bytes. A distribution carries its whole histogram
//! (V2, deflated, base64), so that two reports can be merged without loss. Fields are only ever added.

mod server;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::server::ServerCost;

use crate::latency::Latency;

/// The name and the version of the schema.
pub const SCHEMA: &str = "sse-loadgen/1";

/// All that a run found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    /// [`SCHEMA`].
    pub schema: String,
    /// What measured.
    pub tool: Tool,
    /// What was done, and when.
    pub run: Run,
    /// Where.
    pub host: Host,
    /// How the clients were spread.
    pub plan: Plan,
    /// How connecting went, and what became of the connections.
    pub connections: Connections,
    /// Every distribution, by the name of what was measured; see [`Metric`](crate::record::Metric).
    pub latency: BTreeMap<String, Distribution>,
    /// What was delivered, held against what ought to have been.
    pub delivery: Delivery,
    /// How long an event took to reach all; without a publisher, only the spread.
    pub fanout: Option<Fanout>,
    /// The same latency by the order of connecting, oldest first: tenths of the clients.
    pub order_bias: Vec<Decile>,
    /// How publishing went, if the run published.
    pub publish: Option<Publishing>,
    /// Per second.
    pub throughput: Throughput,
    /// Whether the tester itself was fit to measure.
    pub client_health: Health,
    /// What it cost the server, if its process was watched.
    pub server: Option<ServerCost>,
    /// What only this scenario measures, by name: counts, shares (0 to 1) or nanoseconds, as each says of itself.
    pub scenario: Vec<Figure>,
    /// The conditions of `--fail`, and whether they were met.
    pub gates: Vec<Gate>,
    /// What a reader should know, the worst first.
    pub findings: Vec<Finding>,
    /// The figures that gates name and that graphs of CI draw: counts, shares, and times in milliseconds.
    pub metrics: BTreeMap<String, f64>,
}

/// What measured.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tool {
    /// Of this program.
    pub version: String,
    /// `raw` or `reqwest`.
    pub engine: String,
}

/// What was done, and when.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Run {
    /// As stamped on the events, in hex.
    pub id: String,
    /// `run`, `storm`, `churn`, `slow`, `resume` or `request`.
    pub scenario: String,
    /// The endpoints, as given.
    pub targets: Vec<String>,
    /// RFC 3339.
    pub started: String,
    /// The command line.
    pub argv: Vec<String>,
    /// What random choices were made from.
    pub seed: u64,
    /// In order, times since the run's start.
    pub phases: Vec<Phase>,
    /// Ctrl-C ended it early.
    pub interrupted: bool,
}

/// A part of the run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Phase {
    /// `connect`, `settle`, `warmup`, `measure`, `drain`, …
    pub name: String,
    /// Since the run's start.
    pub start_ns: u64,
    /// Since the run's start.
    pub end_ns: u64,
}

/// The machine of the tester.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Host {
    /// Its version.
    pub kernel: String,
    /// How many this program may use.
    pub cpus: usize,
    /// All of it.
    pub memory_bytes: u64,
    /// Open files that a process may have.
    pub nofile: u64,
    /// The endpoint is on this machine too, and takes its cores.
    pub shared_with_target: bool,
}

/// How the clients were spread.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Plan {
    /// Streams to hold at once.
    pub clients: u64,
    /// Topics they are spread over.
    pub topics: u32,
    /// Processes.
    pub workers: u32,
    /// Pairs of addresses.
    pub routes: usize,
    /// Events per second, over all topics.
    pub rate: f64,
    /// Bytes of an event's data.
    pub payload: usize,
}

/// How connecting went, and what became of the connections.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Connections {
    /// Clients that were to connect.
    pub planned: u64,
    /// Clients that had a stream when the measuring began.
    pub ready: u64,
    /// Clients that had one when it ended.
    pub held: u64,
    /// Streams that were opened, reconnects included.
    pub opened: u64,
    /// Attempts that failed, by reason: `refused`, `timeout`, `status 503`, `content type text/html`, …
    pub errors: BTreeMap<String, u64>,
    /// Streams that ended, by how: `end` (in good order), `cut` (in the middle), `reset`, `oversize`, …
    pub closed: BTreeMap<String, u64>,
    /// Streams that were opened again after they had ended.
    pub reconnects: u64,
    /// Those of them that sent `Last-Event-ID`, and what came of it.
    pub resumes: Resumes,
    /// Clients that gave up: a status that EventSource does not come back from, or 204.
    pub stopped: u64,
}

/// What came of reconnects with `Last-Event-ID`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumes {
    /// All of them.
    pub sent: u64,
    /// The first event was the one after the last.
    pub contiguous: u64,
    /// Events were missing, and the server said so.
    pub gap_announced: u64,
    /// Events were missing, and nobody said so.
    pub gap_silent: u64,
    /// Events came again.
    pub repeated: u64,
    /// No event had come yet when the run ended or the stream broke again.
    pub unsettled: u64,
}

/// A distribution of times.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Distribution {
    /// `ns`.
    pub unit: String,
    /// How many times were recorded.
    pub count: u64,
    /// The shortest.
    pub min: u64,
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub stdev: f64,
    /// The longest.
    pub max: u64,
    /// By percent, as text: `"50"`, `"99.9"`.
    pub p: BTreeMap<String, u64>,
    /// How many were longer than the histogram tells apart.
    pub saturated: u64,
    /// The histogram itself.
    pub hdr: Latency,
}

/// What was delivered, held against what ought to have been.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Deliveries that were due: for each event, the clients that were there when it was planned. All of the run.
    pub expected: u64,
    /// Deliveries that came, each event once per client.
    pub received: u64,
    /// Missing without a word.
    pub lost: u64,
    /// Missing, and the server said so (`sse.gap`).
    pub announced: u64,
    /// A second time, or more often.
    pub duplicated: u64,
    /// After a later one.
    pub reordered: u64,
    /// The checksum was wrong.
    pub corrupted: u64,
    /// Later than `--late`.
    pub late: u64,
    /// Events of another run, or of another topic, or without a stamp.
    pub foreign: u64,
    /// On the stream, but the engine's parser did not give them: no fault of the server's.
    pub unparsed: u64,
    /// Clients that had any of these faults.
    pub affected_clients: u64,
    /// Deliveries that were due while it was measured: what the percentiles below are of.
    pub measured: u64,
    /// Percentiles of delivery over *expected* deliveries, in ns. None: so many never came.
    pub adjusted_p: BTreeMap<String, Option<u64>>,
    /// The first few clients with a fault, and what was wrong.
    pub examples: Vec<String>,
}

/// How long an event took to reach its clients, as distributions over events.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Fanout {
    /// Events that were followed; of many, every so manieth.
    pub events: u64,
    /// By share of the clients: `"50"`, `"90"`, `"99"`, `"100"`. From the planned time.
    pub completion: BTreeMap<String, Completion>,
    /// From the first client that had an event to the last: needs no publisher, and one clock.
    pub spread: Distribution,
    /// What it would take this machine at least to read so many sockets, one after the other.
    pub drain_floor_ns: u64,
    /// The curve: how long until so many percent of the clients (0 to 100) had the median event.
    pub median_curve: Vec<(f64, u64)>,
    /// The same for the slowest hundredth of the events.
    pub worst_curve: Vec<(f64, u64)>,
}

/// Until a share of the clients had an event.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Completion {
    /// Over the events that got there.
    pub time: Distribution,
    /// Events that never did.
    pub never: u64,
}

/// A tenth of the clients, by the order of connecting.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Decile {
    /// From 1, the oldest.
    pub decile: u32,
    /// Deliveries.
    pub count: u64,
    /// Of delivery, in ns.
    pub p50: u64,
    /// Of delivery, in ns.
    pub p99: u64,
}

/// How publishing went.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Publishing {
    /// Events that were due.
    pub planned: u64,
    /// Events that were sent.
    pub sent: u64,
    /// Over requests that last, so that no event was answered by itself (`--publish-stream`).
    #[serde(default)]
    pub streamed: bool,
    /// Events that the server accepted.
    pub accepted: u64,
    /// Events that it refused: nobody is to have them.
    pub rejected: u64,
    /// Events of which nobody knows: no answer came.
    pub unknown: u64,
    /// Why not, by reason.
    pub errors: BTreeMap<String, u64>,
}

/// Per second.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Throughput {
    /// Events that were read, over the measured time.
    pub events_per_s: f64,
    /// Bytes that were read, over the measured time.
    pub bytes_per_s: f64,
    /// The timeline of the run.
    pub windows: Vec<Window>,
}

/// A second of the run.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Window {
    /// Its end, since the run's start.
    pub t_ns: u64,
    /// Its length.
    pub length_ns: u64,
    /// Clients with a stream at its end.
    pub clients: u64,
    /// Events that were read.
    pub events: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Of delivery; none if nothing was delivered.
    pub p50: Option<u64>,
    /// Of delivery.
    pub p99: Option<u64>,
    /// Of delivery.
    pub max: Option<u64>,
    /// It counts: it is in the measured time.
    pub measured: bool,
}

/// Whether the figures can be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The tester had time to spare.
    #[default]
    Ok,
    /// It was busy: the figures are an upper bound of what the server does.
    Degraded,
    /// It was the bottleneck: the figures say nothing about the server.
    Saturated,
}

/// Whether the tester itself was fit to measure, and how that is known.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Health {
    /// The worst of all signals.
    pub verdict: Verdict,
    /// The signals that were not ok.
    pub reasons: Vec<Reason>,
    /// CPU time over time, of each worker while it was measured.
    pub worker_cpu: Vec<f64>,
    /// Time that workers were ready to run and had no core, over time; the worst.
    pub run_queue: f64,
    /// How late a thread that slept was woken, p99.9.
    pub hiccup_p999_ns: u64,
    /// From the kernel's having an event to our reading it, p99.
    pub lag_p99_ns: Option<u64>,
    /// Anonymous memory of all workers.
    pub memory_bytes: u64,
    /// That over clients.
    pub memory_per_client: u64,
    /// Other signals of the host while it was measured, by name.
    pub signals: BTreeMap<String, f64>,
}

/// A signal that was not ok.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Reason {
    /// Its name.
    pub signal: String,
    /// What it was.
    pub value: f64,
    /// What it was not to exceed.
    pub limit: f64,
    /// How bad that is.
    pub verdict: Verdict,
    /// For a reader.
    pub text: String,
}

/// How a figure reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// A number of things.
    #[default]
    Count,
    /// Of 1.
    Share,
    /// Nanoseconds.
    Ns,
    /// Bytes.
    Bytes,
    /// Per second.
    Rate,
}

/// A figure of one scenario.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Figure {
    /// A key of [`Summary::metrics`] too: `storm.recovery.p99`.
    pub name: String,
    /// For a reader.
    pub text: String,
    /// How it reads.
    pub unit: Unit,
    /// None: it never came to that (99 % of the clients never caught up).
    pub value: Option<f64>,
}

/// A condition of `--fail`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Gate {
    /// As it was typed: the run fails if it holds.
    pub expression: String,
    /// It did not hold.
    pub pass: bool,
    /// What the figure was; none if it was not measured, which fails too.
    pub value: Option<f64>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    #[default]
    Note,
    /// Look into it.
    Warning,
    /// Something is wrong.
    Error,
}

/// What a reader should know.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Finding {
    /// `LOSS`, `ORDER_BIAS`, `BUFFERING`, …
    pub code: String,
    /// How bad.
    pub severity: Severity,
    /// In a sentence.
    pub text: String,
}

/// The percentiles that reports show.
pub const PERCENTILES: [f64; 5] = [50.0, 90.0, 99.0, 99.9, 99.99];

impl From<Latency> for Distribution {
    fn from(latency: Latency) -> Self {
        let histogram = latency.histogram();
        let p =
            PERCENTILES.iter().map(|&percent| (percent.to_string(), histogram.value_at_percentile(percent)));
        let empty = latency.count() == 0;
        Self {
            unit: "ns".to_owned(),
            count: latency.count(),
            min: histogram.min(),
            mean: if empty { 0.0 } else { histogram.mean() },
            stdev: if empty { 0.0 } else { histogram.stdev() },
            max: histogram.max(),
            p: p.collect(),
            saturated: latency.saturated(),
            hdr: latency,
        }
    }
}
