//! Several topics as one stream: one order, one number as the position, and gaps in their place.

mod common;

use std::task::{Poll, Waker};
use std::time::Duration;

use common::*;
use sse_core::{Broadcaster, Config, Delivery, EventId, Position, Retention, Segment, SegmentConfig};

fn with_run(broadcaster: &Broadcaster, run: usize) -> Segment {
    Segment::new(broadcaster, SegmentConfig { heartbeat: None, run, ..SegmentConfig::default() })
}

/// Publishes to topics named by one letter each.
fn publish_to(broadcaster: &Broadcaster, letters: &str) {
    for letter in letters.chars() {
        publish(broadcaster, &letter.to_string(), &letter.to_string());
    }
}

/// Which topics the events came from, with `!` for each gap.
fn letters(seen: &[Seen]) -> String {
    seen.iter()
        .map(|seen| match seen {
            Seen::Event(_, letter) => letter.as_str(),
            _ => "!",
        })
        .collect()
}

const MIXED: &str = "abcbaacaddbcccabdacbbbaacd";

#[test]
fn i1_events_of_several_topics_come_in_one_order() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let mut all = subscribe(&segment, &["a", "b", "c", "d"], Position::Now);
    let mut two = subscribe(&segment, &["c", "a"], Position::Now);
    publish_to(&broadcaster, MIXED);
    settle(&segment);
    assert_eq!(letters(&drain(&mut all)), MIXED);
    assert_eq!(letters(&drain(&mut two)), MIXED.replace(['b', 'd'], ""));
    publish_to(&broadcaster, "ca");
    settle(&segment);
    assert_eq!(letters(&drain(&mut all)), "ca");
    assert_eq!(letters(&drain(&mut two)), "ca");
}

#[test]
fn i4_one_number_is_a_position_at_every_cut() {
    let broadcaster = broadcaster();
    publish_to(&broadcaster, MIXED);
    for run in [0, 60, 200, 16 * 1024] {
        let segment = with_run(&broadcaster, run);
        for cut in 0..=MIXED.len() {
            let position = EventId { sequence: cut as u64, ..broadcaster.position() };
            let mut rest = subscribe(&segment, &["a", "b", "d"], Position::After(position));
            assert_eq!(letters(&drain(&mut rest)), MIXED[cut..].replace('c', ""), "after {cut}");
        }
    }
}

#[test]
fn i3_a_run_goes_to_its_limit_and_the_next_one_goes_on() {
    let broadcaster = broadcaster();
    publish_to(&broadcaster, MIXED);
    let mut frame = subscribe(&segment(&broadcaster), &["a"], Position::Earliest);
    let Delivery::Frames(all) = next(&mut frame) else { panic!("there are events") };
    // As long as ids have one digit, so do all frames.
    let frame = all.bytes().windows(2).position(|end| end == b"\n\n").unwrap() + 2;
    for (run, expected) in
        [(0, 1), (frame - 1, 1), (frame, 1), (2 * frame - 1, 1), (2 * frame, 2), (5 * frame, 5)]
    {
        let segment = with_run(&broadcaster, run);
        let mut subscription = subscribe(&segment, &["a", "b", "c", "d"], Position::Earliest);
        let Delivery::Frames(first) = next(&mut subscription) else { panic!("there are events") };
        assert_eq!(first.frames(), expected, "of {frame} bytes in a run of {run}");
        assert_eq!(letters(&decode(first.bytes())) + &letters(&drain(&mut subscription)), MIXED);
    }
}

#[test]
fn i3_frames_over_the_limit_come_one_by_one() {
    let broadcaster = broadcaster();
    let segment = with_run(&broadcaster, 1000);
    let mut subscription = subscribe(&segment, &["a", "b"], Position::Now);
    let large = "x".repeat(50_000);
    for (n, size) in [10, 50_000, 20_000, 10, 10, 50_000].into_iter().enumerate() {
        publish(&broadcaster, if n % 2 == 0 { "a" } else { "b" }, &large[..size]);
    }
    settle(&segment);
    let mut all = Vec::new();
    while all.len() < 6 {
        let Delivery::Frames(run) = next(&mut subscription) else { panic!("nothing was lost") };
        assert!(run.frames() == 1 || run.bytes().len() <= 1000);
        all.extend(decode(run.bytes()));
    }
    assert_eq!(sequences(&all), [1, 2, 3, 4, 5, 6]);
    assert_eq!(drain(&mut subscription), []);
}

