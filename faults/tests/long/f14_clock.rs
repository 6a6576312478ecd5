//! F14: the wall clock jumps. Needs libfaketime.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::Server;
use e2e::account::account;
use e2e::raw::Answer;
use faults::{Baseline, Load, Source, Subscriber, connect, measured, metric, open_many, until_closed};
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;

const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
const STREAMS: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f14_a_jump_of_the_wall_clock_changes_nothing() -> Result<()> {
    if !Path::new(LIBRARY).is_file() {
        measured("F14", "skipped: libfaketime is not installed");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let offset = folder.path().join("offset");
    std::fs::write(&offset, "+0")?;
    let preload = format!("LD_PRELOAD={LIBRARY}");
    let file = format!("FAKETIME_TIMESTAMP_FILE={}", offset.display());
    // The monotonic clock stays as it is: it does not jump on a real machine either.
    let under = ["env", &preload, &file, "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"];
    let options = ["--heartbeat", "500ms", "--retain-age", "10m"];
    let mut server = Server::start_under(&under, "127.0.0.1:0", &options).await?;
    let address = server.address();
    let baseline = Baseline::of(&server).await?;
    let start = server.cursor("a").await?;
    let mut reader = Subscriber::open(address, "/events/a", Some(&start)).await?;
    let streams = open_many(address, "/events/a", STREAMS - 1).await?;
    let mut source = Source::connect(address, 0).await?;
    let now = date(address).await?;

    for jump in ["+1h", "-1h", "+3d", "+0"] {
        let before = reader.heartbeats();
        let load = Load::of(&server)?;
        std::fs::write(&offset, jump)?;
        if jump != "+0" {
            e2e::deadline::until("the server's clock to jump", async || {
                let there = date(address).await?;
                Ok(if there[..there.len() - 6] == now[..now.len() - 6] { Err(there) } else { Ok(()) })
            })
            .await?;
        }
        source.publish_many("a", 20, 20).await?;
        sleep(Duration::from_secs(2)).await;
        let last = source.published().values().last().expect("published").1.clone();
        reader.until_data(&last).await?;
        reader.until("heartbeats that go on", |reader| reader.heartbeats() >= before + 2).await?;
        ensure!(reader.heartbeats() - before <= 60, "a burst of heartbeats after {jump}");
        ensure!(metric(address, "sse_subscribers").await? == STREAMS as u64, "{jump} cost a stream");
        let share = load.share()?;
        ensure!(share.0 < 0.8, "{share} after {jump}");
    }
    // Nothing has become too old by a clock that was wrong.
    let late = Subscriber::open(address, "/events/a", Some(&start)).await?;
    server.end_topic("a").await?;
    for mut reader in [reader, late] {
        reader.to_the_end().await?;
        ensure!(account(&[reader.into_events()], source.published())?.missed == 0, "nothing was missed");
    }
    drop((source, streams));
    baseline.returns().await?;
    measured(
        "F14",
        format!(
            "wall clock +1 h, -1 h, +3 d and back under {STREAMS} streams: none closed, none lost, resume as before"
        ),
    );
    server.terminate().await
}

/// What the server takes for the date.
async fn date(address: std::net::SocketAddr) -> Result<String> {
    let mut stream = connect(address, None).await?;
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: f\r\nconnection: close\r\n\r\n").await?;
    let bytes = until_closed(&mut stream).await?;
    ensure!(Answer::parse(&bytes)?.is_some_and(|answer| answer.status == 200), "alive");
    let text = String::from_utf8(bytes)?;
    let date = text.lines().find_map(|line| line.strip_prefix("date: "));
    Ok(date.unwrap_or_default().to_owned())
}
