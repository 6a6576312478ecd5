//! What a flood found, as JSON and as a few lines of text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::server::Cost;
use crate::host::Own;
use crate::latency::Latency;
use crate::report::units::{bytes, count, number, time_or_none};

/// The share of its time that leaves the tester none to spare: what it finds is then its own limit, or close to it.
const BUSY: f64 = 0.97;
/// The share of its time in which it would have gone on, and had no core: its latencies are not the server's.
const STARVED: f64 = 0.30;

/// What a flood found. Times are in nanoseconds, sizes in bytes. Only added to, never changed.
#[derive(Debug, Serialize)]
pub struct FloodReport {
    pub(super) tool: &'static str,
    pub(super) url: String,
    /// Streams that were opened; what follows is about these.
    pub(super) clients: u64,
    /// Attempts to open one that came to nothing, by reason.
    pub(super) failed: BTreeMap<String, u32>,
    /// Streams that ended before the run did, by reason.
    pub(super) ended: BTreeMap<String, u32>,
    /// Measured events that were sent.
    pub(super) events: u64,
    /// Those before them.
    pub(super) warmup_events: u64,
    /// Events that the server refused, or never said that it took. Nobody is owed them.
    pub(super) uncertain: u64,
    /// Why publishing was given up.
    pub(super) publish_error: Option<String>,
    /// Deliveries that the clients are owed, warm-up included; and so are those that follow.
    pub(super) expected: u64,
    pub(super) deliveries: u64,
    pub(super) lost: u64,
    pub(super) duplicated: u64,
    pub(super) reordered: u64,
    pub(super) damaged: u64,
    /// Missed, and the server said so.
    pub(super) announced: u64,
    /// Events of others.
    pub(super) foreign: u64,
    /// Deliveries of measured events.
    pub(super) measured: u64,
    /// From the first to the last of them.
    pub(super) seconds: f64,
    /// None if all were there at once.
    pub(super) deliveries_per_second: Option<f64>,
    pub(super) bytes_per_second: Option<f64>,
    /// Of the measured deliveries, at most 50 µs too long. Null without any.
    pub(super) latency_ns: Option<Percentiles>,
    /// From when an event was to be sent until its answer was read, warm-up included.
    pub(super) publish_ack_ns: Option<Percentiles>,
    pub(super) server: Option<Cost>,
    pub(super) tester: Tester,
}

#[derive(Debug, Serialize)]
pub(super) struct Percentiles {
    p50: u64,
    p90: u64,
    p99: u64,
    p999: u64,
    max: u64,
}

/// The tester itself, over the measured part.
#[derive(Debug, Serialize)]
pub(super) struct Tester {
    cpu_s: f64,
    /// Of one core.
    utilisation: f64,
    cpu_us_per_delivery: Option<f64>,
    /// The share of deliveries, warm-up included, that had to be decoded.
    decoded: f64,
    verdict: Verdict,
    why: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Saturated,
}

impl FloodReport {
    /// What the program ends with.
    #[must_use]
    pub fn code(&self) -> u8 {
        if self.tester.verdict == Verdict::Saturated { 4 } else { 0 }
    }

    /// For a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // A String takes every write.
        let mut row = |name: &str, value: String| _ = writeln!(text, "{name:<12}{value}");
        let sum = |reasons: &BTreeMap<String, u32>| reasons.values().map(|&number| u64::from(number)).sum();
        row("flood", self.url.clone());
        row(
            "clients",
            format!(
                "{} open   {} failed   {} ended early",
                count(self.clients),
                count(sum(&self.failed)),
                count(sum(&self.ended))
            ),
        );
        row(
            "events",
            format!(
                "{} measured   {} before   {} uncertain",
                count(self.events),
                count(self.warmup_events),
                count(self.uncertain)
            ),
        );
        if let Some(error) = &self.publish_error {
            row("", format!("publishing was given up: {error}"));
        }
        row(
            "integrity",
            format!(
                "{} of {} delivered   {} lost   {} announced   {} doubled   {} reordered   {} damaged",
                count(self.deliveries),
                count(self.expected),
                count(self.lost),
                count(self.announced),
                count(self.duplicated),
                count(self.reordered),
                count(self.damaged)
            ),
        );
        row(
            "throughput",
            format!(
                "{} deliveries/s   {}/s   for {} s",
                number(self.deliveries_per_second.unwrap_or(f64::NAN)),
                self.bytes_per_second.map_or_else(|| "–".to_owned(), bytes),
                number(self.seconds)
            ),
        );
        for (name, times) in [("latency", &self.latency_ns), ("publish ack", &self.publish_ack_ns)] {
            let time = |of: fn(&Percentiles) -> u64| time_or_none(times.as_ref().map(of));
            row(
                name,
                format!(
                    "p50 {}   p90 {}   p99 {}   p99.9 {}   max {}",
                    time(|times| times.p50),
                    time(|times| times.p90),
                    time(|times| times.p99),
                    time(|times| times.p999),
                    time(|times| times.max)
                ),
            );
        }
        if let Some(server) = &self.server {
            row(
                "server",
                format!(
                    "{} µs of CPU per delivery   {} s user   {} s system   {} before   {} connected   {} at most",
                    number(server.cpu_us_per_delivery.unwrap_or(f64::NAN)),
                    number(server.cpu_user_s),
                    number(server.cpu_system_s),
                    bytes(server.rss_before as f64),
                    bytes(server.rss_connected as f64),
                    bytes(server.rss_peak as f64)
                ),
            );
        }
        let tester = &self.tester;
        row(
            "tester",
            format!(
                "{}   {} µs of CPU per delivery   {:.0} % of a core   {:.2} % decoded",
                if tester.verdict == Verdict::Ok { "ok" } else { "saturated" },
                number(tester.cpu_us_per_delivery.unwrap_or(f64::NAN)),
                tester.utilisation * 100.0,
                tester.decoded * 100.0
            ),
        );
        for why in &tester.why {
            row("", why.clone());
        }
        text
    }
}

impl Percentiles {
    pub(super) fn of(latency: &Latency) -> Option<Self> {
        let at = |percent| latency.percentile(percent).map(|time| time.as_nanos() as u64);
        Some(Self {
            p50: at(50.0)?,
            p90: at(90.0)?,
            p99: at(99.0)?,
            p999: at(99.9)?,
            max: latency.max()?.as_nanos() as u64,
        })
    }
}

impl Tester {
    /// Over a time in which there were so many deliveries.
    pub(super) fn of(own: &Own, deliveries: u64, decoded: f64) -> Self {
        let share = |nanos: u64| if own.at > 0 { nanos as f64 / own.at as f64 } else { 0.0 };
        let (utilisation, starved) = (share(own.cpu_ns), share(own.run_queue_ns.unwrap_or_default()));
        let mut why = Vec::new();
        if utilisation > BUSY {
            why.push("it had no idle time left: the server may be able to do more".to_owned());
        }
        if starved > STARVED {
            why.push(format!("it was ready to run, and had no core, {:.0} % of the time", starved * 100.0));
        }
        Self {
            cpu_s: own.cpu_ns as f64 / 1e9,
            utilisation,
            cpu_us_per_delivery: (deliveries > 0).then(|| own.cpu_ns as f64 / 1e3 / deliveries as f64),
            decoded,
            verdict: if why.is_empty() { Verdict::Ok } else { Verdict::Saturated },
            why,
        }
    }
}