/// Every event carries its id, so a loss has to be told before any event behind it is given.
#[test]
fn i2_a_gap_in_one_topic_comes_before_what_is_behind_its_first_event() {
    let broadcaster = retaining(2);
    let segment = segment(&broadcaster);
    let mut subscription = subscribe(&segment, &["a", "b"], Position::Now);
    //                        1234567890
    publish_to(&broadcaster, "abaacabacc");
    settle(&segment);
    let seen = drain(&mut subscription);
    // Of a are left 6 and 8; b has both, 2 and 7. Lost are 1, 3 and 4.
    assert_eq!(letters(&seen), "!baba");
    assert_eq!(seen[0], gap_in("a", 0, 5, 3, "slow"));
    publish_to(&broadcaster, "b");
    settle(&segment);
    assert_eq!(letters(&drain(&mut subscription)), "b");
}

#[test]
fn i2_each_topic_has_a_gap_of_its_own() {
    let broadcaster = retaining(1);
    let segment = segment(&broadcaster);
    let mut subscription = subscribe(&segment, &["a", "b", "c"], Position::Now);
    //                        123456789
    publish_to(&broadcaster, "aabbcabab");
    settle(&segment);
    let seen = drain(&mut subscription);
    assert_eq!(letters(&seen), "!!cab");
    assert_eq!(seen[..2], [gap_in("a", 0, 7, 3, "slow"), gap_in("b", 0, 8, 3, "slow")]);
}

/// A subscriber may be cut off anywhere: what it was given and told before, and what it is given and told when it
/// comes back, is everything.
#[test]
fn i2_whoever_is_cut_off_within_a_gap_is_told_of_the_rest_of_it() {
    const EVENTS: &str = "baababaab";
    for cut in 0..10 {
        let broadcaster = retaining(2);
        let segment = with_run(&broadcaster, 0);
        let mut subscription = subscribe(&segment, &["a", "b"], Position::Now);
        publish_to(&broadcaster, EVENTS);
        settle(&segment);
        let mut accounted = [false; EVENTS.len()];
        let mut account = |delivery: &Delivery| match seen(delivery).as_slice() {
            [Seen::Event(sequence, _)] => accounted[*sequence as usize - 1] = true,
            [Seen::Lagged { topic: Some(topic), after: Some(after), before, .. }] => {
                for sequence in *after as usize..*before as usize - 1 {
                    accounted[sequence] |= EVENTS[sequence..].starts_with(topic);
                }
            }
            other => panic!("{other:?}"),
        };
        let mut position = subscription.position();
        for _ in 0..cut {
            let Poll::Ready(Some(delivery)) = poll(&mut subscription, Waker::noop()) else { break };
            account(&delivery);
            position = subscription.position();
            if let Delivery::Lagged(lagged) = &delivery {
                assert_eq!(position, lagged.resume());
            }
        }
        let mut back = subscribe(&segment, &["a", "b"], Position::After(position));
        while let Poll::Ready(Some(delivery)) = poll(&mut back, Waker::noop()) {
            account(&delivery);
        }
        assert_eq!(accounted, [true; EVENTS.len()], "cut off after {cut}");
    }
}

#[test]
fn i6_a_topic_that_loses_more_each_time_does_not_keep_the_others_from_coming() {
    let broadcaster = retaining(20);
    let segment = with_run(&broadcaster, 0);
    let mut subscription = subscribe(&segment, &["busy", "few"], Position::Now);
    publish_many(&broadcaster, "busy", 5);
    publish_many(&broadcaster, "few", 10);
    let mut few = 0;
    for _ in 0..50 {
        publish_many(&broadcaster, "busy", 30);
        settle(&segment);
        for seen in seen(&next(&mut subscription)) {
            few += usize::from(matches!(seen, Seen::Event(6..=15, _)));
        }
    }
    assert_eq!(few, 10);
}

#[test]
fn i2_a_gap_told_in_the_middle_of_its_topic_begins_where_the_subscriber_stood() {
    let broadcaster = retaining(2);
    let segment = with_run(&broadcaster, 0);
    let mut subscription = subscribe(&segment, &["a", "b"], Position::Now);
    publish_to(&broadcaster, "aabb");
    settle(&segment);
    assert_eq!(seen(&next(&mut subscription)), [Seen::Event(1, "a".into())]);
    publish_to(&broadcaster, "aa");
    settle(&segment);
    let seen = drain(&mut subscription);
    assert_eq!(letters(&seen), "!bbaa");
    assert_eq!(seen[0], gap_in("a", 1, 3, 1, "slow"));
}

