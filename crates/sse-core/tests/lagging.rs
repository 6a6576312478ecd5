//! How far a subscriber may fall behind, and where it then goes on; how far it is (I2, I4).

mod common;

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::*;
use sse_core::{
    Broadcaster, CatchUp, Delivery, EventId, LagRule, LagRules, Position, Segment, SegmentConfig,
    Subscription,
};

fn rule(max_lag: u64, catch_up: CatchUp) -> LagRule {
    LagRule { max_lag: NonZeroU64::new(max_lag), catch_up }
}

const NEWEST: LagRule = LagRule { max_lag: None, catch_up: CatchUp::Newest };

fn with_rules(broadcaster: &Broadcaster, lag: LagRules) -> Segment {
    Segment::new(broadcaster, SegmentConfig { heartbeat: None, lag, ..SegmentConfig::default() })
}

fn with_rule(broadcaster: &Broadcaster, rule: LagRule) -> Segment {
    with_rules(broadcaster, LagRules::all(rule))
}

#[test]
fn i2_who_wants_the_newest_event_is_told_of_one_gap_before_it() {
    let broadcaster = retaining(4);
    let segment = with_rule(&broadcaster, NEWEST);
    let mut reader = subscribe(&segment, &["t"], Position::Now);
    publish_many(&broadcaster, "t", 4);
    settle(&segment);
    assert_eq!(sequences(&drain(&mut reader)), [1, 2, 3, 4], "all is there still");
    publish_many(&broadcaster, "t", 6);
    settle(&segment);
    let all = drain(&mut reader);
    assert_eq!((&all[0], sequences(&all[1..])), (&gap(4, 10, 5, "slow"), vec![10]));
    publish_many(&broadcaster, "t", 1);
    settle(&segment);
    assert_eq!(sequences(&drain(&mut reader)), [11]);
}

#[test]
fn i4_who_comes_back_gets_what_is_retained_whatever_the_rule() {
    for rule in [NEWEST, rule(1, CatchUp::Retained), rule(1, CatchUp::Newest)] {
        let broadcaster = retaining(4);
        publish_many(&broadcaster, "t", 10);
        let segment = with_rule(&broadcaster, rule);
        let position = Position::After(EventId { sequence: 5, ..broadcaster.position() });
        let mut reader = subscribe(&segment, &["t"], position);
        let all = drain(&mut reader);
        assert_eq!((&all[0], sequences(&all[1..])), (&gap(5, 7, 1, "expired"), vec![7, 8, 9, 10]));
        assert_eq!(sequences(&drain(&mut subscribe(&segment, &["t"], Position::Earliest))), [7, 8, 9, 10]);
    }
}

#[test]
fn i2_who_is_further_behind_than_it_may_be_loses_what_is_still_there() {
    for (catch_up, expected) in [(CatchUp::Retained, vec![8, 9, 10]), (CatchUp::Newest, vec![10])] {
        let broadcaster = broadcaster();
        let segment = with_rule(&broadcaster, rule(3, catch_up));
        let mut reader = subscribe(&segment, &["t"], Position::Now);
        publish_many(&broadcaster, "t", 3);
        settle(&segment);
        assert_eq!(sequences(&drain(&mut reader)), [1, 2, 3], "as many as it may");
        publish_many(&broadcaster, "t", 7);
        settle(&segment);
        let all = drain(&mut reader);
        let missed = expected[0] - 4;
        assert_eq!(
            (&all[0], sequences(&all[1..])),
            (&gap(3, expected[0], missed, "slow"), expected),
            "{catch_up:?}"
        );
    }
}

#[test]
fn i4_a_long_past_is_no_lag_but_what_comes_meanwhile_is() {
    let broadcaster = broadcaster();
    publish_many(&broadcaster, "t", 10);
    let segment = with_rule(&broadcaster, rule(2, CatchUp::Retained));
    let mut reader = subscribe(&segment, &["t"], Position::Earliest);
    publish_many(&broadcaster, "t", 2);
    settle(&segment);
    assert_eq!(sequences(&drain(&mut reader)), (1..=12).collect::<Vec<_>>());

    let mut reader = subscribe(&segment, &["t"], Position::Earliest);
    publish_many(&broadcaster, "t", 3);
    settle(&segment);
    let all = drain(&mut reader);
    assert_eq!((&all[0], sequences(&all[1..])), (&gap(0, 14, 13, "slow"), vec![14, 15]));
}

