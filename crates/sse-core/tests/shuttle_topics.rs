//! S2: topics that end, are forgotten and come to be again, while readers leave them and come back.
//!
//! Events live for a few ticks of a clock that a thread turns on; readers stay away for as long as they please. What
//! they come back to may be another topic of the same name; that must lose them nothing in silence.
#![cfg(shuttle)]
#![allow(clippy::unwrap_used, reason = "what can not be done fails the model")]

mod model_common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use model_common::crowd::{explore, serve_crowd};
use model_common::life::{Acked, Life};
use model_common::*;
use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::mpsc::channel;
use sse_core::{Broadcaster, PublishError};

const PUBLISHERS: u32 = 2;
const STEPS_EACH: u32 = 40;
const TICKS: u32 = 30;
const SEGMENTS: usize = 2;
const READERS_EACH: usize = 2;
const TICK: Duration = Duration::from_secs(1);
const AGE: Duration = Duration::from_secs(2);
const SETS: [&[&str]; 3] = [&["a"], &["b"], &["a", "b"]];

#[test]
fn s2_a_topic_that_comes_again_loses_nobody_anything_in_silence() {
    static FORGOTTEN: AtomicUsize = AtomicUsize::new(0);

    explore(5000, || {
        FORGOTTEN.fetch_add(topics_come_and_go(), Ordering::Relaxed);
    });
    let forgotten = FORGOTTEN.load(Ordering::Relaxed);
    println!("{forgotten} topics forgotten");
    assert!(forgotten > 10_000, "topics that are never forgotten prove little");
}

/// Answers how many topics were forgotten.
fn topics_come_and_go() -> usize {
    let broadcaster = retaining(4, Some(AGE));
    let origin = broadcaster.position();
    let (tell, _told) = channel();
    let segments: Vec<_> = (0..SEGMENTS)
        .map(|_| {
            let (broadcaster, tell) = (broadcaster.clone(), tell.clone());
            thread::spawn(move || serve_crowd(&broadcaster, READERS_EACH, &SETS, origin, &tell))
        })
        .collect();
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|publisher| {
            let broadcaster = broadcaster.clone();
            thread::spawn(move || publish_and_end(&broadcaster, publisher))
        })
        .collect();

    let mut forgotten = 0;
    for tick in 0..TICKS {
        set_clock(TICK * tick);
        forgotten += broadcaster.expire();
        thread::yield_now();
    }
    let acked: Acked = publishers.into_iter().flat_map(|publisher| publisher.join().unwrap()).collect();
    broadcaster.close();

    let lives: Vec<Life> = segments.into_iter().flat_map(|segment| segment.join().unwrap()).collect();
    lives.iter().for_each(|life| life.check(&acked));
    assert_eq!(broadcaster.stats().subscribers, 0);
    set_clock(TICK * TICKS + 2 * AGE);
    let left = broadcaster.stats().topics;
    assert_eq!(broadcaster.expire(), left, "somebody is still attached");
    forgotten
}

fn publish_and_end(broadcaster: &Broadcaster, publisher: u32) -> Acked {
    let mut acked = Acked::new();
    for n in 0..STEPS_EACH {
        let name = if thread_rng().gen_bool(0.5) { "a" } else { "b" };
        if thread_rng().gen_ratio(1, 10) {
            let _ = broadcaster.end(&topic(name));
            continue;
        }
        let data = format!("{publisher}/{n}");
        match publish(broadcaster, name, &data) {
            Ok(id) => drop(acked.insert(id.sequence, (name, data))),
            Err(error) => assert_eq!(error, PublishError::Ended),
        }
    }
    acked
}
