//! Streams that one can look ahead in, so that only what is due is taken.
//!
//! Of a TCP socket the kernel shows what is there. TLS has to be read to be seen: [`Carry`] keeps what was seen and is
//! not due yet, at most [`TURN`] bytes; the rest stays where it is bounded too, in a record and in the kernel.

use std::io;
use std::mem::{self, MaybeUninit};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::{TURN, Wire};

/// See the module.
pub(crate) trait LookAhead: AsyncRead + AsyncWrite + Unpin {
    /// Copies to `buf` what the next reads will return, and says how much that is: nothing at the end of the stream.
    fn poll_peek(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<usize>>;

    /// The client's address.
    fn peer(&self) -> Option<SocketAddr>;

    /// Whether the bytes on the wire are others than those of this stream, and counted there.
    const IS_OVER_WIRE: bool = false;

    /// Bytes that the client has taken, when this stream has taken so many. Not for free: see
    /// [`taken`](super::taken).
    fn taken(&self, written: u64) -> u64;

    /// Whether the socket can be [taken away](Self::take_away).
    const CAN_LEAVE: bool = false;

    /// The socket, if it is all that there is to the stream, which has none from then on.
    fn take_away(&mut self) -> Option<TcpStream> {
        None
    }
}

/// A TLS stream, and the bytes of it that were looked at and are not taken.
#[derive(Debug)]
pub(crate) struct Carry<S> {
    io: S,
    /// Has memory only while there is something in it: an idle connection pays nothing.
    seen: Vec<u8>,
    taken: usize,
}

impl<S> Carry<S> {
    pub(crate) fn new(io: S) -> Self {
        Self { io, seen: Vec::new(), taken: 0 }
    }

    fn ahead(&self) -> &[u8] {
        &self.seen[self.taken..]
    }

    fn take(&mut self, bytes: usize) {
        self.taken += bytes;
        if self.taken == self.seen.len() {
            mem::take(&mut self.seen);
            self.taken = 0;
        }
    }
}

impl<S: AsyncRead + Unpin> Carry<S> {
    fn poll_look(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        if self.seen.is_empty() {
            let mut bytes = [MaybeUninit::uninit(); TURN];
            let mut bytes = ReadBuf::uninit(&mut bytes);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut bytes))?;
            self.seen.extend_from_slice(bytes.filled());
        }
        let shown = self.ahead().len().min(buf.remaining());
        buf.put_slice(&self.ahead()[..shown]);
        Poll::Ready(Ok(shown))
    }
}

impl LookAhead for Carry<TlsStream<Wire>> {
    fn poll_peek(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        self.poll_look(cx, buf)
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.io.get_ref().0.peer()
    }

    const IS_OVER_WIRE: bool = true;

    fn taken(&self, _written: u64) -> u64 {
        self.io.get_ref().0.taken()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Carry<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.seen.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, buf);
        }
        let due = self.ahead().len().min(buf.remaining());
        buf.put_slice(&self.ahead()[..due]);
        self.take(due);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Carry<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    async fn peek<S: AsyncRead + Unpin>(carry: &mut Carry<S>, most: usize) -> Vec<u8> {
        let mut bytes = vec![0; most];
        let mut buf = ReadBuf::new(&mut bytes);
        poll_fn(|cx| carry.poll_look(cx, &mut buf)).await.unwrap();
        buf.filled().to_vec()
    }

    #[tokio::test]
    async fn what_was_seen_is_still_there() {
        let (mut client, server) = duplex(64);
        let mut carry = Carry::new(server);
        client.write_all(b"abcdef").await.unwrap();
        assert_eq!(peek(&mut carry, 64).await, b"abcdef");
        assert_eq!(peek(&mut carry, 2).await, b"ab");

        let mut two = [0; 2];
        carry.read_exact(&mut two).await.unwrap();
        assert_eq!((&two, peek(&mut carry, 64).await), (b"ab", b"cdef".to_vec()));
        let mut four = [0; 4];
        carry.read_exact(&mut four).await.unwrap();
        assert_eq!(&four, b"cdef");
        assert_eq!(carry.seen.capacity(), 0, "nothing is kept for an idle connection");

        drop(client);
        assert_eq!(peek(&mut carry, 64).await, b"", "the end");
        assert_eq!(carry.read(&mut two).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn no_more_than_a_turn_is_kept() {
        let (mut client, server) = duplex(4 * TURN);
        let mut carry = Carry::new(server);
        client.write_all(&[7; 3 * TURN]).await.unwrap();
        assert_eq!(peek(&mut carry, 4 * TURN).await.len(), TURN);
        let mut all = vec![0; 3 * TURN];
        carry.read_exact(&mut all).await.unwrap();
        assert_eq!(all, [7; 3 * TURN]);
    }
}
