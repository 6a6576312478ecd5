//! Listening sockets, and the options that every accepted connection inherits from them.
//!
//! Linux copies these options from the listener, so they cost nothing per connection. They are the last line
//! of defence: whatever happens above, TCP itself gives up on a peer that is gone and holds only so many bytes
//! for one that does not read.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

/// An idle peer is asked for a sign of life after this long, then [`KEEPALIVE_RETRIES`] times, this far apart:
/// who vanished while nothing was sent is noticed within a minute.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 3;

/// How long sent data may stay unacknowledged, or a window closed, before the connection is dropped.
///
/// Keepalive does not run while data is outstanding, and retransmission alone takes a quarter of an hour to
/// give up. 30 s outlasts a handover between networks.
///
/// To Linux, a window is closed until the first piece that waits fits in. A reader whose receive buffer is smaller than
/// the pieces (4 KiB, at times 16 KiB, measured over loopback) takes parts of them, and may be reset after 30 s
/// although it reads; with 64 KiB, or over a slow link, none was.
///
/// Elsewhere than on Linux and its kin, sockets have no such option: a peer that vanishes while data is on its way
/// is held for as long as the system goes on retransmitting, and one that keeps its window closed for ever.
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
const USER_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes that the kernel holds for one client; it doubles this for its own bookkeeping.
///
/// Left alone, Linux lets a client that does not read take up nearly 4 MB. 64 KiB lets a client 200 ms away
/// receive 300 KB/s.
const SEND_BUFFER: usize = 64 * 1024;

/// Bytes that the kernel takes in for us and that we have not read; it doubles this too.
///
/// What a client sends before it is due waits there: left alone, nearly 4 MB of each. A publisher 50 ms away can send
/// 2 MB/s.
const RECEIVE_BUFFER: usize = 64 * 1024;

/// Binds `address` and listens, with `backlog` connections waiting at most.
///
/// The socket is non-blocking. An IPv6 address is just that: `[::]` does not take IPv4 too, so that each
/// address that is configured is one socket.
///
/// # Errors
///
/// What the operating system says, most often that the address is in use.
pub fn listen(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A restart must not wait for the connections of its predecessor to leave TIME-WAIT.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;

    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_RETRIES);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    // Or an event that follows another waits for the acknowledgement of the first: 40 ms.
    socket.set_tcp_nodelay(true)?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    // Before it listens, or the window has been announced.
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;

    socket.bind(&address.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use socket2::SockRef;

    use super::*;

    fn any_port(ip: &str) -> SocketAddr {
        SocketAddr::new(ip.parse().unwrap(), 0)
    }

    #[test]
    fn an_accepted_socket_has_every_option() {
        let listener = listen(any_port("127.0.0.1"), 16).unwrap();
        listener.set_nonblocking(false).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();

        let accepted = SockRef::from(&accepted);
        assert!(accepted.keepalive().unwrap());
        assert_eq!(accepted.tcp_keepalive_time().unwrap(), Duration::from_secs(30));
        assert_eq!(accepted.tcp_keepalive_interval().unwrap(), Duration::from_secs(10));
        assert_eq!(accepted.tcp_keepalive_retries().unwrap(), 3);
        #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
        assert_eq!(accepted.tcp_user_timeout().unwrap(), Some(Duration::from_secs(30)));
        assert!(accepted.tcp_nodelay().unwrap());
        // Linux reports twice what was set.
        let factor = if cfg!(target_os = "linux") { 2 } else { 1 };
        assert_eq!(accepted.send_buffer_size().unwrap(), factor * 64 * 1024);
        assert_eq!(accepted.recv_buffer_size().unwrap(), factor * 64 * 1024);
    }

    #[test]
    fn an_address_in_use_is_an_error() {
        let first = listen(any_port("127.0.0.1"), 16).unwrap();
        let error = listen(first.local_addr().unwrap(), 16).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn ipv6_leaves_ipv4_alone() {
        let Ok(six) = listen(any_port("::"), 16) else { return };
        let port = six.local_addr().unwrap().port();
        listen(SocketAddr::new("0.0.0.0".parse().unwrap(), port), 16).unwrap();
    }
}
