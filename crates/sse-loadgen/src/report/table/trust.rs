//! What the run cost, whether its figures can be trusted, and what follows.

use super::check;
use super::sheet::{Piece, Sheet, Tone, mark};
use crate::report::summary::{Severity, Summary, Verdict};
use crate::report::units::{bytes, count, exact_bytes, number, share, time, time_f};

pub(super) fn server(summary: &Summary, sheet: &mut Sheet) {
    let Some(server) = &summary.server else { return };
    let mut pieces = Vec::new();
    if let Some(cost) = server.cpu_ns_per_delivery {
        let parts = server.cpu_user_ns_per_delivery.zip(server.cpu_system_ns_per_delivery);
        let parts = parts.map_or(String::new(), |(user, system)| {
            format!(" ({} user, {} system)", time_f(user), time_f(system))
        });
        pieces.push(Piece::plain(&format!("{} CPU per delivery{parts}", time_f(cost))));
    }
    pieces.push(Piece::plain(&format!("{} cores", number(server.cores))));
    if let Some(cost) = server.cpu_ns_per_connection {
        pieces.push(Piece::plain(&format!("{} CPU per connection", time_f(cost))));
    }
    let each =
        server.memory_per_client.map_or(String::new(), |each| format!(" ({} per client)", exact_bytes(each)));
    pieces.push(Piece::plain(&format!("memory {}{each}", bytes(server.memory_bytes as f64))));
    if let Some(each) = server.rss_per_client {
        pieces.push(Piece::plain(&format!("RSS {} per client", exact_bytes(each))));
    }
    // A report of an earlier version does not have it.
    if server.rss_peak_bytes > 0 {
        pieces.push(Piece::plain(&format!("RSS peak {}", bytes(server.rss_peak_bytes as f64))));
    }
    if let Some(each) = server.kernel_per_client {
        let ends = if summary.host.shared_with_target { ", both ends" } else { "" };
        pieces.push(Piece::plain(&format!("kernel {} per client{ends}", exact_bytes(each))));
    }
    let descriptors = [server.descriptors_before, server.descriptors, server.descriptors_after].map(count);
    pieces.push(Piece::plain(&format!("descriptors {}", descriptors.join(" → "))));
    sheet.row("Server", pieces);
    for note in &server.notes {
        sheet.sentence("", mark(Severity::Warning), note);
    }
}

pub(super) fn client(summary: &Summary, sheet: &mut Sheet) {
    let health = &summary.client_health;
    let (verdict, tone) = match health.verdict {
        Verdict::Ok => ("✓ ok", Tone::Good),
        Verdict::Degraded => ("! degraded", Tone::Warn),
        Verdict::Saturated => ("✗ saturated", Tone::Bad),
    };
    let mut pieces = vec![Piece::new(verdict, tone)];
    if let Some(cpu) = health.worker_cpu.iter().copied().reduce(f64::max) {
        pieces.push(Piece::plain(&format!("CPU {}", share(cpu))));
    }
    pieces.push(Piece::plain(&format!("run queue {}", share(health.run_queue))));
    pieces.push(Piece::plain(&format!("hiccup p99.9 {}", time(health.hiccup_p999_ns))));
    if let Some(lag) = health.lag_p99_ns {
        pieces.push(Piece::plain(&format!("lag p99 {}", time(lag))));
    }
    if health.memory_per_client > 0 {
        pieces.push(Piece::plain(&format!("memory {} per client", bytes(health.memory_per_client as f64))));
    }
    sheet.row("Tester", pieces);
    for reason in &health.reasons {
        let severity = if reason.verdict == Verdict::Saturated { Severity::Error } else { Severity::Warning };
        sheet.sentence("", mark(severity), &reason.text);
    }
}

pub(super) fn findings(summary: &Summary, sheet: &mut Sheet) {
    // The verdict on the tester stands with its reasons already.
    let said =
        |code: &str| !summary.client_health.reasons.is_empty() && matches!(code, "DEGRADED" | "SATURATED");
    sheet.blank();
    for (index, finding) in summary.findings.iter().filter(|finding| !said(&finding.code)).enumerate() {
        let mark = match finding.severity {
            Severity::Note => Piece::faint("·"),
            severity => mark(severity),
        };
        let label = if index == 0 { "Findings" } else { "" };
        sheet.sentence(label, mark, &format!("{} {}", finding.code, finding.text));
    }
}

pub(super) fn gates(summary: &Summary, sheet: &mut Sheet) {
    if summary.gates.is_empty() {
        return;
    }
    sheet.blank();
    for (index, gate) in summary.gates.iter().enumerate() {
        let label = if index == 0 { "Gates" } else { "" };
        let result = if gate.pass { "passes" } else { "fails" };
        sheet.sentence(
            label,
            check(gate.pass),
            &format!("{} {result}: {}", gate.expression, gate.value_text()),
        );
    }
}
