//! The list itself: what each figure is called, what it counts, and where in a summary it is.

use super::{Kind, NANOS_PER_MILLI};
use crate::report::reading::Adjusted;
use crate::report::summary::{Distribution, Summary};

/// A figure that is one number of a run.
pub(super) struct One {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) text: &'static str,
    pub(super) of: fn(&Summary) -> Option<f64>,
}

/// A figure that every distribution has.
pub(super) struct Statistic {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) text: &'static str,
    pub(super) of: fn(&Distribution) -> Option<f64>,
}

/// Every distribution that a run may have, and what it is of.
pub(super) const DISTRIBUTIONS: [(&str, &str); 20] = [
    ("delivery", "from the planned time of an event until a client had read it"),
    ("delivery_wire", "the same until the kernel had it, of a sample"),
    ("delivery_sampled", "delivery to the clients that the kernel was asked about"),
    ("turn", "how long a worker was busy before it looked again"),
    ("lag", "from the kernel's having an event until it was read"),
    ("replayed", "delivery of events that came after a reconnect"),
    ("connect", "TCP connect"),
    ("connect_planned", "from when the ramp had planned a client until it had a stream"),
    ("headers", "from the request to the head of the response"),
    ("first_event", "from the request to the first event"),
    ("gap", "between two events of a client"),
    ("heartbeat_gap", "between two signs of life of a stream"),
    ("recovery", "from the cut until a client had caught up"),
    ("reconnect", "from the cut until the head of the next response"),
    ("publish_slip", "how much later than planned an event was sent"),
    ("publish_ack", "from sending an event until the server had accepted it"),
    ("first_token", "from the planned request to the first token"),
    ("between_tokens", "between two tokens of an answer"),
    ("stream", "from the planned request to the end of the answer"),
    ("hiccup", "how late a thread that slept was woken"),
];

pub(super) const STATISTICS: [Statistic; 8] = [
    Statistic { name: "p50", kind: Kind::Millis, text: "the median", of: |times| millis(times.at("50")) },
    Statistic {
        name: "p90",
        kind: Kind::Millis,
        text: "90 % were not above",
        of: |times| millis(times.at("90")),
    },
    Statistic {
        name: "p99",
        kind: Kind::Millis,
        text: "99 % were not above",
        of: |times| millis(times.at("99")),
    },
    Statistic {
        name: "p99.9",
        kind: Kind::Millis,
        text: "99.9 % were not above",
        of: |times| millis(times.at("99.9")),
    },
    Statistic {
        name: "p99.99",
        kind: Kind::Millis,
        text: "99.99 % were not above",
        of: |times| millis(times.at("99.99")),
    },
    Statistic { name: "max", kind: Kind::Millis, text: "the longest", of: |times| millis(times.longest()) },
    Statistic {
        name: "mean",
        kind: Kind::Millis,
        text: "the mean",
        of: |times| Some(times.mean / NANOS_PER_MILLI),
    },
    Statistic {
        name: "count",
        kind: Kind::Number,
        text: "how many there were",
        of: |times| Some(times.count as f64),
    },
];

/// Rows of [`FIGURES`], without the noise of a literal each.
macro_rules! figures {
    ($($name:literal $kind:ident $text:literal $of:expr;)*) => {
        &[$(One { name: $name, kind: Kind::$kind, text: $text, of: $of }),*]
    };
}

