//! F04: clients that leave without a word, by reset, by closing, or by closing one direction only.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::Server;
use e2e::account::account;
use faults::{Baseline, Source, Subscriber, close_by_reset, connect, each, measured, metric, open_many};
use tokio::io::AsyncWriteExt;

const STREAMS: usize = 200;

/// The server notices within milliseconds; the rest is for a busy machine.
const GONE: Duration = Duration::from_secs(10);

const CYCLES: usize = 10_000;
const MEMORY: usize = 8 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f04_who_leaves_is_gone_at_once_however_it_leaves() -> Result<()> {
    let mut server = Server::start(&["--heartbeat", "10m"]).await?;
    let address = server.address();
    let baseline = Baseline::of(&server).await?;
    let start = server.cursor("a").await?;
    let mut survivor = Subscriber::open(address, "/events/a", Some(&start)).await?;
    let mut source = Source::connect(address, 0).await?;

    let mut times = Vec::new();
    for way in ["reset", "closed", "half-closed"] {
        let streams = open_many(address, "/events/a", STREAMS).await?;
        ensure!(metric(address, "sse_subscribers").await? == STREAMS as u64 + 1, "all are there");
        let began = Instant::now();
        let mut half_closed = Vec::new();
        for stream in streams {
            let mut stream = stream.into_stream();
            match way {
                "reset" => close_by_reset(stream)?,
                "closed" => drop(stream),
                _ => {
                    stream.shutdown().await?;
                    half_closed.push(stream);
                }
            }
        }
        // Nothing is written meanwhile: it is the end itself that is noticed.
        e2e::deadline::until("the subscribers to be gone", async || {
            let left = metric(address, "sse_subscribers").await?;
            Ok(if left == 1 { Ok(()) } else { Err(left.to_string()) })
        })
        .await?;
        let took = began.elapsed();
        ensure!(took < GONE, "{way}: gone after {took:?}");
        times.push(format!("{way} {} ms", took.as_millis()));
        source.publish("a", 10).await?;
    }
    server.end_topic("a").await?;
    survivor.to_the_end().await?;
    ensure!(account(&[survivor.into_events()], source.published())?.missed == 0, "nothing was missed");
    drop(source);
    baseline.returns().await?;
    measured("F04", format!("{STREAMS} streams gone from the gauge: {}", times.join(", ")));
    server.terminate().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f04_coming_and_going_ten_thousand_times_leaves_nothing_behind() -> Result<()> {
    let mut server = Server::start(&["--retain-age", "1s", "--forget-after", "1s"]).await?;
    let address = server.address();
    churn(address, CYCLES / 5).await?;
    let baseline = Baseline::of(&server).await?;

    let began = Instant::now();
    churn(address, CYCLES).await?;
    let took = began.elapsed();

    baseline.returns().await?;
    let grown = baseline.growth()?;
    ensure!(grown < MEMORY, "the server has grown by {} KiB", grown >> 10);
    e2e::deadline::until("the topics to be forgotten", async || {
        let left = metric(address, "sse_topics").await?;
        Ok(if left == 0 { Ok(()) } else { Err(left.to_string()) })
    })
    .await?;
    measured(
        "F04",
        format!(
            "{CYCLES} connects and ends in {:.1} s: memory +{} KiB, descriptors +0, topics 0",
            took.as_secs_f64(),
            grown >> 10
        ),
    );
    server.terminate().await
}

/// Connects and ends, in each of several ways: with a stream or in the middle of asking for it, in order or not.
async fn churn(address: std::net::SocketAddr, cycles: usize) -> Result<()> {
    each((0..cycles).collect(), move |n: usize| async move {
        let mut stream = if n.is_multiple_of(2) {
            Subscriber::open(address, "/events?topic=a&topic=b", None).await?.into_stream()
        } else {
            connect(address, None).await?
        };
        if n % 4 == 1 {
            stream.write_all(b"GET /events/a HTTP/1.1\r\nhost: fa").await?;
        }
        // Who closes in order keeps a port busy for a minute, so most do not.
        if n % 8 < 7 {
            close_by_reset(stream)?;
        }
        Ok(())
    })
    .await?;
    Ok(())
}
