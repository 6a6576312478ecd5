//! One file for each thing that a client can ask for. Handlers parse and validate; what they call cannot fail for any
//! reason but the state of the hub.

pub(crate) mod end;
mod incoming;
mod ingest;
pub(crate) mod operations;
pub(crate) mod publish;
pub(crate) mod subscribe;

use sse_core::TopicName;

use crate::{Problem, ProblemKind};

/// A topic out of a path or query.
fn topic(name: &str) -> Result<TopicName, Problem> {
    name.parse().map_err(|error: sse_core::TopicNameError| {
        Problem::new(ProblemKind::InvalidTopic).with_detail(error.to_string())
    })
}
