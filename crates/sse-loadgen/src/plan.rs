//! How a load is spread: over how many worker processes, and over which pairs of addresses.
//!
//! Two limits make one process with one address too little for many clients: descriptors, of which a process has a
//! fixed number, and ports, of which a pair of addresses has at most 64,512, by default 28,232. Pure: it opens
//! nothing.

mod routes;

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::host::{Limits, Ports};

/// The most clients of a run. Ten million take 100 GB of the kernel's memory: who asks for more has mistyped.
pub const MAX_CLIENTS: u32 = 10_000_000;

/// Descriptors of a worker that are no client's: its epoll instance, standard streams, pipes to the parent,
/// publishers.
pub const RESERVED_FILES: u64 = 64;

/// Fewer clients than this are not worth another worker: one core reads so many without being late.
const CLIENTS_WORTH_A_WORKER: u32 = 1_000;

/// The share of a range of ports that is used, in percent. The kernel looks for a free port by trying one after
/// another, so that `connect()` gets slow, and with it the ramp, as a range fills; and a port that was closed on our
/// side is taken for another minute (TIME_WAIT), which reconnecting clients run into.
const PORTS_USED_PERCENT: u64 = 70;

/// The range that Linux has if nobody changed it.
const DEFAULT_PORTS: Ports = Ports { first: 32_768, last: 60_999, reserved: 0 };

/// Who runs the clients, and from where to where they connect.
///
/// Client `i`, from 0, is run by worker `i % workers` and uses route `i % routes.len()`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// How many processes, each with one thread and one epoll instance; at least 1.
    pub workers: u32,
    /// At least one; every target has equally many.
    pub routes: Vec<Route>,
}

/// A way to a target: a pair of a source and a destination, which has a range of ports of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Route {
    /// Which target, in the order given.
    pub target: usize,
    /// The destination.
    pub address: SocketAddr,
    /// The address to bind before connecting; none leaves it to the kernel. Bind it with `IP_BIND_ADDRESS_NO_PORT`:
    /// otherwise the port is chosen before the destination is known, and only one range is there for all
    /// destinations.
    pub source: Option<IpAddr>,
}

/// Why so many clients cannot be had.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PlanError {
    /// Nothing to do.
    #[error("there is nothing to plan for zero clients")]
    NoClients,
    /// More than [`MAX_CLIENTS`].
    #[error("{0} clients are more than any machine holds: at most {MAX_CLIENTS} can be planned for")]
    TooManyClients(u32),
    /// Nowhere to go.
    #[error("there is no target to connect to")]
    NoTargets,
    /// A target without an address, by its place in the list.
    #[error("target {} has no address to connect to", .0 + 1)]
    NoAddress(usize),
    /// A target of another family than all sources.
    #[error(
        "none of the source addresses can reach {0}: give one of the same family (IPv4 or IPv6) with `--source IP`"
    )]
    NoSource(SocketAddr),
    /// Too few pairs of addresses.
    #[error(
        "there are ports for {possible} of {clients} clients: give further addresses of this machine with `--source IP` \
         (repeat it), or several targets"
    )]
    Ports {
        /// How many are wanted.
        clients: u32,
        /// How many would do.
        possible: u32,
    },
    /// Too few workers were asked for.
    #[error(
        "{clients} clients need {needed} workers, of {per_worker} descriptors for clients each, not {asked}"
    )]
    Workers {
        /// How many clients are wanted.
        clients: u32,
        /// How many workers were asked for.
        asked: u32,
        /// How many would do.
        needed: u32,
        /// How many clients one can have.
        per_worker: u64,
    },
    /// Not one client fits into a process.
    #[error("a process may open {0} files, too few for a worker: raise it with `ulimit -n 20000`")]
    Descriptors(u64),
}

impl Plan {
    /// How many different pairs of addresses there are.
    #[must_use]
    pub fn pairs(&self) -> usize {
        let pairs: HashSet<_> = self.routes.iter().map(|route| (route.source, route.address)).collect();
        pairs.len()
    }
}

/// Plans for so many clients, spread evenly over the targets.
///
/// A target is the addresses where it listens, all of which may be used; only the first is unless more are needed.
/// With `sources`, these and no others are bound. Without, the kernel chooses, and, where the target is IPv4
/// loopback, further addresses of 127.0.0.0/8 are bound as they are needed: servers mostly listen on 127.0.0.1 alone,
/// so it is the source that has to vary.
///
/// `workers` is how many are asked for; none takes as many as descriptors make necessary, and else one per core, but
/// not for few clients.
///
/// # Errors
///
/// See [`PlanError`]: each says what to do.
pub fn plan(
    clients: u32,
    targets: &[Vec<SocketAddr>],
    workers: Option<u32>,
    sources: &[IpAddr],
    limits: &Limits,
) -> Result<Plan, PlanError> {
    if clients == 0 {
        return Err(PlanError::NoClients);
    }
    if clients > MAX_CLIENTS {
        return Err(PlanError::TooManyClients(clients));
    }
    let workers = plan_workers(clients, workers, limits)?;
    let routes = routes::plan(clients, targets, sources, ports_per_pair(limits))?;
    Ok(Plan { workers, routes })
}

/// How many clients one pair of addresses gets at most; at least 1.
#[must_use]
pub fn ports_per_pair(limits: &Limits) -> u32 {
    let ports = u64::from(limits.ports.unwrap_or(DEFAULT_PORTS).count());
    ((ports * PORTS_USED_PERCENT / 100) as u32).max(1)
}

fn plan_workers(clients: u32, asked: Option<u32>, limits: &Limits) -> Result<u32, PlanError> {
    // The hard limit: a worker raises the soft one itself.
    let files = limits.open_files.hard.unwrap_or(u64::MAX);
    let per_worker = files.saturating_sub(RESERVED_FILES);
    if per_worker == 0 {
        return Err(PlanError::Descriptors(files));
    }
    let needed = u64::from(clients).div_ceil(per_worker) as u32;
    match asked {
        Some(asked) if asked < needed => Err(PlanError::Workers { clients, asked, needed, per_worker }),
        // A worker without a client would only be in the way.
        Some(asked) => Ok(asked.min(clients)),
        None => Ok(clients.div_ceil(CLIENTS_WORTH_A_WORKER).min(limits.cores).max(needed)),
    }
}

#[cfg(test)]
mod tests;
