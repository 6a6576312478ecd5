//! The publisher for `https://`: reqwest, one task per event that is under way.
//!
//! Nothing here waits for an answer before the next send either, but what happens to a request after it was handed over is
//! the client's affair: over HTTP/2 the events of a topic share one connection and leave in order, once it is
//! there; over HTTP/1.1 every event under way has a connection to itself, and two of a topic that are closer than a
//! round trip may change places.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderName;
use reqwest::{Method, RequestBuilder, redirect};
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::account::{Account, Cause, Published};
use super::pace::Shared;
use super::publish::Publish;
use super::request::Renderer;
use super::target::Target;
use crate::clock;
use crate::schedule::Schedule;
use crate::template::Template;

/// As good as for ever, and still a time that every timer can hold.
const LONG: Duration = Duration::from_secs(3600);

/// The thread's work, ready to run.
#[derive(Debug)]
pub(super) struct Client {
    runtime: Runtime,
    sender: Sender,
}

#[derive(Debug)]
struct Sender {
    /// Topic k is the business of client k mod n.
    clients: Vec<reqwest::Client>,
    method: Method,
    /// Topic k is published to URL k mod n.
    urls: Vec<Template>,
    headers: Vec<(HeaderName, Template)>,
    renderer: Renderer,
    max_in_flight: usize,
    account: Account,
    shared: Arc<Shared>,
    wake: Arc<Notify>,
    first: u64,
}

/// What the answer was and when it came, or why there is none.
type Outcome = Result<(u16, u64), Cause>;