#[test]
fn i2_of_two_at_one_position_each_has_its_own_right() {
    let broadcaster = broadcaster();
    let segment = with_rule(&broadcaster, rule(2, CatchUp::Newest));
    let start = Position::After(broadcaster.position());
    let mut slow = subscribe(&segment, &["t"], Position::Now);
    publish_many(&broadcaster, "t", 5);
    let mut back = subscribe(&segment, &["t"], start);
    settle(&segment);
    assert_eq!(sequences(&drain(&mut back)), [1, 2, 3, 4, 5]);
    let all = drain(&mut slow);
    assert_eq!((&all[0], sequences(&all[1..])), (&gap(0, 5, 4, "slow"), vec![5]), "not what the other got");
}

#[test]
fn i2_a_gap_in_one_topic_comes_before_what_is_behind_it_and_what_it_skips_never_comes() {
    let broadcaster = broadcaster();
    let rules =
        LagRules::each(
            |topic| if topic.as_str() == "a" { rule(1, CatchUp::Newest) } else { LagRule::default() },
        );
    let segment = with_rules(&broadcaster, rules);
    let mut reader = subscribe(&segment, &["a", "b"], Position::Now);
    for name in ["b", "a", "b", "a", "a", "b"] {
        publish(&broadcaster, name, name);
    }
    settle(&segment);
    let position = reader.position();
    let all = drain(&mut reader);
    assert_eq!((&all[0], sequences(&all[1..])), (&gap_in("a", 0, 5, 2, "slow"), vec![1, 3, 5, 6]));
    // Who is cut off right there, and comes back, has not been told of anything behind it.
    let mut back = subscribe(&segment, &["a", "b"], Position::After(position));
    assert_eq!(sequences(&drain(&mut back)), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_rule_is_asked_for_when_a_segment_comes_to_a_topic() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let rules = LagRules::each(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        NEWEST
    });
    let broadcaster = broadcaster();
    let segment = with_rules(&broadcaster, rules);
    let readers = [(); 3].map(|()| subscribe(&segment, &["t"], Position::Now));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    drop(readers);
    drop(subscribe(&segment, &["t"], Position::Now));
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[test]
fn lag_is_what_is_left_and_for_how_long_it_has_been() {
    const SECOND: Duration = Duration::from_secs(1);
    let broadcaster = retaining(4);
    let segment = segment(&broadcaster);
    let mut reader = subscribe(&segment, &["t", "u"], Position::Now);
    let lag = |reader: &Subscription| (reader.lag().events, reader.lag().age);
    assert_eq!(lag(&reader), (0, Duration::ZERO));
    for name in ["t", "u", "t", "t"] {
        publish(&broadcaster, name, "x");
        advance(SECOND);
    }
    assert_eq!(lag(&reader), (0, Duration::ZERO), "the segment does not know yet");
    settle(&segment);
    assert_eq!(lag(&reader), (4, 4 * SECOND));
    publish_many(&broadcaster, "t", 3);
    settle(&segment);
    assert_eq!(lag(&reader), (7, 3 * SECOND), "what is gone is owed a word, but does not grow older");
    assert_eq!(seen(&next(&mut reader)), [gap_in("t", 0, 4, 2, "slow")]);
    assert_eq!(lag(&reader), (5, 3 * SECOND));
    drain(&mut reader);
    assert_eq!(lag(&reader), (0, Duration::ZERO));
}

#[test]
fn a_run_says_when_its_first_frame_was_published() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let mut one = subscribe(&segment, &["t"], Position::Now);
    let mut several = subscribe(&segment, &["t", "u"], Position::Now);
    advance(Duration::from_secs(1));
    let first = clock();
    for name in ["u", "t", "u"] {
        publish(&broadcaster, name, "x");
        advance(Duration::from_secs(1));
    }
    settle(&segment);
    let published = |reader: &mut Subscription| {
        let Delivery::Frames(run) = next(reader) else { panic!("nothing was lost") };
        broadcaster.started() + run.published()
    };
    assert_eq!((published(&mut several), published(&mut one)), (first, first + Duration::from_secs(1)));
}

#[test]
fn gaps_are_counted_by_their_reason() {
    let broadcaster = retaining(1);
    let segment = segment(&broadcaster);
    let mut slow = subscribe(&segment, &["t"], Position::Now);
    let start = broadcaster.position();
    publish_many(&broadcaster, "t", 2);
    settle(&segment);
    drain(&mut slow);
    for position in
        [Position::After(start), Position::After(foreign(1)), Position::Unknown, Position::Unknown]
    {
        drain(&mut subscribe(&segment, &["t"], position));
    }
    publish(&broadcaster, "t", "x");
    settle(&segment);
    let stats = broadcaster.stats();
    let gaps = stats.gaps;
    assert_eq!((gaps.slow, gaps.expired, gaps.restart, gaps.unknown), (1, 1, 1, 2));
    assert_eq!((gaps.total(), stats.lagged), (5, 5));
}
