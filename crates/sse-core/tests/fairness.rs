//! Whose turn it is: many do not keep few waiting, and nobody is favoured for where they stand.

mod common;
mod pipe;

use std::sync::Arc;
use std::task::{Poll, Waker};

use common::*;
use pipe::{Writer, open, pipe, writer};
use sse_core::{Broadcaster, Position, Segment, SegmentConfig, Sink, Subscription, Turn};

const SLICE: usize = 8;

fn segment_of<S: Sink>(broadcaster: &Broadcaster) -> Segment<S> {
    let slice = SLICE.try_into().expect("8 is not zero");
    Segment::new(broadcaster, SegmentConfig { heartbeat: None, slice, ..SegmentConfig::default() })
}

/// Readers of a topic that wait, each with its own waker.
fn waiting<S: Sink>(segment: &Segment<S>, name: &str, count: usize) -> Vec<(Subscription<S>, Arc<Wakes>)> {
    (0..count)
        .map(|_| {
            let (wakes, waker) = counting_waker();
            let mut subscription = subscribe(segment, &[name], Position::Now);
            assert!(poll(&mut subscription, &waker).is_pending());
            (subscription, wakes)
        })
        .collect()
}

/// How many turns it takes until `wakes` counts something, while a topic is published to all the time.
fn turns_until<S: Sink>(segment: &Segment<S>, wakes: &Wakes, busy: &Broadcaster) -> usize {
    (1..10_000)
        .find(|_| {
            publish(busy, "busy", "x");
            segment.turn(clock());
            wakes.count() > 0
        })
        .expect("everybody has a turn some day")
}

#[test]
fn a_large_topic_does_not_keep_a_small_one_waiting() {
    let broadcaster = broadcaster();
    let segment: Segment = segment_of(&broadcaster);
    let _many = waiting(&segment, "busy", 1000);
    let few = waiting(&segment, "few", 1);
    publish(&broadcaster, "busy", "x");
    segment.turn(clock());
    publish(&broadcaster, "few", "x");
    assert!(turns_until(&segment, &few[0].1, &broadcaster) <= 2);
}

#[test]
fn a_lap_goes_round_everybody_before_anybody_comes_again() {
    let broadcaster = broadcaster();
    let segment: Segment = segment_of(&broadcaster);
    let mut readers = waiting(&segment, "t", 10 * SLICE);
    for _ in 0..10 {
        publish(&broadcaster, "t", "x");
        assert_eq!(segment.turn(clock()), Turn::More);
        // Those who were woken come at once, and wait for what is next.
        for (subscription, wakes) in readers.iter_mut().filter(|(_, wakes)| wakes.count() == 1) {
            drain_with(subscription, &Waker::from(Arc::clone(wakes)));
        }
    }
    assert!(readers.iter().all(|(_, wakes)| wakes.count() == 1));
}

#[test]
fn a_sweep_does_not_keep_a_single_sink_waiting() {
    let broadcaster = broadcaster();
    let segment = segment_of::<Writer>(&broadcaster);
    let _many = waiting(&segment, "busy", 1000);
    publish(&broadcaster, "busy", "x");
    segment.turn(clock());
    let pipe = open();
    publish(&broadcaster, "t", "x");
    subscribe(&segment, &["t"], Position::Earliest).hand_over(writer(&pipe));
    assert_eq!(segment.turn(clock()), Turn::More);
    assert!(!pipe.borrow().bytes.is_empty());
}

#[test]
fn many_sinks_do_not_keep_a_sweep_waiting() {
    let broadcaster = broadcaster();
    let segment = segment_of::<Writer>(&broadcaster);
    let few = waiting(&segment, "few", 1);
    let pipes: Vec<_> = (0..1000).map(|_| pipe(usize::MAX, 1)).collect();
    for pipe in &pipes {
        subscribe(&segment, &["t"], Position::Now).hand_over(writer(pipe));
    }
    publish(&broadcaster, "few", "x");
    assert!(turns_until(&segment, &few[0].1, &broadcaster) <= 2);
    let calls: usize = pipes.iter().map(|pipe| pipe.borrow().calls).sum();
    assert!(calls <= 2 * SLICE, "{calls} calls: a turn is bounded");
}

/// More topics than a turn comes for, with a reader each that waits for the event that is there.
fn many_topics(broadcaster: &Broadcaster, segment: &Segment) -> Vec<(Subscription, Arc<Wakes>)> {
    let names: Vec<String> = (0..3000).map(|n| format!("t{n}")).collect();
    let readers = names.iter().flat_map(|name| waiting(segment, name, 1)).collect();
    for name in &names {
        publish(broadcaster, name, "x");
    }
    readers
}

#[test]
fn news_in_many_topics_at_once_makes_no_turn_long() {
    let broadcaster = broadcaster();
    let segment = segment_of(&broadcaster);
    let mut readers = many_topics(&broadcaster, &segment);
    assert_eq!(segment.turn(clock()), Turn::More);
    let known = readers.iter_mut().map(|(reader, _)| poll(reader, Waker::noop()));
    assert!(known.filter(Poll::is_ready).count() < 1500);
}

#[test]
fn i6_i9_news_in_many_topics_at_once_reaches_everybody_and_then_the_end_does() {
    let broadcaster = broadcaster();
    let segment = segment_of(&broadcaster);
    let mut readers = many_topics(&broadcaster, &segment);
    broadcaster.close();
    settle(&segment);
    for (subscription, wakes) in &mut readers {
        assert_eq!(wakes.count(), 1);
        assert!(matches!(drain(subscription)[..], [Seen::Event(..), Seen::Closed]));
    }
}

#[test]
fn i6_topics_that_were_left_keep_nobody_from_news_in_others() {
    let broadcaster = broadcaster();
    let segment = segment_of(&broadcaster);
    let mut readers = many_topics(&broadcaster, &segment);
    drop(readers.drain(..2500));
    settle(&segment);
    assert!(readers.iter().all(|(_, wakes)| wakes.count() == 1));
}

#[test]
fn i7_a_topic_has_news_once_however_much_there_is() {
    let broadcaster = broadcaster();
    let segment: Segment = segment_of(&broadcaster);
    let _readers = waiting(&segment, "t", 1);
    publish_many(&broadcaster, "t", 5000);
    let turns = std::iter::from_fn(|| (segment.turn(clock()) == Turn::More).then_some(())).count();
    assert!(turns <= 1, "{turns}");
}
