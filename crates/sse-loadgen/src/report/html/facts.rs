//! The counts and costs of a run, a card for each matter.

use maud::{Markup, html};

use crate::report::reading::reasons;
use crate::report::summary::{Summary, Verdict};
use crate::report::units::{bytes, count, exact_bytes, number, share, time, time_f};

/// What something is, and what it came to; marked if it is not as it ought to be.
struct Fact {
    name: String,
    value: String,
    bad: bool,
}

pub(super) fn facts(summary: &Summary) -> Markup {
    let cards = [
        ("Integrity", integrity(summary)),
        ("Connections", connections(summary)),
        ("Resumes", resumes(summary)),
        ("Publishing", publishing(summary)),
        ("Server", server(summary)),
        ("Tester", tester(summary)),
    ];
    html! {
        div.facts {
            @for (title, facts) in cards.iter().filter(|(_, facts)| !facts.is_empty()) {
                section.card {
                    h2 { (title) }
                    dl {
                        @for fact in facts {
                            dt { (fact.name) }
                            dd.bad[fact.bad] { @if fact.bad { span aria-hidden="true" { "✗ " } } (fact.value) }
                        }
                    }
                    @if *title == "Integrity" {
                        @for example in &summary.delivery.examples { p.soft { (example) } }
                    }
                    @if *title == "Tester" {
                        @for reason in &summary.client_health.reasons { p.soft { (reason.text) } }
                    }
                    @if *title == "Server" {
                        @for note in summary.server.iter().flat_map(|server| &server.notes) { p.soft { (note) } }
                    }
                }
            }
        }
    }
}

fn fact(name: &str, value: String) -> Fact {
    Fact { name: name.to_owned(), value, bad: false }
}

/// A count that ought to be nought.
fn fault(name: &str, number: u64) -> Fact {
    Fact { name: name.to_owned(), value: count(number), bad: number > 0 }
}

fn integrity(summary: &Summary) -> Vec<Fact> {
    let delivery = &summary.delivery;
    if delivery.expected + delivery.received == 0 {
        // Nobody knows what ought to have come: then "lost 0" would be a lie.
        let foreign =
            (delivery.foreign > 0).then(|| fact("events, not of this run", count(delivery.foreign)));
        return foreign.into_iter().collect();
    }
    let mut facts = vec![
        fact("expected", count(delivery.expected)),
        fact("received", count(delivery.received)),
        fault("lost", delivery.lost),
        fault("duplicated", delivery.duplicated),
        fault("reordered", delivery.reordered),
        fault("corrupted", delivery.corrupted),
        fault("kept by the parser", delivery.unparsed),
        fact("announced as missed", count(delivery.announced)),
        fact("later than --late", count(delivery.late)),
    ];
    if delivery.foreign > 0 {
        facts.push(fact("not of this run", count(delivery.foreign)));
    }
    if delivery.affected_clients > 0 {
        facts.push(fact("clients with a fault", count(delivery.affected_clients)));
    }
    facts
}

fn connections(summary: &Summary) -> Vec<Fact> {
    let connections = &summary.connections;
    let mut facts = vec![
        fact("planned", count(connections.planned)),
        Fact {
            bad: connections.ready < connections.planned,
            ..fact("ready to be measured", count(connections.ready))
        },
        fact("held to the end", count(connections.held)),
        fact("streams opened", count(connections.opened)),
        fact("reconnects", count(connections.reconnects)),
        fact("gave up", count(connections.stopped)),
        fault("errors", summary.connect_errors()),
    ];
    let whys = [("why", &connections.errors), ("streams ended", &connections.closed)];
    facts.extend(whys.iter().filter(|(_, why)| !why.is_empty()).map(|(name, why)| fact(name, reasons(*why))));
    facts
}

fn resumes(summary: &Summary) -> Vec<Fact> {
    let resumes = &summary.connections.resumes;
    if resumes.sent == 0 {
        return Vec::new();
    }
    vec![
        fact("with Last-Event-ID", count(resumes.sent)),
        fact("without a gap", count(resumes.contiguous)),
        fact("gap announced", count(resumes.gap_announced)),
        fault("gap, silent", resumes.gap_silent),
        fact("events again", count(resumes.repeated)),
        fact("no event since", count(resumes.unsettled)),
    ]
}

