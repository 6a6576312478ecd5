//! What a summary says between its lines: figures that several renderers need and that no field holds.

use super::summary::{Completion, Decile, Distribution, Figure, Phase, Summary, Unit};
use super::units::{bytes, count, number, share, time_f};

/// Percentiles of a delivery over what was expected, as a table wants them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Adjusted {
    /// So late.
    At(u64),
    /// So many never came.
    Lost,
}

impl Distribution {
    /// A percentile as it was written down; none if nothing was recorded.
    pub(super) fn at(&self, percent: &str) -> Option<u64> {
        (self.count > 0).then(|| self.p.get(percent).copied()).flatten()
    }

    /// The longest; none if nothing was recorded.
    pub(super) fn longest(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }
}

impl Figure {
    /// As people read it.
    pub(super) fn value_text(&self) -> String {
        let Some(value) = self.value else { return "never".to_owned() };
        match self.unit {
            Unit::Bytes => bytes(value),
            Unit::Count => number(value),
            Unit::Ns => time_f(value),
            Unit::Rate => format!("{}/s", number(value)),
            Unit::Share => share(value),
        }
    }
}

impl Completion {
    /// Over *all* events, those that never got there being later than any: none if that many percent did not.
    pub(super) fn over_events(&self, percent: f64) -> Option<u64> {
        let time = self.time.hdr.percentile_of(percent, self.time.count + self.never)?;
        Some(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl Summary {
    /// A count that the scenario has measured; none if it has not.
    pub(super) fn figure(&self, name: &str) -> Option<u64> {
        let figure = self.scenario.iter().find(|figure| figure.name == name)?;
        figure.value.map(|value| value as u64)
    }

    /// A distribution in which something was recorded.
    pub(super) fn measured(&self, name: &str) -> Option<&Distribution> {
        self.latency.get(name).filter(|distribution| distribution.count > 0)
    }

    /// A phase of the run.
    pub(super) fn phase(&self, name: &str) -> Option<&Phase> {
        self.run.phases.iter().find(|phase| phase.name == name)
    }

    /// How long a phase took, in nanoseconds.
    pub(super) fn phase_length(&self, name: &str) -> Option<u64> {
        self.phase(name).map(|phase| phase.end_ns.saturating_sub(phase.start_ns))
    }

    /// Lost over expected, from 0 to 1; none if nothing was expected.
    pub(super) fn loss(&self) -> Option<f64> {
        (self.delivery.expected > 0).then(|| self.delivery.lost as f64 / self.delivery.expected as f64)
    }

    /// A percentile over expected deliveries; none if there is no such.
    pub(super) fn adjusted(&self, percent: &str) -> Option<Adjusted> {
        self.delivery.adjusted_p.get(percent).map(|at| at.map_or(Adjusted::Lost, Adjusted::At))
    }

    /// The oldest and the newest tenth of the clients, if both had deliveries.
    pub(super) fn oldest_and_newest(&self) -> Option<(&Decile, &Decile)> {
        let (oldest, newest) = (self.order_bias.first()?, self.order_bias.last()?);
        (self.order_bias.len() > 1 && oldest.count > 0 && newest.count > 0).then_some((oldest, newest))
    }

    /// All attempts to connect that failed.
    pub(super) fn connect_errors(&self) -> u64 {
        self.connections.errors.values().sum()
    }
}

/// A list of counted reasons, the most frequent first: `refused 12, timeout 3`; only the first few.
pub(super) fn reasons<'a>(counted: impl IntoIterator<Item = (&'a String, &'a u64)>) -> String {
    const SHOWN: usize = 4;
    let mut counted: Vec<_> = counted.into_iter().filter(|(_, number)| **number > 0).collect();
    counted.sort_by_key(|&(_, number)| std::cmp::Reverse(number));
    let more = counted.len().saturating_sub(SHOWN);
    let shown = counted.iter().take(SHOWN).map(|(reason, number)| format!("{reason} {}", count(**number)));
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(", and {more} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::latency::Latency;

    #[test]
    fn an_event_that_never_got_there_is_the_latest_of_all() {
        let mut times = Latency::new();
        (1..=9).for_each(|millis| times.record_nanos(millis * 1_000_000));
        let completion = Completion { time: times.into(), never: 1 };
        assert!(completion.over_events(90.0).is_some_and(|at| at >= 9_000_000));
        assert_eq!(completion.over_events(91.0), None);
        assert_eq!(Completion::default().over_events(50.0), None);
    }

    #[test]
    fn the_most_frequent_reason_comes_first() {
        let counted: BTreeMap<_, _> = [("a", 1), ("b", 0), ("c", 3_000), ("d", 2), ("f", 2), ("g", 1)]
            .map(|(name, n)| (name.to_owned(), n))
            .into();
        assert_eq!(reasons(&counted), "c 3,000, d 2, f 2, a 1, and 1 more");
        assert_eq!(reasons(&BTreeMap::new()), "");
    }
}
