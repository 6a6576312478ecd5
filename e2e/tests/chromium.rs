//! Chromium's own `EventSource`, on a page of another origin than the hub's.

use anyhow::{Context, Result, ensure};
use e2e::events::{NAMES, empty_lines, mixed, publish_numbers};
use e2e::scenario::{self, FOREIGN_POSITION, QUICK_HEARTBEAT};
use e2e::seen::{control, events, exactly, wait_for_event, wait_for_id, wait_until};
use e2e::{Chrome, Proxy, Reader, Seen, Site, Stage};
use serde_json::{Value, json};

#[tokio::test]
async fn the_browser_gets_every_payload_exactly_and_no_phantom() -> Result<()> {
    let Stage { chrome, mut hub, site: _site } = Stage::set(&QUICK_HEARTBEAT).await?;
    let mut page = chrome.event_source(&hub.url(&format!("/events/mixed{FOREIGN_POSITION}")), &NAMES).await?;
    scenario::no_phantoms(&mut hub, "mixed", &mut page, &[mixed(), empty_lines()].concat()).await
}

#[tokio::test]
async fn a_cut_connection_loses_and_doubles_nothing() -> Result<()> {
    let Stage { chrome, hub, site: _site } = Stage::set(&[]).await?;
    let proxy = Proxy::start(hub.address()).await?;
    let mut page = chrome.event_source(&proxy.url("/events/cut"), &NAMES).await?;
    scenario::resumes(&hub, &proxy, "cut", &mut page).await?;
    Ok(())
}

/// One id is a position in both topics at once.
#[tokio::test]
async fn a_cut_stream_of_two_topics_loses_and_doubles_nothing() -> Result<()> {
    let Stage { chrome, hub, site: _site } = Stage::set(&[]).await?;
    let proxy = Proxy::start(hub.address()).await?;
    let mut page = chrome.event_source(&proxy.url("/events?topic=left&topic=right"), &NAMES).await?;
    wait_until(&mut page, "the open stream", |seen| seen.contains(&Seen::Open)).await?;
    let mut expected = publish_numbers(&hub, "left", 0..2).await?;
    expected.extend(publish_numbers(&hub, "right", 2..4).await?);
    wait_for_id(&mut page, &expected[3]).await?;

    proxy.cut().await;
    for n in [4, 6, 8] {
        expected.extend(publish_numbers(&hub, "left", [n]).await?);
        hub.publish("elsewhere", None, "not for this page").await?;
        expected.extend(publish_numbers(&hub, "right", [n + 1]).await?);
    }
    proxy.mend();
    let seen = wait_for_id(&mut page, &expected[9]).await?;
    exactly(&seen, &expected)
}

/// The cursor that the hub sends ahead of the first event closes the window in which a page could lose events.
#[tokio::test]
async fn a_page_that_has_seen_nothing_yet_loses_nothing_either() -> Result<()> {
    let Stage { chrome, hub, site: _site } = Stage::set(&QUICK_HEARTBEAT).await?;
    hub.publish("quiet", None, "before the page came").await?;
    let cursor = hub.cursor("quiet").await?;
    let proxy = Proxy::start(hub.address()).await?;
    let mut page = chrome.event_source(&proxy.url("/events/quiet"), &NAMES).await?;
    wait_until(&mut page, "the open stream", |seen| seen.contains(&Seen::Open)).await?;
    // A script cannot see that the browser has taken the cursor; a heartbeat elsewhere is long after it.
    let mut witness = Reader::open(&hub.url("/events/quiet"), None).await?.context("the topic is live")?;
    witness.heartbeats(1).await?;

    proxy.cut().await;
    let expected = publish_numbers(&hub, "quiet", 0..3).await?;
    proxy.mend();
    let seen = wait_for_id(&mut page, &expected[2]).await?;
    exactly(&seen, &expected)?;
    let back = proxy.requests("/events/quiet");
    ensure!(back.len() == 2 && back[1].header("last-event-id") == Some(&cursor), "came back with {back:?}");
    Ok(())
}

#[tokio::test]
async fn after_a_restart_the_page_is_told_once_and_then_gets_the_new_events() -> Result<()> {
    let Stage { chrome, hub, site: _site } = Stage::set(&[]).await?;
    let mut page = chrome.event_source(&hub.url("/events/restart"), &NAMES).await?;
    wait_until(&mut page, "the open stream", |seen| seen.contains(&Seen::Open)).await?;
    let mut expected = publish_numbers(&hub, "restart", 0..2).await?;
    wait_for_id(&mut page, &expected[1]).await?;

    let hub = hub.start_again().await?;
    expected.extend([control("sse.drain"), control("sse.gap")]);
    expected.extend(publish_numbers(&hub, "restart", 2..4).await?);
    wait_for_event(&mut page, "sse.gap").await?;
    expected.extend(publish_numbers(&hub, "restart", 4..6).await?);
    let newest = &expected[expected.len() - 1];
    let seen = wait_for_id(&mut page, newest).await?;
    exactly(&seen, &expected)?;
    ensure!(gap(&seen)?["reason"] == "restart", "the gap is {}", gap(&seen)?);
    Ok(())
}

#[tokio::test]
async fn a_position_that_is_no_longer_retained_is_told_as_a_gap() -> Result<()> {
    let Stage { chrome, hub, site: _site } = Stage::set(&["--retain-events", "4"]).await?;
    let published = publish_numbers(&hub, "short", 0..10).await?;
    let query = format!("?last_event_id={}", published[1].id);
    let mut page = chrome.event_source(&hub.url(&format!("/events/short{query}")), &NAMES).await?;
    let seen = wait_for_id(&mut page, &published[9]).await?;

    // Two were seen before, four are retained, four are lost.
    let expected = [&[control("sse.gap")], &published[6..]].concat();
    exactly(&seen, &expected)?;
    let gap = gap(&seen)?;
    ensure!(gap["reason"] == "expired" && gap["missed"] == 4, "the gap is {gap}");
    ensure!(gap["after"] == published[1].id && gap["before"] == published[6].id, "the gap is {gap}");
    Ok(())
}

