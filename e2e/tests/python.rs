//! Python's httpx-sse, the client that most Python programs use, reads the stream as it was published.

use anyhow::Result;
use e2e::events::{empty_lines, mixed};
use e2e::scenario::{self, FOREIGN_POSITION, QUICK_HEARTBEAT};
use e2e::seen::wait_until;
use e2e::{Program, Proxy, Seen, Server};

#[tokio::test]
async fn httpx_sse_gets_every_payload_exactly_and_no_phantom() -> Result<()> {
    let mut hub = Server::start(&QUICK_HEARTBEAT).await?;
    let url = hub.url(&format!("/events/mixed{FOREIGN_POSITION}"));
    let mut client = Program::python("listen.py", &[&url])?;
    scenario::no_phantoms(&mut hub, "mixed", &mut client, &[mixed(), empty_lines()].concat()).await
}

#[tokio::test]
async fn httpx_sse_resumes_where_it_was_cut_and_is_told_when_to_stay_away() -> Result<()> {
    let hub = Server::start(&[]).await?;
    let proxy = Proxy::start(hub.address()).await?;
    let mut client = Program::python("listen.py", &[&proxy.url("/events/cut")])?;
    scenario::resumes(&hub, &proxy, "cut", &mut client).await?;

    let refused = Seen::Refused { status: 204 };
    wait_until(&mut client, "204 on its return", |seen| seen.last() == Some(&refused)).await?;
    Ok(())
}
