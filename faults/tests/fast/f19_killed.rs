//! F19: the server is killed and started again, and clients come back with positions of its former life, or of none.

use anyhow::{Context, Result, ensure};
use e2e::account::{Gap, sequence};
use e2e::{Received, Server};
use faults::{Baseline, Source, Subscriber, measured};

const KILLS: usize = 5;
const CLIENTS: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f19_after_a_kill_every_old_position_is_one_gap_and_no_wrong_resume() -> Result<()> {
    let mut server = Server::start(&[]).await?;
    let mut positions = vec![server.cursor("a").await?];
    let mut checked = 0;
    for life in 0..KILLS {
        let address = server.address();
        let mut source = Source::connect(address, life).await?;
        source.publish_many("a", 5 + life, 20).await?;
        source.publish_many("b", 5, 20).await?;
        source.publish_many("a", 5, 20).await?;
        let own: Vec<_> = source.published().iter().filter(|(_, (topic, _))| *topic == "a").collect();

        // Ids of former lives, some of them with sequences that exist again.
        for position in &positions[..if life == 0 { 0 } else { positions.len() }] {
            let mut reader = Subscriber::open(address, "/events/a", Some(position)).await?;
            let last = &own.last().expect("published").1.1;
            reader.until_data(last).await?;
            let (gap, rest) = reader.events().split_first().context("a gap first")?;
            one_gap(gap, "restart", None).with_context(|| format!("{position} in life {life}"))?;
            let expected: Vec<&str> = own.iter().map(|(_, (_, data))| data.as_str()).collect();
            ensure!(
                rest.iter().map(|event| event.data.as_str()).eq(expected),
                "all that is retained: {rest:?}"
            );
            checked += 1;
        }

        let mut clients = faults::open_many(address, "/events/a", CLIENTS).await?;
        positions.push(source.publish("a", 20).await?);
        server.kill().await?;
        for client in &mut clients {
            // Acknowledged is not yet delivered.
            client.to_the_end().await?;
            ensure!(client.data().len() <= 1, "published once, and got {:?}", client.data());
        }
        server = server.start_again().await?;
    }
    measured(
        "F19",
        format!(
            "{KILLS} kills: {checked} resumes with old ids, each one gap of reason restart and all that is retained"
        ),
    );
    server.terminate().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f19_a_position_that_cannot_be_is_a_gap_and_never_a_silent_wait() -> Result<()> {
    let mut server = Server::start(&[]).await?;
    let address = server.address();
    let baseline = Baseline::of(&server).await?;
    let mut source = Source::connect(address, 0).await?;
    let now = source.publish("a", 20).await?;
    let of_other_topic = source.publish("b", 20).await?;
    let (epoch, _) = now.split_once('-').context("epoch and sequence")?;
    let head = sequence(&of_other_topic)?;
    let (next, far, too_far) = (
        format!("{epoch}-{}", head + 1),
        format!("{epoch}-{}", head + 1_000_000),
        format!("{epoch}-{}", u64::MAX),
    );
    let positions = [
        (next.as_str(), true),
        (&far, true),
        (&too_far, true),
        ("zzzzzzzz-1", true),
        ("garbage", true),
        ("0", true),
        (&of_other_topic, false),
        (&now, false),
    ];
    for (position, is_gap) in positions {
        let mut reader = Subscriber::open(address, "/events/a", Some(position)).await?;
        if is_gap {
            // Before anything is published: a client must not have to wait to be told.
            reader.until_named("sse.gap").await.with_context(|| position.to_owned())?;
        }
        let data = format!("behind {position}");
        e2e::raw::Publisher::connect(address).await?.publish("a", &data).await?;
        reader.until_data(&data).await?;
        let gaps = reader.events().iter().filter(|event| event.name == "sse.gap").count();
        ensure!(gaps == usize::from(is_gap), "{gaps} gaps for {position}: {:?}", reader.events());
    }
    drop(source);
    baseline.returns().await?;
    measured(
        "F19",
        format!(
            "{} positions that are unknown, garbage or ahead: one gap each, at once",
            positions.len() - 2
        ),
    );
    server.terminate().await
}

fn one_gap(event: &Received, reason: &str, missed: Option<usize>) -> Result<()> {
    ensure!(event.name == "sse.gap", "{event:?} instead of a gap");
    let gap: Gap = serde_json::from_str(&event.data)?;
    ensure!(gap.reason == reason && gap.missed == missed, "{gap:?}");
    Ok(())
}
