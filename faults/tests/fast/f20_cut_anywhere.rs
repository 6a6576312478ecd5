//! F20: the connection breaks within a line, a field, a character.

use anyhow::{Result, ensure};
use e2e::Server;
use e2e::account::account;
use faults::{Baseline, Source, Subscriber, close_by_reset, connect, each, measured};

/// The stream is cut behind each of these bytes, the head's included.
const CUTS: usize = 2_500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f20_a_stream_cut_at_any_byte_resumes_exactly() -> Result<()> {
    let mut server = Server::start(&[]).await?;
    let address = server.address();
    let baseline = Baseline::of(&server).await?;
    let start = server.cursor("a").await?;
    let mut source = Source::connect(address, 0).await?;
    // Sizes that are all different, and a gap in the sequences now and then.
    for n in 0..40 {
        source.publish("a", 10 + n).await?;
    }
    server.end_topic("a").await?;

    let published = source.published().clone();
    let cut_within = each((0..CUTS).collect(), move |cut: usize| {
        let (start, published) = (start.clone(), published.clone());
        async move {
            let mut first =
                Subscriber::ask_on(connect(address, None).await?, "/events/a", Some(&start)).await?;
            let mut left = cut;
            while left > 0 && !first.has_ended() {
                first.read(1.max(left.min(512))).await?;
                left = left.saturating_sub(512);
            }
            let was_cut = !first.has_ended();
            let position = first.position().unwrap_or(&start).to_owned();
            let events = first.events().to_vec();
            let over = events.last().is_some_and(|event| event.name == "sse.end");
            close_by_reset(first.into_stream())?;
            let mut connections = vec![events];
            if !over {
                let stream = connect(address, None).await?;
                // Who has all but the end is told to stop.
                if let Ok(mut second) = Subscriber::open_on(stream, "/events/a", Some(&position)).await {
                    second.to_the_end().await?;
                    connections.push(second.into_events());
                }
            }
            let account = account(&connections, &published)?;
            ensure!(account.missed == 0, "cut at {cut}: {account:?}");
            Ok(was_cut)
        }
    })
    .await?;
    let cut_within = cut_within.into_iter().filter(|was_cut| *was_cut).count();
    ensure!(cut_within > CUTS / 2, "the stream is too short: {cut_within} were cut");
    drop(source);
    baseline.returns().await?;
    measured(
        "F20",
        format!("cut behind each of the first {cut_within} bytes and resumed: each event once, in order"),
    );
    server.terminate().await
}
