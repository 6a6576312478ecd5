//! The contract of the broadcaster, invariant by invariant, through the public interface.

mod common;

use std::num::NonZeroUsize;
use std::task::{Poll, Waker};
use std::time::Duration;

use common::*;
use sse_core::{
    Broadcaster, Config, Event, EventId, Position, PublishError, Retention, SubscribeError, Turn,
    UnknownTopic,
};

const MINUTE: Duration = Duration::from_secs(60);

/// What remains for a subscriber who begins at a position.
fn from(broadcaster: &Broadcaster, position: Position) -> Vec<Seen> {
    drain(&mut subscribe(&segment(broadcaster), &["t"], position))
}

#[test]
fn i1_a_subscriber_sees_the_topics_order() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let mut subscription = subscribe(&segment, &["t"], Position::Now);
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
    let mut subscription = subscribe(&segment, &["t"], Position::Now);
    publish_many(&broadcaster, "t", 10);
    settle(&segment);
    let all = drain(&mut subscription);
    assert_eq!(all[0], gap(0, 7, 6, "slow"));
    assert_eq!(sequences(&all[1..]), [7, 8, 9, 10]);
    publish_many(&broadcaster, "t", 5);
    settle(&segment);
    let all = drain(&mut subscription);
    assert_eq!((&all[0], sequences(&all[1..])), (&gap(10, 12, 1, "slow"), vec![12, 13, 14, 15]));
}

#[test]
fn i2_only_events_of_the_topic_count_as_missed() {
    let broadcaster = retaining(2);
    let segment = segment(&broadcaster);
    let mut subscription = subscribe(&segment, &["t"], Position::Now);
    for _ in 0..5 {
        publish(&broadcaster, "other", "not for us");
        publish(&broadcaster, "t", "x");
    }
    settle(&segment);
    let all = drain(&mut subscription);
    assert_eq!((&all[0], sequences(&all[1..])), (&gap(0, 7, 3, "slow"), vec![8, 10]));
}

#[test]
fn i2_a_gap_may_be_all_there_is() {
    let retention = Retention { age: Some(MINUTE), ..Retention::default() };
    let broadcaster = Broadcaster::new(Config { retention, clock, ..Config::default() });
    let segment = segment(&broadcaster);
    let mut subscription = subscribe(&segment, &["t"], Position::Now);
    publish_many(&broadcaster, "t", 3);
    advance(2 * MINUTE);
    assert_eq!(expire(&broadcaster), 0);
    settle(&segment);
    assert_eq!(drain(&mut subscription), [gap(0, 4, 3, "slow")]);
    assert_eq!(drain(&mut subscription), []);
}

#[test]
fn i2_losses_one_after_the_other_are_gaps_that_adjoin() {
    let broadcaster = retaining(1);
    let segment = segment(&broadcaster);
    publish_many(&broadcaster, "t", 3);
    let position = Position::After(EventId { sequence: 1, ..broadcaster.position() });
    let mut subscription = subscribe(&segment, &["t"], position);
    assert_eq!(seen(&next(&mut subscription)), [gap(1, 3, 1, "expired")]);
    publish_many(&broadcaster, "t", 2);
    settle(&segment);
    // Whoever is told of the first loss has come back; the second happened to a subscriber.
    assert_eq!(seen(&next(&mut subscription)), [gap(2, 5, 2, "slow")]);
    assert_eq!(sequences(&drain(&mut subscription)), [5]);
}

#[test]
fn i4_a_resume_continues_behind_the_id() {
    let broadcaster = broadcaster();
    let ids = publish_many(&broadcaster, "t", 10);
    for (n, id) in ids.iter().enumerate() {
        let rest: Vec<u64> = (n as u64 + 2..=10).collect();
        assert_eq!(sequences(&from(&broadcaster, Position::After(*id))), rest);
    }
}

