//! Sinks: what a segment delivers by itself is what a task would have come for, and a sink that is gone is gone.

mod common;
mod pipe;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use common::*;
use pipe::{Pipe, Writer, holder, open, pipe, writer};
use sse_core::{
    Broadcaster, Deliveries, Delivery, Position, Progress, Run, Segment, SegmentConfig, Sink, SubscriberKey,
    Turn,
};

fn writing(broadcaster: &Broadcaster, run: usize) -> Segment<Writer> {
    Segment::new(broadcaster, SegmentConfig { heartbeat: None, run, ..SegmentConfig::default() })
}

fn hand_over(segment: &Segment<Writer>, names: &[&str], pipe: &Rc<RefCell<Pipe>>) -> SubscriberKey {
    subscribe(segment, names, Position::Now).hand_over(writer(pipe))
}

fn written(pipe: &Rc<RefCell<Pipe>>) -> Vec<u64> {
    sequences(&decode(&pipe.borrow().bytes))
}

/// Whatever a sink's pipe does, the bytes are those that a task gets.
#[test]
fn i3_a_sink_is_given_what_a_task_would_have_come_for() {
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let broadcaster = broadcaster();
        let slice = random.usize(1..40).try_into().unwrap();
        let run = [0, 100, 5000][random.usize(..3)];
        let segment = Segment::new(
            &broadcaster,
            SegmentConfig { heartbeat: None, run, slice, ..SegmentConfig::default() },
        );
        let names = [&["a"][..], &["a", "b", "c"]][random.usize(..2)];
        let mut task = subscribe(&segment, names, Position::Now);
        let sinks: Vec<_> = (0..random.usize(1..5))
            .map(|_| {
                let pipe = pipe(random.usize(..500), random.usize(1..5));
                (hand_over(&segment, names, &pipe), pipe)
            })
            .collect();
        for _ in 0..200 {
            let (key, pipe) = &sinks[random.usize(..sinks.len())];
            match random.u8(..8) {
                0..4 => {
                    publish(&broadcaster, random.choice(["a", "b", "c"]).unwrap(), "x");
                }
                4 => {
                    pipe.borrow_mut().room += random.usize(..500);
                    segment.unblock(*key);
                }
                5 => segment.unblock(*key),
                _ => {
                    segment.turn(clock());
                }
            }
        }
        for (key, pipe) in &sinks {
            pipe.borrow_mut().room = usize::MAX;
            segment.unblock(*key);
        }
        settle(&segment);
        let mut expected = Vec::new();
        while let std::task::Poll::Ready(Some(Delivery::Frames(run))) = poll(&mut task, Waker::noop()) {
            expected.extend_from_slice(run.bytes());
        }
        assert!(!expected.is_empty());
        for (_, pipe) in &sinks {
            assert!(pipe.borrow().bytes == expected, "seed {seed}");
            assert_eq!(pipe.borrow().others, []);
        }
    }
}

#[test]
fn a_hand_over_begins_with_what_is_owed_and_asks_for_a_turn() {
    let broadcaster = retaining(2);
    let segment = writing(&broadcaster, 1000);
    let mut subscription = subscribe(&segment, &["t"], Position::Now);
    publish_many(&broadcaster, "t", 3);
    settle(&segment);
    let (task, waker) = counting_waker();
    let (wakes, segment_waker) = counting_waker();
    assert_eq!(seen(&next(&mut subscription)), [gap(0, 2, 1, "slow")]);
    next(&mut subscription);
    assert!(poll(&mut subscription, &waker).is_pending());
    drop(waker);
    publish_many(&broadcaster, "t", 1);
    settle(&segment);
    assert!(!is_marked(&segment, &segment_waker));
    let pipe = open();
    subscription.hand_over(writer(&pipe));
    assert_eq!(wakes.count(), 1);
    assert_eq!(Arc::strong_count(&task), 1, "I8: the task is no longer needed");
    assert!(is_marked(&segment, &segment_waker));
    settle(&segment);
    assert_eq!(written(&pipe), [4]);
    assert_eq!(segment.len(), 1);
}

