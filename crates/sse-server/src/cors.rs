//! Who may use the server from a page of another origin (Fetch standard, CORS protocol).
//!
//! A middleware of our own rather than a library's, because the policy is this small: an origin is allowed or not,
//! everything that the server has may then be used, preflights are answered with 204, and reading is never an error
//! (the browser keeps from the page what was not allowed).
//!
//! Writing is: a browser sends a simple `POST` for any page, and only keeps the answer from it. Without a check any site
//! that a developer visits could publish to the server on the same machine.

use actix_web::Error;
use actix_web::HttpResponse;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;

use crate::config::AllowedOrigins;
use crate::{Hub, Problem, ProblemKind};

const METHODS: &str = "GET, HEAD, POST, DELETE, OPTIONS";
const REQUEST_HEADERS: &str = "authorization, cache-control, content-type, idempotency-key, last-event-id";
const RESPONSE_HEADERS: &str = "last-event-id, retry-after";
/// How long a browser may remember a preflight: Chromium's own maximum, two hours, in seconds.
const MAX_AGE: &str = "7200";

/// Refuses what a page may not do, and adds to every other answer what it may know.
pub(crate) async fn cors<B: MessageBody>(
    hub: Data<Hub>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let origins = &hub.config().allow_origins;
    let origin = request.headers().get(header::ORIGIN).cloned();
    let allowed = origin.filter(|origin| origins.allows(origin.as_bytes()));
    let preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if writes_from_elsewhere(&request, origins) {
        request.error_response(Problem::new(ProblemKind::OriginForbidden)).map_into_right_body()
    } else if preflight && *origins != AllowedOrigins::None {
        request.into_response(HttpResponse::NoContent().finish()).map_into_right_body()
    } else {
        next.call(request).await?.map_into_left_body()
    };
    if *origins == AllowedOrigins::None {
        return Ok(response);
    }
    let headers = response.headers_mut();
    if preflight {
        add_preflight(headers, allowed.is_some());
    }
    match origins {
        // The answer is the same for everybody: caches need not tell origins apart.
        AllowedOrigins::Any => set(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        _ => {
            headers.append(header::VARY, HeaderValue::from_static("origin"));
            if let Some(origin) = allowed.clone() {
                headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
                set(headers, header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
            }
        }
    }
    if allowed.is_some() {
        set(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, RESPONSE_HEADERS);
    }
    Ok(response)
}

/// Whether a page of another origin, which is not allowed, wants to change something. Programs send no `Origin`.
fn writes_from_elsewhere(request: &ServiceRequest, origins: &AllowedOrigins) -> bool {
    let Some(origin) = request.headers().get(header::ORIGIN) else { return false };
    let origin = origin.as_bytes();
    let writes = *request.method() == Method::POST || *request.method() == Method::DELETE;
    writes && !is_own(origin, request.headers()) && !origins.allows(origin)
}

/// Whether this is the server's own origin, as far as the request's `Host` says what that is.
pub(crate) fn is_own(origin: &[u8], headers: &HeaderMap) -> bool {
    // The scheme is not compared: behind a proxy that speaks TLS, ours is another than the page's.
    let host = [&b"http://"[..], b"https://"].iter().find_map(|scheme| origin.strip_prefix(*scheme));
    host.is_some() && host == headers.get(header::HOST).map(HeaderValue::as_bytes)
}

fn add_preflight(headers: &mut HeaderMap, allowed: bool) {
    headers.append(
        header::VARY,
        HeaderValue::from_static("access-control-request-method, access-control-request-headers"),
    );
    if allowed {
        set(headers, header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        set(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
        set(headers, header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    }
}

fn set(headers: &mut HeaderMap, name: header::HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}
