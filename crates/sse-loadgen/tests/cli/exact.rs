//! What the report says is what the server did, to the last event.

use std::time::Duration;

use sse_loadgen::report::Summary;
use sse_loadgen::serve::{Counts, Faults};

use crate::peer::{Answer, Peer};
use crate::program::{all, quick};
use crate::server::TestServer;

const ENGINES: [&str; 2] = ["raw", "reqwest"];

/// What is found of each kind: received, lost, duplicated, reordered, corrupted.
fn found(summary: &Summary) -> [u64; 5] {
    let delivery = &summary.delivery;
    assert_eq!((delivery.foreign, delivery.announced), (0, 0));
    [delivery.received, delivery.lost, delivery.duplicated, delivery.reordered, delivery.corrupted]
}

/// The same, as it was done. What is delayed and overtaken is seen as reordered.
pub(crate) fn done(counts: &Counts) -> [u64; 5] {
    let Counts { delivered, dropped, duplicated, reordered, overtaken, corrupted, .. } = *counts;
    [delivered - corrupted, dropped, duplicated, reordered + overtaken, corrupted]
}

#[test]
fn every_fault_is_found_and_counted() {
    let none = Faults::default();
    let delay_by = Duration::from_millis(200);
    let faults = [
        none,
        Faults { drop: 0.05, ..none },
        Faults { duplicate: 0.05, ..none },
        Faults { reorder: 0.05, ..none },
        Faults { corrupt: 0.05, ..none },
        Faults { delay: 0.05, delay_by, ..none },
        Faults { drop: 0.03, duplicate: 0.03, reorder: 0.03, corrupt: 0.03, delay: 0.03, delay_by, ..none },
    ];
    let cases = faults.into_iter().flat_map(|faults| ENGINES.map(|engine| (faults, engine))).collect();
    all(cases, |(faults, engine)| {
        let server = TestServer::faulty(Faults { seed: 1, ..faults });
        let load = "--clients 20 --rate 40 --duration 2s --drain 5s --late 30s";
        let summary = quick(&format!("{} {load} --engine {engine}", server.topic())).counted();
        assert_eq!(summary.delivery.expected, 20 * 80, "{engine} {faults:?}");
        let counts = server.stop();
        assert_eq!(counts.pending, 0);
        assert_eq!(found(&summary), done(&counts), "{engine} {faults:?}");
        assert_eq!(summary.delivery.late, 0);
        assert_eq!(summary.delivery.affected_clients > 0, faults.any(), "{engine} {faults:?}");
        let is = |code| summary.findings.iter().any(|finding| finding.code == code);
        assert_eq!((is("LOSS"), is("CORRUPT")), (counts.dropped > 0, counts.corrupted > 0));
        // Otherwise nothing was tested.
        assert_eq!(done(&counts)[1..].iter().any(|&faults| faults > 0), faults.any());
    });
}

#[test]
fn one_in_a_thousand_is_not_missed() {
    let server = TestServer::faulty(Faults { drop: 0.001, ..Faults::default() });
    let load = "--clients 200 --rate 30 --duration 2s --drain 5s --workers 2";
    let summary = quick(&format!("{} {load}", server.topic())).counted();
    let counts = server.stop();
    assert!(counts.dropped > 0);
    assert_eq!((summary.delivery.expected, summary.delivery.lost), (12_000, counts.dropped));
    assert_eq!(summary.delivery.adjusted_p["99.99"], None, "so many never came");
}

/// Nothing else takes as long as half of the delay, however busy the machine is.
#[test]
fn what_is_delayed_is_late() {
    all(ENGINES.to_vec(), |engine| {
        let delay_by = Duration::from_secs(6);
        let server = TestServer::faulty(Faults { delay: 0.1, delay_by, ..Faults::default() });
        let load = "--clients 10 --rate 20 --duration 1s --drain 20s --late 3s";
        let summary = quick(&format!("{} {load} --engine {engine}", server.topic())).counted();
        let counts = server.stop();
        assert!(counts.delayed > 0);
        assert_eq!((summary.delivery.late, summary.delivery.lost), (counts.delayed, 0), "{engine}");
    });
}

/// Every reader is sent the same bytes, so all that is counted is the same for each, however they are spread.
#[test]
fn engines_and_workers_agree_on_the_same_stream() {
    let frame = |number: u64, data: &str| {
        let event = |data: &str| format!("data: {data}\n\n").into_bytes();
        match number % 10 {
            3 => Vec::new(),
            4 => event(data).repeat(2),
            5 => event(&data.replace('x', "y")),
            _ => event(data),
        }
    };
    let cases = ENGINES.iter().flat_map(|engine| [1, 3].map(|workers| (*engine, workers))).collect();
    let seen = all(cases, |(engine, workers)| {
        let peer = Peer::start(|_, _| Answer::Stream(b": hello\n\n".to_vec()), frame);
        let load = "--clients 9 --rate 50 --duration 2s --drain 4s --publish-connections 1";
        let args = format!("{} {load} --engine {engine} --workers {workers}", peer.topic());
        let summary = quick(&args).counted();
        assert_eq!(summary.plan.workers, workers);
        found(&summary)
    });
    assert_eq!(seen, [[9 * 80, 9 * 10, 9 * 10, 0, 9 * 10]; 4]);
}

#[test]
fn topics_and_addresses_are_kept_apart() {
    all(ENGINES.to_vec(), |engine| {
        let server = TestServer::clean();
        let [one, other] = [0, 1].map(|address| server.url(address, "/events/t{{topic}}"));
        let load = "--clients 21 --topics 7 --rate 70 --duration 2s --workers 3";
        let args = format!("{one} {other} --publish {one} {load} --engine {engine}");
        let summary = quick(&args).counted();
        // Of each topic's 20 events, each of its three readers has every one.
        assert_eq!(found(&summary), [7 * 20 * 3, 0, 0, 0, 0], "{engine}");
        assert_eq!((summary.delivery.expected, summary.run.targets.len()), (420, 2));
        assert_eq!(server.stop().delivered, 420);
    });
}
