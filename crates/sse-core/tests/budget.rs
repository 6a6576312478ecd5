//! All logs within one budget: the oldest history goes first, everybody is told, and what can not fit is refused (I5,
//! I2).

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod common;

use std::time::Duration;

use common::*;
use sse_core::{
    Broadcaster, Config, Event, Position, PublishError, Retention, SubscribeError, TooManyTopics,
    UnknownTopic,
};

/// What a topic costs, as [`Config::budget`] has it.
const TOPIC: u64 = 640;

fn within(budget: u64) -> Broadcaster {
    let retention = Retention { events: usize::MAX.try_into().unwrap(), bytes: usize::MAX, age: None };
    Broadcaster::new(Config { retention, clock, budget: Some(budget), ..Config::default() })
}

fn try_publish(broadcaster: &Broadcaster, name: &str, size: usize) -> Result<u64, PublishError> {
    let data = "x".repeat(size);
    broadcaster.publish(&topic(name), &Event::message(&data)).map(|id| id.sequence)
}

fn earliest(broadcaster: &Broadcaster, name: &str) -> Vec<u64> {
    sequences(&drain(&mut subscribe(&segment(broadcaster), &[name], Position::Earliest)))
}

#[test]
fn i5_no_publish_exceeds_the_budget_and_readers_miss_what_was_shed() {
    const BUDGET: u64 = 1024 * 1024;
    for seed in 0..8 {
        let mut random = fastrand::Rng::with_seed(seed);
        let broadcaster = within(BUDGET);
        let segment = segment(&broadcaster);
        let names: Vec<String> = (0..random.usize(1..200)).map(|n| n.to_string()).collect();
        let mut readers: Vec<_> =
            names.iter().map(|name| (subscribe(&segment, &[name], Position::Now), 0)).collect();
        let mut published = vec![0; names.len()];
        let largest = if seed % 2 == 0 { 400 } else { 40_000 };
        for _ in 0..4000 {
            let nth = random.usize(..names.len());
            published[nth] +=
                u64::from(try_publish(&broadcaster, &names[nth], random.usize(..largest)).is_ok());
            let held = broadcaster.stats().held_bytes;
            assert!(held <= BUDGET, "seed {seed}: {held}");
        }
        settle(&segment);
        let mut lost = 0;
        for ((reader, accounted), published) in readers.iter_mut().zip(&published) {
            for seen in drain(reader) {
                match seen {
                    Seen::Event(..) => *accounted += 1,
                    Seen::Lagged { missed: Some(missed), reason: "slow", .. } => {
                        *accounted += missed;
                        lost += missed;
                    }
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(accounted, published, "seed {seed}: I2");
        }
        assert_eq!(broadcaster.stats().shed, lost, "seed {seed}");
    }
}

#[test]
fn i5_the_oldest_goes_first_whichever_topic_it_is_of() {
    let broadcaster = within(256 * 1024);
    for name in ["old", "young"] {
        for _ in 0..500 {
            try_publish(&broadcaster, name, 100).unwrap();
        }
    }
    assert_eq!((earliest(&broadcaster, "old").len(), earliest(&broadcaster, "young").len()), (500, 500));
    while broadcaster.stats().shed == 0 {
        try_publish(&broadcaster, "busy", 100).unwrap();
    }
    let old = earliest(&broadcaster, "old");
    assert!(old.len() < 450, "about an eighth of all is gone: {}", 500 - old.len());
    assert!(old.first() > Some(&50) && old.last() == Some(&500));
    assert_eq!(earliest(&broadcaster, "young").len(), 500, "there was older history to let go of");
    let before = broadcaster.stats().shed;
    try_publish(&broadcaster, "busy", 100).unwrap();
    assert_eq!(broadcaster.stats().shed, before, "not for each publish");
}

#[test]
fn i5_the_newest_event_of_each_topic_stays_until_there_is_no_room_at_all() {
    let broadcaster = within(100 * 1024);
    let names: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    let fitted = names.iter().take_while(|name| try_publish(&broadcaster, name, 1000).is_ok()).count();
    assert!((40..70).contains(&fitted), "{fitted} topics of two kilobytes");
    assert_eq!(try_publish(&broadcaster, &names[fitted], 1000), Err(PublishError::Full));
    for name in &names[..fitted] {
        assert_eq!(earliest(&broadcaster, name).len(), 1);
    }
    assert_eq!(broadcaster.position().sequence, fitted as u64, "a refused event takes no place");
    assert_eq!(broadcaster.stats().shed, 0);
}

#[test]
fn i5_an_event_that_can_not_fit_costs_nobody_anything() {
    let broadcaster = within(64 * 1024);
    for _ in 0..100 {
        try_publish(&broadcaster, "t", 100).unwrap();
    }
    for size in [62 * 1024, 64 * 1024, 1024 * 1024] {
        assert_eq!(try_publish(&broadcaster, "u", size), Err(PublishError::Full));
    }
    assert_eq!((earliest(&broadcaster, "t").len(), broadcaster.stats().shed), (100, 0));
    // Nor does it keep a smaller one from being published.
    for _ in 0..1000 {
        try_publish(&broadcaster, "t", 100).unwrap();
    }
    assert!(broadcaster.stats().shed > 0);
}

#[test]
fn i5_room_that_comes_to_be_is_used() {
    const MINUTE: Duration = Duration::from_secs(60);
    let retention = Retention { age: Some(MINUTE), ..Retention::default() };
    let config =
        Config { retention, forget_after: MINUTE, clock, budget: Some(20 * 1024), ..Config::default() };
    let broadcaster = Broadcaster::new(config);
    let fitted = (0..100).take_while(|n| try_publish(&broadcaster, &n.to_string(), 1000).is_ok()).count();
    assert!(fitted > 5);
    assert_eq!(try_publish(&broadcaster, "late", 1000), Err(PublishError::Full));
    advance(2 * MINUTE);
    expire(&broadcaster);
    assert!(try_publish(&broadcaster, "late", 1000).is_ok());
    advance(2 * MINUTE);
    assert_eq!(expire(&broadcaster), 1);
    let stats = broadcaster.stats();
    assert_eq!((stats.topics, stats.held_bytes, stats.retained_bytes), (0, 0, 0));
}

#[test]
fn i5_a_topic_without_events_counts() {
    let broadcaster = within(1024 * 1024);
    let _reader = subscribe(&segment(&broadcaster), &["a", "b"], Position::Now);
    assert_eq!(broadcaster.stats().held_bytes, 2 * TOPIC);
}

/// Whoever comes back for what was shed is told, of as many as are remembered with the exact number.
#[test]
fn i4_a_resume_behind_what_was_shed_is_told_of_a_gap() {
    let broadcaster = within(64 * 1024);
    while broadcaster.stats().shed == 0 {
        try_publish(&broadcaster, "t", 100).unwrap();
    }
    let first = earliest(&broadcaster, "t")[0];
    let position = sse_core::EventId { sequence: first - 11, ..broadcaster.position() };
    let mut back = subscribe(&segment(&broadcaster), &["t"], Position::After(position));
    assert_eq!(seen(&next(&mut back)), [gap(first - 11, first, 10, "expired")]);
}

fn with_topics(most: usize) -> Broadcaster {
    Broadcaster::new(Config { max_topics: Some(most), clock, ..Config::default() })
}

#[test]
fn i5_a_topic_too_many_is_refused_to_whoever_asks_for_it() {
    let broadcaster = with_topics(2);
    let segment = segment(&broadcaster);
    let _reader = subscribe(&segment, &["a"], Position::Now);
    assert_eq!(try_publish(&broadcaster, "b", 1), Ok(1));
    assert_eq!(try_publish(&broadcaster, "c", 1), Err(PublishError::TooManyTopics));
    assert_eq!(broadcaster.end_or_create(&topic("c")), Err(TooManyTopics));
    let refused = segment.subscribe([topic("a"), topic("c")], Position::Now).unwrap_err();
    assert_eq!(refused, SubscribeError::TooManyTopics(TooManyTopics));
    assert_eq!(try_publish(&broadcaster, "a", 1), Ok(2), "those that are there go on");
    assert_eq!((broadcaster.stats().topics, broadcaster.stats().published), (2, 2));
}

#[test]
fn i8_a_subscription_that_fails_leaves_nothing_behind() {
    let broadcaster = with_topics(3);
    let segment = segment(&broadcaster);
    let mut reader = subscribe(&segment, &["a"], Position::Now);
    try_publish(&broadcaster, "z", 1).unwrap();
    // One that is read here, one that exists, one that comes into being, one too many.
    let names = ["a", "z", "b", "c"].map(topic);
    assert!(segment.subscribe(names, Position::Now).is_err());
    let stats = broadcaster.stats();
    assert_eq!((stats.topics, stats.subscribers, segment.len()), (2, 1, 1));
    assert_eq!(broadcaster.end(&topic("b")), Err(UnknownTopic));
    // The room is there for another, who is served as if nothing had been.
    let mut other = subscribe(&segment, &["b"], Position::Now);
    for name in ["a", "z", "b"] {
        publish(&broadcaster, name, "x");
    }
    settle(&segment);
    assert_eq!((sequences(&drain(&mut reader)), sequences(&drain(&mut other))), (vec![2], vec![4]));
    drop((reader, other));
    advance(Duration::from_secs(3600));
    assert_eq!(expire(&broadcaster), 3, "nobody is attached to any of them");
    assert_eq!(broadcaster.stats().held_bytes, 0);
}

#[test]
fn i5_a_topic_that_is_forgotten_makes_room_for_another() {
    let broadcaster = with_topics(1);
    try_publish(&broadcaster, "old", 1).unwrap();
    assert!(try_publish(&broadcaster, "t", 1).is_err());
    advance(Duration::from_secs(3600));
    assert_eq!(expire(&broadcaster), 1);
    assert!(try_publish(&broadcaster, "t", 1).is_ok());
}

#[test]
fn i5_who_only_asked_for_a_topic_gives_way_to_who_has_an_event() {
    let broadcaster = with_topics(2);
    let segment = segment(&broadcaster);
    drop(subscribe(&segment, &["blank"], Position::Now));
    let mut reader = subscribe(&segment, &["read"], Position::Now);
    assert!(segment.subscribe([topic("t")], Position::Now).is_err(), "to who only asks, it does not");
    assert_eq!(try_publish(&broadcaster, "t", 1), Ok(1));
    assert!(try_publish(&broadcaster, "u", 1).is_err(), "neither of those who are read or published to does");
    publish(&broadcaster, "read", "x");
    settle(&segment);
    assert_eq!(sequences(&drain(&mut reader)), [2]);
}

#[test]
fn i5_topics_that_were_only_asked_for_take_no_memory_from_events() {
    let broadcaster = within(64 * 1024);
    let segment = segment(&broadcaster);
    for n in 0..200 {
        drop(subscribe(&segment, &[&format!("blank {n}")], Position::Now));
    }
    assert!(broadcaster.stats().held_bytes > 64 * 1024, "readers are not refused for want of memory");
    assert!(try_publish(&broadcaster, "t", 1000).is_ok());
    assert_eq!(broadcaster.stats().topics, 1);
}

#[test]
fn i5_of_many_small_topics_no_more_goes_than_has_to() {
    let names: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    // Whatever part of their blocks is in use at the moment.
    for kibibytes in (600..2400).step_by(100) {
        let broadcaster = within(kibibytes * 1024);
        let mut published = 0;
        while broadcaster.stats().shed == 0 {
            try_publish(&broadcaster, &names[published % names.len()], 100).unwrap();
            published += 1;
        }
        // They only become smaller when half of what is in them has gone.
        let left = published as u64 - broadcaster.stats().shed;
        assert!(left > published as u64 / 6, "{kibibytes} KiB: {left} of {published} are left");
    }
}
