//! A TCP proxy between a client and the hub. It cuts connections on command and remembers the requests that passed.
//!
//! It knows of HTTP only that a chunk which begins with a method begins a request: on loopback a client's request
//! head arrives in one piece. It does not keep order between a request's body and the next request.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

const METHODS: [&str; 5] = ["GET ", "POST ", "HEAD ", "DELETE ", "OPTIONS "];

/// A running proxy. All of its connections end on drop.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    accepting: AbortHandle,
}

#[derive(Debug)]
struct State {
    /// While true, new connections are closed at once.
    broken: bool,
    links: JoinSet<()>,
    requests: Vec<Request>,
}

/// The head of a request that passed.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `OPTIONS` and so on.
    pub method: String,
    /// Path and query.
    pub target: String,
    headers: String,
}

impl Request {
    /// The value of a header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let fields = self.headers.lines().filter_map(|line| line.split_once(':'));
        fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }

    fn parse(chunk: &[u8]) -> Option<Self> {
        let head = String::from_utf8_lossy(chunk);
        if !METHODS.iter().any(|method| head.starts_with(method)) {
            return None;
        }
        let head = head.split("\r\n\r\n").next()?;
        let (first, headers) = head.split_once("\r\n")?;
        let mut words = first.split(' ');
        Some(Self { method: words.next()?.into(), target: words.next()?.into(), headers: headers.into() })
    }
}

impl Proxy {
    /// Listens on a free port and passes everything on to `upstream`.
    ///
    /// # Errors
    /// If it cannot listen.
    pub async fn start(upstream: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state =
            Arc::new(Mutex::new(State { broken: false, links: JoinSet::new(), requests: Vec::new() }));
        let accepting = tokio::spawn(accept(listener, upstream, Arc::clone(&state))).abort_handle();
        Ok(Self { address, state, accepting })
    }

    /// The URL of a path that begins with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Cuts every connection, and closes new ones at once until [`mend`](Self::mend). On return all of them are down.
    pub async fn cut(&self) {
        let mut links = {
            let mut state = lock(&self.state);
            state.broken = true;
            std::mem::take(&mut state.links)
        };
        links.shutdown().await;
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        lock(&self.state).broken = false;
    }

    /// The requests that have passed so far whose target begins with `path`, oldest first.
    #[must_use]
    pub fn requests(&self, path: &str) -> Vec<Request> {
        let state = lock(&self.state);
        state.requests.iter().filter(|request| request.target.starts_with(path)).cloned().collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        lock(&self.state).links.abort_all();
    }
}

async fn accept(listener: TcpListener, upstream: SocketAddr, state: Arc<Mutex<State>>) {
    while let Ok((client, _)) = listener.accept().await {
        let link = relay(client, upstream, Arc::clone(&state));
        let mut state = lock(&state);
        if !state.broken {
            state.links.spawn(link);
        }
    }
}

/// Ends both sides as soon as one of them has ended: no client of an event stream half-closes.
async fn relay(mut client: TcpStream, upstream: SocketAddr, state: Arc<Mutex<State>>) {
    let Ok(mut hub) = TcpStream::connect(upstream).await else { return };
    let (from_client, mut to_client) = client.split();
    let (mut from_hub, to_hub) = hub.split();
    tokio::select! {
        _ = pass_requests(from_client, to_hub, &state) => {}
        _ = tokio::io::copy(&mut from_hub, &mut to_client) => {}
    }
}

async fn pass_requests(
    mut client: ReadHalf<'_>,
    mut hub: WriteHalf<'_>,
    state: &Mutex<State>,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let n = client.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        let request = Request::parse(&buffer[..n]);
        lock(state).requests.extend(request);
        hub.write_all(&buffer[..n]).await?;
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Nothing panics while the lock is held, and a test that panics elsewhere still needs its proxy to end.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_a_request_and_a_body_is_none() {
        let head = b"GET /events/a?x=1 HTTP/1.1\r\nHost: h\r\nLast-Event-ID: e-1\r\n\r\n";
        let request = Request::parse(head).unwrap();
        assert_eq!((request.method.as_str(), request.target.as_str()), ("GET", "/events/a?x=1"));
        assert_eq!(request.header("last-event-id"), Some("e-1"));
        assert_eq!(request.header("origin"), None);
        assert!(Request::parse(b"data: GET /").is_none());
    }
}
