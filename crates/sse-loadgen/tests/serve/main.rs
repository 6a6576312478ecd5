//! The test server over real sockets: what it sends, and that its counts are what its subscribers saw.

#![allow(clippy::unwrap_used, reason = "in a test, what goes wrong is to be seen at once")]

mod client;
mod faults;
mod http;
mod streams;
mod tokens;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sse_loadgen::serve::{Counts, Handle, ServeConfig, Server};

use client::{Client, Subscriber};

/// Longer than anything here takes: whoever waits as long has found a fault.
const PATIENCE: Duration = Duration::from_secs(20);

struct TestServer {
    addresses: Vec<SocketAddr>,
    handle: Handle,
    thread: Option<JoinHandle<io::Result<Counts>>>,
}

impl TestServer {
    #[allow(clippy::needless_pass_by_value, reason = "it is written where it is used")]
    fn start(config: ServeConfig) -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Server::bind(ServeConfig { listen: vec![any, any], ..config }).unwrap();
        let (addresses, handle) = (server.addresses().to_vec(), server.handle());
        Self { addresses, handle, thread: Some(thread::spawn(move || server.run())) }
    }

    fn connect(&self) -> Client {
        Client::connect(self.addresses[0])
    }

    fn subscribe(&self, topic: &str) -> Subscriber {
        self.connect().subscribe(topic, None)
    }

    fn resume(&self, topic: &str, last_event_id: &str) -> Subscriber {
        self.connect().subscribe(topic, Some(last_event_id))
    }

    /// Ends all streams in good order, and says what was done.
    fn stop(&mut self) -> Counts {
        self.handle.stop();
        self.thread.take().expect("it is stopped once").join().unwrap().unwrap()
    }

    fn until(&self, condition: impl Fn(Counts) -> bool) -> Counts {
        let start = Instant::now();
        loop {
            let counts = self.handle.counts();
            if condition(counts) {
                return counts;
            }
            assert!(start.elapsed() < PATIENCE, "waited in vain: {counts:?}");
            thread::yield_now();
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.thread.take() {
            // A panic of the server's is the reason why the test failed, or will.
            let _ = thread.join();
        }
    }
}
