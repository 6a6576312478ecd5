//! Heartbeats: on time, never instead of data, one at most for however long nobody came for it.

mod common;

use std::task::Waker;
use std::time::{Duration, Instant};

use common::*;
use sse_core::{Broadcaster, Position, Segment, SegmentConfig, Subscription};

const TICK: Duration = Duration::from_millis(100);
const PERIOD: Duration = Duration::from_millis(6400);

fn beating(broadcaster: &Broadcaster) -> Segment {
    Segment::new(broadcaster, SegmentConfig { heartbeat: Some(PERIOD), ..SegmentConfig::default() })
}

/// Lets time pass until `until`, with a turn whenever the segment asks for one, and calls `visit` after each.
fn pass(segment: &Segment, until: Instant, mut visit: impl FnMut()) {
    loop {
        let next = settle(segment).unwrap_or(until);
        visit();
        if next > until {
            advance(until - clock());
            return;
        }
        assert!(next > clock(), "a turn that is over asks for a later one");
        advance(next - clock());
        if next == until {
            settle(segment);
            visit();
            return;
        }
    }
}

/// When the heartbeats of each come within `time`, from now. Whatever comes is taken at once.
fn heartbeats(segment: &Segment, readers: &mut [Subscription], time: Duration) -> Vec<Vec<Duration>> {
    let begin = clock();
    let mut beats = vec![Vec::new(); readers.len()];
    pass(segment, begin + time, || {
        for (reader, beats) in readers.iter_mut().zip(&mut beats) {
            for seen in drain(reader) {
                assert_eq!(seen, Seen::Heartbeat);
                beats.push(clock() - begin);
            }
        }
    });
    beats
}

fn readers(segment: &Segment, count: usize) -> Vec<Subscription> {
    (0..count).map(|_| subscribe(segment, &["t"], Position::Now)).collect()
}

fn in_time(silence: Duration) -> bool {
    (PERIOD * 7 / 8 - TICK..=PERIOD + TICK).contains(&silence)
}

#[test]
fn an_idle_subscriber_gets_one_in_each_period() {
    let broadcaster = broadcaster();
    let segment = beating(&broadcaster);
    let mut readers = readers(&segment, 20);
    pass(&segment, clock() + 3 * PERIOD, || ());
    publish(&broadcaster, "t", "x");
    settle(&segment);
    for reader in &mut readers {
        assert_eq!(drain(reader), [Seen::Event(1, "x".into())]);
    }
    for beats in heartbeats(&segment, &mut readers, 5 * PERIOD) {
        assert!(beats.len() >= 4);
        let mut last = Duration::ZERO;
        for at in beats {
            assert!(in_time(at - last), "after {:?}", at - last);
            last = at;
        }
    }
}

#[test]
fn a_delivery_between_two_ticks_counts_from_there() {
    let broadcaster = broadcaster();
    let segment = beating(&broadcaster);
    let mut readers = readers(&segment, 20);
    pass(&segment, clock() + PERIOD * 3 / 8 + TICK * 3 / 4, || ());
    publish(&broadcaster, "t", "x");
    settle(&segment);
    for reader in &mut readers {
        assert_eq!(drain(reader), [Seen::Event(1, "x".into())]);
    }
    let beats = heartbeats(&segment, &mut readers, PERIOD + TICK);
    assert!(beats.iter().all(|beats| beats.len() == 1 && in_time(beats[0])), "{beats:?}");
}

#[test]
fn those_who_come_together_do_not_stay_together() {
    let broadcaster = broadcaster();
    let segment = beating(&broadcaster);
    let mut readers = readers(&segment, 1000);
    let first: Vec<_> =
        heartbeats(&segment, &mut readers, PERIOD).into_iter().map(|beats| beats[0]).collect();
    assert!(first.iter().all(|at| (PERIOD / 2..=PERIOD).contains(at)), "in the second half of the period");
    // Thirty of a thousand in a tick, if they are spread evenly.
    let most = (0..=64).map(|tick| first.iter().filter(|at| **at == TICK * tick).count()).max();
    assert!(most < Some(100), "{most:?} in one tick");
}

#[test]
fn the_first_after_a_pause_without_subscribers_is_not_early() {
    let broadcaster = broadcaster();
    let segment = beating(&broadcaster);
    assert_eq!(settle(&segment), None);
    let (wakes, waker) = counting_waker();
    assert!(!is_marked(&segment, &waker));
    advance(100 * PERIOD);
    let mut readers = readers(&segment, 50);
    assert_eq!(wakes.count(), 1, "somebody has to make turns from now on");
    for beats in heartbeats(&segment, &mut readers, PERIOD) {
        assert!((PERIOD / 2 - TICK..=PERIOD).contains(&beats[0]), "{beats:?}");
    }
}

