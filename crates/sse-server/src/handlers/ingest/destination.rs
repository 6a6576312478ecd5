//! Where the events of a body go: all to one topic, or each to the one that it names.

use std::borrow::Cow;

use sse_core::{Decoder, Message, PublishError, TooManyTopics, TopicName};

use super::super::publisher::not_published;
use crate::access::{self, Topics};
use crate::{Hub, Problem, ProblemKind, handlers};

/// The field of an event that names its topic. Readers of the standard pass over a field that they do not know, and
/// what is published does not have it.
const FIELD: &str = "topic";

#[derive(Debug)]
pub(in super::super) enum Destination {
    /// The topic of the path, which with `end` ends with the body.
    One { topic: TopicName, end: bool },
    /// As each event says, if it is among these.
    Named(Topics),
}

impl Destination {
    /// Has a decoder say what is needed of an event.
    pub(super) fn prepare(&self, decoder: Decoder) -> Decoder {
        match self {
            Self::One { .. } => decoder,
            Self::Named(_) => decoder.keeping(FIELD),
        }
    }

    /// Where this event goes.
    pub(super) fn topic(&self, message: &Message<'_>) -> Result<Cow<'_, TopicName>, Problem> {
        match self {
            Self::One { topic, .. } => Ok(Cow::Borrowed(topic)),
            Self::Named(granted) => named(granted, message.kept.as_ref()).map(Cow::Owned),
        }
    }

    /// The body has come to its end; not if it breaks off, so that a publisher which lost its connection can go on.
    pub(super) fn end(&self, hub: &Hub) -> Result<(), Problem> {
        let Self::One { topic, end: true } = self else { return Ok(()) };
        // Also when there was no event: who comes to read what failed to begin is not to wait for it for ever.
        let ended = hub.broadcaster().end_or_create(topic);
        ended.map(drop).map_err(|TooManyTopics| not_published(hub, PublishError::TooManyTopics))
    }
}

/// The name is made anew for every event: to remember those of a body takes memory that would need a bound, and to look
/// one up takes as long as to make it, some 30 ns.
fn named(granted: &Topics, name: Option<&Cow<'_, str>>) -> Result<TopicName, Problem> {
    let invalid = |detail| Problem::new(ProblemKind::InvalidTopic).with_detail(detail);
    let topic = match name {
        None => return Err(invalid("it has no line 'topic: NAME', and the path names no topic")),
        Some(Cow::Owned(_)) => return Err(invalid("its topic is not UTF-8")),
        Some(Cow::Borrowed(name)) => handlers::topic(name)?,
    };
    access::judge(granted, &topic)?;
    Ok(topic)
}
