//! Makes the report's value of what was seen.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::course::Outcome;
use super::health;
use crate::latency::Latency;
use crate::record::{Followed, Metric};
use crate::report::summary::{
    Completion, Connections, Decile, Delivery, Distribution, Fanout, Figure, Host, PERCENTILES, Plan,
    Publishing, Run, SCHEMA, ServerCost, Throughput, Tool, Unit, Window,
};
use crate::report::{Summary, findings, metrics};
use crate::scenario::Scenario;
use crate::watch::{Cost, Points};

pub(super) fn summarise(outcome: Outcome<'_>) -> Summary {
    let client_health = health::judge(&outcome);
    let Outcome { load, plan, limits, record, published, observed, .. } = outcome;
    let (windows, halves) = observed.finish();
    let counts = record.counts;
    let measured = seconds(outcome.measured_for);
    let rate = |of: fn(&Window) -> u64| {
        let all: u64 = windows.iter().filter(|window| window.measured).map(of).sum();
        let time: u64 = windows.iter().filter(|window| window.measured).map(|window| window.length_ns).sum();
        if time == 0 { 0.0 } else { all as f64 / seconds(time) }
    };
    let throughput = Throughput {
        events_per_s: rate(|window| window.events),
        bytes_per_s: rate(|window| window.bytes),
        windows: Vec::new(),
    };
    let busy: u64 = outcome.workers.iter().map(|settled| settled.own.cpu_ns).sum();
    let reads_per_event = if counts.events == 0 { 0.0 } else { counts.reads as f64 / counts.events as f64 };
    let reads = throughput.events_per_s * measured * reads_per_event;
    let floor =
        if reads < 1.0 { 0.0 } else { busy as f64 / reads * outcome.ready as f64 / f64::from(plan.workers) };

    let mut latency: BTreeMap<String, Distribution> = BTreeMap::new();
    let mut add = |metric: Metric, times: &Latency| {
        if times.count() > 0 {
            latency.insert(metric.name().to_owned(), times.clone().into());
        }
    };
    record.latencies().for_each(|(metric, times)| add(metric, times));
    add(Metric::Hiccup, &outcome.hiccups);
    if let Some(published) = &published {
        add(Metric::PublishSlip, &published.slip);
        add(Metric::PublishAck, &published.ack);
    }
    let none = Latency::new();
    let delivery = record.latency(Metric::Delivery).unwrap_or(&none);
    let adjusted = |percent: f64| {
        let time = delivery.percentile_of(percent, counts.measured).map(|time| time.as_nanos() as u64);
        (percent.to_string(), time)
    };
    let publishes = load.publish.is_some();
    let mut summary = Summary {
        schema: SCHEMA.to_owned(),
        tool: Tool { version: env!("CARGO_PKG_VERSION").to_owned(), engine: load.engine.name().to_owned() },
        run: Run {
            id: format!("{:08x}", outcome.run),
            scenario: load.scenario.name().to_owned(),
            targets: load.requests.iter().map(|request| request.url.clone()).collect(),
            started: rfc3339(outcome.started),
            argv: without_secrets(&load.argv),
            seed: load.seed,
            phases: outcome.phases,
            interrupted: outcome.interrupted,
        },
        host: Host {
            kernel: limits.kernel.clone().unwrap_or_default(),
            cpus: limits.cores as usize,
            memory_bytes: limits.memory.unwrap_or_default(),
            nofile: limits.open_files.hard.unwrap_or_default(),
            shared_with_target: outcome.shared_with_target,
        },
        plan: Plan {
            clients: load.clients.into(),
            topics: load.topics,
            workers: plan.workers,
            routes: plan.routes.len(),
            rate: load.publish.as_ref().map_or(0.0, |(_, rate)| *rate),
            payload: if load.publish.is_some() { load.payload } else { 0 },
        },
        connections: Connections {
            planned: if load.scenario.is_request() {
                counts.arrived + counts.failed
            } else {
                load.clients.into()
            },
            ready: if load.scenario.is_request() { counts.opened } else { outcome.ready },
            held: if load.scenario.is_request() { counts.opened } else { outcome.held },
            opened: counts.opened,
            errors: record.errors.clone(),
            closed: record.closed.clone(),
            reconnects: counts.reconnects,
            resumes: record.resumes,
            stopped: counts.stopped,
        },
        latency,
        delivery: Delivery {
            expected: counts.expected,
            received: counts.received,
            lost: counts.lost,
            announced: counts.announced,
            duplicated: counts.duplicated,
            reordered: counts.reordered,
            corrupted: counts.corrupted,
            late: counts.late,
            foreign: counts.foreign,
            affected_clients: counts.affected,
            measured: counts.measured,
            adjusted_p: if publishes {
                PERCENTILES.into_iter().map(adjusted).collect()
            } else {
                BTreeMap::new()
            },
            examples: record.examples.clone(),
        },
        fanout: fanout(&record.fanout.events().collect::<Vec<_>>(), publishes, floor),
        order_bias: deciles(record.deciles()),
        publish: published.as_ref().map(|published| Publishing {
            planned: published.planned,
            sent: published.sent,
            accepted: published.accepted,
            rejected: published.rejected.count,
            unknown: published.unknown.count,
            errors: published.errors.clone(),
        }),
        throughput: Throughput { windows, ..throughput },
        client_health,
        server: outcome.cost.map(|(points, pids)| cost(points, pids, outcome.ready, delivery.count())),
        scenario: figures(&load.scenario, &record, halves, measured),
        ..Summary::default()
    };
    summary.metrics = metrics::metrics(&summary);
    summary.gates = load.conditions.iter().map(|condition| condition.check(&summary)).collect();
    summary.findings = findings::findings(&summary);
    summary
}

