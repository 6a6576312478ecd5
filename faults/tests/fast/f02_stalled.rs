//! F02: readers that stop reading, or read next to nothing.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::Server;
use e2e::account::account;
use faults::{Baseline, Source, Subscriber, connect, each, measured, metric};
use tokio::time::sleep;

const STALLED: usize = 200;
const TRICKLING: usize = 20;

/// The server promises its write timeout of 2 s, and to look every second; the rest is for a busy machine.
const EVICTED: Duration = Duration::from_secs(25);
const PER_READER: usize = 128 << 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f02_a_stalled_reader_is_evicted_in_time_and_so_is_one_that_trickles() -> Result<()> {
    let mut server = Server::start(&["--write-timeout", "2s", "--heartbeat", "1s"]).await?;
    let address = server.address();
    let baseline = Baseline::of(&server).await?;
    let start = server.cursor("a").await?;
    let mut survivor = Subscriber::open(address, "/events/a", Some(&start)).await?;
    let surviving = tokio::spawn(async move { survivor.to_the_end().await.map(|()| survivor) });
    let readers = each((0..STALLED + TRICKLING).collect(), move |n: usize| async move {
        let stream = connect(address, Some(4_096)).await?;
        Ok((n, Subscriber::open_on(stream, "/events/a", None).await?))
    })
    .await?;
    let (trickling, stalled): (Vec<_>, Vec<_>) = readers.into_iter().partition(|(n, _)| *n < TRICKLING);
    for (_, mut reader) in trickling {
        tokio::spawn(async move {
            while let Ok(true) = reader.read(10).await {
                sleep(Duration::from_millis(100)).await;
            }
        });
    }

    let mut source = Source::connect(address, 0).await?;
    let (began, mut most) = (Instant::now(), 0);
    while metric(address, "sse_subscribers").await? > 1 {
        ensure!(began.elapsed() < EVICTED, "{} are left", metric(address, "sse_subscribers").await? - 1);
        source.publish_many("a", 10, 1_024).await?;
        most = baseline.growth()?.max(most);
        sleep(Duration::from_millis(10)).await;
    }
    let took = began.elapsed();
    let evicted = metric(address, "sse_evictions_total{reason=\"stalled\"}").await?;
    ensure!(evicted == (STALLED + TRICKLING) as u64, "{evicted} are counted");
    ensure!(most < (STALLED + TRICKLING) * PER_READER, "the server has grown by {} KiB", most >> 10);

    server.end_topic("a").await?;
    let survivor = surviving.await??;
    ensure!(account(&[survivor.into_events()], source.published())?.missed == 0, "nothing was missed");
    drop(source);
    // The clients still hold their ends.
    baseline.returns().await?;
    drop(stalled);
    measured(
        "F02",
        format!(
            "{STALLED} stalled and {TRICKLING} trickling readers, limit 2 s: the last gone {:.1} s after the first byte; memory +{} KiB",
            took.as_secs_f64(),
            most >> 10
        ),
    );
    server.terminate().await
}
