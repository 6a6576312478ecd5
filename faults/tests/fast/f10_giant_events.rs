//! F10: events as large as they may be, and larger.

use anyhow::{Context, Result, ensure};
use e2e::Server;
use faults::{Baseline, Subscriber, all_at_once, each, exchange, measured};

const LIMIT: usize = 1 << 20;
const READERS: usize = 100;

/// What a reader may cost while a giant event is on its way to it, in bytes, and what the server may for each giant.
const PER_READER: usize = 64 << 10;
const PER_EVENT: usize = 16 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f10_an_event_at_the_limit_is_stored_once_and_one_beyond_it_is_refused() -> Result<()> {
    let mut server = Server::start(&[]).await?;
    let address = server.address();
    let baseline = Baseline::of(&server).await?;

    let plain = |length: usize| "x".repeat(length);
    // An empty line takes seven bytes on the wire: it is the wire that is limited.
    let fits = [plain(4 << 10), plain(64 << 10), plain(LIMIT), "\n".repeat(LIMIT / 7)];
    let too_large = [plain(LIMIT + 1), "\n".repeat(LIMIT / 7 + 1), "\n".repeat(1_000_000)];

    let target = "/events/a?last_event_id=earliest";
    let readers = each((0..READERS).collect(), move |_| Subscriber::open(address, target, None)).await?;
    let reading = tokio::spawn(all_at_once(readers, |mut reader: Subscriber| async move {
        reader.to_the_end().await?;
        Ok(reader.into_events())
    }));
    for data in &fits {
        let status = publish(address, data).await?;
        ensure!(status == 200, "{} bytes were answered {status}", data.len());
    }
    let grown = baseline.growth()?;
    for data in &too_large {
        let status = publish(address, data).await?;
        ensure!(status == 413, "{} bytes were answered {status}", data.len());
    }
    server.end_topic("a").await?;
    for events in reading.await?? {
        // A gap is possible: the limit is also what the topic retains.
        let mut expected = fits.iter();
        for event in events.iter().filter(|event| !event.is_control()) {
            expected.find(|data| **data == event.data).context("not in order, or not as published")?;
        }
        let gaps = events.iter().filter(|event| event.name == "sse.gap").count();
        let messages = events.iter().filter(|event| !event.is_control()).count();
        let last = events.last().map(|event| (&event.name, event.data.len()));
        ensure!(messages == fits.len() || gaps > 0, "{messages} events and no gap, {last:?} last");
    }
    ensure!(
        grown < fits.len() * PER_EVENT / 2 + READERS * PER_READER,
        "the server has grown by {} KiB",
        grown >> 10
    );
    baseline.returns().await?;
    measured(
        "F10",
        format!(
            "1 MiB to {READERS} readers: memory +{} KiB; one byte or one empty line more: 413",
            grown >> 10
        ),
    );
    server.terminate().await
}

async fn publish(address: std::net::SocketAddr, data: &str) -> Result<u16> {
    let head = format!(
        "POST /events/a HTTP/1.1\r\nhost: f\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        data.len()
    );
    Ok(exchange(address, &[head.as_bytes(), data.as_bytes()].concat()).await?.status)
}