#[test]
fn i4_each_position_begins_where_it_says() {
    let broadcaster = retaining(2);
    let id = |sequence| EventId { sequence, ..broadcaster.position() };
    assert_eq!(from(&broadcaster, Position::Earliest), []);
    publish_many(&broadcaster, "t", 5);
    let rest = [Seen::Event(4, "3".into()), Seen::Event(5, "4".into())];
    let behind = |notice: Seen| [&[notice], &rest[..]].concat();
    assert_eq!(from(&broadcaster, Position::Now), []);
    assert_eq!(from(&broadcaster, Position::Earliest), rest);
    assert_eq!(from(&broadcaster, Position::After(id(3))), rest);
    assert_eq!(from(&broadcaster, Position::After(id(2))), behind(gap(2, 4, 1, "expired")));
    assert_eq!(from(&broadcaster, Position::After(id(1))), behind(gap(1, 4, 2, "expired")));
    // Of the three that are gone, as many numbers are remembered as events are retained.
    let Seen::Lagged { topic, after, before, reason, .. } = gap(0, 4, 0, "expired") else { unreachable!() };
    let uncounted = Seen::Lagged { topic, after, before, missed: None, reason };
    assert_eq!(from(&broadcaster, Position::After(id(0))), behind(uncounted));

    let lost = |after, reason| behind(Seen::Lagged { topic: None, after, before: 4, missed: None, reason });
    assert_eq!(from(&broadcaster, Position::After(id(6))), lost(None, "unknown"));
    assert_eq!(from(&broadcaster, Position::Unknown), lost(None, "unknown"));
    assert_eq!(from(&broadcaster, Position::After(foreign(4))), lost(Some(4), "restart"));
}

#[test]
fn i4_a_resume_behind_the_gap_that_was_told_loses_nothing() {
    let broadcaster = retaining(2);
    publish_many(&broadcaster, "t", 5);
    let mut told = subscribe(&segment(&broadcaster), &["t"], Position::Unknown);
    let sse_core::Delivery::Lagged(lagged) = next(&mut told) else { panic!("the position was none") };
    assert_eq!(sequences(&from(&broadcaster, Position::After(lagged.resume()))), [4, 5]);
}

#[test]
fn i5_each_bound_holds_after_each_publish() {
    let frame = "data: 0123456789\nid: 00000000-1\n\n".len() as u64;
    let events = NonZeroUsize::new(5).unwrap();
    for (events, bytes, expected) in
        [(events, usize::MAX, 5), (NonZeroUsize::MAX, 3 * frame as usize, 3), (NonZeroUsize::MIN, 0, 1)]
    {
        let retention = Retention { events, bytes, age: None };
        let broadcaster = Broadcaster::new(Config { retention, clock, ..Config::default() });
        for n in 1..=9 {
            publish(&broadcaster, "t", "0123456789");
            assert_eq!(broadcaster.stats().retained_bytes, frame * expected.min(n));
        }
        assert_eq!(from(&broadcaster, Position::Earliest).len() as u64, expected);
    }
}

#[test]
fn i5_age_lets_go_of_everything_and_forgets_unused_topics() {
    let broadcaster = broadcaster();
    publish_many(&broadcaster, "t", 10);
    advance(5 * MINUTE);
    assert_eq!(expire(&broadcaster), 0);
    assert_eq!(broadcaster.stats().topics, 1);
    assert!(broadcaster.stats().retained_bytes > 0);
    advance(Duration::from_nanos(1));
    assert_eq!(expire(&broadcaster), 0);
    assert_eq!(broadcaster.stats().retained_bytes, 0);
    advance(5 * MINUTE - Duration::from_nanos(2));
    assert_eq!(expire(&broadcaster), 0);
    advance(Duration::from_nanos(1));
    assert_eq!(expire(&broadcaster), 1);
    assert_eq!(broadcaster.stats().topics, 0);
}

#[test]
fn i5_a_topic_that_has_ended_is_forgotten_with_what_it_retains() {
    let retention = Retention { age: None, ..Retention::default() };
    let broadcaster = Broadcaster::new(Config { retention, clock, ..Config::default() });
    publish_many(&broadcaster, "live", 2);
    let retained = broadcaster.stats().retained_bytes;
    publish_many(&broadcaster, "ended", 2);
    broadcaster.end(&topic("ended")).unwrap();
    advance(10 * MINUTE);
    assert_eq!(expire(&broadcaster), 1);
    assert_eq!((broadcaster.stats().topics, broadcaster.stats().retained_bytes), (1, retained));
}

