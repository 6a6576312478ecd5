//! F12: all clients are cut at once, again and again, and come back.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::account::account;
use e2e::{Proxy, Server};
use faults::{Baseline, Source, Subscriber, measured};
use tokio::sync::watch;
use tokio::task::JoinSet;

const CLIENTS: usize = 10;
const CUTS: usize = 8;
const EVENTS: usize = 2_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f12_clients_cut_again_and_again_lose_nothing_and_get_nothing_twice() -> Result<()> {
    let mut server = Server::start(&[]).await?;
    let baseline = Baseline::of(&server).await?;
    let proxy = Arc::new(Proxy::start(server.address()).await?);
    let start = server.cursor("a").await?;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(follow(proxy.url(""), start.clone()));
    }

    let (tell, mut progress) = watch::channel(0);
    let cutting = Arc::clone(&proxy);
    let cuts = tokio::spawn(async move {
        for cut in 1..=CUTS {
            let at = EVENTS * cut / (CUTS + 1);
            progress.wait_for(|published| *published >= at).await?;
            cutting.cut().await;
            cutting.mend();
        }
        anyhow::Ok(())
    });
    let mut source = Source::connect(server.address(), 0).await?;
    for n in 0..EVENTS {
        source.publish("a", 40).await?;
        tell.send_replace(n + 1);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    cuts.await??;
    server.end_topic("a").await?;

    let mut connections = 0;
    while let Some(client) = clients.join_next().await {
        let client = client??;
        connections += client.len();
        let account = account(&client, source.published())?;
        ensure!(account.missed == 0, "{account:?}: everything was retained");
    }
    ensure!(connections > CLIENTS * CUTS / 2, "hardly anybody was cut: {connections} connections");
    drop(source);
    drop(proxy);
    baseline.returns().await?;
    measured(
        "F12",
        format!(
            "{CLIENTS} clients cut {CUTS} times during {EVENTS} events, {connections} connections: each got each once, in order"
        ),
    );
    server.terminate().await
}

/// Follows the topic to its end, over as many connections as it takes. What each of them gave.
async fn follow(base: String, start: String) -> Result<Vec<Vec<e2e::Received>>> {
    let address = base.trim_start_matches("http://").parse()?;
    let (mut all, mut position) = (Vec::new(), start);
    loop {
        // A proxy that is cut closes at once, or does not even accept.
        let Ok(mut reader) = Subscriber::open(address, "/events/a", Some(&position)).await else {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        reader.to_the_end().await?;
        position = reader.position().unwrap_or(&position).to_owned();
        let over = reader.events().last().is_some_and(|event| event.name == "sse.end");
        all.push(reader.into_events());
        if over {
            return Ok(all);
        }
    }
}
