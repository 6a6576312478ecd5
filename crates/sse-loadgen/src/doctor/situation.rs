//! Where the clients will connect to, from where, and who is there already.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use procfs::process::{LimitValue, Process};
use url::Url;

use super::DoctorError;
use crate::host::{is_here, listening};
use crate::watch::listeners;

/// What besides limits decides how many clients are possible.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Situation {
    /// The addresses of each target.
    pub targets: Vec<Vec<SocketAddr>>,
    /// The addresses to connect from; none leaves it to the plan.
    pub sources: Vec<IpAddr>,
    /// Whether a target is on this machine, so that both ends of its connections are.
    pub shared: bool,
    /// The processes here that listen at a target, as far as they may be looked into.
    pub servers: Vec<Server>,
}

/// A process that listens at a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server {
    /// Which.
    pub pid: i32,
    /// How many descriptors it may have; none is no limit.
    pub open_files: Option<u64>,
    /// How many it has.
    pub open: u64,
}

impl Situation {
    /// The situation on this machine. Without URLs it is a server on 127.0.0.1.
    pub(super) fn here(urls: &[Url], sources: &[IpAddr]) -> Result<Self, DoctorError> {
        if urls.is_empty() {
            let targets = vec![vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 80))]];
            return Ok(Self { targets, sources: sources.to_vec(), shared: true, servers: Vec::new() });
        }
        let targets: Result<Vec<_>, _> = urls.iter().map(addresses).collect();
        let targets = targets?;
        let mut ports: Vec<_> =
            targets.iter().flatten().filter(|address| is_here(address.ip())).map(SocketAddr::port).collect();
        ports.sort_unstable();
        ports.dedup();
        Ok(Self {
            shared: !ports.is_empty(),
            servers: ports.into_iter().flat_map(servers).collect(),
            sources: sources.to_vec(),
            targets,
        })
    }
}

/// Where a URL's host listens. Only this machine's addresses are tried: a name such as `localhost` has two, and
/// mostly one of them is served.
fn addresses(url: &Url) -> Result<Vec<SocketAddr>, DoctorError> {
    let unresolved = |error| DoctorError::Unresolved { url: url.clone(), error };
    let addresses = url.socket_addrs(|| None).map_err(unresolved)?;
    if addresses.is_empty() {
        return Err(unresolved(io::ErrorKind::NotFound.into()));
    }
    if !addresses.iter().all(|address| is_here(address.ip())) {
        return Ok(addresses);
    }
    // On this machine an answer takes no time; half a second is for one that drops packets.
    let open = listening(&addresses, Duration::from_millis(500));
    Ok(if open.is_empty() { addresses } else { open })
}

fn servers(port: u16) -> Vec<Server> {
    listeners(port).unwrap_or_default().into_iter().filter_map(server).collect()
}

fn server(pid: i32) -> Option<Server> {
    let process = Process::new(pid).ok()?;
    let open_files = match process.limits().ok()?.max_open_files.soft_limit {
        LimitValue::Unlimited => None,
        LimitValue::Value(files) => Some(files),
    };
    Some(Server { pid, open_files, open: process.fd_count().ok()? as u64 })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_server_at_a_url_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let url = Url::parse(&format!("http://localhost:{}/events", address.port())).unwrap();

        let situation = Situation::here(&[url.clone(), url], &[]).unwrap();

        assert_eq!(situation.targets, [[address], [address]]);
        assert!(situation.shared);
        let own = std::process::id().cast_signed();
        let server = situation.servers.iter().find(|server| server.pid == own).unwrap();
        assert!(server.open >= 3 && server.open_files.is_none_or(|files| files > server.open), "{server:?}");
    }

    #[test]
    fn a_host_elsewhere_is_not_tried() {
        let url = Url::parse("https://192.0.2.1/events").unwrap();
        let situation = Situation::here(&[url], &[]).unwrap();
        let targets = vec![vec!["192.0.2.1:443".parse().unwrap()]];
        assert_eq!(situation, Situation { targets, ..Situation::default() });
    }
}
