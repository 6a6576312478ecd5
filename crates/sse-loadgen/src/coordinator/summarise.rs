//! Makes the report's value of what was seen.

mod fanout;
mod figures;

use std::collections::BTreeMap;
use std::time::SystemTime;

use self::fanout::fanout;
use self::figures::figures;
use super::gathered::Gathered;
use super::health;
use crate::latency::Latency;
use crate::record::Metric;
use crate::report::summary::{
    Connections, Decile, Delivery, Distribution, Host, PERCENTILES, Plan, Publishing, Run, SCHEMA,
    ServerCost, Throughput, Tool,
};
use crate::report::{Summary, findings, metrics};
use crate::watch::{Cost, Points};
use crate::worker::orders::Read;

pub(super) fn summarise(gathered: Gathered<'_>) -> Summary {
    let client_health = health::judge(&gathered);
    let Gathered { load, plan, limits, record, published, observed, .. } = gathered;
    let (windows, halves) = observed.finish();
    let counts = record.counts;
    let measured = seconds(gathered.measured_for);
    let read = |of: fn(&Read) -> u64| gathered.workers.iter().map(|settled| of(&settled.read)).sum::<u64>();
    let (events, reads) = (read(|read| read.events), read(|read| read.reads));
    let rate = |count: u64| if measured > 0.0 { count as f64 / measured } else { 0.0 };
    let throughput =
        Throughput { events_per_s: rate(events), bytes_per_s: rate(read(|read| read.bytes)), windows };
    let busy: u64 = gathered.workers.iter().map(|settled| settled.own.cpu_ns).sum();
    // An event goes to the readers of one topic, and each worker reads its part of them.
    let readers = gathered.ready as f64 / f64::from(load.topics) / f64::from(plan.workers);
    let floor = if reads == 0 { 0.0 } else { busy as f64 / reads as f64 * readers };

    let mut latency: BTreeMap<String, Distribution> = BTreeMap::new();
    let mut add = |metric: Metric, times: &Latency| {
        if times.count() > 0 {
            latency.insert(metric.name().to_owned(), times.clone().into());
        }
    };
    record.latencies().for_each(|(metric, times)| add(metric, times));
    add(Metric::Hiccup, &gathered.hiccups);
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
            id: format!("{:08x}", gathered.run),
            scenario: load.scenario.name().to_owned(),
            targets: load.requests.iter().map(|request| without_query(&request.url)).collect(),
            started: rfc3339(gathered.started),
            argv: without_secrets(&load.argv),
            seed: load.seed,
            phases: gathered.phases,
            interrupted: gathered.interrupted,
        },
        host: Host {
            kernel: limits.kernel.clone().unwrap_or_default(),
            cpus: limits.cores as usize,
            memory_bytes: limits.memory.unwrap_or_default(),
            nofile: limits.open_files.hard.unwrap_or_default(),
            shared_with_target: gathered.shared_with_target,
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
            ready: if load.scenario.is_request() { counts.opened } else { gathered.ready },
            held: if load.scenario.is_request() { counts.opened } else { gathered.held },
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
            unparsed: counts.unparsed,
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
            streamed: load.publish.as_ref().is_some_and(|(publish, _)| publish.is_stream()),
            accepted: published.accepted,
            rejected: published.rejected.count,
            unknown: published.unknown.count,
            errors: published.errors.clone(),
        }),
        throughput,
        client_health,
        server: gathered.cost.map(|(points, pids)| cost(points, pids, gathered.ready, events)),
        scenario: figures(load, &record, halves, measured),
        ..Summary::default()
    };
    summary.metrics = metrics::metrics(&summary);
    summary.gates = load.conditions.iter().map(|condition| condition.check(&summary)).collect();
    summary.findings = findings::findings(&summary);
    summary
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
    let cost = Cost::of(points, clients, deliveries);
    let Cost { cpu, cpu_ns_per_delivery, kernel, ended, points, .. } = cost;
    let [user, system] = cpu.user_and_system.map_or([None; 2], |parts| parts.map(Some));
    let each = cpu_ns_per_delivery.and_then(|each| each.user_and_system);
    let notes = ended.iter().map(|ended| format!("process {} ended during the run", ended.pid)).collect();
    ServerCost {
        pids,
        cpu_ns: cpu.all,
        cpu_user_ns: user,
        cpu_system_ns: system,
        cpu_ns_per_delivery: cpu_ns_per_delivery.map(|each| each.all),
        cpu_user_ns_per_delivery: each.map(|[user, _]| user),
        cpu_system_ns_per_delivery: each.map(|[_, system]| system),
        cpu_ns_per_connection: cost.cpu_ns_per_connection,
        cores: cost.cores_used.unwrap_or_default(),
        memory_before_bytes: points.baseline.anon_bytes,
        memory_bytes: points.start.anon_bytes,
        memory_per_client: cost.bytes_per_connection,
        rss_bytes: points.start.rss_bytes,
        rss_peak_bytes: cost.peak_rss_bytes,
        rss_per_client: cost.rss_per_connection,
        kernel_per_client: kernel.map(|kernel| kernel.all()),
        kernel_slab_per_client: kernel.map(|kernel| kernel.slab),
        kernel_sockets_per_client: kernel.map(|kernel| kernel.sockets),
        descriptors_before: points.baseline.descriptors,
        descriptors: points.start.descriptors,
        descriptors_after: points.after.as_ref().map_or(0, |after| after.descriptors),
        notes,
    }
}

/// A query may hold a token.
fn without_query(url: &str) -> String {
    match url.split_once('?') {
        Some((url, query)) if query.contains("token") => format!("{url}?…"),
        _ => url.to_owned(),
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
            _ => without_query(arg),
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
