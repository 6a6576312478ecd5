//! A socket on its way to the server, and what an error of it means.

use std::io;
use std::net::SocketAddr;

use mio::net::TcpStream;
use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::plan::Route;

/// Begins to connect.
///
/// # Errors
///
/// This machine has no socket, no port, or no way to give.
pub(crate) fn connect(route: &Route, receive_buffer: Option<usize>) -> io::Result<TcpStream> {
    let socket = Socket::new(
        Domain::for_address(route.address),
        Type::STREAM.nonblocking().cloexec(),
        Some(Protocol::TCP),
    )?;
    // A request is one small write: nothing is gained by waiting for more.
    socket.set_tcp_nodelay(true)?;
    if let Some(bytes) = receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    if let Some(source) = route.source {
        // Otherwise the port is taken before the destination is known, and is then taken for every destination.
        setsockopt(&socket, sockopt::IpBindAddressNoPort, &true)?;
        socket.bind(&SocketAddr::new(source, 0).into())?;
    }
    match socket.connect(&route.address.into()) {
        Err(error) if error.raw_os_error() != Some(IN_PROGRESS) => Err(error),
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}

const IN_PROGRESS: i32 = nix::errno::Errno::EINPROGRESS as i32;

/// Closes so that the server sees a reset, as after a connection that the network has lost; and no port is kept for a
/// minute.
pub(super) fn abort(socket: TcpStream) {
    // If it cannot be asked for, the connection ends in good order, which is the worst that happens.
    let _ = SockRef::from(&socket).set_linger(Some(std::time::Duration::ZERO));
    drop(socket);
}

/// Makes the kernel keep as little as it may for a client that reads slowly, so that the server feels it.
pub(super) fn keep_little(socket: &TcpStream) {
    // The least that the kernel allows is more than this. If it refuses, the server feels it later.
    let _ = SockRef::from(socket).set_recv_buffer_size(1);
}
