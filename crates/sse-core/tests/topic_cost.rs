//! What a topic costs that nothing happens in, and that others do not pay for it.
//!
//! A process of its own, and one test: what it measures is the memory of the process.

#![cfg(target_os = "linux")]

mod common;

use std::fs;

use common::*;
use sse_core::{Broadcaster, Position, Segment, TopicName, Turn};

const TOPICS: usize = 100_000;
const LIMIT: usize = 1024;
const PAGE: usize = 4096;

/// Resident memory in bytes. Where pages are larger than [`PAGE`], it comes out too low.
fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages: usize =
        statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("the second number");
    pages * PAGE
}

/// What each of the topics has cost since there were none.
fn cost_each(before: usize) -> usize {
    (resident() - before) / TOPICS
}

#[test]
fn a_hundred_thousand_idle_topics_cost_less_than_a_kibibyte_each() {
    let broadcaster = broadcaster();
    let segment = in_slices_of(2, &broadcaster);
    let names: Vec<TopicName> = (0..TOPICS).map(|n| topic(&format!("conversations/{n}"))).collect();

    let before = resident();
    for name in &names {
        publish(&broadcaster, name.as_str(), "a first event, of a usual size: {\"price\": 12.34}");
    }
    let published = cost_each(before);
    println!("a topic with one event: {published} bytes");
    assert!(published < LIMIT);
    let readers: Vec<_> =
        names.iter().map(|name| segment.subscribe([name.clone()], Position::Now).unwrap()).collect();
    let read = cost_each(before);
    println!("a topic with one event and one reader: {read} bytes");
    assert!(read < LIMIT * 3 / 2);
    settle(&segment);

    nobody_else_is_touched(&broadcaster, &segment);
    drop(readers);
}

/// A publish gives the segment one topic to look at, not a hundred thousand.
fn nobody_else_is_touched(broadcaster: &Broadcaster, segment: &Segment) {
    let (wakes, waker) = counting_waker();
    let [mut reader, mut other] =
        ["conversations/77", "conversations/78"].map(|name| subscribe(segment, &[name], Position::Now));
    assert!(poll(&mut reader, &waker).is_pending() && poll(&mut other, &waker).is_pending());
    publish(broadcaster, "conversations/77", "x");
    let turns = std::iter::from_fn(|| (segment.turn(clock()) == Turn::More).then_some(())).count();
    assert!(turns <= 2, "{turns} turns, of two readers each, for the two readers of one topic");
    assert_eq!(wakes.count(), 1);
    assert_eq!(drain(&mut reader).len(), 1);
    assert_eq!(drain(&mut other), []);
}
