//! What operators and their machines ask: is it alive, is it ready, what has it done; and `OPTIONS`.

use std::fmt::Write;
use std::future::{Ready, ready};

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;

use crate::{Hub, Problem, ProblemKind};

/// The process answers.
pub(crate) async fn is_live() -> HttpResponse {
    text("ok\n")
}

/// The process wants more work: 503 once it drains.
pub(crate) async fn is_ready(hub: Data<Hub>) -> Result<HttpResponse, Problem> {
    if hub.is_draining() {
        return Err(Problem::new(ProblemKind::ShuttingDown).with_retry_after(hub.retry()));
    }
    Ok(text("ready\n"))
}

/// Counters in Prometheus' text format. No label names a topic or a client: there may be any number of them.
pub(crate) async fn metrics(hub: Data<Hub>) -> HttpResponse {
    let stats = hub.broadcaster().stats();
    let mut page = String::new();
    for (name, kind, help, value) in [
        ("sse_topics", "gauge", "Topics that exist.", stats.topics as u64),
        ("sse_subscribers", "gauge", "Open subscriptions.", stats.subscribers as u64),
        ("sse_retained_bytes", "gauge", "Bytes of events that all topics retain.", stats.retained_bytes),
        ("sse_events_published_total", "counter", "Events published.", stats.published),
        (
            "sse_events_delivered_total",
            "counter",
            "Events given to subscribers' connections.",
            stats.delivered,
        ),
        ("sse_runs_delivered_total", "counter", "Pieces in which they were given.", stats.runs),
        ("sse_gaps_total", "counter", "Gaps announced to subscribers.", stats.lagged),
        ("sse_draining", "gauge", "1 while the server drains.", u64::from(hub.is_draining())),
    ] {
        writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}")
            .expect("a String takes every write");
    }
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(page)
}

/// `OPTIONS` that is no preflight, or whose origin was not configured: what the resource has.
pub(crate) fn options(allow: &'static str) -> impl Fn() -> Ready<HttpResponse> + Clone + 'static {
    move || ready(HttpResponse::NoContent().insert_header((header::ALLOW, allow)).finish())
}

fn text(body: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body)
}
