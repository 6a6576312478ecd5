//! F01: a reader that keeps on reading, and is too slow.

use anyhow::{Result, ensure};
use e2e::Server;
use e2e::account::account;
use faults::{Baseline, Source, Subscriber, connect, measured};
use tokio::sync::watch;
use tokio::task::JoinSet;

const FAST: usize = 20;
const EVENTS: usize = 4_000;
const SIZE: usize = 1_024;

/// The publisher waits for the fast readers whenever they are this many events behind: fewer than are retained.
const AHEAD: usize = 100;
const RETAINED: &str = "256";

/// For each byte that it reads, so many are published.
const SLOWNESS: usize = 50;

/// What may be added to the server's memory: the retained events, and buffers.
const MEMORY: usize = 16 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f01_a_slow_reader_is_told_what_it_lost_and_slows_nobody() -> Result<()> {
    let mut server = Server::start(&["--retain-events", RETAINED, "--workers", "2"]).await?;
    let address = server.address();
    let baseline = Baseline::of(&server).await?;
    let start = server.cursor("a").await?;

    let (tell, progress) = watch::channel(0);
    let mut readers = JoinSet::new();
    let mut places = Vec::new();
    for _ in 0..FAST {
        let mut reader = Subscriber::open(address, "/events/a", Some(&start)).await?;
        let (here, place) = watch::channel(0);
        places.push(place);
        readers.spawn(async move {
            while !reader.has_ended() {
                reader.read(usize::MAX).await?;
                here.send_replace(reader.events().len());
            }
            anyhow::Ok(reader.into_events())
        });
    }
    let slow = tokio::spawn(read_slowly(address, start, progress));

    let mut source = Source::connect(address, 0).await?;
    for n in 0..EVENTS {
        if n % AHEAD == 0 {
            for place in &mut places {
                e2e::deadline::within("the fast readers", async {
                    Ok(place.wait_for(|place| *place >= n).await.map(drop)?)
                })
                .await?;
            }
        }
        source.publish("a", SIZE).await?;
        tell.send_replace(n + 1);
    }
    let grown = baseline.growth()?;
    server.end_topic("a").await?;
    drop(tell);

    let published = source.into_published();
    let slow = account(&[slow.await??], &published)?;
    while let Some(fast) = readers.join_next().await {
        let fast = account(&[fast??], &published)?;
        ensure!(fast.missed == 0, "a fast reader missed {}", fast.missed);
    }
    ensure!(slow.missed > 0 && slow.reasons.contains_key("slow"), "it was not slow: {slow:?}");
    ensure!(grown < MEMORY, "the server has grown by {} KiB", grown >> 10);
    baseline.returns().await?;
    measured(
        "F01",
        format!(
            "{FAST} fast readers got all of {EVENTS}; the slow one got {} and {} gaps for exactly {}; memory +{} KiB",
            slow.received,
            slow.counted + slow.uncounted,
            slow.missed,
            grown >> 10
        ),
    );
    server.terminate().await
}

async fn read_slowly(
    address: std::net::SocketAddr,
    start: String,
    mut progress: watch::Receiver<usize>,
) -> Result<Vec<e2e::Received>> {
    let stream = connect(address, Some(4_096)).await?;
    let mut reader = Subscriber::open_on(stream, "/events/a", Some(&start)).await?;
    let mut read = 0;
    // Who publishes drops the other end when all is published.
    while progress.changed().await.is_ok() {
        let allowed = *progress.borrow() * SIZE / SLOWNESS;
        if read + 256 <= allowed {
            reader.read(256).await?;
            read += 256;
        }
    }
    reader.to_the_end().await?;
    Ok(reader.into_events())
}
