//! Events in the bodies of requests that last, against a server that reads them chunk by chunk.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use sse_loadgen::publisher::{Publish, Published};

use crate::server::OK;
use crate::{LONG, publish_all, start};

/// What a connection does: to the nth chunk, over all connections.
type Script = dyn Fn(usize) -> Reply + Send + Sync;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reply {
    /// Goes on, and answers with OK in the end.
    Read,
    Refuse,
    Close,
}

#[derive(Default)]
struct State {
    heads: Vec<String>,
    /// With the connection that it came on.
    chunks: Vec<(usize, String)>,
    ended: usize,
}

struct Server {
    address: SocketAddr,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Server {
    fn start(script: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { address: listener.local_addr().unwrap(), state: Arc::default() };
        let (state, script): (_, Arc<Script>) = (Arc::clone(&server.state), Arc::new(script));
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let (state, script) = (Arc::clone(&state), Arc::clone(&script));
                thread::spawn(move || serve(&stream.unwrap(), connection, &state, &*script));
            }
        });
        server
    }

    fn wait_until(&self, condition: impl Fn(&State) -> bool) {
        let state = self.state.0.lock().unwrap();
        let (state, waited) =
            self.state.1.wait_timeout_while(state, LONG, |state| !condition(state)).unwrap();
        assert!(!waited.timed_out(), "after {} chunks", state.chunks.len());
    }

    /// Of each topic, the sequences and connections of its events.
    fn topics(&self) -> BTreeMap<String, Vec<(u64, usize)>> {
        let mut topics: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (connection, chunk) in &self.state.0.lock().unwrap().chunks {
            for block in chunk.split_terminator("\n\n") {
                let (topic, data) = block.split_once('\n').unwrap();
                let topic = topic.strip_prefix("topic: ").unwrap().to_owned();
                let sequence = data.strip_prefix("data: ").unwrap().parse().unwrap();
                topics.entry(topic).or_default().push((sequence, *connection));
            }
        }
        topics
    }
}

fn serve(
    stream: &TcpStream,
    connection: usize,
    (state, changed): &(Mutex<State>, Condvar),
    script: &Script,
) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        state.lock().unwrap().heads.push(head);
        loop {
            let mut length = String::new();
            reader.read_line(&mut length)?;
            let Ok(length) = usize::from_str_radix(length.trim(), 16) else { return Ok(()) };
            let mut chunk = vec![0; length + 2];
            reader.read_exact(&mut chunk)?;
            let mut state = state.lock().unwrap();
            changed.notify_all();
            if length == 0 {
                state.ended += 1;
                writer.write_all(OK.as_bytes())?;
                break;
            }
            chunk.truncate(length);
            let number = state.chunks.len();
            state.chunks.push((connection, String::from_utf8(chunk).unwrap()));
            match script(number) {
                Reply::Read => {}
                Reply::Refuse => {
                    return writer.write_all(b"HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n");
                }
                Reply::Close => return Ok(()),
            }
        }
    }
}

fn publish(server: &Server) -> Publish {
    let publish = Publish::to(&format!("http://{}/events", server.address)).unwrap();
    publish.body("{{sequence}}").unwrap().stream("t{{topic}}").unwrap()
}

#[test]
fn a_topic_keeps_its_order_and_its_connection() {
    let server = Server::start(|_| Reply::Read);
    let published = publish_all(&publish(&server), 10, 1_000);
    assert_eq!((published.sent, published.accepted), (1_000, 1_000));
    assert_eq!((published.slip.count(), published.ack.count()), (1_000, 0), "no event is answered by itself");
    let topics = server.topics();
    assert!(
        topics.keys().map(String::as_str).eq((0..10).map(|topic| format!("t{topic}")).collect::<Vec<_>>())
    );
    for events in topics.values() {
        assert!(events.iter().map(|event| event.0).eq(0..100));
        assert!(events.iter().all(|event| event.1 == events[0].1));
    }
    let state = server.state.0.lock().unwrap();
    assert_eq!((state.heads.len(), state.ended), (4, 4), "one request on each connection");
    assert!(state.heads.iter().all(|head| head.starts_with("POST /events HTTP/1.1\r\n")));
}

#[test]
fn an_event_leaves_at_its_time_while_the_request_lasts() {
    let server = Server::start(|_| Reply::Read);
    let publisher = start(&publish(&server), 1, 0.000_1, 0..u64::MAX);
    server.wait_until(|state| !state.chunks.is_empty());
    assert_eq!(server.state.0.lock().unwrap().ended, 0);
    publisher.stop();
    let published = publisher.finish(LONG);
    assert_eq!((published.planned, published.sent, published.accepted), (1, 1, 1));
    assert_eq!(server.state.0.lock().unwrap().ended, 1);
}

/// All but what was in the bodies that came to nothing is accepted, and nothing is sent twice.
fn assert_goes_on(server: &Server, published: &Published, cause: &str) {
    assert!(published.unknown.count > 0 && published.accepted > 0);
    assert_eq!(published.accepted + published.unknown.count, 500);
    assert!(published.errors.keys().all(|error| error == cause), "{:?}", published.errors);
    for events in server.topics().values() {
        assert!(events.windows(2).all(|pair| pair[0].0 < pair[1].0), "{events:?}");
    }
}

#[test]
fn after_an_end_too_soon_a_new_request_carries_the_rest() {
    for (reply, cause) in [(Reply::Refuse, "status 409"), (Reply::Close, "connection closed")] {
        let server = Server::start(move |chunk| if chunk == 3 { reply } else { Reply::Read });
        let publish = publish(&server).connections(1).unwrap();
        let published = start(&publish, 5, 5_000.0, 0..500).finish(LONG);
        // What had left before the end was noticed may be lost with a reset, even the answer.
        let cause = if published.errors.contains_key(cause) { cause } else { "connection closed" };
        assert_goes_on(&server, &published, cause);
    }
}

#[test]
fn a_server_that_never_answers_leaves_all_open() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    let publish = Publish::to(&url).unwrap().stream("{{topic}}").unwrap();
    // More than the sockets take: backpressure makes events late, and those behind it are never sent.
    let publish = publish.payload(100_000).unwrap().timeout(std::time::Duration::from_secs(600));
    let publisher = start(&publish, 2, 5_000.0, 0..1_000);
    while publisher.progress().planned < 1_000 {
        thread::yield_now();
    }
    // Time for what was planned last to come to the connections.
    let published = publisher.finish(std::time::Duration::from_secs(1));
    assert_eq!((published.planned, published.accepted), (1_000, 0));
    assert_eq!(published.rejected.count + published.unknown.count, 1_000);
    assert_eq!(published.unknown.count, published.sent);
    assert!(
        published.rejected.count > 0 && published.errors["not sent by the end"] == published.rejected.count
    );
}
