//! What is seen first: the verdict, the figures that matter, what stands out.

use maud::{Markup, html};

use crate::report::outcome::{Outcome, headline};
use crate::report::reading::Adjusted;
use crate::report::summary::{Severity, Summary};
use crate::report::units::{bytes, count, number, share, time, time_f};

/// A figure with its name and a word beside it.
struct Tile {
    label: &'static str,
    value: String,
    beside: String,
}

pub(super) fn header(summary: &Summary) -> Markup {
    let (severity, text) = headline(summary);
    let (run, plan, outcome) = (&summary.run, &summary.plan, Outcome::of(summary));
    html! {
        header {
            p.over {
                "sse-loadgen"
                @if !run.scenario.is_empty() { " · " (run.scenario) }
                @if !run.started.is_empty() { " · " time { (run.started) } }
            }
            h1 { (sign(severity)) (text) }
            p.target { @for target in &run.targets { code { (target) } " " } }
            p.soft {
                (count(plan.clients)) " clients"
                @if plan.topics > 1 { " on " (plan.topics) " topics" }
                @if summary.publish.is_some() { ", " (number(plan.rate)) " events/s of " (bytes(plan.payload as f64)) }
                @if let Some(measured) = summary.phase_length("measure") { ", measured for " (time(measured)) }
                @if !summary.tool.engine.is_empty() { ", " (summary.tool.engine) " engine" }
                ". Exit code " (outcome.code()) ": " (outcome.text()) "."
            }
        }
    }
}

pub(super) fn tiles(summary: &Summary) -> Markup {
    let tiles =
        [delivery(summary), tail(summary), loss(summary), fanout(summary), clients(summary), rate(summary)];
    let tiles = tiles.into_iter().chain([token(summary), cost(summary), memory(summary)]).flatten();
    let figures = summary.scenario.iter().map(|figure| (&figure.name, figure.value_text(), &figure.text));
    html! {
        dl.tiles {
            @for tile in tiles {
                div { dt { (tile.label) } dd { strong { (tile.value) } span { (tile.beside) } } }
            }
            @for (name, value, text) in figures {
                div { dt { (name) } dd { strong { (value) } span { (text) } } }
            }
        }
    }
}

pub(super) fn findings(summary: &Summary) -> Markup {
    html! {
        @if !summary.findings.is_empty() {
            section.card {
                h2 { "Findings" }
                ul.findings {
                    @for finding in &summary.findings {
                        li { (weight(finding.severity)) div { (finding.text) " " code { (finding.code) } } }
                    }
                }
            }
        }
    }
}

pub(super) fn gates(summary: &Summary) -> Markup {
    html! {
        @if !summary.gates.is_empty() {
            section.card {
                h2 { "Gates" }
                p { "The run fails if one of these holds, or cannot be checked." }
                ul.findings {
                    @for gate in &summary.gates {
                        @let severity = if gate.pass { Severity::Note } else { Severity::Error };
                        li {
                            (sign(severity))
                            @let result = if gate.pass { " passes: " } else { " fails: " };
                            div { code { (gate.expression) } (result) (gate.value_text()) }
                        }
                    }
                }
            }
        }
    }
}

/// A sign and a word for those who do not see it.
fn sign(severity: Severity) -> Markup {
    let (class, sign, word) = match severity {
        Severity::Note => ("good", "✓", "good: "),
        Severity::Warning => ("warn", "!", "warning: "),
        Severity::Error => ("bad", "✗", "error: "),
    };
    html! { span.sign.(class) { span aria-hidden="true" { (sign) } span.unseen { (word) } } }
}

/// Of a finding: a note is neither good nor bad.
fn weight(severity: Severity) -> Markup {
    if severity > Severity::Note {
        return sign(severity);
    }
    html! { span.sign.noted { span aria-hidden="true" { "·" } span.unseen { "note: " } } }
}

fn tile(label: &'static str, value: String, beside: impl Into<String>) -> Option<Tile> {
    Some(Tile { label, value, beside: beside.into() })
}

fn delivery(summary: &Summary) -> Option<Tile> {
    tile("Delivery, median", time(summary.measured("delivery")?.at("50")?), "from the planned time")
}

fn tail(summary: &Summary) -> Option<Tile> {
    let at = summary.measured("delivery")?;
    let p99 = match summary.adjusted("99") {
        Some(Adjusted::Lost) => "lost".to_owned(),
        Some(Adjusted::At(nanos)) => time(nanos),
        None => time(at.at("99")?),
    };
    tile("Delivery, 99 %", p99, format!("longest {}", time(at.max)))
}

fn loss(summary: &Summary) -> Option<Tile> {
    let loss = summary.loss()?;
    let beside = format!("{} of {}", count(summary.delivery.lost), count(summary.delivery.expected));
    tile("Lost", share(loss), beside)
}

fn fanout(summary: &Summary) -> Option<Tile> {
    let fanout = summary.fanout.as_ref()?;
    match fanout.completion.get("100") {
        Some(all) => {
            let at = all.over_events(50.0).map_or_else(|| "never".to_owned(), time);
            let worst = all.over_events(100.0).map_or_else(|| "never".to_owned(), time);
            tile("All clients have it", at, format!("median event; slowest {worst}"))
        }
        None => tile("First to last client", time(fanout.spread.at("50")?), "median event"),
    }
}

fn clients(summary: &Summary) -> Option<Tile> {
    let connections = &summary.connections;
    tile("Clients ready", count(connections.ready), format!("of {}", count(connections.planned)))
}

fn rate(summary: &Summary) -> Option<Tile> {
    let throughput = &summary.throughput;
    tile("Events per second", number(throughput.events_per_s), format!("{}/s", bytes(throughput.bytes_per_s)))
}

fn token(summary: &Summary) -> Option<Tile> {
    let first = summary.measured("first_token")?;
    tile("First token, median", time(first.at("50")?), format!("99 % {}", time(first.at("99")?)))
}

fn cost(summary: &Summary) -> Option<Tile> {
    let server = summary.server.as_ref()?;
    tile(
        "Server CPU",
        time_f(server.cpu_ns_per_delivery?),
        format!("per delivery; {} cores", number(server.cores)),
    )
}

fn memory(summary: &Summary) -> Option<Tile> {
    tile("Server memory", bytes(summary.server.as_ref()?.memory_per_client?), "per client")
}
