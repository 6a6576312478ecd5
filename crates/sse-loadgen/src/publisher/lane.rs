//! One connection of the raw publisher: connects, writes what its [`Traffic`] has, reads what comes, and connects again.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::account::Cause;
use super::pipeline::Work;
use super::traffic::Traffic;
use crate::clock;

const MILLISECOND: u64 = 1_000_000;

/// Long enough not to hammer a server that is starting, short enough that its return is noticed by the second.
const BACKOFF: [u64; 6] = [50, 100, 200, 400, 800, 1000];

/// What connections are made with.
#[derive(Debug)]
pub(super) struct Net {
    pub(super) registry: Registry,
    /// Of each server, at least one. The next is tried if one fails.
    pub(super) addresses: Vec<Vec<SocketAddr>>,
    /// Where input is read to, whoever's it is.
    pub(super) input: Vec<u8>,
}

/// A connection, there or not.
#[derive(Debug)]
pub(super) struct Lane {
    token: Token,
    /// Which server.
    target: usize,
    link: Link,
    traffic: Box<dyn Traffic>,
    /// How often it failed to be of use in a row.
    failures: usize,
}

#[derive(Debug)]
enum Link {
    Down { until: u64 },
    Connecting { stream: TcpStream, since: u64 },
    Up(TcpStream),
}

impl Lane {
    pub(super) fn new(token: Token, target: usize, traffic: Box<dyn Traffic>) -> Self {
        Self { token, target, link: Link::Down { until: 0 }, traffic, failures: 0 }
    }

    /// Something happened to the socket.
    pub(super) fn ready(&mut self, net: &mut Net, work: &mut Work) {
        self.establish(net);
        // At once even then: that the server has closed again may have come with the same word, and comes only once.
        self.read(net, work);
    }

    /// Does all that there is to do, with the events below `due`.
    pub(super) fn turn(&mut self, due: u64, net: &mut Net, work: &mut Work) {
        let now = clock::now();
        match self.link {
            // Whether or not there is anything to send: the next event is not to wait for it.
            Link::Down { until } if until <= now => self.connect(net),
            Link::Connecting { since, .. } if since.saturating_add(work.timeout) <= now => self.failed(net),
            Link::Up(_) if self.traffic.expires(work).is_some_and(|end| end <= now) => {
                self.traffic.expire(now, work);
                self.failed(net);
            }
            Link::Up(_) => self.write(due, net, work),
            Link::Down { .. } | Link::Connecting { .. } => {}
        }
        if !matches!(self.link, Link::Up(_)) {
            self.traffic.give_up(due, now, work);
        }
    }

    /// No more events become due.
    pub(super) fn finish(&mut self) {
        self.traffic.finish();
    }

    /// When to take the next turn, whatever happens.
    pub(super) fn wakes(&self, due: u64, work: &Work) -> Option<u64> {
        let link = match &self.link {
            Link::Down { until } => Some(*until),
            Link::Connecting { since, .. } => Some(since.saturating_add(work.timeout)),
            Link::Up(_) => return self.traffic.expires(work),
        };
        link.into_iter().chain(self.traffic.gives_up(due, work)).min()
    }

    pub(super) fn is_idle(&self, due: u64) -> bool {
        self.traffic.is_idle(due)
    }

    pub(super) fn close(mut self, due: u64, work: &mut Work) {
        self.traffic.close(due, work);
    }

    pub(super) fn connect(&mut self, net: &mut Net) {
        let addresses = &net.addresses[self.target];
        let address = addresses[self.failures % addresses.len()];
        let connecting = TcpStream::connect(address).and_then(|mut stream| {
            net.registry.register(&mut stream, self.token, Interest::READABLE | Interest::WRITABLE)?;
            Ok(stream)
        });
        match connecting {
            Ok(stream) => self.link = Link::Connecting { stream, since: clock::now() },
            Err(_) => self.failed(net),
        }
    }

    fn establish(&mut self, net: &Net) {
        let Link::Connecting { stream, .. } = &self.link else { return };
        if !matches!(stream.take_error(), Ok(None)) {
            return self.failed(net);
        }
        match stream.peer_addr() {
            Ok(_) => {}
            // Not yet: the event was about something else.
            Err(error) if error.kind() == ErrorKind::NotConnected => return,
            Err(_) => return self.failed(net),
        }
        // Small requests must not wait for the acknowledgement of those before. If it fails, they do.
        let _ = stream.set_nodelay(true);
        let Link::Connecting { stream, .. } = std::mem::replace(&mut self.link, Link::Down { until: 0 })
        else {
            return;
        };
        self.link = Link::Up(stream);
    }

    fn write(&mut self, due: u64, net: &mut Net, work: &mut Work) {
        let Link::Up(stream) = &mut self.link else { return };
        loop {
            let output = self.traffic.output(due, work);
            if output.is_empty() {
                return;
            }
            let now = clock::now();
            match stream.write(output) {
                Ok(bytes) => self.traffic.wrote(bytes, now, work),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        // It broke; but answers may have come before.
        self.read(net, work);
        if matches!(self.link, Link::Up(_)) {
            self.lost(Cause::Closed, net, work);
        }
    }

    fn read(&mut self, net: &mut Net, work: &mut Work) {
        let Link::Up(stream) = &mut self.link else { return };
        let lost = loop {
            match stream.read(&mut net.input) {
                Ok(0) => break Cause::Closed,
                Ok(bytes) => match self.traffic.input(&net.input[..bytes], clock::now(), work) {
                    Ok(true) => {}
                    Ok(false) => break Cause::Closed,
                    Err(_) => break Cause::Malformed,
                },
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break Cause::Closed,
            }
        };
        self.lost(lost, net, work);
    }

    fn lost(&mut self, cause: Cause, net: &Net, work: &mut Work) {
        if !self.traffic.disconnected(cause, work) {
            return self.failed(net);
        }
        self.failures = 0;
        self.link = Link::Down { until: 0 };
    }

    /// The connection did not come about, or was of no use.
    fn failed(&mut self, net: &Net) {
        self.failures += 1;
        let addresses = net.addresses[self.target].len();
        let rounds = self.failures / addresses;
        // Another address is tried at once.
        let all_failed = self.failures.is_multiple_of(addresses);
        let wait = if all_failed { BACKOFF[(rounds - 1).min(BACKOFF.len() - 1)] } else { 0 };
        self.link = Link::Down { until: clock::now() + wait * MILLISECOND };
    }
}
