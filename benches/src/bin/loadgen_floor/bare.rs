//! The loop that is compared with: as little as a program can do that reads many sockets.
//!
//! Edge-triggered epoll, one buffer, one read for each time a socket is readable. It looks at no byte, keeps nothing of a
//! client but its socket, and never asks for the time.

use std::io::{self, BufRead, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use mio::{Events, Interest, Poll, Token, Waker};
use sse_loadgen::worker::Assignment;

/// As large as the raw engine's.
const BUFFER: usize = 64 * 1024;
const WAKER: Token = Token(usize::MAX);

/// Reads the streams of an assignment until the next line on standard input, and says how many bytes and reads it was.
pub(super) fn run() -> anyhow::Result<()> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let assignment: Assignment = serde_json::from_str(&line)?;
    sse_loadgen::host::raise_open_files()?;
    let mut poll = Poll::new()?;
    let mut buffer = vec![0; BUFFER];
    let mut sockets = open(&assignment, &poll, &mut buffer)?;
    writeln!(io::stdout(), "open")?;

    let ended = Arc::new(AtomicBool::new(false));
    let waker = Waker::new(poll.registry(), WAKER)?;
    let flag = Arc::clone(&ended);
    std::thread::spawn(move || {
        // Whatever it is, or the end of the input.
        let _ = io::stdin().lock().read_line(&mut String::new());
        flag.store(true, Ordering::Relaxed);
        let _ = waker.wake();
    });
    let (mut bytes, mut reads) = (0, 0_u64);
    let mut events = Events::with_capacity(1024);
    while !ended.load(Ordering::Relaxed) {
        match poll.poll(&mut events, None) {
            // It was held, and goes on.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        }
        for event in &events {
            let Some(socket) = sockets.get_mut(event.token().0) else { continue };
            match socket.read(&mut buffer) {
                Ok(read) => {
                    bytes += read;
                    reads += 1;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    writeln!(io::stdout(), "{bytes} {reads}")?;
    Ok(())
}

/// One stream after the other: how they come to be is not measured.
fn open(assignment: &Assignment, poll: &Poll, buffer: &mut [u8]) -> anyhow::Result<Vec<mio::net::TcpStream>> {
    let address = assignment.routes.first().context("no route")?.address;
    let path = assignment.requests.first().context("no request")?.url.clone();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n");
    let mut sockets = Vec::with_capacity(assignment.clients as usize);
    for client in 0..assignment.clients as usize {
        let mut socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        socket.write_all(request.as_bytes())?;
        // The head, and what a stream begins with, come in one piece; if not, the rest counts as events' bytes.
        let head = socket.read(buffer)?;
        ensure!(buffer[..head].starts_with(b"HTTP/1.1 200"), "the source does not answer with a stream");
        socket.set_nonblocking(true)?;
        let mut socket = mio::net::TcpStream::from_std(socket);
        poll.registry().register(&mut socket, Token(client), Interest::READABLE)?;
        sockets.push(socket);
    }
    Ok(sockets)
}
