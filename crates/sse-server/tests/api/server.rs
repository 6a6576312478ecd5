//! The real server in a thread of the test: bound to a free port, ended on drop.

use std::net::SocketAddr;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;
use sse_server::{Config, Ended, Hub, Server, Shutdown, SinkKind, TlsReloader};
use tokio::sync::oneshot;

use crate::http::{BOUND, Connection, Response, head, post};
use crate::stream::Stream;

/// What the tests of this program are about.
pub(crate) fn sink() -> SinkKind {
    if env!("CARGO_CRATE_NAME") == "api_on_bodies" { SinkKind::Body } else { SinkKind::Auto }
}

/// A running server.
pub(crate) struct TestServer {
    address: SocketAddr,
    operations: Option<SocketAddr>,
    tls: Option<TlsReloader>,
    hub: Hub,
    stop: Option<oneshot::Sender<Shutdown>>,
    thread: Option<JoinHandle<Ended>>,
}

impl TestServer {
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    /// With time limits so long that they play no part, unless `change` has them play one; and with two workers, so
    /// that publishers and readers meet across threads.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
            workers: 2,
            request_head_timeout: 2 * BOUND,
            keep_alive: 2 * BOUND,
            write_timeout: 2 * BOUND,
            sink: sink(),
            ..Config::default()
        };
        config.hub.heartbeat = 2 * BOUND;
        config.hub.body_timeout = 2 * BOUND;
        change(&mut config);

        let server = Server::bind(config).unwrap();
        let (address, hub) = (server.local_addrs()[0], server.hub().clone());
        let (operations, tls) = (server.operations_addr(), server.tls_reloader());
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let shutdown = async { stopped.await.unwrap_or_else(|_| Shutdown::immediate()) };
            runtime.block_on(server.run_until(shutdown)).unwrap()
        });
        Self { address, operations, tls, hub, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn operations(&self) -> SocketAddr {
        self.operations.expect("the test has configured one")
    }

    pub(crate) fn tls(&self) -> &TlsReloader {
        self.tls.as_ref().expect("the test has configured it")
    }

    pub(crate) fn hub(&self) -> &Hub {
        &self.hub
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::new(self.address)
    }

    /// The answer to a request of these bytes, on a connection of its own.
    pub(crate) fn request(&self, bytes: impl AsRef<[u8]>) -> Response {
        let mut connection = self.connect();
        connection.send(bytes);
        connection.response()
    }

    pub(crate) fn get(&self, target: &str) -> Response {
        self.request(head(&format!("GET {target}"), &[]))
    }

    pub(crate) fn post(&self, target: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Response {
        self.request(post(target, headers, body))
    }

    /// Publishes and answers the event's id.
    pub(crate) fn publish(&self, target: &str, data: impl AsRef<[u8]>) -> String {
        let response = self.post(target, &[], data);
        assert_eq!(response.head.status, 200, "{response:?}");
        response.json()["id"].as_str().expect("the answer has an id").to_owned()
    }

    pub(crate) fn delete(&self, target: &str) -> Response {
        self.request(head(&format!("DELETE {target}"), &[]))
    }

    /// Opens a stream and reads its preamble: from then on the server knows of the subscriber.
    pub(crate) fn subscribe(&self, target: &str) -> Stream {
        self.subscribe_with(target, &[])
    }

    pub(crate) fn subscribe_with(&self, target: &str, headers: &[&str]) -> Stream {
        let mut stream = Stream::open(self.connect(), head(&format!("GET {target}"), headers));
        stream.preamble();
        stream
    }

    /// A counter or gauge of `/metrics`.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        metric_on(&mut self.connect(), name)
    }

    /// Asks for a gauge again and again until it has this value.
    pub(crate) fn await_metric(&self, name: &str, value: u64) {
        let mut connection = self.connect();
        let until = std::time::Instant::now() + BOUND;
        loop {
            let found = metric_on(&mut connection, name);
            if found == value {
                return;
            }
            assert!(std::time::Instant::now() < until, "{name} is {found}, and does not become {value}");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends the server in good order, while it goes on being used.
    pub(crate) fn begin_shutdown(&mut self) {
        self.stop.take().expect("it ends once").send(Shutdown::graceful()).expect("it still runs");
    }

    /// Waits for the end that was begun.
    pub(crate) fn ended(mut self) -> Ended {
        self.thread.take().expect("it ends once").join().unwrap()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(Shutdown::immediate());
        }
        let Some(thread) = self.thread.take() else { return };
        let ended = thread.join();
        if !thread::panicking() {
            ended.unwrap();
        }
    }
}

/// The epoch of an id.
pub(crate) fn epoch(id: &str) -> &str {
    id.split_once('-').expect("an id has a dash").0
}

/// The sequence of an id.
pub(crate) fn sequence(id: &str) -> u64 {
    id.split_once('-').expect("an id has a dash").1.parse().expect("and a number behind it")
}

/// A field of a control event's data that is an id or a name.
pub(crate) fn text<'v>(data: &'v Value, field: &str) -> &'v str {
    data[field].as_str().unwrap_or_else(|| panic!("no text '{field}' in {data}"))
}

fn metric_on(connection: &mut Connection, name: &str) -> u64 {
    connection.send(head("GET /metrics", &[]));
    let page = connection.response().text();
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {page}")).parse().expect("a metric is a number")
}
