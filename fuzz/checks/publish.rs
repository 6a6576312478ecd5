//! Any request that publishes: no panic, an answer that is documented, and what was answered is what a subscriber is
//! given, no more and no less.
//!
//! Input: one byte for the kind of request, three for the lengths of the chunks in which its body comes; then text up to
//! a NUL, and the body. What the text is, the kind says; a stream has none, all is body.

use std::cell::Cell;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use actix_http::Request;
use actix_web::App;
use actix_web::dev::{Payload, ServiceResponse};
use actix_web::http::{Uri, header};
use actix_web::rt::Runtime;
use actix_web::test::{self, TestRequest};
use actix_web::web::Bytes;
use futures_util::future::{FutureExt as _, LocalBoxFuture};
use futures_util::stream;
use serde_json::Value;
use sse_core::{
    Delivery, Event, Position, RESERVED_PREFIX, Segment, SegmentConfig, Subscription, TopicName, Turn,
};
use sse_server::{Hub, HubConfig, routes};

use crate::chunks::chunks;
use crate::decoded::{Decoded, decode};

/// So small that bodies are too large now and then.
const MAX_EVENT: usize = 256;

/// A request, but for its topic.
struct Sent<'a> {
    target: &'a str,
    headers: &'a [(header::HeaderName, header::HeaderValue)],
    body: &'a [u8],
    lengths: [u8; 3],
    times: usize,
}

/// What came of it.
struct Seen {
    answers: Vec<Answer>,
    events: Vec<Decoded>,
    ended: bool,
}

struct Answer {
    status: u16,
    json: Value,
}

pub(crate) fn check(input: &[u8]) {
    let Some(([kind, lengths @ ..], rest)) = input.split_first_chunk::<4>() else { return };
    let (lengths, end) = (*lengths, kind & 4 != 0);
    let server = SERVER.with(|server| *server);
    if kind % 4 == 3 {
        return check_stream(server, rest, lengths, end);
    }
    let (text, body) = rest.split_at(rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len()));
    let Ok(text) = std::str::from_utf8(text) else { return };
    let body = body.get(1..).unwrap_or_default();
    match kind % 4 {
        0 => check_named(server, text, body, lengths, end),
        1 => check_target(server, text, body, lengths),
        _ => check_typed(server, text, body, lengths),
    }
}

/// One event of this name, sent a second time as if the answer had been lost.
fn check_named(server: &Server, name: &str, body: &[u8], lengths: [u8; 3], end: bool) {
    let name: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    let topic = server.topic();
    let target = format!("/events/{topic}?event={name}&end={end}");
    let headers =
        [(header::HeaderName::from_static("idempotency-key"), header::HeaderValue::from_static("1"))];
    let seen = server.exchange(&topic, &Sent { target: &target, headers: &headers, body, lengths, times: 2 });
    let name = percent_decoded(&name).expect("it was text");
    let event = std::str::from_utf8(body).ok().and_then(|data| Event::new(Some(&name), data).ok());
    let event = event.filter(|event| event.size() <= MAX_EVENT);
    assert_eq!(seen.answers[0].status == 200, event.is_some());
    assert_eq!(seen.ended, end && event.is_some());
    assert_eq!(seen.answers[0].json, seen.answers[1].json);
    match event {
        Some(event) => seen.check_one(Some(event.name()), event.data()),
        None => seen.check_nothing(),
    }
}

/// One event, to any topic whose name begins with one that is new, with any query.
fn check_target(server: &Server, rest: &str, body: &[u8], lengths: [u8; 3]) {
    let parent = server.topic();
    let target = format!("/events/{parent}.{rest}");
    // What no request could have.
    let Ok(uri) = target.parse::<Uri>() else { return };
    let topic = uri.path().strip_prefix("/events/").and_then(percent_decoded);
    let topic = topic.filter(|topic| topic.parse::<TopicName>().is_ok());
    let sent = Sent { target: &target, headers: &[], body, lengths, times: 1 };
    let seen = server.exchange(topic.as_deref().unwrap_or(&parent), &sent);
    if seen.answers[0].status != 200 {
        return seen.check_nothing();
    }
    assert!(topic.is_some());
    let name = uri.query().is_none_or(str::is_empty).then_some("");
    seen.check_one(name, std::str::from_utf8(body).expect("an event is text"));
}

