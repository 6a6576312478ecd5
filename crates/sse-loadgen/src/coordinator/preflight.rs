//! One request before thousands: what is wrong with the target is said in one line, not in thousands of errors.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::redirect::Policy;

use super::target::first_url;
use crate::engine::request::{Asker, Request};
use crate::engine::reqwest::builder;
use crate::failure::Failure;
use crate::load::Load;
use crate::worker::orders::RequestPlan;

/// Opens one stream of each target, looks at the answer's head, and closes it.
///
/// # Errors
///
/// It cannot be reached in time, or the answer is no stream of events.
pub(super) fn check(load: &Load) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Local("no runtime", error))?;
    runtime.block_on(async {
        for request in &load.requests {
            open(request, load).await?;
        }
        Ok(())
    })
}

async fn open(plan: &RequestPlan, load: &Load) -> Result<(), Failure> {
    let usage = |error: &dyn std::fmt::Display| Failure::Usage(error.to_string());
    let client = builder(load.insecure).redirect(Policy::none()).build().map_err(|error| usage(&error))?;
    let request = Request::new(plan).map_err(|error| usage(&error))?;
    let url = &first_url(plan)?;
    let first = Asker { client: 0, topic: 0, last_event_id: "" };
    let request = request.send_with(&client, &first);
    let wait = load.connect_timeout;
    let response = match tokio::time::timeout(wait, request).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(Failure::Target(format!("{url} cannot be reached: {}", root(&error)))),
        Err(_) => return Err(Failure::Target(format!("{url} has not answered within {}", said(wait)))),
    };
    let header = |name| response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    match response.status().as_u16() {
        200 => {}
        204 => {
            return Err(Failure::Target(format!(
                "{url} answers 204: whoever reads it is told not to come back"
            )));
        }
        status @ 300..=399 => {
            let to = header(LOCATION).unwrap_or("nowhere");
            return Err(Failure::Target(format!(
                "{url} answers {status} and redirects to {to}: give that URL"
            )));
        }
        status @ (401 | 403) => {
            return Err(Failure::Target(format!(
                "{url} answers {status}: it wants to know who asks, see --header 'Authorization: …'"
            )));
        }
        status => return Err(Failure::Target(format!("{url} answers {status} instead of 200 and a stream"))),
    }
    let content_type = header(CONTENT_TYPE).unwrap_or("none");
    if content_type
        .split(';')
        .next()
        .is_none_or(|essence| !essence.trim().eq_ignore_ascii_case("text/event-stream"))
    {
        return Err(Failure::Target(format!(
            "{url} is no stream of events: its content type is {content_type}, not text/event-stream"
        )));
    }
    Ok(())
}

/// What lies at the bottom of an error: "connection refused" rather than "error sending request".
fn root(error: &dyn std::error::Error) -> String {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string()
}

fn said(time: Duration) -> humantime::FormattedDuration {
    humantime::format_duration(time)
}
