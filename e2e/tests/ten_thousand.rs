//! Ten thousand readers on one server process: each gets every event once and in order, nobody is left over, and what
//! a reader costs in memory is bounded.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use e2e::process::raise_open_files;
use e2e::raw::{Answer, Publisher, ask};
use e2e::{Server, deadline};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const READERS: usize = 10_000;
const EVENTS: usize = 20;

/// How many connections are made, and read, at a time: fewer than the server's backlog takes.
const AT_A_TIME: usize = 64;

/// Of the server's memory, per reader, in bytes: generous, to find a leak and not to measure. What it takes is printed.
const MEMORY_PER_READER: usize = 24 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_readers_get_every_event_once_and_in_order() -> Result<()> {
    raise_open_files(READERS as u64 + 100)?;
    let began = Instant::now();
    let mut server = Server::start(&["--heartbeat", "10m"]).await?;
    let address = server.address();
    let process = server.process()?;
    let mut publisher = Publisher::connect(address).await?;
    // Not the first of anything any more when memory is looked at.
    publisher.publish("other", "warm").await?;
    let before = process.resident()?;

    let readers = subscribe_all(address).await?;
    let idle = process.resident()?;
    ensure!(subscribers(address).await? == READERS, "{} subscribers", subscribers(address).await?);
    println!("{READERS} readers after {:.1?}: {}", began.elapsed(), per_reader(before, idle));

    for n in 0..EVENTS {
        publisher.publish("all", &n.to_string()).await?;
    }
    // Whatever came twice would stand in front of this.
    publisher.publish("all", "over").await?;
    let mut readers = read_all(readers).await?;
    let busy = process.resident()?;
    println!("{EVENTS} events each after {:.1?}: {}", began.elapsed(), per_reader(before, busy));

    ensure!(idle.max(busy) - before <= READERS * MEMORY_PER_READER, "too much: {}", per_reader(before, busy));
    readers.clear();
    deadline::until("all readers to be gone", async || {
        let left = subscribers(address).await?;
        Ok(if left == 0 { Ok(()) } else { Err(format!("{left} subscribers")) })
    })
    .await?;
    println!("all gone after {:.1?}", began.elapsed());
    server.terminate().await
}

/// An open stream, and what of it has been read.
#[derive(Debug)]
struct Reader {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Reader {
    /// Opens a stream and waits for its preamble: from then on the hub knows of it.
    async fn subscribe(address: SocketAddr) -> Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(b"GET /events/all HTTP/1.1\r\nhost: e2e\r\n\r\n").await?;
        let mut reader = Self { stream, bytes: Vec::new() };
        reader.read_until("\nretry: ").await?;
        Ok(reader)
    }

    /// Reads until the body has `text` in it and answers the body.
    async fn read_until(&mut self, text: &str) -> Result<String> {
        deadline::within(text, async {
            loop {
                if let Some(answer) = Answer::parse(&self.bytes)?.filter(|answer| answer.body.contains(text))
                {
                    ensure!(answer.status == 200, "a stream answered {}", answer.status);
                    return Ok(answer.body);
                }
                let read = self.stream.read_buf(&mut self.bytes).await?;
                ensure!(read > 0, "the stream ended behind {:?}", String::from_utf8_lossy(&self.bytes));
            }
        })
        .await
    }

    /// Fails unless every event has come once, in order.
    async fn read_all(&mut self) -> Result<()> {
        let body = self.read_until("data: over\n").await?;
        let data: Vec<_> = body.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        let expected = (0..EVENTS).map(|n| n.to_string()).chain(["over".to_owned()]);
        ensure!(expected.eq(data.iter().copied()), "{data:?}");
        ensure!(!body.contains("event: sse."), "a control event: {body}");
        Ok(())
    }
}

async fn subscribe_all(address: SocketAddr) -> Result<Vec<Reader>> {
    let mut tasks = JoinSet::new();
    for _ in 0..AT_A_TIME {
        tasks.spawn(async move {
            let mut readers = Vec::new();
            for _ in 0..READERS / AT_A_TIME {
                readers.push(Reader::subscribe(address).await?);
            }
            anyhow::Ok(readers)
        });
    }
    let mut readers = Vec::with_capacity(READERS);
    while let Some(some) = tasks.join_next().await {
        readers.extend(some??);
    }
    while readers.len() < READERS {
        readers.push(Reader::subscribe(address).await?);
    }
    Ok(readers)
}

/// Has every reader read its events, and answers them all, still open.
async fn read_all(mut readers: Vec<Reader>) -> Result<Vec<Reader>> {
    let mut tasks = JoinSet::new();
    while !readers.is_empty() {
        let mut some = readers.split_off(readers.len().saturating_sub(READERS / AT_A_TIME));
        tasks.spawn(async move {
            for reader in &mut some {
                reader.read_all().await?;
            }
            anyhow::Ok(some)
        });
    }
    while let Some(some) = tasks.join_next().await {
        readers.extend(some??);
    }
    ensure!(readers.len() == READERS, "{} readers", readers.len());
    Ok(readers)
}

async fn subscribers(address: SocketAddr) -> Result<usize> {
    let page = ask(address, "GET /metrics").await?.body;
    let line = page.lines().find_map(|line| line.strip_prefix("sse_subscribers "));
    Ok(line.context("no such metric")?.parse()?)
}

fn per_reader(before: usize, after: usize) -> String {
    let bytes = (after - before) as f64 / READERS as f64;
    format!("the server has {} MiB, {:.1} KiB per reader", after >> 20, bytes / 1024.0)
}
