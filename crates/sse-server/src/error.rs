//! Every error that the server answers, as `application/problem+json` (RFC 9457).
//!
//! [`ProblemKind`] is the complete list: status, stable `type`, title. A [`Problem`] is one of them with what
//! is particular to the case. What a client sent is never repeated in it: an echo is how an error page becomes
//! an injection.
//!
//! Not here: the bare 400, 408 and 431 that actix-http and the transport answer to what is not a request.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::http::{StatusCode, header};
use actix_web::web::{PathConfig, QueryConfig, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Responder, ResponseError};
use serde::Serialize;

mod kind;

pub use self::kind::ProblemKind;

/// An error answer. Works as the `Err` of a handler and as a response of its own.
///
/// ```
/// use sse_server::{Problem, ProblemKind};
///
/// let problem = Problem::new(ProblemKind::EventTooLarge).with_detail("an event may have 1048576 bytes");
/// assert_eq!(problem.kind().status(), 413);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    kind: ProblemKind,
    detail: Option<Cow<'static, str>>,
    allow: Option<&'static str>,
    retry_after: Option<Duration>,
}

impl Problem {
    /// A problem with nothing to add to its kind.
    pub fn new(kind: ProblemKind) -> Self {
        Self { kind, detail: None, allow: None, retry_after: None }
    }

    /// Says what would be right, in a sentence for people. Must not contain anything that a client sent.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds `Allow`: the methods that this resource has, as in `GET, HEAD`.
    #[must_use]
    pub fn with_allow(mut self, methods: &'static str) -> Self {
        self.allow = Some(methods);
        self
    }

    /// Adds `Retry-After`, in whole seconds, rounded up. Jitter is the caller's: clients that are told the same
    /// come back together.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The sentence for people, if there is one.
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// Which of the problems this is.
    pub fn kind(&self) -> ProblemKind {
        self.kind
    }
}

impl From<ProblemKind> for Problem {
    fn from(kind: ProblemKind) -> Self {
        Self::new(kind)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.detail {
            Some(detail) => write!(f, "{}: {detail}", self.kind.title()),
            None => f.write_str(self.kind.title()),
        }
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.kind.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.kind.status());
        // Proxies may otherwise keep a 404 or 405 for as long as they like (RFC 9111 section 4.2.2).
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        if self.kind == ProblemKind::NotAcceptable {
            response.insert_header((header::VARY, "accept"));
        }
        if let Some(challenge) = challenge(self.kind) {
            response.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        if let Some(methods) = self.allow {
            response.insert_header((header::ALLOW, methods));
        }
        if let Some(wait) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, wait.as_secs_f64().ceil() as u64));
        }
        let body = Body {
            kind: self.kind.type_uri(),
            title: self.kind.title(),
            status: self.kind.status().as_u16(),
            detail: self.detail.as_deref(),
        };
        response.body(serde_json::to_string(&body).expect("strings and a number are always valid JSON"))
    }
}

impl Responder for Problem {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.error_response()
    }
}

/// What a token would have to be like (RFC 6750 section 3). Where there was none, there is no error to speak of.
fn challenge(kind: ProblemKind) -> Option<&'static str> {
    match kind {
        ProblemKind::NotGranted => Some(r#"Bearer realm="sse", error="insufficient_scope""#),
        ProblemKind::TokenExpired | ProblemKind::TokenInvalid => {
            Some(r#"Bearer realm="sse", error="invalid_token""#)
        }
        ProblemKind::TokenMissing => Some(r#"Bearer realm="sse""#),
        _ => None,
    }
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

/// Handler for paths that do not exist: `config.default_service(web::to(error::not_found))`.
pub async fn not_found() -> Problem {
    Problem::new(ProblemKind::NotFound)
}

/// Handler for methods that a resource does not have:
/// `resource.default_service(web::to(error::method_not_allowed("GET, HEAD")))`.
///
/// actix answers 404 on its own, and 405 without `Allow` in some arrangements of routes; RFC 9110 section
/// 15.5.6 wants it.
pub fn method_not_allowed(allow: &'static str) -> impl Fn() -> std::future::Ready<Problem> + Clone + 'static {
    move || std::future::ready(Problem::new(ProblemKind::MethodNotAllowed).with_allow(allow))
}

/// Makes actix's own path and query extractors answer problems too.
pub fn extractors(config: &mut ServiceConfig) {
    config.app_data(PathConfig::default().error_handler(|_, _| {
        Problem::new(ProblemKind::InvalidTopic).with_detail("the path cannot be decoded").into()
    }));
    config.app_data(QueryConfig::default().error_handler(|_, _| {
        Problem::new(ProblemKind::InvalidQuery).with_detail("the query cannot be decoded").into()
    }));
}

#[cfg(test)]
mod tests {
    use actix_web::http::Method;
    use actix_web::{App, body, test, web};

    use super::*;

    async fn json(response: HttpResponse) -> serde_json::Value {
        let bytes = body::to_bytes(response.into_body()).await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[actix_web::test]
    async fn a_problem_is_json_with_a_stable_type() {
        let response = Problem::new(ProblemKind::TopicEnded).with_detail("it's \"over\"").error_response();
        assert_eq!(response.status(), 409);
        assert_eq!(response.headers().get(header::CONTENT_TYPE).unwrap(), "application/problem+json");
        assert_eq!(response.headers().get(header::CACHE_CONTROL).unwrap(), "no-store");
        let expected = serde_json::json!({
            "type": "/problems/topic-ended",
            "title": "The topic has ended",
            "status": 409,
            "detail": "it's \"over\"",
        });
        assert_eq!(json(response).await, expected);
    }

    #[actix_web::test]
    async fn detail_is_left_out_if_there_is_none() {
        let body = json(Problem::new(ProblemKind::NotFound).error_response()).await;
        assert!(body.get("detail").is_none(), "{body}");
    }

    #[actix_web::test]
    async fn retry_after_is_rounded_up_to_seconds() {
        let wait = Duration::from_millis(1001);
        let response = Problem::new(ProblemKind::ShuttingDown).with_retry_after(wait).error_response();
        assert_eq!(response.headers().get(header::RETRY_AFTER).unwrap(), "2");
    }

    #[actix_web::test]
    async fn what_actix_would_answer_itself_is_a_problem() {
        let item = web::resource("/item/{number}")
            .route(web::get().to(|_: web::Path<u8>, _: web::Query<Vec<(String, u8)>>| async { "" }))
            .default_service(web::to(method_not_allowed("GET")));
        let app = App::new().configure(extractors).service(item).default_service(web::to(not_found));
        let app = test::init_service(app).await;

        for (method, target, status, slug) in [
            (Method::GET, "/nowhere", 404, "not-found"),
            (Method::PATCH, "/item/1", 405, "method-not-allowed"),
            (Method::GET, "/item/%FF", 400, "invalid-topic"),
            (Method::GET, "/item/1?a=b", 400, "invalid-query"),
        ] {
            let request = test::TestRequest::with_uri(target).method(method).to_request();
            let response = test::call_service(&app, request).await;
            assert_eq!(response.status(), status, "{target}");
            assert_eq!(response.headers().contains_key(header::ALLOW), status == 405, "{target}");
            let body: serde_json::Value = test::read_body_json(response).await;
            assert_eq!(body["type"], format!("/problems/{slug}"), "{target}");
        }
    }
}
