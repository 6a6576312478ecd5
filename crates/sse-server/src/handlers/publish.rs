//! `POST /events/{topic}`: publish the body, whatever its type, as the data of one event.
//!
//! Here it is also seen that the body is not one event but a stream of them, for this topic or, at `POST /events`, for
//! those that its events name.

use std::pin::pin;

use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{Bytes, BytesMut, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt;
use mime::Mime;
use serde::Serialize;
use sse_core::{Event, EventId, PublishError, TooManyTopics, TopicName};

use super::admission::admit_ingest;
use super::ingest::{Destination, ingest};
use super::publisher::{self, answer, not_published};
use super::topic_in_path;
use crate::bodies::NoRoom;
use crate::idempotency::MAX_KEY;
use crate::{Hub, Problem, ProblemKind, query};

/// The header that makes a retry safe (draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY: &str = "idempotency-key";

pub(crate) async fn publish(
    hub: Data<Hub>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let topic = topic_in_path(&request)?;
    let expiry = hub.access().publishing(&request, &topic)?;
    let headers = request.headers();
    let pairs = query::pairs(&request, &["event", "end"], hub.access().parameter())?;
    let name = query::single(&pairs, "event")?;
    let end = match query::single(&pairs, "end")?.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(query::invalid("'end' is 'true' or 'false'".to_owned())),
    };
    if is_event_stream(headers)? {
        if name.is_some() {
            return Err(query::invalid("a body of text/event-stream names its events itself".to_owned()));
        }
        no_key(headers)?;
        let _admitted = admit_ingest(&hub, &request)?;
        return ingest(&hub, Destination::One { topic, end }, payload, expiry).await;
    }
    let key = key(headers)?;
    let body = read(&hub, headers, payload).await?;
    let event = publisher::event(&hub, name.as_deref(), &body)?;
    let id = append(&hub, &topic, &event, key)?;
    if end {
        let ended = hub.broadcaster().end_or_create(&topic);
        ended.map_err(|TooManyTopics| not_published(&hub, PublishError::TooManyTopics))?;
    }
    Ok(answer(&Published { id: id.to_string() }))
}

/// Publishes a stream of events, each to the topic that it names.
pub(crate) async fn publish_several(
    hub: Data<Hub>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let (granted, expiry) = hub.access().publishing_several(&request)?;
    query::pairs(&request, &[], hub.access().parameter())?;
    let headers = request.headers();
    if !is_event_stream(headers)? {
        return Err(Problem::new(ProblemKind::UnsupportedMediaType).with_detail(
            "a body for several topics is text/event-stream, in which every event has a line 'topic: NAME'; a single \
             event goes to /events/{topic}",
        ));
    }
    no_key(headers)?;
    let _admitted = admit_ingest(&hub, &request)?;
    ingest(&hub, Destination::Named(granted), payload, expiry).await
}

#[derive(Serialize)]
struct Published {
    id: String,
}

fn append(hub: &Hub, topic: &TopicName, event: &Event<'_>, key: Option<&[u8]>) -> Result<EventId, Problem> {
    let publish = || hub.broadcaster().publish(topic, event).map_err(|error| not_published(hub, error));
    match key {
        Some(key) => hub.idempotency().publish_once(topic, key, event, publish),
        None => publish(),
    }
}

fn no_key(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(IDEMPOTENCY_KEY) {
        return Err(Problem::new(ProblemKind::BadRequest)
            .with_detail("an Idempotency-Key is for a single event, not for a stream of them"));
    }
    Ok(())
}

fn key(headers: &HeaderMap) -> Result<Option<&[u8]>, Problem> {
    let mut keys = headers.get_all(IDEMPOTENCY_KEY);
    let key = keys.next().map(|key| key.as_bytes());
    let valid = keys.next().is_none() && key.is_none_or(|key| (1..=MAX_KEY).contains(&key.len()));
    if !valid {
        return Err(Problem::new(ProblemKind::BadRequest)
            .with_detail(format!("an Idempotency-Key is one header of 1 to {MAX_KEY} bytes")));
    }
    Ok(key)
}

/// Whether the body is a stream of events. Everything else is data, but data that we would have to decode first.
fn is_event_stream(headers: &HeaderMap) -> Result<bool, Problem> {
    let unsupported = |detail| Err(Problem::new(ProblemKind::UnsupportedMediaType).with_detail(detail));
    let mut encodings = headers.get_all(header::CONTENT_ENCODING);
    if encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return unsupported("send the body without a Content-Encoding");
    }
    let Some(content_type) = headers.get(header::CONTENT_TYPE) else { return Ok(false) };
    let Some(media) = content_type.to_str().ok().and_then(|text| text.parse::<Mime>().ok()) else {
        return unsupported("the Content-Type is not a media type");
    };
    if media.get_param(mime::CHARSET).is_some_and(|charset| charset != mime::UTF_8) {
        return unsupported("events are UTF-8; the Content-Type names another charset");
    }
    Ok(media.essence_str() == "text/event-stream")
}

/// Reads the body up to the size of an event, within the time that one may take.
async fn read(hub: &Hub, headers: &HeaderMap, payload: Payload) -> Result<Bytes, Problem> {
    let limit = hub.config().max_event;
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if declared.and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > limit as u64) {
        return Err(publisher::too_large(hub));
    }
    let whole = async {
        let mut payload = pin!(payload);
        let mut body = BytesMut::new();
        let mut unfinished = hub.bodies().begin();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| publisher::broken_off())?;
            if body.len() + chunk.len() > limit {
                return Err(publisher::too_large(hub));
            }
            unfinished.hold(body.len() + chunk.len()).map_err(|NoRoom| publisher::no_room(hub))?;
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    let time = hub.config().body_timeout;
    tokio::time::timeout(time, whole).await.unwrap_or_else(|_| {
        Err(Problem::new(ProblemKind::BodyTimeout)
            .with_detail(format!("the body of an event has {} to arrive", humantime::format_duration(time))))
    })
}
