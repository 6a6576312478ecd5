//! Ports, queues of connections that are being made, and the table of a firewall.

use super::{Case, Check, Verdict, thousands};
use crate::host::{Limits, Ports};
use crate::plan::{PlanError, plan, ports_per_pair};

/// As many connections are being made at the same time, at most: what a server that is up to it needs room for.
const IN_FLIGHT: u64 = 1_024;

/// What is above the ports that only root may listen on.
const ALL_PORTS: Ports = Ports { first: 1_024, last: 65_535, reserved: 0 };

pub(super) fn ports(case: &Case<'_>) -> Option<Check> {
    let ports = case.limits.ports?;
    let share = ports_per_pair(case.limits);
    let range = format!(
        "{} ports ({}-{}), of which {} are used per pair of addresses",
        thousands(ports.count().into()),
        ports.first,
        ports.last,
        thousands(share.into()),
    );
    let (verdict, said) = match case.plan {
        Ok(plan) => {
            let pairs = plan.pairs();
            (Verdict::Ok, format!("{range}: {pairs} {}", if pairs == 1 { "pair" } else { "pairs" }))
        }
        Err(PlanError::Ports { possible, .. }) => (Verdict::LimitsTo((*possible).into()), range),
        Err(_) => return None,
    };
    Some(Check::new("ports", verdict, said, Some(more_ports(case))))
}

/// A wider range, if that does; else more addresses.
fn more_ports(case: &Case<'_>) -> String {
    let wider = Limits { ports: Some(ALL_PORTS), ..case.limits.clone() };
    let situation = case.situation;
    if plan(case.clients, &situation.targets, None, &situation.sources, &wider).is_ok() {
        return format!("sysctl -w net.ipv4.ip_local_port_range=\"{} {}\"", ALL_PORTS.first, ALL_PORTS.last);
    }
    let Err(PlanError::Ports { possible, .. }) = case.plan else { return String::new() };
    // Each further source gives as many again as the present ones do on average.
    let have = situation.sources.len().max(1) as u64;
    let needed = (u64::from(case.clients) * have).div_ceil(u64::from(*possible).max(1));
    format!("sse-loadgen ... --source IP (repeated: {needed} addresses of this machine)")
}

pub(super) fn accept_queue(case: &Case<'_>) -> Option<Check> {
    queue(
        case,
        "accept queue",
        case.limits.accept_queue?,
        "net.core.somaxconn",
        "connections that wait to be accepted",
    )
}

pub(super) fn handshakes(case: &Case<'_>) -> Option<Check> {
    queue(
        case,
        "handshakes",
        case.limits.syn_backlog?,
        "net.ipv4.tcp_max_syn_backlog",
        "unfinished handshakes",
    )
}

/// A full queue drops packets, and who sent them tries again after a second: no client is lost, but the ramp looks
/// bad.
fn queue(case: &Case<'_>, name: &'static str, there_is: u64, setting: &str, what: &str) -> Option<Check> {
    if !case.situation.shared {
        return None;
    }
    let enough = IN_FLIGHT.min(case.clients.into());
    let said = format!("room for {} {what}; {} may come at once", thousands(there_is), thousands(enough));
    let fix = format!("sysctl -w {setting}=4096");
    Some(Check::new(name, Verdict::at_least(enough, there_is), said, Some(fix)))
}

pub(super) fn conntrack(case: &Case<'_>) -> Option<Check> {
    let table = case.limits.conntrack?;
    let room = table.max.saturating_sub(table.count);
    let (verdict, tracked) = if table.count == 0 {
        // No firewall rule asks for it at present.
        (Verdict::at_least(case.clients.into(), room), "none are tracked at present".to_owned())
    } else {
        (Verdict::up_to(room, case.clients), format!("{} are tracked", thousands(table.count)))
    };
    let said = format!("the firewall can track {} connections; {tracked}", thousands(table.max));
    let needed = (table.count + u64::from(case.clients)).next_power_of_two();
    let fix = format!("sysctl -w net.netfilter.nf_conntrack_max={needed}");
    Some(Check::new("conntrack", verdict, said, Some(fix)))
}
