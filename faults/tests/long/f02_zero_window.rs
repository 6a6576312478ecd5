//! F02: readers whose window stays closed, with no help but TCP's own limit.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::Server;
use e2e::account::account;
use faults::{Baseline, Source, Subscriber, connect, each, measured, metric};
use tokio::time::sleep;

const STALLED: usize = 500;

/// `TCP_USER_TIMEOUT` of the server is 30 s, from when the window closes.
const TCP_GIVES_UP: Duration = Duration::from_secs(30);
const GONE: Duration = Duration::from_secs(60);

/// The kernel's buffers are not the process's: what it holds itself for a reader.
const PER_READER: usize = 128 << 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f02_readers_that_never_read_are_gone_when_tcp_gives_up_at_the_latest() -> Result<()> {
    e2e::process::raise_open_files(STALLED as u64 + 200)?;
    // The server's own limit would come first, and prove nothing of TCP's.
    let mut server = Server::start(&["--write-timeout", "10m"]).await?;
    let address = server.address();
    let baseline = Baseline::of(&server).await?;
    let start = server.cursor("a").await?;
    let mut survivor = Subscriber::open(address, "/events/a", Some(&start)).await?;
    let surviving = tokio::spawn(async move {
        while survivor.read(usize::MAX).await? {}
        anyhow::Ok(survivor.into_events())
    });
    let stalled = each((0..STALLED).collect(), move |_| async move {
        Subscriber::open_on(connect(address, Some(4_096)).await?, "/events/a", None).await
    })
    .await?;

    let mut source = Source::connect(address, 0).await?;
    let (began, mut most) = (Instant::now(), 0);
    while metric(address, "sse_subscribers").await? > 1 {
        ensure!(began.elapsed() < GONE, "{} are left", metric(address, "sse_subscribers").await? - 1);
        source.publish_many("a", 10, 1_024).await?;
        most = baseline.growth()?.max(most);
        sleep(Duration::from_millis(50)).await;
    }
    let took = began.elapsed();
    ensure!(took >= TCP_GIVES_UP, "gone after {took:?}: it was not TCP that gave up on them");
    ensure!(most < STALLED * PER_READER, "the server has grown by {} KiB", most >> 10);
    // The connection of the survivor is not kept for another request.
    server.end_topic("a").await?;
    ensure!(account(&[surviving.await??], source.published())?.missed == 0, "nothing was missed");
    drop(source);
    baseline.returns().await?;
    drop(stalled);
    measured(
        "F02",
        format!(
            "{STALLED} readers that never read: all gone after {:.0} s; memory +{} KiB",
            took.as_secs_f64(),
            most >> 10
        ),
    );
    server.terminate().await
}
