//! `POST /events/{topic}` with a body of `text/event-stream`: publish every event of it as it arrives.
//!
//! SSE in, SSE out: a stream that was made for one reader, an LLM's answer or a build's log, becomes one that many can
//! join, leave and resume. It may last for hours; what is held in memory is one unfinished event.
//!
//! The source may be a hub, too. What that said itself, in events whose names begin with `sse.`, was meant for its own
//! readers: it is passed over and counted in the answer.

use std::borrow::Cow;
use std::pin::pin;

use actix_web::HttpResponse;
use actix_web::web::Payload;
use futures_util::StreamExt;
use serde::Serialize;
use sse_core::{
    Decoder, Event, EventId, Item, Message, PublishError, RESERVED_PREFIX, TooManyTopics, TopicName,
};

use super::publisher::{self, answer, not_published};
use crate::access::Expiry;
use crate::bodies::NoRoom;
use crate::{Hub, Problem, ProblemKind};

/// Publishes the events of a body. Ids of the source are not ours and are dropped, as are its comments and `retry:`.
///
/// With `end`, the topic ends when the body has come to its end; not when it breaks off, so that a publisher which
/// lost its connection can go on. A body outlasts neither the server nor, by `expiry`, the token that came with it.
pub(super) async fn ingest(
    hub: &Hub,
    topic: &TopicName,
    payload: Payload,
    end: bool,
    expiry: Expiry,
) -> Result<HttpResponse, Problem> {
    let mut payload = pin!(payload);
    // What an event takes besides its data is bounded by the length of a name; a line's framing is counted later.
    let mut decoder = Decoder::new(hub.config().max_event.saturating_add(1024));
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
        publish_all(hub, topic, &mut decoder, &chunk, &mut progress)?;
        let held = unfinished.hold(decoder.buffered());
        held.map_err(|NoRoom| progress.explain(publisher::no_room(hub)))?;
    }
    if end {
        // Also when there was no event: who comes to read what failed to begin is not to wait for it for ever.
        let ended = hub.broadcaster().end_or_create(topic);
        ended.map_err(|TooManyTopics| progress.explain(not_published(hub, PublishError::TooManyTopics)))?;
    }
    Ok(answer(&progress.answer(decoder.buffered() > 0)))
}

fn expired_meanwhile() -> Problem {
    Problem::new(ProblemKind::TokenExpired).with_detail("the token expired while the body was coming in")
}

fn publish_all(
    hub: &Hub,
    topic: &TopicName,
    decoder: &mut Decoder,
    mut input: &[u8],
    progress: &mut Progress,
) -> Result<(), Problem> {
    loop {
        let item = decoder.next(&mut input).map_err(|_| progress.explain(publisher::too_large(hub)))?;
        match item {
            Some(Item::Event(message)) => {
                if message.name.starts_with(RESERVED_PREFIX) {
                    progress.skipped += 1;
                    continue;
                }
                let event = event(hub, &message);
                let event = event.map_err(|problem| progress.explain(problem))?;
                let id = hub.broadcaster().publish(topic, &event);
                let id = id.map_err(|error| progress.explain(not_published(hub, error)))?;
                progress.published(id);
            }
            Some(_) => {}
            None => return Ok(()),
        }
    }
}

/// The decoder repairs what is not UTF-8, as every reader of the source would. To publish that would be to change data
/// without a word, so it is refused, as it is of a single event.
fn event<'m>(hub: &Hub, message: &'m Message<'_>) -> Result<Event<'m>, Problem> {
    if matches!((&message.name, &message.data), (Cow::Owned(_), _) | (_, Cow::Owned(_))) {
        return Err(Problem::new(ProblemKind::InvalidEvent).with_detail("the next event is not UTF-8"));
    }
    let name = (message.name != "message").then_some(message.name.as_ref());
    publisher::event(hub, name, message.data.as_bytes())
}

/// What has been published so far: what a publisher has to know in order to go on after an error.
#[derive(Debug, Default)]
struct Progress {
    count: u64,
    skipped: u64,
    last: Option<EventId>,
}

#[derive(Serialize)]
struct Answer {
    /// The last event's id, where a single publish has its only one.
    id: Option<String>,
    count: u64,
    /// Events of the source's hub, which were not published.
    #[serde(skip_serializing_if = "is_zero")]
    skipped: u64,
    /// The body ended within an event, which was not published: its blank line is missing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unfinished: bool,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Progress {
    fn published(&mut self, id: EventId) {
        self.count += 1;
        self.last = Some(id);
    }

    fn answer(&self, unfinished: bool) -> Answer {
        let Self { count, skipped, last } = *self;
        Answer { id: last.map(|id| id.to_string()), count, skipped, unfinished }
    }

    fn explain(&self, problem: Problem) -> Problem {
        let said = problem.detail().unwrap_or_default();
        let count = self.count;
        let detail = match self.last {
            Some(last) => format!("{said} ({count} events before it were published, the last is {last})"),
            None => format!("{said} (nothing was published)"),
        };
        problem.with_detail(detail.trim_start().to_owned())
    }
}
