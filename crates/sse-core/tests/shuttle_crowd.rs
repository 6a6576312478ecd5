//! S1: three publishers, nine readers in three segments, and a close, in random schedules of hundreds of events: what
//! loom can only look at in the small.
//!
//! The log holds eight events, and readers dawdle, so they lose many. In half of the schedules the close meets the
//! publishers; in the others it comes when all readers have caught up, so that it wakes nobody who should have been
//! woken before. At the end each reader's life must add up.
#![cfg(shuttle)]
#![allow(clippy::unwrap_used, reason = "what can not be done fails the model")]

mod model_common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use model_common::crowd::{LAST, explore, serve_crowd};
use model_common::life::{Acked, Life};
use model_common::*;
use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::mpsc::channel;
use sse_core::Broadcaster;

const PUBLISHERS: u32 = 3;
const EVENTS_EACH: u32 = 60;
const SEGMENTS: usize = 3;
const READERS_EACH: usize = 3;
const SETS: [&[&str]; 4] = [&["t"], &["t"], &["u"], &["t", "u"]];

#[test]
fn s1_every_life_adds_up() {
    static GAPS: AtomicUsize = AtomicUsize::new(0);

    explore(5000, || {
        GAPS.fetch_add(crowd(), Ordering::Relaxed);
    });
    let gaps = GAPS.load(Ordering::Relaxed);
    println!("{gaps} gaps");
    assert!(gaps > 10_000, "readers that lose nothing prove little");
}

/// Answers how many gaps its readers were told of.
fn crowd() -> usize {
    let broadcaster = retaining(8, None);
    let origin = broadcaster.position();
    let (tell, told) = channel();
    let segments: Vec<_> = (0..SEGMENTS)
        .map(|_| {
            let (broadcaster, tell) = (broadcaster.clone(), tell.clone());
            thread::spawn(move || serve_crowd(&broadcaster, READERS_EACH, &SETS, origin, &tell))
        })
        .collect();
    let mut publishers: Vec<_> = (0..PUBLISHERS)
        .map(|publisher| {
            let broadcaster = broadcaster.clone();
            thread::spawn(move || publish_until_closed(&broadcaster, publisher))
        })
        .collect();

    let mut acked = Acked::new();
    let all_come = |_| told.recv().unwrap();
    (0..SEGMENTS).for_each(all_come);
    let catch_up = thread_rng().gen_bool(0.5);
    let late = if catch_up { 0 } else { thread_rng().gen_range(0..=publishers.len()) };
    let late = publishers.split_off(publishers.len() - late);
    publishers.into_iter().for_each(|publisher| acked.extend(publisher.join().unwrap()));
    if catch_up {
        for name in ["t", "u"] {
            acked.insert(publish(&broadcaster, name, LAST).unwrap().sequence, (name, LAST.to_owned()));
        }
        (0..SEGMENTS).for_each(all_come);
    }
    if thread_rng().gen_bool(0.5) {
        broadcaster.close_over(Duration::from_secs(1));
        thread::yield_now();
    }
    broadcaster.close();
    late.into_iter().for_each(|publisher| acked.extend(publisher.join().unwrap()));

    let lives: Vec<Life> = segments.into_iter().flat_map(|segment| segment.join().unwrap()).collect();
    lives.iter().for_each(|life| life.check(&acked));
    assert_eq!(broadcaster.stats().subscribers, 0);
    lives.iter().map(Life::gaps).sum()
}

fn publish_until_closed(broadcaster: &Broadcaster, publisher: u32) -> Acked {
    let publish_nth = |n| {
        let name = if thread_rng().gen_ratio(1, 3) { "u" } else { "t" };
        let data = format!("{publisher}/{n}");
        let id = publish(broadcaster, name, &data).ok()?;
        Some((id.sequence, (name, data)))
    };
    let acked: Vec<_> = (0..EVENTS_EACH).map_while(publish_nth).collect();
    assert!(acked.is_sorted_by_key(|(sequence, _)| *sequence), "a publisher's own order");
    acked.into_iter().collect()
}
