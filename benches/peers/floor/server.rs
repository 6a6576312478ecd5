//! The loop: accepts, reads what is ready, and gives subscribers' sockets away to the topics.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};

use anyhow::Context;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;

use super::connection::{Connection, Next};
use super::topics::Topics;

/// Connections that may wait to be accepted, as far as the kernel's `net.core.somaxconn` allows.
const BACKLOG: i32 = 4096;
const BUFFER: usize = 64 * 1024;
/// No descriptor has this number.
const LISTENER: u64 = u64::MAX;
/// The body ends with the connection: an event is sent as it is, with nothing around it.
const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n\
    Connection: close\r\n\r\n";

#[derive(Debug)]
pub(super) struct Server {
    listener: TcpListener,
    epoll: OwnedFd,
    /// Those that are no subscribers (yet), by their descriptors.
    connections: HashMap<u64, Connection>,
    topics: Topics,
    buffer: Vec<u8>,
}

impl Server {
    pub(super) fn bind(address: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
        // Again, since the standard library does not let one choose the backlog.
        rustix::net::listen(&listener, BACKLOG)?;
        listener.set_nonblocking(true)?;
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        let (connections, topics) = (HashMap::new(), Topics::default());
        Ok(Self { listener, epoll, connections, topics, buffer: vec![0; BUFFER] })
    }

    pub(super) fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Serves, until the system refuses something without which there is nothing to go on with.
    pub(super) fn run(&mut self) -> anyhow::Result<()> {
        let mut ready = Vec::with_capacity(1024);
        loop {
            match epoll::wait(&self.epoll, spare_capacity(&mut ready), None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for event in ready.drain(..) {
                match event.data.u64() {
                    LISTENER => self.accept()?,
                    id => self.read(id)?,
                }
            }
        }
    }

    fn accept(&mut self) -> anyhow::Result<()> {
        loop {
            let socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // Its client has left already.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error).context("cannot accept"),
            };
            // A small event must not wait until the one before has been acknowledged.
            socket.set_nodelay(true)?;
            let id = id(&socket);
            epoll::add(&self.epoll, &socket, EventData::new_u64(id), EventFlags::IN)?;
            self.connections.insert(id, Connection::new(socket));
        }
    }

    fn read(&mut self, id: u64) -> anyhow::Result<()> {
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
        // It blocks not: there is something, or an end.
        let next = match connection.socket.read(&mut self.buffer) {
            Ok(0) | Err(_) => Next::Close,
            Ok(read) => connection.take(&self.buffer[..read], &mut self.topics),
        };
        match next {
            Next::Read => {}
            Next::Close => drop(self.connections.remove(&id)),
            Next::Subscribe(topic) => {
                let Some(Connection { mut socket, .. }) = self.connections.remove(&id) else { return Ok(()) };
                // What a subscriber sends is nobody's concern, and being watched costs memory.
                epoll::delete(&self.epoll, &socket)?;
                if socket.write_all(STREAM).is_ok() {
                    self.topics.subscribe(topic, socket);
                }
            }
        }
        Ok(())
    }
}

fn id(socket: &TcpStream) -> u64 {
    u64::from(socket.as_raw_fd().unsigned_abs())
}
