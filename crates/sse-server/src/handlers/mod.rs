//! One file for each thing that a client can ask for. Handlers parse and validate; what they call cannot fail for any
//! reason but the state of the hub.

pub(crate) mod end;
pub(crate) mod ingest;
pub(crate) mod operations;
pub(crate) mod publish;
pub(crate) mod subscribe;

use sse_core::{PublishError, TopicName};

use crate::{Hub, Problem, ProblemKind};

/// A topic out of a path or query.
fn topic(name: &str) -> Result<TopicName, Problem> {
    name.parse().map_err(|error: sse_core::TopicNameError| {
        Problem::new(ProblemKind::InvalidTopic).with_detail(error.to_string())
    })
}

/// Why an event was not published, to its publisher.
fn not_published(hub: &Hub, error: PublishError) -> Problem {
    match error {
        PublishError::Ended => Problem::new(ProblemKind::TopicEnded)
            .with_detail("publish to another topic, or wait until this one is forgotten"),
        _ => Problem::new(ProblemKind::ShuttingDown).with_retry_after(hub.retry()),
    }
}