#[test]
fn i4_a_resume_is_told_of_each_topic_that_lost_something_since() {
    let broadcaster = retaining(2);
    //                        123456789
    publish_to(&broadcaster, "aaaabbacb");
    let segment = segment(&broadcaster);
    let after = |sequence| Position::After(EventId { sequence, ..broadcaster.position() });
    let mut subscription = subscribe(&segment, &["a", "b"], after(2));
    let seen = drain(&mut subscription);
    assert_eq!(letters(&seen), "!!abab");
    assert_eq!(seen[..2], [gap_in("a", 2, 4, 1, "expired"), gap_in("b", 2, 6, 1, "expired")]);
    assert_eq!(letters(&drain(&mut subscribe(&segment, &["a", "b"], after(5)))), "bab");
    assert_eq!(letters(&drain(&mut subscribe(&segment, &["a", "b"], Position::Earliest))), "abab");
}

/// What such a subscriber is told first covers what is gone from all its topics. What is gone from one of them beyond
/// that is told by itself, as after any other resume.
#[test]
fn i4_a_position_that_is_none_loses_nothing_silently_in_any_topic() {
    let broadcaster = retaining(2);
    //                        12345678
    publish_to(&broadcaster, "aaabbbba");
    let segment = segment(&broadcaster);
    let restart = Seen::Lagged { topic: None, after: Some(7), before: 3, missed: None, reason: "restart" };
    let mut subscription = subscribe(&segment, &["a", "b"], Position::After(foreign(7)));
    let seen = drain(&mut subscription);
    assert_eq!(letters(&seen), "!!abba");
    assert_eq!(seen[..2], [restart, gap_in("b", 2, 6, 2, "expired")]);

    // A topic without events has no say in where that is.
    let mut subscription = subscribe(&segment, &["a", "b", "new"], Position::Unknown);
    let seen = drain(&mut subscription);
    assert_eq!(letters(&seen), "!!abba");
    assert_eq!(
        seen[0],
        Seen::Lagged { topic: None, after: None, before: 3, missed: None, reason: "unknown" }
    );
}

/// Such a reader has nothing to come back for, and is to learn it at once.
#[test]
fn i9_who_begins_at_the_earliest_event_of_ended_topics_without_any_is_at_the_end() {
    let broadcaster = broadcaster();
    publish_to(&broadcaster, "abc");
    for name in ["a", "b"] {
        broadcaster.end(&topic(name)).unwrap();
    }
    advance(Duration::from_secs(301));
    assert_eq!(expire(&broadcaster), 0);
    assert!(subscribe(&segment(&broadcaster), &["a", "b"], Position::Earliest).is_at_end());
}

#[test]
fn i9_it_ends_when_the_last_of_its_topics_has_ended() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let mut subscription = subscribe(&segment, &["a", "b"], Position::Now);
    publish_to(&broadcaster, "ab");
    broadcaster.end(&topic("a")).unwrap();
    settle(&segment);
    assert_eq!(letters(&drain(&mut subscription)), "ab");
    publish_to(&broadcaster, "b");
    broadcaster.end(&topic("b")).unwrap();
    settle(&segment);
    assert_eq!(drain(&mut subscription), [Seen::Event(3, "b".into()), Seen::Ended]);
    assert_eq!(drain(&mut subscribe(&segment, &["a", "b"], Position::Now)), [Seen::Ended]);
}

#[test]
fn i5_a_merged_run_is_bounded_however_many_topics_there_are() {
    let retention = Retention { bytes: usize::MAX, ..Retention::default() };
    let broadcaster = Broadcaster::new(Config { retention, clock, ..Config::default() });
    let segment = with_run(&broadcaster, 4096);
    let names: Vec<String> = (0..50).map(|n| n.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut subscription = subscribe(&segment, &names, Position::Now);
    for _ in 0..20 {
        for name in &names {
            publish(&broadcaster, name, &"x".repeat(100));
        }
    }
    settle(&segment);
    let mut events = 0;
    while events < 1000 {
        let Delivery::Frames(run) = next(&mut subscription) else { panic!("nothing was lost") };
        assert!(run.bytes().len() <= 4096);
        events += run.frames();
        assert!(run.frames() > 20 || events == 1000, "runs are filled");
    }
    assert_eq!(drain(&mut subscription), []);
}
