//! The checks: one function for each limit, in the order in which a run would meet them. What the machine does not
//! tell is not checked.

mod descriptors;
mod memory;
mod network;

use super::check::{Check, Verdict};
use super::situation::Situation;
use super::text::{bytes, thousands};
use crate::host::Limits;
use crate::plan::{Plan, PlanError};

/// Everything that a check may look at.
struct Case<'a> {
    clients: u32,
    situation: &'a Situation,
    limits: &'a Limits,
    plan: &'a Result<Plan, PlanError>,
}

impl Case<'_> {
    /// How many ends of each connection are on this machine.
    fn ends(&self) -> u64 {
        1 + u64::from(self.situation.shared)
    }
}

pub(super) fn all(
    clients: u32,
    situation: &Situation,
    limits: &Limits,
    plan: &Result<Plan, PlanError>,
) -> Vec<Check> {
    let case = Case { clients, situation, limits, plan };
    let checks = [
        Some(descriptors::per_process(&case)),
        descriptors::of_servers(&case),
        descriptors::of_machine(&case),
        network::ports(&case),
        network::accept_queue(&case),
        network::handshakes(&case),
        network::conntrack(&case),
        memory::tcp_buffers(&case),
        memory::memory(&case),
        workers(&case),
    ];
    checks.into_iter().flatten().collect()
}

/// A few threads besides the workers: the parent with its publishers and its terminal, and what runs in the group
/// already.
const OTHER_THREADS: u64 = 64;

fn workers(case: &Case<'_>) -> Option<Check> {
    let (allowed, plan) = (case.limits.pids?, case.plan.as_ref().ok()?);
    let room = allowed.saturating_sub(OTHER_THREADS);
    let needed = u64::from(plan.workers);
    // Each worker has as many clients as the others.
    let most = if room >= needed { u64::MAX } else { u64::from(case.clients) / needed * room };
    let said = format!(
        "{} threads in this control group; {} workers and at most {OTHER_THREADS} others",
        thousands(allowed),
        thousands(needed),
    );
    let fix = "systemd-run --scope -p TasksMax=infinity sse-loadgen ...".to_owned();
    Some(Check::new("threads", Verdict::up_to(most, case.clients), said, Some(fix)))
}
