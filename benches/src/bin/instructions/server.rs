//! What is counted of the server: the release binary as users get it, with real sockets, which are its own clients'.
//!
//! Client and server take turns: an event is published when the one before it has reached everybody. Otherwise runs of
//! several events would go out in one write, and how many is a matter of time.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::callgrind::{self, Callgrind};
use super::expected::Counts;

const READERS: u64 = 100;
/// Enough that what is done by time, on a thread of its own now and then, is lost in it.
const EVENTS: u64 = 200;
/// Before them: until everybody has left actix for the segment, and every buffer has the size that it keeps.
const FIRST: u64 = 10;
/// Far beyond what an answer takes, fifty times slower than it is.
const LIMIT: Duration = Duration::from_secs(60);

const PATH: &str = "/events/instructions";
/// The end of an event, and of the chunk that it is in.
const END: &[u8] = b"\n\n\r\n";

/// What the server does for a publish by `POST`, and for each delivery of it on a socket.
pub(crate) fn count(callgrind: &Callgrind, server: &Path) -> Result<Counts> {
    let publish = per_event(callgrind, server, 0)?;
    let with_readers = per_event(callgrind, server, READERS)?;
    Ok(Counts::from([
        ("server: publish".to_owned(), publish),
        ("server: delivery to a socket".to_owned(), (with_readers - publish) / READERS as f64),
    ]))
}

fn per_event(callgrind: &Callgrind, server: &Path, readers: u64) -> Result<f64> {
    let name = format!("server with {readers} readers");
    let count = |events| {
        let file = callgrind.file(&name, events)?;
        let server = Server::start(callgrind, server, &file)?;
        load(&server, readers, FIRST + events)?;
        server.end()?;
        callgrind::total(&file)
    };
    let (once, twice) = (count(EVENTS)?, count(2 * EVENTS)?);
    Ok(callgrind::per(EVENTS, once, twice))
}

fn load(server: &Server, readers: u64, events: u64) -> Result<()> {
    let open = |_| Reader::open(server.address);
    let mut readers: Vec<Reader> = (0..readers).map(open).collect::<Result<_>>()?;
    let mut publisher = Publisher::connect(server.address)?;
    for _ in 0..events {
        server.wait_until_idle()?;
        publisher.publish()?;
        readers.iter_mut().try_for_each(Reader::event)?;
    }
    Ok(())
}

#[derive(Debug)]
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(callgrind: &Callgrind, program: &Path, file: &Path) -> Result<Self> {
        let args = ["--listen", "127.0.0.1:0", "--workers", "1"];
        let mut child = callgrind
            .command(program, args, file)
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start valgrind; `cargo xtask setup` installs it")?;
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        // From here on dropping it ends the child.
        let mut server = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let line = lines.next().context("the server says nothing")??;
        let address = line.split_once("http://").and_then(|(_, rest)| rest.split_whitespace().next());
        let address = address.and_then(|text| text.trim_end_matches('/').parse().ok());
        server.address = address.with_context(|| format!("the server says {line:?}"))?;
        Ok(server)
    }

    /// Awaits that none of its threads runs. A request that comes before spares the server a wake-up, or a look at a
    /// socket in vain, and whether it does is a matter of time.
    fn wait_until_idle(&self) -> Result<()> {
        let began = Instant::now();
        while !sleeps(self.child.id())? {
            ensure!(began.elapsed() < LIMIT, "the server never comes to rest");
            std::thread::yield_now();
        }
        Ok(())
    }

    /// Has it drain, and callgrind write its file.
    fn end(mut self) -> Result<()> {
        let pid = Pid::from_raw(self.child.id().cast_signed()).context("it has an id")?;
        kill_process(pid, Signal::TERM)?;
        let status = self.child.wait()?;
        ensure!(status.success(), "the server under callgrind ended with {status}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether all threads of a process wait for something.
fn sleeps(pid: u32) -> Result<bool> {
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        // One that is gone in between does not run.
        let Ok(stat) = fs::read_to_string(thread?.path().join("stat")) else { continue };
        if state(&stat) != Some('S') {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The state in a line of `/proc/PID/stat`, behind the name, which may hold anything.
fn state(stat: &str) -> Option<char> {
    stat.rsplit_once(") ")?.1.chars().next()
}

/// A subscriber that looks for the ends of events.
#[derive(Debug)]
struct Reader {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Reader {
    fn open(address: SocketAddr) -> Result<Self> {
        let mut socket = connect(address)?;
        write!(socket, "GET {PATH} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n")?;
        let mut reader = Self { socket, buffer: Vec::new() };
        // The stream has begun when its first chunk is there, which holds no event.
        reader.read_until(|seen| seen.windows(7).any(|window| window == b"retry: "))?;
        ensure!(reader.buffer.starts_with(b"HTTP/1.1 200 "), "the server refuses a reader");
        Ok(reader)
    }

    /// Reads on to the end of an event, which has to be the only one.
    fn event(&mut self) -> Result<()> {
        self.buffer.clear();
        self.read_until(|seen| seen.ends_with(END))?;
        let events = self.buffer.windows(6).filter(|window| window == b"data: ").count();
        ensure!(events == 1, "{events} events came at once");
        Ok(())
    }

    fn read_until(&mut self, enough: impl Fn(&[u8]) -> bool) -> Result<()> {
        while !enough(&self.buffer) {
            let mut chunk = [0; 4096];
            let read = self.socket.read(&mut chunk).context("a reader waits in vain")?;
            ensure!(read > 0, "the server has ended a stream");
            self.buffer.extend_from_slice(&chunk[..read]);
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Publisher {
    socket: BufReader<TcpStream>,
    request: String,
}

impl Publisher {
    fn connect(address: SocketAddr) -> Result<Self> {
        let event = benches::event();
        let data = event.data();
        let request = format!(
            "POST {PATH} HTTP/1.1\r\nHost: {address}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{data}",
            data.len()
        );
        Ok(Self { socket: BufReader::new(connect(address)?), request })
    }

    fn publish(&mut self) -> Result<()> {
        self.socket.get_mut().write_all(self.request.as_bytes())?;
        let mut length = 0;
        let mut line = String::new();
        self.socket.read_line(&mut line)?;
        ensure!(line.starts_with("HTTP/1.1 200 "), "a publish is answered with {:?}", line.trim_end());
        while line != "\r\n" {
            line.clear();
            ensure!(self.socket.read_line(&mut line)? > 0, "the server has hung up");
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        Ok(self.socket.read_exact(&mut body)?)
    }
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let socket = TcpStream::connect_timeout(&address, LIMIT)?;
    socket.set_read_timeout(Some(LIMIT))?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_state_behind_any_name() {
        assert_eq!(state("1 (actix-rt:worker) S 1 2 3"), Some('S'));
        assert_eq!(state("1 (a) S (b) R 1 2 3"), Some('R'));
    }
}
