//! Was it us? What says that the tester was too busy to measure, and from where on it does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::gathered::Gathered;
use crate::clock;
use crate::latency::Latency;
use crate::record::Metric;
use crate::report::summary::{Health, Reason, Verdict};

/// A thread that does nothing but sleep, and notes how late it is woken: so late is everybody here.
pub(super) struct Hiccups {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Latency>,
}

/// Often enough to meet a stall of some milliseconds, seldom enough to cost nothing.
const SLEEP: Duration = Duration::from_millis(5);

impl Hiccups {
    pub(super) fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut late = Latency::new();
            while !asked.load(Ordering::Relaxed) {
                let due = clock::now() + SLEEP.as_nanos() as u64;
                thread::sleep(SLEEP);
                late.record_nanos(clock::now().saturating_sub(due));
            }
            late
        });
        Self { stop, thread }
    }

    pub(super) fn stop(self) -> Latency {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

/// A few milliseconds are within what clocks and schedulers do to anybody.
const NOTICED: u64 = 5_000_000;
/// What spoils single figures, but not all of them. One stall of a second is the p99 of a run with a hundred events: only
/// what reaches into the p90 says that nothing can be trusted.
const NEVER: f64 = f64::INFINITY;

/// A signal, and from where on it is degraded and saturated.
struct Signal {
    name: &'static str,
    value: f64,
    degraded: f64,
    saturated: f64,
    says: &'static str,
}

/// The verdict, and everything that it stands on.
///
/// The limits are rules of thumb, set so that a tester that shares two cores with the server it tests is ok while it keeps
/// up: what matters is that nobody takes figures of a starved one for the server's.
pub(super) fn judge(gathered: &Gathered<'_>) -> Health {
    let own: Vec<_> = gathered.workers.iter().map(|settled| settled.own).collect();
    let worker_cpu: Vec<f64> = own.iter().map(|own| share(own.cpu_ns, own.at)).collect();
    let queued = |own: &crate::host::Own| share(own.run_queue_ns.unwrap_or_default(), own.at);
    let run_queue = own.iter().map(queued).fold(0.0, f64::max);
    let starved = |own: &crate::host::Own| {
        let waited = own.run_queue_ns.unwrap_or_default();
        // Who needs little is late when it has to wait for it, which the latencies say, but not starved.
        if share(own.cpu_ns + waited, own.at) < 0.3 { 0.0 } else { share(waited, own.cpu_ns + waited) }
    };
    let memory = |of: fn(&crate::worker::orders::Settled) -> Option<u64>| {
        gathered.workers.iter().filter_map(of).sum::<u64>()
    };
    let (before, memory_bytes) = (memory(|settled| settled.memory_before), memory(|settled| settled.memory));
    let at = |metric, percent| {
        gathered.record.latency(metric).and_then(|latency| nanos(latency.percentile(percent)))
    };
    let part = |time: u64, whole: u64| if time > NOTICED { share(time, whole) } else { 0.0 };
    // Of the same clients: others may have been served earlier, or read other topics.
    let waited = |percent| {
        let sampled = at(Metric::DeliverySampled, percent).unwrap_or_default();
        part(sampled.saturating_sub(at(Metric::DeliveryWire, percent).unwrap_or(sampled)), sampled)
    };
    let slipped = |percent| {
        let slip =
            gathered.published.as_ref().and_then(|published| nanos(published.slip.percentile(percent)));
        part(slip.unwrap_or_default(), at(Metric::Delivery, percent).unwrap_or_default())
    };
    let lag = at(Metric::Lag, 99.0);
    let hiccup = nanos(gathered.hiccups.percentile(99.9)).unwrap_or_default();
    let host = &gathered.host;
    let count = |counter: Option<u64>| counter.unwrap_or_default() as f64;
    let restrained = matches!(gathered.load.scenario, crate::scenario::Scenario::Slow { .. });
    // The counter is the whole machine's: with the server on it too, it may be the server's.
    let windows =
        if restrained || gathered.shared_with_target { 0.0 } else { count(host.wanted_zero_windows) };

    let signals = [
        signal(
            "worker_cpu",
            worker_cpu.iter().copied().fold(0.0, f64::max),
            0.85,
            0.97,
            "a worker had no idle time left",
        ),
        signal("run_queue", run_queue, 0.10, 0.30, "a worker was ready to run, and had no core"),
        signal(
            "starved",
            own.iter().map(starved).fold(0.0, f64::max),
            0.35,
            0.50,
            "a worker got only a part of the time that it needed",
        ),
        signal(
            "tester_share",
            waited(99.0),
            0.35,
            NEVER,
            "so much of delivery (p99) is waiting in our sockets",
        ),
        signal(
            "tester_share_p90",
            waited(90.0),
            0.35,
            0.70,
            "so much of delivery (p90) is waiting in our sockets",
        ),
        signal("publish_slip", slipped(99.0), 0.20, NEVER, "so much of delivery (p99) is publishing late"),
        signal("publish_slip_p90", slipped(90.0), 0.20, 0.50, "so much of delivery (p90) is publishing late"),
        signal("hiccup_ms", hiccup as f64 / 1e6, 20.0, NEVER, "a sleeping thread was woken so late (p99.9)"),
        signal("closed_windows", windows, 0.0, NEVER, "our receive buffers were full"),
        signal("throttled", count(host.throttled), 0.0, NEVER, "the container's CPU limit held us back"),
        signal(
            "lost_workers",
            gathered.lost_workers as f64,
            0.0,
            0.0,
            "workers died, and what they saw is missing",
        ),
    ];
    let reasons: Vec<Reason> = signals.iter().filter_map(Signal::reason).collect();
    Health {
        verdict: reasons.iter().map(|reason| reason.verdict).max().unwrap_or_default(),
        reasons,
        worker_cpu,
        run_queue,
        hiccup_p999_ns: hiccup,
        lag_p99_ns: lag,
        memory_bytes,
        memory_per_client: memory_bytes.saturating_sub(before) / gathered.ready.max(1),
        signals: signals
            .iter()
            .map(|signal| (signal.name.to_owned(), signal.value))
            .collect::<BTreeMap<_, _>>(),
    }
}

fn signal(name: &'static str, value: f64, degraded: f64, saturated: f64, says: &'static str) -> Signal {
    Signal { name, value, degraded, saturated, says }
}

impl Signal {
    fn reason(&self) -> Option<Reason> {
        let (verdict, limit) = if self.value > self.saturated {
            (Verdict::Saturated, self.saturated)
        } else if self.value > self.degraded {
            (Verdict::Degraded, self.degraded)
        } else {
            return None;
        };
        let text = format!("{}: {:.2}, more than {limit}", self.says, self.value);
        Some(Reason { signal: self.name.to_owned(), value: self.value, limit, verdict, text })
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn nanos(time: Option<Duration>) -> Option<u64> {
    time.map(|time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}
