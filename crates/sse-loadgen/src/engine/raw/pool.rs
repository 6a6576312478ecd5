//! The loop: what is readable, what is due, what was ordered.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use mio::{Events, Interest, Poll, Token, Waker};

use super::client::{Client, Phase};
use super::connect::connect;
use super::decoders::Decoders;
use super::reading::received;
use super::stamped;
use super::timers::{Timer, Timers, What};
use crate::account::reconnect::Ending;
use crate::account::{Account, Measuring, Moment, Recorder, Rules};
use crate::clock;
use crate::engine::ending;
use crate::engine::request::{Asker, Request};
use crate::worker::orders::{Coming, Order, Pace, Reply};
use crate::worker::{Assignment, Controls, Reporter, reply};

/// Large enough to empty a socket in one go, small enough to stay in the cache.
const BUFFER: usize = 64 * 1024;
/// Reads of one client in a row, so that one that is flooded does not keep the others waiting.
const READS: usize = 8;
/// A slow reader reads so often.
const SLOW_READ: u64 = 100_000_000;
/// So many clients ahead of the one whose turn it is are brought into the cache.
const AHEAD: usize = 3;
const WAKER: Token = Token(usize::MAX);

pub(super) struct Pool {
    pub(super) assignment: Assignment,
    pub(super) clients: Vec<Client>,
    pub(super) recorder: Recorder,
    pub(super) timers: Timers,
    pub(super) rng: fastrand::Rng,
    /// Slots of requests that are answered.
    pub(super) free: Vec<u32>,
    requests: Vec<Request>,
    reporter: Reporter,
    controls: Controls,
    /// The last wake, of a thread that is gone, is lost with the waker.
    _waker: Arc<Waker>,
    poll: Poll,
    decoders: Decoders,
    buffer: Box<[u8]>,
    out: Vec<u8>,
    /// Clients that wanted to connect while too many did.
    waiting: VecDeque<u32>,
    /// Clients that have more to read than they were let.
    unread: VecDeque<u32>,
    /// How many have come, of this worker's.
    arrived: u64,
    closing: bool,
}

