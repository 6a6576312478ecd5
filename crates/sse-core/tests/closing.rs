//! Closing in waves: evenly, nobody left behind, nothing lost on the way (I9).

mod common;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use common::*;
use sse_core::{Position, Segment, SegmentConfig, Subscription, Turn};

const WINDOW: Duration = Duration::from_secs(10);
/// In how many steps a window passes.
const WAVES: u32 = 256;

fn readers(segment: &Segment, count: usize) -> Vec<Subscription> {
    (0..count).map(|_| subscribe(segment, &["t"], Position::Now)).collect()
}

/// Takes the close from those who have it; answers how many had. Nothing else may be there.
fn closed(readers: &mut [Subscription]) -> usize {
    readers
        .iter_mut()
        .map(|reader| match drain(reader).as_slice() {
            [] => 0,
            [Seen::Closed] => 1,
            other => panic!("{other:?}"),
        })
        .sum()
}

/// Lets time pass, with a turn whenever the segment asks for one; answers when how many were told, since now.
fn waves(segment: &Segment, readers: &mut [Subscription], time: Duration) -> BTreeMap<Duration, usize> {
    let begin = clock();
    let mut told = BTreeMap::new();
    loop {
        let next = settle(segment);
        told.insert(clock() - begin, closed(readers));
        let Some(next) = next.filter(|next| *next <= begin + time) else {
            advance(begin + time - clock());
            told.retain(|_, count| *count > 0);
            return told;
        };
        assert!(next > clock(), "a turn that is over asks for a later one");
        advance(next - clock());
    }
}

#[test]
fn i9_all_are_told_evenly_over_the_window() {
    for count in [1, 3, 100, 256, 1000, 4097] {
        let broadcaster = broadcaster();
        let segment = segment(&broadcaster);
        let mut readers = readers(&segment, count);
        broadcaster.close_over(WINDOW);

        let told = waves(&segment, &mut readers, WINDOW);

        assert_eq!(told.values().sum::<usize>(), count, "nobody is left");
        assert!(told.len() <= count.min(WAVES as usize), "a wave for each, or as many as there are");
        let mut sum = 0;
        for (at, wave) in &told {
            sum += wave;
            let fair = count as f64 * at.as_secs_f64() / WINDOW.as_secs_f64();
            let step = count as f64 / f64::from(WAVES);
            assert!((sum as f64 - fair).abs() <= step + 1.0, "{sum} of {count} after {at:?}");
        }
        assert_eq!(told.last_key_value().map(|(at, _)| *at), Some(WINDOW), "the last at the very end");
    }
}

#[test]
fn i9_without_a_window_all_are_told_at_once() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let mut readers = readers(&segment, 100);
    broadcaster.close();
    assert_eq!(waves(&segment, &mut readers, WINDOW), BTreeMap::from([(Duration::ZERO, 100)]));
}

#[test]
fn i9_each_segment_spreads_its_own() {
    let broadcaster = broadcaster();
    let mut segments = [40, 4].map(|count| {
        let segment = segment(&broadcaster);
        let readers = readers(&segment, count);
        (segment, readers)
    });
    broadcaster.close_over(WINDOW);
    for half in 1..=2 {
        advance(WINDOW / 2);
        let told = segments.each_mut().map(|(segment, readers)| {
            settle(segment);
            closed(readers)
        });
        assert_eq!(told, [20, 2], "in half {half} of the window");
    }
}

#[test]
fn i9_nobody_loses_an_event_to_a_close() {
    let broadcaster = broadcaster();
    let segment = in_slices_of(3, &broadcaster);
    let mut readers = readers(&segment, 100);
    let topics: Vec<String> = (0..1500).map(|n| format!("once {n}")).collect();
    let mut others: Vec<_> =
        topics.iter().map(|name| subscribe(&segment, &[name.as_str()], Position::Now)).collect();
    publish_many(&broadcaster, "t", 3);
    for name in &topics {
        publish(&broadcaster, name, "x");
    }
    broadcaster.close_over(WINDOW);

    // What was published comes at once to those who come for it, whoever was told of the close and whoever was not.
    settle(&segment);
    let (half, late) = readers.split_at_mut(50);
    half.iter_mut().for_each(|reader| assert_eq!(sequences(&drain(reader)), [1, 2, 3]));
    let mut told = 0;
    for _ in 0..=WAVES {
        advance(WINDOW / WAVES);
        settle(&segment);
        told += closed(half);
    }
    assert_eq!(told, 50);
    for reader in late {
        assert!(matches!(
            drain(reader)[..],
            [Seen::Event(..), Seen::Event(..), Seen::Event(..), Seen::Closed]
        ));
    }
    for reader in &mut others {
        assert!(matches!(drain(reader)[..], [Seen::Event(..), Seen::Closed]));
    }
}

