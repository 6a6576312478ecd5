//! Where in a request the token is: in the `Authorization` header, in a cookie, or in the URL (RFC 6750 section 2).
//!
//! A browser sends a cookie along whoever's page asks. So a cookie counts only if the page is of the server's own
//! origin or of one that is allowed by name: otherwise any site could publish in the name of its visitors. The other
//! two are sent by nobody who does not know the token.

use std::borrow::Cow;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{Method, Uri};

use super::Access;
use crate::{Problem, ProblemKind, cors, query};

/// The query parameter of RFC 6750 section 2.3.
pub(crate) const PARAMETER: &str = "access_token";

/// The one token of a request.
///
/// # Errors
///
/// Two of them, of which one would have to be ignored; or a cookie that must not be used.
pub(super) fn find<'r>(
    access: &'r Access,
    request: &'r HttpRequest,
) -> Result<Option<Cow<'r, [u8]>>, Problem> {
    let headers = request.headers();
    let cookies: Vec<_> = cookies(headers, &access.cookie).collect();
    let has_cookie = !cookies.is_empty();
    let mut tokens: Vec<Cow<'r, [u8]>> =
        bearers(headers)?.into_iter().chain(cookies).map(Cow::Borrowed).collect();
    if access.token_in_url {
        tokens.extend(
            query::values(request, PARAMETER)?.into_iter().filter(|token| !token.is_empty()).map(bytes),
        );
    }
    if tokens.len() > 1 {
        return Err(Problem::new(ProblemKind::BadRequest)
            .with_detail("a request has one token: in the Authorization header, in a cookie or in the URL"));
    }
    if has_cookie && !may_use_cookies(access, request) {
        return Err(Problem::new(ProblemKind::OriginForbidden)
            .with_detail("a cookie counts only if Origin or Referer names an origin that is allowed"));
    }
    Ok(tokens.pop())
}

/// The token of an `Authorization` header. Credentials of other kinds are for somebody else, such as a proxy.
fn bearers(headers: &HeaderMap) -> Result<Option<&[u8]>, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION);
    let value = values.next();
    if values.next().is_some() {
        return Err(
            Problem::new(ProblemKind::BadRequest).with_detail("there is more than one Authorization header")
        );
    }
    let bearer = value.map(|value| value.as_bytes().trim_ascii()).and_then(|value| {
        let (scheme, token) = value.split_at(value.iter().position(|&byte| byte == b' ')?);
        scheme.eq_ignore_ascii_case(b"bearer").then_some(token.trim_ascii_start())
    });
    Ok(bearer)
}

/// The values of all cookies of this name; one that is empty was deleted.
fn cookies<'h>(headers: &'h HeaderMap, name: &'h str) -> impl Iterator<Item = &'h [u8]> {
    let pairs = headers.get_all(header::COOKIE).flat_map(|line| line.as_bytes().split(|&byte| byte == b';'));
    pairs.filter_map(move |pair| {
        let value = pair.trim_ascii_start().strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(value.trim_ascii_end()).filter(|value| !value.is_empty())
    })
}

/// Whether the page that sent this is one that may use its visitor's cookies. `*` does not allow that: a page must be
/// named.
fn may_use_cookies(access: &Access, request: &HttpRequest) -> bool {
    let headers = request.headers();
    let is_allowed = |origin: &[u8]| cors::is_own(origin, headers) || access.origins.names(origin);
    if let Some(origin) = headers.get(header::ORIGIN) {
        return is_allowed(origin.as_bytes());
    }
    if let Some(referer) = headers.get(header::REFERER) {
        let referer = referer.to_str().ok().and_then(|referer| referer.parse::<Uri>().ok());
        let origin = referer.and_then(|uri| Some(format!("{}://{}", uri.scheme()?, uri.authority()?)));
        return origin.is_some_and(|origin| is_allowed(origin.as_bytes()));
    }
    // To read from a page's own origin, browsers do not say whose page asks. Nor do they for an image, say, on a page
    // of another; but what comes of that they do not let it read.
    matches!(*request.method(), Method::GET | Method::HEAD)
}

fn bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

#[cfg(test)]
mod tests;
