//! What is printed when a run is over: it reads at a glance, and in a hundred columns.
//!
//! Colour only underlines what the text says anyway, so that the plain text, in a log or on paper, says as much.

mod facts;
mod fanout;
mod latency;
mod sheet;
mod trust;

use self::sheet::{Piece, Sheet, Tone};
use super::outcome::{Outcome, headline};
use super::summary::{Severity, Summary};
use super::units::{bytes, count_of, number, time};

/// How the text may look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Letters alone.
    #[default]
    Plain,
    /// With the colours that a terminal has; for those who did not ask for none (`NO_COLOR`).
    Coloured,
}

/// A run as a text that ends with a newline. Needs what is worked out from the rest: metrics, gates and findings.
#[must_use]
pub fn table(summary: &Summary, style: Style) -> String {
    let mut sheet = Sheet::new(style);
    title(summary, &mut sheet);
    facts::connections(summary, &mut sheet);
    latency::latency(summary, &mut sheet);
    fanout::fanout(summary, &mut sheet);
    sheet.blank();
    fanout::order(summary, &mut sheet);
    facts::integrity(summary, &mut sheet);
    facts::publish(summary, &mut sheet);
    facts::liveness(summary, &mut sheet);
    facts::throughput(summary, &mut sheet);
    facts::scenario(summary, &mut sheet);
    trust::server(summary, &mut sheet);
    trust::client(summary, &mut sheet);
    trust::findings(summary, &mut sheet);
    trust::gates(summary, &mut sheet);
    end(summary, &mut sheet);
    sheet.into_text()
}

fn title(summary: &Summary, sheet: &mut Sheet) {
    let (run, plan) = (&summary.run, &summary.plan);
    let label = if run.scenario.is_empty() { "run" } else { &run.scenario };
    sheet.row(label, run.targets.iter().map(|target| Piece::strong(target)));
    let mut about = Vec::new();
    if !summary.tool.engine.is_empty() {
        about.push(Piece::plain(&format!("{} engine", summary.tool.engine)));
    }
    about.push(Piece::plain(&count_of(plan.clients, "client")));
    if plan.topics > 1 {
        about.push(Piece::plain(&count_of(u64::from(plan.topics), "topic")));
    }
    if summary.publish.is_some() {
        about.push(Piece::plain(&format!(
            "{} events/s of {}",
            number(plan.rate),
            bytes(plan.payload as f64)
        )));
    }
    if let Some(measured) = summary.phase_length("measure") {
        about.push(Piece::plain(&format!("measured for {}", time(measured))));
    }
    if plan.workers > 1 {
        about.push(Piece::plain(&format!("{} processes", plan.workers)));
    }
    sheet.row("", about);
    sheet.blank();
}

fn end(summary: &Summary, sheet: &mut Sheet) {
    let (severity, text) = headline(summary);
    let outcome = Outcome::of(summary);
    sheet.blank();
    sheet.sentence("Result", sheet::mark(severity), &text);
    let tone = if outcome == Outcome::Passed { Tone::Good } else { Tone::Bad };
    sheet.sentence("Exit", Piece::new(&outcome.code().to_string(), tone), outcome.text());
}

/// Of what is not a finding: whether it is as it ought to be.
fn check(good: bool) -> Piece {
    sheet::mark(if good { Severity::Note } else { Severity::Error })
}

#[cfg(test)]
mod tests;
