//! Where the targets are, and whether so many clients may go there.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use crate::engine::request;
use crate::failure::Failure;
use crate::host::listening;
use crate::load::Load;
use crate::template::{Template, Values};
use crate::worker::orders::RequestPlan;

/// So many clients nobody minds.
const POLITE: u32 = 10;

/// The addresses of each target.
///
/// # Errors
///
/// A URL is none, a name has no address, or too many clients would go to a public one.
pub(super) fn resolve(load: &Load) -> Result<Vec<Vec<SocketAddr>>, Failure> {
    load.requests.iter().map(|request| addresses(request, load)).collect()
}

fn addresses(request: &RequestPlan, load: &Load) -> Result<Vec<SocketAddr>, Failure> {
    let usage = |error: &dyn std::fmt::Display| Failure::Usage(error.to_string());
    let url = request::parse(&request.url).map_err(|error| usage(&error))?;
    let authority =
        (url.host_str().unwrap_or_default().trim_matches(['[', ']']), url.port_or_known_default());
    let (host, Some(port)) = authority else { return Err(usage(&format!("{url} has no port"))) };
    let addresses: Vec<SocketAddr> = (host, port)
        .to_socket_addrs()
        .map_err(|error| Failure::Target(format!("{host} has no address: {error}")))?
        .collect();
    let Some(&preferred) = addresses.first() else {
        return Err(Failure::Target(format!("{host} has no address")));
    };
    if load.clients > POLITE && addresses.iter().any(|address| is_public(address.ip())) && !load.own_target {
        return Err(Failure::Usage(format!(
            "{host} ({}) is a public address: more than {POLITE} clients only with --i-own-this-target, which says that \
             whoever runs it agrees",
            preferred.ip()
        )));
    }
    // `localhost` often has an address that nobody serves. Others may lead to other machines: one is enough.
    let serving = if addresses.len() > 1 { listening(&addresses, load.connect_timeout) } else { Vec::new() };
    Ok(vec![serving.first().copied().unwrap_or(preferred)])
}

/// Whether it could be somebody else's machine.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(ip) => {
            let shared = ip.octets()[0] == 100 && (64..128).contains(&ip.octets()[1]);
            !(ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified() || shared)
        }
        IpAddr::V6(ip) => {
            !(ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified())
        }
    }
}

/// The URL of the first client.
pub(super) fn first_url(request: &RequestPlan) -> Result<String, Failure> {
    let template = Template::parse(&request.url, request::PLACEHOLDERS)
        .map_err(|error| Failure::Usage(error.to_string()))?;
    let mut url = Vec::new();
    template.render(&Values::default(), &mut url);
    Ok(String::from_utf8_lossy(&url).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_be_somebody_elses_is_public() {
        for (address, public) in [
            ("127.0.0.3", false),
            ("10.1.2.3", false),
            ("192.168.0.1", false),
            ("100.64.0.1", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("fd00::1", false),
            ("93.184.216.34", true),
            ("100.128.0.1", true),
            ("2606:2800::1", true),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        }
    }
}
