//! Which addresses are this machine's, and which of a name's addresses somebody listens on.

use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

/// Whether an address belongs to this machine, so that a server there shares its memory and cores with us.
///
/// Costs two system calls, and sends nothing.
#[must_use]
pub fn is_here(address: IpAddr) -> bool {
    // Only own addresses can be bound, and a datagram socket makes no noise.
    address.is_loopback() || UdpSocket::bind((address, 0)).is_ok()
}

/// Those of the addresses that accept a connection, in their order.
///
/// A name such as `localhost` often has an IPv6 address that the server does not listen on; clients that were spread
/// over all addresses would fail by halves. Waits for at most `patience` at each address.
#[must_use]
pub fn listening(addresses: &[SocketAddr], patience: Duration) -> Vec<SocketAddr> {
    let accepts = |address: &&SocketAddr| TcpStream::connect_timeout(address, patience).is_ok();
    addresses.iter().filter(accepts).copied().collect()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn only_own_addresses_are_here() {
        assert!(is_here([127, 0, 3, 4].into()));
        // Reserved for documentation (RFC 5737): nobody has it.
        assert!(!is_here([192, 0, 2, 1].into()));
    }

    #[test]
    fn an_address_without_a_listener_is_left_out() {
        let open = TcpListener::bind("127.0.0.1:0").unwrap();
        let open = open.local_addr().map(|address| (open, address)).unwrap();
        // The same port at another address, so that no other process can be there by chance.
        let shut = SocketAddr::from(([127, 9, 9, 9], open.1.port()));

        assert_eq!(listening(&[shut, open.1], Duration::from_secs(5)), [open.1]);
    }
}
