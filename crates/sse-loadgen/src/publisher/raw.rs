//! The publisher for `http://`: one thread, a few connections, requests one behind the other on each.
//!
//! Pipelining (RFC 9112, section 9.3.2) is what makes an open loop affordable: no request waits for an answer, none needs
//! a connection or a task of its own, and several that are due together leave in one write. A server reads them in the
//! order in which they were sent.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use mio::{Events, Poll, Token, Waker};

use super::account::{Account, Published};
use super::lane::{Lane, Net};
use super::pace::Shared;
use super::pipeline::{Pipeline, Work};
use super::publish::Publish;
use super::request::Renderer;
use super::share::Share;
use super::stream::Stream;
use super::target::Target;
use super::traffic::Traffic;
use crate::clock;
use crate::schedule::Schedule;

const WAKE: Token = Token(usize::MAX);

/// Answers are small; a thousand of them fit.
const INPUT: usize = 64 << 10;

/// As good as for ever, and still a time that every poll can hold.
const LONG: Duration = Duration::from_secs(3600);

/// The thread's work, ready to run.
#[derive(Debug)]
pub(super) struct Raw {
    poll: Poll,
    lanes: Vec<Lane>,
    net: Net,
    work: Work,
    shared: Arc<Shared>,
    /// Not used here, but were it dropped elsewhere while it wakes, the wake would be lost.
    waker: Arc<Waker>,
    first: u64,
}

impl Raw {
    /// Resolves the hosts, and begins to connect.
    pub(super) fn new(
        publish: &Publish,
        schedule: Schedule,
        first: u64,
        shared: Arc<Shared>,
        account: Account,
    ) -> io::Result<(Self, Arc<Waker>)> {
        let addresses: Vec<_> = publish.targets.iter().map(resolve).collect::<io::Result<_>>()?;
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let mut net = Net { registry: poll.registry().try_clone()?, addresses, input: vec![0; INPUT] };
        // Lane l carries topics k with k mod lanes = l. As the lanes are a multiple of the targets, or as many as there are
        // topics, it leads to the target of all of them.
        let shares = Share::among(publish.connections_to_all(), schedule.topics).enumerate();
        let targets = net.addresses.len();
        let traffic = |lane, share| -> Box<dyn Traffic> {
            if publish.stream.is_none() {
                return Box::new(Pipeline::new(share, first));
            }
            Box::new(Stream::new(lane % targets, share, first))
        };
        let lane = |(lane, share)| Lane::new(Token(lane), lane % targets, traffic(lane, share));
        let mut lanes: Vec<_> = shares.map(lane).collect();
        lanes.iter_mut().for_each(|lane| lane.connect(&mut net));
        let work = Work {
            schedule,
            renderer: Renderer::new(publish, schedule),
            account,
            max_in_flight: (publish.max_in_flight / lanes.len()).max(1),
            timeout: u64::try_from(publish.timeout.as_nanos()).unwrap_or(u64::MAX),
        };
        Ok((Self { poll, lanes, net, work, shared, waker: Arc::clone(&waker), first }, waker))
    }

    /// Publishes until nothing is left to send or to wait for.
    pub(super) fn run(mut self) -> Published {
        let mut events = Events::with_capacity(1024);
        let due = loop {
            // In this order: once it is over, what is due is final.
            let over = self.shared.is_over();
            let due = self.shared.due();
            let sendable = if self.shared.is_stopped() { 0 } else { due };
            for lane in &mut self.lanes {
                if over {
                    lane.finish();
                }
                lane.turn(sendable, &mut self.net, &mut self.work);
            }
            let (now, deadline) = (clock::now(), self.shared.deadline());
            if deadline <= now || over && self.lanes.iter().all(|lane| lane.is_idle(sendable)) {
                break due;
            }
            let wakes = self.lanes.iter().filter_map(|lane| lane.wakes(sendable, &self.work)).min();
            let wait = Duration::from_nanos(wakes.unwrap_or(u64::MAX).min(deadline).saturating_sub(now));
            if let Err(error) = self.poll.poll(&mut events, Some(wait.min(LONG)))
                && error.kind() != io::ErrorKind::Interrupted
            {
                break due;
            }
            for event in events.iter().filter(|event| event.token() != WAKE) {
                self.lanes[event.token().0].ready(&mut self.net, &mut self.work);
            }
        };
        drop(self.waker);
        for lane in self.lanes {
            lane.close(due, &mut self.work);
        }
        self.work.account.close(due - self.first)
    }
}

fn resolve(target: &Target) -> io::Result<Vec<SocketAddr>> {
    let addresses: Vec<_> = (&*target.host, target.port).to_socket_addrs()?.collect();
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    }
    Ok(addresses)
}
