//! `cargo xtask bench check`: that every peer does what the measurements take for granted. Measures nothing.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::peers::{Peer, Presence, Running};
use crate::workspace::Workspace;

/// For what takes milliseconds.
const LIMIT: Duration = Duration::from_secs(10);
const CORE: usize = 0;

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let (mut table, mut failed) = (String::new(), Vec::new());
    for peer in Peer::all() {
        let end = match peer.prepare(workspace)? {
            Presence::Missing(why) => format!("skipped: {why}"),
            Presence::Ready => match check(workspace, &peer) {
                Ok(done) => format!("ok: {done}"),
                Err(error) => {
                    failed.push(peer.name());
                    format!("FAILED: {error:#}")
                }
            },
        };
        table += &format!("{:18} {:44} {end}\n", peer.name(), peer.version());
    }
    print!("\n{table}");
    ensure!(failed.is_empty(), "not as they should be: {}", failed.join(", "));
    Ok(())
}

/// What was seen to work.
fn check(workspace: &Workspace, peer: &Peer) -> Result<String> {
    println!("{}: {}", peer.name(), peer.about());
    let running = peer.start(workspace, CORE)?;
    let address = running.address();
    on_the_core(&running)?;
    let mut done = vec!["delivers"];
    let mut reader = Reader::subscribe(address, "a", None)?;
    let mut other = Reader::subscribe(address, "b", None)?;
    publish(address, "a", "first")?;
    let first = reader.event("first").context("an event")?;
    publish(address, "a", "second")?;
    reader.event("second").context("another event")?;
    publish(address, "b", "third")?;
    other.event("third").context("an event of another topic")?;
    if peer.can().resume {
        let id = first.context("an event without an id")?;
        Reader::subscribe(address, "a", Some(&id))?.event("second").context("the event missed")?;
        done.push("resumes");
    }
    if peer.can().stream_publish {
        let stream = publish_stream(address, &[("a", "fourth"), ("b", "fifth")])?;
        reader.event("fourth").context("an event out of a stream")?;
        other.event("fifth").context("an event of another topic, out of the same stream")?;
        drop(stream);
        done.push("takes streams");
    }
    Ok(done.join(", "))
}

/// A measurement of one core means nothing if there are two.
fn on_the_core(running: &Running) -> Result<()> {
    for pid in running.pids() {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("it is gone")?;
        let cores = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        let cores = cores.context("no list of cores")?.trim();
        ensure!(cores == CORE.to_string(), "process {pid} may run on {cores}");
    }
    Ok(())
}

/// A subscriber that understands no more of a response than it has to.
struct Reader(BufReader<TcpStream>);

impl Reader {
    fn subscribe(address: SocketAddr, topic: &str, last_event_id: Option<&str>) -> Result<Self> {
        let mut socket = connect(address)?;
        let position = last_event_id.map_or_else(String::new, |id| format!("Last-Event-ID: {id}\r\n"));
        write!(
            socket,
            "GET /events/{topic} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n{position}\r\n"
        )?;
        let mut reader = BufReader::new(socket);
        expect_success(&mut reader)?;
        Ok(Self(reader))
    }

    /// Reads on to an event with this data, and past its end. Its id.
    fn event(&mut self, data: &str) -> Result<Option<String>> {
        let (mut is_it, mut id) = (false, None);
        let mut line = String::new();
        loop {
            line.clear();
            ensure!(self.0.read_line(&mut line)? > 0, "the stream ended before {data:?}");
            let line = line.trim_end();
            if let Some(value) = line.strip_prefix("data:") {
                is_it = value.trim_start() == data;
            } else if let Some(value) = line.strip_prefix("id:") {
                id = Some(value.trim_start().to_owned());
            } else if line.is_empty() && is_it {
                return Ok(id);
            }
        }
    }
}

fn publish(address: SocketAddr, topic: &str, data: &str) -> Result<()> {
    let mut socket = connect(address)?;
    let length = data.len();
    write!(
        socket,
        "POST /events/{topic} HTTP/1.1\r\nHost: {address}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{data}"
    )?;
    expect_success(&mut BufReader::new(socket))
}

/// Publishes these events, for the topics given, in a body that then stays open.
fn publish_stream(address: SocketAddr, events: &[(&str, &str)]) -> Result<TcpStream> {
    let mut socket = connect(address)?;
    write!(
        socket,
        "POST /events HTTP/1.1\r\nHost: {address}\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )?;
    for (topic, data) in events {
        let event = format!("topic: {topic}\ndata: {data}\n\n");
        write!(socket, "{:x}\r\n{event}\r\n", event.len())?;
    }
    Ok(socket)
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let socket = TcpStream::connect_timeout(&address, LIMIT)?;
    socket.set_read_timeout(Some(LIMIT))?;
    Ok(socket)
}

/// Reads a head, which has to say 2xx.
fn expect_success(reader: &mut impl BufRead) -> Result<()> {
    let mut status = String::new();
    reader.read_line(&mut status)?;
    if !status.starts_with("HTTP/1.1 2") {
        bail!("it answered {:?}", status.trim_end());
    }
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 && line.trim_end() != "" {
        line.clear();
    }
    Ok(())
}
