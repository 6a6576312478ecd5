//! How long an event takes to reach all, and whom it reaches last.

use super::sheet::{Piece, Sheet, Tone, mark};
use crate::report::summary::{Completion, Fanout, Severity, Summary};
use crate::report::units::{count, count_of, time, time_or_none};

pub(super) fn fanout(summary: &Summary, sheet: &mut Sheet) {
    let Some(fanout) = &summary.fanout else { return };
    let mut rows: Vec<_> = [("50", "50 % of clients"), ("90", "90 %"), ("99", "99 %"), ("100", "")]
        .iter()
        .filter_map(|(share, label)| Some((*share, *label, fanout.completion.get(*share)?)))
        .map(|(share, label, completion)| {
            // An event goes to the readers of one topic.
            let all = match summary.plan.topics {
                0 | 1 => format!("all {}", count(summary.connections.ready)),
                _ => "all".to_owned(),
            };
            row(if share == "100" { &all } else { label }, completion)
        })
        .collect();
    if let Some(spread) = Some(&fanout.spread).filter(|spread| spread.count > 0) {
        let times = [spread.at("50"), spread.at("99"), spread.longest()].map(time_or_none);
        rows.push((Tone::Plain, std::iter::once("first to last".to_owned()).chain(times).collect()));
    }
    if rows.is_empty() {
        return;
    }
    sheet.blank();
    sheet.grid(["Fan-out", "median event", "worst 1 %", "slowest"].map(str::to_owned).to_vec(), rows);
    sheet.row("", notes(fanout));
}

fn row(label: &str, completion: &Completion) -> (Tone, Vec<String>) {
    let at = |percent| completion.over_events(percent).map_or_else(|| "never".to_owned(), time);
    let tone = if completion.never > 0 { Tone::Bad } else { Tone::Plain };
    (tone, vec![label.to_owned(), at(50.0), at(99.0), at(100.0)])
}

fn notes(fanout: &Fanout) -> Vec<Piece> {
    let mut notes = vec![Piece::faint(&format!("over {}", count_of(fanout.events, "event")))];
    let never = fanout.completion.values().map(|completion| completion.never).max().unwrap_or(0);
    if never > 0 {
        notes.push(Piece::new(&format!("{} never reached all", count_of(never, "event")), Tone::Bad));
    }
    if fanout.drain_floor_ns > 0 {
        let floor = time(fanout.drain_floor_ns);
        notes.push(Piece::faint(&format!("drain floor {floor}: what reading that many sockets takes")));
    }
    notes
}

pub(super) fn order(summary: &Summary, sheet: &mut Sheet) {
    let Some((oldest, newest)) = summary.oldest_and_newest() else { return };
    let biased = summary.findings.iter().any(|finding| finding.code == "ORDER_BIAS");
    let severity = if biased { Severity::Warning } else { Severity::Note };
    let text = format!("oldest tenth of clients p50 {}, newest {}", time(oldest.p50), time(newest.p50));
    sheet.sentence("Order", mark(severity), &text);
}
