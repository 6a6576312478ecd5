//! F13: ten thousand clients move from a server that drains to another.

use std::time::Duration;

use anyhow::{Result, ensure};
use faults::{drain, measured};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f13_ten_thousand_clients_move_without_loss_and_not_all_at_once() -> Result<()> {
    let moved = drain::roll(10_000, "20s").await?;
    ensure!(moved.drained_in < Duration::from_secs(40), "drained in {:?}", moved.drained_in);
    ensure!(
        moved.crowding() < 4.0,
        "the fullest tenth of a second had {:.1} times the mean",
        moved.crowding()
    );
    measured(
        "F13",
        format!(
            "10,000 clients moved during {} events: none lost, none twice; drained in {:.1} s of 20; fullest 100 ms {:.1} times the mean",
            moved.events,
            moved.drained_in.as_secs_f64(),
            moved.crowding()
        ),
    );
    Ok(())
}
