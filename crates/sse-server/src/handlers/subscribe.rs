//! `GET` and `HEAD`: open a stream of one or several topics, or say what it would be like.

use std::net::IpAddr;
use std::rc::Rc;

use actix_http::ConnectionType;
use actix_web::body::{self, MessageBody};
use actix_web::http::Version;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use sse_core::{Position, TopicName};

use super::admission::{TurnedAway, admit};
use super::{topic, topic_in_path};
use crate::access::Expiry;
use crate::per_address::Entered;
use crate::position::{LAST_EVENT_ID, position};
use crate::stream::body::{Exit, StreamBody};
use crate::stream::socket::Framing;
use crate::stream::{Opened, Stream};
use crate::transport::Connection;
use crate::worker::Worker;
use crate::{Hub, Problem, ProblemKind, client, control, negotiate, query};

pub(crate) async fn stream_one(hub: Data<Hub>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    open(&hub, &request, Ask::one(&hub, &request)?)
}

pub(crate) async fn stream_several(hub: Data<Hub>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    open(&hub, &request, Ask::several(&hub, &request)?)
}

pub(crate) async fn head_one(hub: Data<Hub>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    Ok(head(&hub, &Ask::one(&hub, &request)?))
}

pub(crate) async fn head_several(hub: Data<Hub>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    Ok(head(&hub, &Ask::several(&hub, &request)?))
}

/// What a valid request for a stream asks for, and may have.
#[derive(Debug)]
struct Ask {
    topics: Vec<TopicName>,
    position: Position,
    prime: bool,
    expiry: Expiry,
}

impl Ask {
    fn one(hub: &Hub, request: &HttpRequest) -> Result<Self, Problem> {
        let topic = topic_in_path(request)?;
        Self::parse(hub, request, &["last_event_id", "lastEventId", "prime"], vec![topic])
    }

    fn several(hub: &Hub, request: &HttpRequest) -> Result<Self, Problem> {
        Self::parse(hub, request, &["topic", "last_event_id", "lastEventId", "prime"], Vec::new())
    }

    fn parse(
        hub: &Hub,
        request: &HttpRequest,
        known: &'static [&'static str],
        mut topics: Vec<TopicName>,
    ) -> Result<Self, Problem> {
        let headers = request.headers();
        if !negotiate::accepts_event_stream(headers.get_all(header::ACCEPT)) {
            return Err(ProblemKind::NotAcceptable.into());
        }
        if has_body(headers) {
            return Err(
                Problem::new(ProblemKind::BadRequest).with_detail("a request for a stream has no body")
            );
        }
        let pairs = query::pairs(request, known, hub.access().parameter())?;
        for (_, name) in pairs.iter().filter(|(name, _)| *name == "topic") {
            topics.push(topic(name)?);
        }
        topics.sort_unstable();
        topics.dedup();
        let most = hub.config().max_topics_per_subscription;
        if topics.is_empty() {
            return Err(query::invalid("name at least one topic, as in /events?topic=a&topic=b".to_owned()));
        }
        if topics.len() > most {
            return Err(Problem::new(ProblemKind::TooManyTopics)
                .with_detail(format!("a subscription may have {most} topics at most")));
        }
        let expiry = hub.access().subscribing(request, &topics)?;
        let from_url = query::single(&pairs, "last_event_id")?.or(query::single(&pairs, "lastEventId")?);
        let position = position(headers, from_url.as_deref());
        // Only who begins now has no position yet; and who is given one in the URL has that on every reconnect.
        let unplaced = position == Position::Now && from_url.is_none();
        let prime = match query::single(&pairs, "prime")?.as_deref() {
            None | Some("auto") => is_native_event_source(headers),
            Some("id") => true,
            Some("off") => false,
            Some(_) => return Err(query::invalid("'prime' is one of 'auto', 'id', 'off'".to_owned())),
        };
        Ok(Self { topics, position, prime: prime && unplaced, expiry })
    }
}