#[test]
fn i9_a_close_during_the_waves_ends_them() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let mut readers = readers(&segment, 100);
    broadcaster.close_over(WINDOW);
    assert_eq!(waves(&segment, &mut readers, WINDOW / 4).values().sum::<usize>(), 25);
    let (wakes, waker) = counting_waker();
    assert!(!is_marked(&segment, &waker));
    broadcaster.close();
    assert_eq!(wakes.count(), 1, "I6");
    assert_eq!(waves(&segment, &mut readers, WINDOW), BTreeMap::from([(Duration::ZERO, 75)]));
}

#[test]
fn i9_a_second_window_may_only_bring_the_end_forward() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let mut readers = readers(&segment, 100);
    broadcaster.close_over(WINDOW);
    waves(&segment, &mut readers, WINDOW / 2);
    let (wakes, waker) = counting_waker();
    assert!(!is_marked(&segment, &waker));
    broadcaster.close_over(WINDOW);
    assert_eq!(wakes.count(), 0, "I7: a later end is no news");
    broadcaster.close_over(WINDOW / 4);

    let told = waves(&segment, &mut readers, WINDOW);

    assert_eq!(told.values().sum::<usize>(), 50);
    assert_eq!(told.range(..=WINDOW / 8).map(|(_, count)| count).sum::<usize>(), 25, "evenly again");
    assert_eq!(told.last_key_value().map(|(at, _)| *at), Some(WINDOW / 4));
}

#[test]
fn i9_whoever_comes_during_the_waves_gets_what_there_is_and_is_told_at_once() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    publish_many(&broadcaster, "t", 2);
    let mut early = readers(&segment, 2);
    broadcaster.close_over(WINDOW);
    settle(&segment);
    // It also has the place of one who left.
    drop(early.remove(1));
    let (wakes, waker) = counting_waker();
    let mut late = subscribe(&segment, &["t"], Position::Earliest);
    assert!(matches!(drain_with(&mut late, &waker)[..], [Seen::Event(..), Seen::Event(..), Seen::Closed]));
    assert_eq!(closed(&mut early), 0);
    advance(WINDOW);
    settle(&segment);
    assert_eq!((wakes.count(), closed(&mut early)), (0, 1));
}

#[test]
fn i9_heartbeats_go_on_until_the_end() {
    let broadcaster = broadcaster();
    let config = SegmentConfig { heartbeat: Some(WINDOW / 10), ..SegmentConfig::default() };
    let segment: Segment = Segment::new(&broadcaster, config);
    let mut readers = readers(&segment, 2);
    settle(&segment);
    broadcaster.close_over(WINDOW);
    let (begin, mut last) = (clock(), Vec::new());
    while let Some(next) = settle(&segment).filter(|next| *next <= begin + WINDOW) {
        advance(next.saturating_duration_since(clock()));
        settle(&segment);
        last.extend(drain(&mut readers[1]));
    }
    let beats = last.iter().filter(|seen| **seen == Seen::Heartbeat).count();
    assert!((9..=13).contains(&beats), "{beats} in ten periods");
    assert_eq!((last.len(), last.last()), (beats + 1, Some(&Seen::Closed)));
}

#[test]
fn i8_when_all_have_left_no_turn_is_asked_for() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let readers = readers(&segment, 100);
    broadcaster.close_over(WINDOW);
    assert_eq!(
        settle(&segment),
        Some(clock() + (WINDOW * 3).div_f64(256.0)),
        "of a hundred, in the third wave"
    );
    drop(readers);
    assert_eq!(settle(&segment), None);
}

/// A turn does not go through those who still wait.
#[test]
fn i7_a_wave_wakes_those_it_is_for() {
    let broadcaster = broadcaster();
    let segment = in_slices_of(1000, &broadcaster);
    let (wakes, waker) = counting_waker();
    let mut readers = readers(&segment, 512);
    readers.iter_mut().for_each(|reader| assert!(poll(reader, &waker).is_pending()));
    let begin: Instant = clock();
    broadcaster.close_over(WINDOW);
    while let Turn::Idle(Some(next)) = segment.turn(clock()) {
        let woken = wakes.take();
        assert!(woken == 2 || (woken == 0 && clock() == begin), "{woken} in one wave");
        advance(next - clock());
    }
    segment.turn(clock());
    assert_eq!(clock(), begin + WINDOW);
}
