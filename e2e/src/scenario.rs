//! Claims that hold for every client, whichever library it is made of.

use anyhow::{Context, Result, ensure};

use crate::events::{Event, publish_all, publish_numbers};
use crate::seen::{Client, Received, Seen, control, exactly, wait_for_event, wait_for_id, wait_until};
use crate::{Proxy, Reader, Server};

/// Query of a position that no hub has ever given, so that the stream begins with a gap.
pub const FOREIGN_POSITION: &str = "?last_event_id=zzzzzzzz-7";

/// The hub's heartbeat for [`no_phantoms`]. It need not be kept to the millisecond: heartbeats are counted, not timed.
pub const QUICK_HEARTBEAT: [&str; 2] = ["--heartbeat", "200ms"];

/// Nothing reaches the application but what was published and what the hub announces by name: no empty message at
/// the start, after a gap, between heartbeats, at drain or at the end of the stream.
///
/// The client is subscribed to `topic` from [`FOREIGN_POSITION`], at a hub with [`QUICK_HEARTBEAT`].
///
/// # Errors
/// With what the client saw instead.
pub async fn no_phantoms(
    hub: &mut Server,
    topic: &str,
    client: &mut impl Client,
    events: &[Event],
) -> Result<()> {
    wait_for_event(client, "sse.gap").await?;
    let mut expected = vec![control("sse.gap")];

    expected.extend(publish_all(hub, topic, events).await?);
    wait_for_id(client, newest(&expected)?).await?;

    // A stream beside the client's, with the same data and so with the same silence. One more than the three that the
    // client must outlive, for the two streams need not beat in step.
    let mut witness =
        Reader::open(&hub.url(&format!("/events/{topic}")), None).await?.context("the topic is live")?;
    witness.heartbeats(4).await?;
    expected.extend(publish_numbers(hub, topic, [1]).await?);
    wait_for_id(client, newest(&expected)?).await?;

    hub.terminate().await?;
    expected.push(control("sse.drain"));
    let seen = wait_until(client, "the end of the drained stream", |seen| {
        let drained = seen.iter().rev().take_while(|seen| !is_named(seen, "sse.drain"));
        drained.clone().count() < seen.len() && drained.clone().any(|seen| !matches!(seen, Seen::Event(_)))
    })
    .await?;
    exactly(&seen, &expected)?;
    ensure!(seen.first() == Some(&Seen::Open), "the first thing seen is {:?}", seen.first());
    Ok(())
}

/// A connection that breaks while events are published costs the application nothing: none is lost, none comes twice.
/// Then the topic ends, and the client hears that too.
///
/// The client is subscribed to `topic` through `proxy`.
///
/// # Errors
/// With what the client saw instead.
pub async fn resumes(
    hub: &Server,
    proxy: &Proxy,
    topic: &str,
    client: &mut impl Client,
) -> Result<Vec<Seen>> {
    wait_until(client, "the open stream", |seen| seen.contains(&Seen::Open)).await?;
    let mut expected = publish_numbers(hub, topic, 0..5).await?;
    wait_for_id(client, newest(&expected)?).await?;
    let position = newest(&expected)?.id.clone();

    proxy.cut().await;
    expected.extend(publish_numbers(hub, topic, 5..10).await?);
    proxy.mend();
    expected.extend(publish_numbers(hub, topic, 10..15).await?);
    wait_for_id(client, newest(&expected)?).await?;

    let requests = proxy.requests(&format!("/events/{topic}"));
    let streams: Vec<_> = requests.iter().filter(|request| request.method == "GET").collect();
    ensure!(streams.len() == 2, "the client came {} times, expected once and once again", streams.len());
    let brought = streams[1].header("last-event-id");
    ensure!(brought == Some(&position), "the client came back with {brought:?}, expected {position}");

    hub.end_topic(topic).await?;
    expected.push(control("sse.end"));
    let seen = wait_for_event(client, "sse.end").await?;
    exactly(&seen, &expected)?;
    Ok(seen)
}

fn newest(expected: &[Received]) -> Result<&Received> {
    expected.last().context("nothing was published")
}

fn is_named(seen: &Seen, name: &str) -> bool {
    matches!(seen, Seen::Event(event) if event.name == name)
}
