//! The publisher of a flood: one connection, requests one behind the other, so that the order of events is that of their
//! numbers. No thread of its own: it has a turn whenever the readers leave it one.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::course::Publishing;
use crate::clock;
use crate::latency::Latency;
use crate::pacer::Pacer;
use crate::publisher::answers::Answers;
use crate::stamp::Stamp;

/// A server that has answered nothing for so long will not.
const PATIENCE: u64 = 10_000_000_000;
const CONNECT: Duration = Duration::from_secs(10);
/// Connections in a row that break without a single answer.
const FAILURES: u32 = 3;

/// What is published next, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leg {
    /// None: whenever there is room.
    pub(super) pace: Option<Pacer>,
    pub(super) start: u64,
    /// Nothing is sent from then on.
    pub(super) end: u64,
    /// Nor more events than that.
    pub(super) events: u64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Source {
    address: SocketAddr,
    registry: Registry,
    token: Token,
    socket: Option<TcpStream>,
    /// The request, up to the event.
    head: Vec<u8>,
    payload: usize,
    run: u32,
    window: usize,
    leg: Leg,
    /// How many events of the leg were given out.
    given: u64,
    /// The number of the next event.
    next: u64,
    output: Vec<u8>,
    written: usize,
    answers: Answers,
    unanswered: VecDeque<Sent>,
    /// When there was last something to be waited for, and it came.
    answered: u64,
    failures: u32,
    body: Vec<u8>,
    input: Box<[u8]>,
    pub(super) account: Account,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    sequence: u64,
    planned: u64,
}

/// What became of what was sent.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) accepted: u64,
    /// Numbers of events that the server refused, or never said that it took: nobody is owed them.
    pub(super) uncertain: Vec<u64>,
    /// The last status that was no success.
    pub(super) refusal: Option<u16>,
    /// From the planned time to the answer.
    pub(super) ack: Latency,
    /// The server answers nothing any more, or cannot be reached.
    pub(super) broken: Option<String>,
}

impl Source {
    pub(super) fn new(registry: Registry, token: Token, run: u32, publishing: Publishing) -> Self {
        let Publishing { address, head, payload, in_flight: window } = publishing;
        Self {
            address,
            registry,
            token,
            socket: None,
            head,
            payload,
            run,
            window,
            leg: Leg { pace: None, start: 0, end: 0, events: 0 },
            given: 0,
            next: 0,
            output: Vec::new(),
            written: 0,
            answers: Answers::default(),
            unanswered: VecDeque::new(),
            answered: 0,
            failures: 0,
            body: Vec::new(),
            input: vec![0; 64 << 10].into(),
            account: Account::default(),
        }
    }

    /// Publishes this from now on.
    pub(super) fn begin(&mut self, leg: Leg) {
        (self.leg, self.given) = (leg, 0);
    }

    /// The number of the next event: how many there were before.
    pub(super) fn published(&self) -> u64 {
        self.next
    }

    /// Whether nothing is left to be sent or waited for.
    pub(super) fn is_idle(&self, now: u64) -> bool {
        self.unanswered.is_empty() && self.planned(now).is_none() || self.account.broken.is_some()
    }

    /// When it wants a turn, if nothing happens before.
    pub(super) fn due(&self, now: u64) -> Option<u64> {
        let may_send = self.unanswered.len() < self.window && self.account.broken.is_none();
        let next = self.planned(now).filter(|_| may_send);
        let patience = (!self.unanswered.is_empty()).then(|| self.answered.saturating_add(PATIENCE));
        next.into_iter().chain(patience).min()
    }

    /// Takes what answers there are, and sends what is due.
    pub(super) fn turn(&mut self) {
        if self.account.broken.is_some() {
            return;
        }
        let now = clock::now();
        let turned = self.receive(now).and_then(|()| self.send(now));
        if let Err(error) = turned {
            self.lost(&error);
        }
        if !self.unanswered.is_empty() && self.answered.saturating_add(PATIENCE) < now {
            self.give_up();
        }
    }

    /// When the next event is planned; none if the leg is over.
    fn planned(&self, now: u64) -> Option<u64> {
        let Leg { pace, start, end, events } = self.leg;
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let planned = pace.map_or(now, |pace| start.saturating_add(nanos(pace.planned(self.given))));
        (self.given < events && planned < end).then_some(planned)
    }

