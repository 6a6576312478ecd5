//! Each scenario, against a server that does what is right, and one that does not.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use sse_loadgen::report::Summary;
use sse_loadgen::serve::ServeConfig;

use crate::program::{all, quick};
use crate::server::{TestServer, prompt};

const ENGINES: [&str; 2] = ["raw", "reqwest"];

fn figure(summary: &Summary, name: &str) -> Option<f64> {
    let figure = summary.scenario.iter().find(|figure| figure.name == name);
    figure.unwrap_or_else(|| panic!("no {name}")).value
}

#[test]
fn resumes_are_audited() {
    let forgets = ServeConfig { resume: false, ..prompt() };
    // A second away is a hundred events, of which half are retained.
    let retains_little =
        ServeConfig { retain_events: 50, retry: Duration::from_secs(1), ..ServeConfig::default() };
    let servers = [prompt(), forgets, retains_little];
    let cases = servers.iter().flat_map(|server| ENGINES.map(|engine| (server, engine))).collect();
    all(cases, |(config, engine)| {
        let (resumes, retains) = (config.resume, config.retain_events > 50);
        let server = TestServer::start(config);
        // It is over sooner if everything has come.
        let drain = if resumes && retains { "30s" } else { "4s" };
        let load = format!("--clients 10 --rate 100 --duration 3s --drain {drain} --every 250ms --cut 50%");
        let summary = quick(&format!("resume {} {load} --engine {engine}", server.topic())).counted();
        let (audit, delivery) = (summary.connections.resumes, &summary.delivery);
        assert!(audit.sent > 0 && delivery.expected == 10 * 300, "{audit:?}");
        assert_eq!(
            audit.sent,
            audit.contiguous + audit.gap_announced + audit.gap_silent + audit.repeated + audit.unsettled
        );
        assert_eq!((audit.repeated, delivery.duplicated, delivery.reordered), (0, 0, 0), "{engine}");
        assert_eq!(delivery.expected, delivery.received + delivery.lost + delivery.announced);
        match (resumes, retains) {
            (true, true) => assert_eq!((audit.gap_silent, audit.gap_announced, delivery.lost), (0, 0, 0)),
            (false, _) => assert!(audit.gap_silent > 0 && delivery.lost > 0, "{audit:?}"),
            (true, false) => {
                assert!(audit.gap_announced > 0 && delivery.announced > 0, "{audit:?}");
                assert_eq!((audit.gap_silent, delivery.lost), (0, 0), "{engine}");
            }
        }
    });
}

#[test]
fn after_a_storm_everybody_has_caught_up_or_it_is_said_who_has_not() {
    let cases = [true, false].into_iter().flat_map(|resumes| ENGINES.map(|engine| (resumes, engine)));
    all(cases.collect(), |(resume, engine)| {
        let server = TestServer::start(&ServeConfig { resume, ..prompt() });
        let drain = if resume { "30s" } else { "3s" };
        let load = format!("--clients 15 --rate 100 --duration 3s --drain {drain} --workers 2");
        let summary = quick(&format!("storm {} {load} --engine {engine}", server.topic())).counted();
        assert_eq!(figure(&summary, "storm.cut"), Some(15.0), "{engine}");
        assert!(figure(&summary, "storm.recovery.max").is_some(), "{engine}: all have caught up");
        assert_eq!((summary.connections.reconnects, summary.connections.held), (15, 15));
        assert_eq!(summary.connections.closed["cut by us"], 15);
        let audit = summary.connections.resumes;
        if resume {
            assert_eq!((summary.delivery.lost, audit.contiguous), (0, 15), "{engine}");
        } else {
            // Who was away for less than the time between two events has missed nothing.
            assert_eq!(summary.delivery.lost > 0, audit.gap_silent > 0, "{engine} {audit:?}");
            assert_eq!(audit.sent, audit.gap_silent + audit.contiguous);
        }
    });
}

#[test]
fn who_comes_and_goes_misses_nothing_and_is_forgotten() {
    all(ENGINES.to_vec(), |engine| {
        // A process of its own, so that its descriptors are nobody else's.
        let mut server = Command::new(env!("CARGO_BIN_EXE_sse-loadgen"))
            .args(["serve", "--listen", "127.0.0.1:0", "--retry", "20ms"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = format!("{}/events/t", line.trim().rsplit(' ').next().unwrap());
        let load = "--clients 20 --rate 50 --duration 3s --lifetime 500ms";
        let watch = server.id();
        let args = format!("churn {url} --publish {url} {load} --engine {engine} --watch-pid {watch}");
        let outcome = quick(&args);
        server.kill().unwrap();
        server.wait().unwrap();
        let summary = outcome.counted();
        let (cost, delivery) = (summary.server.as_ref().unwrap(), &summary.delivery);
        assert!(figure(&summary, "churn.left") > Some(0.0) && cost.descriptors > cost.descriptors_before);
        // The trial's connection may still have been there before.
        assert!(cost.descriptors_after <= cost.descriptors_before, "{engine} {cost:?}");
        assert_eq!((delivery.lost, delivery.duplicated, delivery.reordered), (0, 0, 0), "{engine}");
        assert!(delivery.received > 0 && delivery.received == delivery.expected, "{delivery:?}");
    });
}

#[test]
fn the_healthy_miss_nothing_beside_slow_readers() {
    all(ENGINES.to_vec(), |engine| {
        let server = TestServer::clean();
        let load = "--clients 20 --rate 40 --duration 2s --payload 8000 --slow 20% --stalled 20%";
        let summary = quick(&format!("slow {} {load} --engine {engine}", server.topic())).counted();
        let delivery = &summary.delivery;
        assert_eq!((delivery.lost, delivery.duplicated, delivery.corrupted), (0, 0, 0), "{engine}");
        assert!(figure(&summary, "slow.during.p99").is_some());
        // 40 % stood still in the second half.
        assert!(delivery.received < 20 * 80 && delivery.received >= 12 * 80, "{engine} {delivery:?}");
    });
}

#[test]
fn answers_are_complete_or_not() {
    let cases = ["n=5", "n=5&truncate=3"].into_iter().flat_map(|query| ENGINES.map(|engine| (query, engine)));
    all(cases.collect(), |(query, engine)| {
        let server = TestServer::clean();
        let url = server.url(0, &format!("/tokens?{query}&first=10ms&interval=5ms"));
        let load = "--rate 20 --duration 2s --method POST --body {} --workers 2";
        let summary = quick(&format!("request {url} {load} --engine {engine}")).counted();
        let counts = ["request.completed", "request.broken", "request.failed"];
        let counts = counts.map(|name| figure(&summary, name).unwrap() as u64);
        let count = |metric| summary.latency.get(metric).map_or(0, |times| times.count);
        let times = ["first_token", "between_tokens", "stream"].map(count);
        if query == "n=5" {
            // The last event, [DONE], is no token.
            assert_eq!((counts, times), ([40, 0, 0], [40, 40 * 4, 40]), "{engine}");
        } else {
            assert_eq!((counts, times), ([0, 40, 0], [40, 40 * 2, 0]), "{engine}");
            assert_eq!(summary.connections.closed["cut"], 40, "{engine}");
        }
    });
}