#[test]
fn a_blocked_sink_is_left_alone_until_it_is_unblocked() {
    let broadcaster = broadcaster();
    let segment = writing(&broadcaster, 1000);
    let pipe = pipe(10, usize::MAX);
    let key = hand_over(&segment, &["t"], &pipe);
    settle(&segment);
    publish(&broadcaster, "t", "x");
    settle(&segment);
    let calls = pipe.borrow().calls;
    publish_many(&broadcaster, "t", 10);
    settle(&segment);
    assert_eq!((pipe.borrow().calls, pipe.borrow().bytes.len()), (calls, 10));

    let (wakes, waker) = counting_waker();
    assert!(!is_marked(&segment, &waker));
    pipe.borrow_mut().room = usize::MAX;
    segment.unblock(key);
    assert_eq!((pipe.borrow().calls, wakes.count()), (calls, 1));
    settle(&segment);
    assert_eq!(written(&pipe), (1..=11).collect::<Vec<_>>());
    // It is no longer blocked: there is nothing to say.
    assert!(!is_marked(&segment, &waker));
    segment.unblock(key);
    assert!(!is_marked(&segment, &waker));
    assert_eq!(wakes.count(), 1);
}

#[test]
fn a_sink_is_called_for_what_it_kept_though_there_is_nothing_new() {
    let broadcaster = broadcaster();
    let segment = writing(&broadcaster, 1000);
    let (blocked, patient) = (pipe(10, usize::MAX), pipe(usize::MAX, 1));
    let key = hand_over(&segment, &["t"], &blocked);
    hand_over(&segment, &["t"], &patient);
    settle(&segment);
    publish(&broadcaster, "t", "x");
    settle(&segment);
    assert_eq!(written(&patient), [1]);
    blocked.borrow_mut().room = usize::MAX;
    segment.unblock(key);
    settle(&segment);
    assert_eq!(written(&blocked), [1]);
}

#[test]
fn i2_a_sink_that_was_blocked_too_long_is_told() {
    let broadcaster = retaining(3);
    let segment = writing(&broadcaster, 1000);
    let pipe = pipe(1, usize::MAX);
    let key = hand_over(&segment, &["t"], &pipe);
    publish(&broadcaster, "t", "x");
    settle(&segment);
    publish_many(&broadcaster, "t", 10);
    settle(&segment);
    pipe.borrow_mut().room = usize::MAX;
    segment.unblock(key);
    settle(&segment);
    assert_eq!(pipe.borrow().others, [gap(1, 9, 7, "slow")]);
    assert_eq!(written(&pipe), [1, 9, 10, 11]);
}

#[test]
fn whoever_lets_others_have_their_turn_gets_another() {
    let broadcaster = broadcaster();
    let segment = writing(&broadcaster, 0);
    let pipes: Vec<_> = (0..3).map(|_| pipe(usize::MAX, 1)).collect();
    for pipe in &pipes {
        hand_over(&segment, &["t"], pipe);
    }
    settle(&segment);
    publish_many(&broadcaster, "t", 20);
    let before: usize = pipes.iter().map(|pipe| pipe.borrow().calls).sum();
    assert_eq!(segment.turn(clock()), Turn::More);
    let after: usize = pipes.iter().map(|pipe| pipe.borrow().calls).sum();
    assert!(after - before < 40, "a turn is bounded");
    settle(&segment);
    for pipe in &pipes {
        assert_eq!(written(pipe), (1..=20).collect::<Vec<_>>());
    }
}

