//! The contract of the broadcaster, invariant by invariant, through the public interface.

mod common;

use std::task::{Context, Poll};

use common::*;
use sse_core::{Broadcaster, Config, Event, Position, PublishError};

#[test]
fn i1_a_subscriber_sees_the_topics_order() {
    let broadcaster = Broadcaster::new(Config::default());
    let segment = segment(&broadcaster);
    let mut subscription = segment.subscribe([topic("t")], Position::Now).unwrap();
    for n in 0..100 {
        publish(&broadcaster, "t", &n.to_string());
        publish(&broadcaster, "other", "not for us");
    }
    settle(&segment);
    let expected: Vec<_> = (0..100).map(|n| Seen::Event(2 * n + 1, n.to_string())).collect();
    assert_eq!(drain(&mut subscription), expected);
    assert_eq!(drain(&mut subscription), []);
}

#[test]
fn i2_a_slow_subscriber_is_told_exactly_what_it_missed() {
    let broadcaster = retaining(4);
    let segment = segment(&broadcaster);
    let mut subscription = segment.subscribe([topic("t")], Position::Now).unwrap();
    (0..10).for_each(|n| drop(publish(&broadcaster, "t", &n.to_string()).to_string()));
    settle(&segment);
    let all = drain(&mut subscription);
    assert_eq!(all[0], Seen::Lagged { after: Some(0), before: 7, missed: Some(6), reason: "slow" });
    assert_eq!(sequences(&all[1..]), [7, 8, 9, 10]);
}

#[test]
fn i4_a_resume_continues_behind_the_id() {
    let broadcaster = Broadcaster::new(Config::default());
    let segment = segment(&broadcaster);
    let ids: Vec<_> = (0..10).map(|n| publish(&broadcaster, "t", &n.to_string())).collect();
    let mut subscription = segment.subscribe([topic("t")], Position::After(ids[3])).unwrap();
    assert_eq!(sequences(&drain(&mut subscription)), [5, 6, 7, 8, 9, 10]);
}

#[test]
fn i7_many_publishes_wake_a_subscriber_once() {
    let broadcaster = Broadcaster::new(Config::default());
    let segment = segment(&broadcaster);
    let mut subscription = segment.subscribe([topic("t")], Position::Now).unwrap();
    let (wakes, waker) = counting_waker();
    assert_eq!(drain_with(&mut subscription, &waker), []);
    settle(&segment);
    let (segment_wakes, segment_waker) = counting_waker();
    assert_eq!(segment.poll_marked(&mut Context::from_waker(&segment_waker)), Poll::Pending);
    (0..100).for_each(|_| drop(publish(&broadcaster, "t", "x").to_string()));
    assert_eq!(segment_wakes.count(), 1);
    settle(&segment);
    publish(&broadcaster, "t", "x");
    settle(&segment);
    assert_eq!(wakes.count(), 1);
    assert_eq!(drain(&mut subscription).len(), 101);
}

#[test]
fn i9_an_ended_topic_gives_what_is_left_and_ends() {
    let broadcaster = Broadcaster::new(Config::default());
    let segment = segment(&broadcaster);
    let mut subscription = segment.subscribe([topic("t")], Position::Now).unwrap();
    publish(&broadcaster, "t", "last");
    assert_eq!(broadcaster.end(&topic("t")), Ok(true));
    assert_eq!(broadcaster.end(&topic("t")), Ok(false));
    assert_eq!(broadcaster.publish(&topic("t"), &Event::message("x")), Err(PublishError::Ended));
    settle(&segment);
    assert_eq!(drain(&mut subscription), [Seen::Event(1, "last".into()), Seen::Ended]);
    let back = segment.subscribe([topic("t")], Position::Now).unwrap();
    assert!(back.is_at_end());
    let back = segment.subscribe([topic("t")], Position::Earliest).unwrap();
    assert!(!back.is_at_end());
}

#[test]
fn i9_a_close_delivers_what_was_published_before_it() {
    let broadcaster = Broadcaster::new(Config::default());
    let segment = segment(&broadcaster);
    let mut subscription = segment.subscribe([topic("t"), topic("u")], Position::Now).unwrap();
    publish(&broadcaster, "t", "a");
    publish(&broadcaster, "u", "b");
    broadcaster.close();
    assert_eq!(broadcaster.publish(&topic("t"), &Event::message("x")), Err(PublishError::Closed));
    settle(&segment);
    assert_eq!(
        drain(&mut subscription),
        [Seen::Event(1, "a".into()), Seen::Event(2, "b".into()), Seen::Closed]
    );
}
