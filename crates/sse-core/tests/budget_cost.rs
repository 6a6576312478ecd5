//! What the process takes for a broadcaster within its budget: a twentieth to a tenth more, where
//! topics are few; twice as much, where ten thousand of them have some kilobytes each, which the allocator cuts and joins.
//!
//! One test: what it measures is the memory of its process.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod common;

use std::fs;
use std::process::Command;

use common::*;
use sse_core::{Broadcaster, Config, Event, Retention, TopicName};

const MIB: u64 = 1024 * 1024;
const BUDGET: u64 = 32 * MIB;

/// Resident memory in bytes.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a process has memory");
    let kilobytes: u64 = line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number");
    kilobytes * 1024
}

/// Publishes several times what fits; answers what the process took for it at most.
fn most(topics: usize, size: usize) -> u64 {
    let names: Vec<TopicName> = (0..topics).map(|n| topic(&format!("conversations/{n}"))).collect();
    let data = "x".repeat(size);
    let before = resident();
    let retention = Retention { events: usize::MAX.try_into().unwrap(), bytes: usize::MAX, age: None };
    let broadcaster =
        Broadcaster::new(Config { retention, clock, budget: Some(BUDGET), ..Config::default() });
    let events = 3 * BUDGET / (size as u64 + 64);
    let mut most = 0;
    for (n, name) in (0..events).zip(names.iter().cycle()) {
        let published = broadcaster.publish(name, &Event::message(&data));
        assert!(published.is_ok(), "{published:?} after {n} of {events}");
        if n % 1024 == 0 {
            most = most.max(resident() - before);
        }
    }
    assert!(broadcaster.stats().shed > 0);
    let held = broadcaster.stats().held_bytes;
    assert!(
        (BUDGET / 2..=BUDGET).contains(&held),
        "an eighth is let go of at a time, and not much more: {held}"
    );
    most
}

/// Topics, and the size of events in bytes.
const CASES: [(usize, usize); 5] = [(1, 100), (100, 100), (10_000, 100), (1000, 2000), (100, 40_000)];

/// In the environment of a process that is to measure: which case.
const CASE: &str = "BUDGET_COST_CASE";

#[test]
fn i5_the_budget_bounds_what_the_process_takes() {
    if let Ok(case) = std::env::var(CASE) {
        let (topics, size) = CASES[case.parse::<usize>().unwrap()];
        let most = most(topics, size);
        println!("{topics} topics, {size} bytes: {:.2} of the budget", most as f64 / BUDGET as f64);
        assert!(most <= BUDGET * 9 / 4, "{} MiB of {}", most / MIB, BUDGET / MIB);
        return;
    }
    // A process for each: what one gave back, the allocator would have for the next.
    for (n, case) in CASES.iter().enumerate() {
        let mut test = Command::new(std::env::current_exe().unwrap());
        let status = test.arg("--nocapture").env(CASE, n.to_string()).status().unwrap();
        assert!(status.success(), "{case:?}");
    }
}
