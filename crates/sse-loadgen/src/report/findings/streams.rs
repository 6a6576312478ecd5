//! How streams are opened, held and fed.

use super::{Rule, error, note, warning};
use crate::report::reading::reasons;
use crate::report::summary::{Finding, Summary};
use crate::report::units::{count, number, time, time_f};

pub(super) const RULES: &[Rule] =
    &[not_all_ready, answers, streams_end_at_once, bursts, first_event_held_back, order_bias, interrupted];

/// Below this, a difference between clients is nobody's concern: a millisecond.
const NOTICED_NS: u64 = 1_000_000;
/// Publishing faster than this, events may share a packet without anything holding them back: ten milliseconds.
const APART_NS: f64 = 10e6;

fn not_all_ready(summary: &Summary) -> Option<Finding> {
    let connections = &summary.connections;
    // Clients of other scenarios come and go.
    let arriving = matches!(summary.run.scenario.as_str(), "churn" | "request");
    if connections.ready >= connections.planned || arriving {
        return None;
    }
    let why = reasons(&connections.errors);
    let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
    let (ready, planned) = (count(connections.ready), count(connections.planned));
    let text = format!("{ready} of {planned} clients had a stream when measuring began{why}.");
    if connections.ready == 0 { error("NOT_ALL_READY", text) } else { warning("NOT_ALL_READY", text) }
}

fn answers(summary: &Summary) -> Option<Finding> {
    let failed = [
        ("request.broken", "broke off or took too long"),
        ("request.failed", "got no stream"),
        ("request.unfinished", "were not over in the end"),
        ("request.not_begun", "had no free client (--clients)"),
    ];
    let failed = failed.map(|(name, what)| (summary.figure(name).unwrap_or(0), what));
    let failed: Vec<_> = failed.iter().filter(|(number, _)| *number > 0).collect();
    if failed.is_empty() {
        return None;
    }
    let failed: Vec<_> = failed.iter().map(|(number, what)| format!("{} {what}", count(*number))).collect();
    error("ANSWERS", format!("Of the requests, {}.", failed.join(", ")))
}

fn streams_end_at_once(summary: &Summary) -> Option<Finding> {
    let connections = &summary.connections;
    let ended = connections.closed.get("end").copied().unwrap_or(0);
    // Answers end, and a storm is one.
    let meant = matches!(summary.run.scenario.as_str(), "request" | "storm");
    if meant || ended == 0 || ended * 2 < connections.opened {
        return None;
    }
    let (ended, opened) = (count(ended), count(connections.opened));
    warning(
        "STREAMS_END_AT_ONCE",
        format!(
            "{ended} of {opened} streams ended in good order while the run went on: does the endpoint keep them open?"
        ),
    )
}

/// A publisher that takes its time, and clients that get events in heaps: something in between collects them.
fn bursts(summary: &Summary) -> Option<Finding> {
    const ENOUGH: u64 = 100;
    let period = period(summary)?;
    let gap = summary.measured("gap").filter(|gap| gap.count >= ENOUGH)?;
    let median = gap.at("50")? as f64;
    // The mean tells heaps of our events from somebody else's many.
    if period <= APART_NS || median > period / 10.0 || gap.mean < period / 2.0 {
        return None;
    }
    let (period, median) = (time_f(period), time_f(median));
    warning(
        "BUFFERING",
        format!(
            "Events are published every {period}, but half of them come within {median} of the \
             one before: something holds them back and passes them on in bursts."
        ),
    )
}

/// The head comes, but no event, long after events are being published.
fn first_event_held_back(summary: &Summary) -> Option<Finding> {
    const PERIODS: f64 = 5.0;
    const GRACE_NS: f64 = 1e9;
    let period = period(summary)?;
    let first = summary.measured("first_event")?.at("50")?;
    let head = summary.measured("headers")?.at("50")?;
    // No client can have waited for longer than from the start of the run until the first event was published.
    let publishing = summary.phase("warmup").or_else(|| summary.phase("measure"))?.start_ns;
    if (first as f64) < publishing as f64 + PERIODS * period + GRACE_NS {
        return None;
    }
    let (head, first, period) = (time(head), time(first), time_f(period));
    warning(
        "BUFFERING",
        format!(
            "Heads come after {head} and events are published every {period}, but the first event comes \
             after {first}: something holds it back."
        ),
    )
}

/// Between two events of one client, in nanoseconds.
fn period(summary: &Summary) -> Option<f64> {
    let plan = &summary.plan;
    (summary.publish.is_some() && plan.rate > 0.0).then(|| f64::from(plan.topics.max(1)) / plan.rate * 1e9)
}

fn order_bias(summary: &Summary) -> Option<Finding> {
    let (oldest, newest) = summary.oldest_and_newest()?;
    let (slow, fast, who, other, order) = if newest.p50 >= oldest.p50 {
        (newest.p50, oldest.p50, "newest", "oldest", "in the order of connecting")
    } else {
        (oldest.p50, newest.p50, "oldest", "newest", "against the order of connecting")
    };
    if slow - fast <= NOTICED_NS || slow <= 2 * fast {
        return None;
    }
    let times = if fast > 0 {
        format!("{} × as long as", number(slow as f64 / fast as f64))
    } else {
        "longer than".to_owned()
    };
    warning(
        "ORDER_BIAS",
        format!(
            "The {who} tenth of the clients waits {} for the median event, {times} the {other} \
             ({}): the server writes {order}.",
            time(slow),
            time(fast)
        ),
    )
}

fn interrupted(summary: &Summary) -> Option<Finding> {
    if !summary.run.interrupted {
        return None;
    }
    note("INTERRUPTED", "The run was interrupted: the figures are of the part that ran.".to_owned())
}
