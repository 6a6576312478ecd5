//! What only one scenario measures.

use crate::latency::Latency;
use crate::load::Load;
use crate::pacer::Pacer;
use crate::record::{Metric, Record};
use crate::report::summary::{Figure, Unit};
use crate::scenario::Scenario;

pub(super) fn figures(
    load: &Load,
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
    let per_second = |count: u64| if measured > 0.0 { count as f64 / measured } else { 0.0 };
    let closed = |name: &str| record.closed.get(name).copied().unwrap_or_default();
    match &load.scenario {
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
            figure("churn.rate", "clients that left", Unit::Rate, Some(per_second(counts.left_measured))),
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
        Scenario::Request { .. } => {
            let before = |time| Pacer::new(load.ramp).map_or(0, |pacer| pacer.count_before(time));
            let planned = before(load.warmup + load.duration).saturating_sub(before(load.warmup));
            let finished = counts.completed + counts.broken + counts.unanswered;
            let over_planned = |metric| of(metric, 99.0, planned);
            vec![
                count("request.planned", "requests that were planned while it was measured", planned),
                count("request.completed", "answers that were complete", counts.completed),
                count("request.broken", "answers that broke off, or took too long", counts.broken),
                count("request.failed", "requests that got no stream", counts.unanswered),
                count(
                    "request.unfinished",
                    "answers that were not over in the end",
                    counts.asked.saturating_sub(finished),
                ),
                count(
                    "request.not_begun",
                    "requests that had no free client",
                    planned.saturating_sub(counts.asked),
                ),
                figure("request.rate", "complete answers", Unit::Rate, Some(per_second(counts.completed))),
                figure(
                    "request.first_token.p99",
                    "until the first token, of all planned: 99 %",
                    Unit::Ns,
                    over_planned(Metric::FirstToken),
                ),
                figure(
                    "request.stream.p99",
                    "until the answer was complete, of all planned: 99 %",
                    Unit::Ns,
                    over_planned(Metric::Stream),
                ),
            ]
        }
    }
}