fn publishing(summary: &Summary) -> Vec<Fact> {
    let Some(publish) = &summary.publish else { return Vec::new() };
    let mut facts = vec![
        fact("planned", count(publish.planned)),
        fact("sent", count(publish.sent)),
        fact("accepted", count(publish.accepted)),
        fault("refused", publish.rejected),
        fault("without an answer", publish.unknown),
    ];
    for (name, what) in [("publish_slip", "sent late, 99 %"), ("publish_ack", "accepted after, 99 %")] {
        facts.extend(summary.measured(name).and_then(|times| Some(fact(what, time(times.at("99")?)))));
    }
    if publish.streamed {
        facts.push(fact("accepted after", "not known: one answer for all".to_owned()));
    }
    if !publish.errors.is_empty() {
        facts.push(fact("why", reasons(&publish.errors)));
    }
    facts
}

fn server(summary: &Summary) -> Vec<Fact> {
    let Some(server) = &summary.server else { return Vec::new() };
    let mut facts = Vec::new();
    for (cost, what) in [
        (server.cpu_ns_per_delivery, "CPU per delivery"),
        (server.cpu_user_ns_per_delivery, "of it in the program"),
        (server.cpu_system_ns_per_delivery, "of it in system calls"),
        (server.cpu_ns_per_connection, "CPU per connection"),
    ] {
        facts.extend(cost.map(|cost| fact(what, time_f(cost))));
    }
    facts.push(fact("cores", number(server.cores)));
    // Of the whole machine: there is no telling whose it is.
    let kernel =
        if summary.host.shared_with_target { "kernel per client, both ends" } else { "kernel per client" };
    for (each, what) in [
        (server.memory_per_client, "memory per client"),
        (server.rss_per_client, "RSS per client"),
        (server.kernel_per_client, kernel),
    ] {
        facts.extend(each.map(|each| fact(what, exact_bytes(each))));
    }
    if server.rss_peak_bytes > 0 {
        facts.push(fact("RSS peak", bytes(server.rss_peak_bytes as f64)));
    }
    facts.push(fact("memory before", bytes(server.memory_before_bytes as f64)));
    facts.push(fact("memory with all", bytes(server.memory_bytes as f64)));
    facts.push(fact("descriptors before", count(server.descriptors_before)));
    facts.push(fact("descriptors with all", count(server.descriptors)));
    facts.push(fact("descriptors after", count(server.descriptors_after)));
    facts.push(fact("processes", server.pids.iter().map(i32::to_string).collect::<Vec<_>>().join(", ")));
    facts
}

fn tester(summary: &Summary) -> Vec<Fact> {
    let (health, host) = (&summary.client_health, &summary.host);
    let (verdict, bad) = match health.verdict {
        Verdict::Ok => ("ok", false),
        Verdict::Degraded => ("degraded", true),
        Verdict::Saturated => ("saturated", true),
    };
    let mut facts = vec![Fact { bad, ..fact("verdict", verdict.to_owned()) }];
    if !health.worker_cpu.is_empty() {
        let cpu: Vec<_> = health.worker_cpu.iter().map(|cpu| share(*cpu)).collect();
        facts.push(fact("CPU of each worker", cpu.join(", ")));
    }
    facts.push(fact("waiting for a core", share(health.run_queue)));
    facts.push(fact("woken late, 99.9 %", time(health.hiccup_p999_ns)));
    facts.extend(health.lag_p99_ns.map(|lag| fact("read late, 99 %", time(lag))));
    facts.push(fact("memory per client", bytes(health.memory_per_client as f64)));
    facts.extend(health.signals.iter().map(|(name, value)| fact(&name.replace('_', " "), number(*value))));
    if host.cpus > 0 {
        facts.push(fact(
            "machine",
            format!("{} cores, {}, Linux {}", host.cpus, bytes(host.memory_bytes as f64), host.kernel),
        ));
    }
    facts
}
