//! A server that answers as a test wants it. What is published to it goes to all who read, framed as the test says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

pub(crate) const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

/// What whoever asks for a stream gets.
pub(crate) enum Answer {
    /// This, and the end of the connection.
    Once(Vec<u8>),
    /// This, and then what is published.
    Stream(Vec<u8>),
    /// Nothing, for as long as it likes to wait.
    Silence,
}

/// Lives as long as the test.
pub(crate) struct Peer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    readers: Vec<TcpStream>,
    silent: Vec<TcpStream>,
    /// Heads of requests for streams, in their order.
    asked: Vec<String>,
    published: u64,
}

impl Peer {
    /// `answer` is given the number of the request, from 0, and its head; `frame` the number of the event and its data.
    pub(crate) fn start(
        answer: impl Fn(usize, &str) -> Answer + Send + Sync + 'static,
        frame: impl Fn(u64, &str) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = Self { address: listener.local_addr().unwrap(), state: Arc::default() };
        let (state, script) = (Arc::clone(&peer.state), Arc::new((answer, frame)));
        thread::spawn(move || {
            for socket in listener.incoming() {
                let (state, script) = (Arc::clone(&state), Arc::clone(&script));
                // A client that goes away is no fault of this server's.
                thread::spawn(move || _ = serve(socket.unwrap(), &state, &script.0, &script.1));
            }
        });
        peer
    }

    /// Everybody gets the same bytes, and the end.
    pub(crate) fn once(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::start(move |_, _| Answer::Once(bytes.clone()), |_, _| Vec::new())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn topic(&self) -> String {
        format!("{0} --publish {0}", self.url())
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.clone()
    }
}

fn serve(
    socket: TcpStream,
    state: &Mutex<State>,
    answer: &impl Fn(usize, &str) -> Answer,
    frame: &impl Fn(u64, &str) -> Vec<u8>,
) -> std::io::Result<()> {
    let mut input = BufReader::new(socket.try_clone()?);
    let mut output = socket;
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if input.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let head = head.to_ascii_lowercase();
        if !head.starts_with("post") {
            let number = {
                let mut state = state.lock().unwrap();
                state.asked.push(head.clone());
                state.asked.len() - 1
            };
            match answer(number, &head) {
                Answer::Once(bytes) => output.write_all(&bytes)?,
                Answer::Silence => state.lock().unwrap().silent.push(output),
                Answer::Stream(start) => {
                    let mut state = state.lock().unwrap();
                    output.write_all(HEAD.as_bytes())?;
                    output.write_all(&start)?;
                    state.readers.push(output);
                }
            }
            return Ok(());
        }
        let length = head.split("content-length: ").nth(1).unwrap().split('\r').next().unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        input.read_exact(&mut body)?;
        let mut state = state.lock().unwrap();
        let bytes = frame(state.published, std::str::from_utf8(&body).unwrap());
        state.published += 1;
        // Who has gone is gone.
        state.readers.retain_mut(|reader| reader.write_all(&bytes).is_ok());
        output.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?;
    }
}
