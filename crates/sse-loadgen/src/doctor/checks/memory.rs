//! Memory: the kernel's for sockets and for what is under way, and our own.

use super::{Case, Check, Verdict, bytes};

/// What the kernel keeps at each end of a connection: socket, inode, file, and what epoll needs to watch it. Measured as
/// what an idle connection adds to its memory.
const SOCKET: u64 = 4_700;

/// What a client takes of our own memory with the raw engine while it waits. With reqwest it is about twenty times
/// that.
const CLIENT: u64 = 1_024;

/// What a worker takes without clients: mostly its histograms.
const WORKER: u64 = 16 << 20;

/// TCP counts what is under way in whole pages, and a socket with one small event in its queue has at least one.
pub(super) fn tcp_buffers(case: &Case<'_>) -> Option<Check> {
    let there_is = case.limits.tcp_buffers?;
    let page = procfs::page_size();
    let needed = u64::from(case.clients) * case.ends() * page;
    let said = format!(
        "{} for all TCP buffers; an event under way to every client takes {}",
        bytes(there_is),
        bytes(needed)
    );
    // Twice, because events overtake those before them; the kernel begins to save at the second number.
    let pages = (2 * needed).div_ceil(page);
    let fix = format!("sysctl -w net.ipv4.tcp_mem=\"{} {} {pages}\"", pages / 2, pages / 4 * 3);
    Some(Check::new("TCP buffers", Verdict::at_least(needed, there_is), said, Some(fix)))
}

/// The server's own memory is not known, and not in it.
pub(super) fn memory(case: &Case<'_>) -> Option<Check> {
    let machine = case.limits.memory_available?;
    let there_is = machine.min(case.limits.memory.unwrap_or(u64::MAX));
    let workers = case.plan.as_ref().map_or(1, |plan| u64::from(plan.workers)) * WORKER;
    let client = SOCKET * case.ends() + CLIENT;
    let most = there_is.saturating_sub(workers) / client;
    let clients = u64::from(case.clients);
    let said = format!(
        "{} available; {} for the kernel's sockets ({}), {} for ourselves",
        bytes(there_is),
        bytes(SOCKET * case.ends() * clients),
        if case.situation.shared { "both ends" } else { "our end" },
        bytes(CLIENT * clients + workers),
    );
    // Only a group's limit can be lifted by a line.
    let fix =
        (there_is < machine).then(|| "systemd-run --scope -p MemoryMax=infinity sse-loadgen ...".to_owned());
    Some(Check::new("memory", Verdict::up_to(most, case.clients), said, fix))
}
