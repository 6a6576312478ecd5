//! How much of what the kernel took for a client the client has not taken yet.
//!
//! What the kernel takes says little about a slow client: it takes 128 KiB at once, and then nothing until a third of
//! that has arrived. What the client's side has acknowledged is known to the kernel alone; on Linux it says so through
//! `sock_diag(7)`, as `ss` asks it, for one socket and without privileges. Elsewhere, and where that is not allowed, the
//! answer is an error, and what the kernel has taken has to do.

use std::io;
use std::net::SocketAddr;

use rustix::fd::AsFd;
use rustix::net::{getpeername, getsockname};

/// Bytes that a socket's client has taken, when the socket has taken so many. Where that is not known, it is all of them.
/// Costs as much as [`unacknowledged`].
pub(crate) fn taken(socket: impl AsFd, written: u64) -> u64 {
    written.saturating_sub(unacknowledged(socket).unwrap_or(0))
}

/// Bytes that were written to the socket and not acknowledged. Costs a handful of system calls, some 10 µs.
#[cfg(not(target_os = "linux"))]
fn unacknowledged(_socket: impl AsFd) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Bytes that were written to the socket and not acknowledged. Costs a handful of system calls, some 10 µs.
///
/// # Errors
///
/// What the operating system says: no descriptor is left, or the kernel has no `sock_diag` or does not allow it.
#[cfg(target_os = "linux")]
fn unacknowledged(socket: impl AsFd) -> io::Result<u64> {
    let local = SocketAddr::try_from(getsockname(&socket)?)?;
    let peer = getpeername(&socket)?.map(SocketAddr::try_from).ok_or(io::ErrorKind::NotConnected)??;
    linux::ask(local, peer)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::net::{IpAddr, SocketAddr};

    use rustix::net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, ipproto, netlink, recv, send,
        socket_with,
    };

    /// `linux/sock_diag.h`, `linux/netlink.h`
    const SOCK_DIAG_BY_FAMILY: u16 = 20;
    const NLM_F_REQUEST: u16 = 1;

    /// A `struct nlmsghdr` and a `struct inet_diag_req_v2`.
    const QUESTION: u32 = 16 + 56;

    /// Where `idiag_wqueue` is: behind a `struct nlmsghdr`, and within a `struct inet_diag_msg`.
    const WRITE_QUEUE: usize = 16 + 60;

    pub(super) fn ask(local: SocketAddr, peer: SocketAddr) -> io::Result<u64> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let kernel = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, Some(netlink::SOCK_DIAG))?;
        send(&kernel, &question(local, peer), SendFlags::empty())?;
        // The answer is there when the question has been sent. What does not fit is of no interest.
        let mut answer = [0; 256];
        let (length, _) = recv(&kernel, &mut answer[..], RecvFlags::empty())?;
        write_queue(&answer[..length])
    }

    fn question(local: SocketAddr, peer: SocketAddr) -> Vec<u8> {
        let family = if local.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
        let interface = if let SocketAddr::V6(peer) = peer { peer.scope_id() } else { 0 };
        let any_state = u32::MAX;
        let any_cookie = [0xff; 8];

        let mut question = Vec::with_capacity(QUESTION as usize);
        question.extend(QUESTION.to_ne_bytes());
        question.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        question.extend(NLM_F_REQUEST.to_ne_bytes());
        question.extend([0; 8]);
        question.extend([family.as_raw() as u8, ipproto::TCP.as_raw().get() as u8, 0, 0]);
        question.extend(any_state.to_ne_bytes());
        question.extend(local.port().to_be_bytes());
        question.extend(peer.port().to_be_bytes());
        question.extend(address(local.ip()));
        question.extend(address(peer.ip()));
        question.extend(interface.to_ne_bytes());
        question.extend(any_cookie);
        question
    }

    fn address(ip: IpAddr) -> [u8; 16] {
        match ip {
            IpAddr::V6(ip) => ip.octets(),
            IpAddr::V4(ip) => {
                let mut address = [0; 16];
                address[..4].copy_from_slice(&ip.octets());
                address
            }
        }
    }

    fn write_queue(answer: &[u8]) -> io::Result<u64> {
        let kind = answer.get(4..6).and_then(|kind| kind.try_into().ok()).map(u16::from_ne_bytes);
        let queue = answer.get(WRITE_QUEUE..).and_then(|rest| rest.first_chunk().copied());
        match (kind, queue) {
            (Some(SOCK_DIAG_BY_FAMILY), Some(queue)) => Ok(u32::from_ne_bytes(queue).into()),
            // NLMSG_ERROR, for the most part.
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use tokio::io::AsyncReadExt as _;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;

    use super::*;

    async fn what_was_not_read_is_unacknowledged(ip: &str) {
        let listener = match TcpListener::bind(SocketAddr::new(ip.parse().unwrap(), 0)).await {
            Err(_) if ip == "::1" => return,
            listener => listener.unwrap(),
        };
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        assert_eq!(unacknowledged(&server).unwrap(), 0);

        let mut written = 0;
        server.writable().await.unwrap();
        while let Ok(more) = server.try_write(&[0; 64 * 1024]) {
            written += more as u64;
        }
        let waiting = unacknowledged(&server).unwrap();
        assert!(0 < waiting && waiting <= written, "{waiting} of {written}");

        let mut sink = vec![0; 64 * 1024];
        let read_all = async {
            while unacknowledged(&server).unwrap() > 0 {
                let _ = client.read(&mut sink).await.unwrap();
            }
        };
        timeout(Duration::from_secs(30), read_all).await.unwrap();
    }

    #[tokio::test]
    async fn of_an_ipv4_client_it_is_known() {
        what_was_not_read_is_unacknowledged("127.0.0.1").await;
    }

    #[tokio::test]
    async fn of_an_ipv6_client_it_is_known() {
        what_was_not_read_is_unacknowledged("::1").await;
    }
}
