//! F11: a hundred thousand topics, and names that nobody has heard of.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Result, ensure};
use e2e::Server;
use e2e::raw::Publisher;
use faults::{Baseline, Subscriber, close_by_reset, each, measured, metric};

const TOPICS: usize = 100_000;
const STREAMS: usize = 1_000;
const STRANGERS: usize = 10_000;
const FORGOTTEN: usize = 20_000;

/// Connections that make topics.
const HANDS: usize = 16;

/// What a topic with one small event may cost, in bytes.
const PER_TOPIC: usize = 2 << 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f11_a_topic_costs_little_and_is_read_from_where_it_was() -> Result<()> {
    e2e::process::raise_open_files(STREAMS as u64 + 200)?;
    let mut server = Server::start(&[]).await?;
    let address = server.address();
    let baseline = Baseline::of(&server).await?;

    make_topics(address, TOPICS).await?;
    let grown = baseline.growth()?;
    ensure!(grown < TOPICS * PER_TOPIC, "{} bytes per topic", grown / TOPICS);

    // Readers at random: each resumes from its own topic, and gets what is there.
    let numbers = (0..STREAMS).map(|_| fastrand::usize(..TOPICS)).collect();
    let readers = each(numbers, move |n: usize| async move {
        let target = format!("/events/topic-{n}?last_event_id=earliest");
        let mut reader = Subscriber::open(address, &target, None).await?;
        reader.until_data(&n.to_string()).await?;
        Ok((n, reader))
    })
    .await?;
    let (wanted, mut one) = readers.into_iter().next().expect("there are readers");
    Publisher::connect(address).await?.publish(&format!("topic-{wanted}"), "again").await?;
    one.until_data("again").await?;
    ensure!(one.data() == [wanted.to_string().as_str(), "again"], "{:?}", one.data());
    drop(one);

    baseline.returns().await?;
    measured("F11", format!("{TOPICS} topics with an event each: {} bytes per topic", grown / TOPICS));
    server.terminate().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f11_what_nobody_uses_is_forgotten_published_to_or_only_asked_for() -> Result<()> {
    let mut server = Server::start(&["--retain-age", "1s", "--forget-after", "1s"]).await?;
    let address = server.address();
    let baseline = Baseline::of(&server).await?;
    let began = Instant::now();
    make_topics(address, FORGOTTEN).await?;
    each((0..STRANGERS).collect(), move |n: usize| async move {
        let target = format!("/events/stranger-{n}");
        close_by_reset(Subscriber::open(address, &target, None).await?.into_stream())
    })
    .await?;
    e2e::deadline::until("all topics to be forgotten", async || {
        let left = metric(address, "sse_topics").await?;
        Ok(if left == 0 { Ok(()) } else { Err(left.to_string()) })
    })
    .await?;
    let took = began.elapsed().as_secs_f64();
    ensure!(metric(address, "sse_retained_bytes").await? == 0, "bytes of forgotten topics");
    baseline.returns().await?;
    measured(
        "F11",
        format!(
            "{FORGOTTEN} topics and {STRANGERS} names only asked for, remembered for 1 s: all forgotten {took:.1} s after the first was made"
        ),
    );
    server.terminate().await
}

/// Publishes one event to each of so many topics.
async fn make_topics(address: SocketAddr, topics: usize) -> Result<()> {
    each((0..HANDS).collect(), move |hand| async move {
        let mut publisher = Publisher::connect(address).await?;
        for n in (hand..topics).step_by(HANDS) {
            publisher.publish(&format!("topic-{n}"), &n.to_string()).await?;
        }
        Ok(())
    })
    .await
    .map(drop)
}
