//! A socket under TLS, which counts what really goes over it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::taken;
use crate::counters::{Count, Counters};

/// See the module.
#[derive(Debug)]
pub(crate) struct Wire {
    io: TcpStream,
    sent: u64,
    counters: Arc<Counters>,
}

impl Wire {
    pub(crate) fn new(io: TcpStream, counters: Arc<Counters>) -> Self {
        Self { io, sent: 0, counters }
    }

    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.io.peer_addr().ok()
    }

    /// Bytes that the client has taken; see [`LookAhead::taken`](super::LookAhead::taken).
    pub(super) fn taken(&self) -> u64 {
        taken(&self.io, self.sent)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        self.counters.add(Count::Received, (buf.filled().len() - before) as u64);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, data))?;
        self.sent += written as u64;
        self.counters.add(Count::Sent, written as u64);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
