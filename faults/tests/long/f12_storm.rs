//! F12: thousands of clients are cut at once, and all come back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::account::account;
use e2e::{Proxy, Received, Server};
use faults::{Baseline, Load, Source, Subscriber, measured, metric};
use tokio::task::JoinSet;
use tokio::time::sleep;

const CLIENTS: usize = 2_000;

/// The server tells each client to come back in 200 to 400 ms; the rest is for a busy machine.
const ATTACHED: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f12_thousands_cut_at_once_come_back_spread_and_lose_nothing() -> Result<()> {
    // Each has a connection, and the proxy two.
    e2e::process::raise_open_files(3 * CLIENTS as u64 + 500)?;
    let mut server = Server::start(&["--retain-events", "100000", "--retain-bytes", "16MiB"]).await?;
    let address = server.address();
    let baseline = Baseline::of(&server).await?;
    let proxy = Arc::new(Proxy::start(address).await?);
    let through = proxy.url("").trim_start_matches("http://").parse()?;
    let start = server.cursor("a").await?;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(follow(through, start.clone()));
    }
    attached(address).await?;

    let mut source = Source::connect(address, 0).await?;
    source.publish_many("a", 100, 40).await?;
    let load = Load::of(&server)?;
    let cut = Instant::now();
    proxy.cut().await;
    proxy.mend();
    source.publish_many("a", 100, 40).await?;
    e2e::deadline::until("those who were cut to be gone", async || {
        let resumed = metric(address, "sse_subscribers").await? < CLIENTS as u64;
        Ok(if resumed || cut.elapsed() > Duration::from_secs(2) {
            Ok(())
        } else {
            Err("all there".to_owned())
        })
    })
    .await?;
    attached(address).await?;
    let took = cut.elapsed();
    let share = load.share()?;
    ensure!(took < ATTACHED, "all attached after {took:?}");
    source.publish_many("a", 100, 40).await?;
    server.end_topic("a").await?;

    let mut retries = Vec::new();
    while let Some(client) = clients.join_next().await {
        let (connections, told) = client??;
        retries.extend(told);
        ensure!(account(&connections, source.published())?.missed == 0, "everything was retained");
    }
    // Each quarter of the range has about a quarter of them: five standard deviations of a fair draw.
    let expected = retries.len() as f64 / 4.0;
    let slack = 5.0 * (expected * 0.75).sqrt();
    for quarter in 0..4u64 {
        let range = 200 + quarter * 50..250 + quarter * 50;
        let within = retries.iter().filter(|retry| range.contains(retry)).count() as f64;
        ensure!(
            (within - expected).abs() < slack + 0.01 * expected,
            "{within} of {} in {range:?} ms",
            retries.len()
        );
    }
    drop(source);
    drop(proxy);
    baseline.returns().await?;
    measured(
        "F12",
        format!(
            "{CLIENTS} clients cut at once: all back after {:.1} s, none lost an event; {share} meanwhile",
            took.as_secs_f64()
        ),
    );
    server.terminate().await
}

async fn attached(address: std::net::SocketAddr) -> Result<()> {
    e2e::deadline::until("all to be attached", async || {
        let here = metric(address, "sse_subscribers").await?;
        Ok(if here == CLIENTS as u64 { Ok(()) } else { Err(here.to_string()) })
    })
    .await
}

/// Follows the topic to its end, and comes back when it was told to. What each connection gave, and what it was told.
async fn follow(through: std::net::SocketAddr, start: String) -> Result<(Vec<Vec<Received>>, Vec<u64>)> {
    let (mut all, mut told, mut position) = (Vec::new(), Vec::new(), start);
    loop {
        let Ok(mut reader) = Subscriber::open(through, "/events/a", Some(&position)).await else {
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let retry = reader.retry().context("a time to come back")?;
        told.push(retry);
        while !reader.has_ended() && reader.read(usize::MAX).await.is_ok_and(|more| more) {}
        position = reader.position().unwrap_or(&position).to_owned();
        let over = reader.events().last().is_some_and(|event| event.name == "sse.end");
        all.push(reader.into_events());
        if over {
            return Ok((all, told));
        }
        sleep(Duration::from_millis(retry)).await;
    }
}
