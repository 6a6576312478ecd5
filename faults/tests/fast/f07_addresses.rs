//! F07: one address that takes more than its share, and what a subscriber beyond a limit is told.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use e2e::Server;
use faults::{Baseline, Subscriber, connect, exchange, measured};
use tokio::net::TcpSocket;

const EACH: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f07_an_address_has_its_share_and_others_are_served() -> Result<()> {
    let mut server = Server::start(&["--max-connections-per-address", &EACH.to_string()]).await?;
    let address = server.address();
    let mut first = Vec::new();
    while first.len() < 2 * EACH {
        let stream = connect(address, None).await?;
        let Ok(reader) = Subscriber::open_on(stream, "/events/a", None).await else { break };
        if reader.has_ended() {
            break;
        }
        first.push(reader);
    }
    ensure!(first.len() <= EACH, "{} streams of one address", first.len());
    ensure!(first.len() > EACH / 2, "only {} streams of one address", first.len());

    let socket = TcpSocket::new_v4()?;
    socket.bind("127.0.0.2:0".parse::<SocketAddr>()?)?;
    let mut other = Subscriber::open_on(socket.connect(address).await?, "/events/a", None).await?;
    let held = first.len();
    drop(first);
    e2e::deadline::until("room for the first address again", async || {
        let again = Subscriber::open(address, "/events/a", None).await;
        Ok(again.map(drop).map_err(|error| format!("{error:#}")))
    })
    .await?;
    server.publish("a", None, "works").await?;
    other.until_data("works").await?;
    measured(
        "F07",
        format!("{held} connections of one address at a limit of {EACH}; another address is served"),
    );
    drop(other);
    server.terminate().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f07_a_subscriber_beyond_the_maximum_is_told_when_to_come_back() -> Result<()> {
    let mut server = Server::start(&["--max-streams", "10"]).await?;
    let address = server.address();
    let baseline = Baseline::of(&server).await?;
    let open = faults::open_many(address, "/events/a", 10).await?;
    let mut retries = Vec::new();
    for _ in 0..50 {
        let mut refused = Subscriber::open(address, "/events/a", None).await?;
        refused.to_the_end().await?;
        ensure!(refused.events().is_empty(), "no event: {:?}", refused.events());
        retries.extend(refused.retry());
    }
    retries.sort_unstable();
    retries.dedup();
    ensure!(retries.len() > 40, "all are told to come back at the same time: {retries:?}");
    drop(open);
    baseline.returns().await?;
    measured(
        "F07",
        format!(
            "streams beyond the maximum: 200 and an end, told to come back in {} to {} ms",
            retries[0],
            retries[retries.len() - 1]
        ),
    );
    server.terminate().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f07_a_subscriber_beyond_the_maximum_is_refused_where_that_is_wanted() -> Result<()> {
    let mut server = Server::start(&["--max-streams", "1", "--over-limit", "hard"]).await?;
    let address = server.address();
    let open = Subscriber::open(address, "/events/a", None).await?;
    let request = b"GET /events/a HTTP/1.1\r\nhost: f\r\nconnection: close\r\n\r\n";
    let refused = exchange(address, request).await?;
    ensure!(refused.status == 503, "{refused:?}");
    drop(open);
    server.terminate().await
}
