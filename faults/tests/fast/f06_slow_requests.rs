//! F06: requests that arrive a byte at a time, or never ("slow loris").

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::Server;
use e2e::account::account;
use faults::{Baseline, Source, Subscriber, connect, each, measured, until_closed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

/// Of each kind.
const CLIENTS: usize = 50;

/// All three limits of the server in this test.
const LIMIT: &str = "1s";

/// The server closes at its limit; the rest is for a busy machine.
const CLOSED: Duration = Duration::from_secs(15);

const MEMORY: usize = 16 << 20;

/// What is sent whole, what is sent slowly, and the status that is answered at last; 0 for none.
type Kind = (&'static [u8], &'static [u8], &'static str);

const HEAD: &[u8] =
    b"GET /events/a HTTP/1.1\r\nhost: f\r\nx-slow: sloooooooooooooooooooooooooooooooooooooooooooow";
const KINDS: [Kind; 6] = [
    (b"", b"", ""),
    (b"", HEAD, "408"),
    (b"GET /events/a HT", b"", "408"),
    (b"GET /livez HTTP/1.1\r\nhost: f\r\n\r\n", HEAD, "408"),
    (b"POST /events/slow HTTP/1.1\r\nhost: f\r\ncontent-length: 1000\r\n\r\n", HEAD, "408"),
    (b"POST /events/slow HTTP/1.1\r\nhost: f\r\ncontent-length: 1000\r\n\r\n", b"", "408"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f06_a_slow_request_is_ended_at_its_limit_first_or_not() -> Result<()> {
    let limits = ["--request-head-timeout", LIMIT, "--keep-alive", LIMIT, "--body-timeout", LIMIT];
    let mut server = Server::start(&limits).await?;
    let address = server.address();
    let baseline = Baseline::of(&server).await?;
    let start = server.cursor("a").await?;
    let mut survivor = Subscriber::open(address, "/events/a", Some(&start)).await?;

    let clients = KINDS.iter().cycle().take(KINDS.len() * CLIENTS).copied().collect();
    let slow = tokio::spawn(each(clients, move |kind| dribble(address, kind)));
    let mut source = Source::connect(address, 0).await?;
    source.publish_many("a", 500, 100).await?;
    let grown = baseline.growth()?;
    let slowest = slow.await??.into_iter().max().expect("there are clients");

    ensure!(slowest < CLOSED, "closed after {slowest:?}");
    ensure!(grown < MEMORY, "the server has grown by {} KiB", grown >> 10);
    server.end_topic("a").await?;
    survivor.to_the_end().await?;
    ensure!(account(&[survivor.into_events()], source.published())?.missed == 0, "nothing was missed");
    baseline.returns().await?;
    let (count, slowest) = (KINDS.len() * CLIENTS, slowest.as_secs_f64());
    measured(
        "F06",
        format!("{count} slow clients of 6 kinds, limits of {LIMIT}: the last closed after {slowest:.2} s"),
    );
    server.terminate().await
}

/// Sends slowly until the server closes. Answers how long that took.
async fn dribble(address: SocketAddr, (at_once, slowly, status): Kind) -> Result<Duration> {
    let mut stream = connect(address, None).await?;
    let began = Instant::now();
    stream.write_all(at_once).await?;
    let mut answers = Vec::new();
    for byte in slowly.iter().cycle() {
        if slowly.is_empty() || stream.write_all(&[*byte]).await.is_err() || began.elapsed() > CLOSED {
            break;
        }
        if let Ok(Ok(0) | Err(_)) = timeout(Duration::from_millis(100), stream.read_buf(&mut answers)).await {
            break;
        }
    }
    answers.extend(until_closed(&mut stream).await?);
    let took = began.elapsed();
    let answers = String::from_utf8_lossy(&answers);
    let has_status = status.is_empty() || answers.contains(&format!("HTTP/1.1 {status} "));
    ensure!(has_status, "{:?} was answered {answers:?}", String::from_utf8_lossy(at_once));
    Ok(took)
}