#[test]
fn none_comes_while_events_do() {
    let broadcaster = broadcaster();
    let segment = beating(&broadcaster);
    let mut readers = readers(&segment, 20);
    for n in 1..=40 {
        publish(&broadcaster, "t", "x");
        settle(&segment);
        for reader in &mut readers {
            assert_eq!(drain(reader), [Seen::Event(n, "x".into())]);
        }
        let beats = heartbeats(&segment, &mut readers, PERIOD * 3 / 4);
        assert!(beats.iter().all(Vec::is_empty), "{beats:?}");
    }
}

#[test]
fn i7_they_do_not_pile_up_while_nobody_comes() {
    let broadcaster = broadcaster();
    let segment = beating(&broadcaster);
    let mut readers = readers(&segment, 2);
    let (wakes, waker) = counting_waker();
    for reader in &mut readers {
        assert_eq!(drain_with(reader, &waker), []);
    }
    pass(&segment, clock() + 10 * PERIOD, || ());
    assert_eq!(wakes.count(), 2);
    assert_eq!(drain(&mut readers[0]), [Seen::Heartbeat]);
    // Whoever comes late and finds an event needs no heartbeat any more.
    publish(&broadcaster, "t", "x");
    settle(&segment);
    assert_eq!(drain(&mut readers[1]), [Seen::Event(1, "x".into())]);
}

#[test]
fn those_who_were_given_the_same_event_are_due_at_different_times() {
    let broadcaster = broadcaster();
    let segment = beating(&broadcaster);
    let mut readers = readers(&segment, 10_000);
    pass(&segment, clock() + PERIOD, || ());
    publish(&broadcaster, "t", "x");
    settle(&segment);
    for reader in &mut readers {
        next(reader);
    }
    // Once woken for it, they come for it.
    let begin = clock();
    let mut counts = Vec::new();
    let (wakes, waker) = counting_waker();
    for reader in &mut readers {
        assert!(poll(reader, &waker).is_pending());
    }
    pass(&segment, begin + PERIOD, || counts.push((clock() - begin, wakes.take())));
    counts.retain(|(_, wakes)| *wakes > 0);
    assert_eq!(counts.iter().map(|(_, wakes)| wakes).sum::<usize>(), 10_000);
    assert!(counts.iter().all(|(at, wakes)| *wakes <= 1250 && in_time(*at)), "{counts:?}");
}

#[test]
fn after_a_stall_of_the_clock_there_is_one_for_each() {
    let broadcaster = broadcaster();
    let segment = beating(&broadcaster);
    let mut readers = readers(&segment, 20);
    pass(&segment, clock() + PERIOD / 4, || ());
    advance(1000 * PERIOD);
    settle(&segment);
    for reader in &mut readers {
        assert_eq!(drain(reader), [Seen::Heartbeat]);
    }
    for beats in heartbeats(&segment, &mut readers, PERIOD) {
        assert!(beats.len() == 1 && in_time(beats[0]), "{beats:?}");
    }
}

#[test]
fn i8_when_all_have_left_no_turn_is_asked_for() {
    let broadcaster = broadcaster();
    let segment = beating(&broadcaster);
    let readers = readers(&segment, 100);
    let next = settle(&segment).unwrap();
    assert!(next <= clock() + TICK);
    drop(readers);
    pass(&segment, clock() + PERIOD + TICK, || ());
    assert_eq!(settle(&segment), None);
}

#[test]
fn a_new_subscriber_in_an_old_place_does_not_inherit_its_heartbeat() {
    let broadcaster = broadcaster();
    let segment = beating(&broadcaster);
    for _ in 0..20 {
        let old = subscribe(&segment, &["t"], Position::Now);
        pass(&segment, clock() + PERIOD * 7 / 16, || ());
        drop(old);
        let mut new = [subscribe(&segment, &["t"], Position::Now)];
        assert_eq!(heartbeats(&segment, &mut new, PERIOD / 2 - TICK), [[]]);
    }
}

#[test]
fn without_a_period_there_are_none() {
    let broadcaster = broadcaster();
    let segment = segment(&broadcaster);
    let mut reader = subscribe(&segment, &["t"], Position::Now);
    for _ in 0..10 {
        assert_eq!(settle(&segment), None);
        assert!(poll(&mut reader, Waker::noop()).is_pending());
        advance(PERIOD);
    }
}
