//! Sockets: listens, accepts, and tells the hub which connection is ready. One thread does all of it.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mio::event::Source;
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token, Waker};
use socket2::{Domain, Protocol, Socket, Type};

use super::config::ServeConfig;
use super::counts::Counts;
use super::hub::Hub;

/// Keys of connections count up from 0, so these are far off.
const WAKER: Token = Token(usize::MAX);
const LISTENERS: usize = usize::MAX / 2;

/// Connections that may wait to be accepted: all clients of a storm come at once. The kernel has a limit of its own.
const BACKLOG: i32 = 65_535;

/// Connections accepted before the others have their turn.
const ACCEPTS: usize = 256;

/// After how long to accept again when there was no descriptor left, or the like.
const BREATHER: Duration = Duration::from_millis(100);

/// A server that listens, and serves once it is [run](Self::run).
#[derive(Debug)]
pub struct Server {
    poll: Poll,
    listeners: Vec<Listener>,
    addresses: Vec<SocketAddr>,
    hub: Hub,
    shared: Arc<Shared>,
}

/// Stops a server, and asks it what it did, from wherever. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    stop: AtomicBool,
    waker: Waker,
    counts: Mutex<Counts>,
}

#[derive(Debug)]
struct Listener {
    socket: TcpListener,
    /// When to accept without being told that somebody waits: those who wait already are told of once.
    again: Option<Instant>,
}

impl Handle {
    /// Makes the server end all its streams and return; at once, from any thread, and as often as one likes.
    pub fn stop(&self) {
        self.0.stop.store(true, Ordering::Release);
        // A server that cannot be woken is gone, or wakes for its next heartbeat.
        let _ = self.0.waker.wake();
    }

    /// What was done so far. A moment old: what is written right now is not in it yet.
    #[must_use]
    pub fn counts(&self) -> Counts {
        *self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    /// Listens.
    ///
    /// # Errors
    ///
    /// The faults cannot hold together (`InvalidInput`), or the operating system refuses, an address above all.
    pub fn bind(config: ServeConfig) -> io::Result<Self> {
        config.faults.check().map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let shared = Arc::new(Shared { stop: AtomicBool::new(false), waker, counts: Mutex::default() });
        let mut listeners = Vec::new();
        for (index, &address) in config.listen.iter().enumerate() {
            let mut socket = listen(address)?;
            socket.register(poll.registry(), Token(LISTENERS + index), Interest::READABLE)?;
            listeners.push(Listener { socket, again: None });
        }
        let addresses =
            listeners.iter().map(|listener| listener.socket.local_addr()).collect::<io::Result<_>>()?;
        Ok(Self { poll, listeners, addresses, hub: Hub::new(config), shared })
    }

    /// Where it listens, in the order of the configuration, with the ports that were taken.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What stops it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.shared))
    }

    /// Serves on this thread until it is [stopped](Handle::stop), and says what it did.
    ///
    /// # Errors
    ///
    /// The operating system refuses to report on sockets. What befalls a single connection ends that connection.
    pub fn run(mut self) -> io::Result<Counts> {
        let mut events = Events::with_capacity(1024);
        while !self.shared.stop.load(Ordering::Acquire) {
            self.turn(&mut events)?;
            self.publish_counts();
        }
        self.hub.end();
        self.publish_counts();
        Ok(self.hub.counts())
    }

    fn turn(&mut self, events: &mut Events) -> io::Result<()> {
        match self.poll.poll(events, Some(self.idle())) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        let now = Instant::now();
        self.hub.set_now(now);
        self.hub.go_on();
        for event in &*events {
            match event.token() {
                WAKER => {}
                Token(token) if token >= LISTENERS => self.listeners[token - LISTENERS].again = Some(now),
                Token(key) => self.hub.ready(key),
            }
        }
        self.hub.fire();
        // All that came in is published by now, so that it goes out in one write for each subscriber.
        self.hub.fan_out();
        self.accept(now);
        Ok(())
    }

    fn idle(&self) -> Duration {
        let accept = self.listeners.iter().filter_map(|listener| listener.again);
        let next = accept.fold(self.hub.idle_until(), Instant::min);
        next.saturating_duration_since(Instant::now())
    }

    fn accept(&mut self, now: Instant) {
        for listener in &mut self.listeners {
            if listener.again.is_some_and(|again| again <= now) {
                listener.again = accept_some(listener, &self.poll, &mut self.hub, now);
            }
        }
    }

    fn publish_counts(&self) {
        *self.shared.counts.lock().unwrap_or_else(PoisonError::into_inner) = self.hub.counts();
    }
}

/// When to go on, if there may be more.
fn accept_some(listener: &Listener, poll: &Poll, hub: &mut Hub, now: Instant) -> Option<Instant> {
    for _ in 0..ACCEPTS {
        match listener.socket.accept() {
            Ok((mut socket, _)) => {
                // Both at once: a change would cost a system call whenever a subscriber is slow.
                let interest = Interest::READABLE | Interest::WRITABLE;
                if socket.register(poll.registry(), Token(hub.next_key()), interest).is_err() {
                    return Some(now + BREATHER);
                }
                hub.welcome(socket);
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock => return None,
                // The client has given up, or a signal came.
                ErrorKind::ConnectionAborted | ErrorKind::Interrupted => {}
                _ => return Some(now + BREATHER),
            },
        }
    }
    Some(now)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // After a restart, connections of the last run may still be around.
    socket.set_reuse_address(true)?;
    // Linux hands it on to what is accepted. Without it a second small write waits for the first to be acknowledged.
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}
