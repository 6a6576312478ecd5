//! Ctrl-C, and processes that are killed: a report is never lost once measuring has begun.

use std::fs;

use rustix::process::Signal;
use sse_loadgen::serve::Faults;

use crate::peer::{Answer, Peer};
use crate::program::{Outcome, Run, all, send, until};
use crate::server::TestServer;

const LOAD: &str = "--clients 10 --rate 50 --settle 0s --warmup 0s";

/// The run was broken off, and says what it saw until then.
fn reported(outcome: Outcome) {
    assert_eq!(outcome.code, Some(130), "{}", outcome.said);
    let summary = outcome.summary.unwrap();
    assert!(summary.run.interrupted && outcome.table.contains("interrupted"), "{}", outcome.table);
    assert!(summary.delivery.received > 0 && summary.connections.ready == 10, "{:?}", summary.delivery);
}

#[test]
fn before_anything_was_measured_there_is_nothing_to_report() {
    let peer = Peer::start(
        |number, _| if number == 0 { Answer::Stream(Vec::new()) } else { Answer::Silence },
        |_, _| Vec::new(),
    );
    let server = TestServer::clean();
    let cases = vec![
        (format!("{} {LOAD} --connect-timeout 40s", peer.url()), "connect "),
        (format!("{} {LOAD} --settle 40s", server.topic()), "settle "),
    ];
    all(cases, |(args, phase)| {
        let mut run = Run::start(&args.replacen("--settle 0s ", "", usize::from(phase == "settle ")));
        run.until_said(phase);
        run.signal(Signal::INT);
        let outcome = run.finish();
        assert_eq!((outcome.code, outcome.summary.is_none()), (Some(130), true), "{}", outcome.said);
        let last = outcome.said.lines().last();
        assert_eq!(last, Some("sse-loadgen: interrupted before anything was measured"));
    });
}

#[test]
fn while_it_is_measured_there_is_a_report() {
    all(vec!["raw", "reqwest"], |engine| {
        let server = TestServer::clean();
        let mut run = Run::start(&format!("{} {LOAD} --duration 40s --engine {engine}", server.topic()));
        run.until_said("measure ");
        server.until_delivered();
        run.signal(Signal::INT);
        let outcome = run.finish();
        let lost = outcome.summary.as_ref().unwrap().delivery.lost;
        reported(outcome);
        assert_eq!(lost, 0, "what was not published is not lost");
    });
}

#[test]
fn nobody_has_to_wait_for_what_may_still_come() {
    all(vec![1, 2], |times| {
        let server = TestServer::faulty(Faults { drop: 0.5, ..Faults::default() });
        let duration = if times == 1 { "500ms" } else { "40s" };
        let mut run = Run::start(&format!("{} {LOAD} --duration {duration} --drain 1h", server.topic()));
        if times == 2 {
            run.until_said("measure ");
            server.until_delivered();
            run.signal(Signal::INT);
        }
        run.until_said("drain ");
        run.signal(Signal::INT);
        reported(run.finish());
    });
}

#[test]
fn what_a_killed_worker_saw_is_missing_and_that_is_said() {
    all(vec![1, 2], |workers| {
        let server = TestServer::clean();
        let args = format!("{} {LOAD} --duration 3s --drain 1s --workers {workers}", server.topic());
        let mut run = Run::start(&args);
        run.until_said("measure ");
        let victim = run.workers()[0];
        send(victim, Signal::KILL);
        run.until_said("has ended; what its clients saw is lost");
        let outcome = run.finish();
        assert_eq!(outcome.code, Some(4), "{}{}", outcome.said, outcome.table);
        let summary = outcome.summary.unwrap();
        let health = &summary.client_health;
        assert!(health.reasons.iter().any(|reason| reason.signal == "lost_workers"), "{health:?}");
        assert_eq!(summary.delivery.received > 0, workers == 2);
        assert_eq!(summary.delivery.lost, 0, "the others have everything");
    });
}

#[test]
fn workers_do_not_outlive_who_started_them() {
    all(vec!["raw", "reqwest"], |engine| {
        let server = TestServer::clean();
        let args = format!("{} {LOAD} --duration 40s --workers 2 --engine {engine}", server.topic());
        let mut run = Run::start(&args);
        run.until_said("measure ");
        let workers = run.workers();
        assert_eq!(workers.len(), 2);
        run.signal(Signal::KILL);
        let is_gone = |worker: &i32| {
            // Nobody may have collected what is left of it.
            let stat = fs::read_to_string(format!("/proc/{worker}/stat")).unwrap_or_default();
            stat.rsplit(") ").next().is_none_or(|state| state.is_empty() || state.starts_with('Z'))
        };
        until("the workers' end", || workers.iter().all(is_gone));
    });
}
