//! F07: more clients than connections, and no descriptors left.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::Server;
use e2e::account::account;
use e2e::deadline::within;
use faults::{Baseline, Load, Source, Subscriber, connect, measured, metric, open_many};
use tokio::time::{sleep, timeout};

const MOST: usize = 50;
const WAITING: usize = 30;

/// Who waited is served as soon as there is room; the server looks again every half second after a shortage.
const SERVED: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f07_clients_beyond_the_maximum_wait_and_are_served_when_others_leave() -> Result<()> {
    // One worker: the maximum is divided among them, and which of them gets a connection is chance.
    let most = MOST.to_string();
    let limits = ["--workers", "1", "--max-connections", &most, "--max-streams", &most];
    let mut server = Server::start(&limits).await?;
    let address = server.address();
    let start = server.cursor("a").await?;
    let baseline = Baseline::of(&server).await?;
    let mut source = Source::connect(address, 0).await?;
    source.publish("a", 10).await?;
    let mut survivor = Subscriber::open(address, "/events/a", Some(&start)).await?;
    let others = open_many(address, "/events/a", MOST - 2).await?;

    let mut waiting = Vec::new();
    for _ in 0..WAITING {
        waiting.push(Subscriber::ask_on(connect(address, None).await?, "/events/a", Some(&start)).await?);
    }
    // Meanwhile publishing goes on.
    source.publish_many("a", 200, 100).await?;
    let early = timeout(Duration::from_millis(100), waiting[0].read(usize::MAX)).await;
    ensure!(early.is_err(), "the server has {MOST} connections and takes one more: {early:?}");

    let began = Instant::now();
    drop(others);
    for waiting in &mut waiting {
        waiting.until("a stream", |waiting| waiting.retry().is_some()).await?;
    }
    let took = began.elapsed();
    ensure!(took < SERVED, "served after {took:?}");

    server.end_topic("a").await?;
    for reader in waiting.iter_mut().chain([&mut survivor]) {
        reader.to_the_end().await?;
    }
    for reader in waiting.into_iter().chain([survivor]) {
        ensure!(account(&[reader.into_events()], source.published())?.missed == 0, "nothing was missed");
    }
    drop(source);
    baseline.returns().await?;
    let took = took.as_millis();
    measured(
        "F07",
        format!(
            "{WAITING} clients beyond {MOST} connections served {took} ms after others left; none lost an event"
        ),
    );
    server.terminate().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f07_a_process_without_descriptors_serves_who_is_there_and_recovers() -> Result<()> {
    let mut server = Server::start(&["--workers", "1"]).await?;
    let (address, process) = (server.address(), server.process()?);
    let start = server.cursor("a").await?;
    let baseline = Baseline::of(&server).await?;
    let mut source = Source::connect(address, 0).await?;
    let mut survivor = Subscriber::open(address, "/events/a", Some(&start)).await?;
    source.publish("a", 10).await?;

    // As if something else in the process had taken what the server counted on.
    limit_open_files(process.pid(), process.descriptors()? + 10)?;
    let mut crowd = Vec::new();
    for _ in 0..40 {
        crowd.push(Subscriber::ask_on(connect(address, None).await?, "/events/a", None).await?);
    }
    e2e::deadline::until("the server to have no descriptor left", async || {
        Ok(if process.descriptors()? >= 10 { Ok(()) } else { Err("some left".to_owned()) })
    })
    .await?;
    let load = Load::of(&server)?;
    source.publish_many("a", 200, 100).await?;
    sleep(Duration::from_secs(2)).await;
    let share = load.share()?;
    ensure!(share.0 < 0.5, "{share}: it tries to accept without a pause");

    let began = Instant::now();
    crowd.clear();
    let mut late =
        within("a stream after the shortage", Subscriber::open(address, "/events/a", None)).await?;
    let took = began.elapsed();
    ensure!(took < SERVED, "served after {took:?}");
    source.publish("a", 10).await?;
    ensure!(metric(address, "sse_subscribers").await? == 2, "two streams");

    server.end_topic("a").await?;
    survivor.to_the_end().await?;
    late.to_the_end().await?;
    ensure!(late.data().len() == 1, "the late one got {:?}", late.data());
    ensure!(account(&[survivor.into_events()], source.published())?.missed == 0, "nothing was missed");
    drop(source);
    drop(late);
    baseline.returns().await?;
    let took = took.as_millis();
    measured(
        "F07",
        format!(
            "no descriptor left: {share}, streams go on; a new client is served {took} ms after others left"
        ),
    );
    server.terminate().await
}

fn limit_open_files(pid: u32, most: usize) -> Result<()> {
    let limited =
        Command::new("prlimit").args([&format!("--pid={pid}"), &format!("--nofile={most}:")]).status()?;
    ensure!(limited.success(), "prlimit: {limited}");
    Ok(())
}
