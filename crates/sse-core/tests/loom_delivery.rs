//! Events on their way to readers that park: order, nothing lost, nobody left asleep (I1, I2, I3, I6, I7).
//!
//! | model | what meets what |
//! | --- | --- |
//! | L1 | a publisher of two events, a segment that serves one reader |
//! | L2 | two publishers of two events each, a log of two, one reader |
//! | L3 | one event, a segment that parks |
//! | L6 | one event, a task that has just exchanged its waker |
//! | L11 | two publishers, a segment that parks once for several readers and topics |
//! | L12 | two publishers on two topics, a reader of both |
//!
//! L4, L5, L8 and L9 are in `loom_places.rs`, L7, L10, L13 and L14 in `loom_ends.rs`.
#![cfg(loom)]
#![allow(clippy::unwrap_used, reason = "what can not be done fails the model")]

mod model_common;

use std::sync::Arc;
use std::task::{Context, Waker};

use model_common::*;
use sse_core::{Position, Turn};

#[test]
fn l1_two_events_reach_a_reader_that_parks() {
    explore(|| {
        let broadcaster = retaining(8, None);
        let segment = segment(&broadcaster);
        let mut reader = Reader::new(&segment, &["t"], Position::Now);
        let publisher =
            thread::spawn(move || ["a", "b"].map(|data| publish(&broadcaster, "t", data).unwrap().sequence));

        serve_to(&segment, &mut reader, 0, 2);

        assert_eq!(publisher.join().unwrap(), [1, 2]);
        assert_eq!(reader.seen, [event(1, "a"), event(2, "b")]);
    });
}

#[test]
fn l2_two_publishers_overrun_a_small_log() {
    explore(|| {
        let broadcaster = retaining(2, None);
        let segment = segment(&broadcaster);
        let mut reader = Reader::new(&segment, &["t"], Position::Now);
        let publishers = ["a", "b"].map(|name| {
            let broadcaster = broadcaster.clone();
            thread::spawn(move || [1, 2].map(|n| acked(&broadcaster, "t", &format!("{name}{n}"))))
        });

        serve_to(&segment, &mut reader, 0, 4);

        let acked = publishers.map(|publisher| publisher.join().unwrap());
        for [first, second] in &acked {
            assert!(first.0 < second.0, "a publisher's own order: {first:?}, {second:?}");
        }
        assert_were_acked(&reader.seen, acked.as_flattened());
    });
}

#[test]
fn l3_an_event_meets_a_segment_that_parks() {
    explore_all(|| {
        let broadcaster = retaining(8, None);
        let segment = segment(&broadcaster);
        let mut reader = Reader::new(&segment, &["t"], Position::Now);
        let publisher = thread::spawn(move || acked(&broadcaster, "t", "a"));

        serve_to(&segment, &mut reader, 0, 1);

        publisher.join().unwrap();
    });
}

#[test]
fn l6_the_waker_that_a_segment_gave_last_is_woken() {
    explore_all(|| {
        let broadcaster = retaining(8, None);
        let segment = segment(&broadcaster);
        let mut reader = Reader::new(&segment, &["t"], Position::Now);
        segment.turn(now());
        let publisher = thread::spawn(move || acked(&broadcaster, "t", "a"));

        let _ = segment.poll_marked(&mut Context::from_waker(Waker::noop()));
        serve_to(&segment, &mut reader, 0, 1);

        publisher.join().unwrap();
    });
}

#[test]
fn l6_the_waker_that_a_reader_gave_last_is_woken() {
    explore_all(|| {
        let broadcaster = retaining(8, None);
        let segment = segment(&broadcaster);
        let mut reader = Reader::new(&segment, &["t"], Position::Now);
        let publisher = thread::spawn(move || acked(&broadcaster, "t", "a"));

        let pending = reader.subscription.poll_next(&mut Context::from_waker(Waker::noop()));
        assert!(pending.is_pending(), "it was told of nothing yet");
        serve_to(&segment, &mut reader, 0, 1);

        publisher.join().unwrap();
    });
}

#[test]
fn l11_one_wake_serves_every_reader_of_every_topic() {
    explore(|| {
        let broadcaster = retaining(8, None);
        let segment = segment(&broadcaster);
        let mut readers = ["t", "t", "u"].map(|name| Reader::new(&segment, &[name], Position::Now));
        while segment.turn(now()) == Turn::More {}
        readers.iter_mut().for_each(Reader::run);
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        assert!(segment.poll_marked(&mut Context::from_waker(&waker)).is_pending());

        let publishers = ["t", "u"].map(|name| {
            let broadcaster = broadcaster.clone();
            thread::spawn(move || ["a", "b"].map(|data| acked(&broadcaster, name, data)))
        });
        publishers.into_iter().for_each(|publisher| drop(publisher.join().unwrap()));

        assert_eq!(wakes.count(), 1, "of the segment, for four events");
        while segment.turn(now()) == Turn::More {}
        for reader in &mut readers {
            assert_eq!(reader.wakes.count(), 1, "of a reader, for two events");
            reader.run();
            assert_eq!(sequences(&reader.seen).len(), 2);
        }
    });
}

#[test]
fn l12_two_topics_are_one_order() {
    explore(|| {
        let broadcaster = retaining(8, None);
        let segment = segment(&broadcaster);
        let mut reader = Reader::new(&segment, &["t", "u"], Position::Now);
        let publishers = ["t", "u"].map(|name| {
            let broadcaster = broadcaster.clone();
            thread::spawn(move || acked(&broadcaster, name, name))
        });

        serve_to(&segment, &mut reader, 0, 2);

        let acked = publishers.map(|publisher| publisher.join().unwrap());
        assert_were_acked(&reader.seen, &acked);
    });
}

#[test]
fn l12_two_topics_overrun_a_reader() {
    explore(|| {
        let broadcaster = retaining(1, None);
        let segment = segment(&broadcaster);
        let mut reader = Reader::new(&segment, &["t", "u"], Position::Now);
        let publishers = ["t", "u"].map(|name| {
            let broadcaster = broadcaster.clone();
            thread::spawn(move || ["1", "2"].map(|n| acked(&broadcaster, name, &format!("{name}{n}"))))
        });

        let accounted = |seen: &[Seen]| sequences(seen).len() as u64 + missed(seen);
        serve(&segment, std::slice::from_mut(&mut reader), |readers| accounted(&readers[0].seen) == 4);

        let acked = publishers.map(|publisher| publisher.join().unwrap());
        assert_were_acked(&reader.seen, acked.as_flattened());
        let sequences = sequences(&reader.seen);
        assert!(sequences.is_sorted_by(|a, b| a < b), "{:?}", reader.seen);
    });
}

fn missed(seen: &[Seen]) -> u64 {
    let of = |seen: &Seen| match seen {
        Seen::Lagged { missed, .. } => {
            missed.expect("a reader that was here all the time can be told the number")
        }
        Seen::Event { .. } | Seen::Ended | Seen::Closed => 0,
    };
    seen.iter().map(of).sum()
}
