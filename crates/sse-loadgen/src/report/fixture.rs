//! Summaries as runs leave them, for tests: 15,000 clients, five events a second for thirty seconds.

mod parts;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use self::parts::{MILLI, SECOND, curve, deciles, health, run, server, windows};
pub(super) use self::parts::{distribution, recorded};
use super::findings::findings;
use super::metrics::metrics;
use super::summary::*;

pub(super) const CLIENTS: u64 = 15_000;
pub(super) const EVENTS: u64 = 150;
const DELIVERIES: u64 = CLIENTS * EVENTS;

/// A run that went well.
pub(super) fn clean() -> Summary {
    static CLEAN: LazyLock<Summary> = LazyLock::new(|| finish(broadcast(), &["delivery.p99>50ms", "loss>0"]));
    CLEAN.clone()
}

/// A run in which everything went wrong that can.
pub(super) fn lossy() -> Summary {
    static LOSSY: LazyLock<Summary> =
        LazyLock::new(|| finish(spoilt(), &["delivery.p99>20ms", "loss>0", "storm.back>1s"]));
    LOSSY.clone()
}

/// An endpoint that somebody else publishes to.
pub(super) fn no_publisher() -> Summary {
    let mut summary = broadcast();
    summary.publish = None;
    summary.delivery = Delivery { foreign: 84_000, ..Delivery::default() };
    summary.latency.retain(|name, _| !name.starts_with("delivery") && !name.starts_with("publish"));
    summary.order_bias.clear();
    summary.server = None;
    if let Some(fanout) = &mut summary.fanout {
        fanout.completion.clear();
        fanout.median_curve.clear();
        fanout.worst_curve.clear();
    }
    for window in &mut summary.throughput.windows {
        (window.p50, window.p99, window.max) = (None, None, None);
    }
    finish(summary, &[])
}

/// Answers of a model, streamed.
pub(super) fn request() -> Summary {
    let mut summary = no_publisher();
    "request".clone_into(&mut summary.run.scenario);
    summary.fanout = None;
    summary.delivery = Delivery::default();
    summary.latency = BTreeMap::from([
        ("headers".to_owned(), distribution(1_200, 18.0 * MILLI, 0.3)),
        ("first_token".to_owned(), distribution(1_200, 240.0 * MILLI, 0.2)),
        ("between_tokens".to_owned(), distribution(300_000, 21.0 * MILLI, 0.15)),
        ("stream".to_owned(), distribution(1_200, 5.4 * SECOND, 0.1)),
    ]);
    summary.connections.closed = [("end".to_owned(), 1_197), ("cut".to_owned(), 3)].into();
    summary.scenario = vec![
        figure("request.completed", "answers that came to their end", Unit::Count, Some(1_197.0)),
        figure("request.goodput", "answers within all limits", Unit::Share, Some(0.9842)),
        figure("request.tokens_per_s", "tokens per second and user", Unit::Rate, Some(46.3)),
        figure("request.abandoned.p99", "until an answer was given up", Unit::Ns, None),
    ];
    finish(summary, &["request.goodput<99%"])
}

/// A run with something in every field, so that none can be forgotten.
pub(super) fn full() -> Summary {
    static FULL: LazyLock<Summary> = LazyLock::new(|| {
        let mut summary = spoilt();
        for (name, median) in [
            ("replayed", 310.0),
            ("heartbeat_gap", 15_000.0),
            ("recovery", 900.0),
            ("reconnect", 210.0),
            ("first_token", 240.0),
            ("between_tokens", 21.0),
            ("stream", 5_400.0),
        ] {
            summary.latency.insert(name.to_owned(), distribution(10_000, median * MILLI, 0.1));
        }
        for at in summary.delivery.adjusted_p.values_mut() {
            at.get_or_insert(118_000_000);
        }
        if let Some(fanout) = &mut summary.fanout {
            fanout.completion.values_mut().for_each(|completion| completion.never = 0);
        }
        finish(summary, &["delivery.p99>50ms"])
    });
    FULL.clone()
}

/// What is worked out from the rest.
fn finish(mut summary: Summary, gates: &[&str]) -> Summary {
    summary.metrics = metrics(&summary);
    let conditions = gates.iter().map(|gate| gate.parse::<super::gate::Condition>().unwrap());
    summary.gates = conditions.map(|condition| condition.check(&summary)).collect();
    summary.findings = findings(&summary);
    summary
}

fn figure(name: &str, text: &str, unit: Unit, value: Option<f64>) -> Figure {
    Figure { name: name.to_owned(), text: text.to_owned(), unit, value }
}

