//! What only one scenario measures.

use crate::latency::Latency;
use crate::record::{Metric, Record};
use crate::report::summary::{Figure, Unit};
use crate::scenario::Scenario;

pub(super) fn figures(
    scenario: &Scenario,
    record: &Record,
    halves: Option<(Latency, Latency)>,
    measured: f64,
) -> Vec<Figure> {
    let counts = record.counts;
    let figure = |name: &str, text: &str, unit, value: Option<f64>| Figure {
        name: name.to_owned(),
        text: text.to_owned(),
        unit,
        value,
    };
    let count = |name, text, value: u64| figure(name, text, Unit::Count, Some(value as f64));
    let none = Latency::new();
    let of = |metric, percent, expected| {
        let latency = record.latency(metric).unwrap_or(&none);
        latency.percentile_of(percent, expected).map(|time| time.as_nanos() as f64)
    };
    let closed = |name: &str| record.closed.get(name).copied().unwrap_or_default();
    match scenario {
        Scenario::Run => Vec::new(),
        Scenario::Storm => vec![
            count("storm.cut", "streams cut at once", counts.cut),
            figure(
                "storm.reconnect.p99",
                "until 99 % had a stream again",
                Unit::Ns,
                of(Metric::Reconnect, 99.0, counts.cut),
            ),
            figure(
                "storm.recovery.p50",
                "until 50 % had caught up",
                Unit::Ns,
                of(Metric::Recovery, 50.0, counts.cut),
            ),
            figure(
                "storm.recovery.p99",
                "until 99 % had caught up",
                Unit::Ns,
                of(Metric::Recovery, 99.0, counts.cut),
            ),
            figure(
                "storm.recovery.max",
                "until all had caught up",
                Unit::Ns,
                of(Metric::Recovery, 100.0, counts.cut),
            ),
        ],
        Scenario::Churn { .. } => vec![
            count("churn.arrived", "clients that came", counts.arrived),
            count("churn.left", "clients that left as planned", counts.left),
            figure(
                "churn.rate",
                "clients that left",
                Unit::Rate,
                Some(counts.left as f64 / measured.max(1.0)),
            ),
        ],
        Scenario::Slow { .. } => {
            let (before, after) = halves.unwrap_or_default();
            let p99 = |latency: &Latency| latency.percentile(99.0).map(|time| time.as_nanos() as f64);
            let ratio = p99(&after).zip(p99(&before)).map(|(after, before)| after / before.max(1.0));
            vec![
                figure("slow.before.p99", "delivery to the healthy, before", Unit::Ns, p99(&before)),
                figure(
                    "slow.during.p99",
                    "delivery to the healthy, beside slow readers",
                    Unit::Ns,
                    p99(&after),
                ),
                figure("slow.ratio", "the one over the other", Unit::Share, ratio),
                count(
                    "slow.cut_off",
                    "streams that the server cut off",
                    closed("reset") + closed("cut") + closed("end"),
                ),
                count("slow.announced", "events that were announced as missed", counts.announced),
            ]
        }
        Scenario::Resume { .. } => vec![
            count("resume.cut", "streams cut", counts.cut),
            count("resume.sent", "resumes with Last-Event-ID", record.resumes.sent),
            count("resume.contiguous", "went on with exactly what follows", record.resumes.contiguous),
            count("resume.gap_announced", "were told of a gap", record.resumes.gap_announced),
            count("resume.gap_silent", "missed something, and were not told", record.resumes.gap_silent),
            count("resume.repeated", "were given something again", record.resumes.repeated),
        ],
        Scenario::Request { .. } => vec![
            count("request.completed", "answers that were complete", closed("end")),
            count(
                "request.broken",
                "answers that were not",
                record.closed.values().sum::<u64>() - closed("end"),
            ),
            count("request.failed", "requests that were not answered with a stream", counts.failed),
            figure("request.rate", "answers", Unit::Rate, Some(closed("end") as f64 / measured.max(1.0))),
        ],
    }
}