/// Opens the stream. Must not wait for anything before the response is made: actix would let a request that was
/// sent behind this one change how it is encoded.
fn open(hub: &Hub, request: &HttpRequest, ask: Ask) -> Result<HttpResponse, Problem> {
    if !hub.is_draining() && hub.broadcaster().is_at_end(&ask.topics, ask.position) {
        return Ok(at_end());
    }
    let client = client::address(request, &hub.config().trusted_proxies);
    let response = match admit(hub, client) {
        Ok(entered) => stream(hub, request, client, ask, entered),
        Err(turned_away) => Err(turned_away),
    };
    match response {
        Ok(response) => Ok(response),
        Err(turned_away) => Ok(respond(request, control::come_back(turned_away.tell(hub)?.retry))),
    }
}

fn stream(
    hub: &Hub,
    request: &HttpRequest,
    client: Option<IpAddr>,
    ask: Ask,
    entered: Option<Entered>,
) -> Result<HttpResponse, TurnedAway> {
    let Ask { topics, position, expiry, prime } = ask;
    let worker = request.app_data::<Rc<Worker>>().expect("the routes bring their worker along");
    let subscription = worker.segment().subscribe(topics.iter().cloned(), position);
    // That no topic was named was found out before.
    let subscription = subscription.map_err(|_| TurnedAway::too_many_topics(hub))?;
    let preamble = control::preamble(hub.retry(), prime.then(|| subscription.position()));
    let resuming = matches!(position, Position::After(_) | Position::Unknown);
    let (hub, peer) = (hub.clone(), request.peer_addr());
    let stream = Stream::new(Opened { hub, peer, client, topics, resuming, entered });

    let connection = Connection::of(request);
    let departs = connection.as_ref().is_some_and(|connection| connection.may_depart());
    let exit = worker.sockets().filter(|_| departs).map(|sockets| {
        let framing = if is_chunked(request) { Framing::Chunked } else { Framing::Plain };
        Exit { sockets: Rc::clone(sockets), framing }
    });
    let departs = exit.is_some();
    let listed = worker.streams().list(stream, subscription.key(), connection);
    let mut response = respond(request, StreamBody::new(subscription, preamble, expiry, listed, exit));
    if departs {
        // A socket that has left does not come back.
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    Ok(response)
}

/// What `GET` would answer, without a subscription; and the position to begin from in order to miss nothing from now
/// on.
fn head(hub: &Hub, ask: &Ask) -> HttpResponse {
    if !hub.is_draining() && hub.broadcaster().is_at_end(&ask.topics, ask.position) {
        return at_end();
    }
    let mut response = stream_headers();
    response.insert_header((LAST_EVENT_ID, hub.broadcaster().position().to_string()));
    response.body(body::None::new())
}

/// The one status that tells an EventSource to stop (WHATWG HTML section 9.2.3).
fn at_end() -> HttpResponse {
    HttpResponse::NoContent().insert_header((header::CACHE_CONTROL, "no-store")).finish()
}

fn respond(request: &HttpRequest, body: impl MessageBody + 'static) -> HttpResponse {
    let mut response = stream_headers().body(body);
    if !is_chunked(request) {
        // Chunked framing is not for HTTP/1.0 (RFC 9112 section 6.1): the end of the connection ends the stream. Not
        // by the builder's method for it, which wants a length and says so in a header.
        response.head_mut().no_chunking(true);
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response
}

fn is_chunked(request: &HttpRequest) -> bool {
    request.version() >= Version::HTTP_11
}

fn stream_headers() -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        // Neither kept nor compressed nor otherwise held up on the way.
        .insert_header((header::CACHE_CONTROL, "no-store, no-transform"))
        .insert_header(("x-accel-buffering", "no"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::VARY, "accept"));
    response
}

fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0")
}

/// Whether this looks like a browser's own `EventSource`, which takes a block with nothing but an id for what it is.
/// Libraries on top of `fetch`, which may take it for an empty event, usually do not ask to bypass the cache. Where they
/// do, `?prime=off` is there.
fn is_native_event_source(headers: &HeaderMap) -> bool {
    let is = |name, expected: &str| headers.get(name).is_some_and(|value| value == expected);
    let browser =
        headers.get(header::USER_AGENT).is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/"));
    browser && is(header::ACCEPT, "text/event-stream") && is(header::CACHE_CONTROL, "no-cache")
}
