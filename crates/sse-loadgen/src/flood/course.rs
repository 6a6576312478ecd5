//! The course of a flood, on one thread: what is readable, what is due, and one phase after the other.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::{Events, Poll, Token};

use super::alarm::Alarm;
use super::book::Book;
use super::crowd::Crowd;
use super::reader::Reader;
use super::source::{Leg, Source};
use crate::clock;
use crate::engine::request::Request;
use crate::plan::Route;

const ALARM: Token = Token(usize::MAX);
const SOURCE: Token = Token(usize::MAX - 1);
/// However many clients there are to be read, the publisher has a turn so often: what it is late by is ours. A turn costs a
/// microsecond or two.
const SLICE: u64 = 200_000;
/// Attempts to connect under way at once, at most: as many as any queue of a server holds.
const CONNECTING: u32 = 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct Course {
    poll: Poll,
    alarm: Alarm,
    pub(super) crowd: Crowd,
    pub(super) book: Book,
    pub(super) source: Source,
    /// When the publisher last had a turn.
    looked: u64,
}

/// What is published, and where.
#[derive(Debug)]
pub(super) struct Publishing {
    pub(super) address: SocketAddr,
    /// The request up to the length of its body.
    pub(super) head: Vec<u8>,
    pub(super) payload: usize,
    pub(super) in_flight: usize,
}

impl Course {
    pub(super) fn new(
        clients: u32,
        routes: Vec<Route>,
        request: Request,
        publishing: Publishing,
        book: Book,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let alarm = Alarm::new(poll.registry(), ALARM)?;
        let crowd = Crowd::new(clients, poll.registry().try_clone()?, routes, request);
        let source = Source::new(poll.registry().try_clone()?, SOURCE, book.run, publishing);
        Ok(Self { poll, alarm, crowd, book, source, looked: 0 })
    }

    /// Opens the streams, so many per second, and waits for them; so long for the last.
    pub(super) fn connect(&mut self, clients: u32, per_second: f64, patience: u64) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        let start = clock::now();
        let due = |number: u32| start + (f64::from(number) / per_second * 1e9) as u64;
        let mut end = u64::MAX;
        while self.crowd.len() < clients || self.crowd.connecting > 0 {
            let now = clock::now();
            if now >= end {
                self.crowd.give_up_connecting();
                break;
            }
            let mut next = end;
            while self.crowd.len() < clients && self.crowd.connecting < CONNECTING {
                next = due(self.crowd.len());
                if next > now {
                    break;
                }
                self.crowd.add();
                end = now.saturating_add(patience);
            }
            self.turn(next.min(end), &mut events)?;
        }
        Ok(())
    }

    /// Publishes a leg, and reads until everybody has it; in the end for at most so long.
    pub(super) fn lead(&mut self, leg: Leg, drain: u64) -> io::Result<()> {
        self.source.begin(leg);
        self.until(u64::MAX, |course| course.source.is_idle(clock::now()))?;
        let mut first = 0;
        let deadline = clock::now().saturating_add(drain);
        self.until(deadline, |course| course.have_all(&mut first)).map(drop)
    }

    /// Reads for so long, whatever comes.
    pub(super) fn pause(&mut self, time: u64) -> io::Result<()> {
        self.until(clock::now().saturating_add(time), |_| false).map(drop)
    }

    /// Whether all streams that are still open have all that was published. Nobody before `first` has to be looked at.
    fn have_all(&self, first: &mut usize) -> bool {
        let published = self.source.published();
        let uncertain = self.source.account.uncertain.len() as u64;
        self.crowd.have(first, |reader| reader.owed().has(published, uncertain))
    }

    /// Whether it came to that before the time was over.
    fn until(&mut self, end: u64, mut is_met: impl FnMut(&mut Self) -> bool) -> io::Result<bool> {
        let mut events = Events::with_capacity(1024);
        loop {
            if is_met(self) {
                return Ok(true);
            }
            if clock::now() >= end {
                return Ok(false);
            }
            self.turn(end, &mut events)?;
        }
    }

    /// Waits until there is something to do, but not beyond `end`, and does it.
    fn turn(&mut self, end: u64, events: &mut Events) -> io::Result<()> {
        let now = clock::now();
        let due = self.source.due(now).unwrap_or(u64::MAX).min(end);
        let wait = if due <= now || self.crowd.unread() > 0 {
            Some(Duration::ZERO)
        } else {
            self.alarm.set(due)?;
            None
        };
        match self.poll.poll(events, wait) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in events.iter().filter(|event| event.token() < SOURCE) {
            let closed = event.is_read_closed() || event.is_error();
            self.crowd.ready(event.token().0, closed, &mut self.book);
            self.look_at_source(SLICE);
        }
        for _ in 0..self.crowd.unread() {
            self.crowd.go_on(&mut self.book);
            self.look_at_source(SLICE);
        }
        self.look_at_source(0);
        if self.book.track.is_long() {
            let furthest = self.book.track.end().event;
            let behind = self.crowd.readers().filter_map(Reader::event).min();
            self.book.track.forget(behind.unwrap_or(furthest));
        }
        Ok(())
    }

    fn look_at_source(&mut self, after: u64) {
        let now = clock::now();
        if now >= self.looked + after {
            self.looked = now;
            self.source.turn();
        }
    }
}
