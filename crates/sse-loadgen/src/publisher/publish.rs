//! What is published and how: checked once, so that every event can be.

use std::time::Duration;

use thiserror::Error;

use super::target::{IN_HEAD, Target, TargetError};
use crate::pacer::RateError;
use crate::stamp;
use crate::template::{Name, Template, TemplateError};

/// What can be said in a body: an event is nobody's in particular, so there is no client.
const IN_BODY: &[Name] = &[Name::Stamp, Name::Topic, Name::Sequence, Name::Number, Name::Planned];

/// How events are published.
#[derive(Clone, Debug)]
pub struct Publish {
    /// At least one. Topic k is published to target k mod n.
    pub(super) targets: Vec<Target>,
    pub(super) method: String,
    pub(super) headers: Vec<(String, Template)>,
    pub(super) body: Template,
    /// The name of an event's topic, if events share a request that lasts.
    pub(super) stream: Option<Template>,
    pub(super) payload: usize,
    pub(super) connections: usize,
    pub(super) max_in_flight: usize,
    pub(super) timeout: Duration,
    pub(super) insecure: bool,
}

/// Why nothing can be published that way: one sentence each.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum PublishError {
    /// The URL is wrong.
    #[error("--publish: {0}")]
    Target(#[from] TargetError),
    /// One thread publishes, and speaks one of them.
    #[error("--publish: either all URLs are https:// or none")]
    Mixed,
    /// The method is none, or publishes nothing.
    #[error("--publish-method: {0:?} cannot publish; POST, PUT or another method with a body can")]
    Method(String),
    /// The header is none.
    #[error("--publish-header: {0:?} is not of the form 'Name: value'")]
    Header(String),
    /// The header depends on what is sent, so it is ours.
    #[error("--publish-header: {0} is set by the request itself")]
    Reserved(String),
    /// A placeholder in a header is wrong.
    #[error("--publish-header: {0}")]
    HeaderTemplate(TemplateError),
    /// A topic's name is a line, and the same for all of its events.
    #[error("--publish-topic: {0}")]
    Topic(String),
    /// A connection has to be our own to be kept for one request.
    #[error("--publish-stream: https:// is not supported, only http:// is")]
    StreamOverTls,
    /// One request is for many events.
    #[error("--publish-stream: no placeholder can stand in {0}: one request carries many events")]
    StreamPlaceholder(String),
    /// A placeholder in the body is wrong.
    #[error("--publish-body: {0}")]
    Body(TemplateError),
    /// The stamp would be longer than any is.
    #[error("--payload: {0} is more than {max} bytes", max = stamp::MAX_LEN)]
    Payload(usize),
    /// The rate is none.
    #[error("--rate: {0}")]
    Rate(#[from] RateError),
    /// A number is out of bounds.
    #[error("{option}: {value} is not from 1 to {max}")]
    Bounds {
        /// Which.
        option: &'static str,
        /// As given.
        value: usize,
        /// The most there can be.
        max: usize,
    },
}

impl Publish {
    /// Every event `POST`ed to this URL as a stamp of 128 bytes.
    ///
    /// # Errors
    ///
    /// Nothing can be published there.
    pub fn to(url: &str) -> Result<Self, PublishError> {
        Ok(Self {
            targets: vec![url.parse()?],
            method: "POST".to_owned(),
            headers: Vec::new(),
            body: Template::parse("{{stamp}}", IN_BODY).map_err(PublishError::Body)?,
            stream: None,
            payload: 128,
            connections: 4,
            max_in_flight: 1024,
            // As long as most clients wait. Whoever waits longer keeps a request in memory for it.
            timeout: Duration::from_secs(10),
            insecure: false,
        })
    }

    /// To another URL besides, of a server that knows nothing of the others: topics take turns at the URLs, in the order
    /// in which these were given, so that topic k is published to URL k mod n and nowhere else.
    ///
    /// # Errors
    ///
    /// Nothing can be published there, or it is https and another is not.
    pub fn and_to(mut self, url: &str) -> Result<Self, PublishError> {
        let target: Target = url.parse()?;
        if target.https != self.targets[0].https {
            return Err(PublishError::Mixed);
        }
        self.targets.push(target);
        Ok(self)
    }

    /// How many URLs it goes to.
    #[must_use]
    pub fn targets(&self) -> usize {
        self.targets.len()
    }

    /// With another method than `POST`.
    ///
    /// # Errors
    ///
    /// It is none; or `HEAD`, `CONNECT` or `TRACE`, which carry nothing to publish.
    pub fn method(mut self, method: &str) -> Result<Self, PublishError> {
        if !is_token(method) || ["HEAD", "CONNECT", "TRACE"].contains(&method) {
            return Err(PublishError::Method(method.to_owned()));
        }
        method.clone_into(&mut self.method);
        Ok(self)
    }

    /// With this header besides, or instead of the one of that name which is sent by itself: `Name: value`.
    ///
    /// # Errors
    ///
    /// It is none, has a placeholder that cannot stand there, or says how the request ends.
    pub fn header(mut self, line: &str) -> Result<Self, PublishError> {
        let header = || PublishError::Header(line.to_owned());
        let (name, value) = line.split_once(':').ok_or_else(header)?;
        let value = value.trim();
        if !is_token(name) || value.chars().any(|character| character.is_control() && character != '\t') {
            return Err(header());
        }
        if ["content-length", "transfer-encoding", "connection", "expect", "upgrade"]
            .iter()
            .any(|reserved| name.eq_ignore_ascii_case(reserved))
        {
            return Err(PublishError::Reserved(name.to_owned()));
        }
        let value = Template::parse(value, IN_HEAD).map_err(PublishError::HeaderTemplate)?;
        self.headers.push((name.to_owned(), value));
        Ok(self)
    }

    /// With another body than the stamp alone. One without a stamp is published all the same, but no client will
    /// know it again.
    ///
    /// # Errors
    ///
    /// A placeholder cannot stand there.
    pub fn body(mut self, body: &str) -> Result<Self, PublishError> {
        self.body = Template::parse(body, IN_BODY).map_err(PublishError::Body)?;
        Ok(self)
    }

    /// Over requests that last, one on each connection: an event is written into the body as `text/event-stream`, with a
    /// field `topic` of this name, and no answer is waited for but the one when all are sent.
    /// [`max_in_flight`](Self::max_in_flight) then bounds nothing, as nothing is kept of what was sent.
    ///
    /// To be said last: it looks at the URLs and headers that were given.
    ///
    /// # Errors
    ///
    /// The name has line ends or a placeholder other than the topic's number, the server is https, or its URL or a header
    /// depends on the event.
    pub fn stream(mut self, topic: &str) -> Result<Self, PublishError> {
        if topic.is_empty() || topic.chars().any(char::is_control) {
            return Err(PublishError::Topic(format!("{topic:?} is no topic's name")));
        }
        let topic =
            Template::parse(topic, &[Name::Topic]).map_err(|error| PublishError::Topic(error.to_string()))?;
        if self.targets[0].https {
            return Err(PublishError::StreamOverTls);
        }
        let depends = |template: &Template| IN_HEAD.iter().any(|name| template.uses(*name));
        if self.targets.iter().any(|target| depends(&target.path)) {
            return Err(PublishError::StreamPlaceholder("--publish".to_owned()));
        }
        if let Some((name, _)) = self.headers.iter().find(|(_, value)| depends(value)) {
            return Err(PublishError::StreamPlaceholder(format!("the header {name}")));
        }
        self.stream = Some(topic);
        Ok(self)
    }

    /// Whether events share a request that lasts.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        self.stream.is_some()
    }

    /// With a stamp of so many bytes, or as long as it must be.
    ///
    /// # Errors
    ///
    /// It is more than [`stamp::MAX_LEN`].
    pub fn payload(mut self, bytes: usize) -> Result<Self, PublishError> {
        if bytes > stamp::MAX_LEN {
            return Err(PublishError::Payload(bytes));
        }
        self.payload = bytes;
        Ok(self)
    }

    /// Over so many connections, from 1 to 1024, though never more than there are topics.
    ///
    /// # Errors
    ///
    /// It is none of those.
    pub fn connections(mut self, connections: usize) -> Result<Self, PublishError> {
        self.connections = bounded("--publish-connections", connections, 1024)?;
        Ok(self)
    }

    /// With at most so many events sent and not yet answered, from 1 to a million: a bound for memory, about 24 bytes
    /// each. Where it binds, events are sent late, and the slip says so. Shared out evenly among the connections.
    ///
    /// # Errors
    ///
    /// It is none of those.
    pub fn max_in_flight(mut self, events: usize) -> Result<Self, PublishError> {
        self.max_in_flight = bounded("--publish-in-flight", events, 1_000_000)?;
        Ok(self)
    }

    /// Waiting so long for an answer.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Taking any certificate for that of the server.
    #[must_use]
    pub fn insecure(mut self, insecure: bool) -> Self {
        self.insecure = insecure;
        self
    }

    /// Connections that each carry the topics of one target only: a multiple of the targets.
    pub(super) fn connections_to_all(&self) -> usize {
        self.connections.next_multiple_of(self.targets.len())
    }

    /// Whether clients can tell the events by their stamp.
    #[must_use]
    pub fn is_stamped(&self) -> bool {
        self.body.uses(Name::Stamp)
    }

    /// All headers but the length of the body, and `Host` unless it is given.
    pub(super) fn all_headers(&self) -> impl Iterator<Item = (&str, Template)> {
        let text = |text: &str| {
            let mut template = Template::default();
            template.push_text(text);
            template
        };
        let own = [
            ("User-Agent", text(concat!("sse-loadgen/", env!("CARGO_PKG_VERSION")))),
            ("Content-Type", text(if self.is_stream() { "text/event-stream" } else { "text/plain" })),
        ];
        let given = self.headers.iter().map(|(name, value)| (name.as_str(), value.clone()));
        own.into_iter().filter(|(name, _)| !self.gives(name)).chain(given)
    }

    /// Whether this header is given, and not to be sent by itself.
    pub(super) fn gives(&self, header: &str) -> bool {
        self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(header))
    }
}

fn bounded(option: &'static str, value: usize, max: usize) -> Result<usize, PublishError> {
    if (1..=max).contains(&value) { Ok(value) } else { Err(PublishError::Bounds { option, value, max }) }
}

/// RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