/// What the hub itself has to say has names of its own, so that a page which knows nothing of them hears only messages.
#[tokio::test]
async fn control_events_never_reach_onmessage() -> Result<()> {
    let Stage { chrome, hub, site: _site } = Stage::set(&[]).await?;
    let url = hub.url(&format!("/events/simple{FOREIGN_POSITION}"));
    let mut page = chrome.event_source(&url, &["message"]).await?;
    wait_until(&mut page, "the open stream", |seen| seen.contains(&Seen::Open)).await?;
    let published = publish_numbers(&hub, "simple", 0..2).await?;
    hub.end_topic("simple").await?;
    let closed = Seen::Error { state: Some(2), detail: String::new() };
    let seen = wait_until(&mut page, "readyState CLOSED", |seen| seen.contains(&closed)).await?;
    exactly(&seen, &published)
}

#[tokio::test]
async fn an_ended_topic_stops_the_browser_for_good() -> Result<()> {
    let Stage { chrome, hub, site: _site } = Stage::set(&[]).await?;
    let proxy = Proxy::start(hub.address()).await?;
    let mut page = chrome.event_source(&proxy.url("/events/job"), &NAMES).await?;
    wait_until(&mut page, "the open stream", |seen| seen.contains(&Seen::Open)).await?;
    let published = publish_numbers(&hub, "job", 0..2).await?;
    hub.end_topic("job").await?;

    let closed = Seen::Error { state: Some(2), detail: String::new() };
    let seen = wait_until(&mut page, "readyState CLOSED", |seen| seen.contains(&closed)).await?;
    exactly(&seen, &[&published[..], &[control("sse.end")]].concat())?;
    // The end of the body makes the browser return, the 204 makes it stop.
    let returning = Seen::Error { state: Some(0), detail: String::new() };
    ensure!(seen.ends_with(&[returning, closed]), "{seen:?}");
    ensure!(page.ready_state().await? == 2);

    // Another subscription of the page returns twice meanwhile: time enough for whoever would return at all.
    let before = proxy.requests("/events/job").len();
    let mut other = chrome.event_source(&proxy.url("/events/other"), &NAMES).await?;
    for times in 1..=3 {
        let opened = |seen: &[Seen]| seen.iter().filter(|seen| **seen == Seen::Open).count() >= times;
        wait_until(&mut other, "another return", opened).await?;
        proxy.cut().await;
        proxy.mend();
    }
    ensure!(proxy.requests("/events/job").len() == before, "the page came back to an ended topic");
    Ok(())
}

#[tokio::test]
async fn a_page_of_the_allowed_origin_publishes_and_reads_the_cursor() -> Result<()> {
    let Stage { chrome, hub, site: _site } = Stage::set(&[]).await?;
    let proxy = Proxy::start(hub.address()).await?;
    let url = proxy.url("/events/page?event=price");
    let first = publish(&chrome, &url, "key-1").await?;
    ensure!(first["status"] == 200, "the publish answered {first}");
    let methods: Vec<String> =
        proxy.requests("/events/page").into_iter().map(|request| request.method).collect();
    ensure!(methods == ["OPTIONS", "POST"], "the browser sent {methods:?}");

    let again = publish(&chrome, &url, "key-1").await?;
    ensure!(again["body"] == first["body"], "the same key gave {again}, first {first}");

    let head = request(&chrome, &hub.url("/events/page"), json!({ "method": "HEAD" })).await?;
    let id: Value = serde_json::from_str(first["body"].as_str().context("a body")?)?;
    ensure!(head["cursor"] == id["id"], "HEAD tells the page {head}, published was {id}");
    Ok(())
}

#[tokio::test]
async fn a_page_of_another_origin_can_neither_publish_nor_listen() -> Result<()> {
    let Stage { chrome, hub, site: _site } = Stage::set(&[]).await?;
    let elsewhere = Site::start().await?;
    chrome.open(&elsewhere, "/events.html").await?;
    let before = hub.cursor("page").await?;

    let published = publish(&chrome, &hub.url("/events/page"), "key-1").await?;
    ensure!(published["failed"].is_string(), "the publish answered {published}");
    ensure!(hub.cursor("page").await? == before, "it was published all the same");

    let mut page = chrome.event_source(&hub.url("/events/page"), &NAMES).await?;
    let closed = Seen::Error { state: Some(2), detail: String::new() };
    let seen = wait_until(&mut page, "readyState CLOSED", |seen| seen.contains(&closed)).await?;
    ensure!(seen == [closed], "{seen:?}");
    Ok(())
}

async fn publish(chrome: &Chrome, url: &str, key: &str) -> Result<Value> {
    // Either header makes the browser ask first.
    let headers = json!({ "content-type": "application/json", "idempotency-key": key });
    request(chrome, url, json!({ "method": "POST", "headers": headers, "body": "{\"eur\": 1.5}" })).await
}

async fn request(chrome: &Chrome, url: &str, options: Value) -> Result<Value> {
    chrome.run("return e2e.request(...arguments)", vec![json!(url), options]).await
}

fn gap(seen: &[Seen]) -> Result<Value> {
    let gap = events(seen).into_iter().find(|event| event.name == "sse.gap").context("a gap")?;
    Ok(serde_json::from_str(&gap.data)?)
}
