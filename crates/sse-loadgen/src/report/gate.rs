//! Conditions that make a run fail: `--fail 'delivery.p99>50ms'`.
//!
//! A condition is checked when it is typed, not when the run is over: its name has to be one of
//! [`NAMES`] or of a scenario, and its unit one of that figure.

mod nearest;
mod value;

use std::str::FromStr;

use thiserror::Error;

use self::nearest::nearest;
use self::value::parse_value;
use super::metrics::{ALIASES, Kind, NAMES, SCENARIOS};
use super::summary::{Gate, Summary};
use super::units;

/// A condition. The run fails if it holds, or if its figure was not measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    expression: String,
    name: String,
    kind: Kind,
    comparison: Comparison,
    threshold: f64,
}

/// Why a condition cannot be one.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum GateError {
    /// It has no comparison, or nothing to the left of it.
    #[error(
        "'{0}' is no condition: it takes a name, one of > >= < <= == !=, and a value, as in 'delivery.p99>50ms'"
    )]
    Shape(String),
    /// A figure of that name does not exist.
    #[error("'{name}' is not measured{hint}`sse-loadgen metrics` lists what is")]
    UnknownName {
        /// As typed.
        name: String,
        /// `: did you mean …? `, or as little as a comma.
        hint: String,
    },
    /// What is to the right is no number with or without a unit.
    #[error("'{0}' is no value: it takes a number and perhaps a unit, as in 50ms, 0.1%, 64KiB or 1e6")]
    Value(String),
    /// It is a number with a unit, but of something else.
    #[error("{name} cannot be '{value}': {expected}")]
    Unit {
        /// Of the figure.
        name: String,
        /// As typed.
        value: String,
        /// What the figure takes.
        expected: &'static str,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Above,
    AtLeast,
    AtMost,
    Below,
    Equal,
    Unequal,
}

/// The two-character ones first: `>` is the beginning of `>=`.
const COMPARISONS: [(&str, Comparison); 6] = [
    (">=", Comparison::AtLeast),
    ("<=", Comparison::AtMost),
    ("==", Comparison::Equal),
    ("!=", Comparison::Unequal),
    (">", Comparison::Above),
    ("<", Comparison::Below),
];

impl Condition {
    /// Whether a run passes. Needs [`Summary::metrics`] to be filled.
    #[must_use]
    pub fn check(&self, summary: &Summary) -> Gate {
        let value = summary.metrics.get(&self.name).copied();
        let pass = value.is_some_and(|value| !self.comparison.holds(value, self.threshold));
        Gate { expression: self.expression.clone(), pass, value }
    }
}

impl FromStr for Condition {
    type Err = GateError;

    fn from_str(text: &str) -> Result<Self, GateError> {
        let shape = || GateError::Shape(text.to_owned());
        let at = text.find(['<', '>', '=', '!']).ok_or_else(shape)?;
        let (name, rest) = text.split_at(at);
        let found =
            COMPARISONS.iter().find_map(|&(sign, comparison)| Some((rest.strip_prefix(sign)?, comparison)));
        let (value, comparison) = found.ok_or_else(shape)?;
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() {
            return Err(shape());
        }
        let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name);
        let kind = kind_of(name).ok_or_else(|| unknown(name))?;
        let (threshold, kind) = parse_value(name, kind, value)?;
        Ok(Self { expression: text.trim().to_owned(), name: name.to_owned(), kind, comparison, threshold })
    }
}

impl Gate {
    /// What the figure was, as people read it.
    pub(super) fn value_text(&self) -> String {
        let Some(value) = self.value else { return "not measured".to_owned() };
        match self.expression.parse().map_or(Kind::Unknown, |condition: Condition| condition.kind) {
            Kind::Bytes => units::bytes(value),
            Kind::Micros => units::time_f(value * 1e3),
            Kind::Millis => units::time_f(value * 1e6),
            Kind::Number | Kind::Unknown => units::number(value),
            Kind::Share => units::share(value),
        }
    }
}