fn fanout(events: &[&Followed], publishes: bool, floor: f64) -> Option<Fanout> {
    let mut spread = Latency::new();
    events.iter().filter_map(|event| event.spread()).for_each(|nanos| spread.record_nanos(nanos));
    if spread.count() == 0 {
        return None;
    }
    let mut completion = BTreeMap::new();
    let (mut median_curve, mut worst_curve) = (Vec::new(), Vec::new());
    if publishes {
        for (name, share) in [("50", 0.5), ("90", 0.9), ("99", 0.99), ("100", 1.0)] {
            let mut time = Latency::new();
            let times = events.iter().map(|event| event.completed(share));
            let never = times.filter(|at| at.map(|nanos| time.record_nanos(nanos)).is_none()).count();
            completion.insert(name.to_owned(), Completion { time: time.into(), never: never as u64 });
        }
        let mut by_time: Vec<_> = events.iter().copied().filter(|event| event.received() > 0).collect();
        by_time.sort_by_key(|event| event.completed(0.99).unwrap_or(u64::MAX));
        let curve = |rank: f64| {
            let index = ((by_time.len() as f64 * rank) as usize).min(by_time.len().saturating_sub(1));
            let event = by_time.get(index)?;
            let shares = (1..100).map(f64::from).chain([99.5, 99.9, 100.0]);
            Some(shares.filter_map(|percent| Some((percent, event.completed(percent / 100.0)?))).collect())
        };
        (median_curve, worst_curve) = (curve(0.5).unwrap_or_default(), curve(0.99).unwrap_or_default());
    }
    Some(Fanout {
        events: spread.count(),
        completion,
        spread: spread.into(),
        drain_floor_ns: floor as u64,
        median_curve,
        worst_curve,
    })
}

fn deciles(deciles: &[Latency]) -> Vec<Decile> {
    let p = |latency: &Latency, percent| latency.percentile(percent).map_or(0, |time| time.as_nanos() as u64);
    let one = |(decile, latency): (u32, &Latency)| Decile {
        decile,
        count: latency.count(),
        p50: p(latency, 50.0),
        p99: p(latency, 99.0),
    };
    (1..).zip(deciles).map(one).collect()
}

fn cost(points: Points, pids: Vec<i32>, clients: u64, deliveries: u64) -> ServerCost {
    let Cost { bytes_per_connection, cpu_ns_per_delivery, cores_used, ended, points, .. } =
        Cost::of(points, clients, deliveries);
    let notes = ended.iter().map(|ended| format!("process {} ended during the run", ended.pid)).collect();
    ServerCost {
        pids,
        cpu_ns: points.end.cpu_ns.saturating_sub(points.start.cpu_ns),
        cpu_ns_per_delivery,
        cores: cores_used.unwrap_or_default(),
        memory_before_bytes: points.baseline.anon_bytes,
        memory_bytes: points.start.anon_bytes,
        memory_per_client: bytes_per_connection,
        descriptors_before: points.baseline.descriptors,
        descriptors: points.start.descriptors,
        descriptors_after: points.after.as_ref().map_or(0, |after| after.descriptors),
        notes,
    }
}

