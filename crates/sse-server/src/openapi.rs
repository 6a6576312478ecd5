//! `GET /openapi.json`: the whole HTTP surface, described for machines (OpenAPI 3.1).
//!
//! The document is written by hand, as is the code that it describes. That the two say the same is what the tests in
//! `tests/api/openapi.rs` and the step `api` of `cargo xtask ci` are for.

use actix_web::HttpResponse;
use actix_web::http::header;

const DOCUMENT: &str = include_str!("openapi.json");

/// The same for everybody, and until the server is replaced.
pub(crate) async fn document() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        // For the pages of an API browser, and short enough that a new version is seen on the day it is rolled out.
        .insert_header((header::CACHE_CONTROL, "max-age=300"))
        .body(DOCUMENT)
}
