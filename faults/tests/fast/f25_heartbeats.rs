//! F25: heartbeats of many idle streams.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::Server;
use e2e::account::account;
use faults::{Baseline, Load, Source, Subscriber, all_at_once, each, measured};

const STREAMS: usize = 1_000;
const INTERVAL: Duration = Duration::from_secs(1);
const TURNS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f25_heartbeats_are_spread_regular_and_never_within_an_event() -> Result<()> {
    e2e::process::raise_open_files(STREAMS as u64 + 200)?;
    let mut server = Server::start(&["--heartbeat", "1s"]).await?;
    let address = server.address();
    let baseline = Baseline::of(&server).await?;
    let start = server.cursor("a").await?;
    let began = Instant::now();
    let from = start.clone();
    let streams = each((0..STREAMS).collect(), move |_| {
        let from = from.clone();
        async move { Subscriber::open(address, "/events/a", Some(&from)).await }
    })
    .await?;
    let opened = began.elapsed();

    let load = Load::of(&server)?;
    let mut tasks = tokio::task::JoinSet::new();
    for mut stream in streams {
        tasks.spawn(async move {
            let mut at = Vec::new();
            while at.len() < TURNS {
                let more = stream.heartbeats() + 1;
                stream.until("a heartbeat", |stream| stream.heartbeats() >= more).await?;
                at.push(began.elapsed());
            }
            anyhow::Ok((at, stream))
        });
    }
    let (mut times, mut longest, mut streams) = (Vec::new(), Duration::ZERO, Vec::new());
    while let Some(done) = tasks.join_next().await {
        let (at, stream) = done??;
        longest = at.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default().max(longest);
        times.extend(at.last().copied());
        streams.push(stream);
    }
    let share = load.share()?;
    // Opened within a fraction of the interval, they would all beat within that fraction, had they the same phase.
    let busiest = busiest_tenth(&times);
    ensure!(busiest < STREAMS / 2, "{busiest} of {STREAMS} heartbeats in a tenth of the interval");
    ensure!(longest < INTERVAL * 5, "{longest:?} without a heartbeat");

    // Events between heartbeats; the reader refuses a heartbeat within a block.
    let mut source = Source::connect(address, 0).await?;
    source.publish_many("a", 50, 500).await?;
    server.end_topic("a").await?;
    let published = source.published().clone();
    all_at_once(streams, move |mut stream: Subscriber| {
        let published = published.clone();
        async move {
            stream.to_the_end().await?;
            account(&[stream.into_events()], &published).map(drop)
        }
    })
    .await?;
    drop(source);
    baseline.returns().await?;
    measured(
        "F25",
        format!(
            "{STREAMS} streams opened in {} ms, a heartbeat each second: at most {busiest} in a tenth of it, at most {} ms apart, {share}",
            opened.as_millis(),
            longest.as_millis()
        ),
    );
    server.terminate().await
}

/// The most heartbeats within any window of a tenth of the interval.
fn busiest_tenth(times: &[Duration]) -> usize {
    let mut times = times.to_vec();
    times.sort_unstable();
    let window = INTERVAL / 10;
    (0..times.len())
        .map(|n| times[n..].iter().take_while(|at| **at - times[n] < window).count())
        .max()
        .unwrap_or(0)
}
