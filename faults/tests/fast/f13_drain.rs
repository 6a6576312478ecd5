//! F13: a server is told to end while clients and a publisher are there.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::Server;
use faults::{drain, measured, open_many};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f13_clients_move_to_another_server_without_loss_and_not_all_at_once() -> Result<()> {
    let moved = drain::roll(500, "5s").await?;
    ensure!(moved.drained_in < Duration::from_secs(15), "drained in {:?}", moved.drained_in);
    // Chance alone makes the fullest of fifty windows of ten arrivals twice as full as the mean.
    ensure!(
        moved.crowding() < 4.0,
        "the fullest tenth of a second had {:.1} times the mean",
        moved.crowding()
    );
    measured(
        "F13",
        format!(
            "500 clients moved during {} events: none lost, none twice; drained in {:.1} s of 5; fullest 100 ms {:.1} times the mean",
            moved.events,
            moved.drained_in.as_secs_f64(),
            moved.crowding()
        ),
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a drain in waves"]
async fn f13_a_second_signal_ends_at_once() -> Result<()> {
    let mut server = Server::start(&["--drain", "30s"]).await?;
    let streams = open_many(server.address(), "/events/a", 100).await?;
    server.process()?.signal("TERM")?;
    e2e::deadline::until("the drain to begin", async || {
        let ready = e2e::raw::ask(server.address(), "GET /readyz").await;
        Ok(if ready.is_ok_and(|answer| answer.status == 200) {
            Err("still ready".to_owned())
        } else {
            Ok(())
        })
    })
    .await?;
    let began = Instant::now();
    server.terminate().await?;
    ensure!(began.elapsed() < Duration::from_secs(10), "ended after {:?}", began.elapsed());
    measured(
        "F13",
        format!("a second signal: ended after {} ms of a drain of 30 s", began.elapsed().as_millis()),
    );
    drop(streams);
    Ok(())
}
