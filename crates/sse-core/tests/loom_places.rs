//! Readers that come and go while events are published: what they resume, what they leave behind (I2, I4, I8, I11).
//!
//! | model | what meets what |
//! | --- | --- |
//! | L4 | an event, a reader or a whole segment that leaves |
//! | L5 | two events that push two others out of the log, a reader that resumes from before all of them |
//! | L8 | two events in a log of one, two segments, of which one leaves |
//! | L15 | two events for which there is no room, a reader of what is shed |
//! | L16 | topics that come into being, a limit on their number, a subscription that fails |
//! | L9 | an event, a topic that is being forgotten, a reader that resumes |
//!
//! Whatever is left behind in the crate's own `Arc`s is noticed by loom at the end of each interleaving.
#![cfg(loom)]
#![allow(clippy::unwrap_used, reason = "what can not be done fails the model")]

mod model_common;

use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use model_common::*;
use sse_core::{Broadcaster, EventId, Position};

/// Room for a topic and seven events of a hundred bytes, but not for two of six hundred besides.
const BUDGET: u64 = 3000;

#[test]
fn l4_nothing_of_a_reader_that_left_remains() {
    explore(|| {
        let broadcaster = retaining(8, Some(Duration::ZERO));
        let segment = segment(&broadcaster);
        let mut reader = Reader::new(&segment, &["t"], Position::Now);
        reader.run();
        let wakes = Arc::clone(&reader.wakes);
        let publisher = thread::spawn({
            let broadcaster = broadcaster.clone();
            move || acked(&broadcaster, "t", "a")
        });

        segment.turn(now());
        let woken = wakes.count();
        drop(reader);
        assert_eq!(Arc::strong_count(&wakes), 1, "somebody kept the task's waker");
        segment.turn(now());
        assert_eq!(wakes.count(), woken, "a reader was woken that had left");

        publisher.join().unwrap();
        assert_eq!(broadcaster.stats().subscribers, 0);
        set_clock(Duration::from_secs(1));
        assert_eq!(broadcaster.expire(), 1, "the topic could not be forgotten");
    });
}

#[test]
fn l4_nothing_of_a_segment_that_left_remains() {
    explore(|| {
        let broadcaster = retaining(8, Some(Duration::ZERO));
        let segment = segment(&broadcaster);
        let reader = Reader::new(&segment, &["t"], Position::Now);
        let wakes = Arc::new(Wakes::default());
        let waker = std::task::Waker::from(Arc::clone(&wakes));
        let _ = segment.poll_marked(&mut Context::from_waker(&waker));
        drop(waker);
        let publisher = thread::spawn({
            let broadcaster = broadcaster.clone();
            move || acked(&broadcaster, "t", "a")
        });

        drop(segment);
        drop(reader);

        publisher.join().unwrap();
        assert_eq!(Arc::strong_count(&wakes), 1, "somebody kept the segment's waker");
        set_clock(Duration::from_secs(1));
        assert_eq!(broadcaster.expire(), 1, "the topic could not be forgotten");
    });
}

#[test]
fn l5_a_resume_meets_the_end_of_what_is_retained() {
    explore(|| {
        let broadcaster = retaining(2, None);
        let start = broadcaster.position();
        let ids = ["a", "b"].map(|data| publish(&broadcaster, "t", data).unwrap());
        let publisher = thread::spawn({
            let broadcaster = broadcaster.clone();
            move || ["c", "d"].map(|data| acked(&broadcaster, "t", data))
        });

        let segment = segment(&broadcaster);
        for position in [start, ids[0], ids[1]] {
            let mut reader = Reader::new(&segment, &["t"], Position::After(position));
            serve_to(&segment, &mut reader, position.sequence, 4);
        }

        publisher.join().unwrap();
    });
}

#[test]
fn l15_two_publishers_without_room_make_it_once() {
    explore(|| {
        let broadcaster = with_budget(BUDGET);
        let segment = segment(&broadcaster);
        let mut reader = Reader::new(&segment, &["t"], Position::Now);
        for _ in 0..7 {
            acked(&broadcaster, "t", &"a".repeat(100));
        }
        let before = broadcaster.stats();
        assert_eq!(before.shed, 0);
        let publishers = [(); 2].map(|()| {
            let broadcaster = broadcaster.clone();
            thread::spawn(move || acked(&broadcaster, "t", &"x".repeat(600)))
        });

        let all = before.published + 2;
        serve(&segment, std::slice::from_mut(&mut reader), |readers| accounted(0, &readers[0].seen) == all);

        publishers.into_iter().for_each(|publisher| drop(publisher.join().unwrap()));
        let after = broadcaster.stats();
        assert!(after.shed > 0 && after.held_bytes <= BUDGET, "{after:?}");
    });
}

