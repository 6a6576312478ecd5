//! Deliveries that are not as they ought to be.

use super::{Rule, error, note, warning};
use crate::report::summary::{Finding, Summary};
use crate::report::units::{count, count_of, share};

pub(super) const RULES: &[Rule] =
    &[no_events, loss, silent_gap, duplicates, reordered, corrupt, announced, late, foreign, unparsed];

fn no_events(summary: &Summary) -> Option<Finding> {
    if summary.connections.ready == 0 || !silent(summary) {
        return None;
    }
    let clients = count_of(summary.connections.ready, "client");
    match &summary.publish {
        Some(publish) if publish.accepted > 0 => error(
            "NO_EVENTS",
            format!(
                "{clients} had a stream and {} were accepted, but not one event came: is it the same topic?",
                count_of(publish.accepted, "event")
            ),
        ),
        _ => warning("NO_EVENTS", format!("{clients} had a stream, but not one event came.")),
    }
}

/// Not one event was read.
fn silent(summary: &Summary) -> bool {
    let windows: u64 = summary.throughput.windows.iter().map(|window| window.events).sum();
    let first = ["first_event", "first_token"].iter().any(|name| summary.measured(name).is_some());
    summary.delivery.received + windows == 0 && summary.throughput.events_per_s == 0.0 && !first
}

fn loss(summary: &Summary) -> Option<Finding> {
    let delivery = &summary.delivery;
    if delivery.lost == 0 || silent(summary) {
        return None;
    }
    let of = summary.loss().map_or(String::new(), |loss| format!(" ({})", share(loss)));
    let (lost, expected) = (count(delivery.lost), count(delivery.expected));
    error("LOSS", format!("{lost} of {expected} deliveries{of} never came, and nobody said so."))
}

fn silent_gap(summary: &Summary) -> Option<Finding> {
    let resumes = &summary.connections.resumes;
    let (gaps, sent) = (resumes.gap_silent, resumes.sent);
    if gaps == 0 {
        return None;
    }
    let text = format!(
        "{} of {} reconnects with Last-Event-ID missed events, and nobody said so.",
        count(gaps),
        count(sent)
    );
    error("SILENT_GAP", text)
}

fn duplicates(summary: &Summary) -> Option<Finding> {
    fault(summary, summary.delivery.duplicated, "DUPLICATES", "came more than once")
}

fn reordered(summary: &Summary) -> Option<Finding> {
    fault(summary, summary.delivery.reordered, "REORDERED", "came after a later event")
}

fn corrupt(summary: &Summary) -> Option<Finding> {
    fault(summary, summary.delivery.corrupted, "CORRUPT", "came with a wrong checksum")
}

fn unparsed(summary: &Summary) -> Option<Finding> {
    let number = summary.delivery.unparsed;
    if number == 0 {
        return None;
    }
    let events = count_of(number, "event");
    warning(
        "UNPARSED",
        format!("{events} came, and the engine's own parser did not give them: not the server's fault."),
    )
}

fn fault(summary: &Summary, number: u64, code: &str, what: &str) -> Option<Finding> {
    if number == 0 {
        return None;
    }
    let noun = if number == 1 { "delivery" } else { "deliveries" };
    let received = count(summary.delivery.received);
    error(code, format!("{} {noun} of {received} {what}.", count(number)))
}

fn announced(summary: &Summary) -> Option<Finding> {
    let delivery = &summary.delivery;
    if delivery.announced == 0 {
        return None;
    }
    let (missed, expected) = (count(delivery.announced), count(delivery.expected));
    warning(
        "ANNOUNCED_GAP",
        format!("{missed} of {expected} deliveries were missed, and the server said so."),
    )
}

fn late(summary: &Summary) -> Option<Finding> {
    let delivery = &summary.delivery;
    if delivery.late == 0 {
        return None;
    }
    let (late, received) = (count(delivery.late), count(delivery.received));
    warning("LATE", format!("{late} of {received} deliveries came later than --late allows."))
}

fn foreign(summary: &Summary) -> Option<Finding> {
    // Without a publisher of our own every event is somebody else's.
    if summary.delivery.foreign == 0 || summary.publish.is_none() {
        return None;
    }
    let events = count_of(summary.delivery.foreign, "event");
    note("FOREIGN", format!("{events} came that this run did not publish: something else uses the topic."))
}
