//! What happened to connections, deliveries and events, a line each.

use super::check;
use super::sheet::{Piece, Sheet, Tone, mark};
use crate::report::outcome::faults;
use crate::report::reading::reasons;
use crate::report::summary::{Resumes, Severity, Summary};
use crate::report::units::{bytes, count, number, share, time};

/// Shown of the clients with a fault.
const EXAMPLES: usize = 3;

pub(super) fn connections(summary: &Summary, sheet: &mut Sheet) {
    let connections = &summary.connections;
    let ready = format!("{} of {} ready", count(connections.ready), count(connections.planned));
    let within =
        summary.phase_length("connect").map_or(String::new(), |length| format!(" in {}", time(length)));
    let tone = if connections.ready < connections.planned { Tone::Warn } else { Tone::Plain };
    let mut pieces = vec![Piece::new(&(ready + &within), tone)];
    pieces.push(Piece::plain(&format!("held {}", count(connections.held))));
    pieces.push(counted("errors", summary.connect_errors()));
    if connections.reconnects > 0 {
        pieces.push(Piece::plain(&format!("reconnects {}", count(connections.reconnects))));
    }
    if connections.stopped > 0 {
        pieces.push(Piece::new(&format!("gave up {}", count(connections.stopped)), Tone::Warn));
    }
    sheet.row("Connections", pieces);
    for (what, reasons) in [("errors", reasons(&connections.errors)), ("ended", reasons(&connections.closed))]
    {
        if !reasons.is_empty() {
            sheet.row("", [Piece::faint(&format!("{what}: {reasons}"))]);
        }
    }
}

pub(super) fn integrity(summary: &Summary, sheet: &mut Sheet) {
    let (delivery, faults) = (&summary.delivery, faults(summary));
    if delivery.expected + delivery.received == 0 && faults.is_empty() {
        // Answers are held against themselves, below.
        if delivery.foreign > 0 && summary.run.scenario != "request" {
            let text = "nobody knows what ought to have come: the run did not publish";
            sheet.sentence(
                "Integrity",
                Piece::faint("·"),
                &format!("{} events; {text}", count(delivery.foreign)),
            );
        }
        return;
    }
    let received = count(delivery.received);
    let text = match (faults.is_empty(), delivery.expected) {
        (true, 0) => format!("{received} deliveries, each once and in order"),
        (true, expected) => format!("{received} of {} deliveries, each once and in order", count(expected)),
        (false, _) => faults.join(", "),
    };
    let loss = summary
        .loss()
        .filter(|loss| *loss > 0.0)
        .map_or(String::new(), |loss| format!("; loss {}", share(loss)));
    sheet.sentence("Integrity", check(faults.is_empty()), &(text + &loss));
    let others = [
        (delivery.announced, "announced as missed", Tone::Warn),
        (delivery.unparsed, "kept by the engine's parser", Tone::Warn),
        (delivery.late, "later than --late", Tone::Warn),
        (delivery.foreign, "of others", Tone::Plain),
        (delivery.affected_clients, "clients with a fault", Tone::Plain),
    ];
    let others = others.iter().filter(|(number, ..)| *number > 0);
    let others: Vec<_> =
        others.map(|(number, what, tone)| Piece::new(&format!("{} {what}", count(*number)), *tone)).collect();
    if !others.is_empty() {
        sheet.row("", others);
    }
    for example in delivery.examples.iter().take(EXAMPLES) {
        sheet.sentence("", Piece::faint("·"), example);
    }
    resumes(&summary.connections.resumes, sheet);
}

fn resumes(resumes: &Resumes, sheet: &mut Sheet) {
    if resumes.sent == 0 {
        return;
    }
    let parts = [
        (resumes.contiguous, "went on without a gap"),
        (resumes.gap_announced, "with an announced gap"),
        (resumes.gap_silent, "with a silent gap"),
        (resumes.repeated, "with repeated events"),
        (resumes.unsettled, "without an event since"),
    ];
    let parts = parts.iter().filter(|(number, _)| *number > 0);
    let parts: Vec<_> = parts.map(|(number, what)| format!("{} {what}", count(*number))).collect();
    let text = format!("{} resumed by Last-Event-ID: {}", count(resumes.sent), parts.join(", "));
    let severity = if resumes.gap_silent > 0 { Severity::Error } else { Severity::Note };
    sheet.sentence("Resumes", mark(severity), &text);
}

pub(super) fn publish(summary: &Summary, sheet: &mut Sheet) {
    let Some(publish) = &summary.publish else { return };
    let mut pieces =
        vec![Piece::plain(&format!("{} of {} sent", count(publish.sent), count(publish.planned)))];
    pieces.push(Piece::plain(&format!("accepted {}", count(publish.accepted))));
    for (name, what) in [("publish_slip", "slip p99"), ("publish_ack", "ack p99")] {
        pieces.extend(percentile(summary, name, "99", what));
    }
    pieces.push(counted("errors", publish.rejected + publish.unknown));
    sheet.row("Publish", pieces);
    if publish.streamed {
        sheet.row(
            "",
            [Piece::faint("in requests that last: no event has an answer of its own, and so no ack")],
        );
    }
    let reasons = reasons(&publish.errors);
    if !reasons.is_empty() {
        sheet.row("", [Piece::faint(&reasons)]);
    }
}

pub(super) fn liveness(summary: &Summary, sheet: &mut Sheet) {
    let mut pieces: Vec<_> =
        percentile(summary, "heartbeat_gap", "99", "heartbeat gap p99").into_iter().collect();
    if let Some(gap) = summary.measured("gap") {
        pieces.push(Piece::plain(&format!("longest silence between two events {}", time(gap.max))));
    }
    if !pieces.is_empty() {
        sheet.row("Liveness", pieces);
    }
}

pub(super) fn throughput(summary: &Summary, sheet: &mut Sheet) {
    let throughput = &summary.throughput;
    if throughput.events_per_s > 0.0 {
        let events = Piece::plain(&format!("{} events/s", number(throughput.events_per_s)));
        sheet.row("Throughput", [events, Piece::plain(&format!("{}/s", bytes(throughput.bytes_per_s)))]);
    }
}

/// What only this scenario measures.
pub(super) fn scenario(summary: &Summary, sheet: &mut Sheet) {
    for (index, figure) in summary.scenario.iter().enumerate() {
        let label = if index == 0 { "Scenario" } else { "" };
        let tone = if figure.value.is_some() { Tone::Strong } else { Tone::Warn };
        sheet.row(
            label,
            [Piece::new(&format!("{:>9}", figure.value_text()), tone), Piece::plain(&figure.text)],
        );
    }
}

fn percentile(summary: &Summary, name: &str, percent: &str, what: &str) -> Option<Piece> {
    let at = summary.measured(name)?.at(percent)?;
    Some(Piece::plain(&format!("{what} {}", time(at))))
}

fn counted(what: &str, number: u64) -> Piece {
    Piece::new(&format!("{what} {}", count(number)), if number > 0 { Tone::Bad } else { Tone::Plain })
}
