//! draft
#![cfg(loom)]

mod model_common;

use model_common::*;
use sse_core::Position;

#[test]
fn l1_two_events_reach_a_parked_reader() {
    explore(|| {
        let broadcaster = retaining(8, None);
        let segment = segment(&broadcaster, 32);
        let mut reader = Reader::new(&segment, &["t"], Position::Now);
        let publisher = thread::spawn(move || {
            publish(&broadcaster, "t", "a").unwrap();
            publish(&broadcaster, "t", "b").unwrap();
        });
        serve_to(&segment, &mut reader, 0, 2);
        publisher.join().unwrap();
    });
}

#[test]
fn l3_a_publish_meets_a_segment_that_parks() {
    explore_all(|| {
        let broadcaster = retaining(8, None);
        let segment = segment(&broadcaster, 32);
        let mut reader = Reader::new(&segment, &["t"], Position::Now);
        let publisher = thread::spawn(move || publish(&broadcaster, "t", "a").unwrap());
        serve_to(&segment, &mut reader, 0, 1);
        publisher.join().unwrap();
    });
}

#[test]
fn l2_two_publishers_overrun_a_small_log() {
    explore(|| {
        let broadcaster = retaining(2, None);
        let segment = segment(&broadcaster, 32);
        let mut reader = Reader::new(&segment, &["t"], Position::Now);
        let publishers = ["a", "b"].map(|name| {
            let broadcaster = broadcaster.clone();
            thread::spawn(move || {
                [1, 2].map(|n| publish(&broadcaster, "t", &format!("{name}{n}")).unwrap().sequence)
            })
        });
        serve_to(&segment, &mut reader, 0, 4);
        for publisher in publishers {
            let [first, second] = publisher.join().unwrap();
            assert!(first < second);
        }
    });
}