fn broadcast() -> Summary {
    let latency = [
        ("connect", distribution(CLIENTS, 0.21 * MILLI, 0.3)),
        ("connect_planned", distribution(CLIENTS, 0.9 * MILLI, 0.3)),
        ("headers", distribution(CLIENTS, 0.48 * MILLI, 0.35)),
        ("first_event", distribution(CLIENTS, 5_200.0 * MILLI, 0.1)),
        ("delivery", distribution(DELIVERIES, 6.12 * MILLI, 0.22)),
        ("delivery_sampled", distribution(22_480, 6.1 * MILLI, 0.22)),
        ("turn", distribution(1_000, 0.4 * MILLI, 0.5)),
        ("delivery_wire", distribution(22_480, 5.8 * MILLI, 0.22)),
        ("gap", distribution(DELIVERIES - CLIENTS, 200.0 * MILLI, 0.002)),
        ("lag", distribution(22_480, 0.31 * MILLI, 0.25)),
        ("publish_slip", distribution(EVENTS, 0.06 * MILLI, 0.2)),
        ("publish_ack", distribution(EVENTS, 1.1 * MILLI, 0.25)),
        ("hiccup", distribution(30_000, 0.08 * MILLI, 0.3)),
    ];
    let latency: BTreeMap<_, _> = latency.map(|(name, times)| (name.to_owned(), times)).into();
    let adjusted_p = latency["delivery"].p.iter().map(|(percent, at)| (percent.clone(), Some(*at))).collect();
    let completion = |median| Completion { time: distribution(EVENTS, median * MILLI, 0.12), never: 0 };
    Summary {
        schema: SCHEMA.to_owned(),
        tool: Tool { version: "0.1.0".to_owned(), engine: "raw".to_owned() },
        run: run(),
        host: Host {
            kernel: "6.12.0".to_owned(),
            cpus: 2,
            memory_bytes: 8 << 30,
            nofile: 20_000,
            shared_with_target: true,
        },
        plan: Plan { clients: CLIENTS, topics: 1, workers: 1, routes: 1, rate: 5.0, payload: 128 },
        connections: Connections {
            planned: CLIENTS,
            ready: CLIENTS,
            held: CLIENTS,
            opened: CLIENTS,
            ..Connections::default()
        },
        latency,
        delivery: Delivery {
            expected: DELIVERIES,
            received: DELIVERIES,
            measured: DELIVERIES,
            adjusted_p,
            ..Delivery::default()
        },
        fanout: Some(Fanout {
            events: EVENTS,
            completion: [("50", 6.1), ("90", 12.4), ("99", 19.9), ("100", 27.0)]
                .map(|(share, median)| (share.to_owned(), completion(median)))
                .into(),
            spread: distribution(EVENTS, 26.4 * MILLI, 0.12),
            drain_floor_ns: 9_400_000,
            median_curve: curve(1.0),
            worst_curve: curve(1.9),
        }),
        order_bias: deciles(5.9, 6.4),
        publish: Some(Publishing {
            planned: EVENTS,
            sent: EVENTS,
            accepted: EVENTS,
            ..Publishing::default()
        }),
        throughput: Throughput { events_per_s: 75_000.0, bytes_per_s: 15.6e6, windows: windows() },
        client_health: health(),
        server: Some(server()),
        ..Summary::default()
    }
}

/// The same run, spoilt.
fn spoilt() -> Summary {
    let mut summary = broadcast();
    let connections = &mut summary.connections;
    (connections.ready, connections.held, connections.opened) = (14_960, 14_950, 15_020);
    connections.errors = [("refused".to_owned(), 31), ("status 503".to_owned(), 9)].into();
    connections.closed = [("reset".to_owned(), 52), ("cut".to_owned(), 8)].into();
    (connections.reconnects, connections.stopped) = (60, 10);
    connections.resumes =
        Resumes { sent: 60, contiguous: 51, gap_announced: 3, gap_silent: 2, repeated: 1, unsettled: 3 };
    summary.delivery = Delivery {
        received: DELIVERIES - 690 - 40,
        lost: 690,
        announced: 40,
        duplicated: 12,
        reordered: 3,
        corrupted: 1,
        late: 25,
        foreign: 2,
        affected_clients: 38,
        examples: vec![
            "client 4711: 3 lost (sequences 88 to 90)".to_owned(),
            "client 9: 1 corrupted (sequence 12)".to_owned(),
        ],
        ..summary.delivery
    };
    summary.latency.insert("delivery".to_owned(), distribution(DELIVERIES - 730, 6.12 * MILLI, 0.27));
    let adjusted = |percent: f64| {
        let at = summary.latency["delivery"].hdr.percentile_of(percent, DELIVERIES);
        (percent.to_string(), at.map(|at| at.as_nanos() as u64))
    };
    summary.delivery.adjusted_p = PERCENTILES.map(adjusted).into();
    summary.latency.insert("publish_slip".to_owned(), distribution(EVENTS, 3.9 * MILLI, 0.3));
    summary.latency.insert("heartbeat_gap".to_owned(), distribution(9_000, 15.0 * SECOND, 0.001));
    if let Some(fanout) = &mut summary.fanout {
        fanout.completion.entry("100".to_owned()).or_default().never = 46;
        fanout.drain_floor_ns = 21_000_000;
    }
    summary.order_bias = deciles(1.9, 29.6);
    if let Some(publish) = &mut summary.publish {
        (publish.accepted, publish.rejected, publish.unknown) = (147, 2, 1);
        publish.errors = [("status 429".to_owned(), 2), ("timeout".to_owned(), 1)].into();
    }
    if let Some(server) = &mut summary.server {
        server.descriptors_after = 95;
        server.notes = vec!["process 4122 ended while it was watched".to_owned()];
    }
    let health = &mut summary.client_health;
    health.verdict = Verdict::Saturated;
    health.worker_cpu = vec![0.991];
    health.run_queue = 0.143;
    health.reasons = vec![
        reason("cpu", 0.991, 0.95, Verdict::Saturated, "a worker used 99.1 % of its core"),
        reason("run queue", 0.143, 0.1, Verdict::Saturated, "a worker waited for a core 14.3 % of the time"),
    ];
    summary.scenario =
        vec![figure("storm.back", "until 99 % of the clients were back", Unit::Ns, Some(2.31 * SECOND))];
    summary
}

fn reason(signal: &str, value: f64, limit: f64, verdict: Verdict, text: &str) -> Reason {
    Reason { signal: signal.to_owned(), value, limit, verdict, text: text.to_owned() }
}
