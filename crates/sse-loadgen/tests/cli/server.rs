//! The built-in server, on a thread.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sse_loadgen::serve::{Counts, Faults, Handle, ServeConfig, Server};

use crate::program::until;

/// Without faults; clients are told to come back at once.
pub(crate) fn prompt() -> ServeConfig {
    ServeConfig { retry: Duration::from_millis(20), ..ServeConfig::default() }
}

/// Stopped when dropped.
pub(crate) struct TestServer {
    addresses: Vec<SocketAddr>,
    handle: Handle,
    thread: Option<JoinHandle<io::Result<Counts>>>,
}

impl TestServer {
    pub(crate) fn clean() -> Self {
        Self::start(&prompt())
    }

    pub(crate) fn faulty(faults: Faults) -> Self {
        Self::start(&ServeConfig { faults, ..prompt() })
    }

    pub(crate) fn start(config: &ServeConfig) -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let config = ServeConfig { listen: vec![any, any], ..config.clone() };
        let server = Server::bind(config).unwrap();
        let (addresses, handle) = (server.addresses().to_vec(), server.handle());
        Self { addresses, handle, thread: Some(thread::spawn(move || server.run())) }
    }

    /// Of one of its two addresses.
    pub(crate) fn url(&self, address: usize, path: &str) -> String {
        format!("http://{}{path}", self.addresses[address])
    }

    /// Arguments to read a topic and to publish to it.
    pub(crate) fn topic(&self) -> String {
        let url = self.url(0, "/events/t");
        format!("{url} --publish {url}")
    }

    /// Until events have been delivered.
    pub(crate) fn until_delivered(&self) {
        until("deliveries", || self.handle.counts().delivered > 100);
    }

    /// Ends all streams, and says what was done.
    pub(crate) fn stop(mut self) -> Counts {
        self.handle.stop();
        self.thread.take().unwrap().join().unwrap().unwrap()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.handle.stop();
    }
}
