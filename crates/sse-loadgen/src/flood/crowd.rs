//! The streams of a flood: connected at a rate, read whenever there is something, given up for good when they end.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read, Write};

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::book::Book;
use super::reader::Reader;
use crate::account::reconnect::Ending;
use crate::chunked::Piece;
use crate::clock;
use crate::engine::ending;
use crate::engine::raw::client::Body;
use crate::engine::raw::connect::connect;
use crate::engine::raw::head;
use crate::engine::request::{Asker, Request};
use crate::plan::Route;

/// What a socket holds at most is read in a few goes, and stays in a core's second cache.
const BUFFER: usize = 256 << 10;

/// See the module.
#[derive(Debug)]
pub(super) struct Crowd {
    clients: Vec<Client>,
    registry: Registry,
    routes: Vec<Route>,
    request: Request,
    buffer: Box<[u8]>,
    /// Who has more to read than one turn took.
    unread: VecDeque<u32>,
    /// Streams that are open now.
    pub(super) open: u32,
    /// Attempts under way.
    pub(super) connecting: u32,
    /// Attempts that came to nothing, by reason.
    pub(super) failed: BTreeMap<String, u32>,
    /// Streams that ended, by reason. Nobody comes back: what they have not got is lost.
    pub(super) ended: BTreeMap<String, u32>,
}

#[derive(Debug)]
struct Client {
    /// None: it is over.
    socket: Option<TcpStream>,
    phase: Phase,
    body: Body,
    reader: Reader,
    /// The other side has closed. The kernel says so once, and there may be more to read before it.
    closed: bool,
    /// What of the request is not sent, or of the head not complete.
    rest: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Connecting,
    Asking,
    Head,
    Open,
}

impl Crowd {
    pub(super) fn new(clients: u32, registry: Registry, routes: Vec<Route>, request: Request) -> Self {
        Self {
            clients: Vec::with_capacity(clients as usize),
            registry,
            routes,
            request,
            buffer: vec![0; BUFFER].into(),
            unread: VecDeque::new(),
            open: 0,
            connecting: 0,
            failed: BTreeMap::new(),
            ended: BTreeMap::new(),
        }
    }

    /// Begins with one more client. Its token is its number.
    pub(super) fn add(&mut self) {
        let number = self.clients.len();
        let connected = connect(&self.routes[number % self.routes.len()], None).and_then(|mut socket| {
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.registry.register(&mut socket, Token(number), interest)?;
            Ok(socket)
        });
        self.connecting += 1;
        let (socket, error) = match connected {
            Ok(socket) => (Some(socket), None),
            Err(error) => (None, Some(error)),
        };
        self.clients.push(Client {
            socket,
            phase: Phase::Connecting,
            body: Body::UntilClose,
            reader: Reader::new(),
            closed: false,
            rest: Vec::new(),
        });
        if let Some(error) = error {
            self.over(number, &ending(&error));
        }
    }

    /// How many have begun.
    pub(super) fn len(&self) -> u32 {
        self.clients.len() as u32
    }

    /// Those that had a stream at any time.
    pub(super) fn readers(&self) -> impl Iterator<Item = &Reader> {
        self.clients.iter().filter(|client| client.phase == Phase::Open).map(|client| &client.reader)
    }

    /// Gives up those that have no answer yet.
    pub(super) fn give_up_connecting(&mut self) {
        for index in 0..self.clients.len() {
            if self.clients[index].phase != Phase::Open && self.clients[index].socket.is_some() {
                self.over(index, &Ending::Timeout);
            }
        }
    }

    /// Whether this is so for all whose stream is open. Those before `first` are known to be; it is moved on.
    pub(super) fn have(&self, first: &mut usize, is_so: impl Fn(&Reader) -> bool) -> bool {
        let rest = &self.clients[*first..];
        let mut open = rest.iter().map(|client| client.socket.is_none() || is_so(&client.reader));
        *first += open.position(|is_so| !is_so).unwrap_or(rest.len());
        *first == self.clients.len()
    }

    /// How many have more to read, of which no other word will come.
    pub(super) fn unread(&self) -> usize {
        self.unread.len()
    }

    /// Something happened to a client's socket.
    pub(super) fn ready(&mut self, index: usize, closed: bool, book: &mut Book) {
        let Some(client) = self.clients.get_mut(index) else { return };
        client.closed |= closed;
        let ready = match client.phase {
            Phase::Connecting => self.connected(index),
            Phase::Asking => self.ask(index),
            Phase::Head | Phase::Open => Ok(()),
        };
        if let Err(ending) = ready {
            return self.over(index, &ending);
        }
        if matches!(self.clients[index].phase, Phase::Head | Phase::Open) {
            self.read(index, book);
        }
    }