impl Client {
    /// Sets the clients up; nothing connects yet.
    pub(super) fn new(
        publish: &Publish,
        schedule: Schedule,
        first: u64,
        shared: Arc<Shared>,
        account: Account,
    ) -> io::Result<(Self, Arc<Notify>)> {
        // If there is one already, it does as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let connections = publish.connections.min(schedule.topics as usize);
        let headers = publish.all_headers().map(|(name, value)| {
            Ok((HeaderName::from_bytes(name.as_bytes()).map_err(io::Error::other)?, value))
        });
        let wake = Arc::new(Notify::new());
        let sender = Sender {
            clients: (0..connections).map(|_| client(publish)).collect::<io::Result<_>>()?,
            method: Method::from_bytes(publish.method.as_bytes()).map_err(io::Error::other)?,
            urls: publish.targets.iter().map(Target::url).collect(),
            headers: headers.collect::<io::Result<_>>()?,
            renderer: Renderer::new(publish, schedule),
            max_in_flight: publish.max_in_flight,
            account,
            shared,
            wake: Arc::clone(&wake),
            first,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok((Self { runtime, sender }, wake))
    }

    /// Publishes until nothing is left to send or to wait for.
    pub(super) fn run(self) -> Published {
        self.runtime.block_on(self.sender.run())
    }
}

impl Sender {
    async fn run(mut self) -> Published {
        let mut tasks = JoinSet::new();
        // With the time at which they were handed over.
        let mut under_way = BTreeMap::new();
        let mut cursor = self.first;
        let due = loop {
            // In this order: once it is over, what is due is final.
            let over = self.shared.is_over();
            let due = self.shared.due();
            let sendable = if self.shared.is_stopped() { 0 } else { due };
            while cursor < sendable && under_way.len() < self.max_in_flight {
                let sent = clock::now();
                tasks.spawn(exchange(cursor, self.request(cursor)));
                self.account.sent(self.renderer.values(cursor).planned, sent);
                under_way.insert(cursor, sent);
                cursor += 1;
            }
            let (now, deadline) = (clock::now(), self.shared.deadline());
            if deadline <= now || over && cursor >= sendable && under_way.is_empty() {
                break due;
            }
            let wait = Duration::from_nanos(deadline - now).min(LONG);
            tokio::select! {
                Some(Ok((number, outcome))) = tasks.join_next() => {
                    let sent = under_way.remove(&number).unwrap_or(now);
                    self.enter(number, sent, outcome);
                }
                () = self.wake.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        };
        under_way.keys().for_each(|&number| self.account.unknown(number, Cause::Unanswered));
        (cursor..due).for_each(|number| self.account.rejected(number, Cause::Unsent));
        self.account.close(due - self.first)
    }

    fn request(&mut self, number: u64) -> RequestBuilder {
        let values = self.renderer.values(number);
        let client = &self.clients[values.topic as usize % self.clients.len()];
        let (mut url, mut body) = (Vec::new(), Vec::new());
        self.urls[values.topic as usize % self.urls.len()].render(&values, &mut url);
        self.renderer.body(number, &mut body);
        let mut request = client.request(self.method.clone(), String::from_utf8_lossy(&url).as_ref());
        for (name, value) in &self.headers {
            let mut rendered = Vec::new();
            value.render(&values, &mut rendered);
            request = request.header(name, rendered);
        }
        request.body(body)
    }

    fn enter(&mut self, number: u64, sent: u64, outcome: Outcome) {
        match outcome {
            Ok((status, now)) => {
                let planned = self.renderer.values(number).planned;
                self.account.answered(number, status, [planned, sent, now]);
            }
            Err(Cause::Connect) => self.account.rejected(number, Cause::Connect),
            Err(cause) => self.account.unknown(number, cause),
        }
    }
}

fn client(publish: &Publish) -> io::Result<reqwest::Client> {
    reqwest::Client::builder()
        .tls_danger_accept_invalid_certs(publish.insecure)
        .redirect(redirect::Policy::none())
        .timeout(publish.timeout)
        // What is measured is the server that was named.
        .no_proxy()
        .build()
        .map_err(io::Error::other)
}

async fn exchange(number: u64, request: RequestBuilder) -> (u64, Outcome) {
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(error) if error.is_connect() => return (number, Err(Cause::Connect)),
        Err(error) if error.is_timeout() => return (number, Err(Cause::Timeout)),
        Err(_) => return (number, Err(Cause::Closed)),
    };
    let outcome = Ok((response.status().as_u16(), clock::now()));
    // Only a connection whose answer was read can be used again.
    while let Ok(Some(_)) = response.chunk().await {}
    (number, outcome)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Answers every request, by its body.
    fn serve(listener: &TcpListener) {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            thread::spawn(move || -> io::Result<()> {
                let mut reader = BufReader::new(&stream);
                loop {
                    let mut length = 0;
                    for line in reader.by_ref().lines() {
                        let line = line?.to_ascii_lowercase();
                        if let Some(value) = line.strip_prefix("content-length: ") {
                            length = value.parse().unwrap();
                        }
                        if line.is_empty() {
                            break;
                        }
                    }
                    let mut body = vec![0; length];
                    reader.read_exact(&mut body)?;
                    let status = if body == b"/t/0 1" { "503 Busy" } else { "204 No Content" };
                    write!(&stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")?;
                }
            });
        }
    }

    fn run(port: u16) -> Published {
        let publish = Publish::to(&format!("http://127.0.0.1:{port}/t/{{{{topic}}}}")).unwrap();
        let publish = publish.body("/t/{{topic}} {{sequence}}").unwrap();
        let schedule = Schedule::new(1, clock::now(), 2, 1_000.0).unwrap();
        let (shared, account) = (Arc::new(Shared::new(0)), Account::new(Arc::default()));
        let (client, wake) = Client::new(&publish, schedule, 0, Arc::clone(&shared), account).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| super::super::pace::run(&shared, &schedule, 0..20, &|| wake.notify_one()));
            client.run()
        })
    }

    #[test]
    fn every_event_is_accounted_for() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || serve(&listener));
        let published = run(port);
        assert_eq!((published.planned, published.sent, published.accepted), (20, 20, 19));
        assert_eq!(published.rejected.listed, [2]);
        assert_eq!(published.errors["status 503"], 1);
        assert_eq!((published.slip.count(), published.ack.count()), (20, 20));
    }

    #[test]
    fn what_cannot_be_sent_is_rejected() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let published = run(port);
        assert_eq!((published.accepted, published.rejected.count), (0, 20));
        assert_eq!(published.errors["connect"], 20);
    }
}
