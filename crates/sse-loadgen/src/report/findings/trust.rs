//! Whether the figures are the server's, or the tester's own.

use super::{Rule, error, note, warning};
use crate::report::summary::{Finding, Summary, Verdict};
use crate::report::units::{share, time};

pub(super) const RULES: &[Rule] = &[verdict, measuring_the_client, publisher_late, shared_host];

fn verdict(summary: &Summary) -> Option<Finding> {
    let health = &summary.client_health;
    let reasons: Vec<_> = health.reasons.iter().map(|reason| reason.text.as_str()).collect();
    let why = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join("; ")) };
    match health.verdict {
        Verdict::Ok => None,
        Verdict::Degraded => warning(
            "DEGRADED",
            format!("The tester was busy{why}: latencies are an upper bound of the server's."),
        ),
        Verdict::Saturated => error(
            "SATURATED",
            format!("The tester was the bottleneck{why}: the figures say nothing about the server."),
        ),
    }
}

fn measuring_the_client(summary: &Summary) -> Option<Finding> {
    let fanout = summary.fanout.as_ref()?;
    let all = fanout.completion.get("100")?.over_events(50.0)?;
    if fanout.drain_floor_ns == 0 || all >= 2 * fanout.drain_floor_ns {
        return None;
    }
    // The floor is only a suspicion: reading may have kept pace with the server's writing. The kernel's times know.
    let at = |name, percent| summary.measured(name).and_then(|latency| latency.at(percent));
    let kept_pace =
        |percent| at("delivery_wire", percent) >= at("delivery_sampled", percent).map(|all| all - all / 4);
    if at("delivery_wire", "99").is_some() && kept_pace("50") && kept_pace("99") {
        return None;
    }
    let (all, floor) = (time(all), time(fanout.drain_floor_ns));
    warning(
        "MEASURING_THE_CLIENT",
        format!(
            "All clients have the median event after {all}, and reading that many sockets takes this \
             machine {floor} alone: most of it is the tester's."
        ),
    )
}

fn publisher_late(summary: &Summary) -> Option<Finding> {
    /// Of the delivery that it is part of.
    const TOLERATED: f64 = 0.1;
    let slip = summary.measured("publish_slip")?.at("99")?;
    let delivery = summary.measured("delivery")?.at("99")?;
    let part = slip as f64 / delivery as f64;
    if !part.is_finite() || part <= TOLERATED {
        return None;
    }
    let text = format!(
        "Events were sent up to {} late (p99), {} of the delivery's p99: that part is the publisher's.",
        time(slip),
        share(part)
    );
    warning("PUBLISHER_LATE", text)
}

fn shared_host(summary: &Summary) -> Option<Finding> {
    if !summary.host.shared_with_target {
        return None;
    }
    note(
        "SHARED_HOST",
        "Tester and server share a machine: each takes cores and caches from the other.".to_owned(),
    )
}
