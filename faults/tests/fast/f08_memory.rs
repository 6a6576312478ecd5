//! F08: more is published than there is memory for.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use e2e::Server;
use e2e::raw::ask;
use faults::{Baseline, Subscriber, connect, each, exchange, measured, metric};

const BUDGET: usize = 32 << 20;

/// What the server may take beyond its budget: code, connections, and what the allocator keeps.
const BESIDE: usize = 64 << 20;

const TOPICS: usize = 200;
const ROUNDS: usize = 40;
const SIZE: usize = 32 << 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f08_a_flood_stays_within_the_budget_and_publishers_are_told() -> Result<()> {
    let mut server = Server::start(&["--memory", "32MiB", "--retain-bytes", "16MiB"]).await?;
    let address = server.address();
    let baseline = Baseline::of(&server).await?;
    let mut stalled = Vec::new();
    for _ in 0..100 {
        stalled.push(Subscriber::open_on(connect(address, Some(4_096)).await?, "/events/t0", None).await?);
    }
    let statuses = each((0..TOPICS * ROUNDS).collect(), move |n: usize| async move {
        publish(address, &format!("t{}", n % TOPICS), SIZE).await
    })
    .await?;
    let grown = baseline.growth()?;
    let taken = statuses.iter().filter(|status| **status == 200).count();
    let odd = statuses.iter().find(|status| ![200, 429, 503].contains(*status));
    ensure!(odd.is_none(), "a publish was answered {odd:?}");
    ensure!(taken > 0, "nothing was taken");
    ensure!(grown < BUDGET + BESIDE, "the server has grown by {} KiB", grown >> 10);
    ensure!(metric(address, "sse_retained_bytes").await? <= BUDGET as u64, "within the budget");
    ensure!(ask(address, "GET /livez").await?.status == 200, "alive");
    drop(stalled);
    baseline.returns().await?;
    let offered = (statuses.len() * SIZE) >> 20;
    measured(
        "F08",
        format!(
            "{offered} MiB offered at a budget of 32 MiB: {taken} of {} taken, memory +{} KiB",
            statuses.len(),
            grown >> 10
        ),
    );
    server.terminate().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f08_topics_beyond_the_maximum_are_refused_and_those_that_are_there_go_on() -> Result<()> {
    let mut server = Server::start(&["--max-topics", "100"]).await?;
    let address = server.address();
    for n in 0..100 {
        ensure!(publish(address, &format!("t{n}"), 10).await? == 200, "topic {n}");
    }
    let beyond = publish(address, "beyond", 10).await?;
    ensure!([429, 503].contains(&beyond), "one more topic was answered {beyond}");
    ensure!(publish(address, "t5", 10).await? == 200, "a topic that is there");
    ensure!(metric(address, "sse_topics").await? == 100, "as many as there may be");
    server.terminate().await
}

async fn publish(address: SocketAddr, topic: &str, size: usize) -> Result<u16> {
    let head = format!(
        "POST /events/{topic} HTTP/1.1\r\nhost: f\r\nconnection: close\r\ncontent-length: {size}\r\n\r\n"
    );
    Ok(exchange(address, &[head.as_bytes(), &vec![b'x'; size]].concat()).await?.status)
}