/// A sink that always wants more has one place in the line, however often it is found to be behind.
#[test]
fn a_greedy_sink_does_not_fill_the_line() {
    let broadcaster = retaining(12_000);
    let segment = writing(&broadcaster, 0);
    let greedy = pipe(usize::MAX, 1);
    hand_over(&segment, &["busy"], &greedy);
    for _ in 0..300 {
        publish_many(&broadcaster, "busy", 40);
        segment.turn(clock());
    }
    let other = open();
    publish(&broadcaster, "t", "x");
    subscribe(&segment, &["t"], Position::Earliest).hand_over(writer(&other));
    segment.turn(clock());
    assert_eq!(written(&other).len(), 1);
    settle(&segment);
    assert_eq!(written(&greedy).len(), 12_000);
}

#[test]
fn the_end_and_the_close_reach_sinks_which_then_are_gone() {
    let broadcaster = broadcaster();
    let segment = writing(&broadcaster, 1000);
    let (ended, closed, blocked) = (open(), open(), pipe(1, usize::MAX));
    hand_over(&segment, &["a"], &ended);
    hand_over(&segment, &["b"], &closed);
    let key = hand_over(&segment, &["b"], &blocked);
    publish(&broadcaster, "a", "x");
    publish(&broadcaster, "b", "x");
    assert_eq!(broadcaster.end(&topic("a")), Ok(true));
    settle(&segment);
    assert_eq!((segment.len(), written(&ended)), (2, vec![1]));
    assert_eq!(ended.borrow().others, [Seen::Ended]);
    assert_eq!(Rc::strong_count(&ended), 1, "I8: the sink was dropped");
    broadcaster.close();
    settle(&segment);
    assert_eq!((segment.len(), written(&closed)), (1, vec![2]));
    assert_eq!(closed.borrow().others, [Seen::Closed]);
    blocked.borrow_mut().room = usize::MAX;
    segment.unblock(key);
    settle(&segment);
    assert_eq!((segment.len(), written(&blocked)), (0, vec![2]));
    assert_eq!(blocked.borrow().others, [Seen::Closed]);
    assert_eq!(broadcaster.stats().subscribers, 0);
}

#[test]
fn heartbeats_reach_sinks_that_are_idle() {
    let broadcaster = broadcaster();
    let heartbeat = Some(Duration::from_secs(64));
    let segment = Segment::new(&broadcaster, SegmentConfig { heartbeat, ..SegmentConfig::default() });
    let (idle, blocked) = (open(), pipe(1, usize::MAX));
    hand_over(&segment, &["t"], &idle);
    let key = hand_over(&segment, &["u"], &blocked);
    publish(&broadcaster, "u", "x");
    for _ in 0..5 * 64 {
        settle(&segment);
        advance(Duration::from_secs(1));
    }
    let beats = idle.borrow().others.len();
    assert!((4..=6).contains(&beats), "{beats}");
    assert!(idle.borrow().others.iter().all(|seen| *seen == Seen::Heartbeat));
    blocked.borrow_mut().room = usize::MAX;
    segment.unblock(key);
    settle(&segment);
    assert_eq!(blocked.borrow().others, [Seen::Heartbeat], "they do not pile up");
}

#[test]
fn i8_a_sink_is_removed_by_its_key() {
    let broadcaster = broadcaster();
    let segment = writing(&broadcaster, 1000);
    let (first, second) = (open(), pipe(0, usize::MAX));
    let key = hand_over(&segment, &["t"], &first);
    let blocked = hand_over(&segment, &["t"], &second);
    publish(&broadcaster, "t", "x");
    settle(&segment);
    assert!(segment.remove(key) && segment.remove(blocked));
    assert!(!segment.remove(key) && !segment.remove(blocked));
    assert_eq!((Rc::strong_count(&first), Rc::strong_count(&second)), (1, 1));
    assert_eq!((segment.len(), broadcaster.stats().subscribers), (0, 0));
    publish(&broadcaster, "t", "x");
    settle(&segment);
    assert_eq!(written(&first), [1]);
}

