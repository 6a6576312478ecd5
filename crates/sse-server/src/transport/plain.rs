//! A socket with nothing in between, which can be taken away.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::LookAhead;
use super::unacknowledged::taken;

/// See the module. Whoever uses it when the socket is gone finds that there is no connection.
#[derive(Debug)]
pub(crate) struct Plain {
    io: Option<TcpStream>,
    /// Asked for once.
    peer: Option<SocketAddr>,
}

impl Plain {
    pub(crate) fn new(io: TcpStream) -> Self {
        let peer = io.peer_addr().ok();
        Self { io: Some(io), peer }
    }

    fn io(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.io.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl LookAhead for Plain {
    fn poll_peek(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        self.io()?.poll_peek(cx, buf)
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    fn taken(&self, written: u64) -> u64 {
        self.io.as_ref().map_or(written, |io| taken(io, written))
    }

    fn take_away(&mut self) -> Option<TcpStream> {
        self.io.take()
    }

    const CAN_LEAVE: bool = true;
}

impl AsyncRead for Plain {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.io()?.poll_read(cx, buf)
    }
}

impl AsyncWrite for Plain {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.io()?.poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io()?.poll_shutdown(cx)
    }
}
