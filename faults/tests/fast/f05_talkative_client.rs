//! F05: clients that go on sending on an open stream.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::Server;
use e2e::account::account;
use faults::{Baseline, Load, Source, Subscriber, connect, each, measured, until_closed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};

/// Of each kind.
const CLIENTS: usize = 20;

/// What all of them may cost in memory: less than half a megabyte each, however much they send.
const MEMORY: usize = 40 << 20;

/// Of a core, while they are there and nothing else happens.
const SHARE: f64 = 0.25;
const LOOK: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug)]
enum Sends {
    RequestsAndJunk,
    EndlessHeader,
    ChunkedBody,
    ByteByByte,
    BurstWithTheRequest,
}

use Sends::{BurstWithTheRequest, ByteByByte, ChunkedBody, EndlessHeader, RequestsAndJunk};

const KINDS: [Sends; 5] = [RequestsAndJunk, EndlessHeader, ChunkedBody, ByteByByte, BurstWithTheRequest];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f05_who_sends_on_an_open_stream_is_cut_off_and_costs_nothing() -> Result<()> {
    let mut server = Server::start(&["--heartbeat", "10m"]).await?;
    let address = server.address();
    let baseline = Baseline::of(&server).await?;
    let start = server.cursor("a").await?;
    let mut survivor = Subscriber::open(address, "/events/a", Some(&start)).await?;
    let mut source = Source::connect(address, 0).await?;

    let began = Instant::now();
    let clients = KINDS.iter().cycle().take(KINDS.len() * CLIENTS).copied().collect();
    each(clients, move |kind| talk(address, kind)).await?;
    let took = began.elapsed();
    let grown = baseline.growth()?;
    source.publish_many("a", 100, 100).await?;

    // A server that spins does so for as long as it is let.
    let load = Load::of(&server)?;
    sleep(LOOK).await;
    let share = load.share()?;
    ensure!(share.0 < SHARE, "{share} with nothing to do");
    ensure!(grown < MEMORY, "the server has grown by {} KiB", grown >> 10);

    server.end_topic("a").await?;
    survivor.to_the_end().await?;
    ensure!(account(&[survivor.into_events()], source.published())?.missed == 0, "nothing was missed");
    drop(source);
    baseline.returns().await?;
    let count = KINDS.len() * CLIENTS;
    let (took, grown) = (took.as_secs_f64(), grown >> 10);
    measured(
        "F05",
        format!("{count} clients of 5 kinds cut off in {took:.1} s; then {share}; memory +{grown} KiB"),
    );
    server.terminate().await
}

/// Opens a stream, sends on it, and waits until the server has had enough.
async fn talk(address: SocketAddr, kind: Sends) -> Result<()> {
    let junk = vec![b'x'; 256 << 10];
    let pipelined = b"GET / HTTP/1.1\r\nhost: f\r\n\r\n";
    if let BurstWithTheRequest = kind {
        let mut stream = connect(address, None).await?;
        let request = b"GET /events/a HTTP/1.1\r\nhost: f\r\n\r\n";
        let all = [&request[..], &pipelined.repeat(4_000)].concat();
        return flood(&mut stream, &all, false).await;
    }
    let mut stream = Subscriber::open(address, "/events/a", None).await?.into_stream();
    match kind {
        RequestsAndJunk => flood(&mut stream, &[&pipelined.repeat(20)[..], &junk].concat(), false).await,
        EndlessHeader => flood(&mut stream, &[b"GET / HTTP/1.1\r\nx: ", &junk[..]].concat(), true).await,
        ChunkedBody => flood(&mut stream, &[b"10000\r\n", &junk[..65_536], b"\r\n"].concat(), true).await,
        _ => flood(&mut stream, b"x", true).await,
    }
}

/// Sends, once or for as long as it goes, until the server has closed.
async fn flood(stream: &mut tokio::net::TcpStream, bytes: &[u8], again: bool) -> Result<()> {
    let end = Instant::now() + e2e::deadline::DEADLINE;
    while stream.write_all(bytes).await.is_ok() && again {
        ensure!(Instant::now() < end, "the server still takes what it must not");
        // Both directions, or a reset is not seen; and no faster than ten times a second for one byte.
        let mut answer = [0; 4_096];
        let pause = Duration::from_millis(if bytes.len() == 1 { 100 } else { 1 });
        if let Ok(Ok(0) | Err(_)) = timeout(pause, stream.read(&mut answer)).await {
            return Ok(());
        }
    }
    until_closed(stream).await.map(drop)
}
