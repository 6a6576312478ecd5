//! A client that waits for what it wants to see: requests and answers, and streams.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use sse_core::{Decoder, Item};

use crate::PATIENCE;

pub(crate) struct Client {
    pub(crate) socket: BufReader<TcpStream>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).unwrap())
    }

    pub(crate) fn over(socket: TcpStream) -> Self {
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket: BufReader::new(socket) }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.socket.get_mut().write_all(bytes).unwrap();
    }

    pub(crate) fn ask(&mut self, method: &str, path: &str, body: &str) -> Answer {
        self.send(&request(method, path, body));
        self.answer()
    }

    /// Its id.
    pub(crate) fn publish(&mut self, topic: &str, data: &str) -> u64 {
        let answer = self.ask("POST", &format!("/events/{topic}"), data);
        assert_eq!(answer.status, 200);
        id(&answer.body)
    }

    pub(crate) fn answer(&mut self) -> Answer {
        let head = self.head();
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        self.socket.read_exact(&mut body).unwrap();
        Answer { status: head[9..12].parse().unwrap(), head, body: String::from_utf8(body).unwrap() }
    }

    pub(crate) fn subscribe(mut self, topic: &str, last_event_id: Option<&str>) -> Subscriber {
        let id = last_event_id.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        self.send(format!("GET /events/{topic} HTTP/1.1\r\nHost: test\r\n{id}\r\n").as_bytes());
        let mut subscriber = self.stream();
        assert_eq!(subscriber.next(), Seen::Comment("ok".into()));
        assert!(matches!(subscriber.next(), Seen::Retry(_)));
        subscriber
    }

    /// What was asked for is a stream.
    pub(crate) fn stream(mut self) -> Subscriber {
        let head = self.head();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        for header in
            ["Content-Type: text/event-stream", "Cache-Control: no-store", "Transfer-Encoding: chunked"]
        {
            assert!(head.contains(&format!("\r\n{header}\r\n")), "{head}");
        }
        Subscriber { client: self, decoder: Decoder::default(), seen: VecDeque::new() }
    }

    fn head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(self.socket.read_line(&mut head).unwrap() > 0, "the connection ended: {head}");
        }
        head
    }
}

pub(crate) fn request(method: &str, path: &str, body: &str) -> Vec<u8> {
    let len = body.len();
    format!("{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {len}\r\n\r\n{body}").into()
}

pub(crate) fn id(body: &str) -> u64 {
    let id = body.strip_prefix("{\"id\":\"").and_then(|rest| rest.strip_suffix("\"}")).unwrap();
    id.parse().unwrap()
}

/// What a subscriber sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Comment(String),
    Retry(u128),
    Event {
        name: String,
        data: String,
        id: String,
    },
    /// The body ended, and the connection with it.
    End,
    /// The connection ended before the body did.
    Cut,
    Reset,
}

pub(crate) struct Subscriber {
    client: Client,
    decoder: Decoder,
    seen: VecDeque<Seen>,
}

impl Subscriber {
    pub(crate) fn next(&mut self) -> Seen {
        loop {
            if let Some(seen) = self.seen.pop_front() {
                return seen;
            }
            match self.chunk() {
                Ok(chunk) if chunk.is_empty() => return Seen::End,
                Ok(chunk) => self.decode(&chunk),
                Err(error) => match error.kind() {
                    io::ErrorKind::UnexpectedEof => return Seen::Cut,
                    io::ErrorKind::ConnectionReset => return Seen::Reset,
                    _ => panic!("nothing came: {error}"),
                },
            }
        }
    }

    /// The id and the data of the next, which has to be an event.
    pub(crate) fn event(&mut self) -> (u64, String) {
        match self.next() {
            Seen::Event { name, data, id } if name == "message" || name.is_empty() => {
                (id.parse().unwrap(), data)
            }
            other => panic!("not an event: {other:?}"),
        }
    }

    /// The data of all events up to the end, which has to be an orderly one.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            match self.next() {
                Seen::Event { data, .. } => all.push(data),
                Seen::Comment(_) => {}
                Seen::End => return all,
                other => panic!("not the end: {other:?}"),
            }
        }
    }

    fn chunk(&mut self) -> io::Result<Vec<u8>> {
        let mut size = String::new();
        if self.client.socket.read_line(&mut size)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let size = size.strip_suffix("\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut chunk = vec![0; usize::from_str_radix(size, 16).unwrap() + 2];
        self.client.socket.read_exact(&mut chunk)?;
        assert!(chunk.ends_with(b"\r\n"));
        chunk.truncate(chunk.len() - 2);
        if chunk.is_empty() {
            assert_eq!(self.client.socket.read(&mut [0])?, 0, "the connection ends with the body");
        }
        Ok(chunk)
    }

    fn decode(&mut self, mut chunk: &[u8]) {
        while let Some(item) = self.decoder.next(&mut chunk).unwrap() {
            self.seen.push_back(match item {
                Item::Comment(text) => Seen::Comment(text.into_owned()),
                Item::Retry(delay) => Seen::Retry(delay.as_millis()),
                Item::Event(event) => Seen::Event {
                    name: event.name.into_owned(),
                    data: event.data.into_owned(),
                    id: event.id.to_owned(),
                },
                Item::Id(id) => panic!("an id alone: {id}"),
            });
        }
    }
}