#[test]
fn a_stale_key_means_nobody() {
    let broadcaster = broadcaster();
    let segment = writing(&broadcaster, 1000);
    let old = hand_over(&segment, &["t"], &open());
    segment.remove(old);
    let new = pipe(0, usize::MAX);
    let key = hand_over(&segment, &["t"], &new);
    assert_ne!(old, key);
    settle(&segment);
    let calls = new.borrow().calls;
    segment.unblock(old);
    settle(&segment);
    assert!(!segment.remove(old));
    assert_eq!((segment.len(), new.borrow().calls), (1, calls));
    // Nor does it mean a subscription that is polled.
    segment.remove(key);
    let mut polled = subscribe(&segment, &["t"], Position::Now);
    segment.unblock(key);
    assert!(!segment.remove(key));
    publish(&broadcaster, "t", "x");
    settle(&segment);
    assert_eq!(drain(&mut polled), [Seen::Event(1, "x".into())]);
}

#[test]
fn i8_a_segment_that_is_dropped_takes_its_sinks_along() {
    let broadcaster = broadcaster();
    let segment = writing(&broadcaster, 1000);
    let pipe = open();
    hand_over(&segment, &["t", "u"], &pipe);
    publish(&broadcaster, "t", "x");
    settle(&segment);
    drop(segment.clone());
    assert_eq!(broadcaster.stats().subscribers, 1);
    drop(segment);
    assert_eq!(Rc::strong_count(&pipe), 1);
    assert_eq!(broadcaster.stats().subscribers, 0);
    publish(&broadcaster, "t", "x");
    advance(Duration::from_secs(3600));
    assert_eq!(expire(&broadcaster), 2);
}

/// Its destructor may do whatever a task may: it does not run while the segment is at work.
#[test]
fn i8_a_sink_may_own_a_subscription_of_its_segment() {
    struct Counts(Segment<Writer>, Rc<RefCell<Vec<usize>>>);
    impl Drop for Counts {
        fn drop(&mut self) {
            self.1.borrow_mut().push(self.0.len());
        }
    }
    let broadcaster = broadcaster();
    let segment = writing(&broadcaster, 1000);
    let lengths = Rc::default();
    let hold = || {
        let held = (subscribe(&segment, &["t"], Position::Now), Counts(segment.clone(), Rc::clone(&lengths)));
        subscribe(&segment, &["t"], Position::Now).hand_over(holder(held))
    };
    let removed = hold();
    hold();
    assert_eq!(segment.len(), 4);
    assert!(segment.remove(removed));
    broadcaster.end(&topic("t")).unwrap();
    settle(&segment);
    assert_eq!((segment.len(), lengths.take()), (0, vec![2, 0]));
}

#[test]
fn i12_a_sink_that_panics_is_gone_and_takes_nobody_along() {
    let broadcaster = broadcaster();
    let segment = writing(&broadcaster, 1000);
    let mut tasks = [(); 2].map(|()| subscribe(&segment, &["t"], Position::Now));
    let (wakes, waker) = counting_waker();
    let (panicking, other) = (open(), open());
    let key = hand_over(&segment, &["t"], &panicking);
    hand_over(&segment, &["t"], &other);
    settle(&segment);
    for task in &mut tasks {
        assert!(poll(task, &waker).is_pending());
    }
    panicking.borrow_mut().panics = true;
    publish(&broadcaster, "t", "x");
    catch_unwind(AssertUnwindSafe(|| settle(&segment))).unwrap_err();
    settle(&segment);
    assert_eq!(wakes.count(), 2);
    assert_eq!(written(&other), [1]);
    for task in &mut tasks {
        assert_eq!(drain(task), [Seen::Event(1, "x".into())]);
    }
    assert_eq!((segment.len(), Rc::strong_count(&panicking)), (3, 1));
    assert!(!segment.remove(key));
}

