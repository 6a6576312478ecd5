//! F14: the machine is suspended, and goes on.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::Server;
use e2e::account::account;
use faults::{Baseline, Source, Subscriber, all_at_once, each, measured, metric};
use tokio::time::sleep;

const STREAMS: usize = 100;
const SUSPENDED: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f14_a_suspended_server_goes_on_without_a_burst_and_without_loss() -> Result<()> {
    let mut server = Server::start(&["--heartbeat", "500ms"]).await?;
    let (address, process) = (server.address(), server.process()?);
    let baseline = Baseline::of(&server).await?;
    let start = server.cursor("a").await?;
    let mut source = Source::connect(address, 0).await?;
    source.publish_many("a", 10, 20).await?;
    let from = start.clone();
    let streams = each((0..STREAMS).collect(), move |_| {
        let from = from.clone();
        async move {
            let mut reader = Subscriber::open(address, "/events/a", Some(&from)).await?;
            reader.until("two heartbeats", |reader| reader.heartbeats() >= 2).await?;
            Ok(reader)
        }
    })
    .await?;

    process.signal("STOP")?;
    // It is the length of the suspension that is tested: nothing can be awaited meanwhile.
    sleep(SUSPENDED).await;
    process.signal("CONT")?;
    let resumed = Instant::now();
    source.publish_many("a", 10, 20).await?;
    let answered = resumed.elapsed();
    let last = source.published().values().last().expect("published").1.clone();

    let marked = all_at_once(streams, move |mut reader: Subscriber| {
        let last = last.clone();
        async move {
            let before = reader.heartbeats();
            reader.until_data(&last).await?;
            Ok((reader.heartbeats() - before, reader))
        }
    })
    .await?;
    let took = resumed.elapsed();
    // Those that were on the way when it stopped, one for the time away, and those of the time since.
    let fair = 3 + (took.as_millis() / 500) as usize;
    let most = marked.iter().map(|(heartbeats, _)| *heartbeats).max().expect("there are streams");
    ensure!(most <= fair, "{most} heartbeats at once");
    ensure!(metric(address, "sse_subscribers").await? == STREAMS as u64, "all are still there");

    server.end_topic("a").await?;
    for (_, mut reader) in marked {
        reader.to_the_end().await?;
        ensure!(account(&[reader.into_events()], source.published())?.missed == 0, "nothing was missed");
    }
    drop(source);
    baseline.returns().await?;
    measured(
        "F14",
        format!(
            "{STREAMS} streams over a suspension of 5 s: at most {most} heartbeats at once, publishing again after {} ms, none lost",
            answered.as_millis()
        ),
    );
    server.terminate().await
}
