//! A server that answers as a test wants it, and keeps what it was sent.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) connection: usize,
    /// Method and path.
    pub(crate) line: String,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The numbers in a body that is nothing but.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        let body = std::str::from_utf8(&self.body).unwrap();
        body.split(' ').map(|number| number.parse().unwrap()).collect()
    }
}

/// What to do about it.
pub(crate) enum Reply {
    Answer(&'static str),
    AnswerAndClose(&'static str),
    Nothing,
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    connections: usize,
    open: usize,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Server {
    pub(crate) fn start(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { address: listener.local_addr().unwrap(), state: Arc::default() };
        let (state, script) = (Arc::clone(&server.state), Arc::new(script));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (state, script) = (Arc::clone(&state), Arc::clone(&script));
                let connection = change(&state, |state| {
                    state.connections += 1;
                    state.open += 1;
                    state.connections - 1
                });
                thread::spawn(move || {
                    let _ = serve(&stream.unwrap(), connection, &state, &*script);
                    change(&state, |state| state.open -= 1);
                });
            }
        });
        server
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.0.lock().unwrap().requests.clone()
    }

    /// How often each event came, if bodies end with its number.
    pub(crate) fn counts(&self) -> BTreeMap<u64, usize> {
        let mut counts = BTreeMap::new();
        for request in self.requests() {
            *counts.entry(*request.numbers().last().unwrap()).or_default() += 1;
        }
        counts
    }

    pub(crate) fn wait_for_requests(&self, count: usize) {
        self.wait_until(|state| state.requests.len() >= count);
    }

    pub(crate) fn wait_for_connections(&self, count: usize) {
        self.wait_until(|state| state.connections >= count);
    }

    pub(crate) fn wait_until_left_alone(&self) {
        self.wait_until(|state| state.open == 0);
    }

    fn wait_until(&self, condition: impl Fn(&State) -> bool) {
        let state = self.state.0.lock().unwrap();
        let bound = Duration::from_secs(60);
        let (state, waited) =
            self.state.1.wait_timeout_while(state, bound, |state| !condition(state)).unwrap();
        assert!(!waited.timed_out(), "after {} requests", state.requests.len());
    }
}

fn change<T>(state: &(Mutex<State>, Condvar), change: impl FnOnce(&mut State) -> T) -> T {
    let result = change(&mut state.0.lock().unwrap());
    state.1.notify_all();
    result
}

fn serve(
    stream: &TcpStream,
    connection: usize,
    state: &(Mutex<State>, Condvar),
    script: &dyn Fn(&Request) -> Reply,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let (mut head, mut length) = (Vec::new(), 0);
        for line in reader.by_ref().lines() {
            let line = line?;
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("Content-Length: ") {
                length = value.parse().unwrap();
            }
            head.push(line);
        }
        let Some(line) = head.into_iter().next() else { return Ok(()) };
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let request = Request { connection, line, body };
        let reply = script(&request);
        change(state, |state| state.requests.push(request));
        match reply {
            Reply::Answer(answer) => writer.write_all(answer.as_bytes())?,
            Reply::AnswerAndClose(answer) => return writer.write_all(answer.as_bytes()),
            Reply::Nothing => {}
        }
    }
}
