//! `@microsoft/fetch-event-source` in Chromium, the client of pages that need a method or a header of their own.
//!
//! Its known deviations, none of which the hub can mend: empty lines at the start of an event's data are lost (so
//! the list goes without them), and it takes the clean end of a body for the end of all (so nothing is said of 204).

use anyhow::{Result, ensure};
use e2e::events::mixed;
use e2e::scenario::{self, FOREIGN_POSITION, QUICK_HEARTBEAT};
use e2e::seen::wait_until;
use e2e::{Proxy, Seen, Stage};

#[tokio::test]
async fn fetch_event_source_gets_every_payload_exactly_and_no_phantom() -> Result<()> {
    let Stage { chrome, mut hub, site: _site } = Stage::set(&QUICK_HEARTBEAT).await?;
    let mut page = chrome.fetch_event_source(&hub.url(&format!("/events/mixed{FOREIGN_POSITION}"))).await?;
    scenario::no_phantoms(&mut hub, "mixed", &mut page, &mixed()).await
}

#[tokio::test]
async fn fetch_event_source_resumes_across_origins_where_it_was_cut() -> Result<()> {
    let Stage { chrome, hub, site: _site } = Stage::set(&[]).await?;
    let proxy = Proxy::start(hub.address()).await?;
    let mut page = chrome.fetch_event_source(&proxy.url("/events/cut")).await?;
    scenario::resumes(&hub, &proxy, "cut", &mut page).await?;

    // It sets `Last-Event-ID` itself, which no page may do without asking, unlike the browser's own client.
    let asked = proxy.requests("/events/cut").iter().any(|request| request.method == "OPTIONS");
    ensure!(asked, "the return had no preflight");
    wait_until(&mut page, "the good end", |seen| seen.last() == Some(&Seen::Closed)).await?;
    Ok(())
}
