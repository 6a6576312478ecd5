//! F17: a publisher whose answer was lost sends the same event again.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use e2e::Server;
use e2e::raw::Answer;
use faults::{Baseline, Subscriber, close_by_reset, connect, each, exchange, measured, metric};
use tokio::io::AsyncWriteExt;

/// How many send the same event at the same time, and how often.
const AT_ONCE: usize = 16;
const RACES: usize = 50;
const LOST: usize = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f17_an_event_sent_again_under_its_key_is_published_once() -> Result<()> {
    let mut server = Server::start(&[]).await?;
    let address = server.address();
    let baseline = Baseline::of(&server).await?;
    let before = metric(address, "sse_events_published_total").await?;
    let mut reader = Subscriber::open(address, "/events/a", None).await?;

    // Several at the same time, as when a client's retry overtakes its first attempt.
    let mut expected = Vec::new();
    for race in 0..RACES {
        let data = format!("race {race}");
        let sent = data.clone();
        let answers = each((0..AT_ONCE).collect(), move |_| {
            let data = sent.clone();
            async move { publish(address, &data, &data).await }
        })
        .await?;
        let first = id(&answers[0])?;
        for answer in &answers {
            ensure!(id(answer)? == first, "one event, and the ids {first} and {answer:?}");
        }
        expected.push(data);
    }

    // The answer is lost, and who sent the event cannot know whether it was published.
    for n in 0..LOST {
        let data = format!("lost {n}");
        let mut stream = connect(address, None).await?;
        stream.write_all(&request(&data, &data)).await?;
        if n % 2 == 0 {
            stream.readable().await?;
        }
        close_by_reset(stream)?;
        id(&publish(address, &data, &data).await?)?;
        expected.push(data);
    }
    let other = publish(address, "race 0", "another event").await?;
    ensure!(other.status == 422, "another event under a key that is taken: {other:?}");

    publish(address, "over", "over").await?;
    expected.push("over".to_owned());
    reader.until_data("over").await?;
    ensure!(reader.data() == expected, "each once, in order: {:?}", reader.data());
    let published = metric(address, "sse_events_published_total").await? - before;
    ensure!(published == expected.len() as u64, "{published} were published");
    drop(reader);
    baseline.returns().await?;
    measured(
        "F17",
        format!(
            "{RACES} events sent by {AT_ONCE} at once, {LOST} sent again after a lost answer: each published once"
        ),
    );
    server.terminate().await
}

fn request(key: &str, data: &str) -> Vec<u8> {
    let length = data.len();
    format!(
        "POST /events/a HTTP/1.1\r\nhost: f\r\nconnection: close\r\nidempotency-key: {key}\r\ncontent-length: {length}\r\n\r\n{data}"
    )
    .into_bytes()
}

async fn publish(address: SocketAddr, key: &str, data: &str) -> Result<Answer> {
    exchange(address, &request(key, data)).await
}

fn id(answer: &Answer) -> Result<String> {
    ensure!(answer.status == 200, "{answer:?}");
    let answer: serde_json::Value = serde_json::from_str(&answer.body)?;
    Ok(answer["id"].as_str().context("an id")?.to_owned())
}
