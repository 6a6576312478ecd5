//! F22: subscribing, leaving, publishing and ending the same topics, all at the same time.

use anyhow::{Result, ensure};
use e2e::Server;
use e2e::account::account;
use e2e::raw::{Publisher, ask};
use faults::{Baseline, Source, Subscriber, close_by_reset, connect, each, exchange, measured, metric};

const HANDS: usize = 32;
const ROUNDS: usize = 300;
const TOPICS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f22_whatever_races_the_hub_is_empty_afterwards_and_still_works() -> Result<()> {
    let mut server = Server::start(&["--retain-age", "1s", "--forget-after", "1s"]).await?;
    let address = server.address();
    let baseline = Baseline::of(&server).await?;
    let start = server.cursor("apart").await?;
    let mut survivor = Subscriber::open(address, "/events/apart", Some(&start)).await?;
    let surviving = tokio::spawn(async move { survivor.to_the_end().await.map(|()| survivor) });
    let mut source = Source::connect(address, 0).await?;

    let racing = tokio::spawn(each((0..HANDS).collect(), move |hand: usize| race(address, hand)));
    while !racing.is_finished() {
        source.publish("apart", 20).await?;
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    racing.await??;

    server.end_topic("apart").await?;
    let survivor = surviving.await??;
    // The topic retains for a second only, so a survivor that lagged is told; it does not.
    ensure!(account(&[survivor.into_events()], source.published())?.missed == 0, "nothing was missed");
    drop(source);
    let emptied = baseline.returns().await?;
    e2e::deadline::until("the topics to be forgotten", async || {
        let left = metric(address, "sse_topics").await?;
        Ok(if left == 0 { Ok(()) } else { Err(left.to_string()) })
    })
    .await?;

    let mut reader = Subscriber::open(address, "/events/t0", None).await?;
    Publisher::connect(address).await?.publish("t0", "works").await?;
    reader.until_data("works").await?;
    measured(
        "F22",
        format!(
            "{} racing requests on {TOPICS} topics: empty {} ms later, topics 0",
            HANDS * ROUNDS,
            emptied.as_millis()
        ),
    );
    server.terminate().await
}

async fn race(address: std::net::SocketAddr, hand: usize) -> Result<()> {
    let mut rng = fastrand::Rng::with_seed(hand as u64);
    let mut open = Vec::new();
    for round in 0..ROUNDS {
        let (one, other) = (rng.usize(..TOPICS), rng.usize(..TOPICS));
        let target = format!("/events?topic=t{one}&topic=t{other}&last_event_id=earliest");
        match rng.u8(..6) {
            0 | 1 => open.push(Subscriber::ask_on(connect(address, None).await?, &target, None).await?),
            2 => {
                // Leaves while it is still being subscribed.
                let asked = Subscriber::ask_on(connect(address, None).await?, &target, None).await?;
                close_by_reset(asked.into_stream())?;
            }
            3 => {
                // The topic may have ended: that is part of the race.
                let line = format!("POST /events/t{one} HTTP/1.1\r\nhost: f\r\nconnection: close\r\n");
                let status =
                    exchange(address, format!("{line}content-length: 1\r\n\r\nx").as_bytes()).await?.status;
                ensure!([200, 409, 410].contains(&status), "a publish was answered {status}");
            }
            4 if round % 8 == 0 => drop(ask(address, &format!("DELETE /events/t{one}")).await?),
            _ => drop(open.pop()),
        }
        if open.len() > 20 {
            open.clear();
        }
    }
    Ok(())
}
