//! Which pairs of addresses clients use, so that no pair runs out of ports.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{PlanError, Route};

pub(super) fn plan(
    clients: u32,
    targets: &[Vec<SocketAddr>],
    sources: &[IpAddr],
    per_pair: u32,
) -> Result<Vec<Route>, PlanError> {
    if targets.is_empty() {
        return Err(PlanError::NoTargets);
    }
    // More sources than that are never needed: of pairs that are filled in turn, only one stays less than half full.
    let most = 2 * clients.div_ceil(per_pair);
    let all: Result<Vec<_>, _> = targets
        .iter()
        .enumerate()
        .map(|(target, addresses)| routes_to(target, addresses, sources, most))
        .collect();
    let all = all?;
    if let Some(routes) = enough(clients, &all, per_pair) {
        return Ok(routes);
    }
    Err(PlanError::Ports { clients, possible: possible(clients, &all, per_pair) })
}

/// All routes to a target that there are, up to so many sources; what needs no binding first.
fn routes_to(
    target: usize,
    addresses: &[SocketAddr],
    sources: &[IpAddr],
    most: u32,
) -> Result<Vec<Route>, PlanError> {
    let Some(&first) = addresses.first() else { return Err(PlanError::NoAddress(target)) };
    let route = |address, source| Route { target, address, source };
    if sources.is_empty() {
        let unbound = addresses.iter().map(|&address| route(address, None));
        let bound = loopback_sources().take(most as usize).flat_map(|source| {
            let reachable = addresses.iter().filter(|address| is_v4_loopback(address));
            reachable.map(move |&address| route(address, Some(source)))
        });
        return Ok(distinct(unbound.chain(bound)));
    }
    let bound = sources.iter().flat_map(|&source| {
        let reachable = addresses.iter().filter(move |address| address.is_ipv4() == source.is_ipv4());
        reachable.map(move |&address| route(address, Some(source)))
    });
    let routes = distinct(bound);
    if routes.is_empty() { Err(PlanError::NoSource(first)) } else { Ok(routes) }
}

fn is_v4_loopback(address: &SocketAddr) -> bool {
    address.is_ipv4() && address.ip().is_loopback()
}

/// 127.0.1.1, 127.0.1.2 and so on: 64,770 of them. 127.0.0.1 is what the kernel takes by itself.
fn loopback_sources() -> impl Iterator<Item = IpAddr> {
    (1..=255).flat_map(|third| (1..=254).map(move |fourth| Ipv4Addr::new(127, 0, third, fourth).into()))
}

/// Names resolve to the same address twice at times, and a source may be given twice.
fn distinct(routes: impl Iterator<Item = Route>) -> Vec<Route> {
    let mut seen = HashSet::new();
    routes.filter(|route| seen.insert(*route)).collect()
}

/// The fewest routes, equally many for each target, on which no pair has more clients than ports.
fn enough(clients: u32, all: &[Vec<Route>], per_pair: u32) -> Option<Vec<Route>> {
    let longest = all.iter().map(Vec::len).max()?;
    // With fewer, a single route would already be too much for a pair. With more, clients are spread in smaller portions,
    // of which more may fit; but what does not with one more for each pair there is hardly ever will.
    let fewest = (clients as usize).div_ceil(per_pair as usize * all.len());
    (fewest..=fewest + longest).find_map(|rounds| fill(clients as usize, all, per_pair as usize, rounds))
}

/// So many routes for each target, targets taking turns, each on the first pair that has ports left. Targets may share an
/// address, so that it is pairs that are filled.
fn fill(clients: usize, all: &[Vec<Route>], per_pair: usize, rounds: usize) -> Option<Vec<Route>> {
    let count = all.len() * rounds;
    let mut taken: HashMap<_, usize> = HashMap::new();
    let mut choose = |n: usize| {
        let share = clients / count + usize::from(n < clients % count);
        let has_room = |pair| taken.get(&pair).copied().unwrap_or_default() + share <= per_pair;
        let route = *all[n % all.len()].iter().find(|route| has_room((route.source, route.address)))?;
        *taken.entry((route.source, route.address)).or_default() += share;
        Some(route)
    };
    (0..count).map(&mut choose).collect()
}

/// The most clients below so many that there are routes for.
fn possible(clients: u32, all: &[Vec<Route>], per_pair: u32) -> u32 {
    let (mut fewer, mut more) = (0, clients);
    while more - fewer > 1 {
        let middle = fewer + (more - fewer) / 2;
        if enough(middle, all, per_pair).is_some() { fewer = middle } else { more = middle }
    }
    fewer
}