/// A body of this type.
fn check_typed(server: &Server, content_type: &str, body: &[u8], lengths: [u8; 3]) {
    let Ok(content_type) = content_type.parse() else { return };
    let headers = [(header::CONTENT_TYPE, content_type)];
    let topic = server.topic();
    let target = format!("/events/{topic}");
    let seen = server.exchange(&topic, &Sent { target: &target, headers: &headers, body, lengths, times: 1 });
    match &seen.answers[0] {
        Answer { status: 200, json } if json.get("count").is_some() => seen.check_all(body),
        Answer { status: 200, .. } => {
            seen.check_one(Some(""), std::str::from_utf8(body).expect("it is text"))
        }
        // Of what kind the body was, the answer does not say.
        Answer { status: 415, .. } => seen.check_nothing(),
        Answer { .. } if seen.events.is_empty() => {}
        Answer { .. } => seen.check_all(body),
    }
}

fn check_stream(server: &Server, body: &[u8], lengths: [u8; 3], end: bool) {
    let topic = server.topic();
    let target = format!("/events/{topic}?end={end}");
    let headers = [(header::CONTENT_TYPE, header::HeaderValue::from_static("text/event-stream"))];
    let seen = server.exchange(&topic, &Sent { target: &target, headers: &headers, body, lengths, times: 1 });
    assert_eq!(seen.ended, end && seen.answers[0].status == 200);
    seen.check_all(body);
}

impl Seen {
    fn check_nothing(&self) {
        assert!(self.answers.iter().all(|answer| answer.status != 200));
        assert!(self.events.is_empty() && !self.ended);
    }

    /// Exactly this event; without a name, of whichever name.
    fn check_one(&self, name: Option<&str>, data: &str) {
        let [Decoded::Event { name: given, data: said, id, kept: None }] = &self.events[..] else {
            panic!("not one event: {:?}", self.events)
        };
        let name = name.map(|name| if name.is_empty() { "message" } else { name });
        assert!(name.is_none_or(|name| name == given));
        assert!(Event::new(Some(given), said).is_ok_and(|event| event.size() <= MAX_EVENT));
        assert_eq!(*said, data.replace("\r\n", "\n").replace('\r', "\n"));
        assert_eq!(self.answers[0].json["id"], id.as_str());
    }

    /// What a decoder makes of the body, without what a hub said: all of it or, when that was refused, what was before
    /// the first event that could not be taken.
    fn check_all(&self, body: &[u8]) {
        let content = |item: &Decoded| match item {
            Decoded::Event { name, data, .. } => Some((name.clone(), data.clone())),
            _ => None,
        };
        let decoded: Vec<_> = decode([body], usize::MAX).items.iter().filter_map(content).collect();
        let (skipped, expected): (Vec<_>, Vec<_>) =
            decoded.into_iter().partition(|(name, _)| name.starts_with(RESERVED_PREFIX));
        let given: Vec<_> = self.events.iter().filter_map(content).collect();
        assert_eq!(given, expected[..given.len()]);
        assert!(given.iter().all(|(name, data)| is_verbatim(name, body) && is_verbatim(data, body)));

        let Answer { status, json } = &self.answers[0];
        let count = given.len();
        let last = self.events.last().map(|event| match event {
            Decoded::Event { id, .. } => id.as_str(),
            other => panic!("{other:?}"),
        });
        if *status == 200 {
            assert_eq!(count, expected.len());
            assert_eq!((&json["count"], &json["id"]), (&count.into(), &last.into()));
            assert_eq!(json["skipped"].as_u64().unwrap_or(0), skipped.len() as u64);
            assert!(json.get("unfinished").is_none() || !body.ends_with(b"\n\n"));
            return;
        }
        let detail = json["detail"].as_str().expect("it is said how far it came");
        let progress = match last {
            Some(last) => format!("({count} events before it were published, the last is {last})"),
            None => "(nothing was published)".to_owned(),
        };
        assert!(detail.ends_with(&progress), "{detail:?}, but {progress:?}");
        if *status == 413 {
            return assert!(body.len() > MAX_EVENT / 7);
        }
        // A replacement character may stand for what was not UTF-8.
        let next = expected.get(count).expect("something was refused");
        let broken = [&next.0, &next.1].iter().any(|text| text.contains(char::REPLACEMENT_CHARACTER));
        assert!(broken || Event::new(Some(&next.0), &next.1).is_err(), "{next:?} was refused: {detail}");
    }
}

/// The application, with its hub.
struct Server {
    hub: Hub,
    segment: Segment,
    call: Box<dyn Fn(Request) -> LocalBoxFuture<'static, ServiceResponse>>,
    runtime: Runtime,
    topics: Cell<u64>,
}

thread_local! {
    /// Made once, because that takes as long as a hundred requests.
    static SERVER: &'static Server = Box::leak(Box::new(Server::new()));
}

