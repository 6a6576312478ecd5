//! What publishers have in common, whether they send one event or a stream of them: how an event is made of what they
//! sent, and what they are answered.

use actix_web::HttpResponse;
use actix_web::http::header;
use serde::Serialize;
use sse_core::{Event, PublishError};

use crate::counters::Count;
use crate::{Hub, Problem, ProblemKind};

/// The event of a name and data out of a request.
pub(super) fn event<'a>(hub: &Hub, name: Option<&'a str>, data: &'a [u8]) -> Result<Event<'a>, Problem> {
    let invalid = |detail: String| Problem::new(ProblemKind::InvalidEvent).with_detail(detail);
    let data = std::str::from_utf8(data).map_err(|error| {
        let at = error.valid_up_to();
        invalid(format!(
            "data is UTF-8, and this is not from byte {at} on; send binary data as base64, for example"
        ))
    })?;
    let event = Event::new(name, data).map_err(|error| invalid(error.to_string()))?;
    if event.size() > hub.config().max_event {
        return Err(too_large(hub));
    }
    Ok(event)
}

pub(super) fn too_large(hub: &Hub) -> Problem {
    let most = hub.config().max_event;
    Problem::new(ProblemKind::EventTooLarge).with_detail(format!(
        "an event may take {most} bytes on the wire, where every line of data takes six more"
    ))
}

/// The answer to a publisher; a line of its own, for those who sit at a terminal.
pub(super) fn answer(published: &impl Serialize) -> HttpResponse {
    let json = serde_json::to_string(published).expect("strings and numbers are always valid JSON");
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(json + "\n")
}

/// Why an event was not published, to its publisher.
pub(super) fn not_published(hub: &Hub, error: PublishError) -> Problem {
    match error {
        PublishError::Full => {
            hub.memory_ran_out();
            Problem::new(ProblemKind::Overloaded)
                .with_detail(
                    "the memory for events is used up: there is room again when some have become old",
                )
                .with_retry_after(hub.retry())
        }
        PublishError::TooManyTopics => too_many_topics(hub),
        PublishError::Ended => Problem::new(ProblemKind::TopicEnded)
            .with_detail("publish to another topic, or wait until this one is forgotten"),
        _ => Problem::new(ProblemKind::ShuttingDown).with_retry_after(hub.retry()),
    }
}

/// Bodies that are coming in take all the room that there is for them.
pub(super) fn no_room(hub: &Hub) -> Problem {
    hub.counters().one(Count::RejectedBodies);
    Problem::new(ProblemKind::Overloaded)
        .with_detail("too much is being published at this moment")
        .with_retry_after(hub.retry())
}

/// Why a topic did not come into being, to its publisher.
fn too_many_topics(hub: &Hub) -> Problem {
    hub.counters().one(Count::RejectedTopics);
    Problem::new(ProblemKind::Overloaded)
        .with_detail("there are as many topics as there may be: publish to one that exists")
        .with_retry_after(hub.full_retry())
}

/// The connection ended before the body did.
pub(super) fn broken_off() -> Problem {
    Problem::new(ProblemKind::BadRequest).with_detail("the body broke off")
}
