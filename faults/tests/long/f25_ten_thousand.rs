//! F25: ten thousand idle streams, at the default heartbeat.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::Server;
use faults::{Baseline, Load, all_at_once, measured, open_many};
use tokio::time::sleep;

const STREAMS: usize = 10_000;

/// Of a core; one heartbeat is one write, so this is also a bound of 30 µs on each.
const SHARE: f64 = 0.02;

/// Two intervals of 15 s.
const LOOK: Duration = Duration::from_secs(30);

const PER_STREAM: usize = 24 << 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f25_ten_thousand_idle_streams_cost_next_to_nothing() -> Result<()> {
    e2e::process::raise_open_files(STREAMS as u64 + 200)?;
    let mut server = Server::start(&[]).await?;
    let address = server.address();
    let baseline = Baseline::of(&server).await?;
    let streams = open_many(address, "/events/a", STREAMS).await?;
    let grown = baseline.growth()?;
    let load = Load::of(&server)?;
    // It is the cost of a time in which nothing happens that is measured.
    sleep(LOOK).await;
    let share = load.share()?;
    ensure!(share.0 < SHARE, "{share} for heartbeats");
    ensure!(grown < STREAMS * PER_STREAM, "{} bytes per stream", grown / STREAMS);

    let least = all_at_once(streams, |mut stream| async move {
        stream.until("two heartbeats", |stream| stream.heartbeats() >= 2).await?;
        Ok(stream)
    })
    .await?
    .iter()
    .map(faults::Subscriber::heartbeats)
    .min();
    baseline.returns().await?;
    measured(
        "F25",
        format!(
            "{STREAMS} idle streams: {share}, {} bytes per stream, at least {} heartbeats each in 30 s",
            grown / STREAMS,
            least.unwrap_or(0)
        ),
    );
    server.terminate().await
}
