//! A socket with what it has not taken yet.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use mio::net::TcpStream;
use socket2::SockRef;

#[derive(Debug)]
pub(super) struct Outgoing {
    socket: TcpStream,
    /// Empty, and without memory, as long as the client keeps up.
    rest: Vec<u8>,
    /// How much of the rest was taken since.
    taken: usize,
}

impl Outgoing {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self { socket, rest: Vec::new(), taken: 0 }
    }

    /// Bytes that wait for the socket.
    pub(super) fn waiting(&self) -> usize {
        self.rest.len() - self.taken
    }

    /// Puts bytes behind those that wait, and writes nothing yet.
    pub(super) fn queue(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
    }

    /// Writes bytes, behind those that wait. No copy is made of what the socket takes at once.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let taken = if self.waiting() == 0 { self.write(bytes)? } else { 0 };
        if taken < bytes.len() {
            self.queue(&bytes[taken..]);
        }
        Ok(())
    }

    /// Writes as much of what waits as the socket takes.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.rest.is_empty() {
            return Ok(());
        }
        let rest = std::mem::take(&mut self.rest);
        self.taken += self.write(&rest[self.taken..])?;
        if self.taken < rest.len() {
            self.rest = rest;
        } else {
            self.taken = 0;
        }
        Ok(())
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.read(buffer)
    }

    /// Nothing more will be sent; what the client still sends is read, so that it sees the answer and no reset.
    pub(super) fn shut(&self) {
        // It fails if the client is gone already.
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Makes closing the socket a reset.
    pub(super) fn reset_on_close(&self) {
        // It only fails on something that is no socket.
        let _ = SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
    }

    /// One write, which takes all that there is room for: a second one would only be told that there is none left.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.socket.write(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                written => return written,
            }
        }
    }
}
