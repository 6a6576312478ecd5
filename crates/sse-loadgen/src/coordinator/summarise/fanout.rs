//! How long events took to reach their clients, of the events that were followed.

use std::collections::BTreeMap;

use crate::latency::Latency;
use crate::record::Followed;
use crate::report::summary::{Completion, Fanout};

pub(super) fn fanout(events: &[&Followed], publishes: bool, floor: f64) -> Option<Fanout> {
    let mut spread = Latency::new();
    events.iter().filter_map(|event| event.spread()).for_each(|nanos| spread.record_nanos(nanos));
    if spread.count() == 0 {
        return None;
    }
    let mut completion = BTreeMap::new();
    let (mut median_curve, mut worst_curve) = (Vec::new(), Vec::new());
    if publishes {
        for (name, share) in [("50", 0.5), ("90", 0.9), ("99", 0.99), ("100", 1.0)] {
            let mut time = Latency::new();
            let times = events.iter().map(|event| event.completed(share));
            let never = times.filter(|at| at.map(|nanos| time.record_nanos(nanos)).is_none()).count();
            completion.insert(name.to_owned(), Completion { time: time.into(), never: never as u64 });
        }
        let mut by_time: Vec<_> = events.iter().copied().filter(|event| event.received() > 0).collect();
        by_time.sort_by_key(|event| event.completed(0.99).unwrap_or(u64::MAX));
        let curve = |rank: f64| {
            let index = ((by_time.len() as f64 * rank) as usize).min(by_time.len().saturating_sub(1));
            let event = by_time.get(index)?;
            let shares = (1..100).map(f64::from).chain([99.5, 99.9, 100.0]);
            Some(shares.filter_map(|percent| Some((percent, event.completed(percent / 100.0)?))).collect())
        };
        (median_curve, worst_curve) = (curve(0.5).unwrap_or_default(), curve(0.99).unwrap_or_default());
    }
    Some(Fanout {
        events: spread.count(),
        completion,
        spread: spread.into(),
        drain_floor_ns: floor as u64,
        median_curve,
        worst_curve,
    })
}