#[test]
fn i12_a_task_that_panics_when_a_sink_takes_its_place_keeps_nothing_from_it() {
    struct Panics;
    impl std::task::Wake for Panics {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Panics {
        fn drop(&mut self) {
            resume_unwind(Box::new("dropped"));
        }
    }
    let broadcaster = broadcaster();
    let segment = writing(&broadcaster, 1000);
    let mut subscription = subscribe(&segment, &["t"], Position::Now);
    settle(&segment);
    let (wakes, waker) = counting_waker();
    assert!(!is_marked(&segment, &waker));
    assert!(poll(&mut subscription, &Waker::from(Arc::new(Panics))).is_pending());
    let pipe = open();
    catch_unwind(AssertUnwindSafe(|| subscription.hand_over(writer(&pipe)))).unwrap_err();
    assert_eq!(wakes.count(), 1);
    publish(&broadcaster, "t", "x");
    settle(&segment);
    assert_eq!(written(&pipe), [1]);
}

#[test]
fn sinks_that_stand_at_one_place_are_given_the_same_bytes() {
    struct Keeps(Rc<RefCell<Vec<Run>>>);
    impl Sink for Keeps {
        fn deliver(&mut self, deliveries: &mut Deliveries<'_, Self>) -> Progress {
            while let Some(delivery) = deliveries.next() {
                let Delivery::Frames(run) = delivery else { panic!("nothing was lost") };
                self.0.borrow_mut().push(run);
            }
            Progress::Ready
        }
    }
    let broadcaster = broadcaster();
    // A sweep takes several turns.
    let config = SegmentConfig { heartbeat: None, slice: 7.try_into().unwrap(), ..SegmentConfig::default() };
    let segment = Segment::new(&broadcaster, config);
    let runs = Rc::default();
    for _ in 0..50 {
        subscribe(&segment, &["t"], Position::Now).hand_over(Keeps(Rc::clone(&runs)));
    }
    settle(&segment);
    publish_many(&broadcaster, "t", 3);
    settle(&segment);
    let runs = runs.take();
    assert_eq!(runs.len(), 50);
    assert!(runs.iter().all(|run| run.bytes().as_ptr() == runs[0].bytes().as_ptr()));
}

#[test]
fn a_sink_can_be_called_without_news_and_though_it_is_blocked() {
    let broadcaster = broadcaster();
    let segment = writing(&broadcaster, 1000);
    let pipe = pipe(0, usize::MAX);
    let key = hand_over(&segment, &["t"], &pipe);
    settle(&segment);
    let (wakes, waker) = counting_waker();
    assert!(!is_marked(&segment, &waker));
    let calls = pipe.borrow().calls;
    segment.call(key);
    assert_eq!((pipe.borrow().calls, wakes.count()), (calls, 1), "not from within");
    settle(&segment);
    assert_eq!(pipe.borrow().calls, calls + 1);

    publish(&broadcaster, "t", "x");
    settle(&segment);
    let calls = pipe.borrow().calls;
    segment.call(key);
    segment.call(key);
    settle(&segment);
    assert_eq!(pipe.borrow().calls, calls + 1, "blocked, and called once");

    segment.remove(key);
    assert!(!is_marked(&segment, &waker));
    segment.call(key);
    assert!(!is_marked(&segment, &waker), "nobody is left to be called");
}

#[test]
fn sinks_are_shown_wherever_they_are() {
    let broadcaster = broadcaster();
    let segment = writing(&broadcaster, 1000);
    let (open, blocked) = (open(), pipe(0, usize::MAX));
    let polled = subscribe(&segment, &["t"], Position::Now);
    let keys = [hand_over(&segment, &["t"], &open), hand_over(&segment, &["t"], &blocked)];
    publish(&broadcaster, "t", "x");
    settle(&segment);

    let mut listed = Vec::new();
    let mut from = Some(0);
    while let Some(next) = from {
        from = segment.sinks(next, 1, &mut listed);
    }
    assert_eq!(listed, keys, "and not the one that a task polls");
    assert!(keys.iter().all(|key| segment.with_sink(*key, |_| ()).is_some()));
    assert!(segment.with_sink(polled.key(), |_| ()).is_none());
    segment.remove(keys[0]);
    assert!(segment.with_sink(keys[0], |_| ()).is_none());
    assert_eq!(SubscriberKey::from_bits(keys[1].to_bits()), keys[1]);
}
