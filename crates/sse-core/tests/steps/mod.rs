//! What may be done to a broadcaster of the model, and how it may be configured.

#![allow(clippy::unwrap_used, reason = "a strategy that can not be made fails the test")]

use std::num::NonZeroU64;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use sse_core::{CatchUp, LagRule, Retention, SegmentConfig};

use crate::SEGMENTS;
use crate::plain::AGE;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// To poll is to come for so many deliveries, to drain for all; to resume is to leave, and to subscribe to the same
/// topics behind what was given last, or exactly where the subscription stood.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Close { window: Duration },
    Drain { reader: Index },
    Drop { reader: Index },
    End { name: &'static str },
    Expire,
    Pass { time: Duration },
    Poll { reader: Index, deliveries: usize, new_waker: bool },
    Publish { name: &'static str, size: usize },
    Resume { reader: Index, exactly: bool },
    Settle { segment: usize },
    Subscribe { segment: usize, names: Vec<&'static str>, at: At },
    Turn { segment: usize },
}

/// Where a subscriber begins.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    After(Index),
    Earliest,
    Foreign,
    Future,
    Now,
    Unknown,
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let name = || select(&NAMES[..]);
    let segment = || 0..SEGMENTS;
    let size = prop_oneof![30 => 0..40usize, 1 => 11_000..20_000usize];
    let names = subsequence(&NAMES[..], 1..=3);
    let reader = any::<Index>;
    let at = prop_oneof![
        4 => any::<Index>().prop_map(At::After),
        4 => Just(At::Now),
        2 => Just(At::Earliest),
        1 => Just(At::Foreign),
        1 => Just(At::Future),
        1 => Just(At::Unknown),
    ];
    prop_oneof![
        24 => (name(), size).prop_map(|(name, size)| Step::Publish { name, size }),
        6 => (segment(), names, at).prop_map(|(segment, names, at)| Step::Subscribe { segment, names, at }),
        6 => (reader(), 1..4usize, any::<bool>())
            .prop_map(|(reader, deliveries, new_waker)| Step::Poll { reader, deliveries, new_waker }),
        6 => reader().prop_map(|reader| Step::Drain { reader }),
        6 => segment().prop_map(|segment| Step::Turn { segment }),
        6 => segment().prop_map(|segment| Step::Settle { segment }),
        3 => (reader(), any::<bool>()).prop_map(|(reader, exactly)| Step::Resume { reader, exactly }),
        2 => reader().prop_map(|reader| Step::Drop { reader }),
        2 => (0..3 * AGE.as_millis() as u64).prop_map(|ms| Step::Pass { time: Duration::from_millis(ms) }),
        2 => Just(Step::Expire),
        1 => name().prop_map(|name| Step::End { name }),
        1 => prop_oneof![9 => Just(Step::Expire), 1 => Just(Step::Close { window: Duration::ZERO }), 1 => closing()],
    ]
}

/// A close that is not at once; some of those are cut short by another.
fn closing() -> impl Strategy<Value = Step> {
    (1..3 * AGE.as_millis() as u64).prop_map(|ms| Step::Close { window: Duration::from_millis(ms) })
}

pub(crate) fn retention() -> impl Strategy<Value = Retention> {
    let bytes = prop_oneof![Just(0), 40..300usize, Just(100_000)];
    let age = prop::option::of(Just(AGE));
    let bounds = (1..6usize, bytes, age);
    bounds.prop_map(|(events, bytes, age)| Retention { events: events.try_into().unwrap(), bytes, age })
}

pub(crate) fn segment_config() -> impl Strategy<Value = SegmentConfig> {
    let run = prop_oneof![Just(0), 30..150usize, Just(16 * 1024)];
    let slice = prop_oneof![1..3usize, Just(32)];
    (run, slice).prop_map(|(run, slice)| SegmentConfig {
        heartbeat: None,
        slice: slice.try_into().unwrap(),
        run,
        ..SegmentConfig::default()
    })
}

/// What holds for those who fall behind.
pub(crate) fn lag_rule() -> impl Strategy<Value = LagRule> {
    let max_lag = prop_oneof![Just(None), (1..5u64).prop_map(NonZeroU64::new)];
    let catch_up = select(&[CatchUp::Retained, CatchUp::Newest][..]);
    (max_lag, catch_up).prop_map(|(max_lag, catch_up)| LagRule { max_lag, catch_up })
}
