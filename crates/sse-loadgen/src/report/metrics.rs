//! The figures of a run by name: what gates compare and graphs of CI draw.
//!
//! One list, [`NAMES`], is what `sse-loadgen metrics` prints, what a gate may name, and what is computed: nothing can be in
//! one of them only. Times are in milliseconds, shares from 0 to 1. What was not measured has no entry.

mod figures;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use self::figures::{DISTRIBUTIONS, FIGURES, STATISTICS};
use super::summary::{Figure, Summary, Unit};

/// What a figure counts, and so which units a gate may give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A size.
    Bytes,
    /// A time, in microseconds.
    Micros,
    /// A time, in milliseconds.
    Millis,
    /// How many, or how many per second.
    Number,
    /// Of 1.
    Share,
    /// A figure of a scenario: it says itself what it counts.
    Unknown,
}

/// A figure that a run may have.
#[derive(Clone, Debug)]
pub struct Name {
    /// As in [`Summary::metrics`].
    pub name: String,
    /// What it counts.
    pub kind: Kind,
    /// What it is, in a few words.
    pub text: String,
}

/// Every figure that is known in advance, in the order to list them.
pub static NAMES: LazyLock<Vec<Name>> = LazyLock::new(|| {
    let figures = FIGURES.iter().map(|figure| Name {
        name: figure.name.to_owned(),
        kind: figure.kind,
        text: figure.text.to_owned(),
    });
    let distributions = DISTRIBUTIONS.iter().flat_map(|(distribution, what)| {
        STATISTICS.iter().map(move |statistic| Name {
            name: format!("{distribution}.{}", statistic.name),
            kind: statistic.kind,
            text: format!("{what}: {}", statistic.text),
        })
    });
    figures.chain(distributions).collect()
});

/// What figures of scenarios start with; they are not known in advance.
pub const SCENARIOS: [&str; 5] = ["churn.", "request.", "resume.", "slow.", "storm."];

/// Short for a name, where names are typed.
pub const ALIASES: [(&str, &str); 2] = [("loss", "delivery.loss"), ("lost", "delivery.lost")];

const NANOS_PER_MILLI: f64 = 1e6;

/// All figures of a run. Every value is finite.
#[must_use]
pub fn metrics(summary: &Summary) -> BTreeMap<String, f64> {
    let mut metrics = BTreeMap::new();
    let mut put = |name: String, value: Option<f64>| {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            metrics.insert(name, value);
        }
    };
    for figure in &summary.scenario {
        put(figure.name.clone(), of_scenario(figure));
    }
    for (name, _) in DISTRIBUTIONS {
        let Some(distribution) = summary.measured(name) else { continue };
        for statistic in STATISTICS {
            put(format!("{name}.{}", statistic.name), (statistic.of)(distribution));
        }
    }
    for figure in FIGURES {
        put(figure.name.to_owned(), (figure.of)(summary));
    }
    metrics
}

fn of_scenario(figure: &Figure) -> Option<f64> {
    let scale = if figure.unit == Unit::Ns { NANOS_PER_MILLI } else { 1.0 };
    figure.value.map(|value| value / scale)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::report::fixture;

    #[test]
    fn a_full_run_has_every_figure_that_is_listed() {
        let metrics = metrics(&fixture::full());
        let missing: Vec<_> = NAMES.iter().filter(|name| !metrics.contains_key(&name.name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        let known: HashSet<_> = NAMES.iter().map(|name| &name.name).collect();
        assert_eq!(known.len(), NAMES.len(), "a name is listed twice");
        for name in metrics.keys().filter(|name| !known.contains(name)) {
            assert!(SCENARIOS.iter().any(|prefix| name.starts_with(prefix)), "{name} is not listed");
        }
    }

    #[test]
    fn times_are_in_milliseconds_and_shares_of_one() {
        let summary = fixture::lossy();
        let metrics = metrics(&summary);
        let p99 = summary.latency["delivery"].p["99"] as f64 / 1e6;
        assert_eq!(metrics["delivery.p99"], p99);
        assert_eq!(metrics["delivery.loss"], summary.delivery.lost as f64 / summary.delivery.expected as f64);
        assert_eq!(metrics["server.cpu_us_per_delivery"], 7.5);
    }

    #[test]
    fn what_was_not_measured_has_no_figure() {
        let metrics = metrics(&Summary::default());
        assert!(metrics.values().all(|value| *value == 0.0), "{metrics:?}");
        assert!(!metrics.contains_key("delivery.p99") && !metrics.contains_key("delivery.loss"));
    }

    #[test]
    fn a_percentile_that_never_came_has_no_figure() {
        let metrics = metrics(&fixture::lossy());
        assert!(metrics.contains_key("delivery.adjusted.p99"));
        assert!(!metrics.contains_key("delivery.adjusted.p99.99"));
        assert!(!metrics.contains_key("fanout.t100.max"), "some events never reached all");
    }
}