#[test]
fn l16_one_of_two_topics_comes_into_being_where_there_is_room_for_one() {
    explore(|| {
        let broadcaster = with_topics(1);
        let publishers = ["t", "u"].map(|name| {
            let broadcaster = broadcaster.clone();
            thread::spawn(move || publish(&broadcaster, name, "a").is_ok())
        });
        let published = publishers.map(|publisher| publisher.join().unwrap());
        assert_ne!(published[0], published[1]);
        assert_eq!(broadcaster.stats().topics, 1);
    });
}

#[test]
fn l16_a_subscription_that_fails_takes_no_event_along() {
    explore(|| {
        let broadcaster = with_topics(1);
        let publisher = thread::spawn({
            let broadcaster = broadcaster.clone();
            move || acked(&broadcaster, "t", "a")
        });
        let segment = segment(&broadcaster);
        let refused = segment.subscribe([topic("t"), topic("u")], Position::Now);
        assert!(refused.is_err());
        publisher.join().unwrap();

        let mut reader = Reader::new(&segment, &["t"], Position::Earliest);
        reader.run();
        assert_eq!(reader.seen, [event(1, "a")]);
        assert_eq!(broadcaster.stats().topics, 1);
    });
}

#[test]
fn l8_two_segments_are_overrun_while_one_leaves() {
    explore(|| {
        let broadcaster = retaining(1, None);
        let start = Position::After(broadcaster.position());
        let stays = thread::spawn({
            let broadcaster = broadcaster.clone();
            move || {
                let segment = segment(&broadcaster);
                let mut reader = Reader::new(&segment, &["t"], start);
                serve_to(&segment, &mut reader, 0, 2);
            }
        });
        let leaves = thread::spawn({
            let broadcaster = broadcaster.clone();
            move || {
                let segment = segment(&broadcaster);
                let mut reader = Reader::new(&segment, &["t"], start);
                segment.turn(now());
                reader.run();
                accounted(0, &reader.seen);
            }
        });

        for data in ["a", "b"] {
            acked(&broadcaster, "t", data);
        }

        leaves.join().unwrap();
        stays.join().unwrap();
    });
}

#[test]
fn l9_a_reader_is_never_attached_to_a_forgotten_topic() {
    explore(|| {
        let (broadcaster, [_, old]) = with_an_expired_past();
        let threads = forget_and_publish(&broadcaster);
        let segment = segment(&broadcaster);
        let mut reader = Reader::new(&segment, &["t"], Position::After(old));

        serve_to(&segment, &mut reader, 1, 2);

        assert_eq!(reader.seen, [event(2, "new")], "it had seen all of the past");
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn l9_the_past_of_a_forgotten_topic_is_announced_as_lost() {
    explore(|| {
        let (broadcaster, [start, _]) = with_an_expired_past();
        let threads = forget_and_publish(&broadcaster);
        let segment = segment(&broadcaster);
        let mut reader = Reader::new(&segment, &["t"], Position::After(start));

        serve(&segment, std::slice::from_mut(&mut reader), |readers| {
            readers[0].seen.contains(&event(2, "new"))
        });

        // Nobody may have come round yet to let go of what was too old.
        let lost =
            |missed| [Seen::Lagged { topic: None, after: Some(0), before: 2, missed }, event(2, "new")];
        let allowed = [lost(Some(1)), lost(None), [event(1, "old"), event(2, "new")]];
        assert!(allowed.iter().any(|allowed| *allowed == *reader.seen), "{:?}", reader.seen);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// A broadcaster whose topic had one event, which is now too old, and the positions before and behind that event.
fn with_an_expired_past() -> (Broadcaster, [EventId; 2]) {
    let broadcaster = retaining(8, Some(Duration::ZERO));
    let start = broadcaster.position();
    let old = publish(&broadcaster, "t", "old").unwrap();
    set_clock(Duration::from_secs(1));
    (broadcaster, [start, old])
}

fn forget_and_publish(broadcaster: &Broadcaster) -> [thread::JoinHandle<()>; 2] {
    let forgets = broadcaster.clone();
    let publishes = broadcaster.clone();
    let forgetting = thread::spawn(move || {
        forgets.expire();
    });
    let publishing = thread::spawn(move || {
        acked(&publishes, "t", "new");
    });
    [forgetting, publishing]
}
