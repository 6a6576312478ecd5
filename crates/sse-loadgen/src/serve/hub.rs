//! All connections and topics, and what happens between them. It knows no listener and no poll.

mod due;
mod requests;

use std::collections::HashMap;
use std::io::ErrorKind;
use std::time::Instant;

use mio::net::TcpStream;
use slab::Slab;

use super::config::ServeConfig;
use super::connection::{Connection, Gone, State, Stream};
use super::counts::Counts;
use super::delivery::Delivery;
use super::frame;
use super::outgoing::Outgoing;
use super::route::How;
use super::timers::{Due, Timers};
use super::topic::Topic;

/// Bytes of answers that a client may leave unread before no more of its requests are read.
const MAX_WAITING: usize = 64 << 10;

/// Reads from one connection before the others have their turn.
const READS: usize = 16;

#[derive(Debug)]
pub(super) struct Hub {
    config: ServeConfig,
    connections: Slab<Connection>,
    accepted: u64,
    topics: Vec<Topic>,
    names: HashMap<Box<str>, usize>,
    /// Topics with something that their readers were not served.
    fresh: Vec<usize>,
    timers: Timers,
    delivery: Delivery,
    /// When idle streams are looked for next.
    sweep: Instant,
    /// Connections with more to read than their turn took.
    again: Vec<usize>,
    now: Instant,
    buffer: Vec<u8>,
}

impl Hub {
    pub(super) fn new(config: ServeConfig) -> Self {
        let (delivery, now) = (Delivery::new(&config), Instant::now());
        Self {
            config,
            connections: Slab::new(),
            accepted: 0,
            topics: Vec::new(),
            names: HashMap::new(),
            fresh: Vec::new(),
            timers: Timers::default(),
            delivery,
            sweep: now,
            again: Vec::new(),
            now,
            buffer: vec![0; 64 << 10],
        }
    }

    pub(super) fn counts(&self) -> Counts {
        self.delivery.counts
    }

    /// Sets what all that follows takes for the current time.
    pub(super) fn set_now(&mut self, now: Instant) {
        self.now = now;
    }

    /// The key that the next connection gets.
    pub(super) fn next_key(&self) -> usize {
        self.connections.vacant_key()
    }

    pub(super) fn welcome(&mut self, socket: TcpStream) {
        self.accepted += 1;
        self.connections.insert(Connection {
            out: Outgoing::new(socket),
            serial: self.accepted,
            input: Vec::new(),
            state: State::Requests,
            wrote: self.now,
        });
    }

    /// A connection can be read, or written, or both.
    pub(super) fn ready(&mut self, key: usize) {
        // It may have been closed since it was reported.
        if !self.connections.contains(key) {
            return;
        }
        let turn = self.settle(key).and_then(|()| self.read(key)).and_then(|more| {
            self.settle(key)?;
            Ok(more)
        });
        match turn {
            // As long as something waits, its being written calls again.
            Ok(true) if self.connections[key].out.waiting() == 0 => self.again.push(key),
            Ok(_) => {}
            Err(gone) => self.close(key, gone),
        }
    }

    /// Goes on with the connections that had more to read than their turn took.
    pub(super) fn go_on(&mut self) {
        for key in std::mem::take(&mut self.again) {
            self.ready(key);
        }
    }

    /// Serves the readers of all topics that have something new.
    pub(super) fn fan_out(&mut self) {
        let mut gone = Vec::new();
        for index in std::mem::take(&mut self.fresh) {
            let topic = &mut self.topics[index];
            topic.fresh = false;
            let topic = &*topic;
            for &key in &topic.readers {
                let connection = &mut self.connections[key];
                let served = self.delivery.serve(key, connection, topic, &mut self.timers, self.now);
                gone.extend(served.err().map(|why| (key, why)));
            }
        }
        gone.into_iter().for_each(|(key, why)| self.close(key, why));
    }

    /// Ends all streams; how many there were.
    pub(super) fn cut(&mut self, how: How) -> usize {
        let streams = |(key, connection): (usize, &Connection)| {
            matches!(connection.state, State::Stream(_) | State::Tokens(_)).then_some(key)
        };
        let keys: Vec<_> = self.connections.iter().filter_map(streams).collect();
        for &key in &keys {
            if how == How::End {
                self.leave(key);
                let connection = &mut self.connections[key];
                connection.out.queue(frame::END);
                connection.state = State::Closing { ended: false };
                if let Err(gone) = self.settle(key) {
                    self.close(key, gone);
                }
                continue;
            }
            if how == How::Rst {
                self.connections[key].out.reset_on_close();
            }
            self.close(key, Gone::Ended);
        }
        keys.len()
    }

    /// Ends all streams in good order, closes everything, and gives up what was held back.
    pub(super) fn end(&mut self) {
        self.cut(How::End);
        for timer in self.timers.drain() {
            if matches!(timer.due, Due::Event { .. }) {
                self.delivery.given_up();
            }
        }
        self.connections.clear();
    }

    /// Reads until there is nothing more, and answers. True: there may be more all the same.
    fn read(&mut self, key: usize) -> Result<bool, Gone> {
        self.requests(key, &[]);
        let mut buffer = std::mem::take(&mut self.buffer);
        let read = self.read_into(key, &mut buffer);
        self.buffer = buffer;
        read
    }

    fn read_into(&mut self, key: usize, buffer: &mut [u8]) -> Result<bool, Gone> {
        for _ in 0..READS {
            let connection = &mut self.connections[key];
            if matches!(connection.state, State::Requests) && connection.out.waiting() > MAX_WAITING {
                return Ok(true);
            }
            match connection.out.read(buffer) {
                Ok(0) => return self.ended(key).map(|()| false),
                // What comes on an open stream, or behind a last request, means nothing.
                Ok(len) => self.requests(key, &buffer[..len]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    /// The client has said all it had to say, but may still wait for answers.
    fn ended(&mut self, key: usize) -> Result<(), Gone> {
        let connection = &mut self.connections[key];
        match connection.state {
            State::Requests | State::Closing { .. } if connection.out.waiting() > 0 => {
                connection.state = State::Closing { ended: true };
                Ok(())
            }
            _ => Err(Gone::Ended),
        }
    }

    /// Writes what waits, and does what comes next once nothing does.
    fn settle(&mut self, key: usize) -> Result<(), Gone> {
        let connection = &mut self.connections[key];
        connection.out.flush()?;
        if connection.out.waiting() > 0 {
            return Ok(());
        }
        match &connection.state {
            State::Requests | State::Tokens(_) => {}
            State::Stream(Stream { topic, .. }) => {
                let topic = &self.topics[*topic];
                self.delivery.serve(key, connection, topic, &mut self.timers, self.now)?;
            }
            State::Closing { ended: true } => return Err(Gone::Ended),
            State::Closing { ended: false } => connection.out.shut(),
        }
        Ok(())
    }

    fn close(&mut self, key: usize, gone: Gone) {
        self.delivery.counts.evicted += u64::from(gone == Gone::Behind);
        self.leave(key);
        self.connections.remove(key);
    }

    /// Takes a connection out of its topic.
    fn leave(&mut self, key: usize) {
        let State::Stream(stream) = &mut self.connections[key].state else { return };
        if stream.held.take().is_some() {
            self.delivery.given_up();
        }
        let (readers, place) = (&mut self.topics[stream.topic].readers, stream.place);
        readers.swap_remove(place);
        if let Some(&moved) = readers.get(place)
            && let State::Stream(moved) = &mut self.connections[moved].state
        {
            moved.place = place;
        }
    }
}