impl Pool {
    pub(super) fn new(assignment: Assignment) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let wake = Arc::clone(&waker);
        // If the loop cannot be woken, it finds the order when it wakes by itself.
        let controls = Controls::listen(Box::new(move || drop(wake.wake())))?;
        // Growing would take twice the memory, and a long copy in the middle of the ramp.
        let clients = match assignment.coming {
            Coming::Ramp { .. } => assignment.clients.div_ceil(assignment.workers) as usize,
            Coming::Requests { .. } => 0,
        };
        let requests = assignment.requests.iter().map(Request::new).collect::<Result<_, _>>();
        let (Coming::Ramp { start, .. } | Coming::Requests { start, .. }) = assignment.coming;
        Ok(Self {
            clients: Vec::with_capacity(clients),
            recorder: Recorder::new(Rules::of(&assignment)),
            timers: Timers::default(),
            rng: fastrand::Rng::with_seed(assignment.seed.wrapping_add(assignment.worker.into())),
            free: Vec::new(),
            requests: requests.map_err(io::Error::other)?,
            reporter: Reporter::new(start),
            controls,
            _waker: waker,
            poll,
            decoders: Decoders::new(assignment.max_event),
            buffer: vec![0; BUFFER].into(),
            out: Vec::new(),
            waiting: VecDeque::new(),
            unread: VecDeque::new(),
            arrived: 0,
            closing: false,
            assignment,
        })
    }

    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        reply(&Reply::Ready)?;
        while !self.closing {
            let timeout = self.next_due().saturating_sub(clock::now());
            match self.poll.poll(&mut events, Some(Duration::from_nanos(timeout))) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            let began = clock::now();
            // First of all: what is measured has to be known before the first event of it is read.
            self.take_orders(began)?;
            let mut coming = events.iter().skip(AHEAD);
            let mut warm = 0;
            for event in events.iter().filter(|event| event.token() != WAKER) {
                warm ^=
                    coming.next().and_then(|next| self.clients.get(next.token().0)).map_or(0, Client::warm);
                let ended = event.is_read_closed() || event.is_error();
                self.ready(event.token().0, ended);
            }
            std::hint::black_box(warm);
            for _ in 0..self.unread.len() {
                let Some(client) = self.unread.pop_front() else { break };
                self.read(client as usize);
            }
            self.due()?;
            if !events.is_empty() {
                self.recorder.turn(began, clock::now());
            }
        }
        reply(&Reply::Closed)
    }

    fn next_due(&self) -> u64 {
        if !self.unread.is_empty() {
            return 0;
        }
        let mut due = self.reporter.due().min(self.timers.next_due().unwrap_or(u64::MAX));
        if self.may_connect() {
            due = due.min(if self.waiting.is_empty() { self.next_arrival().unwrap_or(u64::MAX) } else { 0 });
        }
        due
    }

    fn due(&mut self) -> io::Result<()> {
        let now = clock::now();
        while let Some(timer) = self.timers.take_due(now) {
            self.time_has_come(timer, now);
        }
        self.admit(now);
        self.reporter.turn(&mut self.recorder, now)
    }

    fn take_orders(&mut self, now: u64) -> io::Result<()> {
        while let Some(order) = self.controls.take() {
            self.carry_out(order, now)?;
        }
        Ok(())
    }

    fn carry_out(&mut self, order: Order, now: u64) -> io::Result<()> {
        match order {
            Order::Measure { schedule, from, to } => {
                self.recorder.measure(Measuring { schedule, from, to });
                self.reporter.measure(from, to)?;
            }
            Order::Cut { share } => self.cut(share, now),
            Order::Restrain { share, skip, pace } => self.restrain(share, skip, pace, now),
            Order::Settle(published) => {
                let accounts = self.clients.iter_mut().map(|client| &mut client.account);
                self.reporter.settle(&mut self.recorder, accounts, &published)?;
            }
            Order::Close => {
                // Descriptors are closed one by one, so that the server sees it before the last line is written.
                self.clients.clear();
                self.closing = true;
            }
        }
        Ok(())
    }

    fn time_has_come(&mut self, timer: Timer, now: u64) {
        let index = timer.client as usize;
        // Timers outlive the clients for as long as it takes to say goodbye.
        let Some(client) = self.clients.get(index).filter(|client| client.attempt == timer.attempt) else {
            return;
        };
        match timer.what {
            What::Return if client.phase == Phase::Away => self.waiting.push_back(timer.client),
            What::Deadline if self.has_run_out(client) => self.over(index, &Ending::Timeout, now),
            What::Leave => self.leave(index, now),
            What::Read => self.read_slowly(index, now),
            What::Return | What::Deadline => {}
        }
    }

    fn may_connect(&self) -> bool {
        self.recorder.record.counts.connecting < u64::from(self.assignment.in_flight)
    }

    /// Lets those connect who wait, and those come whose time it is.
    fn admit(&mut self, now: u64) {
        while self.may_connect() {
            let next = self.waiting.pop_front().or_else(|| {
                let due = self.next_arrival().filter(|&due| due <= now)?;
                Some(self.arrive(due))
            });
            let Some(client) = next else { return };
            self.begin(client as usize, now);
        }
    }

    /// When the next new client is to come; none if all have.
    fn next_arrival(&self) -> Option<u64> {
        let Assignment { worker, workers, clients, .. } = self.assignment;
        let number = u64::from(worker) + self.arrived * u64::from(workers);
        let due = |start: u64, per_second: f64| start + (number as f64 / per_second * 1e9) as u64;
        match self.assignment.coming {
            Coming::Ramp { start, per_second, .. } => {
                (number < u64::from(clients)).then(|| due(start, per_second))
            }
            Coming::Requests { start, per_second, end, .. } => {
                let room = !self.free.is_empty()
                    || (self.clients.len() as u64) < u64::from(clients.div_ceil(workers));
                Some(due(start, per_second)).filter(|&due| due < end && room)
            }
        }
    }

    fn arrive(&mut self, due: u64) -> u32 {
        let Assignment { worker, workers, topics, .. } = self.assignment;
        let number = worker + u32::try_from(self.arrived).unwrap_or(u32::MAX).wrapping_mul(workers);
        self.arrived += 1;
        let mut account = Account::new(number, number % topics);
        self.recorder.planned(&mut account, due);
        let mut client = Client::new(account);
        client.stamped = client.account.is_within(self.assignment.stamped, 0.0);
        if let Some(slot) = self.free.pop() {
            client.attempt = self.clients[slot as usize].attempt;
            self.clients[slot as usize] = client;
            return slot;
        }
        self.clients.push(client);
        u32::try_from(self.clients.len() - 1).expect("clients are counted in 32 bits")
    }

    fn begin(&mut self, index: usize, now: u64) {
        let client = &mut self.clients[index];
        // It may wait twice, if somebody else has come in its place meanwhile.
        if client.phase != Phase::Away {
            return;
        }
        client.attempt = client.attempt.wrapping_add(1);
        self.recorder.attempt(&mut client.account, now);
        let routes = &self.assignment.routes;
        let route = &routes[client.account.client as usize % routes.len()];
        client.phase = Phase::Connecting;
        client.ended = false;
        let registered = connect(route, self.assignment.receive_buffer).and_then(|mut socket| {
            if client.stamped {
                stamped::ask(&socket)?;
            }
            self.poll.registry().register(
                &mut socket,
                Token(index),
                Interest::READABLE | Interest::WRITABLE,
            )?;
            client.socket = Some(socket);
            Ok(())
        });
        if let Err(error) = registered {
            return self.over(index, &ending(&error), now);
        }
        let timer = Timer {
            due: self.deadline(now),
            client: index as u32,
            attempt: self.clients[index].attempt,
            what: What::Deadline,
        };
        self.timers.add(timer);
    }

    /// Something happened to a client's socket. `ended`: by the other side, though there may be more to read.
    fn ready(&mut self, index: usize, ended: bool) {
        // What was closed in this turn may still have an event in the list.
        let Some(client) = self.clients.get_mut(index) else { return };
        client.ended |= ended;
        match client.phase {
            Phase::Connecting => self.connected(index),
            Phase::Asking => self.ask(index),
            Phase::Head | Phase::Open { .. } => self.read(index),
            Phase::Away | Phase::Gone => {}
        }
    }

    fn connected(&mut self, index: usize) {
        let client = &mut self.clients[index];
        let Some(socket) = &client.socket else { return };
        match socket.take_error() {
            Ok(None) => {}
            Ok(Some(error)) | Err(error) => return self.over(index, &ending(&error), clock::now()),
        }
        // Woken too early: it is neither connected nor failed.
        if socket.peer_addr().is_err() {
            return;
        }
        self.recorder.connected(&client.account, clock::now());
        let last_event_id = if self.assignment.reconnect.resume { &*client.last_event_id } else { "" };
        client.resumed = !last_event_id.is_empty();
        let Account { client: number, topic, .. } = client.account;
        let routes = &self.assignment.routes;
        let request = &self.requests[routes[number as usize % routes.len()].target];
        client.rest.clear();
        request.render(&Asker { client: number, topic, last_event_id }, &mut self.out);
        std::mem::swap(&mut client.rest, &mut self.out);
        client.phase = Phase::Asking;
        self.ask(index);
    }

    /// Sends what is left of the request.
    fn ask(&mut self, index: usize) {
        let client = &mut self.clients[index];
        let Some(socket) = &mut client.socket else { return };
        match socket.write(&client.rest) {
            Ok(sent) if sent == client.rest.len() => {
                // The buffer is the next client's.
                client.rest.clear();
                self.out = std::mem::take(&mut client.rest);
                client.phase = Phase::Head;
                // The answer of a server that did not wait for the request may be there already.
                self.read(index);
            }
            Ok(sent) => drop(client.rest.drain(..sent)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => self.over(index, &ending(&error), clock::now()),
        }
    }

    fn read(&mut self, index: usize) {
        let client = &self.clients[index];
        let ended = client.ended;
        if client.pace != Pace::Full && client.is_open() {
            if ended && client.pace == Pace::Stalled {
                self.over(index, &Ending::Reset, clock::now());
            }
            return;
        }
        for _ in 0..READS {
            match self.read_once(index, BUFFER) {
                // A read that did not fill the buffer has emptied the socket, and what comes later is told anew; but an
                // end that was told already is not.
                Some(bytes) if bytes < BUFFER && !ended => return,
                Some(_) => {}
                None => return,
            }
        }
        self.unread.push_back(index as u32);
    }

    /// Reads up to so many bytes. None: there is nothing to read, or nobody to read it.
    fn read_once(&mut self, index: usize, most: usize) -> Option<usize> {
        let client = &mut self.clients[index];
        let socket = client.socket.as_mut()?;
        let buffer = &mut self.buffer[..most];
        let outcome = if client.stamped {
            stamped::read(socket, buffer)
        } else {
            socket.read(buffer).map(|bytes| (bytes, None))
        };
        let read = clock::now();
        let at = Moment { read, arrived: outcome.as_ref().ok().and_then(|&(_, arrived)| arrived) };
        let bytes = match outcome {
            Ok((0, _)) => {
                let ending = match client.body {
                    super::client::Body::UntilClose if client.is_open() => Ending::Ended,
                    _ => Ending::Cut,
                };
                self.over(index, &ending, at.read);
                return None;
            }
            Ok((bytes, _)) => bytes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Some(most),
            Err(error) => {
                self.over(index, &ending(&error), at.read);
                return None;
            }
        };
        match received(client, &self.buffer[..bytes], at, &mut self.recorder, &mut self.decoders) {
            Ok(false) => {}
            Ok(true) => self.opened(index, at.read),
            Err(ending) => {
                self.over(index, &ending, at.read);
                return None;
            }
        }
        Some(bytes)
    }

    fn read_slowly(&mut self, index: usize, now: u64) {
        let Pace::Slow(rate) = self.clients[index].pace else { return };
        let share = (u64::from(rate) * SLOW_READ).div_ceil(1_000_000_000) as usize;
        self.read_once(index, share.clamp(1, BUFFER));
        self.later(index, now + SLOW_READ, What::Read);
    }

    /// Something is due for this client, unless it begins another attempt before.
    pub(super) fn later(&mut self, index: usize, due: u64, what: What) {
        let attempt = self.clients[index].attempt;
        self.timers.add(Timer { due, client: index as u32, attempt, what });
    }
}
