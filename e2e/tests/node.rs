//! The npm package `eventsource`, what `EventSource` is to Node programs, reads the stream as it was published.

use anyhow::Result;
use e2e::events::{NAMES, empty_lines, mixed};
use e2e::scenario::{self, FOREIGN_POSITION, QUICK_HEARTBEAT};
use e2e::seen::wait_until;
use e2e::{Program, Proxy, Seen, Server};

fn listen(url: &str) -> Result<Program> {
    Program::node("listen.mjs", &[&[url], &NAMES[..]].concat())
}

#[tokio::test]
async fn eventsource_gets_every_payload_exactly_and_no_phantom() -> Result<()> {
    let mut hub = Server::start(&QUICK_HEARTBEAT).await?;
    let mut client = listen(&hub.url(&format!("/events/mixed{FOREIGN_POSITION}")))?;
    scenario::no_phantoms(&mut hub, "mixed", &mut client, &[mixed(), empty_lines()].concat()).await
}

#[tokio::test]
async fn eventsource_resumes_where_it_was_cut_and_stops_at_204() -> Result<()> {
    let hub = Server::start(&[]).await?;
    let proxy = Proxy::start(hub.address()).await?;
    let mut client = listen(&proxy.url("/events/cut"))?;
    scenario::resumes(&hub, &proxy, "cut", &mut client).await?;

    let gave_up =
        |seen: &Seen| matches!(seen, Seen::Error { state: Some(2), detail } if detail.starts_with("204"));
    wait_until(&mut client, "giving up for good", |seen| seen.last().is_some_and(gave_up)).await?;
    Ok(())
}
