//! What a client saw, in the same words for every client, and waiting for it.

use anyhow::{Result, ensure};
use serde::Deserialize;

use crate::deadline::until;

/// One thing that a client saw.
///
/// The programs under `clients/` write it as one JSON object each.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Seen {
    /// The body came to a good end, and the client does not return by itself.
    Closed,
    /// The connection failed or ended.
    Error {
        /// `readyState` of an `EventSource`: 0 it will return, 2 it has given up.
        state: Option<u8>,
        /// The client's own words, for the message of a failed test.
        #[serde(default)]
        detail: String,
    },
    /// An event.
    Event(Received),
    /// The stream is open.
    Open,
    /// The answer had another status than 200.
    Refused {
        /// The status.
        status: u16,
    },
}

/// An event as a client handed it to the page or the program.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Received {
    /// `message` if the event has no name.
    pub name: String,
    /// The lines of data, joined by LF.
    pub data: String,
    /// The last event id at that time.
    pub id: String,
}

impl Received {
    /// True for the hub's own events, whose names begin with `sse.`.
    #[must_use]
    pub fn is_control(&self) -> bool {
        self.name.starts_with("sse.")
    }
}

/// Anything that can be asked what it has seen so far.
pub trait Client {
    /// All of it, oldest first.
    ///
    /// # Errors
    /// If the client has died.
    fn seen(&mut self) -> impl Future<Output = Result<Vec<Seen>>>;
}

/// The events among `seen`, control events too.
#[must_use]
pub fn events(seen: &[Seen]) -> Vec<&Received> {
    seen.iter()
        .filter_map(|seen| match seen {
            Seen::Event(event) => Some(event),
            _ => None,
        })
        .collect()
}

/// Waits until `enough` says so of everything that `client` has seen.
///
/// # Errors
/// If the client has died, and at the deadline, with all that was seen.
pub async fn wait_until(
    client: &mut impl Client,
    what: &str,
    enough: impl Fn(&[Seen]) -> bool,
) -> Result<Vec<Seen>> {
    until(what, async || {
        let seen = client.seen().await?;
        Ok(if enough(&seen) { Ok(seen) } else { Err(brief(&seen)) })
    })
    .await
}

/// Waits until `client` has seen an event of this name.
///
/// # Errors
/// As [`wait_until`].
pub async fn wait_for_event(client: &mut impl Client, name: &str) -> Result<Vec<Seen>> {
    wait_until(client, name, |seen| events(seen).iter().any(|event| event.name == name)).await
}

/// Waits until `client` has seen the event with the id of `last`.
///
/// # Errors
/// As [`wait_until`].
pub async fn wait_for_id(client: &mut impl Client, last: &Received) -> Result<Vec<Seen>> {
    let what = format!("the event {}", last.id);
    // A control event may carry the id of the event that went before it.
    let is_last = |event: &&Received| event.id == last.id && !event.is_control();
    wait_until(client, &what, |seen| events(seen).iter().any(is_last)).await
}

/// Fails unless the events in `seen` are `expected`, one by one: none lost, none twice, none too many.
///
/// Of a control event only the name is compared.
///
/// # Errors
/// With the first difference.
pub fn exactly(seen: &[Seen], expected: &[Received]) -> Result<()> {
    let events = events(seen);
    for (n, (event, expected)) in events.iter().zip(expected).enumerate() {
        let same = if expected.is_control() { event.name == expected.name } else { *event == expected };
        ensure!(same, "event {n} is {event:?}, expected {expected:?}; {}", brief(seen));
    }
    let (had, wanted) = (events.len(), expected.len());
    ensure!(had == wanted, "{had} events, expected {wanted}; {}", brief(seen));
    Ok(())
}

/// The expectation of a control event of this name.
#[must_use]
pub fn control(name: &str) -> Received {
    Received { name: name.to_owned(), data: String::new(), id: String::new() }
}

/// The end of what was seen, with long data cut short.
fn brief(seen: &[Seen]) -> String {
    const LAST: usize = 12;
    let skipped = seen.len().saturating_sub(LAST);
    let last: Vec<String> =
        seen[skipped..].iter().map(|seen| format!("{seen:?}").chars().take(160).collect()).collect();
    format!("seen ({skipped} left out): [{}]", last.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(data: &str, id: &str) -> Received {
        Received { name: "message".into(), data: data.into(), id: id.into() }
    }

    #[test]
    fn exactly_tells_a_loss_a_double_and_a_phantom() {
        let all = [message("a", "1"), message("b", "2")];
        let seen = |events: &[&Received]| -> Vec<Seen> {
            events.iter().map(|e| Seen::Event((*e).clone())).collect()
        };
        assert!(exactly(&seen(&[&all[0], &all[1]]), &all).is_ok());
        assert!(exactly(&seen(&[&all[1]]), &all).is_err());
        assert!(exactly(&seen(&[&all[0], &all[0], &all[1]]), &all).is_err());
        assert!(exactly(&seen(&[&all[0], &all[1], &message("", "2")]), &all).is_err());
        assert!(exactly(&seen(&[&all[0], &all[1], &control("sse.end")]), &all).is_err());
    }
}
