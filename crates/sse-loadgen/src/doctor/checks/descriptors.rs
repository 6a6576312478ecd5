//! Descriptors: every connection takes one at each of its ends.

use super::{Case, Check, Verdict, thousands};
use crate::doctor::situation::Server;
use crate::plan::RESERVED_FILES;

/// Files that the machine has open besides, however little it does.
const OTHER_FILES: u64 = 4_096;

const SERVER: &str = "server files";

pub(super) fn per_process(case: &Case<'_>) -> Check {
    let files = case.limits.open_files.hard;
    let a_process = files.map_or_else(|| "unlimited".to_owned(), thousands);
    // That there are too few ports says nothing about descriptors.
    let workers = case.plan.as_ref().map(|plan| plan.workers).ok();
    let said = match workers {
        Some(1) => format!("{a_process} a process: 1 worker"),
        Some(workers) => {
            let each = thousands(case.clients.div_ceil(workers).into());
            format!("{a_process} a process: {workers} workers of {each} clients each")
        }
        None => format!("{a_process} a process"),
    };
    // More workers get past any limit that has room for one client.
    let most = if files.is_some_and(|files| files <= RESERVED_FILES) { 0 } else { u64::MAX };
    Check::new("open files", Verdict::up_to(most, case.clients), said, Some("ulimit -n 20000".to_owned()))
}

/// The limit of the server, if it is on this machine: that of the processes that are there, or the one that it would
/// be started with.
pub(super) fn of_servers(case: &Case<'_>) -> Option<Check> {
    match case.situation.servers.as_slice() {
        [] if case.situation.shared => not_yet_started(case),
        [] => None,
        servers => Some(running(case.clients, servers)),
    }
}

/// It may raise its own limit, or be several processes, so that nothing is impossible yet.
fn not_yet_started(case: &Case<'_>) -> Option<Check> {
    let files = case.limits.open_files.soft?;
    let needed = u64::from(case.clients) + RESERVED_FILES;
    let verdict = Verdict::at_least(needed, files);
    let said = format!("a server that is started from this shell may open {}", thousands(files));
    Some(Check::new(SERVER, verdict, said, Some(format!("ulimit -n {needed}"))))
}

/// Assumes that processes on one port get equally many connections.
fn running(clients: u32, servers: &[Server]) -> Check {
    let room =
        |server: &Server| server.open_files.map_or(u64::MAX, |files| files.saturating_sub(server.open));
    let least = servers.iter().map(room).min().unwrap_or_default();
    let most = least.saturating_mul(servers.len() as u64);
    let said = match servers {
        [server] => format!("the server (pid {}) {}", server.pid, allowed(least)),
        _ => format!("the server has {} processes, of which one {}", servers.len(), allowed(least)),
    };
    let each = u64::from(clients).div_ceil(servers.len() as u64);
    let lines = servers.iter().filter(|server| room(server) < each).map(|server| {
        let files = server.open + each + RESERVED_FILES;
        format!("prlimit --pid {} --nofile={files}:{files}", server.pid)
    });
    let fix = lines.collect::<Vec<_>>().join(" && ");
    Check::new(SERVER, Verdict::up_to(most, clients), said, Some(fix))
}

fn allowed(room: u64) -> String {
    if room == u64::MAX { "has no limit".to_owned() } else { format!("may open {} more", thousands(room)) }
}

pub(super) fn of_machine(case: &Case<'_>) -> Option<Check> {
    let files = case.limits.files_max?;
    let most = files.saturating_sub(OTHER_FILES) / case.ends();
    let needed = u64::from(case.clients) * case.ends() + OTHER_FILES;
    let said = if files > 1 << 40 {
        "no limit for the whole machine".to_owned()
    } else {
        format!("{} for the whole machine; {} are needed", thousands(files), thousands(needed))
    };
    let fix = format!("sysctl -w fs.file-max={}", needed.next_power_of_two());
    Some(Check::new("all files", Verdict::up_to(most, case.clients), said, Some(fix)))
}