#[test]
fn a_topic_with_a_reader_is_not_forgotten() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let subscription = subscribe(&segment, &["t"], Position::Now);
    publish(&broadcaster, "t", "x");
    advance(20 * MINUTE);
    assert_eq!(expire(&broadcaster), 0);
    drop(subscription);
    assert_eq!(expire(&broadcaster), 0, "its time begins when the last reader has left");
    advance(10 * MINUTE);
    assert_eq!(expire(&broadcaster), 1);
}

#[test]
fn a_topic_that_nobody_published_to_is_forgotten_a_minute_after_its_last_reader() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let subscription = subscribe(&segment, &["t"], Position::Now);
    advance(20 * MINUTE);
    drop(subscription);
    assert_eq!(expire(&broadcaster), 0, "a reader that was cut off comes back within seconds");
    advance(MINUTE);
    assert_eq!(expire(&broadcaster), 1);
}

#[test]
fn i7_many_publishes_wake_a_segment_and_a_subscriber_once() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let mut subscription = subscribe(&segment, &["t"], Position::Now);
    settle(&segment);
    let (wakes, waker) = counting_waker();
    assert_eq!(drain_with(&mut subscription, &waker), []);
    let (segment_wakes, segment_waker) = counting_waker();
    for _ in 0..3 {
        assert!(!is_marked(&segment, &segment_waker));
        publish_many(&broadcaster, "t", 100);
        assert_eq!(segment_wakes.take(), 1);
        assert!(is_marked(&segment, &segment_waker));
        settle(&segment);
    }
    assert_eq!(wakes.count(), 1);
    assert_eq!(drain(&mut subscription).len(), 300);
}

#[test]
fn i9_an_ended_topic_gives_what_is_left_and_ends() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let mut subscription = subscribe(&segment, &["t"], Position::Now);
    publish(&broadcaster, "t", "last");
    assert_eq!(broadcaster.end(&topic("t")), Ok(true));
    assert_eq!(broadcaster.end(&topic("t")), Ok(false));
    assert_eq!(broadcaster.end(&topic("u")), Err(UnknownTopic));
    assert_eq!(broadcaster.publish(&topic("t"), &Event::message("x")), Err(PublishError::Ended));
    assert!(!subscription.is_at_end());
    settle(&segment);
    assert_eq!(drain(&mut subscription), [Seen::Event(1, "last".into()), Seen::Ended]);
    assert!(matches!(poll(&mut subscription, Waker::noop()), Poll::Ready(None)));
    assert!(subscribe(&segment, &["t"], Position::Now).is_at_end());
    let mut back = subscribe(&segment, &["t"], Position::Earliest);
    assert!(!back.is_at_end());
    next(&mut back);
    assert!(back.is_at_end());
    assert!(!subscribe(&segment, &["t"], Position::Unknown).is_at_end());
    assert!(!subscribe(&segment, &["t", "u"], Position::Now).is_at_end());
}

#[test]
fn i9_a_topic_may_be_ended_before_anybody_uses_it() {
    let broadcaster = broadcaster();
    assert_eq!(broadcaster.end_or_create(&topic("t")), Ok(true));
    assert_eq!(broadcaster.end_or_create(&topic("t")), Ok(false));
    assert_eq!(broadcaster.end(&topic("t")), Ok(false));
    assert_eq!(broadcaster.publish(&topic("t"), &Event::message("x")), Err(PublishError::Ended));
    assert_eq!(from(&broadcaster, Position::Earliest), [Seen::Ended]);
    advance(10 * MINUTE - Duration::from_nanos(1));
    assert_eq!(expire(&broadcaster), 0, "that it has ended is remembered, though it never had an event");
    advance(Duration::from_nanos(1));
    assert_eq!(expire(&broadcaster), 1);
}

#[test]
fn i9_a_close_delivers_what_was_published_before_it() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let mut subscription = subscribe(&segment, &["t", "u"], Position::Now);
    publish(&broadcaster, "t", "a");
    publish(&broadcaster, "u", "b");
    broadcaster.close();
    assert_eq!(broadcaster.publish(&topic("t"), &Event::message("x")), Err(PublishError::Closed));
    settle(&segment);
    let left = [Seen::Event(1, "a".into()), Seen::Event(2, "b".into()), Seen::Closed];
    assert_eq!(drain(&mut subscription), left);
    assert!(matches!(poll(&mut subscription, Waker::noop()), Poll::Ready(None)));
}

