//! Distributions, one a line.

use super::sheet::{Sheet, Tone};
use crate::report::reading::Adjusted;
use crate::report::summary::{Distribution, PERCENTILES, Summary};
use crate::report::units::{NONE, count, time, time_or_none};

/// What the run is about first, then in the order of a stream's life. Publishing, heartbeats and hiccups have lines of
/// their own.
const ROWS: [(&str, &str); 14] = [
    ("delivery", "delivery"),
    ("delivery_wire", "  on the wire"),
    ("lag", "  read lag"),
    ("replayed", "  replayed"),
    ("first_token", "first token"),
    ("between_tokens", "between tokens"),
    ("stream", "whole answer"),
    ("recovery", "recovery"),
    ("reconnect", "reconnect"),
    ("connect", "TCP connect"),
    ("connect_planned", "planned connect"),
    ("headers", "headers"),
    ("first_event", "first event"),
    ("gap", "between events"),
];

pub(super) fn latency(summary: &Summary, sheet: &mut Sheet) {
    let mut rows = Vec::new();
    for (name, label) in ROWS {
        let Some(distribution) = summary.measured(name) else { continue };
        rows.push((Tone::Plain, row(label, distribution)));
        if name == "delivery" && !summary.delivery.adjusted_p.is_empty() {
            rows.push(adjusted(summary, distribution));
        }
    }
    if rows.is_empty() {
        return;
    }
    let percentiles = PERCENTILES.iter().map(|percent| format!("p{percent}"));
    let header = std::iter::once("Latency".to_owned()).chain(percentiles);
    sheet.blank();
    sheet.grid(header.chain(["max".to_owned(), "samples".to_owned()]).collect(), rows);
}

fn row(label: &str, distribution: &Distribution) -> Vec<String> {
    let percentiles = PERCENTILES.iter().map(|percent| time_or_none(distribution.at(&percent.to_string())));
    let cells = std::iter::once(label.to_owned()).chain(percentiles);
    cells.chain([time_or_none(distribution.longest()), count(distribution.count)]).collect()
}

/// Over all expected deliveries: what never came is later than any that did.
fn adjusted(summary: &Summary, delivery: &Distribution) -> (Tone, Vec<String>) {
    let complete = summary.delivery.measured <= delivery.count;
    let max = if complete { time_or_none(delivery.longest()) } else { "lost".to_owned() };
    let percentiles = PERCENTILES.iter().map(|percent| match summary.adjusted(&percent.to_string()) {
        Some(Adjusted::At(nanos)) => time(nanos),
        Some(Adjusted::Lost) => "lost".to_owned(),
        None => NONE.to_owned(),
    });
    let cells = std::iter::once("  of all expected".to_owned()).chain(percentiles);
    let tone = if complete { Tone::Plain } else { Tone::Bad };
    (tone, cells.chain([max, count(summary.delivery.measured)]).collect())
}
