//! F09: publishers that go as fast as they can.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::Server;
use e2e::account::{Published, account};
use e2e::raw::ask;
use faults::{Baseline, Source, Subscriber, connect, measured};
use tokio::task::JoinSet;

const PUBLISHERS: usize = 16;
const EVENTS_EACH: usize = 1_000;
const READERS: usize = 8;

/// Longest time without a heartbeat, at one every 200 ms, and longest wait for `/livez`.
const QUIET: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f09_a_flood_of_publishes_keeps_order_and_holds_nothing_else_up() -> Result<()> {
    let options = ["--retain-events", "100000", "--retain-bytes", "64MiB", "--heartbeat", "200ms"];
    let mut server = Server::start(&options).await?;
    let address = server.address();
    let baseline = Baseline::of(&server).await?;
    let start = server.cursor("a").await?;
    let mut readers = JoinSet::new();
    for _ in 0..READERS {
        let mut reader = Subscriber::open(address, "/events/a", Some(&start)).await?;
        readers.spawn(async move {
            reader.to_the_end().await?;
            anyhow::Ok(reader.into_events())
        });
    }
    let idle = tokio::spawn(quietest(Subscriber::open(address, "/events/idle", None).await?));

    let began = Instant::now();
    let mut publishers = JoinSet::new();
    for n in 0..PUBLISHERS {
        publishers.spawn(async move {
            let mut source = Source::connect(address, n).await?;
            source.publish_many("a", EVENTS_EACH, 100).await?;
            anyhow::Ok(source.into_published())
        });
    }
    let mut slowest_answer = Duration::ZERO;
    let mut published = Published::new();
    while !publishers.is_empty() {
        let asked = Instant::now();
        ensure!(ask(address, "GET /livez").await?.status == 200, "alive");
        slowest_answer = slowest_answer.max(asked.elapsed());
        while let Some(done) = publishers.try_join_next() {
            let done = done??;
            ensure!(is_in_own_order(&done), "the order of a publisher's own events has changed");
            published.extend(done);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = began.elapsed().as_secs_f64();
    ensure!(published.len() == PUBLISHERS * EVENTS_EACH, "every event has an id of its own");

    server.end_topic("a").await?;
    server.end_topic("idle").await?;
    let mut missed = 0;
    while let Some(reader) = readers.join_next().await {
        missed += account(&[reader??], &published)?.missed;
    }
    ensure!(missed == 0, "{missed} were missed, and all were retained");
    let (heartbeats, quiet) = idle.await??;
    ensure!(heartbeats > 0 && quiet < QUIET, "{heartbeats} heartbeats, {quiet:?} without one");
    ensure!(slowest_answer < QUIET, "/livez took {slowest_answer:?}");
    baseline.returns().await?;
    let rate = published.len() as f64 / took;
    measured(
        "F09",
        format!(
            "{PUBLISHERS} publishers, {rate:.0} events/s to {READERS} readers: in order, none lost; \
             heartbeats of 200 ms at most {} ms apart; /livez at most {} ms",
            quiet.as_millis(),
            slowest_answer.as_millis()
        ),
    );
    server.terminate().await
}

/// Reads to the end. Answers how many heartbeats came, and the longest time without one.
async fn quietest(mut reader: Subscriber) -> Result<(usize, Duration)> {
    let (mut longest, mut last) = (Duration::ZERO, Instant::now());
    while !reader.has_ended() {
        let before = reader.heartbeats();
        reader.read(usize::MAX).await?;
        if reader.heartbeats() > before {
            longest = longest.max(last.elapsed());
            last = Instant::now();
        }
    }
    Ok((reader.heartbeats(), longest))
}

fn is_in_own_order(published: &Published) -> bool {
    let number = |data: &str| data.trim_end_matches('|').split_whitespace().nth(1)?.parse::<usize>().ok();
    published.values().enumerate().all(|(n, (_, data))| number(data) == Some(n))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f09_publishers_that_read_no_answer_are_stopped_and_not_stored() -> Result<()> {
    let mut server = Server::start(&["--retain-events", "16"]).await?;
    let address = server.address();
    let baseline = Baseline::of(&server).await?;
    let mut floods = JoinSet::new();
    for _ in 0..20 {
        floods.spawn(async move {
            let stream = connect(address, Some(4_096)).await?;
            let request = b"POST /events/a HTTP/1.1\r\nhost: f\r\ncontent-length: 1\r\n\r\nx".repeat(1_000);
            // At most 64 MB: the server stops reading long before, when its answers do not get away.
            let mut sent = 0;
            while sent < 64 << 20 {
                let write = tokio::time::timeout(Duration::from_secs(2), write(&stream, &request));
                let Ok(Ok(written)) = write.await else { break };
                sent += written;
            }
            anyhow::Ok((sent, stream))
        });
    }
    let (mut sent, mut streams) = (0, Vec::new());
    while let Some(flood) = floods.join_next().await {
        let (bytes, stream) = flood??;
        sent += bytes;
        streams.push(stream);
    }
    let grown = baseline.growth()?;
    ensure!(grown < 32 << 20, "the server has grown by {} KiB", grown >> 10);
    drop(streams);
    baseline.returns().await?;
    measured(
        "F09",
        format!(
            "20 publishers that read no answers got {} KiB in before they were stopped; memory +{} KiB",
            sent >> 10,
            grown >> 10
        ),
    );
    server.terminate().await
}

async fn write(stream: &tokio::net::TcpStream, bytes: &[u8]) -> std::io::Result<usize> {
    loop {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            done => return done,
        }
    }
}
