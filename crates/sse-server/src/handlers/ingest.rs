//! `POST /events/{topic}` with a body of `text/event-stream`: publish every event of it as it arrives; and `POST /events`
//! with such a body, whose events name their topics themselves.
//!
//! SSE in, SSE out: a stream that was made for one reader, an LLM's answer or a build's log, becomes one that many can
//! join, leave and resume. It may last for hours; what is held in memory is one unfinished event.
//!
//! The source may be a hub, too. What that said itself, in events whose names begin with `sse.`, was meant for its own
//! readers: it is passed over and counted in the answer.

mod destination;
mod progress;

use std::borrow::Cow;
use std::pin::pin;

use actix_web::HttpResponse;
use actix_web::web::Payload;
use futures_util::StreamExt;
use sse_core::{Decoder, Event, EventId, Item, Message, PublishError, RESERVED_PREFIX};

use self::progress::Progress;
use super::publisher::{self, answer, not_published};
use crate::access::Expiry;
use crate::bodies::NoRoom;
use crate::{Hub, Problem, ProblemKind};

pub(super) use self::destination::Destination;

/// Events after which the thread's other tasks have their turn, for a body may come in faster than it is published.
/// Some 200 µs of work: no longer than a slice of a sweep, and long enough that the turn itself costs next to nothing.
const BATCH: u64 = 128;

/// Publishes the events of a body. Ids of the source are not ours and are dropped, as are its comments and `retry:`.
///
/// The first event that cannot be published ends it, in whichever topic: what was before is published, what is behind
/// is not, and the answer says where that is. A body outlasts neither the server nor, by `expiry`, the token that came
/// with it.
pub(super) async fn ingest(
    hub: &Hub,
    destination: Destination,
    payload: Payload,
    expiry: Expiry,
) -> Result<HttpResponse, Problem> {
    let mut payload = pin!(payload);
    // What an event takes besides its data is bounded by the length of its names; a line's framing is counted later.
    let decoder = Decoder::new(hub.config().max_event.saturating_add(1024));
    let mut decoder = destination.prepare(decoder);
    let mut progress = Progress::default();
    let mut unfinished = hub.bodies().begin();
    let mut drained = pin!(hub.drained());
    let mut expired = pin!(expiry.passed());
    loop {
        // A body may go on for hours: it must not be what the server waits for at its end.
        let chunk = tokio::select! {
            chunk = payload.next() => chunk,
            () = &mut expired => return Err(progress.explain(expired_meanwhile())),
            () = &mut drained => return Err(progress.explain(not_published(hub, PublishError::Closed))),
        };
        let Some(chunk) = chunk else { break };
        let chunk = chunk.map_err(|_| progress.explain(publisher::broken_off()))?;
        publish_all(hub, &destination, &mut decoder, &chunk, &mut progress).await?;
        let held = unfinished.hold(decoder.buffered());
        held.map_err(|NoRoom| progress.explain(publisher::no_room(hub)))?;
    }
    destination.end(hub).map_err(|problem| progress.explain(problem))?;
    Ok(answer(&progress.answer(decoder.buffered() > 0)))
}

fn expired_meanwhile() -> Problem {
    Problem::new(ProblemKind::TokenExpired).with_detail("the token expired while the body was coming in")
}

async fn publish_all(
    hub: &Hub,
    destination: &Destination,
    decoder: &mut Decoder,
    mut input: &[u8],
    progress: &mut Progress,
) -> Result<(), Problem> {
    loop {
        let item = decoder.next(&mut input).map_err(|_| progress.refuse(publisher::too_large(hub)))?;
        match item {
            Some(Item::Event(message)) if message.name.starts_with(RESERVED_PREFIX) => progress.skipped(),
            Some(Item::Event(message)) => {
                let id = publish(hub, destination, &message).map_err(|problem| progress.refuse(problem))?;
                progress.published(id);
                if progress.count().is_multiple_of(BATCH) {
                    tokio::task::yield_now().await;
                }
            }
            Some(_) => {}
            None => return Ok(()),
        }
    }
}

fn publish(hub: &Hub, destination: &Destination, message: &Message<'_>) -> Result<EventId, Problem> {
    let topic = destination.topic(message)?;
    let event = event(hub, message)?;
    hub.broadcaster().publish(&topic, &event).map_err(|error| not_published(hub, error))
}

/// The decoder repairs what is not UTF-8, as every reader of the source would. To publish that would be to change data
/// without a word, so it is refused, as it is of a single event.
fn event<'m>(hub: &Hub, message: &'m Message<'_>) -> Result<Event<'m>, Problem> {
    if matches!((&message.name, &message.data), (Cow::Owned(_), _) | (_, Cow::Owned(_))) {
        return Err(Problem::new(ProblemKind::InvalidEvent).with_detail("it is not UTF-8"));
    }
    let name = (message.name != "message").then_some(message.name.as_ref());
    publisher::event(hub, name, message.data.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use actix_web::FromRequest;
    use actix_web::test::TestRequest;

    use super::*;
    use crate::HubConfig;

    #[actix_web::test]
    async fn others_have_their_turn_while_much_is_published() {
        let hub = Hub::new(HubConfig::default()).unwrap();
        let body = "data: x\n\n".repeat(10 * BATCH as usize);
        let (request, mut payload) = TestRequest::default().set_payload(body).to_http_parts();
        let payload = Payload::from_request(&request, &mut payload).await.unwrap();
        let destination = Destination::One { topic: "a".parse().unwrap(), end: false };

        let turns = Cell::new(0);
        let others = async {
            loop {
                turns.update(|turns| turns + 1);
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            answer = ingest(&hub, destination, payload, Expiry::never()) => assert!(answer.is_ok()),
            () = others => {}
        }

        assert_eq!(hub.broadcaster().position().sequence, 10 * BATCH);
        assert!(turns.get() >= 10, "{} turns", turns.get());
    }
}
