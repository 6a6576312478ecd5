//! Who may use the server from a page of another origin (Fetch standard, CORS protocol).
//!
//! A middleware of our own rather than a library's, because the policy is this small: an origin is allowed or not,
//! everything that the server has may then be used, preflights are answered with 204, and nothing is ever an error
//! (the browser blocks what was not allowed).

use actix_web::Error;
use actix_web::HttpResponse;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;

use crate::Hub;
use crate::config::AllowedOrigins;

const METHODS: &str = "GET, HEAD, POST, DELETE, OPTIONS";
const REQUEST_HEADERS: &str = "authorization, cache-control, content-type, idempotency-key, last-event-id";
const RESPONSE_HEADERS: &str = "last-event-id, retry-after";
/// How long a browser may remember a preflight: Chromium's own maximum, two hours, in seconds.
const MAX_AGE: &str = "7200";

/// Adds to every answer what the origin of its request may know. Does nothing when no origin was configured.
pub(crate) async fn cors<B: MessageBody>(
    hub: Data<Hub>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let origins = &hub.config().allow_origins;
    if *origins == AllowedOrigins::None {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let origin = request.headers().get(header::ORIGIN).cloned();
    let allowed = origin.filter(|origin| origins.allows(origin.as_bytes()));
    let preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if preflight {
        request.into_response(HttpResponse::NoContent().finish()).map_into_right_body()
    } else {
        next.call(request).await?.map_into_left_body()
    };
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
