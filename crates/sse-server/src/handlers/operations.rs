//! What operators and their machines ask: is it alive, is it ready; and `OPTIONS`.

use std::future::{Ready, ready};

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;

use crate::{Hub, Problem, ProblemKind};

/// The process answers.
pub(crate) async fn is_live() -> HttpResponse {
    text("ok\n")
}

/// The process wants more work: 503 once it drains, and while it has as many streams as it may have, or no memory left for
/// events.
pub(crate) async fn is_ready(hub: Data<Hub>) -> Result<HttpResponse, Problem> {
    if hub.is_draining() {
        return Err(Problem::new(ProblemKind::ShuttingDown).with_retry_after(hub.retry()));
    }
    if hub.is_full() || hub.is_short_of_memory() {
        return Err(Problem::new(ProblemKind::Overloaded).with_retry_after(hub.retry()));
    }
    Ok(text("ready\n"))
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
