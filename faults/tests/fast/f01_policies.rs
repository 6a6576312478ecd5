//! F01: what becomes of a slow reader, as configured.

use anyhow::{Result, ensure};
use e2e::account::{Account, account};
use e2e::{Received, Server};
use faults::{Baseline, Source, Subscriber, connect, measured, metric};

/// More than fits in all buffers on the way, at a kilobyte each.
const EVENTS: usize = 1_000;
const SIZE: usize = 1_024;
const RETAINED: usize = 64;
const LAGGING: &str = "sse_evictions_total{reason=\"lagging\"}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f01_latest_goes_on_with_the_newest_and_says_what_was_left_out() -> Result<()> {
    let (account, rest) = lag(&["--slow-policy", "latest"], "a").await?;
    ensure!(account.missed > 0 && rest.len() == 1, "one connection: {account:?}");
    let behind = rest[0].iter().skip_while(|event| event.name != "sse.gap").count();
    ensure!(behind < RETAINED, "{behind} events behind the gap");
    measured(
        "F01",
        format!("latest: {} missed as announced, {behind} events behind the gap", account.missed),
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f01_disconnect_cuts_the_reader_who_comes_back_to_an_exact_gap() -> Result<()> {
    let (account, rest) = lag(&["--slow-policy", "disconnect"], "a").await?;
    ensure!(rest.len() == 2, "{} connections", rest.len());
    measured("F01", format!("disconnect: cut, and {} missed as announced on return", account.missed));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f01_a_policy_is_for_the_topics_that_it_names() -> Result<()> {
    let (_, named) = lag(&["--slow-policy-for", "slow-*=disconnect"], "slow-1").await?;
    ensure!(named.len() == 2, "the policy was for this topic");
    let (_, other) = lag(&["--slow-policy-for", "slow-*=disconnect"], "a").await?;
    ensure!(other.len() == 1, "the policy was not for this topic");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f01_a_limit_on_lag_holds_though_more_is_retained() -> Result<()> {
    let options = ["--max-lag", "100", "--slow-policy", "disconnect", "--retain-events", "100000"];
    let (account, rest) = lag(&options, "a").await?;
    ensure!(rest.len() == 2 && account.missed == 0, "cut, and back to what is retained: {account:?}");
    measured("F01", "max-lag 100: cut when it was passed, and resumed without loss");
    Ok(())
}

/// A reader that stalls until all is published, and then reads on and comes back until it has all. What each of its
/// connections gave.
async fn lag(options: &[&str], topic: &'static str) -> Result<(Account, Vec<Vec<Received>>)> {
    let retain = RETAINED.to_string();
    let mut all = options.to_vec();
    if !options.contains(&"--retain-events") {
        all.extend(["--retain-events", &retain]);
    }
    // It must be the lag that decides, and not how long this test takes.
    all.extend(["--write-timeout", "60s"]);
    let mut server = Server::start(&all).await?;
    let address = server.address();
    let baseline = Baseline::of(&server).await?;
    let target = format!("/events/{topic}");
    let mut position = server.cursor(topic).await?;
    let stream = connect(address, Some(4_096)).await?;
    let mut reader = Subscriber::open_on(stream, &target, Some(&position)).await?;
    let mut source = Source::connect(address, 0).await?;
    source.publish_many(topic, EVENTS, SIZE).await?;
    let disconnects = options.iter().any(|option| option.ends_with("disconnect"));
    if disconnects && topic != "a" || options.contains(&"disconnect") {
        e2e::deadline::until("the reader to be cut", async || {
            let cut = metric(address, LAGGING).await?;
            Ok(if cut == 1 { Ok(()) } else { Err(cut.to_string()) })
        })
        .await?;
    }
    server.end_topic(topic).await?;

    let mut connections = Vec::new();
    loop {
        reader.to_the_end().await?;
        position = reader.position().unwrap_or(&position).to_owned();
        let over = reader.events().last().is_some_and(|event| event.name == "sse.end");
        connections.push(reader.into_events());
        if over {
            break;
        }
        reader = Subscriber::open(address, &target, Some(&position)).await?;
    }
    let account = account(&connections, source.published())?;
    drop(source);
    baseline.returns().await?;
    server.terminate().await?;
    Ok((account, connections))
}
