//! A rolling restart: clients and a publisher move from a server that drains to another.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::raw::{Publisher, ask};
use e2e::{Server, deadline};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::{Subscriber, connect, each};

/// Between two events.
const PACE: Duration = Duration::from_millis(10);

/// Events before the first server is told to end, and after its last client has moved.
const AROUND: usize = 50;

/// What came of it.
#[derive(Debug)]
pub struct Moved {
    /// Events published, at both servers.
    pub events: usize,
    /// From the signal to the end of the first server's process.
    pub drained_in: Duration,
    /// When each client came to the second server, after the signal; in order.
    pub arrivals: Vec<Duration>,
}

impl Moved {
    /// The most arrivals within a tenth of a second, over their mean number.
    #[must_use]
    pub fn crowding(&self) -> f64 {
        let window = Duration::from_millis(100);
        let within =
            |n: usize| self.arrivals[n..].iter().take_while(|at| **at - self.arrivals[n] < window).count();
        let most = (0..self.arrivals.len()).map(within).max().unwrap_or(0);
        let last = self.arrivals.last().copied().unwrap_or_default();
        let first = self.arrivals.first().copied().unwrap_or_default();
        let windows = ((last - first).as_secs_f64() / window.as_secs_f64()).max(1.0);
        most as f64 / (self.arrivals.len() as f64 / windows)
    }
}

/// Moves so many clients while events are published, and fails unless each got every event once, in order.
///
/// `drain` is the first server's `--drain`.
///
/// # Errors
/// With what went wrong.
pub async fn roll(clients: usize, drain: &str) -> Result<Moved> {
    e2e::process::raise_open_files(clients as u64 + 1000)?;
    let retain = ["--retain-events", "100000", "--retain-bytes", "64MiB"];
    let old = Server::start(&[&["--drain", drain][..], &retain].concat()).await?;
    let new = Server::start(&retain).await?;
    let (from, to) = (old.address(), new.address());
    let start = old.cursor("a").await?;

    let open = each((0..clients).collect(), move |_| {
        let start = start.clone();
        async move { Subscriber::open(from, "/events/a", Some(&start)).await }
    })
    .await?;
    let mut moving = JoinSet::new();
    let began = Instant::now();
    for client in open {
        moving.spawn(follow(client, to, began));
    }
    let (stop, stopped) = watch::channel(false);
    let publishing = tokio::spawn(publish(from, to, stopped));

    deadline::until("some events", async || {
        let published = crate::metric(from, "sse_events_published_total").await?;
        Ok(if published >= AROUND as u64 { Ok(()) } else { Err(published.to_string()) })
    })
    .await?;
    let signalled = Instant::now();
    old.process()?.signal("TERM")?;
    let ended = tokio::spawn(ended(old, signalled));
    deadline::until("readiness to be off", async || {
        // Off is off, whether it is said or the listener is gone.
        let answer = ask(from, "GET /readyz").await;
        Ok(if answer.is_ok_and(|answer| answer.status == 200) {
            Err("still ready".to_owned())
        } else {
            Ok(())
        })
    })
    .await?;

    let drained_in = ended.await??;
    deadline::until("all clients to have come", async || {
        let here = crate::metric(to, "sse_subscribers").await?;
        Ok(if here == clients as u64 { Ok(()) } else { Err(here.to_string()) })
    })
    .await?;
    stop.send_replace(true);
    let published = publishing.await??;
    new.end_topic("a").await?;

    let mut arrivals = Vec::with_capacity(clients);
    while let Some(client) = moving.join_next().await {
        let (data, arrived) = client??;
        let lost = published.iter().zip(&data).find(|(published, data)| published != data);
        ensure!(
            data.len() == published.len() && lost.is_none(),
            "{} of {}, {lost:?}",
            data.len(),
            published.len()
        );
        arrivals.push(arrived.saturating_sub(signalled - began));
    }
    arrivals.sort_unstable();
    Ok(Moved { events: published.len(), drained_in, arrivals })
}

async fn ended(mut server: Server, since: Instant) -> Result<Duration> {
    server.exited().await?;
    Ok(since.elapsed())
}

/// Reads to the end of the first stream, goes where it is told to and when, and reads to the end of the topic. Answers the
/// data of both, and when it came to the second server.
async fn follow(mut old: Subscriber, to: SocketAddr, began: Instant) -> Result<(Vec<String>, Duration)> {
    // Longer than any other wait: a drain may take its time.
    while !old.has_ended() && old.read(usize::MAX).await.is_ok() {}
    ensure!(old.events().last().is_some_and(|event| event.name == "sse.drain"), "{:?}", old.events().last());
    let position = old.position().context("a position")?.to_owned();
    let retry = Duration::from_millis(old.retry().context("a time to come back")?);
    let mut data: Vec<String> = old.data().into_iter().map(str::to_owned).collect();
    // Its connection would stay for a while, and each client would have two.
    drop(old);
    sleep(retry).await;

    let arrived = began.elapsed();
    let mut new = Subscriber::open(to, "/events/a", Some(&position)).await?;
    while !new.has_ended() {
        new.read(usize::MAX).await?;
    }
    let gaps = new.events().iter().filter(|event| event.name == "sse.gap").count();
    ensure!(
        new.events()[0].name == "sse.gap" && gaps == 1,
        "a foreign position is one gap: {:?}",
        new.events()[0]
    );
    data.extend(new.data().into_iter().map(str::to_owned));
    Ok((data, arrived))
}

/// Publishes to the first server until it refuses, and then to the second; what it refused as well. Answers what was
/// acknowledged.
async fn publish(from: SocketAddr, to: SocketAddr, stopped: watch::Receiver<bool>) -> Result<Vec<String>> {
    let mut connection: Publisher = connect(from, None).await?.into();
    let (mut published, mut moved) = (Vec::new(), false);
    while !*stopped.borrow() {
        let data = format!("event {}", published.len());
        match deadline::within("the answer to a publish", connection.publish("a", &data)).await {
            Ok(_) => published.push(data),
            Err(error) if moved => return Err(error),
            Err(_) => {
                moved = true;
                connection = connect(to, None).await?.into();
            }
        }
        sleep(PACE).await;
    }
    ensure!(moved, "the first server took everything");
    Ok(published)
}
