//! Servers that start, serve and end, several in one process.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::*;

/// Longer than anything here takes on the slowest machine.
const BOUND: Duration = Duration::from_secs(20);

fn config() -> Config {
    Config { listen: vec!["127.0.0.1:0".parse().unwrap()], workers: 2, ..Config::default() }
}

/// A server on a thread of its own.
struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<Shutdown>,
    thread: thread::JoinHandle<Ended>,
}

impl Running {
    fn start(config: Config) -> Self {
        let server = Server::bind(config).unwrap();
        let address = server.local_addrs()[0];
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(server.run_until(async { stopped.await.unwrap() })).unwrap()
        });
        Self { address, stop, thread }
    }

    fn end(self, shutdown: Shutdown) -> Ended {
        self.stop.send(shutdown).unwrap();
        self.thread.join().unwrap()
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(BOUND)).unwrap();
    client
}

/// Asks for what does not exist, and returns the answer's first line.
fn ask(client: &mut TcpStream) -> String {
    client.write_all(b"GET /nowhere HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    let mut answer = [0; 4096];
    let n = client.read(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[..n]).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn streams_leave_room_for_others_and_have_some_themselves() {
    for (connections, streams) in [(1, 1), (2, 1), (50, 49), (200, 196)] {
        let config = Config { workers: 1, max_connections: Some(connections), ..config() };
        let server = Server::bind(config).unwrap();
        assert_eq!(server.hub().config().max_streams, Some(streams), "of {connections} connections");
    }
}

#[test]
fn nothing_is_bound_with_a_bad_configuration() {
    let mut bad = config();
    bad.hub.heartbeat = Duration::ZERO;
    assert!(matches!(Server::bind(bad), Err(BindError::Config(ConfigError::OutOfBounds { .. }))));
}

#[test]
fn an_address_in_use_is_named_and_the_others_are_released() {
    let holder = Server::bind(config()).unwrap();
    let taken = holder.local_addrs()[0];
    let free = listen("127.0.0.1:0".parse().unwrap(), 1).unwrap().local_addr().unwrap();

    let error = Server::bind(Config { listen: vec![free, taken], ..config() }).unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot listen on {taken}: Address already in use")), "{error}");
    assert!(error.contains("ss -ltnp"), "{error}");
    Server::bind(Config { listen: vec![free], ..config() }).unwrap();
}

#[test]
fn several_servers_run_in_one_process() {
    let servers = [Running::start(config()), Running::start(config())];
    for server in &servers {
        assert_eq!(ask(&mut connect(server.address)), "HTTP/1.1 404 Not Found");
    }
    let [first, second] = servers;
    assert_eq!(first.end(Shutdown::graceful()), Ended::Drained);
    assert_eq!(ask(&mut connect(second.address)), "HTTP/1.1 404 Not Found", "the second lives on");
    assert_eq!(second.end(Shutdown::graceful()), Ended::Drained);
}

#[test]
fn every_address_is_served() {
    let both = vec!["127.0.0.1:0".parse().unwrap(), "127.0.0.2:0".parse().unwrap()];
    let server = Server::bind(Config { listen: both, ..config() }).unwrap();
    let addresses = server.local_addrs().to_vec();
    let asked =
        thread::spawn(move || addresses.into_iter().map(|to| ask(&mut connect(to))).collect::<Vec<_>>());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let until = async {
        let answers = tokio::task::spawn_blocking(|| asked.join().unwrap()).await.unwrap();
        assert_eq!(answers, ["HTTP/1.1 404 Not Found"; 2]);
        Shutdown::graceful()
    };
    runtime.block_on(server.run_until(until)).unwrap();
}

#[test]
fn who_connects_before_the_server_runs_is_served_when_it_does() {
    let server = Server::bind(config()).unwrap();
    let mut early = connect(server.local_addrs()[0]);
    let asked = thread::spawn(move || ask(&mut early));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let until = async {
        let answer = tokio::task::spawn_blocking(|| asked.join().unwrap()).await.unwrap();
        assert_eq!(answer, "HTTP/1.1 404 Not Found");
        Shutdown::graceful()
    };
    runtime.block_on(server.run_until(until)).unwrap();
}

#[actix_web::test]
async fn runs_in_an_actix_system() {
    let server = Server::bind(config()).unwrap();
    let address = server.local_addrs()[0];
    let until = async {
        let answer = tokio::task::spawn_blocking(move || ask(&mut connect(address))).await.unwrap();
        assert_eq!(answer, "HTTP/1.1 404 Not Found");
        Shutdown::graceful()
    };
    assert_eq!(server.run_until(until).await.unwrap(), Ended::Drained);
}

#[tokio::test(flavor = "current_thread")]
async fn runs_in_a_plain_tokio_test() {
    let server = Server::bind(config()).unwrap();
    let address = server.local_addrs()[0];
    let until = async {
        let answer = tokio::task::spawn_blocking(move || ask(&mut connect(address))).await.unwrap();
        assert_eq!(answer, "HTTP/1.1 404 Not Found");
        Shutdown::graceful()
    };
    assert_eq!(server.run_until(until).await.unwrap(), Ended::Drained);
}

#[test]
fn a_graceful_end_closes_idle_connections_and_the_port() {
    let server = Running::start(config());
    let address = server.address;
    let mut idle = connect(address);
    ask(&mut idle);
    let mut silent = connect(address);
    // A second connection on the other worker shows that the first, silent one was accepted before it.
    ask(&mut connect(address));

    assert_eq!(server.end(Shutdown::graceful()), Ended::Drained);
    assert_eq!(idle.read(&mut [0]).unwrap(), 0);
    assert_eq!(silent.read(&mut [0]).unwrap(), 0);
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
}

/// Leaves a request in the middle of its body, with its handler waiting.
fn dawdle(address: SocketAddr) -> TcpStream {
    let mut client = connect(address);
    let head = "POST /events/a HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n";
    client.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 25];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    client
}

#[test]
fn an_immediate_end_waits_for_nobody() {
    let server = Running::start(config());
    let mut client = dawdle(server.address);
    assert_eq!(server.end(Shutdown::immediate()), Ended::Cut { connections: 1 });
    let closed = match client.read(&mut [0]) {
        Ok(n) => n == 0,
        Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
    };
    assert!(closed, "in good order or not");
}

#[test]
fn a_graceful_end_waits_only_so_long() {
    let mut config = config();
    config.hub.drain = Duration::ZERO;
    let server = Running::start(config);
    let _client = dawdle(server.address);
    assert_eq!(server.end(Shutdown::graceful()), Ended::Cut { connections: 1 });
}

#[test]
fn more_connections_than_files_are_cut_down() {
    let possible = limits::connections_within(limits::open_files(), 2).unwrap();
    let wanted = |max_connections| max_connections_of(&Config { max_connections, ..config() });
    assert_eq!(wanted(None), possible);
    assert_eq!(wanted(Some(usize::MAX)), possible);
    assert_eq!(wanted(Some(2)), 2);
}

fn max_connections_of(config: &Config) -> usize {
    max_connections(config).unwrap().0
}
