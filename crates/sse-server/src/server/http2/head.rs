//! Heads of requests and answers, between the `h2` crate's types and actix's.

use std::rc::Rc;

use actix_http::header::{self, HeaderName, HeaderValue, HttpDate};
use actix_http::{HttpMessage, Method, Payload, Request, ResponseHead, Version};
use actix_web::body::BodySize;
use actix_web::http::Uri;
use http::request::Parts;

use crate::transport::Connection;

/// What the application is called with: as it would look over HTTP/1.1, with a path and a `Host`. `None` if it cannot be
/// said there.
pub(super) fn request(parts: &Parts, body: Payload, connection: Rc<Connection>) -> Option<Request> {
    let mut request = Request::with_payload(body);

    let head = request.head_mut();
    head.method = Method::from_bytes(parts.method.as_str().as_bytes()).ok()?;
    head.uri = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).parse::<Uri>().ok()?;
    head.version = Version::HTTP_2;
    head.peer_addr = connection.peer();
    for (name, value) in &parts.headers {
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
        head.headers.append(name, HeaderValue::from_bytes(value.as_bytes()).ok()?);
    }
    if let Some(authority) = parts.uri.authority() {
        head.headers.insert(header::HOST, HeaderValue::from_str(authority.as_str()).ok()?);
    }
    request.extensions_mut().insert(connection);
    Some(request)
}

/// What the client gets. Fields that are about an HTTP/1.1 connection are left out (RFC 9113 section 8.2.2).
pub(super) fn response(head: &ResponseHead, size: BodySize) -> http::Response<()> {
    let mut response = http::Response::new(());
    let status = http::StatusCode::from_u16(head.status.as_u16());
    *response.status_mut() = status.expect("a status has three digits in either type");

    let headers = response.headers_mut();
    for (name, value) in head.headers.iter().filter(|(name, _)| !is_of_http1(name)) {
        append(headers, name.as_str(), value.as_bytes());
    }
    if let BodySize::Sized(length) = size
        && head.status != 204
    {
        append(headers, "content-length", length.to_string().as_bytes());
    }
    if !headers.contains_key("date") {
        let now = HttpDate::from(std::time::SystemTime::now());
        append(headers, "date", now.to_string().as_bytes());
    }
    response
}

fn is_of_http1(name: &HeaderName) -> bool {
    // The length is said of the body itself.
    [header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::UPGRADE].contains(name)
        || ["keep-alive", "proxy-connection"].contains(&name.as_str())
}

fn append(headers: &mut http::HeaderMap, name: &str, value: &[u8]) {
    let name = http::HeaderName::from_bytes(name.as_bytes());
    let value = http::HeaderValue::from_bytes(value);
    headers.append(name.expect("valid in actix's type"), value.expect("valid in actix's type"));
}
