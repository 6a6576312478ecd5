//! F26: time. Everything that may go wrong with clients, again and again: what the server holds must not grow.
//!
//! A minute by default; `SSE_SOAK` is another time, in seconds. `cargo xtask faults soak` takes ten minutes.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::Server;
use e2e::account::account;
use e2e::process::Process;
use e2e::raw::Publisher;
use faults::{Baseline, Load, Source, Subscriber, close_by_reset, connect, measured, until_closed};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep};

const READERS: usize = 20;

/// Clients that do harm at any time, one thing after another.
const VANDALS: usize = 32;

/// How long a reader that has stopped reading is left to the server, whose limit is 2 s.
const STALLED: Duration = Duration::from_secs(3);

/// By how much the memory of the last third of the time may exceed that of the second: what an allocator may keep more
/// of, now and then. Half a kilobyte for each of some thousands of clients would not fit in.
const SLOPE: usize = 3 << 20;

const OPTIONS: [&str; 14] = [
    "--heartbeat",
    "1s",
    "--write-timeout",
    "2s",
    "--request-head-timeout",
    "1s",
    "--body-timeout",
    "1s",
    "--retain-age",
    "5s",
    "--forget-after",
    "5s",
    "--memory",
    "64MiB",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f26_what_clients_do_wrong_for_a_long_time_leaves_nothing_behind() -> Result<()> {
    let seconds = std::env::var("SSE_SOAK").map_or(Ok(60), |text| text.parse()).context("SSE_SOAK")?;
    let mut server = Server::start(&OPTIONS).await?;
    let address = server.address();
    let baseline = Baseline::of(&server).await?;
    let load = Load::of(&server)?;
    let until = Instant::now() + Duration::from_secs(seconds);

    let mut readers = JoinSet::new();
    let start = server.cursor("steady").await?;
    for _ in 0..READERS {
        let reader = Subscriber::open(address, "/events/steady", Some(&start)).await?;
        readers.spawn(read(reader));
    }
    let mut vandals = JoinSet::new();
    for seed in 0..VANDALS as u64 {
        vandals.spawn(harm(address, fastrand::Rng::with_seed(seed), until));
    }
    let samples = tokio::spawn(sample(server.process()?, until));
    let mut source = Source::connect(address, 0).await?;
    let mut beat = interval(Duration::from_millis(20));
    while Instant::now() < until {
        beat.tick().await;
        source.publish("steady", 100).await?;
        // More than those who have stopped reading have room for.
        source.publish("loud", 20_000).await?;
    }

    let mut harms = 0;
    while let Some(done) = vandals.join_next().await {
        harms += done??;
    }
    server.end_topic("steady").await?;
    let mut missed = 0;
    while let Some(events) = readers.join_next().await {
        let published = source.published().iter().filter(|(_, (topic, _))| *topic == "steady");
        let published = published.map(|(id, event)| (*id, event.clone())).collect();
        missed += account(&[events??], &published)?.missed;
    }
    ensure!(missed == 0, "readers who kept up missed {missed}");
    let (events, share) = (source.published().len(), load.share()?);
    drop(source);
    baseline.returns().await?;

    let [second, last] = samples.await??;
    let (mib, slope) = (|bytes: usize| bytes >> 20, last.memory.saturating_sub(second.memory));
    ensure!(slope < SLOPE, "memory went from {} to {} KiB", second.memory >> 10, last.memory >> 10);
    measured(
        "F26",
        format!(
            "{harms} faults of {KINDS} kinds in {seconds} s beside {events} events: {READERS} readers exact; memory {} MiB \
             in the second third, {} MiB in the last; descriptors {} and {}; {share}",
            mib(second.memory),
            mib(last.memory),
            second.descriptors,
            last.descriptors
        ),
    );
    server.terminate().await
}

async fn read(mut reader: Subscriber) -> Result<Vec<e2e::Received>> {
    while reader.read(usize::MAX).await? {}
    Ok(reader.into_events())
}

/// The medians of a part of the time.
#[derive(Clone, Copy, Debug)]
struct Held {
    memory: usize,
    descriptors: usize,
}

/// What the server held in the second third of the time, and in the last.
async fn sample(process: Process, until: Instant) -> Result<[Held; 2]> {
    let mut samples = Vec::new();
    let mut tick = interval(Duration::from_millis(250));
    while Instant::now() < until {
        tick.tick().await;
        samples.push((process.resident()?, process.descriptors()?));
    }
    let third = samples.len() / 3;
    let median = |part: &[(usize, usize)], of: fn(&(usize, usize)) -> usize| {
        let mut values: Vec<_> = part.iter().map(of).collect();
        values.sort_unstable();
        values[values.len() / 2]
    };
    let held = |part: &[(usize, usize)]| Held {
        memory: median(part, |sample| sample.0),
        descriptors: median(part, |sample| sample.1),
    };
    Ok([held(&samples[third..2 * third]), held(&samples[2 * third..])])
}

/// Kinds of harm.
const KINDS: usize = 9;

/// Does one thing after another. Answers how many.
async fn harm(address: SocketAddr, mut random: fastrand::Rng, until: Instant) -> Result<usize> {
    let mut harms = 0;
    while Instant::now() < until {
        let kind = random.usize(..KINDS);
        do_harm(address, kind, random.u32(..)).await.with_context(|| format!("harm of kind {kind}"))?;
        harms += 1;
        sleep(Duration::from_millis(random.u64(..20))).await;
    }
    Ok(harms)
}

async fn do_harm(address: SocketAddr, kind: usize, number: u32) -> Result<()> {
    match kind {
        0 => drop(Subscriber::open(address, "/events/steady", None).await?),
        1 => close_by_reset(Subscriber::open(address, "/events/loud", None).await?.into_stream())?,
        2 => {
            let narrow = connect(address, Some(4096)).await?;
            let stalled = Subscriber::open_on(narrow, "/events/loud", None).await?;
            sleep(STALLED).await;
            drop(stalled);
        }
        3 => {
            let mut stream = Subscriber::open(address, "/events/steady", None).await?.into_stream();
            // The server may have closed before it all is sent.
            let _ = stream.write_all(&[b'x'; 64 << 10]).await;
            until_closed(&mut stream).await?;
        }
        4 => {
            let mut stream = connect(address, None).await?;
            stream.write_all(b"GET /events/steady HTTP/1.1\r\nhost: f\r\nx: ").await?;
            until_closed(&mut stream).await?;
        }
        5 => {
            let mut stream = connect(address, None).await?;
            stream
                .write_all(b"POST /events/other HTTP/1.1\r\nhost: f\r\ncontent-length: 10\r\n\r\nhalf")
                .await?;
            drop(stream);
        }
        6 => {
            let topic = format!("of-{number}");
            drop(Publisher::connect(address).await?.publish(&topic, "once").await?);
        }
        7 => {
            let target = format!("/events/asked-{number}");
            let position = Some(["k3v9x0ab-1", "nonsense", "earliest"][number as usize % 3]);
            drop(Subscriber::open(address, &target, position).await?);
        }
        _ => {
            let mut stream = connect(address, None).await?;
            let head = b"POST /events/loud HTTP/1.1\r\nhost: f\r\ncontent-length: 9000000\r\nconnection: close\r\n\r\n";
            stream.write_all(head).await?;
            until_closed(&mut stream).await?;
        }
    }
    Ok(())
}
