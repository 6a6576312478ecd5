//! One file for each thing that a client can ask for. Handlers parse and validate; what they call cannot fail for any
//! reason but the state of the hub.

mod admission;
pub(crate) mod end;
mod ingest;
pub(crate) mod metrics;
pub(crate) mod operations;
pub(crate) mod publish;
mod publisher;
pub(crate) mod slow;
pub(crate) mod subscribe;

use actix_web::HttpRequest;
use sse_core::TopicName;

use crate::{Problem, ProblemKind, percent};

/// The topic out of a request's path, wherever the routes are mounted.
fn topic_in_path(request: &HttpRequest) -> Result<TopicName, Problem> {
    // actix makes of a broken path what it can: `%FE` and `%FF` would be one topic, and `%zz` no mistake.
    let broken = || {
        Problem::new(ProblemKind::InvalidTopic)
            .with_detail("the path is not valid UTF-8 behind a valid percent-encoding")
    };
    percent::decode(request.uri().path()).ok_or_else(broken)?;
    // Of a path that is sound, actix has left encoded what would change its segments, and the percent sign.
    let name = request.match_info().query("topic");
    topic(&percent::decode(name).ok_or_else(broken)?)
}

/// A topic by its name.
fn topic(name: &str) -> Result<TopicName, Problem> {
    name.parse().map_err(|error: sse_core::TopicNameError| {
        Problem::new(ProblemKind::InvalidTopic).with_detail(error.to_string())
    })
}