    /// Lets the next one of them read.
    pub(super) fn go_on(&mut self, book: &mut Book) {
        if let Some(index) = self.unread.pop_front() {
            self.read(index as usize, book);
        }
    }

    fn connected(&mut self, index: usize) -> Result<(), Ending> {
        let client = &mut self.clients[index];
        let Some(socket) = &client.socket else { return Ok(()) };
        if let Some(error) = socket.take_error().unwrap_or_else(Some) {
            return Err(ending(&error));
        }
        // Woken too early: it is neither connected nor failed.
        if socket.peer_addr().is_err() {
            return Ok(());
        }
        let asker = Asker { client: index as u32, topic: 0, last_event_id: "" };
        self.request.render(&asker, &mut client.rest);
        client.phase = Phase::Asking;
        self.ask(index)
    }

    fn ask(&mut self, index: usize) -> Result<(), Ending> {
        let client = &mut self.clients[index];
        let Some(socket) = &mut client.socket else { return Ok(()) };
        match socket.write(&client.rest) {
            Ok(sent) => _ = client.rest.drain(..sent),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(ending(&error)),
        }
        if client.rest.is_empty() {
            client.rest = Vec::new();
            client.phase = Phase::Head;
        }
        Ok(())
    }

    /// One read, so that nobody waits for long; who may have more has another turn.
    fn read(&mut self, index: usize, book: &mut Book) {
        let client = &mut self.clients[index];
        let Some(socket) = &mut client.socket else { return };
        let read = match socket.read(&mut self.buffer) {
            Ok(0) => Err(if client.phase == Phase::Open { Ending::Cut } else { Ending::Reset }),
            Ok(bytes) => {
                let was_open = client.phase == Phase::Open;
                book.counts.bytes += bytes as u64;
                let received = client.received(&self.buffer[..bytes], clock::now(), book);
                let is_open = client.phase == Phase::Open;
                self.open += u32::from(is_open && !was_open);
                self.connecting -= u32::from(is_open && !was_open);
                // Less than there was room for: the socket is empty, and the kernel tells of whatever comes later.
                if bytes == self.buffer.len() || client.closed {
                    self.unread.push_back(index as u32);
                }
                received
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                self.unread.push_back(index as u32);
                Ok(())
            }
            Err(error) => Err(ending(&error)),
        };
        if let Err(ending) = read {
            self.over(index, &ending);
        }
    }

    fn over(&mut self, index: usize, ending: &Ending) {
        let client = &mut self.clients[index];
        client.socket = None;
        let (gauge, reasons) = if client.phase == Phase::Open {
            (&mut self.open, &mut self.ended)
        } else {
            (&mut self.connecting, &mut self.failed)
        };
        *gauge -= 1;
        *reasons.entry(ending.name().into_owned()).or_default() += 1;
    }
}

impl Client {
    fn received(&mut self, input: &[u8], now: u64, book: &mut Book) -> Result<(), Ending> {
        if self.phase == Phase::Open {
            return self.body(input, now, book);
        }
        self.rest.extend_from_slice(input);
        let Some((length, body)) = head::read(&self.rest)? else { return Ok(()) };
        self.body = body;
        self.phase = Phase::Open;
        let rest = std::mem::take(&mut self.rest);
        self.body(&rest[length..], now, book)
    }

    fn body(&mut self, mut input: &[u8], now: u64, book: &mut Book) -> Result<(), Ending> {
        let reader = &mut self.reader;
        let mut take = |data: &[u8]| reader.read(data, now, book).map_err(|_| Ending::TooLong);
        match &mut self.body {
            Body::UntilClose => take(input),
            Body::Length(left) => {
                let length = input.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= length as u64;
                take(&input[..length])?;
                if *left == 0 { Err(Ending::Ended) } else { Ok(()) }
            }
            Body::Chunked(chunked) => loop {
                let piece = chunked.next(&mut input);
                match piece.map_err(|_| Ending::Malformed("broken chunked coding"))? {
                    Piece::Data(data) => take(data)?,
                    Piece::End => return Err(Ending::Ended),
                    Piece::More => return Ok(()),
                }
            },
        }
    }
}