    fn receive(&mut self, now: u64) -> io::Result<()> {
        while let Some(socket) = &mut self.socket {
            let read = match socket.read(&mut self.input) {
                Ok(0) if self.unanswered.is_empty() => {
                    self.disconnect();
                    return Ok(());
                }
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            let mut input = &self.input[..read];
            while let Some(answer) = self.answers.next(&mut input).map_err(io::Error::other)? {
                let sent = self.unanswered.pop_front();
                let sent = sent.ok_or_else(|| io::Error::other("an answer to no request"))?;
                (self.answered, self.failures) = (now, 0);
                self.account.answered(sent, answer.status, now);
                if answer.last {
                    self.send_again();
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn send(&mut self, now: u64) -> io::Result<()> {
        while self.unanswered.len() < self.window
            && let Some(planned) = self.planned(now).filter(|&planned| planned <= now)
        {
            if self.unanswered.is_empty() {
                self.answered = now;
            }
            let sent = Sent { sequence: self.next, planned };
            self.render(sent);
            self.unanswered.push_back(sent);
            (self.next, self.given) = (self.next + 1, self.given + 1);
        }
        if self.output.is_empty() {
            return Ok(());
        }
        let socket = match &mut self.socket {
            Some(socket) => socket,
            None => self.socket.insert(connect(self.address, &self.registry, self.token)?),
        };
        while self.written < self.output.len() {
            match socket.write(&self.output[self.written..]) {
                Ok(written) => self.written += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.output.clear();
        self.written = 0;
        Ok(())
    }

    fn render(&mut self, Sent { sequence, planned }: Sent) {
        self.body.clear();
        Stamp { run: self.run, topic: 0, sequence, planned }.write(self.payload, &mut self.body);
        self.output.extend_from_slice(&self.head);
        write!(self.output, "{}\r\n\r\n", self.body.len()).expect("a Vec takes every write");
        self.output.extend_from_slice(&self.body);
    }

    /// The server closes behind an answer, and so has not looked at what came after its request (RFC 9112 section 9.6).
    fn send_again(&mut self) {
        self.disconnect();
        for sent in self.unanswered.clone() {
            self.render(sent);
        }
    }

    /// The connection broke: nobody knows what became of what was under way, so it is not sent twice.
    fn lost(&mut self, error: &io::Error) {
        self.disconnect();
        self.account.uncertain.extend(self.unanswered.drain(..).map(|sent| sent.sequence));
        self.failures += 1;
        if self.failures == FAILURES {
            self.account.broken = Some(error.to_string());
        }
    }

    fn give_up(&mut self) {
        self.disconnect();
        self.account.uncertain.extend(self.unanswered.drain(..).map(|sent| sent.sequence));
        self.account.broken = Some("it answers nothing any more".to_owned());
    }

    fn disconnect(&mut self) {
        self.socket = None;
        self.answers = Answers::default();
        self.output.clear();
        self.written = 0;
    }
}

impl Account {
    fn answered(&mut self, sent: Sent, status: u16, now: u64) {
        if (200..300).contains(&status) {
            self.accepted += 1;
            self.ack.record_nanos(now.saturating_sub(sent.planned));
        } else {
            self.refusal = Some(status);
            self.uncertain.push(sent.sequence);
        }
    }
}

/// Waits for the connection, which on one machine takes microseconds, and is seldom made.
fn connect(address: SocketAddr, registry: &Registry, token: Token) -> io::Result<TcpStream> {
    let socket = std::net::TcpStream::connect_timeout(&address, CONNECT)?;
    // A request is not to wait for the acknowledgement of the one before.
    socket.set_nodelay(true)?;
    socket.set_nonblocking(true)?;
    let mut socket = TcpStream::from_std(socket);
    registry.register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;
    use std::thread::{self, JoinHandle};

    use mio::Poll;

    use super::*;

    /// Answers so many requests on each connection, the last with the word that it closes, if it is polite. Ends when it
    /// has seen so many, and returns the numbers of all.
    fn server(each: usize, polite: bool, events: usize) -> (SocketAddr, JoinHandle<Vec<u64>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serve = move || {
            let mut seen = Vec::new();
            while seen.len() < events {
                let (socket, _) = listener.accept().unwrap();
                let mut input = BufReader::new(&socket);
                for number in 1..=each {
                    seen.push(request(&mut input));
                    let close = if polite && number == each { "Connection: close\r\n" } else { "" };
                    let answer = format!("HTTP/1.1 200 OK\r\n{close}Content-Length: 2\r\n\r\nok");
                    (&socket).write_all(answer.as_bytes()).unwrap();
                    if seen.len() == events {
                        break;
                    }
                }
                // What was sent and not read would reset the connection, and the answers with it.
                socket.shutdown(std::net::Shutdown::Write).unwrap();
                _ = io::copy(&mut input, &mut io::sink());
            }
            seen
        };
        (address, thread::spawn(serve))
    }

    fn request(input: &mut impl BufRead) -> u64 {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(input.read_line(&mut head).unwrap() > 0, "{head}");
        }
        let length = head.split("content-length: ").nth(1).unwrap().split('\r').next().unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        input.read_exact(&mut body).unwrap();
        Stamp::find(&body).unwrap().unwrap().sequence
    }

    fn published(address: SocketAddr, events: u64) -> Account {
        let poll = Poll::new().unwrap();
        let head = b"POST / HTTP/1.1\r\ncontent-length: ".to_vec();
        let publishing = Publishing { address, head, payload: 100, in_flight: 7 };
        let mut source = Source::new(poll.registry().try_clone().unwrap(), Token(0), 1, publishing);
        source.begin(Leg { pace: None, start: 0, end: u64::MAX, events });
        while !source.is_idle(clock::now()) {
            source.turn();
            thread::yield_now();
        }
        source.disconnect();
        source.account
    }

    #[test]
    fn a_server_that_closes_gets_every_event_once_and_in_order() {
        for each in [1, 3, 1000] {
            let (address, server) = server(each, true, 20);
            let account = published(address, 20);
            assert_eq!((account.accepted, account.uncertain, account.broken), (20, Vec::new(), None));
            assert_eq!(server.join().unwrap(), (0..20).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_nobody_knows_of_is_not_sent_twice() {
        let (address, server) = server(1, false, 2);
        let account = published(address, 14);
        assert_eq!((account.accepted, account.uncertain.len()), (2, 12));
        assert_eq!(server.join().unwrap(), [0, 7]);
    }

    #[test]
    fn a_server_that_is_not_there_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let account = published(address, 1_000);
        assert_eq!(account.accepted, 0);
        assert!(account.broken.is_some());
    }
}