impl Comparison {
    fn holds(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Above => value > threshold,
            Self::AtLeast => value >= threshold,
            Self::AtMost => value <= threshold,
            Self::Below => value < threshold,
            Self::Equal => value == threshold,
            Self::Unequal => value != threshold,
        }
    }
}

fn kind_of(name: &str) -> Option<Kind> {
    let listed = NAMES.iter().find(|listed| listed.name == name).map(|listed| listed.kind);
    // Longer than the prefix: `storm.` alone names nothing.
    let of_scenario = || SCENARIOS.iter().any(|prefix| name.len() > prefix.len() && name.starts_with(prefix));
    listed.or_else(|| of_scenario().then_some(Kind::Unknown))
}

fn unknown(name: &str) -> GateError {
    let known = NAMES.iter().map(|known| known.name.as_str()).chain(ALIASES.map(|(alias, _)| alias));
    let near = nearest(name, known);
    let hint =
        if near.is_empty() { ", ".to_owned() } else { format!(": did you mean {}? ", near.join(" or ")) };
    GateError::UnknownName { name: name.to_owned(), hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str, metrics: &[(&str, f64)]) -> Gate {
        let metrics = metrics.iter().map(|&(name, value)| (name.to_owned(), value)).collect();
        let condition: Condition = expression.parse().unwrap();
        condition.check(&Summary { metrics, ..Summary::default() })
    }

    fn error(expression: &str) -> String {
        expression.parse::<Condition>().unwrap_err().to_string()
    }

    #[test]
    fn a_condition_that_holds_fails_the_run() {
        let measured =
            [("delivery.p99", 31.4), ("delivery.loss", 0.001), ("delivery.lost", 3.0), ("storm.back", 1e3)];
        for fails in [
            "delivery.p99>31ms",
            "delivery.p99 >= 31400us",
            "delivery.p99<1s",
            "delivery.p99 <= 31.4ms",
            "loss>0",
            "loss>=0.1%",
            "lost!=0",
            "lost==3",
            "storm.back>999ms",
        ] {
            assert!(!check(fails, &measured).pass, "{fails}");
        }
        for passes in
            ["delivery.p99>31.4ms", "delivery.p99<31.4ms", "loss>0.1%", "lost>=1e6", "lost!=3", "lost==0"]
        {
            assert!(check(passes, &measured).pass, "{passes}");
        }
    }

    #[test]
    fn what_was_not_measured_fails() {
        let gate = check("delivery.p99<1ns", &[]);
        assert_eq!((gate.pass, gate.value), (false, None));
        assert_eq!(gate.value_text(), "not measured");
        assert_eq!(gate.expression, "delivery.p99<1ns");
    }

    #[test]
    fn a_value_reads_in_the_unit_of_its_figure() {
        let read = |expression: &str, name, value| check(expression, &[(name, value)]).value_text();
        assert_eq!(read("delivery.p99>1s", "delivery.p99", 31.4), "31.4 ms");
        assert_eq!(read("loss>0", "delivery.loss", 0.001), "0.10 %");
        assert_eq!(read("server.memory_per_client>1KiB", "server.memory_per_client", 2048.0), "2.00 KiB");
        assert_eq!(read("server.cpu_us_per_delivery>9us", "server.cpu_us_per_delivery", 7.5), "7.50 µs");
        assert_eq!(read("storm.back>1s", "storm.back", 2310.0), "2.31 s");
        assert_eq!(read("storm.returned<15000", "storm.returned", 14_990.0), "14,990");
    }

    #[test]
    fn what_cannot_be_a_condition_says_why() {
        for shapeless in ["", "delivery.p99", ">5ms", "delivery.p99=5ms", "delivery.p99!5ms"] {
            assert!(error(shapeless).contains("is no condition"), "{shapeless}");
        }
        assert_eq!(
            error("delivery.p95>5ms"),
            "'delivery.p95' is not measured: did you mean delivery.p90 or delivery.p99 or delivery.p50? \
             `sse-loadgen metrics` lists what is"
        );
        assert_eq!(error("storm.>5ms"), "'storm.' is not measured, `sse-loadgen metrics` lists what is");
        assert!(error("delivery.p99>fast").contains("'fast' is no value"));
    }
}
