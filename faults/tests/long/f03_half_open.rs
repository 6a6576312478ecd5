//! F03: the cable is pulled, and nobody is told.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::Server;
use e2e::raw::{Answer, Publisher};
use faults::{Cable, Subscriber, measured};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

const STREAMS: usize = 50;

/// One heartbeat of 5 s and TCP's 30 s; or 30 s without a sign of life and three questions, 10 s apart. As much again is
/// for a busy machine.
const BY_HEARTBEAT: Duration = Duration::from_secs(70);
const BY_KEEPALIVE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f03_a_pulled_cable_is_noticed_by_a_heartbeat() -> Result<()> {
    let Some((cable, mut server)) = stage("fh", "5s").await? else { return Ok(()) };
    let streams = open(&cable, &server)?.await?;
    let began = Instant::now();
    cable.pull()?;
    gone(&cable, &server, BY_HEARTBEAT).await?;
    measured(
        "F03",
        format!(
            "cable pulled, heartbeat 5 s: {STREAMS} streams gone after {:.0} s",
            began.elapsed().as_secs_f64()
        ),
    );
    drop(streams);
    server.terminate().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f03_a_pulled_cable_is_noticed_by_tcp_without_heartbeats() -> Result<()> {
    let Some((cable, mut server)) = stage("fk", "1h").await? else { return Ok(()) };
    let streams = open(&cable, &server)?.await?;
    let began = Instant::now();
    cable.pull()?;
    gone(&cable, &server, BY_KEEPALIVE).await?;
    measured(
        "F03",
        format!(
            "cable pulled, no heartbeat: {STREAMS} streams gone after {:.0} s",
            began.elapsed().as_secs_f64()
        ),
    );
    drop(streams);
    server.terminate().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f03_a_cable_put_back_in_time_costs_nothing() -> Result<()> {
    let Some((cable, mut server)) = stage("fb", "1s").await? else { return Ok(()) };
    let mut streams = open(&cable, &server)?.await?;
    let mut publisher: Publisher = cable.connect_from_near(server.address())?.into();
    publisher.publish("a", "before").await?;
    cable.pull()?;
    for n in 0..50 {
        publisher.publish("a", &format!("meanwhile {n}")).await?;
    }
    // It is the length of the interruption that is tested: shorter than TCP gives up, longer than it takes to resend.
    sleep(Duration::from_secs(8)).await;
    cable.mend()?;
    publisher.publish("a", "after").await?;
    let expected: Vec<String> = ["before".to_owned()]
        .into_iter()
        .chain((0..50).map(|n| format!("meanwhile {n}")))
        .chain(["after".to_owned()])
        .collect();
    for stream in &mut streams {
        stream.until_data("after").await?;
        ensure!(stream.data() == expected, "{:?}", stream.data());
    }
    measured(
        "F03",
        format!("cable back after 8 s: {STREAMS} streams go on on the same connection, none lost"),
    );
    server.terminate().await
}

/// A server at the end of a cable. None, and it says why, where there can be no cable.
async fn stage(purpose: &str, heartbeat: &str) -> Result<Option<(Cable, Server)>> {
    let cable = match Cable::lay(purpose)? {
        Ok(cable) => cable,
        Err(reason) => {
            measured("F03", format!("skipped: {reason}"));
            return Ok(None);
        }
    };
    let under = cable.under();
    let under: Vec<&str> = under.iter().map(String::as_str).collect();
    let options = ["--allow-anonymous-remote", "--heartbeat", heartbeat];
    let server = Server::start_under(&under, &cable.listen(), &options).await?;
    Ok(Some((cable, server)))
}

fn open(cable: &Cable, server: &Server) -> Result<impl Future<Output = Result<Vec<Subscriber>>> + use<>> {
    let connections: Vec<_> =
        (0..STREAMS).map(|_| cable.connect_from_afar(server.address())).collect::<Result<_>>()?;
    Ok(async move {
        let mut streams = Vec::new();
        for connection in connections {
            streams.push(Subscriber::open_on(connection, "/events/a", None).await?);
        }
        Ok(streams)
    })
}

/// Waits until the server has no subscriber.
async fn gone(cable: &Cable, server: &Server, most: Duration) -> Result<()> {
    let began = Instant::now();
    loop {
        let left = subscribers(cable, server).await?;
        if left == 0 {
            return Ok(());
        }
        ensure!(began.elapsed() < most, "{left} subscribers after {:?}", began.elapsed());
        sleep(Duration::from_millis(200)).await;
    }
}

async fn subscribers(cable: &Cable, server: &Server) -> Result<usize> {
    let mut stream = cable.connect_from_near(server.address())?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: f\r\nconnection: close\r\n\r\n").await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    let page = Answer::parse(&bytes)?.context("an answer")?.body;
    let value = page.lines().find_map(|line| line.strip_prefix("sse_subscribers "));
    Ok(value.context("no such metric")?.parse()?)
}