pub(super) const FIGURES: &[One] = figures! {
    "delivery.expected" Number "deliveries that were due" |s| whole(s.delivery.expected);
    "delivery.received" Number "deliveries that came" |s| whole(s.delivery.received);
    "delivery.lost" Number "deliveries that never came, without a word" |s| whole(s.delivery.lost);
    "delivery.loss" Share "lost over expected" Summary::loss;
    "delivery.announced" Number "deliveries that the server said were missed" |s| whole(s.delivery.announced);
    "delivery.duplicated" Number "deliveries that came again" |s| whole(s.delivery.duplicated);
    "delivery.reordered" Number "deliveries that came after a later one" |s| whole(s.delivery.reordered);
    "delivery.unparsed" Number "deliveries that the engine's parser kept to itself" |s| whole(s.delivery.unparsed);
    "delivery.corrupted" Number "deliveries whose checksum was wrong" |s| whole(s.delivery.corrupted);
    "delivery.late" Number "deliveries that came later than --late" |s| whole(s.delivery.late);
    "delivery.foreign" Number "events that are not of this run" |s| whole(s.delivery.foreign);
    "delivery.adjusted.p50" Millis "delivery over all expected: the median" |s| adjusted(s, "50");
    "delivery.adjusted.p90" Millis "delivery over all expected: 90 % were not above" |s| adjusted(s, "90");
    "delivery.adjusted.p99" Millis "delivery over all expected: 99 % were not above" |s| adjusted(s, "99");
    "delivery.adjusted.p99.9" Millis "delivery over all expected: 99.9 % were not above"
        |s| adjusted(s, "99.9");
    "delivery.adjusted.p99.99" Millis "delivery over all expected: 99.99 % were not above"
        |s| adjusted(s, "99.99");
    "fanout.t50.p50" Millis "until half of the clients had the median event" |s| fanout(s, "50", 50.0);
    "fanout.t50.p99" Millis "until half of the clients had all but the slowest hundredth of events"
        |s| fanout(s, "50", 99.0);
    "fanout.t50.max" Millis "until half of the clients had the slowest event" |s| fanout(s, "50", 100.0);
    "fanout.t90.p50" Millis "until 90 % of the clients had the median event" |s| fanout(s, "90", 50.0);
    "fanout.t90.p99" Millis "until 90 % of the clients had all but the slowest hundredth of events"
        |s| fanout(s, "90", 99.0);
    "fanout.t90.max" Millis "until 90 % of the clients had the slowest event" |s| fanout(s, "90", 100.0);
    "fanout.t99.p50" Millis "until 99 % of the clients had the median event" |s| fanout(s, "99", 50.0);
    "fanout.t99.p99" Millis "until 99 % of the clients had all but the slowest hundredth of events"
        |s| fanout(s, "99", 99.0);
    "fanout.t99.max" Millis "until 99 % of the clients had the slowest event" |s| fanout(s, "99", 100.0);
    "fanout.t100.p50" Millis "until all clients had the median event" |s| fanout(s, "100", 50.0);
    "fanout.t100.p99" Millis "until all clients had all but the slowest hundredth of events"
        |s| fanout(s, "100", 99.0);
    "fanout.t100.max" Millis "until all clients had the slowest event" |s| fanout(s, "100", 100.0);
    "fanout.spread.p50" Millis "from the first client to the last: the median event"
        |s| spread(s, |times| times.at("50"));
    "fanout.spread.p99" Millis "from the first client to the last: all but a hundredth of events"
        |s| spread(s, |times| times.at("99"));
    "fanout.spread.max" Millis "from the first client to the last: the slowest event"
        |s| spread(s, Distribution::longest);
    "connections.planned" Number "clients that were to connect" |s| whole(s.connections.planned);
    "connections.ready" Number "clients with a stream when the measuring began"
        |s| whole(s.connections.ready);
    "connections.held" Number "clients with a stream when it ended" |s| whole(s.connections.held);
    "connections.errors" Number "attempts to connect that failed" |s| whole(s.connect_errors());
    "connections.reconnects" Number "streams opened again after they had ended"
        |s| whole(s.connections.reconnects);
    "connections.stopped" Number "clients that gave up" |s| whole(s.connections.stopped);
    "connect.errors" Share "attempts to connect that failed, over planned clients" |s| {
        (s.connections.planned > 0).then(|| s.connect_errors() as f64 / s.connections.planned as f64)
    };
    "resumes.sent" Number "reconnects with Last-Event-ID" |s| whole(s.connections.resumes.sent);
    "resumes.contiguous" Number "resumes that went on with the very next event"
        |s| whole(s.connections.resumes.contiguous);
    "resumes.gap_announced" Number "resumes with a gap that the server announced"
        |s| whole(s.connections.resumes.gap_announced);
    "resumes.gap_silent" Number "resumes with a gap that nobody announced"
        |s| whole(s.connections.resumes.gap_silent);
    "resumes.repeated" Number "resumes that brought events again" |s| whole(s.connections.resumes.repeated);
    "resumes.unsettled" Number "resumes that brought no event at all"
        |s| whole(s.connections.resumes.unsettled);
    "publish.planned" Number "events that were due" |s| s.publish.as_ref().and_then(|p| whole(p.planned));
    "publish.sent" Number "events that were sent" |s| s.publish.as_ref().and_then(|p| whole(p.sent));
    "publish.accepted" Number "events that the server accepted"
        |s| s.publish.as_ref().and_then(|p| whole(p.accepted));
    "publish.rejected" Number "events that it refused" |s| s.publish.as_ref().and_then(|p| whole(p.rejected));
    "publish.unknown" Number "events without an answer" |s| s.publish.as_ref().and_then(|p| whole(p.unknown));
    "throughput.events_per_s" Number "events that were read, per second" |s| Some(s.throughput.events_per_s);
    "throughput.bytes_per_s" Bytes "bytes that were read, per second" |s| Some(s.throughput.bytes_per_s);
    "server.cpu_us_per_delivery" Micros "CPU time of the server per delivery, in microseconds" |s| {
        Some(s.server.as_ref()?.cpu_ns_per_delivery? / 1e3)
    };
    "server.cpu_user_us_per_delivery" Micros "the part of it that was spent in the program" |s| {
        Some(s.server.as_ref()?.cpu_user_ns_per_delivery? / 1e3)
    };
    "server.cpu_system_us_per_delivery" Micros "the part of it that was spent in system calls" |s| {
        Some(s.server.as_ref()?.cpu_system_ns_per_delivery? / 1e3)
    };
    "server.cpu_us_per_connection" Micros "CPU time of the server per client that connected, in microseconds" |s| {
        Some(s.server.as_ref()?.cpu_ns_per_connection? / 1e3)
    };
    "server.cores" Number "cores that the server kept busy" |s| Some(s.server.as_ref()?.cores);
    "server.memory_per_client" Bytes "anonymous memory that a client costs the server"
        |s| s.server.as_ref()?.memory_per_client;
    "server.rss_per_client" Bytes "all memory that a client costs the server" |s| s.server.as_ref()?.rss_per_client;
    "server.rss_peak" Bytes "the most memory that the server ever had"
        |s| s.server.as_ref().and_then(|server| whole(server.rss_peak_bytes));
    "server.kernel_per_client" Bytes "memory of the kernel per client, of both ends if both are here"
        |s| s.server.as_ref()?.kernel_per_client;
    "server.leaked_descriptors" Number "descriptors that the server still had when all clients had gone" |s| {
        s.server.as_ref().and_then(|server| whole(server.descriptors_after.saturating_sub(server.descriptors_before)))
    };
    "client.cpu" Share "CPU time of the tester's busiest worker, over time" |s| {
        s.client_health.worker_cpu.iter().copied().reduce(f64::max)
    };
    "client.run_queue" Share "time that a worker of the tester waited for a core"
        |s| Some(s.client_health.run_queue);
    "client.lag.p99" Millis "from the kernel's having an event to our reading it"
        |s| millis(s.client_health.lag_p99_ns);
    "client.memory_per_client" Bytes "anonymous memory of the tester per client"
        |s| whole(s.client_health.memory_per_client);
};

#[allow(clippy::unnecessary_wraps, reason = "a figure may be missing; these never are")]
fn whole(number: u64) -> Option<f64> {
    Some(number as f64)
}

fn millis(nanos: Option<u64>) -> Option<f64> {
    nanos.map(|nanos| nanos as f64 / NANOS_PER_MILLI)
}

fn adjusted(summary: &Summary, percent: &str) -> Option<f64> {
    match summary.adjusted(percent)? {
        Adjusted::At(nanos) => millis(Some(nanos)),
        Adjusted::Lost => None,
    }
}

fn fanout(summary: &Summary, clients: &str, events: f64) -> Option<f64> {
    millis(summary.fanout.as_ref()?.completion.get(clients)?.over_events(events))
}

fn spread(summary: &Summary, of: fn(&Distribution) -> Option<u64>) -> Option<f64> {
    millis(of(&summary.fanout.as_ref()?.spread))
}