/// What only this scenario measures.
fn figures(
    scenario: &Scenario,
    record: &crate::record::Record,
    halves: Option<(Latency, Latency)>,
    measured: f64,
) -> Vec<Figure> {
    let counts = record.counts;
    let figure = |name: &str, text: &str, unit, value: Option<f64>| Figure {
        name: name.to_owned(),
        text: text.to_owned(),
        unit,
        value,
    };
    let count = |name, text, value: u64| figure(name, text, Unit::Count, Some(value as f64));
    let none = Latency::new();
    let of = |metric, percent, expected| {
        let latency = record.latency(metric).unwrap_or(&none);
        latency.percentile_of(percent, expected).map(|time| time.as_nanos() as f64)
    };
    let closed = |name: &str| record.closed.get(name).copied().unwrap_or_default();
    match scenario {
        Scenario::Run => Vec::new(),
        Scenario::Storm => vec![
            count("storm.cut", "streams cut at once", counts.cut),
            figure(
                "storm.reconnect.p99",
                "until 99 % had a stream again",
                Unit::Ns,
                of(Metric::Reconnect, 99.0, counts.cut),
            ),
            figure(
                "storm.recovery.p50",
                "until 50 % had caught up",
                Unit::Ns,
                of(Metric::Recovery, 50.0, counts.cut),
            ),
            figure(
                "storm.recovery.p99",
                "until 99 % had caught up",
                Unit::Ns,
                of(Metric::Recovery, 99.0, counts.cut),
            ),
            figure(
                "storm.recovery.max",
                "until all had caught up",
                Unit::Ns,
                of(Metric::Recovery, 100.0, counts.cut),
            ),
        ],
        Scenario::Churn { .. } => vec![
            count("churn.arrived", "clients that came", counts.arrived),
            count("churn.left", "clients that left as planned", counts.left),
            figure(
                "churn.rate",
                "clients that left",
                Unit::Rate,
                Some(counts.left as f64 / measured.max(1.0)),
            ),
        ],
        Scenario::Slow { .. } => {
            let (before, after) = halves.unwrap_or_default();
            let p99 = |latency: &Latency| latency.percentile(99.0).map(|time| time.as_nanos() as f64);
            let ratio = p99(&after).zip(p99(&before)).map(|(after, before)| after / before.max(1.0));
            vec![
                figure("slow.before.p99", "delivery to the healthy, before", Unit::Ns, p99(&before)),
                figure(
                    "slow.during.p99",
                    "delivery to the healthy, beside slow readers",
                    Unit::Ns,
                    p99(&after),
                ),
                figure("slow.ratio", "the one over the other", Unit::Share, ratio),
                count(
                    "slow.cut_off",
                    "streams that the server cut off",
                    closed("reset") + closed("cut") + closed("end"),
                ),
                count("slow.announced", "events that were announced as missed", counts.announced),
            ]
        }
        Scenario::Resume { .. } => vec![
            count("resume.cut", "streams cut", counts.cut),
            count("resume.sent", "resumes with Last-Event-ID", record.resumes.sent),
            count("resume.contiguous", "went on with exactly what follows", record.resumes.contiguous),
            count("resume.gap_announced", "were told of a gap", record.resumes.gap_announced),
            count("resume.gap_silent", "missed something, and were not told", record.resumes.gap_silent),
            count("resume.repeated", "were given something again", record.resumes.repeated),
        ],
        Scenario::Request { .. } => vec![
            count("request.completed", "answers that were complete", closed("end")),
            count(
                "request.broken",
                "answers that were not",
                record.closed.values().sum::<u64>() - closed("end"),
            ),
            count("request.failed", "requests that were not answered with a stream", counts.failed),
            figure("request.rate", "answers", Unit::Rate, Some(closed("end") as f64 / measured.max(1.0))),
        ],
    }
}

/// A report is passed on. Values of headers are where people put what nobody else may know.
fn without_secrets(argv: &[String]) -> Vec<String> {
    let mut is_header = false;
    let hide = |arg: &String| {
        let flag = arg.split('=').next().unwrap_or_default();
        let follows =
            std::mem::replace(&mut is_header, matches!(&**arg, "-H" | "--header" | "--publish-header"));
        let begins =
            arg.starts_with("-H") && arg.len() > 2 || matches!(flag, "--header" | "--publish-header");
        match arg.split_once(':') {
            Some((name, _)) if follows || begins => format!("{name}: …"),
            _ => arg.clone(),
        }
    };
    argv.iter().map(hide).collect()
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_headers_say_stays_here() {
        let argv = [
            "x",
            "http://h:80/",
            "-H",
            "A: secret",
            "--publish-header=B: secret",
            "-HC:secret",
            "--topics",
            "3",
        ];
        let kept = without_secrets(&argv.map(str::to_owned));
        assert_eq!(
            kept,
            ["x", "http://h:80/", "-H", "A: …", "--publish-header=B: …", "-HC: …", "--topics", "3"]
        );
    }
}