impl Server {
    fn new() -> Self {
        let runtime = Runtime::new().expect("a runtime takes a few file descriptors");
        // As short as no input takes: what earlier ones left is to go.
        let short = Duration::from_secs(10);
        let hub = Hub::new(HubConfig {
            max_event: MAX_EVENT,
            retain_age: short,
            forget_after: short,
            idempotency_window: short,
            ..HubConfig::default()
        });
        let hub = hub.expect("the configuration is one");
        let app = runtime.block_on(async { test::init_service(App::new().configure(routes(&hub))).await });
        let app = Rc::new(app);
        let call = move |request| {
            let app = Rc::clone(&app);
            async move { test::call_service(&*app, request).await.map_into_boxed_body() }.boxed_local()
        };
        let segment = Segment::new(hub.broadcaster(), SegmentConfig::default());
        Self { hub, segment, call: Box::new(call), runtime, topics: Cell::new(0) }
    }

    /// The name of a topic that nobody has used.
    fn topic(&self) -> String {
        self.topics.update(|topics| topics + 1);
        self.topics.get().to_string()
    }

    /// Sends a request to the application, while `topic` has a subscriber.
    fn exchange(&self, topic: &str, sent: &Sent<'_>) -> Seen {
        let broadcaster = self.hub.broadcaster();
        broadcaster.expire();
        let before = broadcaster.position().sequence;
        let topic = topic.parse().expect("it is a topic's name");
        let mut subscription = self.segment.subscribe([topic], Position::Now).expect("there is room");
        let answers = (0..sent.times).map(|_| self.runtime.block_on(self.answer(sent))).collect();

        let (events, ended) = take(&self.segment, &mut subscription);
        for (event, sequence) in events.iter().zip(before + 1..) {
            let Decoded::Event { id, .. } = event else { panic!("{event:?} is no event") };
            assert_eq!(*id, format!("{}-{sequence}", broadcaster.epoch()));
        }
        let published = broadcaster.position().sequence - before;
        assert_eq!(published, events.len() as u64, "something went elsewhere");
        Seen { answers, events, ended }
    }

    async fn answer(&self, sent: &Sent<'_>) -> Answer {
        let mut request = TestRequest::post().uri(sent.target);
        for (name, value) in sent.headers {
            request = request.append_header((name.clone(), value.clone()));
        }
        let body: Vec<_> =
            chunks(sent.body, sent.lengths).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        let body: Payload = Payload::Stream { payload: Box::pin(stream::iter(body)) };
        let (request, _) = request.to_request().replace_payload(body);
        let response = (self.call)(request).await;
        let status = response.status().as_u16();
        let content_type = response.headers().get(header::CONTENT_TYPE).cloned();
        let json: Value = test::read_body_json(response).await;
        check_documented(status, &json, content_type.as_ref());
        Answer { status, json }
    }
}

/// The answers that are possible to a publisher without token, conflict or overload.
fn check_documented(status: u16, json: &Value, content_type: Option<&header::HeaderValue>) {
    assert!([200, 400, 413, 415].contains(&status), "{status}: {json}");
    if status == 200 {
        assert_eq!(content_type, Some(&header::HeaderValue::from_static("application/json")));
        return;
    }
    assert_eq!(content_type, Some(&header::HeaderValue::from_static("application/problem+json")));
    assert_eq!(json["status"], status);
}

/// All that there is for a subscription, and whether it has ended.
fn take(segment: &Segment, subscription: &mut Subscription) -> (Vec<Decoded>, bool) {
    let mut stream = Vec::new();
    let mut ended = false;
    loop {
        while segment.turn(Instant::now()) == Turn::More {}
        match subscription.poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(Delivery::Frames(run))) => stream.extend_from_slice(run.bytes()),
            Poll::Ready(Some(Delivery::Ended)) => ended = true,
            Poll::Ready(None) if ended => break,
            Poll::Pending if !ended => break,
            other => panic!("{other:?}"),
        }
    }
    let outcome = decode([&stream[..]], stream.len());
    assert_eq!(outcome.error, None);
    (outcome.items, ended)
}

/// Whether nothing in a text was mended that was not UTF-8.
fn is_verbatim(text: &str, body: &[u8]) -> bool {
    let mut suspects = text.split('\n').filter(|line| line.contains(char::REPLACEMENT_CHARACTER));
    suspects.all(|line| body.windows(line.len()).any(|window| window == line.as_bytes()))
}

/// Strictly, and by other means than the server's.
fn percent_decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        let digits = digits.chars().map(|digit| digit.to_digit(16)).collect::<Option<Vec<_>>>()?;
        bytes.push((digits[0] * 16 + digits[1]) as u8);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}