#[test]
fn i9_a_close_waits_until_all_that_was_published_before_it_is_known() {
    // More topics than a segment comes for in one turn.
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let names: Vec<_> = (0..3000).map(|n| n.to_string()).collect();
    let mut readers: Vec<_> = names.iter().map(|name| subscribe(&segment, &[name], Position::Now)).collect();
    settle(&segment);
    for name in &names {
        publish(&broadcaster, name, "x");
    }
    broadcaster.close();
    assert_eq!(segment.turn(clock()), Turn::More);
    let mut given: Vec<_> = readers.iter_mut().map(drain).collect();
    settle(&segment);
    for ((given, reader), sequence) in given.iter_mut().zip(&mut readers).zip(1..) {
        given.extend(drain(reader));
        assert_eq!(*given, [Seen::Event(sequence, "x".into()), Seen::Closed]);
    }
}

#[test]
fn i9_a_close_reaches_whoever_waits_and_whoever_comes_later() {
    let broadcaster = broadcaster();
    let first = segment(&broadcaster);
    let mut subscription = subscribe(&first, &["t"], Position::Now);
    settle(&first);
    let (wakes, waker) = counting_waker();
    let (segment_wakes, segment_waker) = counting_waker();
    assert_eq!(drain_with(&mut subscription, &waker), []);
    assert!(!is_marked(&first, &segment_waker));
    broadcaster.close();
    broadcaster.close();
    assert_eq!(segment_wakes.count(), 1);
    settle(&first);
    assert!(!is_marked(&first, &segment_waker), "a close is news once");
    assert_eq!(wakes.count(), 1);
    assert_eq!(drain(&mut subscription), [Seen::Closed]);
    assert_eq!(drain(&mut subscribe(&first, &["t"], Position::Now)), [Seen::Closed]);

    let late = segment(&broadcaster);
    assert!(is_marked(&late, Waker::noop()));
    let mut subscription = subscribe(&late, &["t"], Position::Now);
    settle(&late);
    assert_eq!(drain(&mut subscription), [Seen::Closed]);
}

#[test]
fn i11_a_topic_that_was_forgotten_never_takes_up_an_old_position() {
    let broadcaster = broadcaster();
    let ids = publish_many(&broadcaster, "t", 3);
    let other = publish(&broadcaster, "other", "x");
    advance(20 * MINUTE);
    assert_eq!(expire(&broadcaster) + expire(&broadcaster), 2);
    // In an empty topic under the old name the loss is told at once, not when the next event comes.
    let lost = |after: u64| Seen::Lagged {
        topic: None,
        after: Some(after),
        before: other.sequence + 1,
        missed: None,
        reason: "expired",
    };
    for id in &ids {
        assert_eq!(from(&broadcaster, Position::After(*id)), [lost(id.sequence)]);
    }
    // Nothing that was forgotten came after this one.
    assert_eq!(from(&broadcaster, Position::After(other)), []);
    assert_eq!(from(&broadcaster, Position::Earliest), []);
    let after = publish(&broadcaster, "t", "again");
    assert_eq!(after.sequence, 5);
    let again = Seen::Event(5, "again".into());
    assert_eq!(from(&broadcaster, Position::After(ids[1])), [lost(2), again.clone()]);
    assert_eq!(from(&broadcaster, Position::After(other)), [again]);
}

#[test]
fn a_subscription_needs_a_topic_and_counts_none_twice() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    assert_eq!(segment.subscribe([], Position::Now).unwrap_err(), SubscribeError::NoTopic);
    let mut subscription = subscribe(&segment, &["t", "t"], Position::Now);
    publish(&broadcaster, "t", "once");
    settle(&segment);
    assert_eq!(drain(&mut subscription), [Seen::Event(1, "once".into())]);
    assert!(block_on(async {
        broadcaster.end(&topic("t")).unwrap();
        settle(&segment);
        subscription.next().await.is_some() && subscription.next().await.is_none()
    }));
}
