//! A connection that is no subscriber (yet): its requests, one behind the other.

use std::io::Write;
use std::net::TcpStream;

use super::chunked::{Chunked, Progress};
use super::request::{self, Request};
use super::topics::Topics;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const NOT_FOUND: &[u8] = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) socket: TcpStream,
    /// What has come of a request that is not whole.
    input: Vec<u8>,
    /// Of a body that stays open.
    stream: Option<Stream>,
}

#[derive(Debug, Default)]
struct Stream {
    chunks: Chunked,
    /// What has come of an event that is not whole.
    text: Vec<u8>,
}

/// What becomes of the connection.
#[derive(Debug)]
pub(super) enum Next {
    Close,
    Read,
    Subscribe(Vec<u8>),
}

enum Step {
    /// So many bytes were used, and there may be more to do.
    Done(usize),
    /// So many bytes were used, and the rest is not enough.
    Wait(usize),
    Leave(Next),
}

impl Connection {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self { socket, input: Vec::new(), stream: None }
    }

    /// Does what is asked for in what has come.
    pub(super) fn take(&mut self, bytes: &[u8], topics: &mut Topics) -> Next {
        self.input.extend_from_slice(bytes);
        let mut from = 0;
        loop {
            let step =
                if self.stream.is_some() { self.body(from, topics) } else { self.request(from, topics) };
            match step {
                Step::Done(used) => from += used,
                Step::Wait(used) => {
                    self.input.drain(..from + used);
                    return Next::Read;
                }
                Step::Leave(next) => return next,
            }
        }
    }

    fn request(&mut self, from: usize, topics: &mut Topics) -> Step {
        let Some((request, length)) = request::parse(&self.input[from..]) else { return Step::Wait(0) };
        let answered = match request {
            Request::Subscribe { topic } => return Step::Leave(Next::Subscribe(topic.to_vec())),
            Request::Publish { topic, data } => {
                // Before the fan-out: the event has been taken, and its place in the order is certain.
                let answered = self.socket.write_all(OK);
                topics.publish(topic, data);
                answered
            }
            Request::Stream => {
                self.stream = Some(Stream::default());
                Ok(())
            }
            Request::Other => self.socket.write_all(NOT_FOUND),
        };
        if answered.is_ok() { Step::Done(length) } else { Step::Leave(Next::Close) }
    }

    fn body(&mut self, from: usize, topics: &mut Topics) -> Step {
        let Some(stream) = &mut self.stream else { return Step::Done(0) };
        match stream.take(&self.input[from..], topics) {
            Progress::More(used) => Step::Wait(used),
            Progress::End(used) if self.socket.write_all(OK).is_ok() => {
                self.stream = None;
                Step::Done(used)
            }
            Progress::End(_) | Progress::Malformed => Step::Leave(Next::Close),
        }
    }
}

impl Stream {
    fn take(&mut self, input: &[u8], topics: &mut Topics) -> Progress {
        let progress = self.chunks.decode(input, &mut self.text);
        let mut from = 0;
        while let Some(length) = request::find(&self.text[from..], b"\n\n") {
            topics.publish_event(&self.text[from..from + length]);
            from += length + 2;
        }
        self.text.drain(..from);
        progress
    }
}
